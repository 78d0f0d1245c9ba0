"""linear: a product with bias, activation and requantisation behind it."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Any

from lpuasm.stdlib import products
from lpuasm.stdlib.kernel import Call, Contract, Kernel, largest, too_large
from lpuasm.stdlib.products import LANES, WORDS, tiles

if TYPE_CHECKING:
    from lpuasm.isa.program import Program
    from lpuasm.stdlib.kernel import Array

_ACTIVATIONS = {None: 0, "relu": 1, "gelu": 2, "silu": 3}


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
    padded = 4 * -(-M // 4)
    again = ACTIVATION > 1 or (REQUANT and BIAS and ACTIVATION)
    product = products.MATMUL.contract.cycles(M=M, K=K, N=N, dtype=dtype)
    return product + (tiles(N) + 1) * padded * (4 if again else 1) // 2 + 200


def _fits(m: int, k: int, n: int, dtype: str) -> bool:
    """Y's slices hold four groups; the columns' temporaries lie beside the bias."""
    padded = 4 * -(-m // 4)
    return products.fits(m, k, n, 1, dtype) and padded * tiles(n) <= 4 * WORDS and padded <= WORDS // 2


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
    if min(M, K, N) < 1 or ACTIVATION not in range(4):
        raise TypeError("the dimensions of a program are 1 or more, and an activation is 0 … 3")
    if dtype == "i8" and ACTIVATION > 1:
        raise TypeError("gelu and silu are of f16; i8 takes relu")
    if dtype == "f16" and REQUANT:
        raise TypeError("only sums of i8 are requantised")
    if not _fits(M, K, N, dtype):
        best = largest(lambda m: _fits(m, K, N, dtype), M)
        help_ = f"what fits: M up to {best} with these K and N" if best else "cut N into several calls"
        raise too_large(f"linear {dtype}", f"M={M}, K={K}, N={N}", help_)
    own = {"BIAS": BIAS, "ACTIVATION": ACTIVATION, "REQUANT": REQUANT, "scale": float(scale)}
    return {"M": M, "K": K, "N": N, "F16": int(dtype == "f16"), **own}


def _prepare(x: Any, w: Any, bias: Any = None, activation: str | None = None, scale: float | None = None) -> Call:
    import numpy as np

    x, w = np.asarray(x), np.asarray(w)
    dtype = products.product_type("linear", x, w)
    if activation not in _ACTIVATIONS:
        raise ValueError(f"linear: no activation {activation!r}; there are relu, gelu and silu")
    if x.ndim < 1 or w.ndim != 2 or x.shape[-1] != w.shape[1]:
        raise ValueError(f"linear: x [..., K] and w [N, K] are wanted, not {x.shape} and {w.shape}")
    (n, k), shape = w.shape, (*x.shape[:-1], w.shape[0])
    wanted = np.dtype(np.int32 if dtype == "i8" else np.float16)
    if bias is not None:
        bias = np.asarray(bias)
        if bias.shape != (n,) or bias.dtype != wanted:
            raise TypeError(f"linear: a bias of {n} {wanted} is wanted, not {bias.shape} {bias.dtype}")
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
        y = outputs["Y"]
        return np.asarray(y.reshape(m, -1)[:, :n].reshape(shape))

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
        formula="matmul's and passes · (⌈N/320⌉ + 1) · 4⌈M/4⌉ + 200; passes = 2 for gelu, silu and for bias, relu and "
        "scale together, else 1/2",
    ),
    _defines,
    _prepare,
    doc="linear(x, w, bias=None, activation=None, scale=None): activation(x · wᵀ + bias) · scale, w [N, K].",
)
