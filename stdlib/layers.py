"""linear: a product with bias, activation and requantisation behind it."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Any

from lpuasm.stdlib import products
from lpuasm.stdlib.kernel import Call, Contract, Kernel, largest, too_large
from lpuasm.stdlib.products import LANES, WORDS, tiles
from lpuasm.stdlib.refusals import wrong_dimension, wrong_type, wrong_value

if TYPE_CHECKING:
    from lpuasm.isa.program import Program
    from lpuasm.stdlib.kernel import Array

_ACTIVATIONS = {None: 0, "relu": 1, "gelu": 2, "silu": 3}


def _passes(dtype: str, activation: int, requant: int) -> int:
    """Passes through the VXM behind the sums."""
    return {2: 3, 3: 2}.get(activation, int(dtype == "f16" or activation or requant))


def _cycles(
    *,
    M: int,
    K: int,
    N: int,
    BIAS: int = 0,
    ACTIVATION: int = 0,
    REQUANT: int = 0,
    scale: float = 1.0,
    dtype: str = "i8",
) -> int:
    onward = _passes(dtype, ACTIVATION, REQUANT)
    later = (0, 0, 200 + M // 2, 60)[ACTIVATION]
    return products.product_cycles(M, K, N, 1, dtype, onward, BIAS) + later + 2 * tiles(N) + 60


def _fits(m: int, k: int, n: int, dtype: str, bias: int, activation: int, requant: int) -> bool:
    """The result has four groups of slices, and gelu and silu what A and W leave in the west."""
    columns, depth, size, smooth = tiles(n), tiles(k), (2 if dtype == "f16" else 1), activation > 1
    onward = _passes(dtype, activation, requant)
    if not products.fits(m, k, n, 1, dtype, onward, bias):
        return False
    if products.few_rows(m, k, n, 1, dtype, onward, bias):
        rounds = -(-columns * depth // (2 if dtype == "f16" else 4))
        return 20 * rounds + max(columns * bias, m * columns * smooth) <= WORDS
    padded = 4 * -(-m // 4)
    rows, weights = padded * depth * size, columns * depth * LANES * size
    paired = products.paired(m, k, n, dtype, onward)
    wide = weights > 16 * WORDS and not paired and not products.copied(m, k, n, 1, dtype, onward)
    if (wide and weights // 32 + columns * bias > WORDS) or padded * columns // 4 + columns * bias > WORDS:
        return False
    if smooth and (padded > 2 * WORDS or (wide and rows > 8 * WORDS)):
        return False
    return activation != 2 or rows <= 16 * WORDS


def _defines(
    *,
    M: int,
    K: int,
    N: int,
    BIAS: int = 0,
    ACTIVATION: int = 0,
    REQUANT: int = 0,
    scale: float = 1.0,
    dtype: str = "i8",
) -> Mapping[str, int | float]:
    if min(M, K, N) < 1 or ACTIVATION not in range(4) or not {BIAS, REQUANT} <= {0, 1}:
        raise wrong_dimension(
            "the dimensions of a program are 1 or more, an activation is 0 … 3, BIAS and REQUANT 0 or 1"
        )
    if dtype == "i8" and ACTIVATION > 1:
        raise wrong_dimension("gelu and silu are of f16; i8 takes relu")
    if dtype == "f16" and REQUANT:
        raise wrong_dimension("only sums of i8 are requantised")
    rest = (dtype, BIAS, ACTIVATION, REQUANT)
    if not _fits(M, K, N, *rest):
        best = largest(lambda m: _fits(m, K, N, *rest), M)
        help_ = f"what fits: M up to {best} with these K and N" if best else "cut N into several calls"
        raise too_large(f"linear {dtype}", f"M={M}, K={K}, N={N}", help_)
    own = {"BIAS": BIAS, "ACTIVATION": ACTIVATION, "REQUANT": REQUANT, "scale": float(scale)}
    return {"M": M, "K": K, "N": N, "F16": int(dtype == "f16"), **own}


def _prepare(x: Any, w: Any, bias: Any = None, activation: str | None = None, scale: float | None = None) -> Call:
    import numpy as np

    x, w = np.asarray(x), np.asarray(w)
    dtype = products.product_type("linear", x, w)
    if not isinstance(activation, str | None) or activation not in _ACTIVATIONS:
        raise wrong_value(f"linear: no activation {activation!r}; there are relu, gelu and silu")
    if scale is not None and not (np.ndim(scale) == 0 and abs(float(scale)) < 2.0**128):
        raise wrong_value(f"linear: a scale is one finite number, not {scale!r}")
    if x.ndim < 1 or w.ndim != 2 or x.shape[-1] != w.shape[1]:
        raise wrong_value(f"linear: x [..., K] and w [N, K] are wanted, not {x.shape} and {w.shape}")
    (n, k), shape = w.shape, (*x.shape[:-1], w.shape[0])
    wanted = np.dtype(np.int32 if dtype == "i8" else np.float16)
    if bias is not None:
        bias = np.asarray(bias)
        if bias.shape != (n,) or bias.dtype.name != wanted.name:
            raise wrong_type(f"linear: a bias of {n} {wanted} is wanted, not {bias.shape} {bias.dtype}")
    kind = np.dtype(np.float16 if dtype == "f16" else np.int8 if scale is not None else np.int32)
    m = prod(x.shape[:-1])
    if not m * n:
        return Call(None, dtype, lambda program: {}, lambda outputs: np.zeros(shape, kind))
    # Without a contraction the sums are zeros all the same: one lane of them.
    rows = (x if k else np.zeros((*x.shape[:-1], 1), x.dtype)).reshape(1, m, max(k, 1))
    weights = (w if k else np.zeros((n, 1), w.dtype)).T[None]

    def inputs(program: Program) -> Mapping[str, Array]:
        given = dict(products.inputs(rows, weights, program))
        if bias is not None:
            padded = np.zeros(tiles(n) * LANES, wanted)
            padded[:n] = bias
            given["bias"] = padded.reshape(-1, LANES)
        return given

    def finish(outputs: Mapping[str, Array]) -> Array:
        y = outputs["Y"].reshape(m, -1)[:, :n] if "Y" in outputs else products.unpack_c(outputs["C"], 1, m, n)
        return np.asarray(y.reshape(shape))

    dims: dict[str, int | float] = {"M": m, "K": max(k, 1), "N": n, "BIAS": int(bias is not None)}
    dims |= {"ACTIVATION": _ACTIVATIONS[activation], "REQUANT": int(scale is not None)}
    if scale is not None:
        dims["scale"] = float(scale)
    return Call(dims, dtype, inputs, finish)


LINEAR = Kernel(
    "linear",
    Contract(
        types=("i8", "f16"),
        shapes="x [..., K], w [N, K], bias [N] (i32, or f16) → [..., N]; i8 → i32, i8 with a scale → i8, f16 → f16",
        error="i8: exact before the scale, which rounds the sum to f32, the product to f32, and that to i8, ties to "
        "even; f16: (2·⌈K/320⌉ + 1) · 2⁻²³ · Σ|x·w| + 2⁻²³ · |bias| in what the activation gets, and a unit in the "
        "last place",
        bound=None,
        cycles=_cycles,
        formula="matmul's and 2 · ⌈N/320⌉ + 60, for gelu M/2 + 200 and for silu 60 more. Many rows, gelu, silu, "
        "relu and scale of i8: at least 28 a tile if i8 and S < 40; ⌈N/320⌉ · (S + 60) more if f16 and "
        "S < min(84, 28·⌈K/320⌉); else at least 84 (i8: 48) a tile, and 64 more where W takes more than 16 slices. "
        "Few rows: cost has passes · M · ⌈N/320⌉ more, passes = 3 for gelu, 2 for silu, 1 for other f16, for relu "
        "and for a scale; 40 for gelu, silu and i8 with a pass; and with a bias M · ⌈N/320⌉, twice that if busy is 20 "
        "or more",
    ),
    _defines,
    _prepare,
    doc="linear(x, w, bias=None, activation=None, scale=None): activation(x · wᵀ + bias) · scale, w [N, K].",
)
