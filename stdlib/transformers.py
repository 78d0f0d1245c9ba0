"""Blocks of transformers, each one program: decoder_block as in Llama, encoder_block as in BERT."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any

from lpuasm.stdlib.blocks import TILE_WORDS, halves
from lpuasm.stdlib.heads import HALF, Heads
from lpuasm.stdlib.kernel import Call, Contract, Kernel, largest, too_large
from lpuasm.stdlib.packing import cut, dealt, vectors
from lpuasm.stdlib.products import LANES, WORDS, tiles
from lpuasm.stdlib.refusals import wrong_dimension, wrong_type, wrong_value

if TYPE_CHECKING:
    from lpuasm.isa.program import Program
    from lpuasm.stdlib.kernel import Array

#: Base of the angles of the rotary embedding.
BASE = 10000.0
#: Tensors of a block's weights by their names in Llama: rows and columns, of the model (M), of the heads of queries (Q)
#: and of keys (K), and of the hidden layer (N).
LLAMA = {
    "input_layernorm.weight": "M",
    "self_attn.q_proj.weight": "QM",
    "self_attn.k_proj.weight": "KM",
    "self_attn.v_proj.weight": "KM",
    "self_attn.o_proj.weight": "MQ",
    "post_attention_layernorm.weight": "M",
    "mlp.gate_proj.weight": "NM",
    "mlp.up_proj.weight": "NM",
    "mlp.down_proj.weight": "MN",
}
#: Likewise in BERT.
BERT = {
    **{f"attention.self.{name}.weight": "QM" for name in ("query", "key", "value")},
    **{f"attention.self.{name}.bias": "Q" for name in ("query", "key", "value")},
    "attention.output.dense.weight": "MQ",
    "attention.output.dense.bias": "M",
    "attention.output.LayerNorm.weight": "M",
    "attention.output.LayerNorm.bias": "M",
    "intermediate.dense.weight": "NM",
    "intermediate.dense.bias": "N",
    "output.dense.weight": "MN",
    "output.dense.bias": "M",
    "output.LayerNorm.weight": "M",
    "output.LayerNorm.bias": "M",
}


def _most_tiles(*products: tuple[int, int]) -> int:
    """Tiles of weights that the east holds: of (features, width) each, in tiles."""
    return sum(n // 2 * k + n % 2 * ((k + 1) // 2) for n, k in products)


def _fits(h: Heads, past: int, dm: int, n: int, gated: bool) -> bool:
    """Whether the tensors of a block find room in their slices; the sources place them."""
    if h.d > HALF:
        return False
    tk, tn, given, wide = tiles(dm), tiles(n), h.given(0) + h.given(1), h.s > LANES
    columns = h.tiles * (h.group + 2)
    weights = _most_tiles((columns, tk), (tk, given), (tk, tn)) + (tn * tk if gated else _most_tiles((tn, tk)))
    blocks = -(-past // HALF) + -(-h.s // HALF)
    # Of what the two banks hold in turn, one has half, rounded up.
    installs = -(-h.items(0, past, gated) // 4)
    queries = h.most(0) * -(-h.tiles * h.group // 2) * h.blocks * h.rows // 8
    turned = installs * h.seats(0) * h.rows // 8 + h.blocks * h.given(0) * TILE_WORDS // 2
    hidden = h.s * tn // 2  # beside keys, or beside what is turned
    passes = h.s * tk if gated else h.s * tk + h.s // 2
    return (
        (weights + installs) * TILE_WORDS + queries + 64 <= WORDS // 2
        and (h.tiles * blocks + 2 * installs) * TILE_WORDS // 2 + queries + h.s * tk + 64 <= WORDS // 2
        and turned + max(passes, 2 * h.s + LANES) + tn + 128 <= WORDS // 2
        and turned + hidden * wide + h.s * (not gated) + tn + 128 <= WORDS // 2
        and past + 2 * h.s + (h.seats(0) + 1) * (h.d + 1) <= WORDS // 2
        and h.tiles * blocks * h.most(0) * (h.d + 1) + h.s * (tk + h.given(0)) // 2 + 64 <= WORDS // 2
        and h.tiles * max(h.s, past) + hidden * (not wide) + h.s * (1 + h.given(1)) // 2 + 64 <= WORDS // 2
    )


def _defines(name: str, h: Heads, past: int, dm: int, n: int) -> Mapping[str, int | float]:
    """The parameters that both sources have; refuses what does not fit."""
    if min(h.heads, h.kv, h.d, h.s, dm, n) < 1 or past < 0:
        raise wrong_dimension(f"{name}: the dimensions of a program are 1 or more, and its past 0 or more")
    if h.heads % h.kv:
        raise wrong_dimension(f"{name}: {h.heads} heads of queries are not a multiple of {h.kv} heads of keys")
    gated = name == "decoder_block"

    def fits(s: int = h.s, t: int = past) -> bool:
        return _fits(Heads(h.heads, h.kv, h.d, s), t, dm, n, gated)

    if not fits():
        wanted = f"S={h.s}, past={past}, model={dm}, heads={h.heads}/{h.kv}, D={h.d}, hidden={n}"
        if h.d > HALF:
            help_ = f"heads of up to {HALF} columns fit"
        elif best := largest(lambda s: fits(s=s), h.s):
            help_ = f"up to {best} tokens fit at a time" + (": the rest go after them, with the cache" if gated else "")
        elif kept := largest(lambda t: fits(s=1, t=t), past):
            help_ = f"a past of up to {kept} keys fits"
        else:
            help_ = "the weights alone do not fit: a block has up to about 20 million"
        raise too_large(name, wanted, help_)
    return {"S": h.s, "DM": dm, "HQ": h.heads, "D": h.d, "N": n, "SCALE": h.d**-0.5}


def _weights(name: str, known: Mapping[str, str], weights: Mapping[str, Any], dm: int) -> dict[str, Array]:
    """The weights as arrays, their shapes held against each other."""
    import numpy as np

    missing = [key for key in known if key not in weights]
    if missing:
        raise wrong_value(f"{name}: the weights lack {', '.join(missing)}")
    arrays = {key: np.asarray(weights[key]) for key in known}
    sizes = {"M": dm}
    for key, axes in known.items():
        if arrays[key].dtype != np.float16:
            raise wrong_type(f"{name} takes float16, not {arrays[key].dtype} of {key}")
        shape = arrays[key].shape
        if len(shape) != len(axes) or any(sizes.setdefault(a, s) != s for a, s in zip(axes, shape, strict=True)):
            wanted = ", ".join(str(sizes.get(axis, axis)) for axis in axes)
            raise wrong_value(f"{name}: {key} is [{wanted}], not {shape}")
    return arrays


def _rows(name: str, given: Any) -> Array:
    import numpy as np

    x: Array = np.asarray(given)
    if x.dtype != np.float16:
        raise wrong_type(f"{name} takes float16, not {x.dtype}")
    if x.ndim != 2 or not x.shape[1]:
        raise wrong_value(f"{name}: x is [S, width], not {x.shape}")
    return x


def _heads(name: str, heads: int, kv_heads: int, queries: int, keys: int, s: int) -> Heads:
    if heads < 1 or kv_heads < 1 or heads % kv_heads or queries % heads or keys * heads != queries * kv_heads:
        raise wrong_value(f"{name}: {queries} and {keys} rows are not of {heads} and {kv_heads} heads of one size")
    return Heads(heads, kv_heads, queries // heads, s)


def _wanted(program: Program, found: Mapping[str, Array]) -> Mapping[str, Array]:
    names = {tensor.name for tensor in program.tensors}
    return {name: array for name, array in found.items() if name in names}


# ---- decoder_block -------------------------------------------------------------------------------------------------


def _decoder_defines(
    *, S: int, DM: int, H: int, D: int, N: int, KV: int | None = None, T: int = 0, eps: float = 1e-5, dtype: str = "f16"
) -> Mapping[str, int | float]:
    kv = H if KV is None else KV
    if D % 2:
        raise wrong_dimension("decoder_block: the columns of a head are turned in pairs, so D is even")
    return {**_defines("decoder_block", Heads(H, kv, D, S), T, DM, N), "KV": kv, "T0": T, "eps": float(eps)}


def _decoder(
    x: Any,
    weights: Mapping[str, Any],
    positions: Any,
    cache: tuple[Any, Any] | None = None,
    *,
    heads: int,
    kv_heads: int | None = None,
    eps: float = 1e-5,
) -> Call:
    import numpy as np

    name = "decoder_block"
    x = _rows(name, x)
    (s, dm), w = x.shape, _weights(name, LLAMA, weights, x.shape[1])
    q, k, v, o = (w[f"self_attn.{p}_proj.weight"] for p in "qkvo")
    h = _heads(name, heads, heads if kv_heads is None else kv_heads, len(q), len(k), s)
    places = np.asarray(positions)
    if places.shape != (s,) or places.dtype.kind not in "iu":
        raise wrong_value(f"{name}: positions are {s} integers, not {places.dtype} {places.shape}")
    if h.d % 2:
        raise wrong_value(f"{name}: the columns of a head are turned in pairs, so they are even, not {h.d}")
    if not (isfinite(eps) and eps > 0):
        raise wrong_value(f"{name}: eps is above 0, not {eps}")
    past = [np.zeros((h.kv, 0, h.d), np.float16)] * 2 if cache is None else [np.asarray(a) for a in cache]
    if any(a.dtype != np.float16 or a.shape != (h.kv, past[0].shape[1], h.d) for a in past) or len(past) != 2:
        raise wrong_value(f"{name}: the cache is keys and values, float16 [{h.kv}, T, {h.d}] each")
    if not s:
        return Call(None, "f16", lambda program: {}, lambda outputs: (x, tuple(past)))

    def inputs(program: Program) -> Mapping[str, Array]:
        found = {"X": x, **h.rotary(places, BASE)}
        found["Gamma"] = vectors(w["input_layernorm.weight"], w["post_attention_layernorm.weight"])
        found["Qkv_e"], found["Qkv_w"] = dealt(cut(h.projections(q, k, v)))
        found["Out_e"], found["Out_w"] = dealt(cut(h.output(o)))
        found["Gate_e"], found["Up_w"] = (cut(w[f"mlp.{p}_proj.weight"]).reshape(-1, LANES) for p in ("gate", "up"))
        found["Down_e"], found["Down_w"] = dealt(cut(w["mlp.down_proj.weight"]))
        for side in "ew":
            found[f"KP_{side}"], found[f"VP_{side}"] = h.spread(past[0], 1), h.spread(past[1], HALF)
        return _wanted(program, found)

    def finish(outputs: Mapping[str, Array]) -> tuple[Array, tuple[Array, Array]]:
        new = h.gathered(outputs["K_e"]), h.gathered(outputs["V_e"])
        keys, values = (np.concatenate(both, 1) for both in zip(past, new, strict=True))
        return outputs["Y"], (keys, values)

    dims = {"S": s, "DM": dm, "H": h.heads, "KV": h.kv, "D": h.d, "N": len(w["mlp.gate_proj.weight"])}
    return Call({**dims, "T": past[0].shape[1], "eps": float(eps)}, "f16", inputs, finish)


# ---- encoder_block -------------------------------------------------------------------------------------------------


def _encoder_defines(
    *, S: int, DM: int, H: int, D: int, N: int, eps: float = 1e-12, dtype: str = "f16"
) -> Mapping[str, int | float]:
    return {**_defines("encoder_block", Heads(H, H, D, S), 0, DM, N), "eps": float(eps)}


def _encoder(x: Any, weights: Mapping[str, Any], *, heads: int, eps: float = 1e-12) -> Call:
    name = "encoder_block"
    x = _rows(name, x)
    (s, dm), w = x.shape, _weights(name, BERT, weights, x.shape[1])
    matrices, biases = (
        [w[f"attention.self.{p}.{kind}"] for p in ("query", "key", "value")] for kind in ("weight", "bias")
    )
    h = _heads(name, heads, heads, len(matrices[0]), len(matrices[1]), s)
    if not (isfinite(eps) and eps > 0):
        raise wrong_value(f"{name}: eps is above 0, not {eps}")
    if not s:
        return Call(None, "f16", lambda program: {}, lambda outputs: x)

    def inputs(program: Program) -> Mapping[str, Array]:
        found = {"X": x}
        found["Qkv_e"], found["Qkv_w"] = dealt(cut(h.projections(*matrices)))
        found["Out_e"], found["Out_w"] = dealt(cut(h.output(w["attention.output.dense.weight"])))
        found["In_e"], found["In_w"] = dealt(cut(w["intermediate.dense.weight"]))
        found["Down_e"], found["Down_w"] = dealt(cut(w["output.dense.weight"]))
        found["Vectors"] = vectors(
            h.projections(*biases),
            w["attention.output.dense.bias"], w["intermediate.dense.bias"], w["output.dense.bias"],
            w["attention.output.LayerNorm.weight"], w["attention.output.LayerNorm.bias"],
            w["output.LayerNorm.weight"], w["output.LayerNorm.bias"],
        )  # fmt: skip
        return _wanted(program, found)

    dims = {"S": s, "DM": dm, "H": h.heads, "D": h.d, "N": len(w["intermediate.dense.bias"]), "eps": float(eps)}
    return Call(dims, "f16", inputs, lambda outputs: outputs["Y"])


# ---- What both promise ---------------------------------------------------------------------------------------------


def _cycles(h: Heads, past: int, dm: int, n: int, gated: bool) -> int:
    """The most cycles of a block: steps of S rows through the planes, attention of the busier hemisphere, latencies."""
    tk, tn, blocks = tiles(dm), tiles(n), -(-past // HALF) + -(-h.s // HALF)
    given = 2 * (h.given(0) + h.given(1))
    hidden = 2 * halves(dm) if gated else max(halves(dm), 3)  # three passes of gelu take as long as three half tiles
    steps = h.tiles * (h.group + 2) * halves(dm) + tk * (given + halves(n)) + tn * hidden
    steps += min(2, halves(dm)) * (4 if gated else 8)
    units, seats, items = h.units(0), h.seats(0), h.items(0, past, gated)
    keys = units // h.blocks * (h.blocks * past + sum(h.keys(gated)))
    planes = keys + items * seats * (h.d + 1) + -(-items // 2) * seats * h.rows
    planes += h.tiles * blocks * h.most(0) * h.d + h.given(0) * h.s
    most = 115 * steps * max(h.s + 2, 26) // 200 + 13 * planes // 10 + 100 * units + past + 12 * h.s
    return most + (1600 if gated else 2300)


def _decoder_cycles(
    *, S: int, DM: int, H: int, D: int, N: int, KV: int | None = None, T: int = 0, eps: float = 1e-5, dtype: str = "f16"
) -> int:
    return _cycles(Heads(H, H if KV is None else KV, D, S), T, DM, N, gated=True)


def _encoder_cycles(*, S: int, DM: int, H: int, D: int, N: int, eps: float = 1e-12, dtype: str = "f16") -> int:
    return _cycles(Heads(H, H, D, S), 0, DM, N, gated=False)


_ERROR = (
    "within 6 standard deviations of what rounding does, each rounding taken as independent and zero on average: to "
    "f16 of {half}, of each lane of a sum of squares, and of the result; all else is f32, and products are exact. "
    "tests/blocks_reference.py has the analysis. {measured}. Finite operands; what is beyond f16 is infinite"
)
_FORMULA = (
    "1.15 · steps · max(S + 2, 26) + 1.3 · B + 100 · U + {past}12 · S + {rest}; steps: half tiles of products, and "
    "{sums} for norms{gelu}, dealt to two; B: what attention needs the planes of a hemisphere for; U: installs of "
    "queries in it"
)

DECODER_BLOCK = Kernel(
    "decoder_block",
    Contract(
        types=("f16",),
        shapes="x [S, DM]; weights [out, in] by Llama's names; positions [S]; cache: keys (after rope) and "
        "values [kv_heads, T, D] each, D even and ≤ 160; the result is y [S, DM] and the cache with S more rows",
        error=_ERROR.format(
            half="normed rows, of queries, keys, values, weights and outputs of attention, of the hidden layer",
            measured="0.0025 at most for rows of unit variance in the small Llama below",
        ),
        bound=None,
        cycles=_decoder_cycles,
        formula=_FORMULA.format(rest=1600, sums=4, past="T + ", gelu=""),
    ),
    _decoder_defines,
    _decoder,
    doc="decoder_block(x, weights, positions, cache=None, heads, kv_heads, eps): (y, cache) of one block as in Llama.",
)

ENCODER_BLOCK = Kernel(
    "encoder_block",
    Contract(
        types=("f16",),
        shapes="x [S, DM]; weights [out, in] and biases by BERT's names, D ≤ 160; the result is like x",
        error=_ERROR.format(
            half="queries, keys, values, weights and outputs of attention, of the first norm, of the hidden layer",
            measured="0.0021 at most for rows of unit variance in BERT-base below",
        ),
        bound=None,
        cycles=_encoder_cycles,
        formula=_FORMULA.format(rest=2300, sums=8, past="", gelu=", but 3 a hidden column at least"),
    ),
    _encoder_defines,
    _encoder,
    doc="encoder_block(x, weights, heads, eps): one block as in BERT, gelu in its tanh form, no mask.",
)
