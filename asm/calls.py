"""Functions that a text defines: ``.def tile(n, k) = n * TK + k``.

A call stands for the function's expression, evaluated where the function is defined: its names are those of that scope,
and its parameters the values that the caller computed. A function may call others, and itself on one side of a choice.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from lpuasm.asm import arithmetic
from lpuasm.asm.frames import Frame
from lpuasm.asm.problems import Problem
from lpuasm.asm.scope import Bound, Function, Scope
from lpuasm.asm.syntax import Number
from lpuasm.asm.tree import Call
from lpuasm.isa.errors import Related, error
from lpuasm.isa.suggest import did_you_mean

if TYPE_CHECKING:
    from lpuasm.asm.expressions import Evaluator

MAX_DEPTH = 400
"""Operators within each other, over all calls within each other."""
MAX_CALLS = 2_000_000
"""Calls of functions in one source."""
_SHOWN = 4
"""Calls within each other that a diagnostic tells of."""


def function(evaluator: Evaluator, node: Call) -> Function | None:
    """The function that is called, None if it is one of the language; raises Problem."""
    name = evaluator.text(node.name, dotted=False)
    if name in arithmetic.FUNCTIONS:
        return None
    found = evaluator.scope.get(name)
    if not isinstance(found, Function):
        own = [n for n in evaluator.scope.visible() if isinstance(evaluator.scope.get(n), Function)]
        known = [*arithmetic.FUNCTIONS, *dict.fromkeys(own)]
        help_ = did_you_mean(name, known, f"the functions are {', '.join(known)}; `.def` defines others")
        raise evaluator.problem("LPU0207", f"there is no function `{name}`", node.name, help_)
    return found


@contextmanager
def entered(evaluator: Evaluator, node: Call, function: Function) -> Iterator[Evaluator]:
    """What evaluates the body of a function for a call of it; what goes wrong there is told with the call."""
    if len(node.arguments) != len(function.parameters):
        wanted = len(function.parameters)
        message = f"`{function.name}` takes {wanted} argument{'s' * (wanted != 1)}, not {len(node.arguments)}"
        related = (Related("the function", function.span),)
        raise Problem(error("LPU0207", message, evaluator.span(node), related=related))
    values = [evaluator.argument(argument) for argument in node.arguments]
    bound = [value.value if isinstance(value, Number) else value for value in values]
    made = inner(evaluator, function, dict(zip(function.parameters, bound, strict=True)))
    if made is None:
        message = f"`{function.name}` calls itself without end, or nearly so"
        raise evaluator.problem("LPU0209", message, node, "let one side of a choice `… ? … : …` be without a call")
    try:
        yield made
    except Problem as e:
        if e.diagnostic is None or sum(r.message.startswith("in the function") for r in e.diagnostic.related) >= _SHOWN:
            raise
        frame = Frame("function", function.name, evaluator.span(node)).related()
        raise Problem(replace(e.diagnostic, related=(*e.diagnostic.related, frame))) from None


def inner(evaluator: Evaluator, function: Function, arguments: dict[str, Bound]) -> Evaluator | None:
    """What evaluates the body of a function with these arguments; None where calls go on without end."""
    evaluator.names.calls += 1
    depth = evaluator.depth + function.height
    if depth > MAX_DEPTH or evaluator.names.calls > MAX_CALLS:
        return None
    scope = Scope(function.scope, function.scope.macro, arguments)
    return type(evaluator)(function.line, scope, evaluator.names, depth)


def height(node: object) -> int:
    """How many parts of a tree lie within each other, those in the braces of names among them."""
    return 1 + max(map(height, node), default=0) if isinstance(node, tuple) else 0
