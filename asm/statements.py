"""One statement, evaluated: operands, clauses, pin."""

from __future__ import annotations

from lpuasm.asm.expressions import Evaluator
from lpuasm.asm.frames import Frame
from lpuasm.asm.problems import Problem
from lpuasm.asm.scope import Group
from lpuasm.asm.syntax import Clause, Hole, Number, Operand, Repeat, Statement, Symbol, UnitRef
from lpuasm.asm.tree import Expr, Keyword, Num, PinPart, RepeatPart, Setting, StatementLine
from lpuasm.isa.errors import Related, error


def statement(
    evaluator: Evaluator, body: StatementLine, mnemonic: str, frames: tuple[Frame, ...], labels: tuple[str, ...]
) -> Statement:
    """The statement a line says; raises Problem."""
    word, *suffixes = mnemonic.split(".")
    inputs, outputs = _operands(evaluator, body.inputs), _operands(evaluator, body.outputs)
    clauses: list[Clause | Repeat] = []
    pin: UnitRef | Hole | None = None
    for part in body.tail:
        if isinstance(part, RepeatPart):
            clauses.append(_repeat(evaluator, part))
        elif isinstance(part, Setting):
            clauses.append(_setting(evaluator, part))
        elif pin is not None:
            related = (Related("the first", pin.span),)
            raise Problem(error("LPU0218", "a second `@`", evaluator.span(part.unit), related=related))
        else:
            pin = _pin(evaluator, part)
    span = evaluator.line.span(body.start, body.end)
    place = evaluator.span(body.mnemonic)
    return Statement(word, tuple(suffixes), inputs, outputs, tuple(clauses), pin, span, place, frames, labels)


def _operands(evaluator: Evaluator, nodes: tuple[Expr | Keyword, ...]) -> tuple[Operand, ...]:
    operands: list[Operand] = []
    for node in nodes:
        if isinstance(node, Keyword):
            message = f"`{node.name.text} = …` is an argument of a macro, and this is an instruction"
            raise evaluator.problem("LPU0208", message, node.name)
        found = evaluator.argument(node)
        if isinstance(found, Group):
            operands += found.items
        else:
            operands.append(found)
    return tuple(operands)


def _repeat(evaluator: Evaluator, part: RepeatPart) -> Repeat:
    paces: dict[str, int] = {}
    for word, value in part.paces:
        if word in paces:
            raise evaluator.problem("LPU0218", f"`{word}` is given twice", value, f"write one `{word}` for each repeat")
        paces[word] = evaluator.integer(value)
    count = evaluator.integer(part.times)
    return Repeat(count, paces.get("every"), paces.get("step"), evaluator.line.span(part.start, part.end))


def _setting(evaluator: Evaluator, part: Setting) -> Clause:
    end = part.value.end if part.value is not None else part.name.end
    values = () if part.value is None else (_pattern(evaluator, part.value),)
    return Clause(evaluator.text(part.name), values, evaluator.line.span(part.name.start, end))


def _pattern(evaluator: Evaluator, node: Expr) -> Operand:
    """A value of a clause; as a pattern of bits (`order`) a number may fill all 64."""
    if isinstance(node, Num):
        value = evaluator.line.numbers[node.slot]
        if isinstance(value, int) and value >> 64 == 0:
            return Number(value, evaluator.span(node))
    return evaluator.operand(node)


def _pin(evaluator: Evaluator, part: PinPart) -> UnitRef | Hole:
    unit = evaluator.operand(part.unit)
    if isinstance(unit, Symbol):
        return UnitRef(unit.name, None, None, unit.span)
    if not isinstance(unit, (UnitRef, Hole)):
        raise evaluator.problem("LPU0215", "`@` names a unit, such as `@alu4` or `@sxm.e.transpose0`", part.unit)
    return unit
