"""Arithmetic, logic and comparison lane by lane.

Operands are arrays of one type of :data:`lpuasm.isa.casts.DTYPES`, of equal or broadcastable
shapes; the result has their type unless said otherwise. Integers are exact, modulo 2**width or
saturating. f32 is IEEE 754, to nearest even; f16 is computed in f32 and rounded, which for one
operation is the same as rounding once. Every NaN that an operation makes is the canonical one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.casts import canonical
from lpuasm.isa.half import to_f16, to_f32

Array = NDArray[Any]

_UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32}
_WIDE = {name: np.dtype(wide) for name, wide in (("u1", "i4"), ("i1", "i2"), ("i2", "i4"), ("i4", "i8"))}


def add(a: Array, b: Array) -> Array:
    """a + b; integers modulo 2**width."""
    return _arithmetic(np.add, a, b)


def sub(a: Array, b: Array) -> Array:
    """a - b; integers modulo 2**width."""
    return _arithmetic(np.subtract, a, b)


def mul(a: Array, b: Array) -> Array:
    """a * b; integers modulo 2**width."""
    return _arithmetic(np.multiply, a, b)


def add_sat(a: Array, b: Array) -> Array:
    """a + b; integers saturate."""
    return _saturating(np.add, a, b)


def sub_sat(a: Array, b: Array) -> Array:
    """a - b; integers saturate."""
    return _saturating(np.subtract, a, b)


def mul_sat(a: Array, b: Array) -> Array:
    """a * b; integers saturate."""
    return _saturating(np.multiply, a, b)


def neg(a: Array) -> Array:
    """-a; integers modulo 2**width."""
    return _arithmetic(np.negative, a)


def neg_sat(a: Array) -> Array:
    """-a; integers saturate, so u8 gives 0."""
    return np.zeros_like(a) if a.dtype.kind == "u" else neg(_above_least(a))


def abs_(a: Array) -> Array:
    """The magnitude; of the least integer, itself."""
    return _arithmetic(np.absolute, a)


def abs_sat(a: Array) -> Array:
    """The magnitude; of the least integer, the largest."""
    return abs_(_above_least(a))


def maximum(a: Array, b: Array) -> Array:
    """The larger; IEEE 754-2019 maximum: a NaN prevails, and -0 < +0."""
    larger = _arithmetic(np.maximum, a, b)
    if larger.dtype.kind == "f":
        _settle_zeros(larger, np.bitwise_and, a, b)
    return larger


def minimum(a: Array, b: Array) -> Array:
    """The smaller; IEEE 754-2019 minimum: a NaN prevails, and -0 < +0."""
    smaller = _arithmetic(np.minimum, a, b)
    if smaller.dtype.kind == "f":
        _settle_zeros(smaller, np.bitwise_or, a, b)
    return smaller


def relu(a: Array) -> Array:
    """maximum(a, 0); of -0, +0."""
    zero = np.zeros((), a.dtype)
    larger = _arithmetic(np.maximum, a, zero)
    return _arithmetic(np.add, larger, zero) if a.dtype.kind == "f" else larger


def band(a: Array, b: Array) -> Array:
    """The bits of a and b, of any type."""
    _same_type(a, b)
    return np.asarray(_bits(a) & _bits(b)).view(a.dtype)


def bor(a: Array, b: Array) -> Array:
    """The bits of a or b, of any type."""
    _same_type(a, b)
    return np.asarray(_bits(a) | _bits(b)).view(a.dtype)


def bxor(a: Array, b: Array) -> Array:
    """The bits of either a or b, of any type."""
    _same_type(a, b)
    return np.asarray(_bits(a) ^ _bits(b)).view(a.dtype)


def bnot(a: Array) -> Array:
    """All bits of a inverted, of any type."""
    return np.asarray(~_bits(a)).view(a.dtype)


def shl(a: Array, b: Array) -> Array:
    """a shifted left by b, read as unsigned; by the width or more, 0. The type of a."""
    value, count = _integer_bits(a), _integer_bits(b)
    width = 8 * a.itemsize
    shifted = value << np.minimum(count, width - 1).astype(value.dtype)
    return np.where(count < width, shifted, np.zeros((), value.dtype)).view(a.dtype)


def shr(a: Array, b: Array) -> Array:
    """a shifted right by b, read as unsigned; u8 gets zeros, the others their sign. The type of a."""
    if a.dtype.kind == "f":
        raise TypeError("a shift takes integers")
    count, width = _integer_bits(b), 8 * a.itemsize
    shifted = a >> np.minimum(count, width - 1).astype(a.dtype)
    if a.dtype.kind == "u":
        return np.where(count < width, shifted, np.zeros((), a.dtype))
    return np.asarray(shifted)


def eq(a: Array, b: Array) -> NDArray[np.uint8]:
    """a == b, 1 or 0 in u8; false of a NaN."""
    return _compared(np.equal, a, b)


def ne(a: Array, b: Array) -> NDArray[np.uint8]:
    """a != b, 1 or 0 in u8; true of a NaN."""
    return _compared(np.not_equal, a, b)


def gt(a: Array, b: Array) -> NDArray[np.uint8]:
    """a > b, 1 or 0 in u8; false of a NaN."""
    return _compared(np.greater, a, b)


def ge(a: Array, b: Array) -> NDArray[np.uint8]:
    """a >= b, 1 or 0 in u8; false of a NaN."""
    return _compared(np.greater_equal, a, b)


def lt(a: Array, b: Array) -> NDArray[np.uint8]:
    """a < b, 1 or 0 in u8; false of a NaN."""
    return _compared(np.less, a, b)


def le(a: Array, b: Array) -> NDArray[np.uint8]:
    """a <= b, 1 or 0 in u8; false of a NaN."""
    return _compared(np.less_equal, a, b)


def mask(a: Array, m: Array) -> Array:
    """a where the low byte of m is not 0, else 0. m is of any type."""
    return _kept(a, _low_byte(m) != 0)


def mask_bar(a: Array, m: Array) -> Array:
    """a where the low byte of m is 0, else 0. m is of any type."""
    return _kept(a, _low_byte(m) == 0)


def identity(a: Array) -> Array:
    """a, bit for bit: the array itself, not a copy."""
    return a


def _arithmetic(op: np.ufunc, *operands: Array) -> Array:
    _same_type(*operands)
    with np.errstate(all="ignore"):
        if operands[0].dtype == np.float16:
            return to_f16(np.asarray(op(*map(to_f32, operands))))
        return canonical(np.asarray(op(*operands)))


def _saturating(op: np.ufunc, a: Array, b: Array) -> Array:
    if a.dtype.kind == "f":
        return _arithmetic(op, a, b)
    _same_type(a, b)
    wide = _WIDE[a.dtype.str[1:]]
    limits = np.iinfo(a.dtype)
    exact = np.asarray(op(a, b, dtype=wide))
    np.clip(exact, wide.type(limits.min), wide.type(limits.max), out=exact)
    return exact.astype(a.dtype)


def _compared(op: np.ufunc, a: Array, b: Array) -> NDArray[np.uint8]:
    _same_type(a, b)
    if a.dtype == np.float16:
        a, b = to_f32(a), to_f32(b)
    with np.errstate(all="ignore"):
        return np.asarray(op(a, b)).view(np.uint8)


def _above_least(a: Array) -> Array:
    return np.asarray(np.maximum(a, a.dtype.type(-np.iinfo(a.dtype).max))) if a.dtype.kind == "i" else a


def _settle_zeros(result: Array, sign: np.ufunc, a: Array, b: Array) -> None:
    """Zeros of ``result`` take the sign that ``sign`` gives of those of ``a`` and ``b``; numpy takes either."""
    zero = result == 0
    if zero.any():
        bits = sign(_bits(a), _bits(b))
        np.copyto(_bits(result), bits & bits.dtype.type(1 << 8 * result.itemsize - 1), where=zero)


def _kept(a: Array, keep: NDArray[np.bool_]) -> Array:
    return np.where(keep, _bits(a), _bits(np.zeros((), a.dtype))).view(a.dtype)


def _low_byte(m: Array) -> Array:
    return _bits(m) if m.itemsize == 1 else _bits(m) & 0xFF


def _bits(a: Array) -> Array:
    return a.view(_UNSIGNED[a.itemsize])


def _integer_bits(a: Array) -> Array:
    if a.dtype.kind == "f":
        raise TypeError("a shift takes integers")
    return _bits(a)


def _same_type(*operands: Array) -> None:
    if any(v.dtype != operands[0].dtype for v in operands):
        raise TypeError(f"operands of one type, not {' and '.join(str(v.dtype) for v in operands)}")
