"""Blocks of networks, each one program, against float64."""

from __future__ import annotations

import numpy as np
import pytest
from blocks_reference import swiglu
from near import Near
from numpy.typing import NDArray

import lpuasm
from lpuasm.isa.errors import AssemblyError
from lpuasm.stdlib.blocks import SWIGLU_MLP
from lpuasm.stdlib.packing import cut, dealt

F16 = NDArray[np.float16]


def normal(random: np.random.Generator, *shape: int) -> F16:
    """Weights or rows whose products are about as large as what they are multiplied with."""
    return np.asarray(random.standard_normal(shape) / np.sqrt(shape[-1]), np.float16)


def mlp_weights(random: np.random.Generator, k: int, n: int, o: int) -> tuple[F16, F16, F16]:
    return normal(random, n, k), normal(random, n, k), normal(random, o, n)


OWN = """
.target tsp1
.param S = 5
.param K = 330
.param N = 400
.import block_product

.input  X : f16 [S, K] at mem.w[28..29] tile S x LANES
.weight W_e : f16 [2 * LANES, LANES] at mem.e[0..15]
.weight W_w : f16 [2 * LANES, LANES] at mem.w[0..15]
.output Y : f32 [S, N] at mem.e[28..31] tile S x LANES
.temp   X_e : f16 [S, K] at mem.e[40..41] tile S x LANES
.temp   X_w : f16 [S, K] at mem.w[40..41] tile S x LANES

flow copy:
    read     X -> sg2.e[12]
    identity sg2.e[12] -> sg2.e[14], sg2.w[14]
    write    sg2.e[14] -> X_e
    write    sg2.w[14] -> X_w
.for n in 0..ceil_div(N, LANES)
    column y, n, W, X, K
    flow tanh_{n}:
        total n, ceil_div(K, LANES)
        tanh  %y -> sg4.e[7]
        write sg4.e[7] -> Y[:, LANES * n : +LANES]
.endfor
"""


def test_products_of_a_program_of_ones_own() -> None:
    """The stages of the blocks are imported from assembly; here one makes tanh(X · Wᵀ)."""
    random = np.random.default_rng(0)
    x, w = normal(random, 5, 330), normal(random, 400, 330)
    east, west = dealt(cut(w))
    run = lpuasm.run(lpuasm.build(text=OWN, name="own.s"), {"X": x, "W_e": east, "W_w": west})
    exact = Near.exact(x).product(w)
    assert exact.through(np.tanh(exact.value), 1, 2.0**-23 * np.ones_like(exact.value)).holds(run["Y"])


@pytest.mark.parametrize(
    ("s", "k", "n", "o"),
    [
        (1, 64, 128, 64),
        (3, 1, 1, 1),
        (7, 576, 700, 576),
        (40, 321, 319, 641),
        (320, 160, 161, 330),
        (128, 576, 1536, 576),
    ],
)
def test_swiglu_mlp(s: int, k: int, n: int, o: int) -> None:
    random = np.random.default_rng(s)
    x, weights = (random.standard_normal((s, k)) * 2).astype(np.float16), mlp_weights(random, k, n, o)
    run = SWIGLU_MLP.run(x, *weights)
    assert run.result.dtype == np.float16 and run.result.shape == (s, o)
    assert swiglu(Near.exact(x), *weights).half().holds(run.result)
    assert run.program is not None and run.cycles == run.program.cycles
    assert run.cycles <= SWIGLU_MLP.contract.cycles(S=s, K=k, N=n, O=o)


def test_swiglu_mlp_of_ugly_values() -> None:
    """Rows of zeros, subnormal numbers, large ones of both signs, and a NaN that stays in its row."""
    random = np.random.default_rng(0)
    x = normal(random, 6, 64)
    x[0], x[1], x[2], x[3] = 0, 2.0**-24, 30, -30
    weights = mlp_weights(random, 64, 64, 64)
    got = SWIGLU_MLP(x, *weights)
    assert swiglu(Near.exact(x), *weights).half().holds(got) and not got[0].any()
    x[4, 5] = np.nan
    with_nan = SWIGLU_MLP(x, *weights)
    assert np.isnan(with_nan[4]).all() and np.array_equal(np.delete(with_nan, 4, 0), np.delete(got, 4, 0))


def test_swiglu_mlp_keeps_leading_axes_and_takes_none() -> None:
    random = np.random.default_rng(0)
    x, weights = normal(random, 2, 3, 64), mlp_weights(random, 64, 64, 32)
    assert np.array_equal(SWIGLU_MLP(x, *weights).reshape(6, 32), SWIGLU_MLP(x.reshape(6, 64), *weights))
    assert SWIGLU_MLP(x[:, :0], *weights).shape == (2, 0, 32)


def test_swiglu_mlp_refuses() -> None:
    random = np.random.default_rng(0)
    x, (gate, up, down) = normal(random, 2, 64), mlp_weights(random, 64, 64, 32)
    with pytest.raises(TypeError, match="float32"):
        SWIGLU_MLP(x.astype(np.float32), gate, up, down)
    with pytest.raises(ValueError, match=r"\[N, K\] twice"):
        SWIGLU_MLP(x, gate, up[:5], down)
    with pytest.raises(ValueError, match="64"):
        SWIGLU_MLP(x[:, :5], gate, up, down)
    with pytest.raises(AssemblyError) as caught:
        SWIGLU_MLP.program(S=5000, K=576, N=1536, O=576)
    assert caught.value.code == "LPU0510" and "up to 1638 rows" in str(caught.value.diagnostics[0].help)
