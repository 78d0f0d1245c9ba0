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
from typing import Any

import numpy as np

from lpuasm.isa.casts import DTYPES
from lpuasm.repl.errors import wrong
from lpuasm.repl.makers import FUNCTIONS, Array, Context

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
