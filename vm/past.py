"""The checkpoints of a run: close together near the present, further apart before it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from lpuasm.vm.checkpoint import Checkpoint, Memory, restore, take
from lpuasm.vm.reference import Machine


class Past:
    """Checkpoints of a machine in the order of their cycles; the first is of before its first cycle."""

    def __init__(self, machine: Machine, memory: Memory, budget: int) -> None:
        self.machine = machine
        self.memory = memory
        self.budget = budget
        self.kept: list[Checkpoint] = [take(machine, memory, None)]

    @property
    def size(self) -> int:
        """Bytes that the checkpoints take, about."""
        return sum(c.size for c in self.kept)

    def latest(self, cycle: int) -> int:
        """The cycle of the last checkpoint at or before one."""
        return self.kept[self._index(cycle)].cycle

    def keep(self) -> None:
        """Keeps a checkpoint of now, and thins out old ones where they take too much."""
        at = self._index(self.machine.cycle)
        if self.kept[at].cycle == self.machine.cycle:
            return
        self.kept.insert(at + 1, take(self.machine, self.memory, self.kept[at]))
        while len(self.kept) > 3 and self.size > self.budget:
            self._thin()

    def restore(self, cycle: int) -> int:
        """Puts the machine back to the last checkpoint at or before a cycle, which is where it returns."""
        to = self.kept[self._index(cycle)]
        pages = {key for c in self._between(to.cycle, self.machine.cycle) for key in c.pages}
        restore(self.machine, self.memory, to, pages)
        return to.cycle

    def _index(self, cycle: int) -> int:
        return max(bisect_right(self.kept, cycle, key=lambda c: c.cycle) - 1, 0)

    def _between(self, one: int, other: int) -> Iterator[Checkpoint]:
        """The checkpoints whose pages may differ between two cycles."""
        low, high = min(one, other), max(one, other)
        first = bisect_right(self.kept, low, key=lambda c: c.cycle)
        last = bisect_right(self.kept, high, key=lambda c: c.cycle)
        return iter(self.kept[first : last + 1])

    def _thin(self) -> None:
        """Drops the checkpoint that is missed least: the closer to the present, the closer together they stay."""
        cycles = np.array([c.cycle for c in self.kept])
        gaps = cycles[2:] - cycles[:-2]
        far = np.abs(cycles[1:-1] - self.machine.cycle) + 1
        k = int(np.argmin(gaps / far)) + 1
        gone, after = self.kept[k], self.kept[k + 1]
        self.memory.drop(gone.cycle, gone.pages, after.pages)
        self.kept[k : k + 2] = [replace(after, pages=after.pages | gone.pages)]
