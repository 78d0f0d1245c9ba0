"""The blocks in float64 from the formulas of their networks, with what the chip is likely off by.

Each step adds the roundings that its source states to what comes in off.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from likely import EVEN, F64, Likely, root
from near import HALF, SINGLE, TINY, Near
from numpy.typing import NDArray

Array = NDArray[Any]
Weights = Mapping[str, Array]


def silu_value(g: F64) -> F64:
    return np.asarray(g / (1 + np.exp(-g)))


def silu(g: Near) -> Near:
    """½g · (1 + tanh ½g): the sum with 1 is rounded to 2⁻²⁴, tanh to as much, and so is ½g's product."""
    return g.through(silu_value(g.value), 1.1, 2.0**-23 * g.most)


def swiglu(x: Near, gate: Array, up: Array, down: Array) -> Near:
    """The hidden layer of Llama, in the worst case."""
    return (silu(x.product(gate)) * x.product(up)).half().product(down)


def smooth(x: Likely, value: F64, slope: F64) -> Likely:
    """A function of x that is made as x · (1 + tanh …) / 2."""
    return Likely(value, np.abs(slope) * x.sigma).off(2 * SINGLE * np.abs(x.value))


def gated(x: Likely, gate: Array, up: Array, down: Array) -> Likely:
    """The hidden layer of Llama."""
    g = x.product(gate)
    share = 1 / (1 + np.exp(-g.value))
    slope = share * (1 + g.value * (1 - share))
    return (smooth(g, silu_value(g.value), slope) * x.product(up)).half().product(down)


def gelu(z: Likely) -> Likely:
    """½z · (1 + tanh √(2/π) (z + 0.044715 z³))."""
    c = np.sqrt(2 / np.pi)
    t = np.tanh(c * (z.value + 0.044715 * z.value**3))
    slope = 0.5 * (1 + t) + 0.5 * z.value * (1 - t**2) * c * (1 + 3 * 0.044715 * z.value**2)
    return smooth(z, 0.5 * z.value * (1 + t), slope)


def inverse_root(x: Likely, eps: float) -> Likely:
    """1 / √(mean x² + eps) of rows; squares are summed over tiles and rounded to f16, of 4 times them, lane by lane."""
    d = x.value.shape[-1]
    mean = (x.value**2).mean(-1, keepdims=True) + eps
    lanes = [(x.value[..., k::320] ** 2).sum(-1) for k in range(min(d, 320))]
    sums = EVEN * np.maximum(HALF * np.stack(lanes, -1), TINY / 4)
    moved = (
        root((4 * x.value**2 * x.sigma**2 + x.sigma**4).sum(-1, keepdims=True), (sums**2).sum(-1, keepdims=True)) / d
    )
    return Likely(mean**-0.5, 0.5 * mean**-1.5 * moved).off(4 * SINGLE * mean**-0.5)


def rms_norm(x: Likely, gamma: Array, eps: float) -> Likely:
    return (x * inverse_root(x, eps) * Likely.exact(gamma)).half()


def layer_norm(x: Likely, gamma: Array, beta: Array, eps: float) -> Likely:
    """The mean is of sums over tiles, in two f16 each."""
    d = x.value.shape[-1]
    two = root(((2 * SINGLE * np.abs(x.value)) ** 2).sum(-1, keepdims=True) + min(d, 320) * TINY**2) / d
    mean = Likely(x.value.mean(-1, keepdims=True), root((x.sigma**2).sum(-1, keepdims=True)) / d).off(two)
    deviation = x + Likely(-mean.value, mean.sigma)
    return deviation * inverse_root(deviation, eps) * Likely.exact(gamma) + Likely.exact(beta)


def split(x: Likely, heads: int) -> Likely:
    """Rows [S, heads · D] as [heads, S, D]."""
    parts = (a.reshape(len(a), heads, -1).transpose(1, 0, 2) for a in (x.value, x.sigma))
    return Likely(*(np.asarray(part) for part in parts))


def rope(x: Likely, positions: Array, base: float = 10000.0) -> Likely:
    """Pairs (i, i + D/2) turned by position · base^(−2i/D), whose cosine and sine are f32."""
    half = x.value.shape[-1] // 2
    angle = positions[:, None] * base ** (-np.arange(half) / half)
    c, s = Likely.exact(np.cos(angle)).rounded(), Likely.exact(np.sin(angle)).rounded()
    one, two = (Likely(x.value[..., part], x.sigma[..., part]) for part in (slice(half), slice(half, None)))
    turned = one * c + two * Likely(-s.value, s.sigma), two * c + one * s
    return Likely(*(np.concatenate([getattr(t, field) for t in turned], -1) for field in ("value", "sigma")))


def joined(past: Array, new: Likely) -> Likely:
    old = Likely.exact(past)
    return Likely(np.concatenate([old.value, new.value], 1), np.concatenate([old.sigma, new.sigma], 1))


def attention(q: Likely, k: Likely, v: Likely, causal: bool) -> Likely:
    """Heads [H, S, D] with keys and values [KV, T, D]; weights are rounded to f16, and so are outputs.

    A weight that is off by a share e of itself moves the result by e times the weight times (value − result).
    """
    group = len(q.value) // len(k.value)
    k, v = (Likely(np.repeat(a.value, group, 0), np.repeat(a.sigma, group, 0)) for a in (k, v))
    queries, keys, d = q.value.shape[1], k.value.shape[1], q.value.shape[2]
    turn = (0, 2, 1)
    scores = q.value @ k.value.transpose(turn) * d**-0.5
    off = q.sigma**2 @ (k.value**2).transpose(turn) + (q.value**2 + q.sigma**2) @ (k.sigma**2).transpose(turn)
    off = off / d + (4 * SINGLE * scores) ** 2
    if causal:
        scores = np.where(np.arange(keys) <= np.arange(queries)[:, None] + keys - queries, scores, -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    total = weights.sum(-1, keepdims=True)
    share = weights / total
    out = share @ v.value
    own = EVEN * np.maximum(HALF * weights, TINY) * (weights > 0) / total
    moved = share**2 * np.where(np.isfinite(scores), off, 0) + own**2
    spread = moved @ v.value**2 - 2 * out * (moved @ v.value) + out**2 * moved.sum(-1, keepdims=True)
    sigma = root(np.maximum(spread, 0), share**2 @ v.sigma**2, (4 * SINGLE * (share @ np.abs(v.value))) ** 2)
    return Likely(*(np.asarray(a.transpose(1, 0, 2).reshape(queries, -1)) for a in (out, sigma))).half()


def decoder(
    x: Array, w: Weights, positions: Array, cache: tuple[Array, Array] | None, heads: int, kv_heads: int, eps: float
) -> tuple[Likely, Likely, Likely]:
    """(y, keys, values) of a block of Llama."""
    rows = Likely.exact(x)
    n = rms_norm(rows, w["input_layernorm.weight"], eps)
    q, k, v = (n.product(w[f"self_attn.{p}_proj.weight"]) for p in "qkv")
    queries, keys = (rope(split(a, h), positions).half() for a, h in ((q, heads), (k, kv_heads)))
    values = split(v, kv_heads).half()
    if cache is not None:
        keys, values = joined(cache[0], keys), joined(cache[1], values)
    given = attention(queries, keys, values, causal=True)
    middle = rows + given.product(w["self_attn.o_proj.weight"])
    n = rms_norm(middle, w["post_attention_layernorm.weight"], eps)
    out = gated(n, *(w[f"mlp.{p}_proj.weight"] for p in ("gate", "up", "down")))
    return (middle + out).half(), keys, values


def encoder(x: Array, w: Weights, heads: int, eps: float) -> Likely:
    """A block of BERT."""

    def linear(a: Likely, name: str) -> Likely:
        return a.product(w[f"{name}.weight"]) + Likely.exact(w[f"{name}.bias"])

    def norm(a: Likely, name: str) -> Likely:
        return layer_norm(a, w[f"{name}.weight"], w[f"{name}.bias"], eps)

    rows = Likely.exact(x)
    q, k, v = (split(linear(rows, f"attention.self.{p}").half(), heads) for p in ("query", "key", "value"))
    given = attention(q, k, v, causal=False)
    middle = norm(rows + linear(given, "attention.output.dense"), "attention.output.LayerNorm")
    hidden = gelu(linear(middle.half(), "intermediate.dense")).half()
    return norm(middle + linear(hidden, "output.dense"), "output.LayerNorm").half()
