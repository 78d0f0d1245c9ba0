"""Expressions evaluated for many elements at once, with the very values of :mod:`lpuasm.asm.arithmetic`.

A value is an array of int64 or of float64, one number for each point, or one for all of them. Both sides of a choice,
and the right sides of ``&&`` and ``||``, are evaluated only at the points that ask for them. Whatever might differ from
the evaluation of one element after another raises Unsure: results that may not fit 64 bits, an operand without a
result, integers beside floats where only one of them is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpuasm.asm import calls
from lpuasm.asm.expressions import Evaluator
from lpuasm.asm.problems import Problem
from lpuasm.asm.tree import Binary, Call, Choice, Expr, Name, Num, Unary

Ints = NDArray[np.int64]
Octets = NDArray[Any]
Values = NDArray[Any]
Points = Mapping[str, Ints]

_EXACT = 1 << 53
"""Integers up to this are floats too."""
_POWERS = np.left_shift(1, np.arange(63))
_COMPARE: dict[str, Callable[[Values, Values], Values]] = {
    "==": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
}  # fmt: skip
_BITS: dict[str, Callable[[Values, Values], Values]] = {
    "|": np.bitwise_or, "^": np.bitwise_xor, "&": np.bitwise_and,
}  # fmt: skip
_RING: dict[str, Callable[[Values, Values], Values]] = {"+": np.add, "-": np.subtract, "*": np.multiply}


class Unsure(Exception):
    """The elements have to be looked at one by one."""


def fill(evaluator: Evaluator, node: Expr, points: Points, out: Values, dtype: str) -> None:
    """Writes the value of ``node`` at each point, as an element of ``dtype``, to ``out``; raises Unsure."""
    with np.errstate(all="ignore"):
        _fill(_Grid(evaluator, points), node, out, np.arange(len(out)), dtype)


class _Grid:
    """Points, and what the names that are no indices stand for."""

    def __init__(self, evaluator: Evaluator, points: Points) -> None:
        self.evaluator = evaluator
        self.points = points

    def at(self, chosen: NDArray[np.bool_]) -> _Grid:
        """The chosen ones of the points."""
        return _Grid(self.evaluator, {name: values[chosen] for name, values in self.points.items()})

    def known(self, node: Expr) -> Values:
        """A value that is the same everywhere."""
        try:
            value = self.evaluator.number(node)
        except Problem:
            raise Unsure from None
        return np.array(value, np.float64 if isinstance(value, float) else np.int64)


def _fill(grid: _Grid, node: Expr, out: Values, rows: Ints, dtype: str) -> None:
    if not len(rows):
        return
    if isinstance(node, Choice):
        chosen = np.broadcast_to(_number(grid, node.condition) != 0, rows.shape)
        _fill(grid.at(chosen), node.yes, out, rows[chosen], dtype)
        _fill(grid.at(~chosen), node.no, out, rows[~chosen], dtype)
    else:
        out[rows] = _elements(_number(grid, node), dtype)


def _elements(values: Values, dtype: str) -> Values:
    """Numbers as elements of a type; every NaN is the same."""
    if dtype in ("f16", "f32"):
        wide = values.astype(np.float64)
        elements = wide.astype(np.float16 if dtype == "f16" else np.float32)
        if (np.isinf(elements) & ~np.isinf(wide)).any():
            raise Unsure
        return np.where(np.isnan(elements), elements.dtype.type(np.nan), elements)
    bits = int(dtype[1:])
    low = 0 if dtype == "u8" else -(1 << (bits - 1))
    if values.dtype != np.int64 or ((values < low) | (values >= 1 << bits)).any():
        raise Unsure
    return values.astype(f"{'u' if dtype == 'u8' else 'i'}{bits // 8}")


def _number(grid: _Grid, node: Expr) -> Values:
    match node:
        case Name(text, None) if text in grid.points:
            return grid.points[text]
        case Num() | Name(_, None) | Unary("-", Num()):
            return grid.known(node)
        case Unary(sign, operand):
            return _unary(sign, _number(grid, operand))
        case Binary("&&" | "||", left, right):
            first = np.atleast_1d(_number(grid, left) != 0)
            return _lazy(grid, first, right, node.operator == "&&")
        case Binary(sign, left, right):
            return _binary(sign, _number(grid, left), _number(grid, right))
        case Choice(condition, yes, no):
            return _choice(grid, _number(grid, condition) != 0, yes, no)
        case Call():
            return _called(grid, node)
        case _:
            raise Unsure


def _called(grid: _Grid, node: Call) -> Values:
    try:
        function = calls.function(grid.evaluator, node)
    except Problem:
        raise Unsure from None
    values = [_number(grid, argument) for argument in node.arguments]
    if function is None and values:
        return _call(node.name.text, values)
    if function is None or len(values) != len(function.parameters):
        raise Unsure
    inner = calls.inner(grid.evaluator, function, {})
    if inner is None:
        raise Unsure
    shape = next(iter(grid.points.values())).shape
    points = {name: np.broadcast_to(v, shape) for name, v in zip(function.parameters, values, strict=True)}
    return _number(_Grid(inner, points), function.body) if points else _Grid(inner, points).known(function.body)


def _lazy(grid: _Grid, first: Values, right: Expr, both: bool) -> Values:
    """``first && right`` or ``first || right``."""
    settled = (not first.any()) if both else bool(first.all())
    if settled:
        return first.astype(np.int64)
    first = np.array(np.broadcast_to(first, next(iter(grid.points.values())).shape))
    asked = first if both else ~first
    first[asked] = _number(grid.at(asked), right) != 0
    return first.astype(np.int64)


def _choice(grid: _Grid, chosen: Values, yes: Expr, no: Expr) -> Values:
    if chosen.all():
        return _number(grid, yes)
    if not chosen.any():
        return _number(grid, no)
    one, other = _number(grid.at(chosen), yes), _number(grid.at(~chosen), no)
    if one.dtype != other.dtype:
        raise Unsure
    values = np.empty(chosen.shape, one.dtype)
    values[chosen], values[~chosen] = one, other
    return values


def _largest(values: Values) -> int:
    """The largest magnitude of integers."""
    return max(abs(int(values.min())), abs(int(values.max())))


def _sure(condition: object) -> None:
    if not condition:
        raise Unsure


def _unary(sign: str, a: Values) -> Values:
    if sign == "!":
        return np.equal(a, 0).astype(np.int64)
    if a.dtype == np.int64:
        _sure(_largest(a) < 1 << 63)
        return ~a if sign == "~" else -a if sign == "-" else a
    _sure(sign != "~")
    return np.negative(a) if sign == "-" else a


def _binary(sign: str, a: Values, b: Values) -> Values:
    whole = a.dtype == np.int64 and b.dtype == np.int64
    if sign in _COMPARE:
        _sure(a.dtype == b.dtype or _largest(a if a.dtype == np.int64 else b) <= _EXACT)
        return _COMPARE[sign](a, b).astype(np.int64)
    if sign in _RING:
        if whole:
            x, y = _largest(a), _largest(b)
            _sure((x * y if sign == "*" else x + y) < 1 << 63)
        return _RING[sign](a, b)
    if sign in ("/", "%"):
        _sure(b.all() and (whole or sign == "/"))
        if not whole:
            return np.divide(a, b)
        _sure(_largest(a) < 1 << 63)
        return np.floor_divide(a, b) if sign == "/" else np.remainder(a, b)
    _sure(whole)
    if sign in _BITS:
        return _BITS[sign](a, b)
    _sure(int(b.min()) >= 0 and int(b.max()) < 64)
    if sign == ">>":
        return np.right_shift(a, b)
    _sure(_largest(a) << int(b.max()) < 1 << 63)
    return np.left_shift(a, b)


def _call(name: str, arguments: list[Values]) -> Values:
    a = arguments[0]
    whole = all(argument.dtype == np.int64 for argument in arguments)
    if name in ("min", "max"):
        _sure(whole or all(argument.dtype == np.float64 for argument in arguments))
        # as Python does it: the first of those that are equal, or that do not compare
        better = np.less if name == "min" else np.greater
        best = a
        for other in arguments[1:]:
            best = np.where(better(other, best), other, best)
        return best
    if name == "abs" and len(arguments) == 1:
        _sure(not whole or _largest(a) < 1 << 63)
        return np.abs(a)
    _sure(whole)
    if name == "ceil_div" and len(arguments) == 2:
        _sure(arguments[1].all() and _largest(a) < 1 << 63)
        return -np.floor_divide(-a, arguments[1])
    _sure(name == "log2ceil" and len(arguments) == 1 and int(a.min()) >= 1)
    return np.searchsorted(_POWERS, a - 1, side="right").astype(np.int64)
