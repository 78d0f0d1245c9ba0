"""What is stored to SRAM while a run is looked at: by whom, and whether a breakpoint waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.casts import DTYPES
from lpuasm.isa.layout import Layout
from lpuasm.vm.breaks import Break
from lpuasm.vm.checkpoint import Memory
from lpuasm.vm.chip import Issue
from lpuasm.vm.code import Code
from lpuasm.vm.places import vectors
from lpuasm.vm.state import NEVER, State


class Stores:
    """The stores of the present cycle, and who stored each superlane of each word last.

    A stamp is one number: the cycle of the dispatch times the number of words of the program, plus the word's own
    number, plus 1.
    """

    def __init__(self, state: State, memory: Memory, codes: Sequence[Code]) -> None:
        self.state = state
        self.memory = memory
        self.codes = codes
        self._number = {code.identity: k for k, code in enumerate(codes)}
        self.words: set[tuple[int, int]] = set()

    def begin(self) -> None:
        """A cycle begins."""
        self.words.clear()

    def note(self, issue: Issue, address: int, lanes: slice) -> None:
        """A word is about to change."""
        queue = issue.code.queue.number
        self.memory.touch(queue, address)
        self.words.add((queue, address))
        width = self.state.target.geometry.lanes_per_superlane
        part = slice(None) if lanes.start is None else slice(lanes.start // width, lanes.stop // width)
        stamp = issue.cycle * len(self.codes) + self._number[issue.code.identity] + 1
        self.memory.stamps[queue][address, part] = stamp

    def writer(self, queue: int, address: int, lane: int) -> tuple[Code, int] | None:
        """(the word that stored a byte last, the cycle of its dispatch)."""
        stamps = self.memory.stamps.get(queue)
        if stamps is None:
            return None
        stamp = int(stamps[address, lane // self.state.target.geometry.lanes_per_superlane])
        cycle, number = divmod(stamp - 1, len(self.codes))
        return (self.codes[number], cycle) if stamp else None

    def hits(self, b: Break) -> bool:
        """Whether a breakpoint that waits for a store has got it in this cycle."""
        if b.word is not None:
            return b.word in self.words
        if b.watch is None or not self.words:
            return False
        changed = {v for word in self.words for v, _ in vectors(b.watch.layout, *word)}
        return any(bool(b.watch.test(self._elements(b.watch.layout, v)).any()) for v in changed)

    def _elements(self, layout: Layout, vector: int) -> NDArray[Any]:
        """The elements of a vector of a tensor as they stand, those beyond its edge left out; none while they change.

        The byte planes of a vector are stored by words of their own; only when all of them come from issues of one
        age, or were never stored, is what they hold together a value.
        """
        dtype = DTYPES[layout.dtype]
        planes, ages = [], []
        for plane in range(layout.planes):
            queue, address = (int(v) for v in layout.locate(vector, plane))
            planes.append(self.state.slice(queue)[address])
            stamps = self.memory.stamps.get(queue)
            stamp = 0 if stamps is None else int(stamps[address].max())
            ages.append((stamp - 1) // len(self.codes) if stamp else NEVER)
        if max(ages) - min(ages) > self.state.target.registers:
            return np.zeros(0, dtype)
        octets = np.ascontiguousarray(np.stack(planes, axis=1))
        return octets.view(dtype.newbyteorder("<"))[: _columns(layout, vector), 0]


def _columns(layout: Layout, vector: int) -> int:
    """How many elements a vector holds: none below the last row, and fewer at the right edge."""
    tile, row = divmod(vector, layout.tile_rows)
    down, across = divmod(tile, layout.tiles[1])
    if down * layout.tile_rows + row >= layout.rows:
        return 0
    return min(layout.tile_columns, layout.columns - across * layout.tile_columns)
