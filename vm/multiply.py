"""Sums of int8 products over several arrays at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.dot import MAX_K_I8
from lpuasm.vm import int8
from lpuasm.vm.fetch import Fetch, fetch

if TYPE_CHECKING:
    from lpuasm.vm.compute import Work

Floats = NDArray[np.float32]
_ROWS = 512  # a block of activations and its sums stay in the cache
_ROWS_OF_BYTES = 1024  # the weights are laid out again for each block
_AS_BYTES = (-1,)  # in the key of weights that are kept as bytes


def multiply_i8(
    work: Work,
    rows: Sequence[NDArray[Any]],
    holders: tuple[tuple[int, ...], ...],
    held: Mapping[int, Fetch],
    out: Sequence[NDArray[np.int32]],
) -> None:
    """``out[t]`` [n, lanes] becomes the sum over k of ``rows[k]`` times the weights ``holders[t][k]``.

    As many terms go into one float32 product as are exact: every partial sum is an integer of at most 2**24.
    """
    lanes, terms = work.target.lanes, len(rows)
    if terms == 1 and (picked := _picked(rows[0])) is not None:
        for row, result in zip(holders, out, strict=True):
            np.copyto(result, _weights(work, row[0], held).T[picked])
        return
    products = int8.for_product(len(rows[0]) * terms * len(out) * lanes * lanes)
    if products is not None:
        _multiply_bytes(products, work, rows, holders, held, out)
        return
    goes = -(-terms * lanes // (MAX_K_I8 // lanes * lanes))
    per = -(-terms // goes)
    wide = np.empty((min(len(rows[0]), _ROWS), per * lanes), np.float32)
    sums = np.empty((len(wide), len(out) * lanes), np.float32)
    more = np.empty((len(wide), lanes), np.int32) if goes > 1 else None
    for begin in range(0, terms, per):
        part = range(begin, min(begin + per, terms))
        columns = _side_by_side(work, tuple(tuple(h[k] for k in part) for h in holders), held).T
        for start in range(0, len(rows[0]), _ROWS):
            n = min(_ROWS, len(rows[0]) - start)
            block = wide[:n, : len(part) * lanes]
            for k in part:
                np.copyto(block[:, (k - begin) * lanes : (k - begin + 1) * lanes], rows[k][start : start + n])
            np.matmul(block, columns, out=sums[:n])
            for t, result in enumerate(out):
                piece, place = sums[:n, t * lanes : (t + 1) * lanes], result[start : start + n]
                if begin == 0:
                    np.copyto(place, piece, casting="unsafe")
                else:
                    assert more is not None
                    np.copyto(more[:n], piece, casting="unsafe")
                    np.add(place, more[:n], out=place)


def _picked(rows: NDArray[Any]) -> NDArray[np.intp] | None:
    """The lanes that activations pick, where each is a one among zeros: with the identity planes turn bytes round."""
    if np.count_nonzero(rows) != len(rows):
        return None
    lanes = rows.argmax(axis=1)
    return lanes if (rows[np.arange(len(rows)), lanes] == 1).all() else None


def _weights(work: Work, number: int, held: Mapping[int, Fetch]) -> NDArray[Any]:
    """The installed rows of a node."""
    rows = fetch(work.values, held[number], work.target.lanes) if number in held else work.values[number]
    assert isinstance(rows, np.ndarray)
    return rows


def _multiply_bytes(
    products: int8.Products,
    work: Work,
    rows: Sequence[NDArray[Any]],
    holders: tuple[tuple[int, ...], ...],
    held: Mapping[int, Fetch],
    out: Sequence[NDArray[np.int32]],
) -> None:
    """:func:`multiply_i8` of bytes as they are, all terms at once."""
    lanes = work.target.lanes
    columns = _columns_of_bytes(work, holders, held)
    wide = np.empty((min(len(rows[0]), _ROWS_OF_BYTES), len(rows) * lanes), np.uint8)
    sums = np.empty((len(wide), len(out) * lanes), np.int32)
    for start in range(0, len(rows[0]), _ROWS_OF_BYTES):
        n = min(_ROWS_OF_BYTES, len(rows[0]) - start)
        for k, part in enumerate(rows):
            place = wide[:n, k * lanes : (k + 1) * lanes]
            np.bitwise_xor(part[start : start + n].view(np.uint8), np.uint8(int8.OFFSET), out=place)
        products.multiply(wide[:n], columns, sums[:n])
        for t, result in enumerate(out):
            np.copyto(result[start : start + n], sums[:n, t * lanes : (t + 1) * lanes])


def _columns_of_bytes(work: Work, holders: tuple[tuple[int, ...], ...], held: Mapping[int, Fetch]) -> int8.Weights:
    """The weights of several nodes as one array of bytes: terms downwards, targets across."""
    lanes = work.target.lanes

    def make() -> int8.Weights:
        out = np.empty((len(holders[0]) * lanes, len(holders) * lanes), np.int8)
        for t, row in enumerate(holders):
            for k, h in enumerate(row):
                place = out[k * lanes : (k + 1) * lanes, t * lanes : (t + 1) * lanes]
                np.copyto(place, _weights(work, h, held).T)
        return out

    found = work.kept((*holders, _AS_BYTES), {h for row in holders for h in row}, make)
    assert isinstance(found, np.ndarray)
    return found


def _side_by_side(work: Work, holders: tuple[tuple[int, ...], ...], held: Mapping[int, Fetch]) -> Floats:
    """The weights of several nodes as one float32 array: targets downwards, terms across."""
    lanes = work.target.lanes

    def make() -> Floats:
        out = np.empty((len(holders) * lanes, len(holders[0]) * lanes), np.float32)
        for t, row in enumerate(holders):
            for k, h in enumerate(row):
                place = out[t * lanes : (t + 1) * lanes, k * lanes : (k + 1) * lanes]
                np.copyto(place, _weights(work, h, held))
        return out

    found = work.kept(holders, {h for row in holders for h in row}, make)
    assert isinstance(found, np.ndarray)
    return found
