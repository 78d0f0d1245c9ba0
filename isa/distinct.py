"""What numpy does slowly where arrays are small: plans are made of hundreds of calls on a few numbers each."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

_Integer = TypeVar("_Integer", bound=np.integer)


def indices(values: NDArray[Any]) -> NDArray[np.int64]:
    """Where values are not 0: as `np.flatnonzero`, which takes four times as long to begin."""
    return values.nonzero()[0]


def distinct(values: NDArray[_Integer]) -> NDArray[_Integer]:
    """The different values, in order: as `np.unique`, which loads `numpy.ma`, and hashes for longer than this sorts."""
    ordered = np.sort(values)
    first = np.ones(len(ordered), bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return ordered[first]
