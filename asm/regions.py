"""Which vectors of a tensor a reference such as ``A[576*p : +576, 320*k : +320]`` means, in what order.

The order is that of the rows, tile column by tile column. Rows may reach into
the padding of the last tile; columns are cut at tiles only, since a vector
always brings all its lanes.
"""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.typing import NDArray

from lpuasm.asm.syntax import Index, Slice, TensorRef
from lpuasm.isa.errors import AssemblyError, Span, error
from lpuasm.isa.layout import Layout


def vectors(layout: Layout, ref: TensorRef) -> NDArray[np.int64]:
    """The vectors of the reference, in order.

    Raises:
        AssemblyError: LPU1106, the reference does not fit the tensor or its tiles.
    """
    subscripts = ref.subscripts or ()
    rank = max(len(layout.shape), 1)
    if len(subscripts) > rank:
        raise _misfit(ref.span, f"'{ref.name}' has {rank} axes, not {len(subscripts)}")
    shape = layout.shape or (1,)
    subscripts = (*subscripts, *[Slice(None, None, None, None, ref.span)] * (rank - len(subscripts)))
    rows = np.zeros(1, np.int64)
    padded = layout.tiles[0] * layout.tile_rows
    for axis in range(rank - 1):
        limit = padded // max(prod(shape[1:-1]), 1) if axis == 0 else shape[axis]
        rows = (rows[:, None] * shape[axis] if axis else rows[:, None]) + _range(subscripts[axis], shape[axis], limit)
        rows = rows.reshape(-1)
    tiles = _tile_columns(layout, subscripts[-1], ref)
    return np.concatenate([layout.vector(rows, int(tile)) for tile in tiles] or [rows[:0]])


def _range(subscript: Index | Slice, size: int, limit: int) -> NDArray[np.int64]:
    """The indices that a subscript of an axis of ``size`` means; they may reach to ``limit``, where padding ends."""
    if isinstance(subscript, Index):
        index = subscript.value + (size if subscript.value < 0 else 0)
        if not 0 <= index < size:
            raise _misfit(subscript.span, f"index {subscript.value} is outside an axis of {size}")
        return np.array([index], np.int64)
    start, stop, step = bounds(subscript, size)
    if step < 1:
        raise _misfit(subscript.span, "a step is at least 1")
    if not 0 <= start <= stop or stop > max(limit, size):
        raise _misfit(
            subscript.span,
            f"{start} … {stop} is outside an axis of {size}",
            "a `tile` in the tensor's declaration pads its last rows" if stop > size else "",
        )
    return np.arange(start, stop, step)


def bounds(subscript: Slice, size: int) -> tuple[int, int, int]:
    """The first index of a slice of ``size``, the one behind its last, and the step."""
    start = subscript.start or 0
    start += size if start < 0 else 0
    if subscript.length is not None:
        stop = start + subscript.length
    else:
        stop = size if subscript.stop is None else subscript.stop
        stop += size if stop < 0 else 0
    return start, stop, 1 if subscript.step is None else subscript.step


def _tile_columns(layout: Layout, subscript: Index | Slice, ref: TensorRef) -> range:
    width, across = layout.tile_columns, layout.tiles[1]
    if isinstance(subscript, Index):
        raise _misfit(subscript.span, "the last axis lies across the lanes and is not indexed", "write a slice")
    start, stop, step = bounds(subscript, layout.columns)
    if step != 1:
        raise _misfit(subscript.span, "the last axis lies across the lanes and takes no step")
    ends = stop % width == 0 or stop >= layout.columns
    if start < 0 or start % width or not ends or stop > across * width or stop < start:
        raise _misfit(
            subscript.span,
            f"columns {start} … {stop} of '{ref.name}' are not whole vectors",
            f"a vector holds {width} columns: begin at a multiple of {width} and end at one, or at the edge",
        )
    return range(start // width, -(-stop // width))


def _misfit(span: Span, message: str, help: str = "") -> AssemblyError:
    return AssemblyError(error("LPU1106", message, span, help=help))
