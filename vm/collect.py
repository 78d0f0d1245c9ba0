"""Tensors put together from the vectors that lie in SRAM after a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping

import numpy as np

from lpuasm.isa.casts import DTYPES
from lpuasm.isa.layout import Layout
from lpuasm.vm.fetch import Array, Fetch, Value, fetch, rows_of, typed
from lpuasm.vm.resolve import Piece

#: Rows and columns of an output.
Place = tuple[slice, slice]


def blank(layout: Layout) -> Array:
    """An output before anything is put into it: [rows, columns]."""
    return np.zeros((layout.rows, layout.columns), DTYPES[layout.dtype])


def in_pieces(f: Fetch) -> bool:
    """Whether a tensor is made of pieces of whole lanes, which go straight into its rows."""
    return not f.scattered and all(p.byte < 0 for p in f.pieces)


def destination(f: Fetch, layout: Layout, lanes: int, counts: Mapping[int, int]) -> dict[int, Place]:
    """The nodes, of those in ``counts``, all of whose vectors are one rectangle of a tensor and nothing else in it."""
    if not in_pieces(f) or layout.tile_columns != lanes:
        return {}
    once = Counter(p.node for p in f.pieces)
    out = {}
    for p in f.pieces:
        if once[p.node] == 1 and p.at == 0 and p.pace == 1 and counts.get(p.node) == p.count:
            parts = list(_tiles(layout, p))
            if len(parts) == 1 and parts[0][0].count == p.count and parts[0][1][1].stop <= layout.columns:
                out[p.node] = parts[0][1]
    return out


def collect(
    out: Array, values: Mapping[int, Value | Array], f: Fetch, layout: Layout, lanes: int, there: Container[int]
) -> Array:
    """The elements of a tensor, put into ``out``, where those of the nodes ``there`` are already."""
    if in_pieces(f):
        for p in f.pieces:
            for part, where in _tiles(layout, p) if p.node not in there else ():
                place = out[where]
                place[...] = typed(rows_of(values[part.node], part), part.source, f)[:, : place.shape[1]]
    else:
        _untiled(layout, fetch(values, f, lanes), out)
    return out.reshape(layout.shape)


def _tiles(t: Layout, p: Piece) -> Iterator[tuple[Piece, Place]]:
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
