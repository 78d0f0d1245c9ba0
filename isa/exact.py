"""The rare cases of an f16 dot product: sums that float64 cannot decide, infinities and NaN.

An f16 is an integer times 2**-24, so a product is an integer of 80 bits times 2**-48.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MAX_K = 2048
"""The longest dot product whose sum fits the limbs here: 2048 * 2**80 = 2**91."""

_CHUNK = 2048  # elements at a time: bounds the memory that gathered operands take
_HALF = 20
_LOW_HALF = (1 << _HALF) - 1
_LOW = (1 << 2 * _HALF) - 1


def exact_dots(
    x: NDArray[np.float16], w: NDArray[np.float16], rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> NDArray[np.float32]:
    """``x[rows[m]] . w[columns[m]]`` for every m, exact and rounded once to f32. All values are finite."""
    out = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), _CHUNK):
        part = slice(start, start + _CHUNK)
        out[part] = _round(*_sum(x[rows[part]], w[columns[part]]))
    return out


def _fixed(v: NDArray[np.float16]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """``v`` in units of 2**-24, as high * 2**20 + low with 0 <= low < 2**20."""
    units = (v.astype(np.float64) * 2.0**24).astype(np.int64)
    return units >> _HALF, units & _LOW_HALF


def _sum(x: NDArray[np.float16], w: NDArray[np.float16]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row by row, the sum of products in units of 2**-48, as high * 2**40 + low with 0 <= low < 2**40."""
    (x1, x0), (w1, w0) = _fixed(x), _fixed(w)
    bottom = np.einsum("ij,ij->i", x0, w0)
    middle = np.einsum("ij,ij->i", x1, w0) + np.einsum("ij,ij->i", x0, w1) + (bottom >> _HALF)
    high = np.einsum("ij,ij->i", x1, w1) + (middle >> _HALF)
    return high, (middle & _LOW_HALF) << _HALF | bottom & _LOW_HALF


def _round(high: NDArray[np.int64], low: NDArray[np.int64]) -> NDArray[np.float32]:
    """``(high * 2**40 + low) * 2**-48`` to the nearest f32, ties to even; zero is +0."""
    negative = high < 0
    high = np.where(negative, ~high + (low == 0), high)
    low = np.where(negative, -low & _LOW, low)
    small = high < 1 << 22
    # A large sum keeps its upper 34 bits or more, and whether anything was below them.
    sticky = (high << 11) | (low >> 29) | ((low & ((1 << 29) - 1)) != 0)
    magnitude = np.where(small, (high << 40) | low, sticky).astype(np.float32)
    magnitude *= np.where(small, np.float32(2.0**-48), np.float32(2.0**-19))
    return np.where(negative, -magnitude, magnitude)


def nonfinite_dots(x: NDArray[np.float16], w: NDArray[np.float16]) -> NDArray[np.float32]:
    """The products [r, c] of vectors ``x`` [r, K] and rows ``w`` [c, K], each pair holding an infinity or a NaN.

    Counted, not computed: a BLAS may skip a zero and so lose inf * 0. The counts are small
    integers, exact in float32.
    """
    (x_inf, x_sign, x_zero, x_nan), (w_inf, w_sign, w_zero, w_nan) = _classes(x), _classes(w)
    # Infinite products by their sign. That of two infinities counts twice, in both sums.
    left = np.hstack([x_inf, x_sign])
    right = np.hstack([w_sign, w_inf])
    balance = left @ right.T
    count = np.abs(left) @ np.abs(right).T
    invalid = np.hstack([np.abs(x_inf), x_zero]) @ np.hstack([w_zero, np.abs(w_inf)]).T
    nan = x_nan[:, None] | w_nan | (invalid > 0) | (np.abs(balance) < count)
    out = np.where(balance > 0, np.float32(np.inf), np.float32(-np.inf))
    out[nan] = np.float32(np.nan)
    return out


def _classes(
    v: NDArray[np.float16],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Signs of the infinities, signs of everything but NaN, zeros; and which rows hold a NaN."""
    wide = v.astype(np.float32)
    sign = (wide > 0).astype(np.float32) - (wide < 0).astype(np.float32)
    infinite = sign * np.isinf(wide)
    return infinite, sign, (wide == 0).astype(np.float32), np.any(np.isnan(wide), axis=1)
