"""f16 from f32, and the other way: numpy takes over ten times as long for values that are subnormal f16.

An f16 has 11 significant bits, or a multiple of 2**-24 where that is more. Added to a power of two that is 2**13 times
the value's own, or 2**13 times the smallest normal f16, an f32 keeps just these bits, and the addition rounds them to
nearest even. What it has more than the power of two is the fraction of the f16 with its leading one. The other way
there is a table.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.blocks import blocks

F16 = NDArray[np.float16]
F32 = NDArray[np.float32]

_BLOCK = 20480  # elements a block: it stays in the cache
_MANY = 16384  # elements without a sign, of which bits are faster than numpy even where none is subnormal
_SIGN, _SIZE = np.int32(-(1 << 31)), np.int32((1 << 31) - 1)
_EXPONENT = np.int32(0xFF << 23)
_LEAST = np.int32(113 << 23)  # 2**-14, the smallest normal f16
_UP = np.int32(13 << 23)
_BEYOND = int(np.float32(65520).view(np.int32))  # from here on it is infinity
_BIAS = np.int32(126 << 10)  # the exponent of the sum, but for the leading one, which adds to it


def to_f16(x: F32) -> F16:
    """``x`` as f16, to nearest even; beyond 65504 infinity, and the canonical NaN for any NaN."""
    out = np.empty(x.shape, np.float16)
    source, target = x.reshape(-1), out.reshape(-1)
    room = np.empty(min(x.size, _BLOCK), np.int32), np.empty(min(x.size, _BLOCK), np.int32)
    for part in blocks(x.size, _BLOCK):
        _block(source[part], target[part], room)
    return out


def _block(x: F32, out: F16, room: tuple[NDArray[Any], NDArray[Any]]) -> None:
    bits = x.view(np.int32)
    power, total = (a[: len(x)] for a in room)
    signed = bool(bits.min() < 0)
    if signed or len(x) < _MANY:
        size = np.bitwise_and(bits, _SIZE, out=total)
        # Less one, zeros are the largest.
        smallest = int(np.subtract(size, 1, out=power).view(np.uint32).min())
        if smallest >= _LEAST - 1:
            return _plainly(x, out)
    else:
        size = bits
    if int(size.max()) >= _BEYOND:
        return _plainly(x, out)
    np.bitwise_and(size, _EXPONENT, out=power)
    np.maximum(power, _LEAST, out=power)
    power += _UP
    np.add(power.view(np.float32), size.view(np.float32), out=total.view(np.float32))
    total -= power
    power >>= 13
    power -= _BIAS
    total += power
    if signed:
        np.bitwise_and(bits, _SIGN, out=power)
        power >>= 16
        total |= power
    np.copyto(out.view(np.uint16), total, casting="unsafe")
    return None


def _plainly(x: F32, out: F16) -> None:
    with np.errstate(all="ignore"):
        np.copyto(out, x, casting="same_kind")
    nan = np.isnan(x)
    if nan.any():
        out[nan] = np.nan


def to_f32(x: F16) -> F32:
    """``x`` as f32, which is exact."""
    magnitude = x.view(np.uint16) & np.uint16(0x7FFF)
    magnitude -= np.uint16(1)  # zeros become the largest
    if int(magnitude.min(initial=0xFFFF)) < 0x3FF:
        return _every(np.dtype(np.float32)).take(x.view(np.uint16), mode="clip")
    return x.astype(np.float32)


def to_f64(x: F16, small: bool) -> NDArray[np.float64]:
    """``x`` as f64, which is exact. ``small``: some of them are subnormal."""
    if small:
        return _every(np.dtype(np.float64)).take(x.view(np.uint16), mode="clip")
    return x.astype(np.float64)


@cache
def _every(dtype: np.dtype[Any]) -> NDArray[Any]:
    """All f16 by their bits."""
    with np.errstate(all="ignore"):
        return np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(dtype)
