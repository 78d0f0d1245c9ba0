"""Which cells of the chip are taken, and the earliest shift at which a body fits between them.

Each track is an array over time with a bit set a cell. A nest of cells is tested
at a whole window of shifts at once: dilating the taken cells by one dimension of
the nest after another leaves, for every shift, whether any cell is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lpuasm.asm.claims import Claim, Track

Cells = NDArray[np.uint64]
_FIRST_WINDOW = 64
_LAST_WINDOW = 1 << 15


@dataclass(slots=True)
class _Lane:
    """The cells of a track; time 0 is at ``zero``, since diagonals may be negative. ``end``: after the last taken."""

    zero: int
    cells: Cells
    end: int = 0

    def window(self, first: int, length: int) -> Cells:
        """The cells of ``length`` times from ``first``, free beyond the array."""
        low = first + self.zero
        if low >= 0 and low + length <= len(self.cells):
            return self.cells[low : low + length]
        out = np.zeros(length, np.uint64)
        begin, end = max(low, 0), min(low + length, len(self.cells))
        if begin < end:
            out[begin - low : end - low] = self.cells[begin:end]
        return out

    def reserve(self, end: int) -> None:
        missing = end + self.zero - len(self.cells)
        if missing > 0:
            grown = max(missing, len(self.cells))
            self.cells = np.concatenate([self.cells, np.zeros(grown, np.uint64)])


@dataclass(slots=True)
class Occupancy:
    """The taken cells of all tracks. ``registers``: stream registers a direction; diagonals begin at −registers."""

    registers: int
    lanes: dict[Track, _Lane] = field(default_factory=dict)

    def earliest(self, claims: Sequence[Claim], start: int) -> int:
        """The least shift ≥ ``start`` at which none of the claims meets a taken cell."""
        window = _FIRST_WINDOW
        while True:
            taken = np.zeros(window, bool)
            last = start
            for claim in claims:
                lane = self.lanes.get(claim.track)
                if lane is None or claim.first + start >= lane.end:
                    continue
                last = max(last, lane.end - claim.first)
                blocked = _blocked(lane, claim, start, window)
                if blocked is not None:
                    taken |= blocked
            if not taken.all():
                return start + int(np.argmin(taken))
            start = min(start + window, max(last, start + 1))
            window = min(2 * window, _LAST_WINDOW)

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
        for claim in claims:
            first, span = claim.first + start, claim.span
            lane = self.lanes.get(claim.track)
            if lane is None:
                zero = self.registers
                lane = self.lanes[claim.track] = _Lane(zero, np.zeros(first + span + zero + 256, np.uint64))
            lane.reserve(first + span + 1)
            lane.end = max(lane.end, first + span + 1)
            low = first + lane.zero
            mask = np.uint64(claim.mask)
            if len(claim.dims) <= 1:
                every = claim.dims[0].every if claim.dims else 1
                lane.cells[low : low + span + 1 : every] |= mask
                continue
            offsets = np.zeros(1, np.int64)
            for dim in claim.dims:
                offsets = (np.arange(dim.count)[:, None] * dim.every + offsets).reshape(-1)
            lane.cells[low + offsets] |= mask


def _blocked(lane: _Lane, claim: Claim, start: int, window: int) -> NDArray[np.bool_] | None:
    """For each of ``window`` shifts from ``start`` whether a cell of the claim is taken; None where none is near."""
    cells = lane.window(claim.first + start, window + claim.span)
    taken: NDArray[np.bool_] = (cells & np.uint64(claim.mask)) != 0
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
