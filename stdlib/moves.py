"""Kernels that move data: transpose, gather."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Any

from lpuasm.stdlib.kernel import Call, Contract, Kernel, too_large
from lpuasm.stdlib.products import LANES, WORDS, tiles

if TYPE_CHECKING:
    from lpuasm.isa.program import Program
    from lpuasm.stdlib.kernel import Array

_TYPES = {"int8": "i8", "float16": "f16", "float32": "f32", "int32": "f32", "int16": "f16", "uint8": "i8"}
_BYTES = {"i8": 1, "f16": 2, "f32": 4}
#: Tiles of bytes that the slices of the operand hold; those of the result hold 16 for every column.
_ITEMS = 4 * (WORDS // 20)


def _items(r: int, n: int, batch: int, dtype: str) -> int:
    return batch * tiles(r) * tiles(n) * _BYTES[dtype]


def _cycles(*, R: int, N: int, B: int = 1, dtype: str = "i8") -> int:
    rounds = -(-_items(R, N, B, dtype) // 4)
    return rounds * max(min(N, LANES), 44) + 170


def _defines(*, R: int, N: int, B: int = 1, dtype: str = "i8") -> Mapping[str, int]:
    if min(R, N, B) < 1:
        raise TypeError("the dimensions of a program are 1 or more")
    items = _items(R, N, B, dtype)
    most = min(_ITEMS, 16 * (WORDS // min(N, LANES)))
    if items > most:
        help_ = f"{most} tiles of 320 × {min(N, LANES)} bytes fit, and these are {items}; transpose it in pieces"
        raise too_large(f"transpose {dtype}", f"R={R}, N={N}" + f", B={B}" * (B > 1), help_)
    return {"ITEMS": items, "COLUMNS": min(N, LANES)}


def _prepare(x: Any) -> Call:
    import numpy as np

    x = np.asarray(x)
    dtype = _TYPES.get(x.dtype.name)
    if dtype is None:
        raise TypeError(f"transpose takes elements of one, two or four bytes, not {x.dtype}")
    if x.ndim < 2 or not x.size:
        return Call(None, dtype, lambda program: {}, lambda outputs: np.copy(x.T, order="C"))
    r, *middle, n = x.shape
    batch, size = prod(middle), _BYTES[dtype]
    shape = (batch, tiles(n), tiles(r), size)

    def inputs(program: Program) -> Mapping[str, Array]:
        wide = np.zeros((tiles(r) * LANES, batch, tiles(n) * LANES), x.dtype)
        wide[:r, :, :n] = x.reshape(r, batch, n)
        octets = wide.view(np.int8).reshape(tiles(r), 20, 16, batch, tiles(n), LANES, size)
        one_by_one = octets.transpose(3, 4, 0, 6, 1, 2, 5).reshape(-1, 20, 16, LANES)
        packed = np.zeros((-(-len(one_by_one) // 4) * 4, 20, 16, LANES), np.int8)
        packed[: len(one_by_one)] = one_by_one
        return {"X": np.ascontiguousarray(packed.reshape(-1, 4, 20, 16, LANES).transpose(0, 2, 1, 3, 4))}

    def finish(outputs: Mapping[str, Array]) -> Array:
        y = outputs["Y"]
        made = np.zeros((LANES, prod(shape), LANES), np.int8)
        made[: len(y)] = y[:, : prod(shape)]
        octets = made.reshape(LANES, *shape, LANES).transpose(2, 0, 1, 3, 5, 4)
        whole = np.ascontiguousarray(octets).view(x.dtype).reshape(tiles(n) * LANES, batch, tiles(r) * LANES)
        cut = whole[:n, :, :r].reshape(n, *middle, r)
        return np.ascontiguousarray(cut.transpose(0, *range(len(middle), 0, -1), len(middle) + 1))

    return Call({"R": r, "N": n, "B": batch}, dtype, inputs, finish)


TRANSPOSE = Kernel(
    "transpose",
    Contract(
        types=("i8", "f16", "f32"),
        shapes="any; the axes are reversed, as numpy's x.T; elements of one, two or four bytes",
        error="exact",
        bound=0.0,
        cycles=_cycles,
        formula="⌈B·⌈R/320⌉·⌈N/320⌉·bytes / 4⌉ · max(44, min(N, 320)) + 170 for B matrices [R, N]",
    ),
    _defines,
    _prepare,
    doc="transpose(x): x with its axes reversed.",
)


#: Slices of the table, and so of the result.
_PLANES = 20


def _gather_cycles(*, V: int, M: int, D: int, dtype: str = "i8") -> int:
    return M + 160


def _gather_defines(*, V: int, M: int, D: int, dtype: str = "i8") -> Mapping[str, int]:
    if min(V, M, D) < 1:
        raise TypeError("the dimensions of a program are 1 or more")
    planes = tiles(D) * _BYTES[dtype]
    if V > WORDS or M > WORDS or planes > _PLANES:
        widest = _PLANES // _BYTES[dtype] * LANES
        help_ = f"up to {WORDS} rows of up to {widest} elements, and {WORDS} look-ups, fit"
        raise too_large(f"gather {dtype}", f"V={V}, M={M}, D={D}", help_)
    return {"V": V, "M": M, "PLANES": planes}


def _gather(table: Any, indices: Any) -> Call:
    import numpy as np

    table, indices = np.asarray(table), np.asarray(indices)
    dtype = _TYPES.get(table.dtype.name)
    if dtype is None:
        raise TypeError(f"gather takes elements of one, two or four bytes, not {table.dtype}")
    if table.ndim < 1 or indices.dtype.name != "int32":
        raise TypeError(f"gather: rows of a table and int32 indices are wanted, not {table.shape} and {indices.dtype}")
    v, d, m = len(table), prod(table.shape[1:]), indices.size
    if m and not (int(indices.min()) >= 0 and int(indices.max()) < v):
        raise IndexError(f"gather: indices are 0 … {v - 1}, and these are {indices.min()} … {indices.max()}")
    shape, size = (*indices.shape, *table.shape[1:]), _BYTES[dtype]
    if not m * d:
        return Call(None, dtype, lambda program: {}, lambda outputs: np.zeros(shape, table.dtype))

    def inputs(program: Program) -> Mapping[str, Array]:
        wide = np.zeros((v, tiles(d) * LANES), table.dtype)
        wide[:, :d] = table.reshape(v, d)
        octets = wide.view(np.uint8).reshape(v, tiles(d), LANES, size).transpose(1, 3, 0, 2).reshape(-1, v, LANES)
        index = np.ascontiguousarray(indices.reshape(-1, 1), "<i4").view(np.uint8)
        return {"Index": index, **{f"Table{i}": np.ascontiguousarray(plane) for i, plane in enumerate(octets)}}

    def finish(outputs: Mapping[str, Array]) -> Array:
        planes = np.stack([outputs[f"Y{i}"] for i in range(tiles(d) * size)]).reshape(tiles(d), size, m, LANES)
        whole = np.ascontiguousarray(planes.transpose(2, 0, 3, 1)).view(table.dtype).reshape(m, -1)
        return np.ascontiguousarray(whole[:, :d]).reshape(shape)

    return Call({"V": v, "M": m, "D": d}, dtype, inputs, finish)


GATHER = Kernel(
    "gather",
    Contract(
        types=("i8", "f16", "f32"),
        shapes="table [V, ...] of elements of one, two or four bytes, indices int32 of any shape → [indices..., ...]",
        error="exact",
        bound=0.0,
        cycles=_gather_cycles,
        formula="M + 160 for M indices",
    ),
    _gather_defines,
    _gather,
    doc="gather(table, indices): table[indices], rows looked up by int32 indices from 0 on.",
)
