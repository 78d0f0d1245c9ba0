"""Several operands as one, and parts of parts: ``(a, b)``, ``places[1]``, ``rows[2:4, :]`` of a part of a tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpuasm.asm.regions import bounds
from lpuasm.asm.scope import Group
from lpuasm.asm.syntax import Index, Operand, Slice, TensorRef
from lpuasm.asm.tree import ListOf, Subscripted

if TYPE_CHECKING:
    from lpuasm.asm.expressions import Evaluator

MAX_ITEMS = 1000
"""Operands of one list."""


def joined(evaluator: Evaluator, node: ListOf) -> Group:
    """The operands of a list; those of a list within it are among them. Raises Problem."""
    items: list[Operand] = []
    for part in node.items:
        found = evaluator.argument(part)
        items += found.items if isinstance(found, Group) else [found]
        if len(items) > MAX_ITEMS:
            raise evaluator.problem("LPU0221", f"a list of more than {MAX_ITEMS} operands", node)
    return Group(tuple(items), evaluator.span(node))


def item(evaluator: Evaluator, group: Group, node: Subscripted) -> Operand:
    """One operand of a list, counted from 0; raises Problem."""
    index, count = evaluator.only(node), len(group.items)
    if not 0 <= index < count:
        message = f"this list has {count} operands, and {index} is none of them"
        raise evaluator.problem("LPU0221", message, node, f"they are counted from 0 to {count - 1}")
    return group.items[index]


def within(
    evaluator: Evaluator, outer: TensorRef, inner: tuple[Index | Slice, ...], node: Subscripted
) -> tuple[Index | Slice, ...]:
    """The subscripts of a part of ``outer``, as subscripts of the whole tensor; raises Problem.

    Axes that ``outer`` names by one index are not subscripted again.
    """
    dims = evaluator.names.tensors[outer.name].dims or (1,)
    whole = Slice(None, None, None, None, outer.span)
    subscripts = list(outer.subscripts or ())
    subscripts += [whole] * (len(dims) - len(subscripts))
    left = [axis for axis, subscript in enumerate(subscripts) if isinstance(subscript, Slice)]
    if len(inner) > len(left) or len(subscripts) > len(dims):
        message = f"this part of `{outer.name}` has {len(left)} axes, not {len(inner)}"
        raise evaluator.problem("LPU0215", message, node)
    for axis, subscript in zip(left, inner, strict=False):
        part = subscripts[axis]
        assert isinstance(part, Slice)
        found = _of(part, dims[axis], subscript)
        if found is None:
            message = f"these subscripts lead out of the part of `{outer.name}`"
            raise evaluator.problem("LPU0215", message, node, f"axis {axis} of it is of {_count(part, dims[axis])}")
        subscripts[axis] = found
    return tuple(subscripts)


def _count(part: Slice, size: int) -> int:
    """How many indices a slice means."""
    start, stop, step = bounds(part, size)
    return max(0, -(-(stop - start) // step)) if step > 0 else 0


def _of(part: Slice, size: int, subscript: Index | Slice) -> Index | Slice | None:
    """A subscript of a slice as one of its whole axis; None where it leads out of the slice."""
    start, stop, step = bounds(part, size)
    count = _count(part, size)
    if isinstance(subscript, Index):
        index = subscript.value + (count if subscript.value < 0 else 0)
        return Index(start + index * step, subscript.span) if 0 <= index < count else None
    first, last, pace = bounds(subscript, count)
    if not 0 <= first <= last <= count or pace < 1:
        return None
    end = min(start + last * step, stop)
    return Slice(start + first * step, end, None, None if step * pace == 1 else step * pace, subscript.span)
