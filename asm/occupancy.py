"""Which cells of the chip are taken, and the earliest shift at which a body fits between them.

Each track is a line of cells over time with a bit set a cell, kept in blocks. A
nest of cells is tested at a whole window of shifts at once: dilating the taken
cells by one dimension of the nest after another leaves, for every shift,
whether any cell is taken.

Cells are only ever taken, never given back. So a shift that was once found
blocked stays blocked, and the search for a body of the same shape goes on where
the last one ended: that keeps the cost of many like flows close to linear.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import prod

import numpy as np
from numpy.typing import NDArray

from lpuasm.asm.claims import Claim, Track
from lpuasm.asm.fold import times_of
from lpuasm.isa.values import Dim

Cells = NDArray[np.uint64]
BLOCK = 1 << 14
"""Cells that are allocated together."""
_FIRST_WINDOW = 64
_LAST_WINDOW = 1 << 15
_FEW = 1 << 10
"""The most cells of a nest whose times are remembered."""


@dataclass(slots=True)
class _Lane:
    """The cells of a track, by the number of their block. ``end``: after the last taken."""

    blocks: dict[int, Cells] = field(default_factory=dict)
    end: int = -(1 << 62)

    def window(self, first: int, length: int) -> Cells:
        """The cells of ``length`` times from ``first``; not to be written to."""
        low, high = first // BLOCK, (first + length - 1) // BLOCK
        if low == high and (block := self.blocks.get(low)) is not None:
            return block[first - low * BLOCK : first - low * BLOCK + length]
        out = np.zeros(length, np.uint64)
        for number in range(low, high + 1):
            if (block := self.blocks.get(number)) is not None:
                begin, end = max(first, number * BLOCK), min(first + length, (number + 1) * BLOCK)
                out[begin - first : end - first] = block[begin - number * BLOCK : end - number * BLOCK]
        return out

    def mark(self, first: int, claim: Claim) -> None:
        """Takes the cells of a claim whose first is at time ``first``."""
        last, mask, dims = first + claim.span, claim.bits, claim.dims
        self.end = max(self.end, last + 1)
        if len(dims) > 1:
            self._mark_nest(first, claim)
            return
        every = dims[0].every if dims else 1
        number = first // BLOCK
        if number == last // BLOCK and (here := self.blocks.get(number)) is not None:  # as nearly always
            cells = here[first - number * BLOCK : last - number * BLOCK + 1 : every]
            cells |= mask
            return
        for block, begin, end in self._between(first, last):
            skipped = -(begin - first) % every
            block[(begin + skipped) % BLOCK : (end - 1) % BLOCK + 1 : every] |= mask

    def _mark_nest(self, first: int, claim: Claim) -> None:
        last = first + claim.span
        times = first + (_few_cells if prod(d.count for d in claim.dims) <= _FEW else _cells)(claim.dims)
        for block, begin, end in self._between(first, last):
            within = times if begin == first and end > last else times[slice(*np.searchsorted(times, (begin, end)))]
            block[within % BLOCK] |= claim.bits

    def _between(self, first: int, last: int) -> Iterator[tuple[Cells, int, int]]:
        """The blocks from ``first`` to ``last``, each with the times of it that are between: (block, begin, end)."""
        for number in range(first // BLOCK, last // BLOCK + 1):
            block = self.blocks.get(number)
            if block is None:
                block = self.blocks[number] = np.zeros(BLOCK, np.uint64)
            begin, end = max(first, number * BLOCK), min(last + 1, (number + 1) * BLOCK)
            if begin < end:
                yield block, begin, end


@dataclass(slots=True)
class _Shape:
    """The claims of a body, each with its track. From ``first`` up to, not including, ``after`` they do not fit."""

    claims: tuple[Claim, ...]
    cells: list[tuple[Claim, _Lane]]
    first: int = 0
    after: int = 0


@dataclass(slots=True)
class Occupancy:
    """The taken cells of all tracks.

    ``shapes``: what is known of the claims of a body. ``full``: for a track and a mask, times from the first up to, not
    including, the second without a cell that is free for the mask.
    """

    lanes: dict[Track, _Lane] = field(default_factory=dict)
    shapes: dict[tuple[Claim, ...], _Shape] = field(default_factory=dict)
    full: dict[tuple[Track, int], tuple[int, int]] = field(default_factory=dict)

    def earliest(self, claims: Sequence[Claim], start: int) -> int:
        """The least shift ≥ ``start`` at which none of the claims meets a taken cell."""
        shape = self._shape(claims)
        if not shape.first <= start <= shape.after:
            shape.first = shape.after = start
        shape.after = self._search(shape.cells, max(start, shape.after))
        return shape.after

    def shared(self, claims: Sequence[Claim]) -> tuple[Claim, ...]:
        """The claims, as the one object of all that are equal: what is known of them is found more quickly."""
        return self._shape(claims).claims

    def _shape(self, claims: Sequence[Claim]) -> _Shape:
        key = tuple(claims)
        shape = self.shapes.get(key)
        if shape is None:
            shape = self.shapes[key] = _Shape(key, [(c, self.lanes.setdefault(c.track, _Lane())) for c in key])
        return shape

    def _search(self, met: Sequence[tuple[Claim, _Lane]], start: int) -> int:
        window = _FIRST_WINDOW
        while True:
            start = self._beyond_full(met, start)
            taken = np.zeros(window, bool)
            last = start
            for claim, lane in met:
                if claim.first + start >= lane.end:
                    continue
                last = max(last, lane.end - claim.first)
                blocked = _blocked(lane, claim, start, window)
                if blocked is not None:
                    taken |= blocked
            k = int(taken.argmin())
            if not taken[k]:
                return start + k
            start = min(start + window, max(last, start + 1))
            window = min(2 * window, _LAST_WINDOW)

    def _beyond_full(self, met: Sequence[tuple[Claim, _Lane]], start: int) -> int:
        """The least shift ≥ ``start`` at which the first cell of each claim, by itself, may be free."""
        moved = True
        while moved:
            moved = False
            for claim, lane in met:
                time = claim.first + start
                if time >= lane.end:
                    continue
                block = lane.blocks.get(time // BLOCK)
                if block is None or not block[time % BLOCK] & claim.bits:
                    continue
                free = self._free(lane, claim, time)
                if free > time:
                    start, moved = free - claim.first, True
        return start

    def _free(self, lane: _Lane, claim: Claim, time: int) -> int:
        """The first cell from ``time`` on that is free for the mask of ``claim``."""
        key = claim.track, claim.mask
        first, after = self.full.get(key, (time, time))
        if not first <= time <= after:
            first = after = time
        mask, window = claim.bits, _FIRST_WINDOW
        while after < lane.end:
            free = (lane.window(after, window) & mask) == 0
            k = int(free.argmax())
            if free[k]:
                after += k
                break
            after += window
            window = min(2 * window, _LAST_WINDOW)
        self.full[key] = (first, after)
        return max(after, time)

    def blocking(self, claims: Sequence[Claim], start: int) -> list[Claim]:
        """The claims that meet taken cells at shift ``start``."""
        found = []
        for claim in claims:
            lane = self.lanes.get(claim.track)
            if lane is not None and claim.first + start < lane.end:
                blocked = _blocked(lane, claim, start, 1)
                if blocked is not None and blocked[0]:
                    found.append(claim)
        return found

    def take(self, claims: Sequence[Claim], start: int) -> None:
        """Marks the cells of the claims at shift ``start``."""
        for claim, lane in self._shape(claims).cells:
            lane.mark(claim.first + start, claim)

    def end(self, track: Track) -> int:
        """After the last taken cell of a track; 0 where none is."""
        lane = self.lanes.get(track)
        return 0 if lane is None or not lane.blocks else lane.end


def _cells(dims: tuple[Dim, ...]) -> NDArray[np.int64]:
    """The times of a nest from its start, rising, each once."""
    return np.unique(times_of(dims))


_few_cells = lru_cache(1 << 10)(_cells)


def _blocked(lane: _Lane, claim: Claim, start: int, window: int) -> NDArray[np.bool_] | None:
    """For each of ``window`` shifts from ``start`` whether a cell of the claim is taken; None where none is near."""
    cells = lane.window(claim.first + start, window + claim.span)
    taken: NDArray[np.bool_] = (cells & claim.bits) != 0
    if not taken.any():
        return None
    for dim in reversed(claim.dims):
        taken = _dilate(taken, dim.count, dim.every)
    return taken[:window]


def _dilate(taken: NDArray[np.bool_], count: int, every: int) -> NDArray[np.bool_]:
    """For each place whether any of ``count`` places from it, ``every`` apart, is taken; shorter by what they span."""
    done = 1
    while done < count:
        more = min(done, count - done)
        taken = taken[: len(taken) - more * every] | taken[more * every :]
        done += more
    return taken
