"""conv2d against sums over windows in exact integers and float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lpuasm.isa.errors import AssemblyError
from lpuasm.stdlib import conv2d
from lpuasm.stdlib.windows import Shape, plan

Array = NDArray[Any]
Pair = tuple[int, int]


def windows(x: Array, w: Array, stride: Pair, padding: Pair, groups: int) -> Array:
    """The convolution in int64 or float64: every tap of the kernel, one after another."""
    wide = np.float64 if x.dtype == np.float16 else np.int64
    x = np.pad(x.astype(wide), ((0, 0), (padding[0],) * 2, (padding[1],) * 2, (0, 0)))
    o, kh, kw, depth = w.shape
    high, across = ((x.shape[a] - w.shape[a]) // stride[a - 1] + 1 for a in (1, 2))
    out = np.zeros((len(x), high, across, o), wide)
    for g in range(groups):
        outs, ins = slice(g * o // groups, (g + 1) * o // groups), slice(g * depth, (g + 1) * depth)
        for row in range(kh):
            for column in range(kw):
                seen = x[:, row :: stride[0], column :: stride[1], ins][:, :high, :across]
                out[..., outs] += np.einsum("nhwi,oi->nhwo", seen, w[outs, row, column].astype(wide))
    return out


def dims(x: Array, w: Array, bias: Array | None, stride: Pair, padding: Pair, groups: int) -> dict[str, int]:
    names = ("N", "H", "W", "I", "O", "KH", "KW", "SH", "SW", "PH", "PW", "GROUPS", "BIAS")
    return dict(zip(names, (*x.shape, *w.shape[:3], *stride, *padding, groups, int(bias is not None)), strict=True))


def held(
    x: Array, w: Array, bias: Array | None = None, stride: Pair = (1, 1), padding: Pair = (0, 0), groups: int = 1
) -> None:
    """Runs it, and holds the result and the cycles to what is promised."""
    run = conv2d.run(x, w, bias, stride=stride, padding=padding, groups=groups)
    exact = windows(x, w, stride, padding, groups) + (0 if bias is None else bias)
    dtype = "f16" if x.dtype == np.float16 else "i8"
    assert run.program is not None and run.cycles == run.program.cycles
    assert run.cycles <= conv2d.contract.cycles(dtype=dtype, **dims(x, w, bias, stride, padding, groups))
    if dtype == "i8":
        assert run.result.dtype == np.int32 and np.array_equal(run.result, exact)
        return
    size = windows(abs(x), abs(w), stride, padding, groups) + (0 if bias is None else abs(bias))
    sums = w.shape[1] * w.shape[2] * (-(-w.shape[3] // 160) + 1)
    unit = np.spacing(abs(exact).astype(np.float16)).astype(np.float64)
    assert run.result.dtype == np.float16
    # Half a unit, and a little more where the error carries it over a power of two.
    assert (abs(run.result - exact) <= 1.001 * ((sums + 1) * 2.0**-24 * size + unit / 2)).all()


def arrays(random: np.random.Generator, dtype: str, shape: tuple[int, ...], o: int, kernel: Pair, groups: int) -> Any:
    """(images, weights, bias)"""
    deep = (o, *kernel, shape[3] // groups)
    if dtype == "i8":
        x, w = (random.integers(-128, 128, s).astype(np.int8) for s in (shape, deep))
        return x, w, random.integers(-50_000, 50_000, o).astype(np.int32)
    return tuple(random.standard_normal(s).astype(np.float16) for s in (shape, deep, (o,)))


SMALL = st.integers(1, 9) | st.sampled_from((13, 30, 41))
CHANNELS = st.integers(1, 5) | st.sampled_from((16, 33, 64, 159, 160, 161, 319, 320, 321))
STRIDES = st.tuples(st.integers(1, 3), st.integers(1, 3))
KERNELS = st.tuples(st.integers(1, 4), st.integers(1, 4)) | st.sampled_from(((1, 1), (3, 3), (1, 7)))


@pytest.mark.parametrize("dtype", ["i8", "f16"])
@settings(max_examples=14, deadline=None)
@given(
    image=st.tuples(st.integers(1, 3), SMALL, SMALL),
    i=CHANNELS,
    o=CHANNELS,
    kernel=KERNELS,
    stride=STRIDES,
    padding=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    biased=st.booleans(),
    seed=st.integers(0, 9),
)
def test_shapes(
    dtype: str,
    image: tuple[int, int, int],
    i: int,
    o: int,
    kernel: Pair,
    stride: Pair,
    padding: Pair,
    biased: bool,
    seed: int,
) -> None:
    assume(kernel[0] <= image[1] + 2 * padding[0] and kernel[1] <= image[2] + 2 * padding[1])
    assume(i * o * kernel[0] * kernel[1] < 250_000)
    x, w, b = arrays(np.random.default_rng(seed), dtype, (*image, i), o, kernel, 1)
    held(x, w, b if biased else None, stride, padding)


@pytest.mark.parametrize("dtype", ["i8", "f16"])
@settings(max_examples=8, deadline=None)
@given(
    groups=st.sampled_from((2, 3, 5, 32, 107, 320)),
    i=st.integers(1, 3),
    o=st.integers(1, 3),
    kernel=KERNELS,
    stride=STRIDES,
    seed=st.integers(0, 9),
)
def test_groups(dtype: str, groups: int, i: int, o: int, kernel: Pair, stride: Pair, seed: int) -> None:
    x, w, b = arrays(np.random.default_rng(seed), dtype, (1, 8, 9, groups * i), groups * o, kernel, groups)
    held(x, w, b, stride, (1, 2), groups)


@pytest.mark.parametrize(
    ("shape", "o", "kernel", "stride", "padding", "groups", "way", "alone"),
    [
        ((1, 60, 59, 3), 64, (7, 7), (2, 2), (3, 3), 1, "rows", False),  # folded: four rows, two classes
        ((2, 33, 50, 2), 40, (3, 5), (1, 2), (1, 0), 1, "rows", False),  # three rows, three classes
        ((1, 90, 64, 3), 30, (4, 3), (3, 1), (1, 1), 1, "rows", False),  # three rows, one class
        ((1, 64, 224, 3), 64, (1, 7), (1, 2), (0, 3), 1, "rows", False),  # phases
        ((2, 40, 41, 64), 64, (3, 3), (1, 1), (1, 1), 1, "rows", False),
        ((1, 40, 40, 96), 64, (3, 3), (1, 1), (1, 1), 32, "rows", False),
        ((1, 2, 150, 300), 40, (2, 3), (1, 2), (0, 0), 1, "turned", False),
        ((3, 30, 31, 64), 64, (1, 1), (1, 1), (0, 0), 1, "line", False),
        ((3, 29, 31, 321), 8, (1, 1), (2, 3), (0, 1), 1, "line", False),
        ((50, 3, 4, 50), 7, (3, 4), (1, 1), (0, 0), 1, "whole", False),
        ((3, 3, 4, 50), 7, (5, 6), (3, 3), (1, 1), 1, "whole", True),
        ((1, 6, 6, 800), 700, (2, 2), (2, 2), (1, 1), 2, "rows", True),
        ((1, 7, 7, 330), 321, (3, 3), (1, 1), (1, 1), 1, "rows", True),
        ((1, 3, 3, 64), 700, (1, 1), (1, 1), (0, 0), 1, "line", True),  # columns of one tile
        ((1, 3, 4, 700), 700, (1, 1), (1, 1), (0, 0), 1, "line", True),  # of three
    ],
)
@pytest.mark.parametrize("dtype", ["i8", "f16"])
def test_ways(
    dtype: str,
    shape: tuple[int, int, int, int],
    o: int,
    kernel: Pair,
    stride: Pair,
    padding: Pair,
    groups: int,
    way: str,
    alone: bool,
) -> None:
    x, w, b = arrays(np.random.default_rng(0), dtype, shape, o, kernel, groups)
    laid = plan(Shape(**dims(x, w, b, stride, padding, groups)), dtype)
    assert laid is not None and (laid.way, laid.alone) == (way, alone)
    held(x, w, b, stride, padding, groups)


def test_sums_beyond_32_bits_are_modular() -> None:
    x, w = np.full((1, 4, 4, 1), -128, np.int8), np.full((1, 2, 2, 1), -128, np.int8)
    bias = np.array([2**31 - 1], np.int32)
    assert (conv2d(x, w, bias) == np.int32(-(2**31) + 4 * 2**14 - 1)).all()


@pytest.mark.parametrize("groups", [1, 4])
def test_what_is_not_finite_stays_where_it_is(groups: int) -> None:
    random = np.random.default_rng(0)
    x, w, _ = arrays(random, "f16", (1, 6, 12, 8), 8, (3, 3), groups)
    x[0, 2, 3, 1], x[0, 4, 9, 7] = np.nan, np.inf
    exact = windows(x, w, (1, 1), (1, 1), groups).astype(np.float16)
    result = conv2d(x, w, padding=1, groups=groups)
    assert np.array_equal(np.isnan(result), np.isnan(exact))
    assert np.array_equal(result[np.isinf(exact)], exact[np.isinf(exact)])


def test_huge_and_tiny() -> None:
    x = np.full((1, 4, 5, 6), 60000, np.float16)
    assert np.isposinf(conv2d(x, np.full((2, 3, 3, 6), 60000, np.float16))).all()
    tiny = np.full((1, 4, 5, 6), 2.0**-24, np.float16)
    held(tiny, np.full((2, 3, 3, 6), 0.75, np.float16), np.full(2, -(2.0**-24), np.float16))


def test_nothing() -> None:
    x, w = np.ones((2, 5, 6, 4), np.int8), np.ones((3, 2, 2, 4), np.int8)
    assert conv2d(x[:0], w).shape == (0, 4, 5, 3)
    assert conv2d(x, w[:0]).shape == (2, 4, 5, 0)
    assert np.array_equal(conv2d(x[..., :0], w[..., :0], np.arange(3, dtype=np.int32))[1, 3, 4], np.arange(3))


def test_refusals() -> None:
    x, w = np.ones((1, 5, 6, 4), np.int8), np.ones((3, 2, 2, 4), np.int8)
    with pytest.raises(TypeError, match="int8"):
        conv2d(x, w.astype(np.float16))
    with pytest.raises(TypeError, match="bias"):
        conv2d(x, w, np.ones(3, np.float16))
    with pytest.raises(TypeError, match="stride"):
        conv2d(x, w, stride=1.5)
    with pytest.raises(ValueError, match="padding"):
        conv2d(x, w, padding=(0, -1))
    with pytest.raises(ValueError, match="does not lie"):
        conv2d(x, np.ones((3, 6, 2, 4), np.int8))
    with pytest.raises(ValueError, match="groups"):
        conv2d(x, w, groups=2)
    with pytest.raises(ValueError, match="wanted"):
        conv2d(x[0], w)
    with pytest.raises(AssemblyError, match="LPU0510") as refused:
        conv2d.program(N=100, H=224, W=224, I=64, O=64, KH=3, KW=3, PH=1, PW=1)
    assert "N up to 6" in refused.value.diagnostics[0].help
    with pytest.raises(AssemblyError, match="LPU0510"):
        conv2d.program(N=1, H=5, W=5, I=20_000, O=20_000, KH=3, KW=3)
    with pytest.raises(TypeError, match="kernel"):
        conv2d.program(N=1, H=5, W=5, I=2, O=2, KH=7)
