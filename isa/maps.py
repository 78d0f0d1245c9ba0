"""What is wrong with a map: the texts of the faults that depend on data (LPU07), which both engines find."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def address_beyond(superlane: int, address: int, words: int) -> str:
    """LPU0701: an address of gather or scatter that is outside a slice of ``words``."""
    return f"superlane {superlane} of the map has address {address}; the slice has words 0 … {words - 1}"


def not_bijective(lanes: NDArray[np.intp]) -> str:
    """LPU0702: the map of a permutation that is none."""
    beyond = np.flatnonzero(lanes >= len(lanes))
    if len(beyond):
        return f"lane {beyond[0]} of the map names lane {lanes[beyond[0]]}; there are lanes 0 … {len(lanes) - 1}"
    twice = int(np.bincount(lanes).argmax())
    first, second = np.flatnonzero(lanes == twice)[:2]
    return f"the map is not a bijection: lanes {first} and {second} both take lane {twice}"


def entry_beyond(lane: int, entry: int, most: int) -> str:
    """LPU0703: an entry of the map of a distribution beyond ``most``."""
    return f"lane {lane} of the map is {entry}; it is 0 … {most}"
