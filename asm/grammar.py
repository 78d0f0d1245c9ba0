"""The grammar at work: one canonical line in, one template out."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedInput

from lpuasm.asm import tables
from lpuasm.asm.tree import (
    Binary,
    Body,
    Call,
    Choice,
    Directive,
    Expr,
    FlowLine,
    FormulaPart,
    HoleMark,
    Keyword,
    ListOf,
    LocalName,
    MemoryOf,
    Name,
    Num,
    Parameter,
    PinPart,
    RangeOf,
    RepeatPart,
    Setting,
    SliceOf,
    StatementLine,
    Str,
    Subscripted,
    Template,
    TensorLine,
    Unary,
    ValueName,
)

MAX_DEPTH = 150
"""Operators within each other in one expression."""

_PIECE = re.compile(r"\{([^{}\n]*)\}")
_UNPREFIXED = re.compile(r"\.|flow(?![A-Za-z0-9_.{:])")
_MARK = re.compile(r'"[^"\n]*"?|[()\[\]{}:?]')


class TooDeep(Exception):
    """An expression is nested more deeply than MAX_DEPTH."""

    def __init__(self, start: int, end: int) -> None:
        super().__init__()
        self.start = start
        self.end = end


def split_prefix(code: str) -> int:
    """Where the colon is that ends a line's label or cycle; -1 if it has none."""
    if ":" not in code or _UNPREFIXED.match(code):
        return -1
    depth = choices = 0
    for match in _MARK.finditer(code):
        mark = match.group()
        if mark in "([{":
            depth += 1
        elif mark in ")]}":
            depth -= 1
        elif depth == 0 and mark == "?":
            choices += 1
        elif depth == 0 and mark == ":":
            if choices == 0:
                return match.start()
            choices -= 1
    return -1


def parse_at(code: str, runs: tuple[tuple[int, int], ...]) -> Template:
    """The template of a line; raises lark's UnexpectedInput, or TooDeep."""
    slots = {start: slot for slot, (start, _) in enumerate(runs)}
    colon = split_prefix(code)
    prefix: Expr | None = None
    body: Body | None = None
    if colon >= 0:
        prefix = _parse(code[:colon], "prefix", slots)
        if code[colon + 1 :].strip(" \t\f\\\r\n"):
            body = _parse(" " * (colon + 1) + code[colon + 1 :], "line", slots)
    else:
        body = _parse(code, "line", slots)
    return Template(prefix, body, runs, {})


def _parse(code: str, start: str, slots: dict[int, int]) -> Any:
    tree = _tree_builder()
    tree.slots, tree.code = slots, code
    try:
        return lark().parse(code, start=start)
    except UnexpectedInput as e:
        if getattr(e, "stop", None) is None:
            e.stop = len(code)  # where the text ended that was parsed: a part of the line, perhaps
            e.may_follow = getattr(e, "accepts", None) or getattr(e, "allowed", None)  # before an outer parse claims e
        raise


@cache
def lark() -> Lark:
    """The parser of the grammar."""
    return tables.parser(_tree_builder())


def _depth(start: int, end: int, *parts: Any) -> int:
    depth = 1 + max((getattr(part, "depth", 0) for part in parts), default=0)
    if depth > MAX_DEPTH:
        raise TooDeep(start, end)
    return depth


@v_args(inline=True)
class _TreeBuilder(Transformer):  # type: ignore[misc]  # lark is not followed by mypy
    """Reduces each rule of the grammar to a node of :mod:`lpuasm.asm.tree`."""

    def __init__(self) -> None:
        super().__init__()
        self.slots: dict[int, int] = {}
        self.code = ""

    # Names

    def _name(self, token: Token, skip: int = 0) -> Name:
        start, end = _ends(token)
        text = str(token)[skip:]
        if "{" not in text:
            return Name(text, None, start, end)
        pieces: list[str | Expr] = []
        slots, code = self.slots, self.code
        done = 0
        for match in _PIECE.finditer(text):
            at = start + skip + match.start(1)
            pieces += [text[done : match.start()], _parse(" " * at + match[1], "expr", slots)]
            done = match.end()
        pieces.append(text[done:])
        self.slots, self.code = slots, code
        return Name(text, tuple(pieces), start, end)

    # Expressions

    def number(self, token: Token) -> Num:
        start, end = _ends(token)
        return Num(self.slots.get(start, -1), start, end)

    def name(self, token: Token) -> Name:
        return self._name(token)

    def value(self, token: Token) -> ValueName:
        start, end = _ends(token)
        return ValueName(self._name(token, 1), start, end)

    def local(self, token: Token) -> LocalName:
        start, end = _ends(token)
        return LocalName(self._name(token, 2), start, end)

    def hole(self, token: Token) -> HoleMark:
        return HoleMark(*_ends(token))

    def string(self, token: Token) -> Str:
        return Str(str(token)[1:-1], *_ends(token))

    def parenthesised(self, left: Token, first: Expr, *rest: Any) -> Expr:
        *others, right = rest
        if not others:
            return first
        items = (first, *others)
        start, end = _ends(left)[0], _ends(right)[1]
        return ListOf(items, start, end, _depth(start, end, *items))

    def memory(self, left: Token, inner: Expr, right: Token) -> MemoryOf:
        start, end = _ends(left)[0], _ends(right)[1]
        return MemoryOf(inner, start, end, _depth(start, end, inner))

    def unary(self, operator: Token, operand: Expr) -> Unary:
        start, end = _ends(operator)[0], operand.end
        return Unary(str(operator), operand, start, end, _depth(start, end, operand))

    def binary(self, left: Expr, operator: Token, right: Expr) -> Binary:
        start, end = left.start, right.end
        return Binary(str(operator), left, right, start, end, _depth(start, end, left, right))

    def choice(self, condition: Expr, mark: Token, yes: Expr, no: Expr) -> Choice:
        start, end = condition.start, no.end
        return Choice(condition, yes, no, start, end, _depth(start, end, condition, yes, no))

    def choice_plus(self, condition: Expr, mark: Token, yes: Expr, plus: Token, no: Expr) -> Choice:
        start = _ends(plus)[1] - 1
        return self.choice(condition, mark, yes, Unary("+", no, start, no.end, _depth(start, no.end, no)))

    def call(self, name: Token, left: Token, arguments: tuple[Expr, ...] | None, right: Token) -> Call:
        start, end = _ends(name)[0], _ends(right)[1]
        return Call(self._name(name), arguments or (), start, end, _depth(start, end, *(arguments or ())))

    def arguments(self, *arguments: Expr) -> tuple[Expr, ...]:
        return arguments

    def subscripted(self, base: Expr, trailer: tuple[Any, int]) -> Subscripted:
        items, end = trailer
        return Subscripted(base, items, base.start, end, _depth(base.start, end, base, *items))

    def trailer(self, left: Token, *rest: Any) -> tuple[Any, int]:
        return rest[:-1], _ends(rest[-1])[1]

    def range(self, first: Expr, last: Expr) -> RangeOf:
        return RangeOf(first, last, first.start, last.end, _depth(first.start, last.end, first, last))

    def slice(self, from_: Expr | None, colon: Token, to: Expr | None, step: Expr | None) -> SliceOf:
        return self._slice(from_, colon, to, None, step)

    def slice_length(self, from_: Expr | None, colon: Token, length: Expr, step: Expr | None) -> SliceOf:
        return self._slice(from_, colon, None, length, step)

    def _slice(
        self, from_: Expr | None, colon: Token, to: Expr | None, length: Expr | None, step: Expr | None
    ) -> SliceOf:
        start, end = _ends(colon)
        start = from_.start if from_ else start
        end = max([end, *(part.end for part in (to, length, step) if part)])
        return SliceOf(from_, to, length, step, start, end, _depth(start, end, from_, to, length, step))

    # Statements

    def mnemonic(self, token: Token) -> Name:
        return self._name(token)

    def statement(self, mnemonic: Name, *rest: Any) -> StatementLine:
        inputs, tail = rest if len(rest) == 2 else ((), rest[0])
        return self._statement(mnemonic, inputs, (), tail)

    def transfer(self, mnemonic: Name, inputs: Any, outputs: Any, tail: Any) -> StatementLine:
        return self._statement(mnemonic, inputs or (), outputs, tail)

    def repeat_word(self, *parts: RepeatPart) -> StatementLine:
        start = parts[0].start
        return self._statement(Name("repeat", None, start, start + len("repeat")), (), (), parts)

    def _statement(self, mnemonic: Name, inputs: Any, outputs: Any, tail: Any) -> StatementLine:
        return StatementLine(mnemonic, inputs, outputs, tail, mnemonic.start, len(self.code.rstrip()))

    def operands(self, *operands: Expr | Keyword) -> tuple[Expr | Keyword, ...]:
        return operands

    def units(self, *units: Expr) -> ListOf:
        start, end = units[0].start, units[-1].end
        return ListOf(units, start, end, _depth(start, end, *units))

    def keyword(self, name: Token, value: Expr) -> Keyword:
        return Keyword(self._name(name), value)

    def unit(self, path: Token, *trailers: tuple[Any, int]) -> Expr:
        unit: Expr = self._name(path)
        for trailer in trailers:
            unit = self.subscripted(unit, trailer)
        return unit

    def tail(self, *parts: Any) -> tuple[Any, ...]:
        return parts

    def bare_tail(self, *parts: Any) -> tuple[Any, ...]:
        return tuple(part for part in parts if part is not None)

    def repeat(self, word: Token, count: Expr, *paces: tuple[str, Expr]) -> RepeatPart:
        end = paces[-1][1].end if paces else count.end
        return RepeatPart(count, paces, _ends(word)[0], end)

    def pace(self, word: Token, value: Expr) -> tuple[str, Expr]:
        return str(word), value

    def flag(self, word: Token) -> Setting:
        return Setting(self._name(word), None)

    def setting(self, name: Token, value: Expr) -> Setting:
        return Setting(self._name(name), value)

    def pin(self, unit: Expr) -> PinPart:
        return PinPart(unit)

    # Flows

    def flow(self, word: Token, name: Token, start: Any) -> FlowLine:
        relation, other, cycle, offsets = start or ("", None, None, ())
        return FlowLine(self._name(name), relation, other, cycle, offsets, _ends(word)[0], len(self.code.rstrip()))

    def start_at(self, cycle: Expr) -> tuple[Any, ...]:
        return "@", None, cycle, ()

    def start_after(self, word: Token, name: Token, *offsets: tuple[str, Expr]) -> tuple[Any, ...]:
        return str(word), self._name(name), None, offsets

    start_with = start_after

    def offset(self, sign: Token, value: Expr) -> tuple[str, Expr]:
        return str(sign), value

    # Directives

    def _directive(self, word: Token, *parts: Any) -> Directive:
        names = tuple(self._name(part) for part in parts if isinstance(part, Token) and part.type == "NAME")
        values = tuple(part for part in parts if not isinstance(part, Token) and type(part) is not tuple)
        parameters = next((part for part in parts if type(part) is tuple), ())
        return Directive(str(word)[1:], names, values, parameters, _ends(word)[0], len(self.code.rstrip()))

    def names(self, *names: Token) -> tuple[Parameter, ...]:
        return tuple(self.parameter(name, None) for name in names)

    target = param = equ = def_ = extern = macro = endm = for_ = endfor = if_ = elif_ = else_ = endif = _directive
    import_ = unit_section = queue_section = _directive

    def include(self, word: Token, name: Token) -> Directive:
        return Directive("include", (), (self.string(name),), (), _ends(word)[0], len(self.code.rstrip()))

    def note(self, word: Token, arguments: tuple[Expr, ...] | None) -> Directive:
        kind, end = str(word)[1:], len(self.code.rstrip())
        return Directive(kind, (), arguments or (), (), _ends(word)[0], end)

    def parameters(self, *parameters: Parameter) -> tuple[Parameter, ...]:
        return parameters

    def parameter(self, name: Token, default: Expr | None) -> Parameter:
        return Parameter(self._name(name), default)

    def tensor(self, word: Token, name: Token, dtype: Token, dims: Any, *rest: Any) -> TensorLine:
        values = rest[-1]
        attributes = rest[:-1]
        places = tuple(place for kind, parts in attributes if kind == "at" for place in parts)
        others = tuple(attribute for attribute in attributes if attribute[0] != "at")
        end = len(self.code.rstrip())
        names = self._name(name), self._name(dtype)
        return TensorLine(str(word)[1:], *names, dims or (), places, others, values, _ends(word)[0], end)

    def formula(self, word: Token, *parts: Any) -> FormulaPart:
        *indices, body = parts
        return FormulaPart(tuple(self._name(index) for index in indices), body)

    def placed(self, word: Token, *places: Expr) -> tuple[str, tuple[Expr, ...]]:
        return "at", places

    def bank(self, word: Token, value: Expr) -> tuple[str, tuple[Expr, ...]]:
        return str(word), (value,)

    address = bank

    def tile(self, word: Token, rows: Any, by: Token | None = None, columns: Expr | None = None) -> tuple[str, Any]:
        if columns is not None:
            return "tile", (rows, columns)
        return "tile", (Str(str(rows), *_ends(rows)),)

    def banks_run(self, word: Token, run: Token, value: Expr) -> tuple[str, tuple[Expr, ...]]:
        return "banks", (value,)


def _ends(token: Token) -> tuple[int, int]:
    return token.start_pos or 0, token.end_pos or 0


@cache
def _tree_builder() -> _TreeBuilder:
    return _TreeBuilder()
