"""Tensors put together from the vectors that lie in SRAM after a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lpuasm.isa.casts import DTYPES
from lpuasm.isa.layout import Layout
from lpuasm.vm.fetch import Array, Fetch, Value, fetch, rows_of, typed
from lpuasm.vm.resolve import Piece


def collected(values: Mapping[int, Value | Array], f: Fetch, layout: Layout, lanes: int) -> Array:
    """The elements of a tensor. Pieces of whole lanes go from their values straight into its rows."""
    out = np.zeros((layout.rows, layout.columns), DTYPES[layout.dtype])
    if not f.scattered and all(p.byte < 0 for p in f.pieces):
        for p in f.pieces:
            for part, where in _tiles(layout, p):
                place = out[where]
                place[...] = typed(rows_of(values[part.node], part), part.source, f)[:, : place.shape[1]]
    else:
        _untiled(layout, fetch(values, f, lanes), out)
    return out.reshape(layout.shape)


def _tiles(t: Layout, p: Piece) -> Iterator[tuple[Piece, Any]]:
    """The parts of a piece that lie in one tile each, inside the tensor, and where in it."""
    k = 0
    while k < p.count:
        vector = p.issue + k * p.hop
        tile, inside = divmod(vector, t.tile_rows)
        here = min(p.count - k, -((inside - t.tile_rows) // p.hop))
        down, across = divmod(tile, t.tiles[1])
        row, column = down * t.tile_rows + inside, across * t.tile_columns
        inner = min(here, max(0, -((row - t.rows) // p.hop)))
        if inner:
            part = Piece(p.byte, 0, 1, inner, p.node, p.source, p.at + k * p.pace, p.pace)
            yield part, (slice(row, row + (inner - 1) * p.hop + 1, p.hop), slice(column, column + t.tile_columns))
        k += here


def _untiled(t: Layout, vectors: Array, out: Array) -> None:
    down, across = t.tiles
    tiled = vectors[:, : t.tile_columns].reshape(down, across, t.tile_rows, t.tile_columns).transpose(0, 2, 1, 3)
    out[...] = tiled.reshape(down * t.tile_rows, across * t.tile_columns)[: t.rows, : t.columns]
