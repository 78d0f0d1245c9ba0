"""Expressions that make tensors: `randn(64, 320) f16`, `A @ W.T`. They are parsed here and never given to Python.

sum     = product {("+" | "-") product}
product = unary {("*" | "/" | "@") unary}
unary   = "-" unary | term {".T" | "[" slice {"," slice} "]"}
term    = NUMBER | NAME | NAME "(" [sum {"," sum}] ")" | "(" sum {"," sum} ")"
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.casts import DTYPES
from lpuasm.repl.errors import wrong

Array = NDArray[Any]
#: The most elements that an expression may make.
_LARGEST = 1 << 28
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:0[xX][0-9a-fA-F]+|(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?))|(?P<name>[A-Za-z_]\w*)|(?P<sign>[-+*/@(),.\[\]:])|(?P<bad>\S))"
)


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    start: int
    end: int


def tokens(text: str, offset: int = 0) -> list[Token]:
    """The tokens of an expression, with an end token; ``offset`` is where it stands in the typed line."""
    found = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "bad"
        start, end = match.start(kind) + offset, match.end(kind) + offset
        if kind == "bad":
            raise wrong("LPU1203", f"`{match[kind]}` cannot stand in an expression", at=(start, end))
        found.append(Token(kind, match[kind], start, end))
    end = offset + len(text.rstrip())
    return [*found, Token("end", "", end, end + 1)]


@dataclass(frozen=True)
class Context:
    """What an expression may use: arrays by name, the shape that is declared for what it makes, a generator, files."""

    arrays: Callable[[str], Array | None]
    shape: tuple[int, ...] | None
    random: np.random.Generator
    load: Callable[[str], Array]


class Expression:
    """One expression, read from left to right and computed on the way, in float64 or 64-bit integers."""

    def __init__(self, text: str, context: Context, offset: int = 0) -> None:
        self.tokens = tokens(text, offset)
        self.context = context
        self.at = 0
        self.depth = 0

    def value(self) -> tuple[Any, str | None]:
        """(the value, the type that stands after it). Raises ReplError."""
        value = self._sum()
        dtype = None
        if self._here.kind == "name" and self._here.text in DTYPES:
            dtype = self._take().text
        if self._here.kind != "end":
            types = ", ".join(DTYPES)
            raise self._wrong(f"nothing is expected here but one of the types {types}")
        return value, dtype

    @property
    def _here(self) -> Token:
        return self.tokens[self.at]

    def _take(self) -> Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def _accept(self, *signs: str) -> Token | None:
        return self._take() if self._here.kind == "sign" and self._here.text in signs else None

    def _expect(self, sign: str) -> None:
        if not self._accept(sign):
            raise self._wrong(f"`{sign}` is expected here")

    def _wrong(self, message: str, token: Token | None = None, help: str = "") -> Exception:
        token = token or self._here
        return wrong("LPU1203", message, help, (token.start, token.end))

    def _sum(self) -> Any:
        value = self._product()
        while sign := self._accept("+", "-"):
            value = self._apply(sign, value, self._product())
        return value

    def _product(self) -> Any:
        value = self._unary()
        while sign := self._accept("*", "/", "@"):
            value = self._apply(sign, value, self._unary())
        return value

    def _unary(self) -> Any:
        self.depth += 1
        if self.depth > 50:
            raise self._wrong("the expression is nested too deeply")
        if sign := self._accept("-"):
            value = self._apply(sign, 0, self._unary())
        else:
            value = self._term()
            while self._here.kind == "sign" and self._here.text in (".", "["):
                value = self._trailer(value)
        self.depth -= 1
        return value

    def _trailer(self, value: Any) -> Any:
        if self._accept("["):
            return self._index(np.asarray(value))
        self._take()
        if self._here.text != "T":
            raise self._wrong("only .T is known here")
        self._take()
        return np.asarray(value).T

    def _index(self, array: Array) -> Array:
        first = self.at - 1
        parts: list[slice | int] = [self._slice()]
        while self._accept(","):
            parts.append(self._slice())
        self._expect("]")
        try:
            return np.asarray(array[tuple(parts)])
        except IndexError:
            shape = list(array.shape)
            raise self._wrong(f"the index does not fit the shape {shape}", self.tokens[first]) from None

    def _slice(self) -> slice | int:
        ends: list[int | None] = [None]
        while True:
            if self._here.text not in (":", ",", "]"):
                ends[-1] = self._integer(self._sum())
            if len(ends) == 3 or not self._accept(":"):
                break
            ends.append(None)
        if len(ends) == 1:
            if ends[0] is None:
                raise self._wrong("an index is expected here")
            return ends[0]
        return slice(*ends)

    def _integer(self, value: Any) -> int:
        if isinstance(value, int):
            return value
        raise self._wrong("a whole number is expected here", self.tokens[self.at - 1])

    def _term(self) -> Any:
        token = self._take()
        if token.kind == "number":
            return _number(token.text)
        if token.kind == "sign" and token.text == "(":
            value = self._sum()
            items = [value]
            while self._accept(","):
                if self._here.text != ")":
                    items.append(self._sum())
            self._expect(")")
            return tuple(items) if len(items) > 1 or self.tokens[self.at - 2].text == "," else value
        if token.kind != "name":
            self.at -= 1
            raise self._wrong("a number, a tensor or a function is expected here")
        if token.text == "load":
            raise self._wrong("`load FILE` stands by itself", token, "write NAME = load FILE")
        if token.text in FUNCTIONS:
            return self._call(token)
        array = self.context.arrays(token.text)
        if array is None:
            known = ", ".join(FUNCTIONS)
            raise self._wrong(f"there is no tensor or function '{token.text}'", token, f"the functions are {known}")
        return array.astype(np.float64 if array.dtype.kind == "f" else np.int64)

    def _call(self, name: Token) -> Any:
        arguments: list[Any] = []
        if self._accept("("):
            while not self._accept(")"):
                arguments.append(self._sum())
                if self._here.text != ")":
                    self._expect(",")
        function, usage = FUNCTIONS[name.text]
        try:
            return function(self.context, *arguments)
        except (TypeError, ValueError, IndexError, OverflowError) as e:
            why = str(e) if isinstance(e, ValueError) and e.args else "it does not take these"
            raise self._wrong(f"{name.text}: {why}", name, f"write {usage}") from None

    def _apply(self, sign: Token, a: Any, b: Any) -> Any:
        operations: Mapping[str, Callable[[Any, Any], Any]] = {
            "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "@": np.matmul,
        }  # fmt: skip
        if isinstance(a, tuple) or isinstance(b, tuple):
            raise self._wrong("a list of numbers is no operand", sign)
        plain = isinstance(a, int | float) and isinstance(b, int | float)
        try:
            with np.errstate(all="ignore"):
                value = operations[sign.text](a, b)
        except (ValueError, TypeError, OverflowError):
            shapes = f"{list(np.shape(a))} and {list(np.shape(b))}"
            raise self._wrong(f"the shapes {shapes} do not go together with {sign.text}", sign) from None
        return value.item() if plain else value


def _number(text: str) -> int | float:
    if text[:2].lower() == "0x":
        return int(text, 16)
    return int(text) if text.isdigit() and len(text) < 19 else float(text)


def _shape(context: Context, arguments: tuple[Any, ...]) -> tuple[int, ...]:
    """The shape that arguments say: numbers, or one list of them; the declared one where there are none."""
    flat = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], tuple) else arguments
    if not flat:
        if context.shape is None:
            raise ValueError("nothing says which shape; the tensor is not declared")
        return context.shape
    if not all(isinstance(n, int) and n >= 0 for n in flat):
        raise ValueError("a shape is a list of whole numbers")
    if prod(flat) > _LARGEST:
        raise ValueError(f"more than {_LARGEST:,} elements")
    return tuple(flat)


def _randn(context: Context, *shape: Any) -> Array:
    return context.random.standard_normal(_shape(context, shape))


def _uniform(context: Context, low: float, high: float, *shape: Any) -> Array:
    return context.random.uniform(low, high, _shape(context, shape))


def _integers(context: Context, low: int, high: int, *shape: Any) -> Array:
    """From ``low`` to ``high``, that one not included."""
    if high <= low:
        raise ValueError(f"there is no number from {low} to below {high}")
    return context.random.integers(low, high, _shape(context, shape))


def _full(context: Context, value: float, *shape: Any) -> Array:
    return np.full(_shape(context, shape), value)


def _zeros(context: Context, *shape: Any) -> Array:
    return np.zeros(_shape(context, shape), np.int64)


def _ones(context: Context, *shape: Any) -> Array:
    return np.ones(_shape(context, shape), np.int64)


def _arange(context: Context, *bounds: int) -> Array:
    """As numpy's; without bounds as many as the declared shape holds, in that shape."""
    if bounds:
        if not all(isinstance(b, int) for b in bounds) or len(range(*bounds)) > _LARGEST:
            raise ValueError("its bounds are whole numbers")
        return np.arange(*bounds)
    shape = _shape(context, ())
    return np.arange(prod(shape)).reshape(shape)


def _eye(context: Context, *shape: Any) -> Array:
    rows, *columns = _shape(context, shape)
    return np.eye(rows, *columns[:1], dtype=np.int64)


def _reshape(context: Context, array: Array, *shape: Any) -> Array:
    return np.reshape(array, _shape(context, shape))


def _maximum(context: Context, a: Any, b: Any) -> Array:
    return np.asarray(np.maximum(a, b))


def _minimum(context: Context, a: Any, b: Any) -> Array:
    return np.asarray(np.minimum(a, b))


#: Functions of expressions, with how they are written. A shape may be left out where the tensor is declared.
FUNCTIONS: Mapping[str, tuple[Callable[..., Any], str]] = {
    "randn": (_randn, "randn(64, 320), or randn where the tensor is declared"),
    "uniform": (_uniform, "uniform(-1, 1, 64, 320)"),
    "integers": (_integers, "integers(-8, 8, 64, 320): from -8 to 7"),
    "zeros": (_zeros, "zeros(64, 320)"),
    "ones": (_ones, "ones(64, 320)"),
    "full": (_full, "full(1.5, 64, 320)"),
    "arange": (_arange, "arange(320), or arange where the tensor is declared"),
    "eye": (_eye, "eye(320)"),
    "reshape": (_reshape, "reshape(arange(640), 2, 320)"),
    "maximum": (_maximum, "maximum(A, 0)"),
    "minimum": (_minimum, "minimum(A, 0)"),
}


def generator(seed: int, name: str) -> np.random.Generator:
    """Random numbers that a tensor of that name always gets, whatever was asked for before it."""
    return np.random.default_rng([seed, crc32(name.encode())])


def cast(value: Any, dtype: str, at: tuple[int, int] | None = None) -> Array:
    """A value as elements of a type. Raises ReplError where integers do not fit it."""
    array = np.asarray(value)
    to = DTYPES[dtype]
    if to.kind == "f":
        with np.errstate(over="ignore"):
            return array.astype(to)
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise wrong("LPU1203", f"a value is not finite, and {dtype} has whole numbers only", at=at)
        array = np.rint(array)
    limits = np.iinfo(to)
    if array.size and (array.min() < limits.min or array.max() > limits.max):
        low, high = array.min(), array.max()
        message = f"values from {low:g} to {high:g} do not fit {dtype}, which holds {limits.min} to {limits.max}"
        raise wrong("LPU1203", message, at=at)
    return array.astype(to)
