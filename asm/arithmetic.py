"""Operators and functions of expressions: 64-bit two's complement integers, and floats for immediates.

Integer ``/`` rounds down and ``%`` has the sign of the right side (``a == b * (a / b) + a % b``), so
``i % 16`` is a lane whatever the sign of i. A result that does not fit 64 bits is an error.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence

Number = int | float

FUNCTIONS = ("abs", "ceil_div", "log2ceil", "max", "min")

_COMPARE: dict[str, Callable[[Number, Number], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_RING: dict[str, Callable[[Number, Number], Number]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_BITS: dict[str, Callable[[int, int], int]] = {"|": operator.or_, "^": operator.xor, "&": operator.and_}


class Arithmetic(Exception):
    """An operation without a result; ``code`` is that of its diagnostic."""

    def __init__(self, code: str, message: str, help: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help


def fit(value: Number) -> Number:
    """``value``, if it fits 64 bits."""
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        shown = str(value) if value.bit_length() < 200 else f"a number of {value.bit_length()} bits"
        raise Arithmetic("LPU0203", f"{shown} does not fit 64 bits", "integers are from -2^63 to 2^63 - 1")
    return value


def unary(sign: str, a: Number) -> Number:
    """``-a``, ``+a``, ``~a`` or ``!a``."""
    if sign == "!":
        return int(not a)
    if sign == "~":
        return ~_integer(a, sign)
    return fit(-a) if sign == "-" else a


def binary(sign: str, a: Number, b: Number) -> Number:
    """``a sign b`` for every binary operator but the lazy ``&&`` and ``||``."""
    if sign in _RING:
        return fit(_RING[sign](a, b))
    if sign in _COMPARE:
        return int(_COMPARE[sign](a, b))
    if sign == "/" and (isinstance(a, float) or isinstance(b, float)):
        return a / _divisor(b, sign)
    x, y = _integer(a, sign), _integer(b, sign)
    if sign in _BITS:
        return _BITS[sign](x, y)
    if sign == "/":
        return fit(x // int(_divisor(y, sign)))
    if sign == "%":
        return x % int(_divisor(y, sign))
    if not 0 <= y < 64:
        raise Arithmetic("LPU0205", f"cannot shift by {y} bits", "shift by 0 to 63")
    return fit(x << y) if sign == "<<" else x >> y


def call(name: str, arguments: Sequence[Number]) -> Number:
    """One of FUNCTIONS."""
    wanted = {"abs": 1, "log2ceil": 1, "ceil_div": 2}.get(name)
    if (wanted is not None and len(arguments) != wanted) or not arguments:
        count = wanted or "at least 1"
        raise Arithmetic("LPU0207", f"{name} takes {count} argument{'s' * (wanted == 2)}, not {len(arguments)}")
    if name == "min":
        return min(arguments)
    if name == "max":
        return max(arguments)
    if name == "abs":
        return fit(abs(arguments[0]))
    if name == "ceil_div":
        a, b = _integer(arguments[0], name), _integer(arguments[1], name)
        return fit(-(-a // int(_divisor(b, name))))
    a = _integer(arguments[0], name)
    if a < 1:
        raise Arithmetic("LPU0207", f"log2ceil needs a number from 1, not {a}")
    return (a - 1).bit_length()


def _integer(value: Number, sign: str) -> int:
    if isinstance(value, float):
        raise Arithmetic("LPU0206", f"`{sign}` is for integers, and {value!r} is a fraction")
    return value


def _divisor(value: Number, sign: str) -> Number:
    if value == 0:
        raise Arithmetic("LPU0204", "division by zero", f"the right side of `{sign}` is 0 here")
    return value
