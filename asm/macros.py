"""Macros: their definition, and a call as a step of the walk."""

from __future__ import annotations

from collections.abc import Sequence

from lpuasm.asm.blocks import Macro
from lpuasm.asm.expressions import Evaluator
from lpuasm.asm.frames import Frame
from lpuasm.asm.problems import Problem
from lpuasm.asm.scope import Bound, Group, Scope
from lpuasm.asm.state import Definition, State, Step
from lpuasm.asm.syntax import Number, Operand
from lpuasm.asm.tree import Directive, Expr, Keyword, StatementLine
from lpuasm.isa.errors import Related, Span, error
from lpuasm.isa.suggest import did_you_mean


def define(state: State, node: Macro, step: Step) -> None:
    """Keep a macro for its calls; raises Problem."""
    body = node.line.template.body
    assert isinstance(body, Directive)
    evaluator = Evaluator(node.line, step.scope, state.names)
    name, span = evaluator.text(body.names[0]), evaluator.span(body.names[0])
    before = state.macros.get(name)
    state.once("macro", name, span, before.span if before else None)
    places: dict[str, Span] = {}
    parameters: dict[str, Expr | None] = {}
    for node_ in body.parameters:
        parameter, place = evaluator.text(node_.name, dotted=False), evaluator.span(node_.name)
        state.once("parameter", parameter, place, places.get(parameter))
        places[parameter], parameters[parameter] = place, node_.default
    state.macros[name] = Definition(node, parameters, span, step.file)


def call(
    state: State, evaluator: Evaluator, body: StatementLine, name: str, definition: Definition, step: Step
) -> Step:
    """The body of a macro with its arguments, as a step; raises Problem."""
    span = evaluator.line.span(body.start, body.end)
    frames = state.deeper(Frame("macro", name, span), step)
    if body.outputs or body.tail:
        related = (Related(f"the macro `{name}`", definition.span),)
        message = f"`{name}` is a macro: it takes arguments, no `->`, clause or pin"
        raise Problem(error("LPU0208", message, span, related=related))
    state.expansions += 1
    scope = Scope(state.top, state.expansions, {}, dict.fromkeys(definition.parameters, definition.span))
    wanted = list(definition.parameters)
    for i, argument in enumerate(body.inputs):
        keyword = evaluator.text(argument.name) if isinstance(argument, Keyword) else None
        value = argument.value if isinstance(argument, Keyword) else argument
        if keyword is None and i >= len(wanted):
            raise _argument(evaluator, f"`{name}` takes {_count(wanted)}", value, definition)
        parameter = wanted[i] if keyword is None else keyword
        if parameter not in wanted:
            help_ = did_you_mean(parameter, wanted)
            raise _argument(evaluator, f"`{name}` has no parameter `{parameter}`", value, definition, help_)
        if parameter in scope.names:
            raise _argument(evaluator, f"`{parameter}` is given twice", value, definition)
        scope.names[parameter] = _bare(evaluator.argument(value))
    inner = Evaluator(definition.macro.line, scope, state.names)
    for parameter, default in definition.parameters.items():
        if parameter not in scope.names:
            if default is None:
                raise _argument(evaluator, f"`{name}` needs `{parameter}`", body.mnemonic, definition)
            scope.names[parameter] = _bare(inner.argument(default))
    return Step(iter(definition.macro.body), scope, frames, definition.file)


def _argument(evaluator: Evaluator, message: str, node: Expr, definition: Definition, help_: str = "") -> Problem:
    related = (Related("the macro", definition.span),)
    return Problem(error("LPU0208", message, evaluator.span(node), related=related, help=help_))


def _bare(found: Operand | Group) -> Bound:
    return found.value if isinstance(found, Number) else found


def _count(wanted: Sequence[str]) -> str:
    if not wanted:
        return "no arguments"
    return f"{len(wanted)} argument{'s' * (len(wanted) > 1)}: {', '.join(wanted)}"
