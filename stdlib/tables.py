"""Rows of a large table: embedding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lpuasm.stdlib.kernel import Call, Contract, Kernel, too_large
from lpuasm.stdlib.moves import BYTES, type_of_size
from lpuasm.stdlib.products import LANES, WORDS, tiles
from lpuasm.stdlib.refusals import wrong_dimension, wrong_index, wrong_type, wrong_value

if TYPE_CHECKING:
    from lpuasm.isa.program import Program
    from lpuasm.stdlib.kernel import Array

#: Slices that the tables have, and the results; ids that are looked up while the addresses of the next are made.
_TABLES, _RESULTS, _STEP = 43, 32, 128


def planes(d: int, dtype: str) -> tuple[int, int]:
    """(groups, byte planes of the last group) of a row of d elements; the others have 4."""
    groups, rest = divmod(tiles(d) * BYTES[dtype] - 1, 4)
    return groups + 1, (1, 2, 4, 4)[rest]


def _placed(parts: int, groups: int, last: int) -> bool:
    """Whether the parts find slices: the outermost four, of which three are free, hold no group with another slice."""
    row, outer = 4 * groups - 4 + last, _TABLES - _TABLES % 4
    firsts = [(row * (parts - 1) + 4 * g, 4 if g < groups - 1 else last) for g in range(groups)]
    inner = all(first >= outer or first + wide <= outer for first, wide in firsts)
    return parts * row <= (_TABLES if inner and row < _RESULTS else outer) and row <= _RESULTS


def _cycles(*, V: int, M: int, D: int, dtype: str = "f16") -> int:
    passes, groups = -(-V // (4 * WORDS)), planes(D, dtype)[0]
    return passes * (groups * M + min(M, _STEP) + 12 * -(-M // _STEP)) + 150


def _defines(*, V: int, M: int, D: int, dtype: str) -> Mapping[str, int]:
    if min(V, M, D) < 1:
        raise wrong_dimension("the dimensions of a program are 1 or more")
    groups, wide = planes(D, dtype)
    parts = -(-V // WORDS)
    # A mask for each pass, in steps that take the banks in turn.
    at_once = min(WORDS // 2, 2 * _STEP * (WORDS // 2 // (_STEP * -(-parts // 4))))
    if not _placed(parts, groups, wide) or at_once < M:
        most = max((p for p in range(parts + 1) if not p or _placed(p, groups, wide)), default=0) * WORDS
        rows = f"up to {most} rows of {D}" if most else f"rows of up to {_RESULTS // BYTES[dtype] * LANES} elements"
        raise too_large(
            f"embedding {dtype}", f"V={V}, M={M}, D={D}", f"{rows}, and {at_once or WORDS // 2} ids at once, fit"
        )
    return {"V": V, "M": M, "GROUPS": groups, "WIDE": wide}


def _prepare(ids: Any, table: Any) -> Call:
    import numpy as np

    ids, table = np.asarray(ids), np.asarray(table)
    dtype = type_of_size(table)
    if dtype is None or ids.dtype.kind not in "iu":
        wanted = "integers, and a table of elements of one, two or four bytes"
        raise wrong_type(f"embedding takes {wanted}, not {ids.dtype} and {table.dtype}")
    if table.ndim != 2:
        raise wrong_value(f"embedding: a table [V, D] is wanted, not {table.shape}")
    (v, d), m = table.shape, ids.size
    if m and not (int(ids.min()) >= 0 and int(ids.max()) < v):
        raise wrong_index(f"embedding: ids are 0 … {v - 1}, and these are {ids.min()} … {ids.max()}")
    shape = (*ids.shape, d)
    if not m * d:
        return Call(None, dtype, lambda program: {}, lambda outputs: np.zeros(shape, table.dtype))
    groups, last = planes(d, dtype)
    t, size, wide = tiles(d), BYTES[dtype], [4] * (groups - 1) + [last]
    word = {1: np.uint8, 2: np.int16, 4: np.int32}

    def inputs(program: Program) -> Mapping[str, Array]:
        padded = np.zeros((v, t * LANES), table.dtype)
        padded[:, :d] = table
        octets = np.zeros((v, sum(wide), LANES), np.uint8)
        octets[:, : t * size] = padded.view(np.uint8).reshape(v, t, LANES, size).swapaxes(2, 3).reshape(v, -1, LANES)
        lanes = (octets[:, 4 * g : 4 * g + w].swapaxes(1, 2) for g, w in enumerate(wide))
        words = [np.ascontiguousarray(o).view(word[w])[..., 0] for o, w in zip(lanes, wide, strict=True)]
        found: dict[str, Array] = {"Index": ids.reshape(-1, 1).astype(np.int32)}
        for p in range(-(-v // WORDS)):
            found |= {f"Table_{p}_{g}": words[g][p * WORDS : (p + 1) * WORDS] for g in range(groups)}
        return found

    def finish(outputs: Mapping[str, Array]) -> Array:
        words = (outputs[f"Y_{g}"].view(np.uint8).reshape(m, LANES, w) for g, w in enumerate(wide))
        octets = np.concatenate([group.swapaxes(1, 2) for group in words], 1)
        lanes = octets[:, : t * size].reshape(m, t, size, LANES).swapaxes(2, 3)
        return np.ascontiguousarray(np.ascontiguousarray(lanes).view(table.dtype).reshape(m, -1)[:, :d]).reshape(shape)

    return Call({"V": v, "M": m, "D": d}, dtype, inputs, finish)


EMBEDDING = Kernel(
    "embedding",
    Contract(
        types=("f16", "f32", "i8"),
        shapes="ids, integers of any shape, table [V, D] of elements of one, two or four bytes → [ids..., D]; "
        "byte planes of a row (3 count as 4), times parts of 8192 rows, are at most 43",
        error="exact",
        bound=0.0,
        cycles=_cycles,
        formula="⌈V / 32768⌉ · (G·M + min(M, 128) + 12·⌈M / 128⌉) + 150 for M ids, G = ⌈⌈D / 320⌉ · bytes / 4⌉",
    ),
    _defines,
    _prepare,
    doc="embedding(ids, table): table[ids]; ids come first, as in torch.nn.functional.embedding(input, weight).",
)
