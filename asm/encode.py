"""A statement in a queue as instruction words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from lpuasm.asm import dims, vectors
from lpuasm.asm.operands import Bound, bind
from lpuasm.asm.rules import broken
from lpuasm.asm.syntax import Operand, Statement, TensorRef
from lpuasm.asm.usage import mnemonics, syntax, unit_names
from lpuasm.isa.core import Definition, Table, table
from lpuasm.isa.errors import AssemblyError, Diagnostic
from lpuasm.isa.operands import OperandError
from lpuasm.isa.program import Tensor
from lpuasm.isa.suggest import did_you_mean
from lpuasm.isa.target import Queue, Target


@dataclass(frozen=True)
class Site:
    """What statements are encoded for. ``strict``: rules that hold whatever the cycle are held to."""

    target: Target
    tensors: Mapping[str, Tensor]
    strict: bool = True

    @cached_property
    def table(self) -> Table:
        return table(self.target)


@dataclass(frozen=True, slots=True)
class Encoded:
    """An instruction word, the ``repeat`` word after it (0: none), and the cycles for which they hold the queue."""

    word: int
    repeat: int
    hold: int


def find(statement: Statement, site: Site, kinds: Sequence[str], where: str) -> Definition:
    """The instruction of that name in queues of ``kinds``; LPU0401 or LPU0402 where there is none."""
    for kind in kinds:
        definition = site.table.find(kind, statement.mnemonic)
        if definition is not None:
            return definition
    raise AssemblyError(_unknown(statement, site, kinds, where))


def _unknown(statement: Statement, site: Site, kinds: Sequence[str], where: str) -> Diagnostic:
    name, place = statement.mnemonic, statement.mnemonic_span
    known = mnemonics(site.table, kinds)
    elsewhere = site.table.named(name)
    if elsewhere:
        units = ", ".join(dict.fromkeys(unit_names(d) for d in elsewhere))
        message = f"`{name}` is not an instruction of {where}"
        return statement.error("LPU0402", message, place, help=f"`{name}` is an instruction of {units}")
    help_ = did_you_mean(name, known)
    if not help_ and (near := did_you_mean(name, [d.mnemonic for d in site.table])):
        other = site.table.named(near.split("`")[1])[0]
        help_ = f"{near} It is an instruction of {unit_names(other)}"
    if not help_:
        help_ = f"{where} takes {', '.join(known)}"
    return statement.error("LPU0401", f"there is no instruction `{name}`", place, help=help_)


def bound(
    statement: Statement, definition: Definition, queue: Queue, site: Site, inputs: Sequence[Operand], prefer: str
) -> Bound:
    """The operands of a statement in ``queue``."""

    def address_of(statement: Statement, tensor: TensorRef) -> int:
        return vectors.address(statement, tensor, site.tensors[tensor.name], queue, site.target)

    return bind(statement, definition, inputs, address_of, prefer)


def encode(statement: Statement, operands: Bound, queue: Queue, site: Site) -> Encoded:
    """The words of a statement in ``queue``; raises AssemblyError."""
    word = operands.word(statement)
    if site.strict and (rule := broken(site.target, queue, operands.definition, operands.values)):
        span = operands.place(rule.operand, statement) if rule.operand else statement.mnemonic_span
        raise AssemblyError(statement.error(rule.code, rule.message, span, help=rule.help))
    repeat, hold = _repeat(statement, operands.definition, site)
    return Encoded(word, repeat, hold)


def _repeat(statement: Statement, definition: Definition, site: Site) -> tuple[int, int]:
    """The word that repeats the statement, and the cycles for which both hold the queue."""
    if definition.mnemonic == "nop":
        count = statement.inputs[0]
        return 0, getattr(count, "value", 1)
    own = definition.operand.get("repeat") if statement.clauses else None
    if not statement.clauses or not statement.repeats or (own is not None and own.role == "clause"):
        return 0, 1
    place = statement.repeats[0].span
    if definition.unit == "icu" or definition.mnemonic in ("deskew", "transmit"):
        message = f"`{definition.mnemonic}` cannot be repeated"
        raise AssemblyError(statement.error("LPU0408", message, place, help="write it several times"))
    issues = dims.nest(statement, int(bool(definition.steps)))
    if not issues:
        return 0, 1
    if not definition.steps and any(dim.step for dim in issues):
        message = f"`{definition.mnemonic}` has no operand that a step could move"
        raise AssemblyError(statement.error("LPU0408", message, place, help=f"write it as `{syntax(definition)}`"))
    word = site.table.named("repeat")[0]
    try:
        return word.encode({"repeat": issues}), 1 + dims.span(issues)
    except OperandError as e:
        raise AssemblyError(statement.error("LPU0408", e.message, place)) from None
