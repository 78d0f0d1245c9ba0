"""Folding sequences of issues into the nests that one instruction word can state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.values import Dim

Widths = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Nest:
    """Issues ``first`` … ``first + length − 1`` of a sequence as one nest, innermost dimension first."""

    first: int
    length: int
    dims: tuple[Dim, ...]


def fold(times: NDArray[np.int64], steps: NDArray[np.int64] | None, widths: Widths) -> list[Nest]:
    """Cuts a sequence of issues into nests, each as long as it can be.

    ``times`` are the cycles of the issues, rising; ``steps`` the operand of each issue (None: it does not change);
    ``widths`` are the bits of count, every and step in each dimension of the word.
    """
    nests: list[Nest] = []
    first, total = 0, len(times)
    while first < total:
        length, dims, place = 1, [], 0
        while place < len(widths) and first + 2 * length <= total:
            blocks, every, step = _equal_blocks(times, steps, first, length)
            place, count = _place(blocks, every, step, widths, place)
            if count < 2:
                break
            dims.append(Dim(count, every, step))
            length *= count
            place += 1
        nests.append(Nest(first, length, tuple(dims)))
        first += length
    return nests


def _equal_blocks(
    times: NDArray[np.int64], steps: NDArray[np.int64] | None, first: int, length: int
) -> tuple[int, int, int]:
    """How many blocks of ``length`` issues from ``first`` are the first one, shifted by one (every, step) each time."""
    t = times[first:]
    every = int(t[length] - t[0])
    same = t[length:] - t[:-length] == every
    step = 0
    if steps is not None:
        s = steps[first:]
        step = int(s[length] - s[0])
        same &= s[length:] - s[:-length] == step
    equal = len(same) if same.all() else int(np.argmin(same))
    return 1 + equal // length, every, step


def _place(blocks: int, every: int, step: int, widths: Widths, place: int) -> tuple[int, int]:
    """The first dimension from ``place`` on that holds the interval and the step, and how many blocks it takes."""
    while place < len(widths):
        count_bits, every_bits, step_bits = widths[place]
        if every < 1 << every_bits and -(1 << step_bits) <= 2 * step < 1 << step_bits:
            return place, min(blocks, 1 << count_bits)
        place += 1
    return place, 1


def times_of(dims: tuple[Dim, ...]) -> NDArray[np.int64]:
    """The cycles of the issues of a nest, from its start."""
    times = np.zeros(1, np.int64)
    for dim in dims:
        times = (np.arange(dim.count)[:, None] * dim.every + times).reshape(-1)
    return times
