"""Expressions and operands of one line, evaluated where the line is expanded.

A name on its own is, in this order: what a macro argument, loop variable, parameter or constant
stands for; a tensor declared before; a register; a stream, ``latch``, ``inf`` or ``nan``; a symbol
of the target; and otherwise a :class:`Symbol`, which the instruction has to know. It may stand for
several operands (a :class:`Group`), wherever several can stand.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from lpuasm.asm import address, arithmetic, calls, parts
from lpuasm.asm.problems import Problem
from lpuasm.asm.scope import Extern, Function, Group, Names, Scope, Unbound
from lpuasm.asm.syntax import (
    Hole,
    Index,
    Latch,
    Memory,
    Number,
    Operand,
    Register,
    Slice,
    StreamRef,
    Symbol,
    TensorRef,
    Text,
    UnitRef,
    Value,
)
from lpuasm.asm.tree import (
    Binary,
    Call,
    Choice,
    Expr,
    HoleMark,
    Line,
    ListOf,
    LocalName,
    MemoryOf,
    Name,
    Num,
    RangeOf,
    SliceOf,
    Str,
    Subscripted,
    Unary,
    ValueName,
)
from lpuasm.isa.errors import Span, error
from lpuasm.isa.suggest import did_you_mean

_STREAM = re.compile(r"s(\d{1,4})\.([A-Za-z]\w*)")
_GROUP = re.compile(r"sg(\d{1,4})\.([A-Za-z]\w*)")
_REGISTER = re.compile(r"r(0|[1-9]\d?)")
_PLAIN = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_DOTTED = re.compile(r"[A-Za-z_]\w*(\.\w+)*", re.ASCII)
_NUMBERED = re.compile(r".*[0-9]", re.DOTALL)
REGISTERS = 32
_FLOATS = {"inf": math.inf, "nan": math.nan}


class Evaluator:
    """Evaluates the expressions of one line in one scope; ``depth``: of the calls of functions that led there."""

    __slots__ = ("depth", "line", "names", "scope")

    def __init__(self, line: Line, scope: Scope, names: Names, depth: int = 0) -> None:
        self.line = line
        self.scope = scope
        self.names = names
        self.depth = depth

    def span(self, node: Expr | RangeOf | SliceOf) -> Span:
        """Where a part of the line is."""
        return self.line.span(node.start, node.end)

    def problem(self, code: str, message: str, node: Expr | RangeOf | SliceOf, help: str = "") -> Problem:
        """A problem with a part of the line."""
        return Problem(error(code, message, self.span(node), help=help))

    # Numbers

    def integer(self, node: Expr) -> int:
        """The integer that an expression stands for."""
        value = self.number(node)
        if isinstance(value, float):
            raise self.problem("LPU0206", f"an integer is needed here, and this is {value!r}", node)
        return value

    def number(self, node: Expr) -> int | float:
        """The number that an expression stands for; raises Problem."""
        match node:
            case Num(slot=slot):
                return self._checked(node, arithmetic.fit, self.line.numbers[slot])
            case Name():
                return self._named_number(node)
            case Unary("-", Num(slot=slot)):
                return self._checked(node, arithmetic.unary, "-", self.line.numbers[slot])
            case Unary(sign, operand):
                return self._checked(node, arithmetic.unary, sign, self.number(operand))
            case Binary("&&", left, right):
                return int(bool(self.number(left)) and bool(self.number(right)))
            case Binary("||", left, right):
                return int(bool(self.number(left)) or bool(self.number(right)))
            case Binary(sign, left, right):
                return self._checked(node, arithmetic.binary, sign, self.number(left), self.number(right))
            case Choice(condition, yes, no):
                return self.number(yes if self.number(condition) else no)
            case Call(name, arguments):
                function = calls.function(self, node)
                if function is not None:
                    with calls.entered(self, node, function) as inner:
                        return inner.number(function.body)
                return self._checked(node, arithmetic.call, name.text, [self.number(a) for a in arguments])
            case Subscripted():
                found = self._subscripted(node)
                if isinstance(found, Number):
                    return found.value
                raise self.problem("LPU0206", f"a number is needed here, not {what(found)}", node)
            case HoleMark():
                message = "a hole `?` cannot stand for a number here"
                raise self.problem("LPU0216", message, node, "write the number; `?` may replace a whole operand")
            case _:
                raise self.problem("LPU0206", f"a number is needed here, not {what(node)}", node)

    def _checked(self, node: Expr, function: Callable[..., int | float], *arguments: object) -> int | float:
        try:
            return function(*arguments)
        except arithmetic.Arithmetic as e:
            raise self.problem(e.code, e.message, node, e.help) from None

    def _named_number(self, node: Name) -> int | float:
        name = self.text(node)
        bound = self.lookup(name, node)
        if isinstance(bound, (int, float)):
            return bound
        if isinstance(bound, Number):
            return bound.value
        if name in _FLOATS:
            return _FLOATS[name]
        if bound is not None:
            raise self.problem("LPU0206", f"a number is needed here, and `{name}` is {what(bound)}", node)
        symbol = self.names.symbol(name)
        if symbol is not None:
            return symbol
        if name in self.names.tensors:
            raise self.problem("LPU0206", f"a number is needed here, and `{name}` is a tensor", node)
        if "." in name or _REGISTER.fullmatch(name) or name == "latch":
            raise self.problem("LPU0206", f"a number is needed here, not `{name}`", node)
        raise self.problem("LPU0201", f"`{name}` is not defined", node, self.suggest(name))

    def lookup(self, name: str, node: Expr) -> int | float | Operand | Group | None:
        """What a name is bound to in this scope; raises Problem where it lacks its value."""
        bound = self.scope.get(name)
        if isinstance(bound, Function):
            raise self.problem("LPU0207", f"`{name}` is a function", node, f"give it its arguments: `{name}(…)`")
        if isinstance(bound, Extern) and bound.value is not None:
            return bound.value
        if isinstance(bound, (Unbound, Extern)):
            if isinstance(bound, Unbound) and bound.reported:
                raise Problem(None)
            what = "parameter" if isinstance(bound, Unbound) else "extern dimension"
            raise self.problem("LPU0212", f"{what} `{name}` has no value", node, f"give it one: -D {name}=…")
        return bound

    def suggest(self, name: str) -> str:
        """A defined name that looks like ``name``, as a help text."""
        return did_you_mean(name, [*self.scope.visible(), *self.names.symbols_of(), *self.names.tensors])

    # Names

    def text(self, node: Name, dotted: bool = True) -> str:
        """A name, the expressions in its braces replaced by what they stand for."""
        if node.pieces is None:
            return node.text
        parts = [piece if isinstance(piece, str) else self._pasted(piece) for piece in node.pieces]
        name = "".join(parts)
        if len(name) > 1000 or not (_DOTTED if dotted else _PLAIN).fullmatch(name):
            help_ = "where a number stands, write the expression without braces" if name.isdigit() else ""
            raise self.problem("LPU0220", f"`{name[:60]}` is not a name", node, help_)
        return name

    def _pasted(self, node: Expr) -> str:
        if isinstance(node, (Name, Subscripted, Call, Choice)):
            bound = self.lookup(self.text(node), node) if isinstance(node, Name) else self.argument(node)
            if isinstance(bound, (Symbol, UnitRef, TensorRef)):
                if isinstance(bound, UnitRef) and (bound.range or bound.address is not None):
                    raise self.problem("LPU0220", "a range of units cannot be part of a name", node)
                return bound.name
            if isinstance(bound, Register):
                return f"r{bound.number}"
            if isinstance(bound, StreamRef) and bound.size == 1:
                return f"s{bound.index}.{bound.direction}"
        value = self.integer(node)
        if value < 0:
            raise self.problem("LPU0220", f"{value} cannot be part of a name", node)
        return str(value)

    # Operands

    def operand(self, node: Expr) -> Operand:
        """What a whole operand is; raises Problem."""
        found = self.argument(node)
        if isinstance(found, Group):
            message = f"one operand is needed here, and this is a list of {len(found.items)}"
            raise self.problem("LPU0221", message, node, "name one of them, such as the first: `[0]` behind a name")
        return found

    def argument(self, node: Expr) -> Operand | Group:
        """What an operand is, or several that stand together; raises Problem."""
        match node:
            case Name():
                return self._named(node)
            case Num():
                return Number(self.number(node), self.span(node))
            case Subscripted():
                return self._subscripted(node)
            case Call():
                function = calls.function(self, node)
                if function is None:
                    return Number(self.number(node), self.span(node))
                with calls.entered(self, node, function) as inner:
                    return _moved(inner.argument(function.body), self.span(node))
            case ListOf():
                return parts.joined(self, node)
            case MemoryOf():
                return address.memory(self, node)
            case ValueName(name):
                return Value(self.text(name, dotted=False), self.span(node))
            case LocalName(name):
                return Symbol(self.local(name, node), self.span(node))
            case HoleMark():
                return Hole(self.span(node))
            case Str(text=text):
                return Text(text, self.span(node))
            case Choice(condition, yes, no):
                return self.argument(yes if self.number(condition) else no)
            case _:
                return Number(self.number(node), self.span(node))

    def local(self, name: Name, node: Expr) -> str:
        """The full name of ``%%name``: unique to this expansion."""
        if not self.scope.macro:
            message = f"`%%{name.text}` is a label of a macro, and this is none"
            raise self.problem("LPU0201", message, node, f"outside a macro write `{name.text}`")
        return f"{self.text(name, dotted=False)}.{self.scope.macro}"

    def _named(self, node: Name) -> Operand | Group:
        name, span = self.text(node), self.span(node)
        stream = _stream(name)
        if stream is not None:
            return self._stream(name, stream, node)
        if "." in name:
            return UnitRef(name, None, None, span)
        bound = self.scope.get(name)
        if isinstance(bound, Extern) and bound.value is None:
            return Symbol(name, span)
        if isinstance(bound, (Unbound, Extern, Function)):
            bound = self.lookup(name, node)
        if isinstance(bound, (int, float)):
            return Number(bound, span)
        if bound is not None:
            return _moved(bound, span)
        if name in self.names.tensors:
            return TensorRef(name, None, span)
        register = _REGISTER.fullmatch(name)
        if register and int(register[1]) < REGISTERS:
            return Register(int(register[1]), span)
        if name == "latch":
            return Latch(span)
        if name in _FLOATS:
            return Number(_FLOATS[name], span)
        symbol = self.names.symbol(name)
        return Symbol(name, span) if symbol is None else Number(symbol, span)

    def _stream(self, name: str, found: tuple[int, str, int], node: Name) -> StreamRef:
        size, direction, index = found
        if direction not in ("e", "w"):
            message = f"`{name}`: a stream goes `.e` (east) or `.w` (west)"
            raise self.problem("LPU0215", message, node, f"write `{name.split('.')[0]}.e`")
        if index < 0:
            raise self.problem("LPU0215", f"`{name}` is a size of groups; which group?", node, f"write `{name}[0]`")
        return StreamRef(size, direction, index, self.span(node))

    def _subscripted(self, node: Subscripted) -> Operand:
        base, span = node.base, self.span(node)
        if isinstance(base, Name):
            name = self.text(base)
            group = _GROUP.fullmatch(name)
            if group and group[2] in ("e", "w"):
                return StreamRef(int(group[1]), group[2], self.only(node), span)
            if _STREAM.fullmatch(name):
                help_ = "a single stream is `s5.e`; a group of four is `sg4.e[0]`"
                raise self.problem("LPU0215", f"`{name}` is one stream and has no parts", node, help_)
        target = self.argument(base)
        match target:
            case Group():
                return parts.item(self, target, node)
            case UnitRef():
                return self._unit(target, node)
            case TensorRef(name, outer, _):
                inner = tuple([self._subscript(item) for item in node.items])
                return TensorRef(name, inner if outer is None else parts.within(self, target, inner, node), span)
            case Symbol(name):
                message = f"`{name}` is no tensor declared before this line"
                raise self.problem("LPU0201", message, base, did_you_mean(name, self.names.tensors))
            case _:
                raise self.problem("LPU0206", f"{what(target)} has no subscripts", node)

    def only(self, node: Subscripted) -> int:
        """The number that is the only subscript."""
        if len(node.items) != 1 or isinstance(node.items[0], (RangeOf, SliceOf)):
            raise self.problem("LPU0215", "one index is needed here", node)
        return self.integer(node.items[0])

    def _unit(self, unit: UnitRef, node: Subscripted) -> UnitRef:
        item, span = node.items[0], self.span(node)
        if len(node.items) != 1 or isinstance(item, SliceOf):
            message = "a unit takes one range `[28..43]` or one address `[0x40]`"
            raise self.problem("LPU0215", message, node)
        named = bool(_NUMBERED.fullmatch(unit.name)) or unit.range is not None
        if isinstance(item, RangeOf):
            if named:
                family = unit.name.rstrip("0123456789")
                help_ = f"write the range behind the name without its number, such as `{family}[0..3]`"
                raise self.problem("LPU0215", f"`{unit.name}` is one unit, not a range", node, help_)
            return UnitRef(unit.name, (self.integer(item.first), self.integer(item.last)), None, span)
        value = self.integer(item)
        if not named:
            return UnitRef(unit.name, (value, value), None, span)
        if unit.address is not None:
            raise self.problem("LPU0218", "a second address", node)
        return UnitRef(unit.name, unit.range, value, span)

    def _subscript(self, item: Expr | RangeOf | SliceOf) -> Index | Slice:
        span = self.span(item)
        match item:
            case SliceOf(from_, to, length, step):
                return Slice(self._maybe(from_), self._maybe(to), self._maybe(length), self._maybe(step), span)
            case RangeOf():
                raise self.problem("LPU0215", "a part of a tensor is written with `:`", item, "write `a:b` or `a:+n`")
            case _:
                return Index(self.integer(item), span)

    def _maybe(self, node: Expr | None) -> int | None:
        return None if node is None else self.integer(node)


@lru_cache(4096)
def _stream(name: str) -> tuple[int, str, int] | None:
    """(size, direction, index) of a name that has the form of a stream; index -1 where it lacks."""
    if found := _STREAM.fullmatch(name):
        return 1, found[2], int(found[1])
    if found := _GROUP.fullmatch(name):
        return int(found[1]), found[2], -1
    return None


def _moved(found: Operand | Group, span: Span) -> Operand | Group:
    """What came as an argument or from a function, at the place where it is used."""
    if isinstance(found, Group):
        return Group(tuple([replace(item, span=span) for item in found.items]), span)
    return replace(found, span=span)


def what(thing: object) -> str:
    """What an operand is, in words."""
    return {
        StreamRef: "a stream", UnitRef: "a unit", TensorRef: "a tensor", Register: "a register", Memory: "memory",
        Value: "a value of a pass", Latch: "the latch", Hole: "a hole", Symbol: "a name", Text: "a string",
        Number: "a number", Subscripted: "an operand with subscripts", MemoryOf: "memory", Str: "a string",
        ValueName: "a value of a pass", LocalName: "a label", Group: "a list", ListOf: "a list", int: "a number",
        float: "a number",
    }.get(type(thing), "this")  # fmt: skip
