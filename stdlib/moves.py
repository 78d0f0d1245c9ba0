"""Kernels that move data: transpose, gather."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Any

from lpuasm.stdlib.kernel import Call, Contract, Kernel, largest, too_large
from lpuasm.stdlib.products import LANES, WORDS, tiles
from lpuasm.stdlib.refusals import wrong_dimension, wrong_index, wrong_type

if TYPE_CHECKING:
    from lpuasm.isa.program import Program
    from lpuasm.stdlib.kernel import Array

#: Bytes of an element, by the type that stands for its size.
BYTES = {"i8": 1, "f16": 2, "f32": 4}
#: Rows that a transposer takes, and lanes of a superlane.
_GROUP = 16
#: Words of a bank.
_BANK = WORDS // 2


def type_of_size(x: Array) -> str | None:
    """The type under which elements are moved, which is by their size alone; None where they are not moved."""
    return next((t for t, size in BYTES.items() if x.dtype.kind in "iuf" and x.dtype.itemsize == size), None)


def _items(r: int, n: int, batch: int, dtype: str) -> int:
    return batch * tiles(r) * tiles(n) * BYTES[dtype]


def _few(r: int, n: int, items: int) -> bool:
    """Whether the SXM transposes the matrices, and the chip holds what it gives."""
    parts = -(-min(n, LANES) // _GROUP)
    if parts == 1:
        return r <= _GROUP and -(-items // 4) <= _BANK
    words = -(-items // 2)
    return r <= _GROUP and words <= _BANK and (WORDS // words + (_BANK - words) // words) >= parts


def _groups(r: int) -> int:
    return -(-min(r, LANES) // _GROUP)


def _beside(groups: int, columns: int) -> bool:
    """Whether loading takes so much longer than streaming that both planes of a hemisphere load at once."""
    return columns + 4 <= groups


def _planes(items: int, groups: int, columns: int) -> tuple[bool, bool]:
    """Whether the planes' way fits with X over 64 slices and Y over 16, and with X over 32 and Y over 52."""
    words = -(-items // 4) * groups
    return (
        words <= WORDS and -(-items // 16) * columns <= WORDS,
        2 * words <= WORDS and -(-items // 52) * columns <= WORDS and not _beside(groups, columns),
    )


def _cycles(*, R: int, N: int, B: int = 1, dtype: str = "i8") -> int:
    items, columns, groups = _items(R, N, B, dtype), min(N, LANES), _groups(R)
    if _few(R, N, items):
        parts = -(-columns // _GROUP)
        return -(-items // 4) + 70 if parts == 1 else -(-items // 2) * (parts + 1) + 130
    each = groups + columns + 6 if _beside(groups, columns) else max(2 * groups + 4, columns)
    return -(-items // 4) * each + 170


def _defines(*, R: int, N: int, B: int = 1, dtype: str = "i8") -> Mapping[str, int]:
    if min(R, N, B) < 1:
        raise wrong_dimension("the dimensions of a program are 1 or more")
    items, columns, groups = _items(R, N, B, dtype), min(N, LANES), _groups(R)
    if _few(R, N, items):
        return {"FEW": 1, "ITEMS": items, "PARTS": -(-columns // _GROUP)}
    if not any(_planes(items, groups, columns)):
        best = largest(lambda i: any(_planes(i, groups, columns)), items)
        help_ = (
            f"{best} tiles of {groups * _GROUP} × {columns} bytes fit, and these are {items}; transpose it in pieces"
        )
        raise too_large(f"transpose {dtype}", f"R={R}, N={N}" + f", B={B}" * (B > 1), help_)
    wide = not _planes(items, groups, columns)[0]
    beside = _beside(groups, columns)
    return {"ITEMS": items, "COLUMNS": columns, "GROUPS": groups, "BESIDE": int(beside), "WIDE": int(wide)}


def _prepare(x: Any) -> Call:
    import numpy as np

    x = np.asarray(x)
    dtype = type_of_size(x)
    if dtype is None:
        raise wrong_type(f"transpose takes elements of one, two or four bytes, not {x.dtype}")
    if x.ndim < 2 or not x.size:
        return Call(None, dtype, lambda program: {}, lambda outputs: np.copy(x.T, order="C"))
    r, *middle, n = x.shape
    batch, size, groups = prod(middle), BYTES[dtype], _groups(r)
    shape, rows = (batch, tiles(n), tiles(r), size), groups * _GROUP

    def inputs(program: Program) -> Mapping[str, Array]:
        wide = np.zeros((tiles(r) * rows, batch, tiles(n) * LANES), x.dtype)
        wide[:r, :, :n] = x.reshape(r, batch, n)
        octets = wide.view(np.int8).reshape(tiles(r), groups, _GROUP, batch, tiles(n), LANES, size)
        one_by_one = octets.transpose(3, 4, 0, 6, 1, 2, 5).reshape(-1, groups, _GROUP, LANES)
        (given,) = (t.layout for t in program.tensors if t.name == "X" and t.layout)
        units = given.shape[-3]
        packed = np.zeros((-(-len(one_by_one) // units) * units, groups, _GROUP, LANES), np.int8)
        packed[: len(one_by_one)] = one_by_one
        dealt = packed.reshape(-1, units, groups, _GROUP, LANES).transpose(0, 2, 1, 3, 4)
        return {"X": np.ascontiguousarray(dealt).reshape(given.shape)}

    def finish(outputs: Mapping[str, Array]) -> Array:
        octets = _columns(outputs, prod(shape)).reshape(LANES, *shape, LANES).transpose(2, 0, 1, 3, 5, 4)[..., :rows, :]
        whole = np.ascontiguousarray(octets).view(x.dtype).reshape(tiles(n) * LANES, batch, tiles(r) * rows)
        cut = whole[:n, :, :r].reshape(n, *middle, r)
        return np.ascontiguousarray(cut.transpose(0, *range(len(middle), 0, -1), len(middle) + 1))

    return Call({"R": r, "N": n, "B": batch}, dtype, inputs, finish)


def _columns(outputs: Mapping[str, Array], items: int) -> Array:
    """What the program gave as [320, items, 320]: the columns of each tile of bytes, zero beyond the last."""
    import numpy as np

    if "Y" in outputs and outputs["Y"].ndim == 3:
        y = outputs["Y"][:, :items]
    else:
        parts = [outputs[name] for name in ("Y0", "Y1") if name in outputs] or [outputs["Y"][None]]
        joined = np.concatenate(parts).transpose(0, 3, 1, 2, 4)
        y = joined.reshape(len(joined) * _GROUP, -1, LANES)[:, :items]
    made = np.zeros((LANES, items, LANES), np.int8)
    made[: len(y)] = y
    return made


TRANSPOSE = Kernel(
    "transpose",
    Contract(
        types=("i8", "f16", "f32"),
        shapes="any; the axes are reversed, as numpy's x.T; elements of one, two or four bytes",
        error="exact",
        bound=0.0,
        cycles=_cycles,
        formula="with i = B·⌈R/320⌉·⌈N/320⌉·bytes for B matrices [R, N], n = min(N, 320), g = ⌈min(R, 320) / 16⌉: "
        "⌈i/4⌉ · max(2g + 4, n) + 170; ⌈i/4⌉ · (g + n + 6) + 170 where n + 4 ≤ g; for R ≤ 16, where the chip holds it, "
        "⌈i/2⌉ · (⌈n/16⌉ + 1) + 130, and ⌈i/4⌉ + 70 for n ≤ 16",
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
        raise wrong_dimension("the dimensions of a program are 1 or more")
    planes = tiles(D) * BYTES[dtype]
    if V > WORDS or M > WORDS or planes > _PLANES:
        widest = _PLANES // BYTES[dtype] * LANES
        help_ = f"up to {WORDS} rows of up to {widest} elements, and {WORDS} look-ups, fit"
        raise too_large(f"gather {dtype}", f"V={V}, M={M}, D={D}", help_)
    return {"V": V, "M": M, "PLANES": planes}


def _gather(table: Any, indices: Any) -> Call:
    import numpy as np

    table, indices = np.asarray(table), np.asarray(indices)
    dtype = type_of_size(table)
    if dtype is None:
        raise wrong_type(f"gather takes elements of one, two or four bytes, not {table.dtype}")
    if table.ndim < 1 or indices.dtype.name != "int32":
        raise wrong_type(f"gather: rows of a table and int32 indices are wanted, not {table.shape} and {indices.dtype}")
    v, d, m = len(table), prod(table.shape[1:]), indices.size
    if m and not (int(indices.min()) >= 0 and int(indices.max()) < v):
        raise wrong_index(f"gather: indices are 0 … {v - 1}, and these are {indices.min()} … {indices.max()}")
    shape, size = (*indices.shape, *table.shape[1:]), BYTES[dtype]
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
