"""What a source means once it is expanded: sections of statements with every expression a number.

This is what the front end (:mod:`lpuasm.asm.expand`) hands to the back end. Nothing in it is
relative to a macro, a loop or a parameter; every part keeps the span it was written at. Names of
instructions, units and streams are not checked here: that is the instruction table's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from lpuasm.asm.frames import Frame
from lpuasm.isa.errors import Diagnostic, Related, Span, error

# Operands


@dataclass(frozen=True, slots=True)
class StreamRef:
    """``s16.e`` is size 1, index 16; ``sg4.w[2]`` is size 4, index 2: the *group's* index."""

    size: int
    direction: str  # e, w
    index: int
    span: Span

    @property
    def first(self) -> int:
        """The number of the first stream of the group."""
        return self.size * self.index


@dataclass(frozen=True, slots=True)
class UnitRef:
    """A unit by its dotted name: ``mem.w17``, ``mxm.e``, ``sxm.e.transpose0``, ``mem.e[28..43]``.

    ``range`` is the inclusive range (first, last) after a name without a number; first may exceed
    last, which means the other order. ``address`` is the word of ``mem.w17[0x40]``.
    """

    name: str
    range: tuple[int, int] | None
    address: int | None
    span: Span

    @property
    def parts(self) -> tuple[str, ...]:
        """The name, split at its dots."""
        return tuple(self.name.split("."))


@dataclass(frozen=True, slots=True)
class Index:
    """One subscript that is a single number."""

    value: int
    span: Span


@dataclass(frozen=True, slots=True)
class Slice:
    """``start : stop : step`` or ``start : +length : step``; None is what was not written."""

    start: int | None
    stop: int | None
    length: int | None
    step: int | None
    span: Span


@dataclass(frozen=True, slots=True)
class TensorRef:
    """A declared tensor; ``subscripts`` is None when it is named whole."""

    name: str
    subscripts: tuple[Index | Slice, ...] | None
    span: Span


@dataclass(frozen=True, slots=True)
class Number:
    """An integer, or a float immediate."""

    value: int | float
    span: Span


@dataclass(frozen=True, slots=True)
class Register:
    """A scalar register, ``r0`` to ``r31``."""

    number: int
    span: Span


@dataclass(frozen=True, slots=True)
class Term:
    """``coefficient`` times its factors: numbers of registers, and names bound when the program runs."""

    coefficient: int
    registers: tuple[int, ...]
    names: tuple[str, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Memory:
    """A scalar memory operand ``[A + r4 * m + r7]``, multiplied out.

    ``base`` is the first term that is a name alone (None if there is none); ``terms`` are the
    others, in order of the text, equal ones added up.
    """

    base: str | None
    terms: tuple[Term, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Value:
    """``%d``, a value inside one VXM pass; the name is without its sign."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Latch:
    """``latch``: the operand that the ALU was told to keep."""

    span: Span


@dataclass(frozen=True, slots=True)
class Hole:
    """``?``: left for the assembler to choose."""

    span: Span


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name that is no parameter, tensor or register: a label, an ALU, a word of the instruction."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Text:
    """A string in quotation marks."""

    value: str
    span: Span


Operand = StreamRef | UnitRef | TensorRef | Number | Register | Memory | Value | Latch | Hole | Symbol | Text


# Statements


@dataclass(frozen=True, slots=True)
class Clause:
    """``half 1``, ``spread 16``, or a word alone such as ``low8`` (no values)."""

    name: str
    values: tuple[Operand, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Repeat:
    """``repeat n [every d] [step s]``; None is what was not written."""

    count: int
    every: int | None
    step: int | None
    span: Span


@dataclass(frozen=True, slots=True)
class Statement:
    """One instruction as written: ``mnemonic[.suffix…] inputs -> outputs clauses @pin``.

    ``arrow`` tells ``f a`` from ``f a ->``; repeats stand among the clauses, the innermost first.
    ``labels`` are those of the lines between the statement before and this one.
    """

    mnemonic: str
    suffixes: tuple[str, ...]
    inputs: tuple[Operand, ...]
    outputs: tuple[Operand, ...]
    clauses: tuple[Clause | Repeat, ...]
    pin: UnitRef | Hole | None
    span: Span
    mnemonic_span: Span
    frames: tuple[Frame, ...] = ()
    labels: tuple[str, ...] = ()

    @property
    def repeats(self) -> tuple[Repeat, ...]:
        """The dimensions of the repetition, innermost first."""
        return tuple(c for c in self.clauses if isinstance(c, Repeat))

    def clause(self, name: str) -> Clause | None:
        """The first clause of that name."""
        return next((c for c in self.clauses if isinstance(c, Clause) and c.name == name), None)

    def error(
        self,
        code: str,
        message: str,
        span: Span | None = None,
        *,
        label: str = "",
        related: tuple[Related, ...] = (),
        help: str = "",
    ) -> Diagnostic:
        """A diagnostic at a part of this statement, its expansion frames with it."""
        frames = tuple(frame.related() for frame in reversed(self.frames))
        return error(code, message, span or self.span, label=label, related=related + frames, help=help)


# Sections


@dataclass(frozen=True, slots=True)
class QueueSection:
    """``.queue mem.w17``: instruction words in queue order."""

    name: str
    items: tuple[Statement | Unread, ...]
    span: Span
    frames: tuple[Frame, ...] = ()

    @property
    def words(self) -> tuple[Statement, ...]:
        """The statements, one by one; those of chunks are made anew."""
        found: list[Statement] = []
        for item in self.items:
            found += [item] if isinstance(item, Statement) else [statement for _, statement in item.lines()]
        return tuple(found)


class Unread(Protocol):
    """Many statements that were not looked at one by one; see :mod:`lpuasm.asm.chunk`."""

    def lines(self) -> list[tuple[int, Statement]]:
        """Each at its cycle (0 in a queue), in order of the text."""


@dataclass(frozen=True, slots=True)
class UnitSection:
    """``.unit mem.w17``: statements, each at its cycle, in order of the text."""

    unit: UnitRef
    items: tuple[tuple[int, Statement] | Unread, ...]
    span: Span
    frames: tuple[Frame, ...] = ()

    @property
    def lines(self) -> tuple[tuple[int, Statement], ...]:
        """The statements, one by one; those of chunks are made anew."""
        found: list[tuple[int, Statement]] = []
        for item in self.items:
            found += [item] if isinstance(item, tuple) else item.lines()
        return tuple(found)


@dataclass(frozen=True, slots=True)
class At:
    """``@ cycle``."""

    cycle: int
    span: Span


@dataclass(frozen=True, slots=True)
class After:
    """``after FLOW ± offset``."""

    flow: str
    offset: int
    span: Span


@dataclass(frozen=True, slots=True)
class With:
    """``with FLOW ± offset``."""

    flow: str
    offset: int
    span: Span


@dataclass(frozen=True, slots=True)
class Flow:
    """A chain of statements that pass values over streams; its start is free unless it says so."""

    name: str
    start: At | After | With | None
    statements: tuple[Statement, ...]
    span: Span
    frames: tuple[Frame, ...] = ()


@dataclass(frozen=True, slots=True)
class ScalarSection:
    """Scalar code: a text without a section. ``end_labels`` stand after the last statement."""

    statements: tuple[Statement, ...]
    end_labels: tuple[str, ...]
    span: Span


Section = QueueSection | UnitSection | Flow | ScalarSection


class Computed(Protocol):
    """Values that a formula gives, one for each element; see :mod:`lpuasm.asm.formulas`."""

    def data(self, declaration: TensorDecl) -> bytes:
        """The elements of the tensor, row-major and little-endian; raises AssemblyError."""


@dataclass(frozen=True, slots=True)
class TensorDecl:
    """``.input A : i8 [M, 320] at mem.w0 [bank b] [address a] [tile RxC] [banks run n]``.

    ``values`` is what follows ``=``: numbers in row-major order, the name of a file, or a formula.
    """

    kind: str  # input, weight, output, const, temp
    name: str
    dtype: str
    dims: tuple[int, ...]
    placement: tuple[UnitRef, ...]
    bank: int | None
    address: int | None
    tile: tuple[int, int] | None
    banks_run: int | None
    values: tuple[int | float, ...] | str | Computed | None
    span: Span
    frames: tuple[Frame, ...] = ()


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter with the value it has in this build (default or ``-D``)."""

    name: str
    value: int | float
    span: Span


NOTES = ("object", "chip", "define", "name", "data", "file", "flow", "start", "label", "places", "intent")


@dataclass(frozen=True, slots=True)
class Note:
    """A directive that states a part of an object file, as disassembly writes it: ``.file "kernel.s"``."""

    kind: str
    operands: tuple[Operand, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Source:
    """A whole source, expanded. ``unused`` are the defines that nothing took: dimensions of scalar code."""

    target: str | None
    target_span: Span | None
    tensors: tuple[TensorDecl, ...]
    sections: tuple[Section, ...]
    params: Mapping[str, Param]
    equs: Mapping[str, int | float]
    externs: Mapping[str, Span]
    labels: Mapping[str, Span]
    unused: Mapping[str, int | float]
    notes: tuple[Note, ...] = ()
