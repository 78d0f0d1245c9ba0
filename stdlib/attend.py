"""Attention: softmax(q · kᵀ · scale + mask) · v, head by head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from lpuasm.stdlib.kernel import Call, Contract, Kernel, largest, too_large
from lpuasm.stdlib.products import LANES, WORDS
from lpuasm.stdlib.refusals import wrong_dimension, wrong_type, wrong_value

if TYPE_CHECKING:
    from lpuasm.isa.program import Program
    from lpuasm.stdlib.kernel import Array

#: Columns of a head at most: the lanes of half a vector, which is what the planes multiply f16 by at once.
WIDEST = LANES // 2
_ERROR = (
    "(3 · 2⁻¹¹ + 2⁻¹³ + Skv · 2⁻²⁴ + 2⁻²⁰ · max|score|) · max|v| + 2⁻²⁵ at most, for finite operands; each max is over "
    "what the row sees; a row that sees no key is NaN, as numpy has it"
)


def error_bound(keys: int, score: float, value: float) -> float:
    """How far a result may be from the exact one: ``score`` and ``value`` are the largest magnitudes.

    Weights below 1 are f16: 2⁻¹¹ of each, or 2⁻²⁵ of the smallest; that is in the products and in their sum. The result
    is rounded to f16 (2⁻¹¹), and exp, sums and the division add 2⁻¹³. A score is rounded to f32 when it is made, less
    the maximum, and scaled: 2⁻²⁰ of the largest in all.
    """
    return (3 * 2.0**-11 + 2.0**-13 + keys * 2.0**-24 + score * 2.0**-20) * value + 2.0**-25


@dataclass(frozen=True)
class _Split:
    """How heads are dealt: ``per`` jobs of ``rows`` queries to a head of keys, ``east`` and ``west`` of them."""

    per: int
    rows: int
    east: int
    west: int

    @property
    def offset(self) -> int:
        """Jobs before the first one of the west that share its keys."""
        return self.east % self.per


def task_rows(keys: int) -> int:
    """The most rows that are worked on together; `attention.s` has the same number."""
    return min(LANES, 16 * max(1, (WORDS - 512) // (32 * -(-keys // (2 * LANES)))))


def split(heads: int, kv_heads: int, queries: int, keys: int) -> _Split:
    """Deals the rows of queries: those of short heads that share keys go through together, half east, half west.

    A task takes 450 cycles for its maxima, and one for each row and block.
    """
    group, most = heads // kv_heads, task_rows(keys)

    def dealt(per: int) -> _Split:
        jobs = kv_heads * per
        return _Split(per, group * queries // per, jobs - jobs // 2, jobs // 2)

    def cost(s: _Split) -> int:
        tasks = -(-s.rows // most)
        return s.east * tasks * (450 + -(-keys // LANES) * -(-s.rows // tasks))

    if queries > most:
        return dealt(group)
    return min((dealt(per) for per in range(1, group + 1) if group * queries % per == 0), key=cost)


def _fits(s: _Split, keys: int, d: int, added: int) -> bool:
    """Whether keys, values, weights and results find room beside the rest; `attention.s` places them."""
    blocks, rows = -(-keys // LANES), task_rows(keys)
    heads = -(-max(s.east, s.west + s.offset) // s.per)
    weights, results = blocks * rows // 4, s.east * -(-s.rows // 16) * 2
    return (
        80 * heads * blocks + weights + 400 <= WORDS
        and weights + 200 <= WORDS // 2
        and added + results + 600 <= WORDS
        and 2 * -(-blocks // 2) * (rows + d + 1) <= WORDS - 512
        and s.east * s.rows // 2 + 2 * -(-blocks // 2) * (d + 1) + LANES <= WORDS
    )


def _defines(
    *,
    H: int,
    Sq: int,
    Skv: int,
    D: int,
    Hkv: int | None = None,
    causal: bool = False,
    window: int | None = None,
    masked: bool = False,
    scale: float | None = None,
    dtype: str = "f16",
) -> Mapping[str, int | float]:
    kv = H if Hkv is None else Hkv
    if min(H, kv, Sq, Skv, D) < 1:
        raise wrong_dimension("the dimensions of a program are 1 or more")
    if H % kv:
        raise wrong_dimension(f"{H} heads of queries are not a multiple of {kv} heads of keys")
    wanted = f"H={H}, Hkv={kv}, Sq={Sq}, Skv={Skv}, D={D}"
    if D > WIDEST:
        raise too_large("attention", wanted, f"heads of up to {WIDEST} columns fit")
    s = split(H, kv, Sq, Skv)
    added = Sq * -(-Skv // LANES) if masked else 4 * LANES + (window or 0) if causal else 0
    if not _fits(s, Skv, D, added):
        best = largest(lambda n: _fits(split(H, kv, Sq, n), n, D, min(added, Sq * n)), Skv)
        fewer = f"up to {best} keys fit with these heads; or take fewer heads at once" if best else "take fewer heads"
        raise too_large("attention", wanted, fewer)
    return {
        "JE": s.east, "JW": s.west, "PER": s.per, "OFFW": s.offset, "R": s.rows, "SQ": Sq, "SKV": Skv, "D": D,
        "CAUSAL": int(causal), "WINDOW": window or 0, "MASKED": int(masked),
        "SCALE": float(D**-0.5 if scale is None else scale),
    }  # fmt: skip


def _visible(queries: int, keys: int, causal: bool, window: int | None) -> Array:
    """Which key each query sees: [queries, keys]; the last query is at the place of the last key."""
    import numpy as np

    behind = np.arange(queries)[:, None] + keys - queries - np.arange(keys)[None, :]
    seen = behind >= 0 if causal else np.ones_like(behind, bool)
    return seen if window is None else seen & (np.abs(behind) < window)


def _checked(q: Array, k: Array, v: Array, mask: Array | None, window: int | None) -> None:
    if any(x.dtype.name != "float16" for x in (q, k, v)):
        raise wrong_type(f"attention takes float16, not {q.dtype}, {k.dtype}, {v.dtype}")
    if any(x.ndim != 3 for x in (q, k, v)):
        raise wrong_value("attention: q is [H, Sq, D], k and v are [Hkv, Skv, D]")
    if k.shape != v.shape or q.shape[2] != k.shape[2] or (k.shape[0] and q.shape[0] % k.shape[0]):
        raise wrong_value(f"attention: q {q.shape} does not go with k {k.shape} and v {v.shape}")
    if mask is not None and (mask.shape != (q.shape[1], k.shape[1]) or mask.dtype.name not in ("float16", "float32")):
        raise wrong_value(
            f"attention: the mask is f16 or f32 [{q.shape[1]}, {k.shape[1]}], not {mask.dtype} {mask.shape}"
        )
    if window is not None and window < 1:
        raise wrong_value("attention: a window is 1 key or more")
    if q.size and not k.shape[1]:
        raise wrong_value("attention: there are no keys")


def _prepare(
    q: Any,
    k: Any,
    v: Any,
    causal: bool = False,
    mask: Any = None,
    scale: float | None = None,
    window: int | None = None,
) -> Call:
    import numpy as np

    q, k, v = np.asarray(q), np.asarray(k), np.asarray(v)
    mask = None if mask is None else np.asarray(mask)
    _checked(q, k, v, mask, window)
    (heads, queries, d), (kv, keys, _) = q.shape, k.shape
    if not q.size:
        return Call(None, "f16", lambda program: {}, lambda outputs: np.zeros(q.shape, np.float16))
    factor = float(d**-0.5 if scale is None else scale)
    if not isfinite(factor):
        raise wrong_value(f"attention: a scale of {factor} is not finite")
    if window is not None and window >= keys and (causal or window >= queries):
        window = None
    causal = causal and (queries > 1 or window is not None)
    masked = mask is not None or factor <= 0 or (window is not None and not causal)
    dims = {
        "H": heads, "Hkv": kv, "Sq": queries, "Skv": keys, "D": d, "causal": causal,
        "window": window if causal else None, "masked": masked, "scale": factor,
    }  # fmt: skip
    s = split(heads, kv, queries, keys)
    added = None
    if masked:
        base = np.float32(0) if mask is None else mask.astype(np.float32)
        added = np.full((queries, -(-keys // LANES) * LANES), -np.inf, np.float32)
        added[:, :keys] = np.where(_visible(queries, keys, causal, window), base, np.float32(-np.inf))

    def inputs(program: Program) -> Mapping[str, Array]:
        rows = q.reshape(-1, s.rows, d)
        padded = ((0, 0), (0, -keys % LANES), (0, 0))
        found: dict[str, Array] = {}
        for side, jobs in (("e", range(s.east)), ("w", range(s.east, s.east + s.west))):
            if not jobs:
                continue
            own = slice(jobs[0] // s.per, jobs[-1] // s.per + 1)
            for odd in range(2):
                found[f"Q{odd}_{side}"] = rows[jobs[0] + odd : jobs[-1] + 1 : 2]
            own_keys, own_values = np.pad(k[own], padded), np.pad(v[own], padded)
            octets = np.ascontiguousarray(own_values, "<f2").view(np.uint8).reshape(*own_values.shape, 2)
            found[f"V0_{side}"], found[f"V1_{side}"] = octets[..., 0], octets[..., 1]
            found[f"K_{side}"] = own_keys
            if added is not None:
                found[f"Mask_{side}"] = added
        wanted = {tensor.name for tensor in program.tensors}
        return {name: array for name, array in found.items() if name in wanted}

    def finish(outputs: Mapping[str, Array]) -> Array:
        sides = [outputs[f"O_{side}"][:, : s.rows] for side in "ew" if f"O_{side}" in outputs]
        return np.concatenate(sides).reshape(q.shape)

    return Call(dims, "f16", inputs, finish)


def _cycles(*, dtype: str = "f16", **dims: Any) -> int:
    """The bound of :data:`ATTENTION`'s contract."""
    p = _defines(dtype=dtype, **dims)
    keys, d, rows, jobs = int(p["SKV"]), int(p["D"]), int(p["R"]), int(p["JE"])
    blocks, steps = -(-keys // LANES), -(-keys // WIDEST)
    tasks = -(-rows // task_rows(keys))
    most = min(task_rows(keys), rows // tasks + 16)
    factor = 27 if p["MASKED"] else 12
    each = factor * blocks * (most + 32) // 10 + steps * (d + 16) + 400
    return jobs * tasks * each + 2 * blocks * (d + 60) * -(-(jobs + int(p["OFFW"])) // int(p["PER"])) + 1800


ATTENTION = Kernel(
    "attention",
    Contract(
        types=("f16",),
        shapes="q [H, Sq, D], k and v [Hkv, Skv, D], D ≤ 160, H a multiple of Hkv; the result is like q",
        error=_ERROR,
        bound=None,
        cycles=_cycles,
        formula="T · (1.2 · NB · (TR + 32) + ⌈Skv / 160⌉ · (D + 16) + 400) + 2 · NB · (D + 60) · heads of keys + 1800, "
        "with NB = ⌈Skv / 320⌉ and T tasks of TR rows on the busier hemisphere; with a mask 2.7 for 1.2",
    ),
    _defines,
    _prepare,
    doc="attention(q, k, v, causal, mask, scale, window): softmax(q · kᵀ · scale + mask) · v",
)
