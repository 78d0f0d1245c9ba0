"""Directives that give names their values: .target, .param, .equ, .def, .extern, and tensors."""

from __future__ import annotations

from lpuasm.asm.arithmetic import FUNCTIONS
from lpuasm.asm.calls import height
from lpuasm.asm.declare import tensor
from lpuasm.asm.expressions import Evaluator
from lpuasm.asm.problems import Problem
from lpuasm.asm.scope import Extern, Function, Unbound
from lpuasm.asm.state import State, Step
from lpuasm.asm.syntax import Number, Param, Symbol
from lpuasm.asm.tree import Directive, TensorLine
from lpuasm.isa.errors import Related, Span, error
from lpuasm.isa.operands import TYPES


def target(state: State, evaluator: Evaluator, body: Directive) -> None:
    """Settle the target; raises Problem where it contradicts another."""
    name, span = evaluator.text(body.names[0]), evaluator.span(body.names[0])
    if state.target is not None and state.target != name:
        related = (Related(f"the target is {state.target} since here", state.target_span),)
        raise Problem(error("LPU0214", f"a second target, {name}", span, related=related, help="leave one out"))
    if state.wanted is not None and state.wanted != name:
        message = f"the source is for {name}, but {state.wanted} was asked for"
        raise Problem(error("LPU0214", message, span, help=f"build it with --target {name}, or without it"))
    if state.known_symbols is not None and state.target is None and state.wanted is None:
        message = "the target was needed before this line"
        raise Problem(error("LPU0214", message, span, help="make .target the first line"))
    state.target, state.target_span = name, span
    state.symbols()


def param(state: State, evaluator: Evaluator, body: Directive, step: Step) -> None:
    """Define a parameter: by -D, or else by its default."""
    name, span = evaluator.text(body.names[0], dotted=False), evaluator.span(body.names[0])
    if step.file.imported and isinstance(state.top.names.get(name), (int, float)):
        return  # whoever imports a kernel sets its parameters by defining them first
    state.free("parameter", name, span, state.top)
    default = body.values[0] if body.values else None
    state.bind(state.top, name, Unbound(reported=True), span)
    if name in state.defines:
        value = state.defines[name]
    elif default is not None:
        value = evaluator.number(default)
    else:
        state.bind(state.top, name, Unbound(reported=False), span)
        return
    state.bind(state.top, name, value, span)
    state.params[name] = Param(name, value, span)


def equ(state: State, evaluator: Evaluator, body: Directive, step: Step) -> None:
    """Define a constant of this scope: a number, or whatever an operand can be."""
    name, span = evaluator.text(body.names[0], dotted=False), evaluator.span(body.names[0])
    state.free("constant", name, span, step.scope)
    value = body.values[0]
    assert value is not None
    state.bind(step.scope, name, Unbound(reported=True), span)
    found = evaluator.argument(value)
    if isinstance(found, Symbol) and found.name not in TYPES:
        evaluator.number(value)  # which tells what is not defined
    state.bind(step.scope, name, found.value if isinstance(found, Number) else found, span)
    if step.scope is state.top and isinstance(found, Number):
        state.equs[name] = found.value


def function(state: State, evaluator: Evaluator, body: Directive, step: Step) -> None:
    """Define a function of this scope."""
    name, span = evaluator.text(body.names[0], dotted=False), evaluator.span(body.names[0])
    if name in FUNCTIONS:
        raise evaluator.problem(
            "LPU0202", f"`{name}` is a function of the language", body.names[0], "name it otherwise"
        )
    state.free("function", name, span, step.scope)
    places: dict[str, Span] = {}
    for node in body.parameters:
        parameter, place = evaluator.text(node.name, dotted=False), evaluator.span(node.name)
        state.once("parameter", parameter, place, places.get(parameter))
        places[parameter] = place
    value = body.values[-1]
    assert value is not None
    made = Function(name, tuple(places), value, evaluator.line, step.scope, span, height(value))
    state.bind(step.scope, name, made, span)


def extern(state: State, evaluator: Evaluator, body: Directive) -> None:
    """Name dimensions that are bound when the program runs."""
    for node in body.names:
        name, span = evaluator.text(node, dotted=False), evaluator.span(node)
        state.free("extern", name, span, state.top)
        state.externs[name] = span
        state.bind(state.top, name, Extern(state.defines.get(name)), span)


def declare(state: State, evaluator: Evaluator, body: TensorLine, step: Step) -> None:
    """Declare a tensor."""
    name, span = evaluator.text(body.name, dotted=False), evaluator.span(body.name)
    before = state.names.tensors.get(name)
    state.once("tensor", name, span, before.span if before else state.top.places.get(name))
    try:
        state.names.tensors[name] = tensor(evaluator, body, name, step.frames)
    except Problem:
        state.top.names.setdefault(name, Unbound(reported=True))
        raise
