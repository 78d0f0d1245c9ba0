"""Reductions of axes against float64 and numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lpuasm import stdlib
from lpuasm.isa.errors import AssemblyError
from lpuasm.stdlib.kernel import Kernel
from lpuasm.stdlib.reductions import nest, plans

Array = NDArray[Any]
NAMES = ("reduce_max", "reduce_mean", "reduce_sum")
DTYPES = {"float32": "f32", "float16": "f16", "int32": "i32"}


def kernel(name: str) -> Kernel:
    found = getattr(stdlib, name)
    assert isinstance(found, Kernel)
    return found


def draw(seed: int, shape: tuple[int, ...], dtype: str, exponent: int = 0) -> Array:
    random = np.random.default_rng(seed)
    if dtype == "int32":
        return random.integers(-(2**31), 2**31, shape).astype(np.int32)
    return (random.standard_normal(shape) * 2.0**exponent).astype(dtype)


def depth(name: str, x: Array, axis: Any) -> int:
    """Sums that an element goes through, whichever plan was taken."""
    axes = tuple(range(x.ndim)) if axis is None else tuple(a % x.ndim for a in np.atleast_1d(axis))
    return max(plan.depth for plan in plans(name, DTYPES[x.dtype.name], *nest(x.shape, axes)[1]) if plan.fits())


def check(name: str, x: Array, axis: Any = -1, keepdims: bool = False) -> None:
    run = kernel(name).run(x, axis, keepdims)
    y = run.result
    assert run.program is not None and run.cycles == run.program.cycles
    call = kernel(name).prepare(x, axis)
    assert call.dims is not None and run.cycles <= kernel(name).contract.cycles(dtype=call.dtype, **call.dims)
    with np.errstate(all="ignore"):
        wide = x.astype(np.float64)
        if name == "reduce_max":
            exact = np.max(x, axis, keepdims=keepdims)
            assert (
                y.dtype == x.dtype
                and y.shape == exact.shape
                and np.array_equal(y, exact, equal_nan=x.dtype.kind == "f")
            )
            return
        if name == "reduce_sum" and x.dtype == np.int32:
            assert y.dtype == np.int32 and np.array_equal(y, np.sum(x, axis, np.int32, keepdims=keepdims))
            return
        exact = (np.mean if name == "reduce_mean" else np.sum)(wide, axis, keepdims=keepdims)
        assert y.dtype == np.float32 and y.shape == exact.shape
        magnitude = np.sum(np.abs(wide), axis, keepdims=keepdims)
        if name == "reduce_mean":
            magnitude = magnitude / (x.size / exact.size)
        bound = depth(name, x, axis) * 2.0**-24 * magnitude + 2.0**-149
        there = np.isfinite(exact)
        assert np.array_equal(np.isnan(y), np.isnan(exact))
        assert np.array_equal(y[~there & ~np.isnan(y)], exact[~there & ~np.isnan(exact)])
        assert (np.abs(y - exact) <= bound)[there].all()


SIZES = st.sampled_from([1, 2, 3, 7, 8, 9, 16, 17, 37, 65, 319, 320, 321, 641])


@settings(max_examples=25, deadline=None)
@given(st.data(), st.sampled_from(NAMES), st.sampled_from(sorted(DTYPES)), st.integers(0, 9))
def test_shapes(data: st.DataObject, name: str, dtype: str, seed: int) -> None:
    shape = tuple(data.draw(st.lists(SIZES, min_size=1, max_size=2)))
    outer = tuple(data.draw(st.lists(st.sampled_from([1, 2, 5]), max_size=2)))
    axis = data.draw(st.integers(-len(outer + shape), len(outer + shape) - 1))
    check(name, draw(seed, outer + shape, dtype, data.draw(st.integers(-20, 8))), axis, data.draw(st.booleans()))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("shape", "dtype", "axis"),
    [
        ((600, 33), "float32", 0),  # a third level, and a split column
        ((1, 40000), "float32", 1),  # tiles first
        ((20, 6000), "int32", 1),
        ((70, 1000), "float32", 1),  # rows of few tiles: two at a time, one, and one that is cast
        ((700, 2000), "int32", 1),
        ((300, 900), "float16", 1),
        ((330, 400), "float16", 1),  # two blocks of rows
        ((40, 16), "float32", 1),  # no, one, two and three rounds of shifts
        ((33, 48), "float32", 1),
        ((17, 112), "float16", 1),
        ((16, 113), "int32", 1),
    ],
)
def test_every_way(name: str, shape: tuple[int, ...], dtype: str, axis: int) -> None:
    check(name, draw(1, shape, dtype), axis)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("axis", [0, 1])
def test_edges(name: str, dtype: str, axis: int) -> None:
    most, least = float(np.finfo(dtype).max), float(np.finfo(dtype).smallest_subnormal)
    x = np.ones((12, 12), dtype)
    rows: list[list[float]] = [[np.nan], [np.inf], [-np.inf], [np.inf, -np.inf], [np.inf, np.nan], [most, -most]]
    rows += [[-0.0] * 12, [-np.inf] * 12, [least] * 12, [-least] * 12, [most / 16] * 12]
    for row, values in zip(x, rows, strict=False):
        row[: len(values)] = values
    check(name, x if axis else np.ascontiguousarray(x.T), axis)


@settings(max_examples=20, deadline=None)
@given(st.data(), st.sampled_from(NAMES), st.sampled_from(sorted(DTYPES)), st.integers(0, 9))
def test_axes_apart(data: st.DataObject, name: str, dtype: str, seed: int) -> None:
    short = st.sampled_from([1, 2, 3, 5, 7])
    shape = [*data.draw(st.lists(short, min_size=1, max_size=3)), data.draw(SIZES), data.draw(short)]
    shape[data.draw(st.integers(0, len(shape) - 1))] = data.draw(short)
    axes = data.draw(st.lists(st.integers(0, len(shape) - 1), unique=True, min_size=1))
    signed = tuple(a - len(shape) * data.draw(st.integers(0, 1)) for a in data.draw(st.permutations(axes)))
    check(name, draw(seed, tuple(shape), dtype, data.draw(st.integers(-20, 8))), signed, data.draw(st.booleans()))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("shape", "dtype", "axis"),
    [
        ((33, 4, 40), "float32", (0, 2)),  # pieces of three superlanes
        ((5, 7, 3, 321), "float16", (0, 1, 3)),
        ((70, 90, 30), "float32", (0, 2)),  # many pieces of a row: those first
        ((7, 340, 160), "float16", (0, 2)),  # two blocks of rows, each piece half a tile
        ((4, 3, 5, 70), "int32", (0, 2)),  # inner axes: any order of vectors
        ((2, 3, 1, 2, 1, 319), "int32", (2, 1, -1, 4)),
    ],
)
def test_every_way_apart(name: str, shape: tuple[int, ...], dtype: str, axis: tuple[int, ...]) -> None:
    check(name, draw(1, shape, dtype), axis, keepdims=True)


@pytest.mark.parametrize("name", NAMES)
def test_axes(name: str) -> None:
    x = draw(3, (3, 4, 5, 6), "float32")
    for axis in (None, (1, 2), (-1, -2), (0, 1, 2, 3), ()):
        y = kernel(name)(x, axis)
        assert np.allclose(y, getattr(np, name.removeprefix("reduce_"))(x, axis), atol=1e-5)
    check(name, x[:, ::-2, :, 1::3].T, 2)
    assert kernel(name)(np.float32(3)) == 3
    with pytest.raises(ValueError, match="no axis"):
        kernel(name)(x, 4)
    with pytest.raises(ValueError, match="twice"):
        kernel(name)(x, (1, -3))


def test_nothing() -> None:
    x = np.zeros((0, 3), np.float16)
    assert np.array_equal(kernel("reduce_sum")(x, 0), np.zeros(3, np.float32))
    assert np.isnan(kernel("reduce_mean")(x, 0)).all() and kernel("reduce_mean")(x, 0).shape == (3,)
    assert kernel("reduce_max")(x, 1).shape == (0,) and kernel("reduce_sum")(x, 1, keepdims=True).shape == (0, 1)
    with pytest.raises(ValueError, match="no largest"):
        kernel("reduce_max")(x, 0)


def test_mean_of_integers_does_not_overflow() -> None:
    x = np.full((40, 50), 2**31 - 1, np.int32)
    assert (kernel("reduce_mean")(x, 0) == 2.0**31).all() and (kernel("reduce_mean")(x) == 2.0**31).all()
    assert (kernel("reduce_sum")(x, 0) == np.int32(-40)).all()


def test_refusals() -> None:
    with pytest.raises(TypeError, match="int32"):
        kernel("reduce_sum")(np.zeros(3, np.int8))
    with pytest.raises(AssemblyError, match="LPU0510"):
        kernel("reduce_sum").program(O=100_000, R=50)
    with pytest.raises(AssemblyError) as caught:
        kernel("reduce_max").program(R=1 << 30)
    assert "reduce parts" in caught.value.diagnostics[0].help
    with pytest.raises(TypeError, match="1 or more"):
        kernel("reduce_max").program(R=0)
