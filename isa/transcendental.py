"""exp, tanh and rsqrt on f32, the same bits on every machine.

numpy's own functions change with the CPU. These are made of float64 additions,
multiplications, divisions and square roots, which IEEE 754 defines to the bit, and of tables
computed from integers; the result is rounded once to f32. They round correctly but where the
true value lies within :data:`MAX_ULP` - 0.5 of a tie.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.blocks import blocks
from lpuasm.isa.casts import canonical

F32 = NDArray[np.float32]

MAX_ULP = {"exp": 0.50002, "tanh": 0.50004, "rsqrt": 0.5000001}
"""The largest error in units of the last place of f32, held by a test."""

_BLOCK = 20480  # elements a block: four float64 buffers of it stay in the L2 cache
_BITS = 192  # of fraction in the integers that tables are made from

# Adding this to a small float64 rounds it to an integer, which is then in the low bits.
_SHIFTER = 1.5 * 2.0**52
_SHIFTER_BITS = 0x4338_0000_0000_0000

_EXP_BITS = 11  # exp's table has 2**11 steps to a factor of two
_EXP_STEPS = float.fromhex("0x1.71547652b82fep+11")  # 2**11 / ln 2
_EXP_LINEAR = float.fromhex("0x1.62e42fefa39efp-12")  # ln 2 / 2**11
_EXP_SQUARE = _EXP_LINEAR * _EXP_LINEAR / 2
_EXP_LEAST, _EXP_MOST = np.float32(-104), np.float32(89)  # beyond: 0 and infinity

_TANH_STEPS = 256  # of tanh's table to a unit
_TANH_MOST = 9.125  # beyond, tanh rounds to one
_TANH_SIDE = int(_TANH_MOST * _TANH_STEPS)
_TANH_CUBE = -1.0 / 3.0


def exp(x: F32) -> F32:
    """e**x. exp(-inf) is +0, overflow is +inf, small results are subnormal, then +0."""
    table = _exp_table()

    def block(x: F32, out: F32) -> None:
        t = np.clip(x, _EXP_LEAST, _EXP_MOST, out=out).astype(np.float64)
        t *= _EXP_STEPS
        u = t + _SHIFTER
        step, nearest = u.view(np.int64), u - _SHIFTER
        t -= nearest
        # 2**(step / 2**11) is made of the table and an exponent, the rest is 1 + r + r*r/2. What the index adds
        # to the exponent has been taken from the table.
        index = np.bitwise_and(step, (1 << _EXP_BITS) - 1, out=nearest.view(np.int64))
        power = table.take(index, mode="clip")
        step <<= 52 - _EXP_BITS
        power += step
        np.multiply(t, _EXP_SQUARE, out=nearest)
        nearest += _EXP_LINEAR
        nearest *= t
        nearest += 1.0
        # The lowest bits of a NaN that came from f32 are 0: it steps nowhere, and its rest is a NaN.
        nearest *= power.view(np.float64)
        np.copyto(out, nearest, casting="same_kind")

    return _blocked(x, block)


def tanh(x: F32) -> F32:
    """The hyperbolic tangent. tanh(-0) is -0; beyond about 9 it is -1 or 1."""
    table = _tanh_table()

    def block(x: F32, out: F32) -> None:
        t = np.clip(x, -_TANH_MOST, _TANH_MOST).astype(np.float64)
        u = t * float(_TANH_STEPS)
        u += _SHIFTER
        index = u.view(np.int64) - (_SHIFTER_BITS - _TANH_SIDE)
        u -= _SHIFTER
        u *= 1.0 / _TANH_STEPS
        t -= u
        # tanh(a + r) = (tanh a + tanh r) / (1 + tanh a * tanh r), tanh r = r - r**3 / 3.
        np.multiply(t, t, out=u)
        u *= _TANH_CUBE
        u += 1.0
        t *= u
        a = table.take(index, mode="clip")
        np.multiply(a, t, out=u)
        u += 1.0
        t += a
        t /= u
        np.copyto(out, t, casting="same_kind")

    return _blocked(x, block)


def rsqrt(x: F32) -> F32:
    """1 / sqrt(x), IEEE 754's rSqrt: of +0 +inf, of -0 -inf, of +inf +0, of a negative value NaN."""

    def block(x: F32, out: F32) -> None:
        t = np.sqrt(x, dtype=np.float64)
        np.divide(1.0, t, out=t)
        np.copyto(out, t, casting="same_kind")

    return _blocked(x, block)


def _blocked(x: F32, block: Callable[[F32, F32], None]) -> F32:
    if x.dtype != np.float32:
        raise TypeError(f"defined on f32, not on {x.dtype}")
    out = np.empty(x.shape, np.float32)
    source, target = x.reshape(-1), out.reshape(-1)
    with np.errstate(all="ignore"):
        for part in blocks(source.size, _BLOCK):
            block(source[part], target[part])
            canonical(target[part])
    return out


@cache
def _exp_table() -> NDArray[np.int64]:
    """The bits of 2**(i / 2**11) for i in 0 .. 2**11 - 1, less i / 2**11 of a step of the exponent."""
    one = 1 << _BITS
    root = 2 * one
    for _ in range(_EXP_BITS):
        root = math.isqrt(root * one)
    values, value = [], one
    for _ in range(1 << _EXP_BITS):
        values.append(value / one)
        value = value * root >> _BITS
    return np.array(values).view(np.int64) - (np.arange(1 << _EXP_BITS) << 52 - _EXP_BITS)


@cache
def _tanh_table() -> NDArray[np.float64]:
    """tanh(i / 256) for i in -2336 .. 2336; the middle is -0, so that -0 + -0 and -0 + 0 keep a zero's sign."""
    one = 1 << _BITS
    root = term = one
    for i in range(1, 40):
        term = term * 2 // (_TANH_STEPS * i)
        root += term
    positive, value = [], one
    for _ in range(_TANH_SIDE):
        value = value * root >> _BITS
        positive.append((value - one) / (value + one))
    return np.array([-v for v in reversed(positive)] + [-0.0] + positive)
