"""When the words of a program dispatch, from its timeline: what a debugger asks without running anything."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.program import Program

Ints = NDArray[np.int64]


class Moments:
    """The dispatches of a streaming program in time. A *start* is the first issue of a word."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.timeline = program.timeline

    @cached_property
    def row(self) -> Mapping[tuple[int, int], int]:
        """The family of each word, by number of its queue and its index."""
        pairs = zip(self.timeline.queue.tolist(), self.timeline.word.tolist(), strict=True)
        return {pair: k for k, pair in enumerate(pairs)}

    @cached_property
    def flows(self) -> Mapping[str, int]:
        """The cycle of the first dispatch of each flow, in that order."""
        starts: dict[str, int] = {}
        for k, (queue, word) in enumerate(self._words):
            flow = self.program.flow(self.program.target.queues[queue].name, word)
            if flow is not None:
                start = int(self.timeline.start[k])
                starts[flow] = min(starts.get(flow, start), start)
        return dict(sorted(starts.items(), key=lambda item: item[1]))

    @property
    def _words(self) -> list[tuple[int, int]]:
        return list(self.row)

    def line_starts(self, file: str, line: int) -> list[int]:
        """The cycles in which a word of a source line begins."""
        found = set()
        for k, (queue, word) in enumerate(self._words):
            span = self.program.span(self.program.target.queues[queue].name, word)
            if span is not None and span.line == line and file in ("", span.file):
                found.add(int(self.timeline.start[k]))
        return sorted(found)

    def queue_starts(self, numbers: set[int]) -> list[int]:
        """The cycles in which a word begins in one of some queues, by their numbers."""
        rows = np.isin(self.timeline.queue, list(numbers))
        return np.unique(self.timeline.start[rows]).tolist()  # type: ignore[no-any-return]

    @property
    def last(self) -> int:
        """The cycle of the last dispatch; −1 where there is none."""
        return int(self.timeline.last.max()) if len(self.timeline.word) else -1

    def before(self, cycle: int) -> int | None:
        """The last cycle before ``cycle`` in which a word dispatches."""
        t = self.timeline
        offset = np.minimum(cycle - 1, t.last) - t.start
        rows = offset >= 0
        if not rows.any():
            return None
        _, cycles = _issue_at_or_before(t.count[rows], t.every[rows], offset[rows])
        return int((cycles + t.start[rows]).max())

    def after(self, cycle: int) -> int | None:
        """The first cycle after ``cycle`` in which a word dispatches."""
        t = self.timeline
        rows = t.last > cycle
        if not rows.any():
            return None
        start, count, every = t.start[rows], t.count[rows], t.every[rows]
        later = start > cycle
        number, _ = _issue_at_or_before(count, every, np.maximum(cycle - start, 0))
        return int(np.where(later, start, start + _cycle_of(count, every, number + 1)).min())

    def issue(self, row: int, cycle: int) -> int | None:
        """The number of the issue that a family makes in a cycle; None if it makes none."""
        t = self.timeline
        offset = np.array([cycle - t.start[row]])
        if offset[0] < 0:
            return None
        number, at = _issue_at_or_before(t.count[row : row + 1], t.every[row : row + 1], offset)
        return int(number[0]) if at[0] == offset[0] else None

    def step(self, row: int, number: int) -> int:
        """By how much the stepped operand of a family has moved at issue ``number``."""
        t = self.timeline
        return int(_cycle_of(t.count[row : row + 1], t.step[row : row + 1], np.array([number]))[0])

    def last_issue(self, row: int, cycle: int) -> tuple[int, int] | None:
        """(number, cycle) of the last issue of a family at or before a cycle."""
        t = self.timeline
        offset = np.array([cycle - t.start[row]])
        if offset[0] < 0:
            return None
        number, at = _issue_at_or_before(t.count[row : row + 1], t.every[row : row + 1], offset)
        return int(number[0]), int(at[0] + t.start[row])


def _issue_at_or_before(count: Ints, every: Ints, offset: Ints) -> tuple[Ints, Ints]:
    """(number, cycle) of the last issue of nests that start in cycle 0, at or before ``offset`` ≥ 0."""
    number, cycle = np.zeros_like(offset), np.zeros_like(offset)
    rest = offset.copy()
    for k in range(count.shape[1] - 1, -1, -1):
        index: Ints = np.minimum(rest // np.maximum(every[:, k], 1), count[:, k] - 1)
        rest = rest - index * every[:, k]
        cycle = cycle + index * every[:, k]
        number = number * count[:, k] + index
    return number, cycle


def _cycle_of(count: Ints, pace: Ints, number: Ints) -> Ints:
    """The sum of index · pace of issues by their number."""
    total, rest = np.zeros_like(number), number
    for k in range(count.shape[1]):
        total = total + rest % count[:, k] * pace[:, k]
        rest = rest // count[:, k]
    return total


def next_of(cycles: list[int], after: int) -> int | None:
    """The first of sorted cycles after one."""
    k = bisect_right(cycles, after)
    return cycles[k] if k < len(cycles) else None


def previous_of(cycles: list[int], before: int) -> int | None:
    """The last of sorted cycles before one."""
    k = bisect_left(cycles, before)
    return cycles[k - 1] if k else None
