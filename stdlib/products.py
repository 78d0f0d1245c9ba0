"""Matrix products: matmul."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from math import gcd, prod
from typing import TYPE_CHECKING, Any

from lpuasm.stdlib.kernel import Call, Contract, Kernel, largest, too_large
from lpuasm.stdlib.refusals import wrong_dimension, wrong_type, wrong_value

if TYPE_CHECKING:
    from lpuasm.isa.program import Program
    from lpuasm.stdlib.kernel import Array

#: The chip that the kernels are written for: lanes of a vector, words of a slice.
LANES, WORDS = 320, 8192
_RESULT = {"i8": "int32", "f16": "float32"}


def tiles(size: int) -> int:
    """Vectors that an axis of ``size`` takes across the lanes."""
    return -(-size // LANES)


def deal(columns: int, depth: int, units: int) -> list[tuple[int, int, int, int]]:
    """(round, unit, column, depth) of each tile of weights, as `product.s` deals them to the units."""
    turn = gcd(columns, units)
    dealt = []
    for i in range(columns * depth):
        q, r = divmod(i, units)
        dealt.append((q, (r + q * turn // columns) % units, i % columns, (i // columns + i % columns) % depth))
    return dealt


def few_rows(m: int, k: int, n: int, batch: int, dtype: str, onward: int = 0, bias: int = 0) -> bool:
    """Whether the TILES form is taken: it fits, and is cheaper or alone; `product.s` decides by the same numbers.

    ``onward``: passes through the VXM behind the sums; ``bias``: whether the sums begin with one.
    """
    columns, depth, size = batch * tiles(n), tiles(k), (2 if dtype == "f16" else 1)
    rounds = -(-columns * depth * size // 4)
    words = (m + 4) * columns + m * -(-batch * depth // 4)
    cheaper = _tiles_cost(m, k, n, batch, dtype, onward, bias) < _rows_cost(m, k, n, batch, dtype, onward)
    alone = columns * depth * LANES * size > 32 * WORDS  # the other form has no room
    return (cheaper or alone) and words <= WORDS and 20 * rounds <= WORDS


def _stream(m: int, dtype: str) -> int:
    """Cycles that the planes compute on a tile in the ROWS form."""
    return -(-m // 4) * (4 if dtype == "f16" else 1)


def _wide(k: int, n: int, batch: int, dtype: str) -> bool:
    """Whether the weights take more than 16 slices."""
    return batch * tiles(n) * tiles(k) * LANES * (2 if dtype == "f16" else 1) > 16 * WORDS


def paired(m: int, k: int, n: int, dtype: str, onward: int) -> bool:
    """Whether the weights of the ROWS form lie in two groups of slices in turn, one read for each hemisphere."""
    return dtype == "i8" and onward > 0 and _stream(m, dtype) < 40 and 20 * -(-tiles(n) * tiles(k) // 2) <= WORDS


def copied(m: int, k: int, n: int, batch: int, dtype: str, onward: int = 0) -> bool:
    """Whether the VXM copies the weights of the ROWS form to both hemispheres."""
    half = dtype == "f16"
    if paired(m, k, n, dtype, onward):
        return False
    room = onward < 2 and batch * 4 * -(-m // 4) * tiles(n) <= 4 * WORDS
    few = _stream(m, dtype) < min(84 if half else 40, 28 * tiles(k))
    return (room or not _wide(k, n, batch, dtype)) and (onward <= half or few)


def _rows_cost(m: int, k: int, n: int, batch: int, dtype: str, onward: int) -> int:
    columns, stream, copies = batch * tiles(n), _stream(m, dtype), copied(m, k, n, batch, dtype, onward)
    load = (80 if dtype == "f16" else 40) // (1 + (copies or paired(m, k, n, dtype, onward)))
    shared = copies and onward > (dtype == "f16")
    return columns * tiles(k) * max(load, stream) + shared * columns * (stream + 20) + 8


def _tiles_cost(m: int, k: int, n: int, batch: int, dtype: str, onward: int, bias: int) -> int:
    half = dtype == "f16"
    units, columns, depth = (2 if half else 4), batch * tiles(n), tiles(k)
    busy, items, rounds = (2 * m if half else m), columns * depth, -(-columns * depth // units)
    turns = busy * -(-items // min(units, max(batch, depth)))
    work = rounds * (20 + 2 * busy) if busy < 20 else max(40 * rounds, turns)
    work += bias * columns * (1 if busy < 20 else 2) * m
    passes = (columns if depth > 1 or (half and batch > 1) else half * min(columns, 3)) + onward * columns
    hidden = work // (2 * depth) if busy < 20 and depth > 1 and not onward else 0
    return work + max(0, passes * m - hidden) + 40 * (onward > half)


def product_cycles(m: int, k: int, n: int, batch: int, dtype: str, onward: int = 0, bias: int = 0) -> int:
    """The most cycles that the products of `product.s` take, and in the TILES form what follows them."""
    if few_rows(m, k, n, batch, dtype, onward, bias):
        return _tiles_cost(m, k, n, batch, dtype, onward, bias) * 5 // 4 + 200
    half, columns, stream = dtype == "f16", batch * tiles(n), _stream(m, dtype)
    copies = copied(m, k, n, batch, dtype, onward)
    pairs = paired(m, k, n, dtype, onward)
    load = 28 if pairs else (40 if half else 20) if copies else (84 if half else 48)
    # Rows of the next tile meet the bank of the last rows written, where runs of them do not come out even.
    uneven = 2 * (stream % (8 if half else 4) > 0)
    west = 64 * (not copies and not pairs and _wide(k, n, batch, dtype))
    shared = copies and onward > half
    return columns * tiles(k) * (max(load, stream + uneven) + west) + shared * columns * (stream + 60) + 200


def _cycles(*, M: int, K: int, N: int, B: int = 1, dtype: str = "i8") -> int:
    return product_cycles(M, K, N, B, dtype)


def fits(m: int, k: int, n: int, batch: int, dtype: str, onward: int = 0, bias: int = 0) -> bool:
    """Whether the operands and the product fit the slices that `product.s` gives them."""
    size, columns, depth = (2 if dtype == "f16" else 1), batch * tiles(n), tiles(k)
    if few_rows(m, k, n, batch, dtype, onward, bias):
        return True
    padded = 4 * -(-m // 4)
    return (
        batch * padded * depth * size <= 24 * WORDS
        and columns * depth * LANES * size <= 32 * WORDS
        and batch * padded * tiles(n) <= 8 * WORDS
    )


def _defines(*, M: int, K: int, N: int, B: int = 1, dtype: str = "i8") -> Mapping[str, int]:
    if min(M, K, N, B) < 1:
        raise wrong_dimension("the dimensions of a program are 1 or more")
    if not fits(M, K, N, B, dtype):
        best = largest(lambda m: fits(m, K, N, B, dtype), M)
        wide = largest(lambda n: fits(M, K, n, B, dtype), N)
        ways = [f"M up to {best} with these K and N"] * (best > 0) + [f"N up to {wide} with these M and K"] * (wide > 0)
        help_ = f"what fits: {', or '.join(ways)}" if ways else "cut K: the sums of the pieces can be added"
        raise too_large(f"matmul {dtype}", f"M={M}, K={K}, N={N}" + f", B={B}" * (B > 1), help_)
    return {"M": M, "K": K, "N": N, "B": B, "F16": int(dtype == "f16")}


def _prepare(a: Any, b: Any) -> Call:
    import numpy as np

    a, b = np.asarray(a), np.asarray(b)
    dtype = product_type("matmul", a, b)
    if a.ndim < 1 or b.ndim < 1:
        raise wrong_value("matmul: an operand is a number; it takes arrays of one axis or more")
    left, right = a.ndim == 1, b.ndim == 1
    x, w = (a[None, :] if left else a), (b[:, None] if right else b)
    if x.shape[-1] != w.shape[-2]:
        raise wrong_value(f"matmul: {x.shape[-1]} columns of the first operand meet {w.shape[-2]} rows of the second")
    if w.ndim == 2:
        batch, shape = 1, (*x.shape[:-1], w.shape[-1])
        x3, w3 = x.reshape(1, prod(x.shape[:-1]), x.shape[-1]), w[None]
    else:
        lead = np.broadcast_shapes(x.shape[:-2], w.shape[:-2])
        batch, shape = prod(lead), (*lead, x.shape[-2], w.shape[-1])
        x3 = np.broadcast_to(x, (*lead, *x.shape[-2:])).reshape(batch, *x.shape[-2:])
        w3 = np.broadcast_to(w, (*lead, *w.shape[-2:])).reshape(batch, *w.shape[-2:])
    m, k, n = x3.shape[1], x3.shape[2], w3.shape[2]
    out = shape[:-2] if left and right else (*shape[:-2], shape[-1]) if left else shape[:-1] if right else shape

    def finish(outputs: Mapping[str, Array]) -> Array:
        if not outputs:
            return np.zeros(out, _RESULT[dtype])
        return unpack_c(outputs["C"], batch, m, n).reshape(out)

    if not batch * m * k * n:
        return Call(None, dtype, lambda program: {}, finish)
    ready = partial(inputs, x3, w3)
    return Call({"M": m, "K": k, "N": n, "B": batch}, dtype, ready, finish)


def product_type(kernel: str, a: Array, b: Array) -> str:
    """The type of a product's operands, by lpuasm's name; refused where it takes no such pair."""
    for dtype, name in (("i8", "int8"), ("f16", "float16")):
        if a.dtype.name == b.dtype.name == name:
            return dtype
    raise wrong_type(f"{kernel} takes two arrays of int8 or two of float16, not {a.dtype} and {b.dtype}")


def inputs(x: Array, w: Array, program: Program) -> Mapping[str, Array]:
    """x [B, M, K] and w [B, K, N] as the program's A and W."""
    if program.defines["TILES"]:
        return {"A": _tiled_rows(x), "W": _dealt(w, 4 if x.dtype.itemsize == 1 else 2)}
    layout = program.tensor["W"].layout
    if layout and len(layout.shape) == 5:
        return {"A": _padded_rows(x), "W": _paired(w[0])}
    return {"A": _padded_rows(x), "W": _transposed(w)}


def _padded_rows(x: Array) -> Array:
    import numpy as np

    batch, m, k = x.shape
    if batch == 1:
        return np.asarray(x[0])
    padded = np.zeros((batch, 4 * -(-m // 4), k), x.dtype)
    padded[:, :m] = x
    return padded.reshape(-1, k)


def _transposed(w: Array) -> Array:
    import numpy as np

    batch, k, n = w.shape
    if batch == 1:
        return np.ascontiguousarray(w[0].T)
    padded = np.zeros((batch, tiles(n) * LANES, k), w.dtype)
    padded[:, :n] = w.transpose(0, 2, 1)
    return padded.reshape(-1, k)


def _tiled_rows(x: Array) -> Array:
    import numpy as np

    batch, m, k = x.shape
    wide = np.zeros((batch, m, tiles(k) * LANES), x.dtype)
    wide[:, :, :k] = x
    lined = wide.reshape(batch, m, tiles(k), LANES).transpose(1, 0, 2, 3).reshape(m, batch * tiles(k), LANES)
    padded = np.zeros((m, 4 * -(-lined.shape[1] // 4), LANES), x.dtype)
    padded[:, : lined.shape[1]] = lined
    return padded


def _dealt(w: Array, units: int) -> Array:
    import numpy as np

    batch, k, n = w.shape
    down, across = tiles(n), tiles(k)
    wide = np.zeros((batch, down * LANES, across * LANES), w.dtype)
    wide[:, :n, :k] = w.transpose(0, 2, 1)
    tiled = wide.reshape(batch, down, 20, 16, across, LANES)
    packed = np.zeros((-(-batch * down * across // units), 20, units, 16, LANES), w.dtype)
    for q, u, column, depth in deal(batch * down, across, units):
        packed[q, :, u] = tiled[column % batch, column // batch, :, :, depth]
    return packed


def _paired(w: Array) -> Array:
    import numpy as np

    k, n = w.shape
    down, across = tiles(n), tiles(k)
    wide = np.zeros((down * LANES, across * LANES), w.dtype)
    wide[:n, :k] = w.T
    items = wide.reshape(down, 20, 16, across, LANES).transpose(0, 3, 1, 2, 4).reshape(-1, 20, 16, LANES)
    packed = np.zeros((-(-len(items) // 2), 20, 2, 16, LANES), w.dtype)
    packed[:, :, 0], packed[: len(items) // 2, :, 1] = items[::2], items[1::2]
    return packed


def unpack_c(c: Array, batch: int, m: int, n: int) -> Array:
    """The product [batch, m, n] from the program's C, of either form."""
    import numpy as np

    if c.ndim == 3:
        lined = c[:, : batch * tiles(n)].reshape(m, tiles(n), batch, LANES).transpose(2, 0, 1, 3)
        return np.asarray(lined.reshape(batch, m, tiles(n) * LANES)[:, :, :n])
    if batch == 1:
        return c[None]
    return np.asarray(c.reshape(batch, -1, n)[:, :m])


MATMUL = Kernel(
    "matmul",
    Contract(
        types=("i8", "f16"),
        shapes="a [..., M, K] · b [K, N] or [..., K, N] → [..., M, N]; i8 → i32, f16 → f32; b may be packed",
        error="i8: exact, modulo 2³². f16: at most 2·⌈K/320⌉ · 2⁻²³ · Σ|a·b|, from rounding the sums of half tiles",
        bound=None,
        cycles=_cycles,
        formula="many rows: B·⌈K/320⌉·⌈N/320⌉ · max(20, S + u) + 200, S = ⌈M/4⌉, u = 2 or, if 4 divides S, 0; f16: "
        "max(40, S + u), S = 4⌈M/4⌉, 8 for 4; with weights of more than 16 slices and B·4⌈M/4⌉·⌈N/320⌉ > "
        "32768 48 (f16: 84) for 20 (40), and 64 a tile besides. Few rows: 1.25·cost + 200, with items = "
        "B·⌈K/320⌉·⌈N/320⌉, units = 4 (f16: 2), busy = M (f16: 2M), cost = (busy < 20 ? ⌈items / units⌉·(20 +"
        " 2·busy) : max(40·⌈items / units⌉, busy·⌈items / min(units, max(B, ⌈K/320⌉))⌉)) + M·sums, sums = "
        "B·⌈N/320⌉ or, if K ≤ 320, 0 for i8, at most 3 for f16 and "
        "B = 1; of M·sums, where busy < 20, K > 320 and no pass follows, half of the first term / ⌈K/320⌉ is off",
    ),
    _defines,
    _prepare,
    doc="matmul(a, b): [..., M, K] · [K, N] or [..., K, N]; int8 gives int32, float16 gives float32.",
)
