"""Sums of int8 products over several arrays at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from lpuasm.vm import int8
from lpuasm.vm.fetch import Fetch, fetch

if TYPE_CHECKING:
    from lpuasm.vm.work import Work

_ROWS = 512  # a block of activations and its sums stay in the cache
_MOST = 2**17  # the sum of magnitudes that activations of 2**7 make an exact float32 of
_ROWS_OF_BYTES = 1024  # the weights are laid out again for each block

Rows = Sequence[NDArray[Any]]
Out = Sequence[NDArray[np.int32]]


@dataclass(frozen=True, slots=True)
class Beside:
    """The weights of several nodes together, without the zeros that follow them in every node.

    ``columns`` [K, N], in as many parts as products they are for: term k is ``depths[k]`` lanes downwards, target t
    ``widths[t]`` rows across.
    """

    columns: tuple[NDArray[Any], ...]
    depths: tuple[int, ...]
    widths: tuple[int, ...]


def multiply_i8(
    work: Work, rows: Rows, holders: tuple[tuple[int, ...], ...], held: Mapping[int, Fetch], out: Out
) -> None:
    """``out[t]`` [n, lanes] becomes the sum over k of ``rows[k]`` times the weights ``holders[t][k]``."""
    if len(rows) == 1 and (picked := _picked(rows[0])) is not None:
        for row, result in zip(holders, out, strict=True):
            np.copyto(result, _weights(work, row[0], held).T[picked])
        return
    products = int8.for_product(len(rows[0]) * len(rows) * len(out) * work.target.lanes**2)
    weights = _side_by_side(work, holders, held, np.dtype(np.float32 if products is None else np.int8))
    for result, width in zip(out, weights.widths, strict=True):
        result[:, width:] = 0
    if products is None:
        _multiply_floats(rows, weights, out)
    else:
        _multiply_bytes(products, rows, weights, out)


def _picked(rows: NDArray[Any]) -> NDArray[np.intp] | None:
    """The lanes that activations pick, where each is a one among zeros: with the identity planes turn bytes round."""
    if np.count_nonzero(rows) != len(rows):
        return None
    lanes = rows.argmax(axis=1)
    return lanes if (rows[np.arange(len(rows)), lanes] == 1).all() else None


def _multiply_floats(rows: Rows, weights: Beside, out: Out) -> None:
    """By float32, in products that are exact: every partial sum is an integer of at most 2**24."""
    deepest, width = max(len(c) for c in weights.columns), weights.columns[0].shape[1]
    wide = np.empty((min(len(rows[0]), _ROWS), deepest), np.float32)
    sums = np.empty((len(wide), width), np.float32)
    more = np.empty((len(wide), max(weights.widths)), np.int32) if len(weights.columns) > 1 else None
    ends = _ends(weights.widths)
    begin = 0
    for columns in weights.columns:
        parts = _parts(weights.depths, begin, begin + len(columns))
        for start in range(0, len(rows[0]), _ROWS):
            n = min(_ROWS, len(rows[0]) - start)
            block = wide[:n, : len(columns)]
            for term, lanes, place in parts:
                np.copyto(block[:, place], rows[term][start : start + n, lanes])
            np.matmul(block, columns, out=sums[:n])
            for result, (first, last) in zip(out, ends, strict=True):
                piece, there = sums[:n, first:last], result[start : start + n, : last - first]
                if begin == 0:
                    np.copyto(there, piece, casting="unsafe")
                else:
                    assert more is not None
                    added = more[:n, : last - first]
                    np.copyto(added, piece, casting="unsafe")
                    np.add(there, added, out=there)
        begin += len(columns)


def _multiply_bytes(products: int8.Products, rows: Rows, weights: Beside, out: Out) -> None:
    """By bytes as they are, all terms at once."""
    (columns,) = weights.columns
    depth, width = columns.shape
    wide = np.empty((min(len(rows[0]), _ROWS_OF_BYTES), depth), np.uint8)
    sums = np.empty((len(wide), width), np.int32)
    for start in range(0, len(rows[0]), _ROWS_OF_BYTES):
        n = min(_ROWS_OF_BYTES, len(rows[0]) - start)
        for term, lanes, place in _parts(weights.depths, 0, depth):
            octets = rows[term][start : start + n, lanes].view(np.uint8)
            np.bitwise_xor(octets, np.uint8(int8.OFFSET), out=wide[:n, place])
        products.multiply(wide[:n], columns, sums[:n])
        for result, (first, last) in zip(out, _ends(weights.widths), strict=True):
            np.copyto(result[start : start + n, : last - first], sums[:n, first:last])


def _ends(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Where each of several sizes begins and ends, one after the other."""
    ends = list(accumulate(sizes))
    return list(zip([0, *ends], ends, strict=False))


def _parts(depths: Sequence[int], begin: int, end: int) -> list[tuple[int, slice, slice]]:
    """(term, its lanes, their places counted from ``begin``) of what lies in ``begin`` … ``end`` of all terms."""
    out = []
    for k, (first, last) in enumerate(_ends(depths)):
        low, high = max(first, begin), min(last, end)
        if low < high:
            out.append((k, slice(low - first, high - first), slice(low - begin, high - begin)))
    return out


def _side_by_side(
    work: Work, holders: tuple[tuple[int, ...], ...], held: Mapping[int, Fetch], dtype: np.dtype[Any]
) -> Beside:
    """The weights of several nodes: bytes lie row by row, and floats column by column, as they come."""
    order: Literal["C", "F"] = "C" if dtype == np.int8 else "F"

    def make() -> Beside:
        arrays = [[_weights(work, h, held) for h in row] for row in holders]
        depths = tuple(max(_used(a[k].T) for a in arrays) for k in range(len(holders[0])))
        widths = tuple(max(_used(a) for a in row) for row in arrays)
        columns = []
        for terms in [range(len(depths))] if dtype == np.int8 else _exact(arrays):
            there = np.empty((sum(depths[k] for k in terms), sum(widths)), dtype, order)
            for k, (top, bottom) in zip(terms, _ends([depths[k] for k in terms]), strict=True):
                for row, (left, right) in zip(arrays, _ends(widths), strict=True):
                    np.copyto(there[top:bottom, left:right], row[k][: right - left, : bottom - top].T)
            columns.append(there)
        return Beside(tuple(columns), depths, widths)

    # A key of the same nodes for each type.
    found = work.kept((*holders, (-dtype.itemsize,)), {h for row in holders for h in row}, make)
    assert isinstance(found, Beside)
    return found


def _exact(arrays: Sequence[Sequence[NDArray[Any]]]) -> list[range]:
    """Successive terms that float32 sums exactly together: in every row the magnitudes come to at most 2**17."""
    out, begin, total = [], 0, np.zeros(())
    for k in range(len(arrays[0])):
        size = np.concatenate([np.abs(a[k]).view(np.uint8).sum(axis=1, dtype=np.uint32) for a in arrays])
        if k > begin and (total + size).max() > _MOST:
            out.append(range(begin, k))
            begin, total = k, np.zeros(())
        total = total + size
    return [*out, range(begin, len(arrays[0]))]


def _weights(work: Work, number: int, held: Mapping[int, Fetch]) -> NDArray[Any]:
    """The installed rows of a node."""
    rows = fetch(work.values, held[number], work.target.lanes) if number in held else work.values[number]
    assert isinstance(rows, np.ndarray)
    return rows


def _used(rows: NDArray[Any]) -> int:
    """How many rows there are before only zeros follow; one at least."""
    if rows[-1].any():
        return len(rows)
    some = np.flatnonzero(rows.any(axis=1))
    return int(some[-1]) + 1 if some.size else 1
