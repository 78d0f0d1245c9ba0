"""Rows of a large table: embedding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lpuasm.stdlib.kernel import Call, Contract, Kernel, too_large
from lpuasm.stdlib.products import LANES, WORDS, tiles
from lpuasm.stdlib.refusals import wrong_dimension, wrong_index, wrong_type, wrong_value

if TYPE_CHECKING:
    from lpuasm.isa.program import Program
    from lpuasm.stdlib.kernel import Array

_TYPES = {"float16": "f16", "float32": "f32", "int8": "i8"}
_BYTES = {"i8": 1, "f16": 2, "f32": 4}
#: Slices that the tables have, and the results; ids that are looked up while the addresses of the next are made.
_TABLES, _RESULTS, _STEP = 43, 32, 128


def planes(d: int, dtype: str) -> tuple[int, int]:
    """(groups, byte planes of a group) of a row of d elements."""
    count = tiles(d) * _BYTES[dtype]
    wide = min(count, 4)
    return -(-count // wide), 4 if wide == 3 else wide


def _cycles(*, V: int, M: int, D: int, dtype: str = "f16") -> int:
    passes, groups = -(-V // (4 * WORDS)), planes(D, dtype)[0]
    return passes * (groups * M + min(M, _STEP) + 8 * -(-M // _STEP)) + 150


def _defines(*, V: int, M: int, D: int, dtype: str) -> Mapping[str, int]:
    if min(V, M, D) < 1:
        raise wrong_dimension("the dimensions of a program are 1 or more")
    groups, wide = planes(D, dtype)
    parts = -(-V // WORDS)
    if parts * groups * wide > _TABLES or groups * wide > _RESULTS or M > WORDS // 2:
        most = min(_TABLES // (groups * wide), parts) * WORDS if groups * wide <= _RESULTS else 0
        rows = f"up to {most} rows of {D}" if most else f"rows of up to {_RESULTS // _BYTES[dtype] * LANES} elements"
        raise too_large(f"embedding {dtype}", f"V={V}, M={M}, D={D}", f"{rows}, and {WORDS // 2} ids at once, fit")
    return {"V": V, "M": M, "GROUPS": groups, "WIDE": wide}


def _prepare(ids: Any, table: Any) -> Call:
    import numpy as np

    ids, table = np.asarray(ids), np.asarray(table)
    dtype = _TYPES.get(table.dtype.name)
    if dtype is None or ids.dtype.kind not in "iu":
        raise wrong_type(f"embedding takes integers, and a table of f16, f32 or i8, not {ids.dtype} and {table.dtype}")
    if table.ndim != 2:
        raise wrong_value(f"embedding: a table [V, D] is wanted, not {table.shape}")
    (v, d), m = table.shape, ids.size
    if m and not (int(ids.min()) >= 0 and int(ids.max()) < v):
        raise wrong_index(f"embedding: ids are 0 … {v - 1}, and these are {ids.min()} … {ids.max()}")
    shape = (*ids.shape, d)
    if not m * d:
        return Call(None, dtype, lambda program: {}, lambda outputs: np.zeros(shape, table.dtype))
    groups, wide = planes(d, dtype)
    t, size = tiles(d), _BYTES[dtype]
    word = np.dtype({1: np.uint8, 2: np.int16, 4: np.int32}[wide])

    def inputs(program: Program) -> Mapping[str, Array]:
        padded = np.zeros((v, t * LANES), table.dtype)
        padded[:, :d] = table
        octets = np.zeros((v, groups * wide, LANES), np.uint8)
        octets[:, : t * size] = padded.view(np.uint8).reshape(v, t, LANES, size).swapaxes(2, 3).reshape(v, -1, LANES)
        lanes = octets.reshape(v, groups, wide, LANES).transpose(1, 0, 3, 2)
        words = np.ascontiguousarray(lanes).view(word).reshape(groups, v, LANES)
        found: dict[str, Array] = {"Index": ids.reshape(-1, 1).astype(np.int32)}
        for p in range(-(-v // WORDS)):
            found |= {f"Table_{p}_{g}": words[g, p * WORDS : (p + 1) * WORDS] for g in range(groups)}
        return found

    def finish(outputs: Mapping[str, Array]) -> Array:
        words = np.stack([outputs[f"Y_{g}"] for g in range(groups)]).astype(word, copy=False)
        octets = words.view(np.uint8).reshape(groups, m, LANES, wide).transpose(1, 0, 3, 2).reshape(m, -1, LANES)
        lanes = octets[:, : t * size].reshape(m, t, size, LANES).swapaxes(2, 3)
        return np.ascontiguousarray(np.ascontiguousarray(lanes).view(table.dtype).reshape(m, -1)[:, :d]).reshape(shape)

    return Call({"V": v, "M": m, "D": d}, dtype, inputs, finish)


EMBEDDING = Kernel(
    "embedding",
    Contract(
        types=("f16", "f32", "i8"),
        shapes="ids, integers of any shape, table [V, D] → [ids..., D]; byte planes of a row, in groups of four, times "
        "parts of 8192 rows are at most 43",
        error="exact",
        bound=0.0,
        cycles=_cycles,
        formula="⌈V / 32768⌉ · (G·M + min(M, 128) + 8·⌈M / 128⌉) + 150 for M ids, G = ⌈⌈D / 320⌉ · bytes / 4⌉",
    ),
    _defines,
    _prepare,
    doc="embedding(ids, table): table[ids]; ids come first, as in torch.nn.functional.embedding(input, weight).",
)
