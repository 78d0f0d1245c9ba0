"""The operands of a statement as values of the instruction set.

Which part of a statement is which operand follows from the definition of the
instruction: inputs and outputs in order, clauses by name, suffixes by what they
are. A value that does not fit is a diagnostic at the operand it was written as.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lpuasm.asm import syntax as ast
from lpuasm.asm.dims import nest
from lpuasm.asm.rules import COLUMNS
from lpuasm.asm.types import choose
from lpuasm.asm.usage import syntax
from lpuasm.isa.core import Definition, vxm_reach
from lpuasm.isa.errors import AssemblyError, Diagnostic, Span
from lpuasm.isa.operands import (
    Immediate,
    Latch,
    Link,
    Operand,
    OperandError,
    Streams,
    Value,
    immediate_bits,
)
from lpuasm.isa.suggest import did_you_mean

#: What gives the address of a tensor operand; raises AssemblyError.
AddressOf = Callable[[ast.Statement, ast.TensorRef], int]


@dataclass(frozen=True, slots=True)
class Bound:
    """A statement's operands by the names of the specification, and where each was written."""

    definition: Definition
    values: dict[str, Value]
    spans: dict[str, Span]

    def place(self, operand: str, statement: ast.Statement) -> Span:
        """Where ``operand`` was written, or the statement where it was not."""
        if operand in self.definition.operand and self.definition.operand[operand].role == "suffix":
            return statement.mnemonic_span
        return self.spans.get(operand, statement.span)

    def word(self, statement: ast.Statement) -> int:
        """The instruction word; AssemblyError at the operand that does not fit."""
        try:
            return self.definition.encode(self.values)
        except OperandError as e:
            help_ = f"write it as `{syntax(self.definition)}`"
            code = {"type": "LPU0404", "to": "LPU0404", "sat": "LPU0404", "repeat": "LPU0408"}.get(e.operand, "LPU0407")
            raise AssemblyError(
                statement.error(code, e.message, self.place(e.operand, statement), help=help_)
            ) from None


def bind(
    statement: ast.Statement,
    definition: Definition,
    inputs: Sequence[ast.Operand],
    address_of: AddressOf,
    prefer: str = "",
) -> Bound:
    """The operands of ``statement``, an instruction of ``definition``; raises AssemblyError.

    ``inputs`` are those of the statement, without units that only say where it stands. ``prefer`` settles a type that
    is not written: "pair" or "plane".
    """
    written = _written(statement, definition, inputs)
    spans = {name: operand.span for name, operand in written.items()}
    values: dict[str, Value] = dict(choose(statement, definition, written, prefer))
    for clause in statement.clauses:
        if isinstance(clause, ast.Repeat):
            continue
        operand = definition.operand.get(clause.name)
        if operand is None or operand.role != "clause" or operand.kind == "dims":
            raise AssemblyError(_no_clause(statement, definition, clause))
        if clause.name in spans:
            raise AssemblyError(statement.error("LPU0405", f"`{clause.name}` is given twice", clause.span))
        spans[clause.name] = clause.span
        values[clause.name] = _clause(statement, definition, operand, clause)
    for name, written_as in written.items():
        values[name] = _value(statement, definition, definition.operand[name], written_as, values, address_of)
    own = definition.operand.get("repeat") if statement.clauses else None
    if own is not None and own.role == "clause" and (repeats := statement.repeats):
        values["repeat"] = nest(statement, int(bool(definition.steps)))
        spans["repeat"] = repeats[0].span
    return Bound(definition, values, spans)


def _written(statement: ast.Statement, definition: Definition, inputs: Sequence[ast.Operand]) -> dict[str, ast.Operand]:
    """The operands of the statement by name; LPU0403 where there are too many or too few."""
    named: dict[str, ast.Operand] = {}
    for role, given, what in (("in", inputs, "input"), ("out", statement.outputs, "output")):
        wanted = definition.by_role[role]
        least = sum([not o.optional for o in wanted])
        if not least <= len(given) <= len(wanted):
            count = f"{least}" if least == len(wanted) else f"{least} to {len(wanted)}"
            found = f"{len(given)} {'is' if len(given) == 1 else 'are'} given"
            message = f"`{definition.mnemonic}` has {count} {what}{'s' * (count != '1')}, and {found}"
            span = given[len(wanted)].span if len(given) > len(wanted) else statement.mnemonic_span
            raise AssemblyError(statement.error("LPU0403", message, span, help=f"write it as `{syntax(definition)}`"))
        for operand, written in zip(wanted, given, strict=False):
            named[operand.name] = written
    return named


def _no_clause(statement: ast.Statement, definition: Definition, clause: ast.Clause) -> Diagnostic:
    clauses = [o.name for o in definition.operands if o.role == "clause"]
    help_ = did_you_mean(clause.name, clauses) or f"write it as `{syntax(definition)}`"
    return statement.error("LPU0405", f"`{definition.mnemonic}` has no `{clause.name}`", clause.span, help=help_)


def _clause(statement: ast.Statement, definition: Definition, operand: Operand, clause: ast.Clause) -> Value:
    if operand.kind == "flag":
        if clause.values:
            message = f"`{clause.name}` stands alone, without a value"
            raise AssemblyError(statement.error("LPU0405", message, clause.span, help=f"write `{clause.name}`"))
        return True
    if len(clause.values) != 1:
        message, help_ = f"`{clause.name}` needs a number", f"write `{clause.name} 1`"
        raise AssemblyError(statement.error("LPU0405", message, clause.span, help=help_))
    return _number(statement, operand, clause.values[0])


def _value(
    statement: ast.Statement,
    definition: Definition,
    operand: Operand,
    written: ast.Operand,
    values: Mapping[str, Value],
    address_of: AddressOf,
) -> Value:
    match written:
        case ast.Hole():
            message = "`?` leaves this to the assembler, which chooses nothing at this level"
            raise AssemblyError(statement.error("LPU0414", message, written.span, help="write what stands here"))
        case ast.StreamRef() if operand.kind in ("streams", "source"):
            return Streams(written.direction, written.first, written.size)
        case ast.TensorRef() if operand.name == "address":
            return address_of(statement, written)
        case ast.Number() if operand.kind == "number":
            return _number(statement, operand, written)
        case ast.Number() if operand.kind == "source":
            kind = "u8" if definition.format == "masked" and operand.name == "b" else str(values["type"])
            try:
                return Immediate(immediate_bits(written.value, kind))
            except ValueError as e:
                raise AssemblyError(statement.error("LPU0407", str(e), written.span)) from None
        case ast.UnitRef() if operand.kind == "source":
            return _link(statement, written)
        case ast.Latch() if operand.kind == "source":
            return Latch()
    raise AssemblyError(_wrong_kind(statement, definition, operand, written))


def _number(statement: ast.Statement, operand: Operand, written: ast.Operand) -> int:
    if isinstance(written, ast.Number) and isinstance(written.value, int):
        return written.value
    if isinstance(written, ast.Hole):
        message = "`?` leaves this to the assembler, which chooses nothing at this level"
        raise AssemblyError(statement.error("LPU0414", message, written.span, help="write the number"))
    message = f"{operand.name} is a whole number"
    help_ = f"`{written.name}` is not defined" if isinstance(written, ast.Symbol) else ""
    raise AssemblyError(statement.error("LPU0406", message, written.span, help=help_))


def _link(statement: ast.Statement, written: ast.UnitRef) -> Link:
    number = written.name.removeprefix("vxm.alu")
    if written.address is None and written.name == "vxm.alu" and written.range and written.range[0] == written.range[1]:
        number = str(written.range[0])
    elif written.address is not None or written.range is not None:
        number = ""
    alus = COLUMNS * len(vxm_reach()[0])
    if not (number.isascii() and number.isdigit() and len(number) < 4 and int(number) < alus):
        message = f"`{written.name}` is not an ALU"
        help_ = f"ALUs are vxm.alu0 … vxm.alu{alus - 1}"
        raise AssemblyError(statement.error("LPU0406", message, written.span, help=help_))
    return Link(int(number))


_WANTED = {
    "streams": "a stream group, such as s5.e or sg4.w[0]",
    "source": "a stream group, an ALU (`vxm.alu4`), a number or `latch`",
    "number": "a number",
}


def _wrong_kind(statement: ast.Statement, definition: Definition, operand: Operand, written: ast.Operand) -> Diagnostic:
    wanted = _WANTED.get(operand.kind, "something else")
    if operand.name == "address":
        wanted += " or a tensor"
    help_ = f"write it as `{syntax(definition)}`"
    if isinstance(written, ast.Symbol):
        help_ = f"`{written.name}` is not defined"
    elif isinstance(written, ast.Value):
        help_ = "values inside a pass have names in flows; here name the ALU they come from, such as `vxm.alu4`"
    message = f"the operand `{operand.name}` of `{definition.mnemonic}` is {wanted}"
    return statement.error("LPU0406", message, written.span, help=help_)
