"""Tensors as addresses: where the word of a row lies in one slice."""

from __future__ import annotations

from lpuasm.asm.syntax import Index, Slice, Statement, TensorRef
from lpuasm.isa.errors import AssemblyError
from lpuasm.isa.layout import Layout
from lpuasm.isa.program import Tensor
from lpuasm.isa.target import Queue, Target


def address(statement: Statement, reference: TensorRef, tensor: Tensor, queue: Queue, target: Target) -> int:
    """The address, in the slice of ``queue``, of the row that ``reference`` names, or of the tensor's first word.

    ``A[r]`` is a row of the last axis, ``A[h, r]`` of a tensor of three, ``A[r, 320:]`` its part in a later tile.
    Raises AssemblyError (LPU0415) where this slice does not hold it.
    """
    layout = tensor.layout
    assert layout is not None, "tensors of schedules have places"
    names = {q.number: q.name for q in target.queues}
    if queue.number not in layout.slices:
        message = f"{tensor.name} has nothing in {queue.name}"
        raise _wrong(statement, reference, message, f"it lies in {_listed([names[s] for s in layout.slices])}")
    if not layout.vectors:
        raise _wrong(statement, reference, f"{tensor.name} is empty", "")
    if reference.subscripts is None:
        return layout.address
    row, column = _row(statement, reference, tensor, layout)
    vector = int(layout.vector(row, column))
    word, group = divmod(vector, layout.groups)
    holders = layout.slices[group * layout.planes : (group + 1) * layout.planes]
    if queue.number not in holders:
        message = f"this row of {tensor.name} is not in {queue.name}"
        raise _wrong(statement, reference, message, f"it lies in {_listed([names[s] for s in holders])}")
    return int(layout.word_address(word))


def _row(statement: Statement, reference: TensorRef, tensor: Tensor, layout: Layout) -> tuple[int, int]:
    """(row of the last axis, tile across) that the subscripts name."""
    subscripts, shape = reference.subscripts or (), layout.shape
    if len(subscripts) > max(len(shape), 1):
        message = f"{tensor.name} has {len(shape)} dimensions, and {len(subscripts)} subscripts are given"
        raise _wrong(statement, reference, message, "")
    row = 0
    leading = shape[:-1] if len(shape) > 1 else ()
    for axis, extent in enumerate(leading):
        part = subscripts[axis] if axis < len(subscripts) else None
        row = row * extent + _index(statement, reference, part, extent)
    if len(subscripts) < len(shape) or not shape:
        return row, 0
    return row, _tile(statement, reference, subscripts[-1], layout)


def _index(statement: Statement, reference: TensorRef, part: Index | Slice | None, extent: int) -> int:
    if isinstance(part, Index):
        if not 0 <= part.value < extent:
            raise _wrong(statement, reference, f"{part.value} is not an index of this axis, 0 … {extent - 1}", "")
        return part.value
    if part is not None and (part.start, part.stop, part.length, part.step) != (None, None, None, None):
        raise _wrong(statement, reference, "an address is of one row", "name the first, and say `repeat` for the rest")
    return 0


def _tile(statement: Statement, reference: TensorRef, part: Index | Slice, layout: Layout) -> int:
    start = part.value if isinstance(part, Index) else part.start or 0
    if not 0 <= start < max(layout.columns, 1) or start % layout.tile_columns:
        message = f"no word begins at column {start}"
        help_ = f"words hold {layout.tile_columns} columns; name the first of one"
        raise _wrong(statement, reference, message, help_)
    return start // layout.tile_columns


def _wrong(statement: Statement, reference: TensorRef, message: str, help: str) -> AssemblyError:
    return AssemblyError(statement.error("LPU0415", message, reference.span, help=help))


def _listed(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 8 else f"{', '.join(names[:4])}, … {names[-1]}"
