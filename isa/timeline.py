"""Queues in time: when every word dispatches.

A queue is a list of words; what each holds says when the next may go. The
result is a table of *families*: an instruction word with all its issues, which
are a nest of up to three dimensions from its start. Issues are never listed
one by one. All cycles are those of superlane 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from heapq import heappop, heappush
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.core import Bits, table
from lpuasm.isa.distinct import indices
from lpuasm.isa.once import per_target
from lpuasm.isa.target import Queue, Target

Words = NDArray[np.uint64]
Half = NDArray[np.uint64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
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

    @cached_property
    def opcode(self) -> NDArray[np.uint8]:
        return (self.low & np.uint64(0xFF)).astype(np.uint8)

    @cached_property
    def last(self) -> NDArray[np.int64]:
        """The cycle of the last dispatch of each family."""
        last = self.start
        for k in range(DIMENSIONS):  # a sum over rows of three takes much longer
            last = last + (self.count[:, k] - 1) * self.every[:, k]
        return last

    @cached_property
    def issues(self) -> NDArray[np.int64]:
        """How often each family issues."""
        return np.asarray(self.count.prod(axis=1))

    def cycles(self) -> int:
        """Cycles from 0 to the last commit in the last superlane, that cycle included; 0 for an empty program."""
        end = int((self.last + _reach(self.target)[self.opcode]).max(initial=0))
        return end + self.target.geometry.superlanes - 1 if len(self.last) else 0


@per_target
def _reach(target: Target) -> Ints:
    """By opcode, how many cycles after its dispatch a word has had all its effects."""
    reach = np.zeros(256, np.int64)
    for d in table(target):
        reach[d.opcode] = max(d.timing.func, d.timing.skew) + 1
    return reach


def field(low: Half, high: Half, at: int, width: int) -> Ints:
    """The bit field of ``width`` ≤ 40 bits from bit ``at`` on of words in halves, as integers."""
    one, shift = (low, at) if at < 64 else (high, at - 64)
    value = one >> np.uint64(shift) if shift else one
    if shift + width > 64:
        value = value | high << np.uint64(64 - shift)
    return (value & np.uint64((1 << width) - 1)).view(np.int64)


@cache
def _nests() -> tuple[tuple[Bools, tuple[tuple[Bits, ...], ...]], ...]:
    """The bits of count, every and step of each dimension of nests, with the opcodes (by number) that have them so."""
    found: dict[tuple[tuple[Bits, ...], ...], Bools] = {}
    for d in table():
        if "repeat" in d.operand:
            bits = {b.name: b for b in d.bits}
            parts = ("count", "every", "step")
            form = tuple(tuple(bits[f"repeat.{part}{k}"] for part in parts) for k in range(DIMENSIONS))
            found.setdefault(form, np.zeros(256, bool))[d.opcode] = True
    return tuple((opcodes, form) for form, opcodes in found.items())


def _dims(low: Half, high: Half, opcode: NDArray[np.uint8]) -> tuple[Ints, Ints, Ints]:
    """(count, every, step), each [3, n], of the nests that words state; neutral for those that have none."""
    count, every, step = np.zeros((3, DIMENSIONS, len(low)), np.int64)
    for opcodes, form in _nests():
        rows = indices(opcodes[opcode])
        one, two = low[rows], high[rows]
        for k, (times, apart, moved) in enumerate(form):
            number = field(one, two, times.low, times.width)
            if k and not number.any():
                break
            sign = 1 << (moved.width - 1)
            count[k, rows] = number
            every[k, rows] = field(one, two, apart.low, apart.width)
            step[k, rows] = (field(one, two, moved.low, moved.width) ^ sign) - sign
    count += 1
    return count, every, step


@dataclass(frozen=True)
class Image:
    """The words of all queues that have any, one queue after the other: ``queue`` numbers, and where each begins and
    ends in ``low`` and ``high``, the halves of the words."""

    queue: Ints
    begin: Ints
    low: Half
    high: Half


def image(target: Target, queues: Mapping[str, Words]) -> Image:
    """The words of queues, in the order of their numbers."""
    of = target.queue
    known = {of[name].number: words for name, words in queues.items() if len(words)}
    numbers = sorted(known)
    parts = [known[number] for number in numbers]
    low, high = np.concatenate(parts).T.copy() if parts else np.zeros((2, 0), np.uint64)
    return Image(np.array(numbers, np.int64), np.array([0, *accumulate(map(len, parts))], np.int64), low, high)


def expand(target: Target, queues: Mapping[str, Words]) -> Timeline:
    """The timeline of the queues of a program. Words are taken to be valid encodings.

    A queue that cannot go on (a `sync` that nothing releases, a `repeat` with nothing to repeat) is in ``stuck`` and
    ends there.
    """
    return unfold(target, image(target, queues))


def unfold(target: Target, words: Image) -> Timeline:
    """The timeline of ``words``: see :func:`expand`."""
    if not len(words.queue):
        return _nothing(target)
    low, high, begin = words.low, words.high, words.begin
    columns = _decode(target, low, high, begin)
    parts: list[_Queue] = []
    if columns.waits.any() or columns.bad.any():
        parts = [
            _Queue(target.queues[number], columns, slice(first, last))
            for number, first, last in zip(words.queue.tolist(), begin[:-1].tolist(), begin[1:].tolist(), strict=True)
        ]
        _release(target, parts)
    issued = ~(columns.nop | columns.repeat)
    for part in parts:
        issued[part.place.start + part.reached : part.place.stop] = False
    rows = indices(issued)
    source = rows + columns.repeat[np.minimum(rows + 1, len(low) - 1)]
    which = np.arange(len(words.queue)).repeat(begin[1:] - begin[:-1])[rows]
    return Timeline(
        target,
        words.queue.astype(np.int32)[which],
        (rows - begin[which]).astype(np.int32),
        low[rows],
        high[rows],
        columns.start[rows],
        columns.count.take(source, axis=1).T,
        columns.every.take(source, axis=1).T,
        columns.step.take(source, axis=1).T,
        tuple(stuck for part in parts for stuck in part.stuck()),
    )


def _nothing(target: Target) -> Timeline:
    number, halves, cycles = np.zeros(0, np.int32), np.zeros(0, np.uint64), np.zeros(0, np.int64)
    nest = np.zeros((0, DIMENSIONS), np.int64)
    return Timeline(target, number, number, halves, halves, cycles, nest, nest, nest, ())


@dataclass(frozen=True, slots=True)
class _Columns:
    """What the words of all queues, one queue after the other, say to the queues themselves.

    ``start``: the cycle of each word if nothing waited. ``count``, ``every``, ``step``: [3, n]. ``waits``: a `sync` or
    `deskew`. ``bad``: a `repeat` that may not stand where it does. ``latency``: cycles until the notification of a word
    arrives, 0 where it sends none.
    """

    start: Ints
    count: Ints
    every: Ints
    step: Ints
    nop: NDArray[np.bool_]
    repeat: NDArray[np.bool_]
    waits: NDArray[np.bool_]
    deskew: NDArray[np.bool_]
    bad: NDArray[np.bool_]
    latency: NDArray[np.int64]


def _decode(target: Target, low: Half, high: Half, begin: Ints) -> _Columns:
    of = _control(target)
    opcode = (low & np.uint64(0xFF)).astype(np.uint8)
    nop, repeat = opcode == of.nop, opcode == of.repeat
    count, every, step = _dims(low, high, opcode)
    held = of.held
    occupied = np.where(nop, field(low, high, held.low, held.width) + 1, 1)
    again = indices(repeat)
    occupied[again] = ((count.take(again, axis=1) - 1) * every.take(again, axis=1)).sum(axis=0)
    start = occupied.cumsum() - occupied
    start -= start[begin[:-1]].repeat(begin[1:] - begin[:-1])
    deskew = opcode == of.deskew
    bad = _bad_repeats(opcode, again, step, begin)
    waits = deskew | (opcode == of.sync)
    return _Columns(start, count, every, step, nop, repeat, waits, deskew, bad, of.latency[opcode])


@dataclass(frozen=True, slots=True)
class _Control:
    """Opcodes of the words that queues themselves heed; ``held``: where a `nop` says how long it holds its queue;
    ``latency``: by opcode, cycles until the notification of a word arrives."""

    nop: int
    repeat: int
    deskew: int
    sync: int
    held: Bits
    latency: Ints


@per_target
def _control(target: Target) -> _Control:
    of = {d.mnemonic: d for d in table(target) if "c2c" in d.queues}
    latency = np.zeros(256, np.int64)
    latency[of["notify"].opcode] = target.barrier.latency
    latency[of["transmit"].opcode] = target.c2c.latency + target.barrier.latency
    nop, repeat, deskew, sync = (of[name].opcode for name in ("nop", "repeat", "deskew", "sync"))
    return _Control(nop, repeat, deskew, sync, of["nop"].bits[1], latency)


def _bad_repeats(opcode: NDArray[np.uint8], rows: Ints, step: Ints, begin: Ints) -> Bools:
    """Every `repeat` that stands first, behind a word that is not repeated, or steps what has no step.

    ``rows``: where they stand; ``begin``: where queues begin.
    """
    bad, first = np.zeros((2, len(opcode)), bool)
    if not len(rows):
        return bad
    first[begin[:-1]] = True
    repeatable, steps = _repeatable()
    before = opcode[rows - 1]
    bad[rows] = first[rows] | ~repeatable[before] | (step.take(rows, axis=1).any(axis=0) & ~steps[before])
    return bad


@cache
def _repeatable() -> tuple[Bools, Bools]:
    """By opcode: whether a word can be repeated, and whether it has an operand that steps then."""
    repeatable, steps = np.zeros((2, 256), bool)
    for d in table():
        waits = d.unit == "icu" or d.mnemonic in ("deskew", "transmit")
        repeatable[d.opcode] = not waits and "repeat" not in d.operand
        steps[d.opcode] = bool(d.steps)
    return repeatable, steps


class _Queue:
    """One queue on its way through time: ``start`` holds the cycle of each word up to the wait that it is at.

    ``place`` is where its words stand among those of all queues; ``start`` is a view of their column.
    """

    def __init__(self, queue: Queue, columns: _Columns, place: slice) -> None:
        self.queue, self.place = queue, place
        self.start, self.deskew = columns.start[place], columns.deskew[place]
        latency = columns.latency[place]
        self.signals = indices(latency)
        self.latency = latency[self.signals]
        bad = indices(columns.bad[place])
        self.end = int(bad[0]) if len(bad) else len(self.start)
        self.waits = [int(w) for w in indices(columns.waits[place]) if w < self.end]
        self.at, self.delay = 0, 0

    @property
    def waiting(self) -> int | None:
        """The cycle in which the queue came to the wait that it is at; None when it has run to its end."""
        return int(self.start[self.waits[self.at]]) if self.at < len(self.waits) else None

    @property
    def reached(self) -> int:
        """How many of its words it comes to."""
        return self.waits[self.at] + 1 if self.at < len(self.waits) else self.end

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
        elif self.end < len(self.start):
            word, code = self.end, "LPU0305"
            message = "there is no instruction before it that can be repeated so"
        else:
            return []
        return [Stuck(self.queue, word, int(self.start[word]), code, message)]

    def emitted(self, begin: int) -> list[int]:
        """Arrival cycles of the notifications of the words from ``begin`` to the current wait."""
        end = self.waits[self.at] if self.at < len(self.waits) else self.end
        first, last = self.signals.searchsorted((begin, end))
        arrivals: list[int] = (self.start[self.signals[first:last]] + self.latency[first:last]).tolist()
        return arrivals


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
