"""What one line of text says, before expansion.

Positions are offsets in the *canonical* line: the line without indentation and comment, every
number in it written ``0`` (``0.5`` if it is a float). Lines of one shape share one template; a
:class:`Line` adds its own numbers and turns offsets into places (see :mod:`lpuasm.asm.parser`).
"""

from __future__ import annotations

from typing import NamedTuple

from lpuasm.isa.errors import Span

# Expressions


class Num(NamedTuple):
    """The number in ``slot`` of the line."""

    slot: int
    start: int
    end: int


class Name(NamedTuple):
    """A plain or dotted name; ``pieces`` alternate text and ``{expression}``, or are None where it is text alone."""

    text: str
    pieces: tuple[str | Expr, ...] | None
    start: int
    end: int


class Unary(NamedTuple):
    operator: str
    operand: Expr
    start: int
    end: int
    depth: int


class Binary(NamedTuple):
    operator: str
    left: Expr
    right: Expr
    start: int
    end: int
    depth: int


class Choice(NamedTuple):
    condition: Expr
    yes: Expr
    no: Expr
    start: int
    end: int
    depth: int


class Call(NamedTuple):
    name: Name
    arguments: tuple[Expr, ...]
    start: int
    end: int
    depth: int


class RangeOf(NamedTuple):
    """``first .. last`` in a subscript."""

    first: Expr
    last: Expr
    start: int
    end: int
    depth: int


class SliceOf(NamedTuple):
    """``from_ : to : step`` or ``from_ : +length : step`` in a subscript."""

    from_: Expr | None
    to: Expr | None
    length: Expr | None
    step: Expr | None
    start: int
    end: int
    depth: int


class Subscripted(NamedTuple):
    base: Expr
    items: tuple[Expr | RangeOf | SliceOf, ...]
    start: int
    end: int
    depth: int


class MemoryOf(NamedTuple):
    """``[expression]`` as an operand."""

    inner: Expr
    start: int
    end: int
    depth: int


class ListOf(NamedTuple):
    """Several operands as one: ``(a, b)``, or units behind each other."""

    items: tuple[Expr, ...]
    start: int
    end: int
    depth: int


class ValueName(NamedTuple):
    """``%name``."""

    name: Name
    start: int
    end: int


class LocalName(NamedTuple):
    """``%%name``: a label of one expansion of a macro."""

    name: Name
    start: int
    end: int


class HoleMark(NamedTuple):
    start: int
    end: int


class Str(NamedTuple):
    text: str
    start: int
    end: int


Expr = (
    Num
    | Name
    | Unary
    | Binary
    | Choice
    | Call
    | Subscripted
    | MemoryOf
    | ListOf
    | ValueName
    | LocalName
    | HoleMark
    | Str
)


# Lines


class Keyword(NamedTuple):
    """``name=value`` among the arguments of a macro."""

    name: Name
    value: Expr


class RepeatPart(NamedTuple):
    times: Expr
    paces: tuple[tuple[str, Expr], ...]  # every, step
    start: int
    end: int


class Setting(NamedTuple):
    """``half 1``, or a flag."""

    name: Name
    value: Expr | None


class PinPart(NamedTuple):
    unit: Expr


class StatementLine(NamedTuple):
    mnemonic: Name
    inputs: tuple[Expr | Keyword, ...]
    outputs: tuple[Expr | Keyword, ...]
    tail: tuple[RepeatPart | Setting | PinPart, ...]
    start: int
    end: int


class FlowLine(NamedTuple):
    """``flow name [@ cycle | after flow ± … | with flow ± …]:``; offsets are (sign, expression)."""

    name: Name
    relation: str  # "", @, after, with
    other: Name | None
    cycle: Expr | None
    offsets: tuple[tuple[str, Expr], ...]
    start: int
    end: int


class FormulaPart(NamedTuple):
    """``for i, j: expression``: the value of every element of a constant."""

    indices: tuple[Name, ...]
    body: Expr


class TensorLine(NamedTuple):
    kind: str
    name: Name
    dtype: Name
    dims: tuple[Expr, ...]
    places: tuple[Expr, ...]
    attributes: tuple[tuple[str, tuple[Expr, ...]], ...]  # bank, address, tile, banks
    values: tuple[Expr, ...] | FormulaPart | None
    start: int
    end: int


class Parameter(NamedTuple):
    name: Name
    default: Expr | None


class Directive(NamedTuple):
    """Any other directive: ``kind`` is its word without the dot, the rest what it was given, in order."""

    kind: str
    names: tuple[Name, ...]
    values: tuple[Expr | None, ...]
    parameters: tuple[Parameter, ...]
    start: int
    end: int


Body = StatementLine | FlowLine | TensorLine | Directive


class Template(NamedTuple):
    """All that lines of one shape have in common: ``runs`` are the (start, end) of its numbers.

    ``before`` remembers, for offsets asked for, how many numbers end before them.
    """

    prefix: Expr | None
    body: Body | None
    runs: tuple[tuple[int, int], ...]
    before: dict[int, int]


class Line(NamedTuple):
    """One line: its place, its template and its own numbers. ``code`` is its text without indentation and comment."""

    file: str
    number: int
    indent: int
    code: str
    template: Template
    numbers: tuple[int | float, ...]
    ends: tuple[int, ...]  # where each number ends in code

    def offset(self, position: int) -> int:
        """A canonical offset as an offset in ``code``."""
        template = self.template
        before = template.before.get(position)
        if before is None:
            before = template.before[position] = sum(end <= position for _, end in template.runs)
        return position + self.ends[before - 1] - template.runs[before - 1][1] if before else position

    def span(self, start: int, end: int) -> Span:
        """The place of canonical offsets ``start`` to ``end``."""
        start, end = self.offset(start), self.offset(end)
        if "\n" in self.code:
            return place(self.file, self.number, self.indent, self.code, start, end)
        column = self.indent + 1
        return Span(self.file, self.number, start + column, self.number, end + column)


def place(file: str, number: int, indent: int, code: str, start: int, end: int) -> Span:
    """The place of offsets in a line's code; a line that was continued with backslashes has several rows."""
    first, last = code.count("\n", 0, start), code.count("\n", 0, end)
    column = start - code.rfind("\n", 0, start) + (indent if first == 0 else 0)
    end_column = end - code.rfind("\n", 0, end) + (indent if last == 0 else 0)
    return Span(file, number + first, column, number + last, end_column)
