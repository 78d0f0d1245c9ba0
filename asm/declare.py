"""Tensor declarations, evaluated."""

from __future__ import annotations

from lpuasm.asm.expressions import Evaluator, what
from lpuasm.asm.formulas import Formula, formula
from lpuasm.asm.frames import Frame
from lpuasm.asm.scope import Group
from lpuasm.asm.syntax import Number, Symbol, TensorDecl, Text, UnitRef
from lpuasm.asm.tree import Expr, FormulaPart, Name, Str, TensorLine
from lpuasm.isa.operands import TYPES


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
        dtype=_dtype(evaluator, body.dtype),
        dims=dims,
        placement=tuple(unit for place in body.places for unit in _places(evaluator, place)),
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


def _dtype(evaluator: Evaluator, node: Name) -> str:
    name = evaluator.text(node)
    bound = None if name in TYPES else evaluator.lookup(name, node)
    if isinstance(bound, Symbol):
        return bound.name
    if bound is not None:
        raise evaluator.problem("LPU0206", f"a type is needed here, and `{name}` is {what(bound)}", node)
    return name


def _places(evaluator: Evaluator, node: Expr) -> list[UnitRef]:
    found = evaluator.argument(node)
    places = found.items if isinstance(found, Group) else (found,)
    units = [place for place in places if isinstance(place, UnitRef)]
    if len(units) < len(places):
        raise evaluator.problem("LPU0215", "a tensor lies in memory slices, such as mem.w0 or mem.e[0..3]", node)
    return units


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
