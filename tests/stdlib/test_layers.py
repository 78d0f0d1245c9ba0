"""linear against exact integers and float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lpuasm.isa.errors import AssemblyError
from lpuasm.stdlib import linear
from lpuasm.stdlib.products import tiles

Array = NDArray[Any]
SIZES = st.sampled_from((1, 2, 3, 5, 17, 40, 63, 160, 319, 320, 321)) | st.integers(1, 200)
HALF = (None, "relu", "gelu", "silu")


def spacing(x: Array) -> Array:
    """A unit in the last place of the f16 values."""
    with np.errstate(all="ignore"):
        return np.abs(np.spacing(np.abs(x).astype(np.float16))).astype(np.float64)


def activated(z: Array, activation: str | None) -> Array:
    with np.errstate(all="ignore"):
        if activation == "relu":
            return np.maximum(z, 0)
        if activation == "silu":
            return np.asarray(z / (1 + np.exp(-z)))
        if activation == "gelu":
            return np.asarray(z / (1 + np.exp(-2 * np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))))
    return z


def integers(x: Array, w: Array, bias: Array | None, activation: str | None, scale: float | None) -> None:
    run = linear.run(x, w, bias, activation=activation, scale=scale)
    sums = (x.astype(np.float64) @ w.T.astype(np.float64)).astype(np.int64)
    sums = (sums + (0 if bias is None else bias)).astype(np.int32)
    exact = np.maximum(sums, 0) if activation else sums
    if scale is not None:
        exact = np.clip(np.rint(exact.astype(np.float32) * np.float32(scale)), -128, 127).astype(np.int8)
    assert run.result.dtype == exact.dtype and np.array_equal(run.result, exact)
    held(run)


def held(run: Any) -> None:
    """Cycles as stated, executed and promised."""
    d = dict(run.program.defines)
    dtype = "f16" if d.pop("F16") else "i8"
    d.pop("TILES")
    assert run.cycles == run.program.cycles <= linear.contract.cycles(dtype=dtype, **d)


def halves(x: Array, w: Array, bias: Array | None, activation: str | None) -> None:
    run = linear.run(x, w, bias, activation=activation)
    assert run.result.dtype == np.float16
    held(run)
    a, b = x.astype(np.float64), w.astype(np.float64).T
    z = a @ b + (0 if bias is None else bias)
    size = np.abs(a) @ np.abs(b)
    slack = (2 * tiles(x.shape[-1]) + 1) * 2.0**-23 * size + 2.0**-23 * np.abs(0 if bias is None else bias)
    exact = activated(z, activation)
    # Every activation's slope is below 1.2.
    assert (np.abs(run.result - exact) <= 1.2 * slack + 1.05 * spacing(exact)).all()


@settings(max_examples=20, deadline=None)
@given(
    SIZES,
    SIZES,
    SIZES,
    st.booleans(),
    st.sampled_from([None, "relu"]),
    st.sampled_from([None, 0.01, 0.0003]),
    st.integers(0, 9),
)
def test_i8(m: int, k: int, n: int, biased: bool, activation: str | None, scale: float | None, seed: int) -> None:
    random = np.random.default_rng(seed)
    x, w = (random.integers(-128, 128, shape).astype(np.int8) for shape in ((m, k), (n, k)))
    bias = random.integers(-50_000, 50_000, n).astype(np.int32) if biased else None
    integers(x, w, bias, activation, scale)


@settings(max_examples=20, deadline=None)
@given(SIZES, SIZES, SIZES, st.booleans(), st.sampled_from(HALF), st.integers(0, 9))
def test_f16(m: int, k: int, n: int, biased: bool, activation: str | None, seed: int) -> None:
    random = np.random.default_rng(seed)
    x, w = (random.standard_normal(shape).astype(np.float16) for shape in ((m, k), (n, k)))
    halves(
        x,
        (w / np.sqrt(k)).astype(np.float16),
        random.standard_normal(n).astype(np.float16) if biased else None,
        activation,
    )


@pytest.mark.parametrize("activation", HALF)
def test_many_rows(activation: str | None) -> None:
    random = np.random.default_rng(0)
    x, w = (random.standard_normal(shape).astype(np.float16) for shape in ((130, 330), (650, 330)))
    halves(x, (w / 18).astype(np.float16), random.standard_normal(650).astype(np.float16), activation)


@pytest.mark.parametrize("scale", [None, 0.001, -0.5, 1e30])
@pytest.mark.parametrize("activation", [None, "relu"])
def test_requantised(activation: str | None, scale: float | None) -> None:
    random = np.random.default_rng(0)
    x, w = (random.integers(-128, 128, shape).astype(np.int8) for shape in ((210, 330), (650, 330)))
    integers(x, w, random.integers(-9, 9, 650).astype(np.int32), activation, scale)
    integers(x[:7], w, None, activation, scale)


def test_weights_of_more_than_16_slices() -> None:
    random = np.random.default_rng(0)
    x, w = (random.standard_normal(shape).astype(np.float16) for shape in ((90, 4400), (4700, 4400)))
    halves(x, (w / 66).astype(np.float16), random.standard_normal(4700).astype(np.float16), "relu")
    x, w = (random.integers(-128, 128, shape).astype(np.int8) for shape in ((44, 6500), (6400, 6500)))
    integers(x, w, random.integers(-9, 9, 6400).astype(np.int32), "relu", 0.0001)


@pytest.mark.parametrize(
    ("m", "k", "n", "activation", "scale"),
    [
        (97, 330, 2900, "relu", -0.01),  # an even number of tiles
        (130, 900, 650, None, 0.003),  # an odd one
        (150, 320, 1601, "relu", None),
        (155, 641, 321, "relu", 0.02),
        (60, 640, 6000, "relu", 0.01),  # a tile loads longer than its rows take
    ],
)
@pytest.mark.parametrize("biased", [False, True])
def test_weights_in_two_groups(
    m: int, k: int, n: int, activation: str | None, scale: float | None, biased: bool
) -> None:
    dims: dict[str, Any] = {"ACTIVATION": int(activation is not None), "REQUANT": int(scale is not None)}
    program = linear.program(dtype="i8", M=m, K=k, N=n, BIAS=int(biased), **dims)
    layout = program.tensor["W"].layout
    assert program.defines["TILES"] == 0 and layout and len(layout.shape) == 5
    random = np.random.default_rng(m)
    x, w = (random.integers(-128, 128, shape).astype(np.int8) for shape in ((m, k), (n, k)))
    integers(x, w, random.integers(-50_000, 50_000, n).astype(np.int32) if biased else None, activation, scale)


def test_leading_axes_and_nothing() -> None:
    x = np.ones((2, 3, 5), np.int8)
    assert linear(x, np.ones((4, 5), np.int8)).shape == (2, 3, 4)
    assert linear(x[:0], np.ones((4, 5), np.int8)).shape == (0, 3, 4)
    bias = np.arange(4, dtype=np.int32)
    assert np.array_equal(linear(np.ones((3, 0), np.int8), np.ones((4, 0), np.int8), bias), np.tile(bias, (3, 1)))


def test_refusals() -> None:
    x = np.ones((3, 5), np.int8)
    with pytest.raises(TypeError, match="f16"):
        linear(x, x, activation="gelu")
    with pytest.raises(TypeError, match="bias"):
        linear(x, x, np.ones(5, np.int32))
    with pytest.raises(ValueError, match="activation"):
        linear(x, x, activation="sin")
    with pytest.raises(AssemblyError, match="LPU0510"):
        linear.program(M=1 << 20, K=320, N=320)
