"""matmul_w4: a product with weights of four bits, which the chip makes into f16."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Any

from lpuasm.stdlib.kernel import Call, Contract, Kernel, largest, too_large
from lpuasm.stdlib.products import LANES, WORDS, tiles
from lpuasm.stdlib.refusals import wrong_dimension, wrong_type, wrong_value

if TYPE_CHECKING:
    from lpuasm.isa.program import Program
    from lpuasm.stdlib.kernel import Array


def _padded(m: int) -> int:
    return 4 * -(-m // 4)


def _few_cycles(m: int, k: int, n: int, g: int) -> int:
    """The most cycles without making f16 of the weights."""
    across, down, segments = tiles(n), -(-tiles(k) // 2), LANES // g
    tile, end = (21, 6) if g > 16 else (23, 16)
    return down * across * max(tile, m * segments + 2) + m * (down * segments + end * across) + 320


def _few(m: int, k: int, n: int, g: int) -> bool:
    """Whether it takes less to multiply 4-bit numbers and to scale sums, and its tensors fit."""
    across, down, segments = tiles(n), -(-tiles(k) // 2), LANES // g
    fits = down * across * 20 <= WORDS - 20 and m * (segments * (across // 2 + down + 1) + across) <= WORDS // 2
    return k > LANES and fits and _few_cycles(m, k, n, g) < _many_cycles(m, k, n)


def _cycles(*, M: int, K: int, N: int, G: int = 32, dtype: str = "f16") -> int:
    return _few_cycles(M, K, N, G) if _few(M, K, N, G) else _many_cycles(M, K, N)


def _many_cycles(m: int, k: int, n: int) -> int:
    halves, streamed = -(-k // 160), max(20, _padded(m) // 2)
    whole, rest = divmod(halves, 2)
    return tiles(n) * (whole * max(90, 2 * streamed) + rest * max(90, streamed)) * 51 // 50 + 360


def _fits(m: int, k: int, n: int) -> bool:
    rows = _padded(m) * tiles(k)
    slices = 7 if rows <= 2 * WORDS else 3
    return rows <= 4 * WORDS and _padded(m) * tiles(n) <= 4 * WORDS and 80 * tiles(k) * tiles(n) <= slices * WORDS


def _defines(*, M: int, K: int, N: int, G: int = 32, dtype: str = "f16") -> Mapping[str, int]:
    if min(M, K, N) < 1:
        raise wrong_dimension("the dimensions of a program are 1 or more")
    if G not in (16, 32):
        raise wrong_dimension("scales are of 16 or of 32 lanes, so G is one of these")
    if _few(M, K, N, G):
        return {"M": M, "K": K, "N": N, "G": G, "FEW": 1}
    if not _fits(M, K, N):
        rows, columns = largest(lambda m: _fits(m, K, N), M), largest(lambda n: _fits(M, K, n), N)
        ways = [f"M up to {rows}"] * (rows > 0) + [f"N up to {columns}"] * (columns > 0)
        help_ = f"what fits: {', or '.join(ways)}" if ways else "cut K: the sums of the pieces can be added"
        raise too_large(f"matmul_w4 {dtype}", f"M={M}, K={K}, N={N}", help_)
    return {"M": M, "K": K, "N": N}


def _prepare(a: Any, b4: Any, scales: Any, group: int = 32) -> Call:
    import numpy as np

    a, b4, scales = np.asarray(a), np.asarray(b4), np.asarray(scales)
    if a.dtype != np.float16 or b4.dtype not in (np.uint8, np.int8) or scales.dtype != np.float16:
        given = f"{a.dtype}, {b4.dtype}, {scales.dtype}"
        raise wrong_type(f"matmul_w4 takes float16, bytes (uint8 or int8) and float16 scales, not {given}")
    if a.ndim < 1 or b4.ndim != 2 or a.shape[-1] != 2 * len(b4):
        raise wrong_value(f"matmul_w4: a [..., M, K] and b4 [K/2, N] are wanted, not {a.shape} and {b4.shape}")
    k, n = a.shape[-1], b4.shape[1]
    if group < 1 or group % 16 or k % group:
        raise wrong_value(f"matmul_w4: groups are multiples of 16 that divide K, and this is {group} of {k}")
    if scales.shape != (k // group, n):
        raise wrong_value(f"matmul_w4: scales {(k // group, n)} are wanted, not {scales.shape}")
    rows = a.reshape(prod(a.shape[:-1]), k)
    shape, lanes = (*a.shape[:-1], n), 16 if group % 32 else 32
    if not len(rows) * k * n:
        return Call(None, "f16", lambda program: {}, lambda outputs: np.zeros(shape, np.float32))

    def inputs(program: Program) -> Mapping[str, Array]:
        if _few(len(rows), k, n, lanes):
            return {"A": rows, **_numbers(b4, scales, group, lanes)}
        low, high = packed(b4)
        one, two = spread(scales, k, group)
        return {"A": rows, "X": low, "Y": high, "SX": one, "SY": two}

    def finish(outputs: Mapping[str, Array]) -> Array:
        return np.asarray(outputs["C"].reshape(shape))

    return Call({"M": len(rows), "K": k, "N": n, "G": lanes}, "f16", inputs, finish)


def packed(b4: Array) -> tuple[Array, Array]:
    """X and Y of weights [K/2, N]: K across the lanes; bytes of the rows 4 t and 4 t + 1, and of the two after them."""
    import numpy as np

    k, n = 2 * len(b4), b4.shape[1]
    bits = np.zeros((tiles(n) * LANES, tiles(k) * LANES), np.uint8)
    octets = b4.view(np.uint8).T
    bits[:n, 0:k:2], bits[:n, 1:k:2] = octets & 15, octets >> 4
    rows = bits.reshape(tiles(n), LANES // 4, 4, tiles(k), LANES).transpose(2, 0, 3, 1, 4).reshape(4, -1, LANES)
    return (rows[0] | rows[1] << 4).view(np.int8), (rows[2] | rows[3] << 4).view(np.int8)


def _numbers(b4: Array, scales: Array, group: int, g: int) -> dict[str, Array]:
    """What `matmul_w4_few.s` takes: tile (n, k) of weights and scales in hemisphere k mod 2."""
    import numpy as np

    k, n = 2 * len(b4), b4.shape[1]
    bits = np.full((tiles(n) * LANES, tiles(k) * LANES), 8, np.uint8)
    octets = b4.view(np.uint8).T ^ 0x88  # numbers from -8 on
    bits[:n, 0:k:2], bits[:n, 1:k:2] = octets & 15, octets >> 4
    cut = bits.reshape(tiles(n), 20, 2, 2, 4, tiles(k), LANES).transpose(2, 3, 5, 0, 1, 4, 6)
    both = (cut[:, 0] | cut[:, 1] << 4).view(np.int8)  # [XA or XB, k, n, group, row, lane]
    wide = np.zeros((tiles(k) * LANES // g, tiles(n) * LANES), np.float16)
    wide[: k // g, :n] = np.repeat(scales, group // g, 0)
    found = {}
    for side, h in enumerate("ew"):
        for name, one in zip(("XA", "XB"), both, strict=True):
            found[f"{name}_{h}"] = np.ascontiguousarray(one[side::2].swapaxes(0, 1)).reshape(-1, LANES)
        mine = wide.reshape(tiles(k), LANES // g, tiles(n), LANES)[side::2]
        found[f"S_{h}"] = np.ascontiguousarray(mine.transpose(2, 0, 1, 3)).reshape(-1, LANES)
    return found


def spread(scales: Array, k: int, group: int) -> tuple[Array, Array]:
    """SX and SY of scales [K/group, N]: a vector for 16 rows, four apart, row i in lane i of each superlane."""
    import numpy as np

    n = scales.shape[1]
    wide = np.zeros((tiles(k) * LANES // 16, tiles(n) * LANES), np.float16)
    wide[: k // 16, :n] = np.repeat(scales, group // 16, 0)
    cut = wide.reshape(tiles(k), LANES // 16, tiles(n), LANES // 64, 16, 2, 2)
    both = cut.transpose(5, 2, 0, 3, 6, 1, 4).reshape(2, -1, LANES)
    return both[0], both[1]


MATMUL_W4 = Kernel(
    "matmul_w4",
    Contract(
        types=("f16",),
        shapes="a [..., M, K] f16 · b4 [K/2, N] bytes, scales [K/group, N] f16, groups of 16, 32, … → [..., M, N] f32",
        error="weights are f16(w · scale), rounded once; of these, (⌈K/160⌉ + 1) · 2⁻²⁴ · Σ|a·w|. Of exact weights, "
        "2⁻¹¹ · Σ|a·w·scale| and 2⁻²⁵ · Σ|a| more. Few rows: of exact weights, (⌈K/640⌉ + 10) · 2⁻²³ · "
        "Σ|a·scale|·(|w| + 8), where a is finite",
        bound=None,
        cycles=_cycles,
        formula="1.02 · ⌈N/320⌉ · (⌊K'/2⌋ · max(90, 2·busy) + (K' mod 2) · max(90, busy)) + 360, "
        "K' = ⌈K/160⌉, busy = max(20, 2·⌈M/4⌉); few rows, where that is less, K is above 320 and it fits: with "
        "s = 320 / G, c = ⌈K/640⌉, t = ⌈N/320⌉: c · t · max(u, s · M + 2) + M · (c · s + v · t) + 320, u = 21 and "
        "v = 6 for G = 32, u = 23 and v = 16 for G = 16, which groups take that are no multiple of 32",
    ),
    _defines,
    _prepare,
    doc="matmul_w4(a, b4, scales, group=32): [..., M, K] f16 · 4-bit weights, two along K a byte, low nibble first.",
)
