"""Values while a program runs: tensors as the caller gave them, and buffers that are used again."""

from __future__ import annotations

import sys
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.casts import DTYPES
from lpuasm.isa.layout import Layout

Array = NDArray[Any]

_PROBE = [object()]
#: What the interpreter counts as references to something that only a list holds.
_UNUSED = sys.getrefcount(_PROBE[0])


class TensorValue:
    """The vectors of a tensor, taken from its array where they lie in it, and laid out only where they do not."""

    def __init__(self, layout: Layout, array: Array, lanes: int) -> None:
        native = array.astype(DTYPES[layout.dtype], copy=False)
        self._layout, self._lanes = layout, lanes
        self._array = np.ascontiguousarray(native).reshape(layout.rows, layout.columns)
        self._wide = layout.tile_columns == lanes

    def rows(self, at: int, count: int, pace: int) -> Array:
        """``count`` vectors from ``at`` on, ``pace`` apart: [count, lanes]."""
        t = self._layout
        tile, last = at // t.tile_rows, at + (count - 1) * pace
        if self._wide and last // t.tile_rows == tile:
            down, across = divmod(tile, t.tiles[1])
            row, column = down * t.tile_rows + at % t.tile_rows, across * t.tile_columns
            end = row + last - at
            if max(row, end) < t.rows and column + t.tile_columns <= t.columns:
                part = self._array[min(row, end) : max(row, end) + 1 : abs(pace) or 1, column : column + t.tile_columns]
                if pace == 0:
                    return np.broadcast_to(part[0], (count, self._lanes))
                return part if pace > 0 else part[::-1]
        return self._vectors[at + pace * np.arange(count)] if pace <= 0 else self._vectors[at : last + 1 : pace]

    def take(self, at: NDArray[np.intp]) -> Array:
        """The vectors of these numbers."""
        return self._vectors[at]

    @cached_property
    def _vectors(self) -> Array:
        """All vectors, with zeros beyond the edges."""
        t = self._layout
        down, across = t.tiles
        if self._wide and across == 1 and (t.rows, t.columns) == (down * t.tile_rows, t.tile_columns):
            return self._array
        padded = np.zeros((down * t.tile_rows, across * t.tile_columns), self._array.dtype)
        padded[: t.rows, : t.columns] = self._array
        tiled = padded.reshape(down, t.tile_rows, across, t.tile_columns).transpose(0, 2, 1, 3)
        out = np.zeros((t.vectors, self._lanes), self._array.dtype)
        out[:, : t.tile_columns] = tiled.reshape(t.vectors, t.tile_columns)
        return out


class Pool:
    """Buffers that are used again once nobody refers to them: fresh memory costs more than arithmetic."""

    def __init__(self) -> None:
        self._buffers: dict[int, list[NDArray[np.uint8]]] = {}

    def take(self, rows: int, lanes: int, dtype: np.dtype[Any]) -> Array:
        """An array [rows, lanes] with anything in it. Views of it keep it from being used again."""
        size = rows * lanes * dtype.itemsize
        buffers = self._buffers.setdefault(size, [])
        for k in range(len(buffers)):
            if sys.getrefcount(buffers[k]) == _UNUSED:
                return buffers[k].view(dtype).reshape(rows, lanes)
        fresh = np.empty(size, np.uint8)
        buffers.append(fresh)
        return fresh.view(dtype).reshape(rows, lanes)
