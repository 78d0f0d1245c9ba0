"""Where the elements of a tensor lie in SRAM.

A tensor is seen as rows of its last axis. Rows are cut into tiles; each row of
a tile is one vector, its columns across the lanes, zero beyond the edge.
Vector v of a tensor of b bytes an element over S slices lies in the group
v mod (S/b) of slices, byte plane p in slice p of the group, at the address
v div (S/b) from the base; ``run`` makes successive addresses alternate between
the banks in runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.operands import TYPE_BYTES


@dataclass(frozen=True, slots=True)
class Layout:
    """Placement of a tensor: slices by queue number (west hemisphere first), base address, tiles and bank runs.

    ``bank_words`` is the number of vectors of a bank of the target; ``run`` 0 means that addresses just count up.
    """

    dtype: str
    shape: tuple[int, ...]
    slices: tuple[int, ...]
    address: int
    tile_rows: int
    tile_columns: int
    run: int
    bank_words: int

    @property
    def planes(self) -> int:
        """Bytes of an element, and so slices of a group."""
        return TYPE_BYTES[self.dtype]

    @property
    def rows(self) -> int:
        return prod(self.shape[:-1])

    @property
    def columns(self) -> int:
        return self.shape[-1] if self.shape else 1

    @property
    def groups(self) -> int:
        """Groups of slices over which successive vectors are spread."""
        return len(self.slices) // self.planes

    @property
    def tiles(self) -> tuple[int, int]:
        """Tiles down and across."""
        return -(-self.rows // self.tile_rows) if self.rows else 0, -(-self.columns // self.tile_columns)

    @property
    def vectors(self) -> int:
        """Vectors that the tensor takes, those that pad its last tiles included."""
        down, across = self.tiles
        return down * across * self.tile_rows

    @property
    def depth(self) -> int:
        """Words that the tensor takes in each of its slices."""
        return -(-self.vectors // self.groups)

    def vector(self, row: NDArray[np.int64] | int, tile_column: NDArray[np.int64] | int) -> NDArray[np.int64]:
        """The vector that holds ``row`` in the ``tile_column``-th tile across."""
        row, column = np.asarray(row, np.int64), np.asarray(tile_column, np.int64)
        first = (row // self.tile_rows * self.tiles[1] + column) * self.tile_rows
        return np.asarray(first + row % self.tile_rows)

    def locate(self, vector: NDArray[np.int64] | int, plane: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(slice as queue number, address) of byte plane ``plane`` of vectors."""
        vector = np.asarray(vector, np.int64)
        slices = np.asarray(self.slices, np.int64)[vector % self.groups * self.planes + plane]
        return np.asarray(slices), self.word_address(vector // self.groups)

    def word_address(self, word: NDArray[np.int64] | int) -> NDArray[np.int64]:
        """The address of the ``word``-th word of the tensor in a slice."""
        word = np.asarray(word, np.int64)
        if not self.run:
            return np.asarray(self.address + word)
        run = word // self.run
        return np.asarray(self.address + run % 2 * self.bank_words + run // 2 * self.run + word % self.run)

    def last_address(self) -> int:
        """The highest address that the tensor takes in any slice."""
        if not self.depth:
            return self.address
        tail = np.arange(max(0, self.depth - 2 * max(self.run, 1)), self.depth)
        return int(self.word_address(tail).max())


def scatter_rows(layout: Layout, values: NDArray[np.generic], lanes: int) -> NDArray[np.uint8]:
    """The vectors of a tensor as bytes, [planes, vectors, lanes], zero beyond its edges."""
    planes = layout.planes
    down, across = layout.tiles
    padded = np.zeros((down * layout.tile_rows, across * layout.tile_columns), values.dtype)
    padded[: layout.rows, : layout.columns] = values.reshape(layout.rows, layout.columns)
    tiled = padded.reshape(down, layout.tile_rows, across, layout.tile_columns).transpose(0, 2, 1, 3)
    rows = np.ascontiguousarray(tiled).reshape(layout.vectors, layout.tile_columns)
    octets = rows.astype(rows.dtype.newbyteorder("<"), copy=False).view(np.uint8)
    out = np.zeros((planes, layout.vectors, lanes), np.uint8)
    out[:, :, : layout.tile_columns] = octets.reshape(layout.vectors, layout.tile_columns, planes).transpose(2, 0, 1)
    return out


def gather_rows(layout: Layout, vectors: NDArray[np.uint8], dtype: np.dtype[np.generic]) -> NDArray[np.generic]:
    """The tensor whose vectors are given as bytes, [planes, vectors, lanes]; the inverse of :func:`scatter_rows`."""
    down, across = layout.tiles
    octets = np.ascontiguousarray(vectors[:, :, : layout.tile_columns].transpose(1, 2, 0))
    rows = octets.reshape(layout.vectors, layout.tile_columns * layout.planes).view(dtype.newbyteorder("<"))
    tiled = rows.reshape(down, across, layout.tile_rows, layout.tile_columns).transpose(0, 2, 1, 3)
    padded = tiled.reshape(down * layout.tile_rows, across * layout.tile_columns)
    return np.ascontiguousarray(padded[: layout.rows, : layout.columns]).astype(dtype, copy=False).reshape(layout.shape)


def default_tile(shape: Sequence[int], lanes: int) -> tuple[int, int]:
    """The tile of a tensor for which none is stated: all rows, and as many columns as there are, or lanes."""
    columns = shape[-1] if shape else 1
    return max(prod(shape[:-1]), 1), min(max(columns, 1), lanes)
