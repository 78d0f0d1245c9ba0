"""Statements in their queues, each at its cycle: rows one by one, runs of them in columns."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import overload

from lpuasm.asm.chunk import Chunk
from lpuasm.asm.scan import Ints
from lpuasm.asm.syntax import Statement
from lpuasm.isa.target import Queue
from lpuasm.isa.timeline import Words

MAX_CYCLE = 1 << 32
"""The last cycle that a line can name: more than four seconds."""


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


@dataclass(frozen=True, eq=False)
class Run:
    """Lines of a chunk in one queue: what a row says, as arrays, and ``line``, the index of each in the text.

    ``order``: how many rows stand before them in the text. Nothing in a run signals to other queues or waits for them.
    """

    queue: Queue
    cycle: Ints
    words: Words
    repeats: Words
    hold: Ints
    line: Ints
    chunk: Chunk
    order: int

    def __len__(self) -> int:
        return len(self.line)

    @property
    def file(self) -> str:
        """The name of the file that the lines are in."""
        return self.chunk.block.kinds.file

    @property
    def column(self) -> Ints:
        """Where the statements begin in their lines."""
        return self.chunk.block.kinds.column[self.line]

    def at(self, index: int) -> Row:
        """One of the rows."""
        word, repeat = ((low | high << 64) for low, high in (self.words[index].tolist(), self.repeats[index].tolist()))
        statement = self.chunk.meaning.line(int(self.line[index]))[1]
        return Row(self.queue, int(self.cycle[index]), word, repeat, int(self.hold[index]), statement)

    def rows(self) -> Iterator[Row]:
        """All of them."""
        return (self.at(index) for index in range(len(self)))


def in_order(rows: Sequence[Row], runs: Sequence[Run]) -> list[Row | Run]:
    """Rows and runs in the order of the text."""
    found: list[Row | Run] = []
    done = 0
    for run in sorted(runs, key=lambda run: run.order):
        found += [*rows[done : run.order], run]
        done = max(done, run.order)
    return [*found, *rows[done:]]


class Rows(Sequence[Row]):
    """The rows of ``items``, in the given order of their indices; those of runs are made when they are asked for."""

    def __init__(self, items: Sequence[Row | Run], order: Ints | None) -> None:
        self._items, self._order = items, order
        self._begin = [0, *accumulate(1 if isinstance(item, Row) else len(item) for item in items)]

    def __len__(self) -> int:
        return self._begin[-1]

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            return [self[k] for k in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        place = index if self._order is None else int(self._order[index])
        number = bisect_right(self._begin, place) - 1
        item = self._items[number]
        return item if isinstance(item, Row) else item.at(place - self._begin[number])
