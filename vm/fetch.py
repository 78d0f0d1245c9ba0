"""Taking an input from the values of other nodes: a view where it can be one, else vectors laid together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from lpuasm.isa.casts import DTYPES
from lpuasm.isa.runs import spread
from lpuasm.vm.nodes import Input
from lpuasm.vm.resolve import Piece

Array = NDArray[Any]
_FEW = 6  # so many pieces are laid one by one,
_SHORT = 64  # unless they are as short as this: then it is their number that takes time


class Value(Protocol):
    """Vectors of a node: [vectors, lanes] of one type, or bytes [vectors, streams, lanes]."""

    def rows(self, at: int, count: int, pace: int) -> Array: ...
    def take(self, at: NDArray[np.intp]) -> Array: ...


@dataclass(frozen=True, slots=True)
class Scattered:
    """Many single vectors that come from one node: those numbered ``issue`` here are those numbered ``at`` there."""

    byte: int
    node: int
    source: int
    issue: NDArray[np.intp] | slice
    at: NDArray[np.intp]


@dataclass(slots=True)
class Fetch:
    """What one step takes for one input: ``count`` vectors. ``alone``: the piece that is all of it, if there is one;
    ``nodes``: those that it comes from.

    ``apart``: where every stream has one piece, of the same byte plane of one node, and each begins as many vectors
    after the one before it: how many; else 0.
    """

    kind: str
    size: int
    count: int
    alone: Piece | None
    pieces: tuple[Piece, ...]
    scattered: tuple[Scattered, ...]
    full: bool
    nodes: frozenset[int]
    apart: int = 0


def clipped(pieces: Sequence[Piece], low: int, high: int) -> list[Piece]:
    """The parts of pieces that are vectors ``low`` … ``high`` − 1, counted from ``low``."""
    out = []
    for p in pieces:
        first = max(0, -((p.issue - low) // p.hop))
        last = min(p.count, -((p.issue - high) // p.hop))
        if first < last:
            issue, at = p.issue + first * p.hop - low, p.at + first * p.pace
            out.append(Piece(p.byte, issue, p.hop, last - first, p.node, p.source, at, p.pace))
    return out


def fetch_of(operand: Input, pieces: Sequence[Piece], low: int, high: int) -> Fetch:
    """What a step for the vectors ``low`` … ``high`` − 1 takes for ``operand``."""
    count = high - low
    if low or high < operand.count:
        pieces = clipped(pieces, low, high)
    if len(pieces) == 1 and (p := pieces[0]).byte < 0 and p.count == count:
        return Fetch(operand.kind, operand.size, count, p, (p,), (), True, frozenset((p.node,)))
    nodes = frozenset([p.node for p in pieces])
    full = sum(p.count * (operand.size if p.byte < 0 else 1) for p in pieces) == count * operand.size
    if not operand.kind and (apart := _apart(pieces, operand.size, count)):
        return Fetch("", operand.size, count, None, tuple(pieces), (), True, nodes, apart)
    kept, scattered = list(pieces), []
    if len(pieces) > _FEW or (len(pieces) > 2 and count <= _SHORT * len(pieces)):
        groups: dict[tuple[int, int, int], list[Piece]] = {}
        for p in pieces:
            groups.setdefault((p.byte, p.node, p.source), []).append(p)
        kept = [p for group in groups.values() if len(group) <= 2 for p in group]
        scattered = [_scattered(*key, group) for key, group in groups.items() if len(group) > 2]
    return Fetch(operand.kind, operand.size, count, None, tuple(kept), tuple(scattered), full, nodes)


def _apart(pieces: Sequence[Piece], size: int, count: int) -> int:
    """What :class:`Fetch` calls ``apart``, of pieces that are as many as the streams are."""
    if not 1 < len(pieces) == size:
        return 0
    first, apart = pieces[0], pieces[1].at - pieces[0].at
    even = all(
        (p.byte, p.node, p.source, p.pace, p.at) == (k, first.node, first.source, first.pace, first.at + k * apart)
        and p.count == count
        for k, p in enumerate(pieces)
    )
    return max(apart, 0) if even and first.pace >= 0 else 0


def _scattered(byte: int, node: int, source: int, pieces: list[Piece]) -> Scattered:
    columns = np.array([(p.issue, p.hop, p.at, p.pace, p.count) for p in pieces], np.intp).T
    row, k = spread(columns[4])
    first, hop, begin, pace = columns[:4, row]
    issue, at = first + k * hop, begin + k * pace
    order = issue.argsort()
    issue, at = issue[order], at[order]
    follow = bool((issue[1:] == issue[:-1] + 1).all())
    place = slice(int(issue[0]), int(issue[-1]) + 1) if follow else issue
    return Scattered(byte, node, source, place, at)


def fetch(values: Mapping[int, Value | Array], f: Fetch, lanes: int) -> Array:
    """The vectors of an input: [vectors, lanes] of its type, or bytes [vectors, streams, lanes]."""
    if f.alone is not None:
        p = f.alone
        return typed(rows_of(values[p.node], p), p.source, f)
    if f.apart and isinstance(value := values[f.pieces[0].node], np.ndarray):
        first = f.pieces[0]
        there = plane(value, first.source)[first.at :]
        down, across = there.strides
        return as_strided(there, (f.count, f.size, lanes), (first.pace * down, f.apart * down, across), writeable=False)
    if not f.kind:
        planes = (np.empty if f.full else np.zeros)((f.count, f.size, lanes), np.uint8)
        for byte, issue, vectors in _vectors(values, f):
            planes[issue, byte] = vectors
        return planes
    out = (np.empty if f.full else np.zeros)((f.count, lanes), DTYPES[f.kind])
    apart = out.view(np.uint8).reshape(f.count, lanes, f.size)
    for p in f.pieces:
        place = slice(p.issue, p.issue + (p.count - 1) * p.hop + 1, p.hop)
        rows = rows_of(values[p.node], p)
        if p.byte < 0:
            out[place] = typed(rows, p.source, f)
        else:
            apart[place, :, p.byte] = plane(rows, p.source)
    for s in f.scattered:
        if s.byte < 0:
            out[s.issue] = typed(_taken(values[s.node], s.at), s.source, f)
        else:
            apart[s.issue, :, s.byte] = _taken_plane(values[s.node], s)
    return out


def repeated(values: Mapping[int, Value | Array], f: Fetch) -> tuple[Array, NDArray[np.intp]] | None:
    """Vectors of one node, and which of them an input takes one after the other, if it takes some again."""
    if len(f.scattered) != 1 or f.pieces or not f.full:
        return None
    s = f.scattered[0]
    value = values[s.node]
    rows = value if isinstance(value, np.ndarray) else value.take(np.arange(int(s.at.max()) + 1))
    if f.size == 1:
        rows = plane(rows, s.source)
    fits = len(rows) < len(s.at) and rows.ndim == 2 and rows.itemsize == f.size
    return (rows, s.at) if fits and isinstance(s.issue, slice) else None


def _vectors(values: Mapping[int, Value | Array], f: Fetch) -> list[tuple[int, Any, Array]]:
    """(stream, which vectors, their bytes) of every piece of an input of byte planes."""
    out: list[tuple[int, Any, Array]] = []
    for p in f.pieces:
        place = slice(p.issue, p.issue + (p.count - 1) * p.hop + 1, p.hop)
        out.append((p.byte, place, plane(rows_of(values[p.node], p), p.source)))
    for s in f.scattered:
        out.append((s.byte, s.issue, _taken_plane(values[s.node], s)))
    return out


def rows_of(value: Value | Array, p: Piece) -> Array:
    """The vectors of a piece as a view."""
    if not isinstance(value, np.ndarray):
        return value.rows(p.at, p.count, p.pace)
    if p.pace > 0:
        return value[p.at : p.at + (p.count - 1) * p.pace + 1 : p.pace]
    if p.pace == 0:
        return np.broadcast_to(value[p.at], (p.count, *value.shape[1:]))
    last = p.at + (p.count - 1) * p.pace
    return value[last : p.at + 1 : -p.pace][::-1]


def _taken(value: Value | Array, at: NDArray[np.intp]) -> Array:
    return value[at] if isinstance(value, np.ndarray) else value.take(at)


def _taken_plane(value: Value | Array, s: Scattered) -> NDArray[np.uint8]:
    """One byte plane of scattered vectors. Where they are taken several times, the plane is made apart once."""
    if isinstance(value, np.ndarray) and len(value) < len(s.at):
        return np.ascontiguousarray(plane(value, s.source))[s.at]
    return plane(_taken(value, s.at), s.source)


def typed(rows: Array, source: int, f: Fetch) -> Array:
    """Vectors as lanes of the type of the input."""
    dtype = DTYPES[f.kind]
    if rows.ndim == 2 and rows.itemsize == f.size:
        return rows if rows.dtype == dtype else rows.view(dtype)
    if f.size == 1:
        return plane(rows, source).view(dtype)
    # Only zeros are heard as lanes of another size.
    return np.broadcast_to(np.zeros((), dtype), (len(rows), rows.shape[-1]))


def plane(rows: Array, byte: int) -> NDArray[np.uint8]:
    """Byte plane ``byte`` of vectors, as a view."""
    if rows.ndim == 3:
        return np.asarray(rows[:, byte], np.uint8)
    if rows.itemsize == 1:
        return rows.view(np.uint8)
    if rows.strides[-1] != rows.itemsize:
        rows = np.ascontiguousarray(rows)
    return rows.view(np.uint8).reshape(len(rows), -1, rows.itemsize)[:, :, byte]
