"""Tensor declarations, evaluated."""

from __future__ import annotations

from lpuasm.asm.expressions import Evaluator
from lpuasm.asm.formulas import Formula, formula
from lpuasm.asm.syntax import Frame, Number, TensorDecl, Text, UnitRef
from lpuasm.asm.tree import Expr, FormulaPart, Str, TensorLine


def tensor(evaluator: Evaluator, body: TensorLine, name: str, frames: tuple[Frame, ...]) -> TensorDecl:
    """The tensor a line declares; raises Problem."""
    given: dict[str, tuple[Expr, ...]] = {}
    for word, parts in body.attributes:
        if word in given:
            raise evaluator.problem("LPU0218", f"`{word}` is given twice", parts[0])
        given[word] = parts
    dims = tuple(evaluator.integer(dim) for dim in body.dims)
    return TensorDecl(
        kind=body.kind,
        name=name,
        dtype=evaluator.text(body.dtype),
        dims=dims,
        placement=tuple(_place(evaluator, place) for place in body.places),
        bank=_one(evaluator, given.get("bank")),
        address=_one(evaluator, given.get("address")),
        tile=_tile(evaluator, given.get("tile")),
        banks_run=_one(evaluator, given.get("banks")),
        values=_values(evaluator, body.values, dims),
        span=evaluator.line.span(body.start, body.end),
        frames=frames,
    )


def _one(evaluator: Evaluator, parts: tuple[Expr, ...] | None) -> int | None:
    return None if parts is None else evaluator.integer(parts[0])


def _place(evaluator: Evaluator, node: Expr) -> UnitRef:
    unit = evaluator.operand(node)
    if not isinstance(unit, UnitRef):
        raise evaluator.problem("LPU0215", "a tensor lies in memory slices, such as mem.w0 or mem.e[0..3]", node)
    return unit


def _tile(evaluator: Evaluator, parts: tuple[Expr, ...] | None) -> tuple[int, int] | None:
    if parts is None:
        return None
    if isinstance(parts[0], Str):
        rows, columns = parts[0].text.split("x")
        if max(len(rows), len(columns)) > 18:
            raise evaluator.problem("LPU0203", "this size does not fit 64 bits", parts[0])
        return int(rows), int(columns)
    return evaluator.integer(parts[0]), evaluator.integer(parts[1])


def _values(
    evaluator: Evaluator, nodes: tuple[Expr, ...] | FormulaPart | None, dims: tuple[int, ...]
) -> tuple[int | float, ...] | str | Formula | None:
    if nodes is None:
        return None
    if isinstance(nodes, FormulaPart):
        return formula(evaluator, nodes, dims)
    if len(nodes) == 1:
        only = evaluator.operand(nodes[0])
        if isinstance(only, Text):
            return only.value
        if isinstance(only, Number):
            return (only.value,)
    return tuple(evaluator.number(node) for node in nodes)
