"""What an ALU operation computes: its `meaning` in the table, compiled.

A meaning is an expression of calls and names, such as ``add_sat(a, b)``: the
functions are those of :data:`lpuasm.isa.numeric.FUNCTIONS`, the names operands.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from numpy.typing import NDArray

from lpuasm.isa.core import Definition
from lpuasm.isa.errors import Span, SpecError, error
from lpuasm.isa.numeric import FUNCTIONS

#: A compiled meaning: operands by name (lane arrays; a type by its name) to the lanes of the result.
Meaning = Callable[[Mapping[str, Any]], NDArray[Any]]


def meaning(definition: Definition, saturating: bool = False) -> Meaning:
    """What ``definition``, an operation of the VXM, computes; ``saturating`` with `.sat`.

    Raises:
        SpecError: the expression is not one of known functions and the instruction's own operands.
    """
    text = definition.saturating if saturating else definition.meaning
    return compiled(text, tuple(definition.operand), definition.span)


@cache
def compiled(text: str, names: tuple[str, ...], span: Span | None = None) -> Meaning:
    """The expression ``text`` over operands ``names``. Raises SpecError as :func:`meaning` does."""
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as e:
        raise SpecError(error("LPU0804", f"meaning '{text}' is not an expression: {e}", span)) from None
    return _node(tree, text, names, span)


def _node(node: ast.expr, text: str, names: tuple[str, ...], span: Span | None) -> Meaning:
    def wrong(message: str) -> SpecError:
        return SpecError(error("LPU0804", f"meaning '{text}': {message}", span))

    if isinstance(node, ast.Name):
        name = node.id
        if name not in names:
            raise wrong(f"there is no operand '{name}'")
        return lambda operands: operands[name]
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.keywords:
        raise wrong("only calls of named functions and names of operands can stand in it")
    function = FUNCTIONS.get(node.func.id)
    if function is None:
        raise wrong(f"there is no function '{node.func.id}'")
    takes = len(inspect.signature(function).parameters)
    if takes != len(node.args):
        raise wrong(f"{node.func.id} takes {takes} operands, not {len(node.args)}")
    parts = tuple(_node(arg, text, names, span) for arg in node.args)
    return lambda operands: function(*(part(operands) for part in parts))
