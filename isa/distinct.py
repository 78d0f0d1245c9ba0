"""The different values of an array."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_Integer = TypeVar("_Integer", bound=np.integer)


def distinct(values: NDArray[_Integer]) -> NDArray[_Integer]:
    """The different values, in order: as `np.unique`, which loads `numpy.ma`, and hashes for longer than this sorts."""
    ordered = np.sort(values)
    first = np.ones(len(ordered), bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return ordered[first]
