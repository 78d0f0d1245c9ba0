"""Rows to queues: in order of time, the gaps filled with ``nop``.

Two rows in one slot of a queue are an error that names both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpuasm.asm.problems import Problems
from lpuasm.asm.rows import Row, Rows, Run, in_order
from lpuasm.asm.spare import spare
from lpuasm.isa.core import table
from lpuasm.isa.errors import Diagnostic, Related
from lpuasm.isa.program import PLACE_COLUMNS
from lpuasm.isa.target import Queue, Target
from lpuasm.isa.timeline import Words

_LOW = (1 << 64) - 1


@dataclass(frozen=True)
class Filled:
    """The words of one queue. ``row``: for each word the number of its row (a nop has that of the row after it),
    ``at``: for each row the number of its instruction word. ``places`` are those of the rows, as the columns of a
    program's; their files count in ``files``."""

    queue: Queue
    words: Words
    rows: Sequence[Row]
    row: NDArray[np.int64]
    at: NDArray[np.int64]
    places: NDArray[np.int32]
    files: tuple[str, ...]


def merge(
    rows: Iterable[Row], target: Target, problems: Problems, notified: Sequence[int] = (), runs: Sequence[Run] = ()
) -> list[Filled]:
    """The queues of ``rows`` and ``runs``, in the order of their numbers. ``notified``: arrivals of notifications from
    elsewhere."""
    by_queue: dict[int, list[Row | Run]] = defaultdict(list)
    for item in in_order(list(rows), runs):
        by_queue[item.queue.number].append(item)
    holds = _waits([item for queue in by_queue.values() for item in queue], target, notified, problems)
    found = {own[0].queue.name: columns(own, holds) for _, own in sorted(by_queue.items())}

    def elsewhere(row: Row, hold: int) -> str:
        """A slice that nothing holds while a row would, instead of the row's own."""
        definition = table(target).find(row.queue.kind, row.statement.mnemonic)
        if definition is None or definition.unit != "mem":
            return ""

        def free(name: str) -> bool:
            other = found.get(name)
            return other is None or not _held(other, row.cycle, row.cycle + hold)

        return spare(target, row.queue.name, free)

    legal = [name for name, own in found.items() if not _conflicts(own, problems, elsewhere)]
    return [_fill(target.queue[name], found[name], target) for name in legal]


@dataclass(frozen=True)
class Columns:
    """The rows of a queue in order of time; ``places`` with the numbers of ``files``."""

    rows: Sequence[Row]
    cycle: NDArray[np.int64]
    hold: NDArray[np.int64]
    words: Words
    repeats: Words
    places: NDArray[np.int32]
    files: tuple[str, ...]


def columns(items: Sequence[Row | Run], holds: Mapping[int, int] = MappingProxyType({})) -> Columns:
    """The rows of a queue; ``holds``: for how long some of them hold it, by the identity of the row."""
    files: dict[str, int] = {}
    parts: list[tuple[NDArray[Any], ...]] = []
    for of_rows, group in groupby(items, lambda item: isinstance(item, Row)):
        if of_rows:
            rows = [item for item in group if isinstance(item, Row)]
            spans = [row.statement.span for row in rows]
            places = [
                (files.setdefault(span.file, len(files)), span.line, span.column, row.flow)
                for row, span in zip(rows, spans, strict=True)
            ]
            parts.append(
                (
                    np.array([row.cycle for row in rows], np.int64),
                    np.array([holds.get(id(row), row.hold) for row in rows], np.int64),
                    halves([row.word for row in rows]),
                    halves([row.repeat for row in rows]),
                    np.array(places, np.int32),
                )
            )
            continue
        for run in group:
            assert isinstance(run, Run)
            where = np.full((len(run), len(PLACE_COLUMNS)), -1, np.int32)
            where[:, 0] = files.setdefault(run.file, len(files))
            where[:, 1], where[:, 2] = run.line + 1, run.column
            parts.append((run.cycle, run.hold, run.words, run.repeats, where))
    joined = parts[0] if len(parts) == 1 else tuple(np.concatenate(part) for part in zip(*parts, strict=True))
    order = None
    if (joined[0][1:] < joined[0][:-1]).any():
        order = np.argsort(joined[0], kind="stable")
        joined = tuple(part[order] for part in joined)
    cycle, hold, words, repeats, where = joined
    return Columns(Rows(items, order), cycle, hold, words, repeats, where, tuple(files))


def _fill(queue: Queue, own: Columns, target: Target) -> Filled:
    nop = table(target).named("nop")[0]
    count = nop.operand["count"]
    least, most = count.attributes["least"], count.attributes["most"]
    assert isinstance(least, int) and isinstance(most, int)
    end = own.cycle + own.hold
    gap = own.cycle - np.concatenate(([0], end[:-1]))
    nops = -(-gap // most)
    repeats = own.repeats.any(axis=1)
    lengths = nops + 1 + repeats
    begin = np.concatenate(([0], np.cumsum(lengths)[:-1]))
    at = begin + nops
    words = np.zeros((int(lengths.sum()), 2), np.uint64)
    words[:, 0] = nop.encode({"count": most})
    last = at[nops > 0] - 1
    rest = (gap - (nops - 1) * most - least)[nops > 0].astype(np.uint64)
    words[last, 0] = np.uint64(nop.opcode) | rest << np.uint64(count.at)
    words[at] = own.words
    words[at[repeats] + 1] = own.repeats[repeats]
    return Filled(queue, words, own.rows, np.repeat(np.arange(len(lengths)), lengths), at, own.places, own.files)


def halves(words: list[int]) -> Words:
    """Words of 128 bits as [n, 2], the low half first."""
    return np.array([(word & _LOW, word >> 64) for word in words], np.uint64).reshape(-1, 2)


# Slots of a queue


def _held(own: Columns, begin: int, end: int) -> bool:
    """Whether a row holds the queue in one of the cycles ``begin`` … ``end`` − 1."""
    return bool(((own.cycle < end) & (own.cycle + own.hold > begin)).any())


def _conflicts(own: Columns, problems: Problems, elsewhere: Callable[[Row, int], str]) -> bool:
    """Reports every row that begins while its queue is held."""
    ends = np.maximum.accumulate(own.cycle + own.hold)
    if not (own.cycle[1:] < ends[:-1]).any():
        return False
    rows, hold = list(own.rows), own.hold.tolist()
    end, holder = 0, -1
    for k, row in enumerate(rows):
        if row.cycle < end:
            problems.add(_conflict(rows, hold, holder, k, elsewhere(row, hold[k])))
        if row.cycle + hold[k] > end:
            end, holder = row.cycle + hold[k], k
    return True


def _conflict(rows: list[Row], hold: list[int], first: int, second: int, free_slice: str) -> Diagnostic:
    row, other = rows[second], rows[first]
    until = other.cycle + hold[first] - 1
    held = f"until cycle {until}" if until > other.cycle else f"in cycle {until}"
    message = f"{row.queue.name} is not free in cycle {row.cycle}: `{other.statement.mnemonic}` holds it {held}"
    related = (Related(f"this one dispatches in cycle {other.cycle}", other.statement.span),)
    free = _nearest(rows, hold, second)
    help_ = f"the nearest cycle in which it is free is {free}"
    help_ += f"; slice {free_slice} is free in cycle {row.cycle}" if free_slice else ""
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


def _waits(items: list[Row | Run], target: Target, notified: Sequence[int], problems: Problems) -> dict[int, int]:
    """For how long each `sync` and `deskew` among the rows holds its queue, by the identity of the row."""
    rows = [item for item in items if isinstance(item, Row)]
    waiting = [row for row in rows if row.statement.mnemonic in ("sync", "deskew")]
    if not waiting:
        return {}
    latency = {"notify": target.barrier.latency, "transmit": target.c2c.latency + target.barrier.latency}
    own = [row.cycle + latency[m] for row in rows if (m := row.statement.mnemonic) in latency]
    arrivals = sorted([*own, *notified])
    last: dict[int, int] = {}
    for item in items:
        cycle = item.cycle if isinstance(item, Row) else int(item.cycle.max())
        last[item.queue.number] = max(cycle, last.get(item.queue.number, 0))
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
