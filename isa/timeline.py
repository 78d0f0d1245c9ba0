"""Queues in time: when every word dispatches.

A queue is a list of words; what each holds says when the next may go. The
result is a table of *families*: an instruction word with all its issues, which
are a nest of up to three dimensions from its start. Issues are never listed
one by one. All cycles are those of superlane 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.core import Definition, Table, table
from lpuasm.isa.target import Queue, Target

Words = NDArray[np.uint64]
DIMENSIONS = 3


@dataclass(frozen=True, slots=True)
class Stuck:
    """A queue that cannot go on: the number of its word, the cycle, and why."""

    queue: Queue
    word: int
    cycle: int
    code: str
    message: str


@dataclass(frozen=True)
class Timeline:
    """The families of a program, in the order of queues and words.

    ``queue``: number of the queue; ``word``: index in it; ``low``, ``high``: the instruction word; ``start``: cycle of
    the first dispatch; ``count``, ``every``, ``step``: [n, 3], innermost dimension first, neutral (1, 0, 0).
    """

    target: Target
    queue: NDArray[np.int32]
    word: NDArray[np.int32]
    low: NDArray[np.uint64]
    high: NDArray[np.uint64]
    start: NDArray[np.int64]
    count: NDArray[np.int64]
    every: NDArray[np.int64]
    step: NDArray[np.int64]
    stuck: tuple[Stuck, ...]

    @property
    def opcode(self) -> NDArray[np.uint8]:
        return (self.low & np.uint64(0xFF)).astype(np.uint8)

    @property
    def last(self) -> NDArray[np.int64]:
        """The cycle of the last dispatch of each family."""
        return np.asarray(self.start + ((self.count - 1) * self.every).sum(axis=1))

    @property
    def issues(self) -> NDArray[np.int64]:
        """How often each family issues."""
        return np.asarray(self.count.prod(axis=1))

    def cycles(self) -> int:
        """Cycles from 0 to the last commit in the last superlane, that cycle included; 0 for an empty program."""
        instructions = table(self.target)
        last, opcode = self.last, self.opcode
        end = 0
        for code in np.unique(opcode):
            timing = instructions.by_opcode[int(code)].timing
            end = max(end, int(last[opcode == code].max()) + max(timing.func, timing.skew) + 1)
        return end + self.target.geometry.superlanes - 1 if len(last) else 0


def field(words: Words, low: int, width: int) -> NDArray[np.int64]:
    """The bit field of ``width`` ≤ 40 bits at ``low`` of words [n, 2], as integers."""
    one, shift = (words[:, 0], low) if low < 64 else (words[:, 1], low - 64)
    value = one >> np.uint64(shift)
    if shift + width > 64:
        value = value | words[:, 1] << np.uint64(64 - shift)
    return (value & np.uint64((1 << width) - 1)).astype(np.int64)


def dims(words: Words, definition: Definition, name: str) -> tuple[NDArray[np.int64], ...]:
    """(count, every, step), each [n, 3], of the nest that operand ``name`` of ``definition`` states."""
    bits = {b.name: b for b in definition.bits}
    columns: dict[str, list[NDArray[np.int64]]] = {"count": [], "every": [], "step": []}
    for k in range(DIMENSIONS):
        for part, column in columns.items():
            b = bits[f"{name}.{part}{k}"]
            value = field(words, b.low, b.width)
            if part == "step":
                value = np.where(value >> (b.width - 1), value - (1 << b.width), value)
            column.append(value + 1 if part == "count" else value)
    return tuple(np.stack(c, axis=1) for c in columns.values())


def expand(target: Target, queues: Mapping[str, Words]) -> Timeline:
    """The timeline of the queues of a program. Words are taken to be valid encodings.

    A queue that cannot go on (a `sync` that nothing releases, a `repeat` with nothing to repeat) is in ``stuck`` and
    ends there.
    """
    instructions = table(target)
    parts = [_Queue(target, instructions, target.queue[name], words) for name, words in queues.items() if len(words)]
    parts.sort(key=lambda part: part.queue.number)
    _release(target, parts)
    columns = zip(*(part.families() for part in parts), strict=True) if parts else zip(_no_families(), strict=True)
    queue, word, low, high, start, count, every, step = map(np.concatenate, columns)
    stuck = tuple(s for part in parts for s in part.stuck())
    return Timeline(target, queue, word, low, high, start, count, every, step, stuck)


def _no_families() -> tuple[NDArray[Any], ...]:
    halves, cycles, nest = np.zeros(0, np.uint64), np.zeros(0, np.int64), np.zeros((0, DIMENSIONS), np.int64)
    return (np.zeros(0, np.int32), np.zeros(0, np.int32), halves, halves, cycles, nest, nest, nest)


class _Queue:
    """One queue on its way through time. ``start`` is the dispatch cycle of each word up to the wait that it is at."""

    def __init__(self, target: Target, instructions: Table, queue: Queue, words: Words) -> None:
        self.target, self.queue, self.words = target, queue, words
        opcode = (words[:, 0] & np.uint64(0xFF)).astype(np.int64)
        of = {d.mnemonic: d for d in instructions if "c2c" in d.queues}
        self.nop, self.repeat = opcode == of["nop"].opcode, opcode == of["repeat"].opcode
        self.sync, self.deskew = opcode == of["sync"].opcode, opcode == of["deskew"].opcode
        latency = np.zeros(256, np.int64)
        latency[of["notify"].opcode] = target.barrier.latency
        latency[of["transmit"].opcode] = target.c2c.latency + target.barrier.latency
        self.signals = np.flatnonzero(latency[opcode])
        self.latency = latency[opcode[self.signals]]
        self.opcode = opcode
        n = len(words)
        self.count = np.ones((n, DIMENSIONS), np.int64)
        self.every, self.step = np.zeros((n, DIMENSIONS), np.int64), np.zeros((n, DIMENSIONS), np.int64)
        occupied = np.ones(n, np.int64)
        if self.nop.any():
            b = of["nop"].bits[1]
            occupied[self.nop] = field(words[self.nop], b.low, b.width) + 1
        if self.repeat.any():
            nest = dims(words[self.repeat], of["repeat"], "repeat")
            self.count[self.repeat], self.every[self.repeat], self.step[self.repeat] = nest
            occupied[self.repeat] = ((nest[0] - 1) * nest[1]).sum(axis=1)
        self._own_dims(instructions)
        self.occupied = occupied
        self.start = np.concatenate(([0], np.cumsum(occupied)))[:-1]
        self.end = self._first_bad_repeat(instructions)
        waits = np.flatnonzero(self.sync | self.deskew)
        self.waits = [int(w) for w in waits if w < self.end]
        self.at, self.delay = 0, 0

    def _own_dims(self, instructions: Table) -> None:
        for code in np.unique(self.opcode):
            definition = instructions.by_opcode[int(code)]
            if "repeat" in definition.operand and definition.operand["repeat"].role == "clause":
                rows = self.opcode == code
                self.count[rows], self.every[rows], self.step[rows] = dims(self.words[rows], definition, "repeat")

    def _first_bad_repeat(self, instructions: Table) -> int:
        """The first `repeat` that may not stand where it does, for the queue ends there; else the number of words."""
        rows = np.flatnonzero(self.repeat)
        if not len(rows):
            return len(self.words)
        repeatable = np.array(
            [
                (d := instructions.by_opcode.get(code)) is not None
                and d.unit != "icu"
                and d.mnemonic not in ("deskew", "transmit")
                and "repeat" not in d.operand
                for code in range(256)
            ]
        )
        steps = np.array([bool((d := instructions.by_opcode.get(c)) and d.steps) for c in range(256)])
        before = self.opcode[rows - 1]
        bad = (rows == 0) | ~repeatable[before] | ((self.step[rows] != 0).any(axis=1) & ~steps[before])
        return int(rows[np.argmax(bad)]) if bad.any() else len(self.words)

    @property
    def waiting(self) -> int | None:
        """The cycle in which the queue came to the wait that it is at; None when it has run to its end."""
        return int(self.start[self.waits[self.at]]) if self.at < len(self.waits) else None

    def resume(self, cycle: int) -> None:
        """Lets the word after the current wait dispatch in ``cycle``."""
        word = self.waits[self.at]
        self.delay += cycle - (int(self.start[word]) + 1)
        self.at += 1
        end = self.waits[self.at] + 1 if self.at < len(self.waits) else len(self.start)
        self.start[word + 1 : end] += self.delay

    def stuck(self) -> list[Stuck]:
        """Why the queue does not come to its end, if it does not."""
        if self.at < len(self.waits):
            word, code, message = self.waits[self.at], "LPU0309", "no notification ever releases this sync"
        elif self.end < len(self.words):
            word, code = self.end, "LPU0305"
            message = "there is no instruction before it that can be repeated so"
        else:
            return []
        return [Stuck(self.queue, word, int(self.start[word]), code, message)]

    def emitted(self, begin: int) -> list[int]:
        """Arrival cycles of the notifications of the words from ``begin`` to the current wait."""
        end = self.waits[self.at] if self.at < len(self.waits) else self.end
        first, last = np.searchsorted(self.signals, (begin, end))
        arrivals: list[int] = (self.start[self.signals[first:last]] + self.latency[first:last]).tolist()
        return arrivals

    def families(self) -> tuple[NDArray[Any], ...]:
        """The columns of the timeline that this queue adds."""
        end = self.waits[self.at] + 1 if self.at < len(self.waits) else self.end
        rows = np.flatnonzero(~(self.nop | self.repeat)[:end])
        follows = np.zeros(end, bool)
        follows[:-1] = self.repeat[1:end]
        source = np.where(follows[rows], rows + 1, rows)
        return (
            np.full(len(rows), self.queue.number, np.int32),
            rows.astype(np.int32),
            self.words[rows, 0],
            self.words[rows, 1],
            self.start[rows],
            self.count[source],
            self.every[source],
            self.step[source],
        )


def _release(target: Target, parts: list[_Queue]) -> None:
    """Runs the queues past their waits, in the order in which notifications arrive."""
    arrivals: list[int] = []
    begun = {id(part): 0 for part in parts}
    period = target.c2c.hac_period

    def advance(part: _Queue) -> int | None:
        """Goes on to the next `sync`; the cycle in which the queue came to it."""
        while (cycle := part.waiting) is not None and part.deskew[part.waits[part.at]]:
            part.resume((cycle // period + 1) * period)
        for arrival in part.emitted(begun[id(part)]):
            heappush(arrivals, arrival)
        begun[id(part)] = part.waits[part.at] if part.at < len(part.waits) else part.end
        return cycle

    waiting = [(cycle, part) for part in parts if (cycle := advance(part)) is not None]
    while arrivals and waiting:
        cycle = heappop(arrivals)
        released = [part for since, part in waiting if since < cycle]
        if released:
            waiting = [(since, part) for since, part in waiting if since >= cycle]
            for part in released:
                part.resume(cycle)
                since = advance(part)
                waiting += [(since, part)] if since is not None else []
