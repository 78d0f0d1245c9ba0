"""Queues in time: when every word dispatches.

A queue is a list of words; what each holds says when the next may go. The
result is a table of *families*: an instruction word with all its issues, which
are a nest of up to three dimensions from its start. Issues are never listed
one by one. All cycles are those of superlane 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
        return self.start + ((self.count - 1) * self.every).sum(axis=1)

    @property
    def issues(self) -> NDArray[np.int64]:
        """How often each family issues."""
        return self.count.prod(axis=1)

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
    families = [part.families() for part in parts]
    empty = np.zeros((0, DIMENSIONS), np.int64)

    def joined(name: str, dtype: type[np.generic], default: NDArray[np.int64]) -> NDArray[np.generic]:
        return np.concatenate([f[name] for f in families] or [default]).astype(dtype, copy=False)

    flat = empty[:, 0]
    return Timeline(
        target,
        joined("queue", np.int32, flat),  # type: ignore[arg-type]
        joined("word", np.int32, flat),  # type: ignore[arg-type]
        joined("low", np.uint64, flat),  # type: ignore[arg-type]
        joined("high", np.uint64, flat),  # type: ignore[arg-type]
        joined("start", np.int64, flat),  # type: ignore[arg-type]
        joined("count", np.int64, empty),  # type: ignore[arg-type]
        joined("every", np.int64, empty),  # type: ignore[arg-type]
        joined("step", np.int64, empty),  # type: ignore[arg-type]
        tuple(s for part in parts for s in part.stuck),
    )


class _Queue:
    """One queue on its way through time. ``start`` holds the dispatch cycle of each word as far as it is known."""

    def __init__(self, target: Target, instructions: Table, queue: Queue, words: Words) -> None:
        self.target, self.queue, self.words = target, queue, words
        self.stuck: list[Stuck] = []
        opcode = (words[:, 0] & np.uint64(0xFF)).astype(np.int64)
        of = {d.mnemonic: d for d in instructions if "c2c" in d.queues}
        self.nop, self.repeat = opcode == of["nop"].opcode, opcode == of["repeat"].opcode
        self.sync, self.deskew = opcode == of["sync"].opcode, opcode == of["deskew"].opcode
        self.signals = {
            of["notify"].opcode: target.barrier.latency,
            of["transmit"].opcode: target.c2c.latency + target.barrier.latency,
        }
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
        self.end = n
        self._check_repeats(instructions)
        waits = np.flatnonzero(self.sync | self.deskew)
        self.waits = [int(w) for w in waits if w < self.end]
        self.at = 0

    def _own_dims(self, instructions: Table) -> None:
        for code in np.unique(self.opcode):
            definition = instructions.by_opcode[int(code)]
            if "repeat" in definition.operand and definition.operand["repeat"].role == "clause":
                rows = self.opcode == code
                self.count[rows], self.every[rows], self.step[rows] = dims(self.words[rows], definition, "repeat")

    def _check_repeats(self, instructions: Table) -> None:
        """Finds the first `repeat` that may not stand where it does; the queue ends there."""
        rows = np.flatnonzero(self.repeat)
        if not len(rows):
            return
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
        if bad.any():
            word = int(rows[np.argmax(bad)])
            self.end = word
            message = "there is no instruction before it that can be repeated so"
            self.stuck.append(Stuck(self.queue, word, int(self.start[word]), "LPU0305", message))

    @property
    def waiting(self) -> int | None:
        """The cycle in which the queue came to the wait that it is at; None when it has run to its end."""
        return int(self.start[self.waits[self.at]]) if self.at < len(self.waits) else None

    def resume(self, cycle: int) -> None:
        """Lets the word after the current wait dispatch in ``cycle``."""
        word = self.waits[self.at]
        self.start[word + 1 :] += cycle - (int(self.start[word]) + 1)
        self.at += 1

    def emitted(self, begin: int) -> list[int]:
        """Arrival cycles of the notifications of the words from ``begin`` to the current wait."""
        end = self.waits[self.at] if self.at < len(self.waits) else self.end
        return [
            int(self.start[w]) + self.signals[int(self.opcode[w])]
            for w in range(begin, end)
            if int(self.opcode[w]) in self.signals
        ]

    def families(self) -> dict[str, NDArray[np.generic]]:
        end = self.waits[self.at] + 1 if self.at < len(self.waits) else self.end
        rows = np.flatnonzero(~(self.nop | self.repeat)[:end])
        follows = np.zeros(end, bool)
        follows[:-1] = self.repeat[1:end]
        source = np.where(follows[rows], rows + 1, rows)
        return {
            "queue": np.full(len(rows), self.queue.number),
            "word": rows,
            "low": self.words[rows, 0],
            "high": self.words[rows, 1],
            "start": self.start[rows],
            "count": self.count[source],
            "every": self.every[source],
            "step": self.step[source],
        }


def _release(target: Target, parts: list[_Queue]) -> None:
    """Runs the queues past their waits, in the order in which notifications arrive."""
    arrivals: set[int] = set()
    begun = {id(part): 0 for part in parts}

    def advance(part: _Queue) -> None:
        while (cycle := part.waiting) is not None and part.deskew[part.waits[part.at]]:
            period = target.c2c.hac_period
            part.resume((cycle // period + 1) * period)
        arrivals.update(part.emitted(begun[id(part)]))
        begun[id(part)] = part.waits[part.at] if part.at < len(part.waits) else part.end

    for part in parts:
        advance(part)
    while arrivals:
        cycle = min(arrivals)
        arrivals.discard(cycle)
        for part in parts:
            waiting = part.waiting
            if waiting is not None and waiting < cycle:
                part.resume(cycle)
                advance(part)
    for part in parts:
        if (cycle := part.waiting) is not None:
            word = part.waits[part.at]
            part.stuck.append(Stuck(part.queue, word, cycle, "LPU0309", "no notification ever releases this sync"))
