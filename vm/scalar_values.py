"""The numbers of scalar code: i32 as Python's int, f32 as a float that is exactly an f32.

A float64 holds the product of two f32 exactly and their sum to more than twice the bits, so that
rounding its result to f32 once more gives the correctly rounded f32.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable

Number = int | float

LOW, HIGH = -(1 << 31), (1 << 31) - 1
_CELL = memoryview(bytearray(4)).cast("f")


def wrap(value: int) -> int:
    """``value`` modulo 2³², as an i32."""
    return ((value + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)


def f32(value: Number) -> float:
    """``value`` rounded to the nearest f32, ties to even; beyond the largest it is infinity."""
    _CELL[0] = value
    return _CELL[0]


def pair(a: Number, b: Number) -> tuple[Number, Number]:
    """Both operands in one type: as they are, or both as f32."""
    if type(a) is type(b):
        return a, b
    return f32(a), f32(b)


def add(a: Number, b: Number) -> Number:
    a, b = pair(a, b)
    return wrap(a + b) if isinstance(a, int) and isinstance(b, int) else f32(a + b)


def sub(a: Number, b: Number) -> Number:
    a, b = pair(a, b)
    return wrap(a - b) if isinstance(a, int) and isinstance(b, int) else f32(a - b)


def mul(a: Number, b: Number) -> Number:
    a, b = pair(a, b)
    return wrap(a * b) if isinstance(a, int) and isinstance(b, int) else f32(a * b)


def f16(value: Number) -> float:
    """``value`` rounded to f32, then to f16; both to nearest even."""
    number = f32(value)
    if not math.isfinite(number):
        return number
    try:
        return float(struct.unpack("<e", struct.pack("<e", number))[0])
    except OverflowError:
        return math.copysign(math.inf, number)


def _integer(bits: int, signed: bool) -> Callable[[Number], int]:
    half = 1 << (bits - 1) if signed else 0
    low, high = -half, (1 << bits) - 1 - half

    def convert(value: Number) -> int:
        if isinstance(value, int):
            return ((value + half) & ((1 << bits) - 1)) - half
        if value != value:
            return 0
        return low if value <= low else high if value >= high else round(value)

    return convert


def _float(rounded: Callable[[Number], float]) -> Callable[[Number], float]:
    def convert(value: Number) -> float:
        number = rounded(value)
        return number if number == number else math.nan

    return convert


#: What a store in a tensor of each type makes of a register's value.
STORED: dict[str, Callable[[Number], Number]] = {
    "i8": _integer(8, True),
    "u8": _integer(8, False),
    "i16": _integer(16, True),
    "i32": _integer(32, True),
    "f16": _float(f16),
    "f32": _float(f32),
}
