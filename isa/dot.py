"""Exact matrix products: what a plane of the MXM computes.

int8: float32 GEMM. Every partial sum is an integer of at most K * 2**14, so up to
K = 1024 nothing is ever rounded, in whatever order the BLAS adds.

f16: the sum of products is exact and rounded once to f32 (design, Numbers). It is found
with float64 GEMM in three steps, each for what the one before leaves open:

1. All values of a vector are multiples of the smallest ulp in it. In units of the product
   of two such ulps, every partial sum is an integer of at most |x| * |w| (Cauchy-Schwarz).
   Where that is below 2**53 the float64 sum is exact: no order, no fused multiply-add and
   no kernel can change it. That is nearly every element of ordinary data.
2. Elsewhere the sum is within ``(K + 2) * 2**-53 * |x| * |w|`` of the truth, for any order.
   If both ends of that interval round to the same f32, so does the truth (Ziv's test).
3. What is left is summed in integers (:mod:`lpuasm.isa.exact`).

So the bits depend neither on the BLAS nor on the machine. Sums never overflow f32
(2048 * 65504**2 < 2**44) nor reach its subnormals (they are multiples of 2**-48). A sum
that is exactly zero is +0, as in a fixed-point accumulator, whatever the signs of its
products; so zero lanes beside a vector never show. NaN in an operand, inf * 0 and inf - inf
give the canonical NaN; otherwise an infinite product gives its infinity.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.exact import MAX_K, exact_dots, nonfinite_dots
from lpuasm.isa.half import to_f64

MAX_K_I8 = 1024
"""The longest int8 dot product that float32 sums exactly: 1024 * 2**14 = 2**24."""

_ROWS = 256  # rows a block: activations, weights and sums stay in a 2 MB L2 cache
_EXACT = 2.0**53 * (1 - 2.0**-20)  # the margin covers the rounding of the norms
_MAGNITUDE = 0x7FFF  # the bits of an f16 without its sign
_INFINITE = 0x7C00  # the bits of an infinity; those of a NaN are above
_ROUNDING = 2.0**-53 * (1 + 2.0**-20)
_NONE = np.zeros(0, np.intp)

# 1 / ulp by exponent field; 64 is what a vector of zeros gives.
_PER_ULP = np.array([math.ldexp(1.0, 25 - max(e, 1)) if e < 32 else 1.0 for e in range(65)])


@dataclass(frozen=True, slots=True)
class PreparedF16:
    """Weights in the form that :func:`dot_prepared` computes with."""

    rows: NDArray[np.float16]
    """[N, K]: the installed rows."""
    columns: NDArray[np.float64]
    """[k, m]: the same, transposed, without the zeros beyond the last value; a row that is not finite is zeros."""
    norm: NDArray[np.float64]
    """[m]: Euclidean norms."""
    spread: NDArray[np.float64]
    """[m]: norms in units of the smallest ulp of their row."""
    limit: float
    """A vector of at most this spread has exact float64 sums with every row."""
    special: NDArray[np.intp]
    """The rows that hold an infinity or a NaN."""


@dataclass(frozen=True, slots=True)
class RowsF16:
    """Vectors in the form that :func:`dot_rows` takes."""

    rows: NDArray[np.float16]
    """[n, K]: the vectors."""
    wide: NDArray[np.float64]
    """[n, k]: their first lanes; a row that is not finite, wherever in it that is, is zeros."""
    norm: NDArray[np.float64]
    """[n]: Euclidean norms."""
    spread: NDArray[np.float64]
    """[n]: norms in units of the smallest ulp of their row."""
    special: NDArray[np.intp]
    """The rows that hold an infinity or a NaN."""

    def block(self, start: int, end: int) -> RowsF16:
        """Some of the vectors."""
        special = self.special
        if special.size:
            special = special[(special >= start) & (special < end)] - start
        part = slice(start, end)
        return RowsF16(self.rows[part], self.wide[part], self.norm[part], self.spread[part], special)


def prepare_i8(w: NDArray[np.int8]) -> NDArray[np.float32]:
    """Installed rows ``w`` [N, K] as the float32 [K, N] that :func:`dot_i8_prepared` takes."""
    return np.ascontiguousarray(w.T, dtype=np.float32)


def dot_i8(x: NDArray[np.int8], w: NDArray[np.int8]) -> NDArray[np.int32]:
    """The exact products of vectors ``x`` [n, K] and installed rows ``w`` [N, K]: int32 [n, N]."""
    return dot_i8_prepared(x, prepare_i8(w))


def dot_i8_prepared(
    x: NDArray[np.int8], columns: NDArray[np.float32], out: NDArray[np.int32] | None = None
) -> NDArray[np.int32]:
    """:func:`dot_i8` with weights from :func:`prepare_i8`; K is at most :data:`MAX_K_I8`."""
    (n, k), width = x.shape, columns.shape[1]
    if k > MAX_K_I8:
        raise ValueError(f"an int8 dot product of {k} terms is not exact in float32; at most {MAX_K_I8}")
    if out is None:
        out = np.empty((n, width), np.int32)
    sums = np.empty((min(n, _ROWS), width), np.float32)
    for start in range(0, n, _ROWS):
        block = x[start : start + _ROWS].astype(np.float32)
        part = sums[: len(block)]
        np.matmul(block, columns, out=part)
        np.copyto(out[start : start + _ROWS], part, casting="unsafe")
    return out


def prepare_f16(w: NDArray[np.float16]) -> PreparedF16:
    """Weights from installed rows ``w`` [N, K]; prepare them once for many products."""
    if w.shape[1] > MAX_K:
        raise ValueError(f"an f16 dot product has at most {MAX_K} terms, not {w.shape[1]}")
    rows = w.copy()
    magnitude = rows.view(np.uint16) & np.uint16(_MAGNITUDE)
    used = np.flatnonzero(magnitude.max(axis=0, initial=0))
    with np.errstate(all="ignore"):
        v = _measured(rows, magnitude, int(used[-1]) + 1 if used.size else 0)
        widest = float(v.spread.max(initial=0.0))
    limit = _EXACT / widest if widest else math.inf
    some = np.flatnonzero(v.norm)
    width = int(some[-1]) + 1 if some.size else 0
    return PreparedF16(rows, v.wide[:width].T, v.norm[:width], v.spread[:width], limit, v.special)


def dot_f16(x: NDArray[np.float16], w: NDArray[np.float16]) -> NDArray[np.float32]:
    """Products of vectors ``x`` [n, K] and installed rows ``w`` [N, K], each exact, then rounded: f32 [n, N]."""
    return dot_prepared(x, prepare_f16(w))


def dot_prepared(
    x: NDArray[np.float16], weights: PreparedF16, out: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """:func:`dot_f16` with prepared weights; ``out`` [n, N] is filled and returned if it is given."""
    if out is None:
        out = np.empty((len(x), len(weights.rows)), np.float32)
    sums = np.empty((min(len(x), _ROWS), weights.columns.shape[1]))
    for start in range(0, len(x), _ROWS):
        measured = rows_f16(x[start : start + _ROWS], len(weights.columns))
        _dot_block(measured, weights, sums[: len(measured.rows)], out[start : start + _ROWS])
    return out


def rows_f16(x: NDArray[np.float16], depth: int) -> RowsF16:
    """Vectors ``x`` [n, K] for products with weights whose ``columns`` have that depth."""
    with np.errstate(all="ignore"):
        return _measured(x, x.view(np.uint16) & np.uint16(_MAGNITUDE), depth)


def dot_rows(x: RowsF16, weights: PreparedF16, out: NDArray[np.float32]) -> None:
    """:func:`dot_prepared` with vectors from :func:`rows_f16`, which are prepared once for many weights."""
    sums = np.empty((min(len(x.rows), _ROWS), weights.columns.shape[1]))
    for start in range(0, len(x.rows), _ROWS):
        block = x.block(start, start + _ROWS)
        _dot_block(block, weights, sums[: len(block.rows)], out[start : start + _ROWS])


def _dot_block(x: RowsF16, weights: PreparedF16, sums: NDArray[np.float64], out: NDArray[np.float32]) -> None:
    width = weights.columns.shape[1]
    with np.errstate(all="ignore"):
        np.matmul(x.wide, weights.columns, out=sums)
        place = out[:, :width]
        np.copyto(place, sums, casting="same_kind")
        place += np.float32(0.0)  # a BLAS may start from a product, and then from -0
        out[:, width:] = 0.0
        rows = np.flatnonzero(x.spread > weights.limit)
        if rows.size:
            _settle(x.rows, rows, x.norm[rows], x.spread[rows], weights, sums, out)
        if x.special.size:
            out[x.special] = nonfinite_dots(x.rows[x.special], weights.rows)
        if weights.special.size:
            out[:, weights.special] = nonfinite_dots(x.rows, weights.rows[weights.special])


def _measured(v: NDArray[np.float16], magnitude: NDArray[np.uint16], depth: int) -> RowsF16:
    """Vectors ``v`` with ``depth`` of their lanes in float64. ``magnitude``: their bits without signs, overwritten."""
    special = _NONE
    if magnitude.max(initial=0) >= _INFINITE:
        special = np.flatnonzero(magnitude.max(axis=1) >= _INFINITE)
    magnitude = magnitude[:, :depth]
    magnitude -= np.uint16(1)  # zeros become the largest, so the minimum is over the others
    exponent = (magnitude.min(axis=1, initial=0xFFFF).astype(np.intp) + 1) >> 10
    wide = to_f64(v[:, :depth], not exponent.all())
    if special.size:
        wide[special] = 0.0
    norm = np.sqrt(np.einsum("ij,ij->i", wide, wide))
    return RowsF16(v, wide, norm, norm * _PER_ULP[exponent], special)


def _settle(
    x: NDArray[np.float16],
    rows: NDArray[np.intp],
    norm: NDArray[np.float64],
    spread: NDArray[np.float64],
    weights: PreparedF16,
    sums: NDArray[np.float64],
    out: NDArray[np.float32],
) -> None:
    """Correct in ``out`` what float64 may have got wrong in ``rows`` of it (steps 2 and 3)."""
    unit = (x.shape[1] + 2) * _ROUNDING
    error = (unit * weights.norm.max() * norm)[:, None]
    doubtful = sums if len(rows) == len(sums) else sums[rows]
    end = doubtful - error
    low = end.astype(np.float32)
    np.add(doubtful, error, out=end)
    i, j = np.divmod(np.flatnonzero(low != end.astype(np.float32)), sums.shape[1])
    if i.size:
        # The same test with each column's own norm, and the first step for each element.
        total, error = doubtful[i, j], unit * norm[i] * weights.norm[j]
        open_ = (total - error).astype(np.float32) != (total + error).astype(np.float32)
        open_ &= spread[i] * weights.spread[j] > _EXACT
        r, c = rows[i[open_]], j[open_]
        out[r, c] = exact_dots(x, weights.rows, r, c)
