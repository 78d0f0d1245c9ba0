"""What a part of a statement says, without the place in the text where it says it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import fields

from lpuasm.asm import syntax
from lpuasm.asm.syntax import Number, Slice, StreamRef

_NAMES: dict[type, tuple[str, ...]] = {
    kind: tuple(f.name for f in fields(kind) if f.name != "span")
    for kind in (
        syntax.UnitRef, syntax.Index, syntax.TensorRef, syntax.Register, syntax.Term, syntax.Memory,
        syntax.Value, syntax.Latch, syntax.Hole, syntax.Symbol, syntax.Text, syntax.Clause, syntax.Repeat,
    )
}  # fmt: skip


def plain(part: object) -> Hashable:
    """A key that is equal for operands, clauses, and tuples of them, that say the same in different places."""
    if isinstance(part, StreamRef):
        return part.size, part.direction, part.index
    if isinstance(part, Slice):
        return part.start, part.stop, part.length, part.step
    if isinstance(part, Number):
        return Number, repr(part.value)  # 0.0 and −0.0 are equal, and so are 1 and 1.0
    if isinstance(part, tuple):
        return tuple([plain(p) for p in part])
    names = _NAMES.get(type(part))
    if names is None:
        assert part is None or isinstance(part, int | float | str)
        return part
    return (type(part), *[plain(getattr(part, name)) for name in names])
