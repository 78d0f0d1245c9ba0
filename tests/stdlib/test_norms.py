"""rms_norm and layer_norm against float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lpuasm.isa.errors import AssemblyError
from lpuasm.stdlib import layer_norm, rms_norm

Array = NDArray[Any]


def order(x: Array) -> Array:
    """f16 values as integers in their order, so that neighbours differ by one."""
    bits = x.view(np.int16).astype(np.int64)
    return np.where(bits < 0, -(bits & 0x7FFF), bits)


def root_mean_square(x: Array, w: Array, eps: float) -> Array:
    wide = x.astype(np.float64)
    with np.errstate(all="ignore"):
        return np.asarray(wide / np.sqrt((wide * wide).mean(-1, keepdims=True) + eps) * w.astype(np.float64))


def check_rms(x: Array, w: Array, eps: float = 1e-5) -> None:
    run = rms_norm.run(x, w, eps)
    y, exact, n = run.result, root_mean_square(x, w, eps), x.shape[-1]
    assert y.shape == x.shape and y.dtype == x.dtype and run.program is not None
    kind = "f16" if x.dtype == np.float16 else "f32"
    assert run.cycles == run.program.cycles
    assert run.cycles <= rms_norm.contract.cycles(R=x.size // n, N=n, dtype=kind)
    assert np.array_equal(np.isnan(y), np.isnan(exact))
    there = ~np.isnan(exact)
    if kind == "f16":
        with np.errstate(over="ignore"):
            rounded = exact.astype(np.float16)
        assert (np.abs(order(y) - order(rounded))[there] <= 1).all()
    else:
        limit = (10 + -(-n // 320) / 2) * 2.0**-24 * np.abs(exact) + 2.0**-126
        assert (np.abs(y.astype(np.float64) - exact) <= limit)[there].all()


@settings(max_examples=16, deadline=None)
@given(
    st.sampled_from([(1, 1), (1, 7), (2, 3, 64), (17, 319), (15, 320), (33, 321), (16, 641), (5, 13), (1, 2000)]),
    st.booleans(),
    st.sampled_from([0.0, 1e-5, 1e-12, 2.0]),
    st.integers(-18, 12),
    st.integers(0, 99),
)
def test_rms_norm(shape: tuple[int, ...], half: bool, eps: float, exponent: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    dtype = np.float16 if half else np.float32
    x = random.standard_normal(shape) * 2.0 ** random.integers(-3, 4, (*shape[:-1], 1)) * 2.0**exponent
    check_rms(np.clip(x, -60000, 60000).astype(dtype), random.standard_normal(shape[-1]).astype(dtype), eps)


def test_rms_norm_of_several_blocks() -> None:
    random = np.random.default_rng(1)
    check_rms(random.standard_normal((250, 330)).astype(np.float16), np.ones(330, np.float16))
    check_rms(random.standard_normal((250, 330)).astype(np.float32), np.ones(330, np.float32))


def test_rms_norm_of_ugly_rows() -> None:
    rows = np.zeros((12, 400), np.float16)
    rows[0] = 65504
    rows[1] = -65504
    rows[2] = 6e-8
    rows[3, 7] = 65504
    rows[4, 399] = 6e-8
    rows[5], rows[5, 3] = 1, np.inf
    rows[6], rows[6, 3] = 1, np.nan
    rows[7], rows[7, ::2] = 65504, 6e-8
    rows[8] = np.linspace(-1, 1, 400)
    for eps in (0.0, 1e-5):
        check_rms(rows, np.linspace(-2, 2, 400).astype(np.float16), eps)
    large = rows.astype(np.float32)
    large[0], large[1] = 1e17, -1e-14
    check_rms(large, np.linspace(-2, 2, 400).astype(np.float32), 0.0)


def test_rms_norm_beyond_f32_is_zero() -> None:
    """Squares of f32 that no f32 holds: the scale is 1 / infinity, as in float32 arithmetic."""
    x = np.full((1, 8), 1e30, np.float32)
    assert (rms_norm(x, np.ones(8, np.float32)) == 0).all()


def check_layer(x: Array, w: Array, b: Array, eps: float = 1e-5, outliers: bool = False) -> None:
    run, n = layer_norm.run(x, w, b, eps), x.shape[-1]
    kind = "f16" if x.dtype == np.float16 else "f32"
    assert run.result.shape == x.shape and run.result.dtype == x.dtype and run.program is not None
    assert run.cycles == run.program.cycles
    assert run.cycles <= layer_norm.contract.cycles(R=x.size // n, N=n, dtype=kind)
    wide, scale, shift = x.astype(np.float64), w.astype(np.float64), b.astype(np.float64)
    with np.errstate(all="ignore"):
        mean = wide.mean(-1, keepdims=True)
        sigma = np.sqrt(((wide - mean) ** 2).mean(-1, keepdims=True) + eps)
        z = (wide - mean) / sigma * scale
        exact = z + shift
        t = -(-n // 320)
        deviates, weights = np.asarray(16.0), np.asarray(16.0)
        if outliers:
            first = wide[..., np.arange(n) % 320 < 16].mean(-1, keepdims=True)
            k = 1 + ((first - mean) / sigma) ** 2
            deviates = 8 * t * (18 + 3 * t) + 16 * k + 8 * (t + 7) * np.sqrt(t * k) + 12
            weights = 10 * np.sqrt(k) + 4 * (t + 7) * t**0.5
        extra = deviates * np.abs(z) + weights * np.abs(scale) + np.abs(scale * mean) / sigma + np.abs(shift)
        half = np.spacing(np.abs(exact).astype(x.dtype)).astype(np.float64) / 2
    y = run.result.astype(np.float64)
    assert np.array_equal(np.isnan(y), np.isnan(exact))
    there = ~np.isnan(exact)
    assert (np.abs(y - exact) <= half * 1.01 + 2.0**-24 * extra)[there].all()


@settings(max_examples=16, deadline=None)
@given(
    st.sampled_from([(1, 1), (1, 7), (2, 3, 64), (17, 319), (15, 320), (33, 321), (16, 657), (5, 13)]),
    st.booleans(),
    st.sampled_from([1e-5, 1e-12, 2.0]),
    st.sampled_from([0.0, 1.0, -1000.0]),
    st.integers(-12, 10),
    st.integers(0, 99),
)
def test_layer_norm(shape: tuple[int, ...], half: bool, eps: float, mean: float, exponent: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    dtype = np.float16 if half else np.float32
    x = (random.standard_normal(shape) * 2.0**exponent + mean).astype(dtype)
    w, b = random.standard_normal((2, shape[-1])).astype(dtype)
    check_layer(x, w, b, eps)


def test_layer_norm_of_several_blocks() -> None:
    random = np.random.default_rng(1)
    for dtype in (np.float16, np.float32):
        check_layer(random.standard_normal((530, 64)).astype(dtype), np.ones(64, dtype), np.zeros(64, dtype))


def test_layer_norm_of_ugly_rows() -> None:
    rows = np.zeros((10, 400), np.float16)
    rows[0] = 65504
    rows[1] = 6e-8
    rows[2], rows[2, ::2] = 65504, -65504
    rows[3, 7] = 65504
    rows[4, 399] = 6e-8
    rows[5], rows[5, 3] = 1, np.inf
    rows[6], rows[6, 3] = 1, np.nan
    rows[7] = 1000
    rows[7, 5] = 1000.5
    rows[8] = np.linspace(-1, 1, 400)
    w, b = np.linspace(-2, 2, 400), np.linspace(1, -1, 400)
    check_layer(rows, w.astype(np.float16), b.astype(np.float16))
    check_layer(rows.astype(np.float32), w.astype(np.float32), b.astype(np.float32))


def test_layer_norm_of_outlying_pivots() -> None:
    rows = np.random.default_rng(3).standard_normal((3, 330))
    rows[:, ::16] += 100.0
    rows[0, :16], rows[1, 320:] = 50, -70
    check_layer(rows.astype(np.float32), np.ones(330, np.float32), np.zeros(330, np.float32), outliers=True)


@pytest.mark.parametrize("spread", [0.01, 0.1, 1.0])
def test_layer_norm_of_means_that_are_all_rounded_away(spread: float) -> None:
    """Means of superlanes just beyond a number's middle, on both sides of a large mean, and an element far off."""
    unit = float(np.spacing(np.float32(520)))
    sides = np.repeat(np.where(np.arange(20) % 2, 1.0, -1.0), 16)
    steps = np.round((520 + spread * sides) / unit)
    steps += (steps % 2 == 0) + np.where(np.arange(320) % 16 < 8, 0, sides)
    x = (steps * unit).astype(np.float32)
    x[5] = 520 + 17.5 * spread
    check_layer(x[None], np.ones(320, np.float32), np.zeros(320, np.float32), 1e-12)


def test_layer_norm_of_a_constant_row_is_the_bias() -> None:
    b = np.linspace(1, -1, 77).astype(np.float16)
    assert (layer_norm(np.full((2, 77), 1000, np.float16), np.ones(77, np.float16), b) == b).all()


def test_nothing_and_strides() -> None:
    assert rms_norm(np.zeros((0, 3), np.float16), np.ones(3, np.float16)).shape == (0, 3)
    assert rms_norm(np.zeros((3, 0), np.float32), np.ones(0, np.float32)).shape == (3, 0)
    assert layer_norm(np.zeros((2, 0), np.float32), *np.ones((2, 0), np.float32)).shape == (2, 0)
    check_rms(np.linspace(-3, 3, 60, dtype=np.float32).reshape(6, 10)[::-2, 1::3], np.ones(6, np.float32)[::2])


def test_refusals() -> None:
    one = np.ones((2, 4), np.float32)
    with pytest.raises(TypeError, match="one type"):
        rms_norm(one, np.ones(4, np.float16))
    with pytest.raises(TypeError, match="float16"):
        rms_norm(one.astype(np.int8), np.ones(4, np.int8))
    with pytest.raises(ValueError, match=r"w \[n\]"):
        rms_norm(one, np.ones(3, np.float32))
    with pytest.raises(ValueError, match="eps"):
        rms_norm(one, np.ones(4, np.float32), -1.0)
    with pytest.raises(AssemblyError, match="LPU0510"):
        rms_norm.program(R=1 << 20, N=320)
    with pytest.raises(ValueError, match=r"b \[n\]"):
        layer_norm(one, np.ones(4, np.float32), np.ones(3, np.float32))
    with pytest.raises(AssemblyError, match="LPU0510"):
        layer_norm.program(R=30000, N=320)
