"""Rows to queues: in order of time, the gaps filled with ``nop``.

A row is one statement in a queue at a cycle, from whatever level of the language. Two rows in one slot of a queue are
an error that names both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lpuasm.asm.problems import Problems
from lpuasm.asm.syntax import Statement
from lpuasm.isa.core import table
from lpuasm.isa.errors import Diagnostic, Related
from lpuasm.isa.target import Queue, Target
from lpuasm.isa.timeline import Words

MAX_CYCLE = 1 << 32
"""The last cycle that a line can name: more than four seconds."""
_LOW = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Row:
    """A statement as words in a queue: the instruction, the ``repeat`` after it (0: none), and for how many cycles they
    hold the queue. ``flow`` is the number of its flow, −1 for none."""

    queue: Queue
    cycle: int
    word: int
    repeat: int
    hold: int
    statement: Statement
    flow: int = -1


@dataclass(frozen=True)
class Filled:
    """The words of one queue. ``row``: for each word the number of its row (a nop has that of the row after it),
    ``at``: for each row the number of its instruction word."""

    queue: Queue
    words: Words
    rows: Sequence[Row]
    row: NDArray[np.int64]
    at: NDArray[np.int64]


def merge(rows: Iterable[Row], target: Target, problems: Problems, notified: Sequence[int] = ()) -> list[Filled]:
    """The queues of ``rows``, in the order of their numbers. ``notified``: arrivals of notifications from elsewhere."""
    by_queue: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        by_queue[row.queue.number].append(row)
    holds = _waits([row for queue in by_queue.values() for row in queue], target, notified, problems)
    filled = []
    for _, own in sorted(by_queue.items()):
        own.sort(key=lambda row: row.cycle)
        hold = [holds.get(id(row), row.hold) for row in own] if holds else [row.hold for row in own]
        if _conflicts(own, hold, problems):
            continue
        filled.append(_fill(own, hold, target))
    return filled


def _fill(rows: list[Row], hold: list[int], target: Target) -> Filled:
    nop = table(target).named("nop")[0]
    count = nop.operand["count"]
    least, most = count.attributes["least"], count.attributes["most"]
    assert isinstance(least, int) and isinstance(most, int)
    cycle = np.array([row.cycle for row in rows], np.int64)
    end = cycle + np.array(hold, np.int64)
    gap = cycle - np.concatenate(([0], end[:-1]))
    nops = -(-gap // most)
    repeats = np.array([row.repeat != 0 for row in rows])
    lengths = nops + 1 + repeats
    begin = np.concatenate(([0], np.cumsum(lengths)[:-1]))
    at = begin + nops
    words = np.zeros((int(lengths.sum()), 2), np.uint64)
    words[:, 0] = nop.encode({"count": most})
    last = at[nops > 0] - 1
    rest = (gap - (nops - 1) * most - least)[nops > 0].astype(np.uint64)
    words[last, 0] = np.uint64(nop.opcode) | rest << np.uint64(count.at)
    words[at] = halves([row.word for row in rows])
    words[at[repeats] + 1] = halves([row.repeat for row in rows if row.repeat])
    return Filled(rows[0].queue, words, rows, np.repeat(np.arange(len(rows)), lengths), at)


def halves(words: list[int]) -> Words:
    """Words of 128 bits as [n, 2], the low half first."""
    return np.array([(word & _LOW, word >> 64) for word in words], np.uint64).reshape(-1, 2)


# Slots of a queue


def _conflicts(rows: list[Row], hold: list[int], problems: Problems) -> bool:
    """Reports every row that begins while its queue is held."""
    found = False
    end, holder = 0, -1
    for k, row in enumerate(rows):
        if row.cycle < end:
            problems.add(_conflict(rows, hold, holder, k))
            found = True
        if row.cycle + hold[k] > end:
            end, holder = row.cycle + hold[k], k
    return found


def _conflict(rows: list[Row], hold: list[int], first: int, second: int) -> Diagnostic:
    row, other = rows[second], rows[first]
    until = other.cycle + hold[first] - 1
    held = f"until cycle {until}" if until > other.cycle else f"in cycle {until}"
    message = f"{row.queue.name} is not free in cycle {row.cycle}: `{other.statement.mnemonic}` holds it {held}"
    related = (Related(f"this one dispatches in cycle {other.cycle}", other.statement.span),)
    free = _nearest(rows, hold, second)
    help_ = f"the nearest cycle in which it is free is {free}"
    return row.statement.error("LPU0306", message, label="no slot for this one", related=related, help=help_)


def _nearest(rows: list[Row], hold: list[int], which: int) -> int:
    """The cycle nearest to that of a row in which the queue is free for it, the other rows staying where they are."""
    spans = sorted((r.cycle, r.cycle + hold[k]) for k, r in enumerate(rows) if k != which)
    wanted, length = rows[which].cycle, hold[which]
    candidates, free = [], 0
    for begin, end in spans:
        if begin - free >= length:
            candidates.append(min(max(wanted, free), begin - length))
        free = max(free, end)
    candidates.append(max(wanted, free))
    return min(candidates, key=lambda cycle: (abs(cycle - wanted), cycle))


# Words that wait


def _waits(rows: list[Row], target: Target, notified: Sequence[int], problems: Problems) -> dict[int, int]:
    """For how long each `sync` and `deskew` among the rows holds its queue, by the identity of the row."""
    waiting = [row for row in rows if row.statement.mnemonic in ("sync", "deskew")]
    if not waiting:
        return {}
    latency = {"notify": target.barrier.latency, "transmit": target.c2c.latency + target.barrier.latency}
    own = [row.cycle + latency[m] for row in rows if (m := row.statement.mnemonic) in latency]
    arrivals = sorted([*own, *notified])
    last = {row.queue.number: row.cycle for row in sorted(rows, key=lambda row: row.cycle)}
    holds: dict[int, int] = {}
    for row in waiting:
        if row.statement.mnemonic == "deskew":
            period = target.c2c.hac_period
            holds[id(row)] = (row.cycle // period + 1) * period - row.cycle
            continue
        release = next((cycle for cycle in arrivals if cycle > row.cycle), None)
        if release is not None:
            holds[id(row)] = release - row.cycle
        elif last[row.queue.number] > row.cycle:
            message = "no notification ever releases this sync, and lines follow it"
            help_ = f"put a `notify` at cycle {max(0, row.cycle + 1 - latency['notify'])} or later"
            problems.add(row.statement.error("LPU0309", message, help=help_))
    return holds
