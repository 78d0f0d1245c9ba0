"""Blocks of networks, each one program: swiglu_mlp."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Any

from lpuasm.stdlib.kernel import Call, Contract, Kernel, largest, too_large
from lpuasm.stdlib.packing import cut, dealt
from lpuasm.stdlib.products import LANES, WORDS, tiles
from lpuasm.stdlib.refusals import wrong_dimension, wrong_type, wrong_value

if TYPE_CHECKING:
    from lpuasm.isa.program import Program
    from lpuasm.stdlib.kernel import Array

#: Words of a slice that a tile of f16 weights takes, over 16 slices.
TILE_WORDS = LANES // 8
#: Cycles after which a sum can be added to again: what a short product of few rows takes.
TURN = 26


def halves(size: int) -> int:
    """Products of a row with half a vector of weights that a contraction over ``size`` takes."""
    return -(-size // (LANES // 2))


def _mlp_fits(s: int, k: int, n: int, o: int) -> bool:
    tk, tn, to = tiles(k), tiles(n), tiles(o)
    return s <= WORDS // 2 and s * max(2 * tk, tn, to) <= WORDS and (tn * tk + (to * tn + 1) // 2) * TILE_WORDS <= WORDS


def _mlp_defines(*, S: int, K: int, N: int, O: int, dtype: str = "f16") -> Mapping[str, int]:  # noqa: E741
    if min(S, K, N, O) < 1:
        raise wrong_dimension("the dimensions of a program are 1 or more")
    if not _mlp_fits(S, K, N, O):
        best = largest(lambda s: _mlp_fits(s, K, N, O), S)
        help_ = f"up to {best} rows fit with these weights" if best else "the weights alone do not fit: cut N in two"
        raise too_large("swiglu_mlp", f"S={S}, K={K}, N={N}, O={O}", help_)
    return {"S": S, "K": K, "N": N, "O": O}


def _mlp_cycles(*, S: int, K: int, N: int, O: int, dtype: str = "f16") -> int:  # noqa: E741
    steps = tiles(N) * halves(K) + -(-tiles(O) * halves(N) // 2) + 1
    return steps * max(S + 2, TURN) + 3 * S + 400


def _mlp(x: Any, w_gate: Any, w_up: Any, w_down: Any) -> Call:
    import numpy as np

    x, gate, up, down = (np.asarray(a) for a in (x, w_gate, w_up, w_down))
    if any(a.dtype != np.float16 for a in (x, gate, up, down)):
        raise wrong_type(f"swiglu_mlp takes float16, not {x.dtype} and weights {gate.dtype}, {up.dtype}, {down.dtype}")
    if gate.ndim != 2 or gate.shape != up.shape or down.ndim != 2 or down.shape[1] != len(gate):
        raise wrong_value(
            f"swiglu_mlp: weights [N, K] twice and [O, N] are wanted, not {gate.shape}, {up.shape}, {down.shape}"
        )
    if x.ndim < 1 or x.shape[-1] != gate.shape[1]:
        raise wrong_value(f"swiglu_mlp: x [..., {gate.shape[1]}] is wanted, not {x.shape}")
    (n, k), o, s = gate.shape, len(down), prod(x.shape[:-1])
    shape = (*x.shape[:-1], o)
    if not s * k * n * o:
        return Call(None, "f16", lambda program: {}, lambda outputs: np.zeros(shape, np.float16))

    def inputs(program: Program) -> Mapping[str, Array]:
        east, west = dealt(cut(down))
        gates, ups = (cut(w).reshape(-1, LANES) for w in (gate, up))
        found = {"X": x.reshape(s, k), "Gate_e": gates, "Up_w": ups, "Down_e": east}
        return {**found, "Down_w": west} if len(west) else found

    return Call({"S": s, "K": k, "N": n, "O": o}, "f16", inputs, lambda outputs: outputs["Y"].reshape(shape))


SWIGLU_MLP = Kernel(
    "swiglu_mlp",
    Contract(
        types=("f16",),
        shapes="x [..., K], w_gate and w_up [N, K], w_down [O, N] → [..., O]",
        error="with a = 2⌈K/160⌉ · 2⁻²⁴ · |x|·|W|ᵀ in g and in u: δ = |u| (1.1 a_g + 2⁻²³ |g|) + |silu g| a_u + "
        "1.1 a_g a_u + 2⁻¹¹ |h| + 2⁻²⁵ in h; in the result (δ + 2⌈N/160⌉ · 2⁻²⁴ |h|) · |w_down|ᵀ, its 2⁻¹¹, and 2⁻²⁵; "
        "h beyond f16 is infinite",
        bound=None,
        cycles=_mlp_cycles,
        formula="(⌈N/320⌉ · ⌈K/160⌉ + ⌈O/320⌉ · ⌈N/160⌉ / 2 + 1) · max(S + 2, 26) + 3 S + 400",
    ),
    _mlp_defines,
    _mlp,
    doc="swiglu_mlp(x, w_gate, w_up, w_down): (silu(x · w_gateᵀ) ∘ x · w_upᵀ) · w_downᵀ, weights [N, K] and [O, N].",
)
