"""Softmax against float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lpuasm.isa.errors import AssemblyError
from lpuasm.stdlib import softmax
from lpuasm.stdlib.distributions import plans
from lpuasm.stdlib.reductions import nest

Array = NDArray[Any]


def exact(x: Array, axis: int) -> tuple[Array, Array]:
    """The weights in float64, and how far each element is below the largest."""
    wide = x.astype(np.float64)
    below = np.max(wide, axis, keepdims=True) - wide
    powers = np.exp(-below)
    return powers / powers.sum(axis, keepdims=True), below


def check(x: Array, axis: int = -1) -> None:
    run = softmax.run(x, axis)
    y = run.result
    assert y.shape == x.shape and y.dtype == x.dtype
    assert run.program is not None and run.cycles == run.program.cycles
    call = softmax.prepare(x, axis)
    assert call.dims is not None and run.cycles <= softmax.contract.cycles(dtype=call.dtype, **call.dims)
    with np.errstate(all="ignore"):
        wanted, below = exact(x, axis)
    assert np.array_equal(np.isnan(y), np.isnan(wanted))
    there = ~np.isnan(wanted)
    if x.dtype == np.float16:
        bound = np.maximum((2.0**-11 + 2.0**-18) * wanted, 2.0**-25 + 2.0**-32)
    else:
        outer, _, reduced, inner = nest(x.shape, (axis % x.ndim,))[1]
        shape = outer, reduced, inner
        depth = max(plan.depth for plan in plans(call.dtype, *shape) if plan.fits())
        scale = np.where(np.isfinite(below), below, 0) + np.log(shape[1]) + depth + 7
        bound = scale * 2.0**-24 * wanted + 2.0**-148
    assert (np.abs(y - wanted) <= bound)[there].all()


SIZES = st.sampled_from([1, 2, 3, 7, 8, 9, 16, 17, 37, 65, 319, 320, 321, 641])


@settings(max_examples=20, deadline=None)
@given(st.data(), st.sampled_from(["float32", "float16"]), st.integers(0, 9), st.integers(-6, 6))
def test_shapes(data: st.DataObject, dtype: str, seed: int, exponent: int) -> None:
    shape = data.draw(st.lists(st.sampled_from([1, 2, 5]), max_size=2)) + data.draw(
        st.lists(SIZES, min_size=1, max_size=2)
    )
    x = (np.random.default_rng(seed).standard_normal(shape) * 2.0**exponent).astype(dtype)
    check(x, data.draw(st.integers(-len(shape), len(shape) - 1)))


@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((600, 33), 0),  # a column cut in two, its ALUs keeping the reciprocal
        ((130, 1000), 0),  # columns on both sides
        ((300, 2, 320), 0),
        ((50, 1300), 1),  # rows, the same
        ((20, 16), 1),  # rows within a superlane
        ((20, 17), 1),
        ((53, 15, 27), 1),  # many short columns, cut in two; and longer ones
        ((110, 100, 2), 1),
        ((36, 64, 2), 1),
        ((700, 5), 1),  # many columns, none kept by an ALU
        ((1, 30000), 1),  # long rows: one, cut in two, and several
        ((5, 9000), 1),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_every_way(shape: tuple[int, ...], axis: int, dtype: str) -> None:
    check((np.random.default_rng(1).standard_normal(shape) * 4).astype(dtype), axis)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("axis", [0, 1])
def test_edges(dtype: str, axis: int) -> None:
    most, least = float(np.finfo(dtype).max), float(np.finfo(dtype).smallest_subnormal)
    x = np.zeros((20, 40), dtype)
    rows: list[list[float]] = [[np.nan], [np.inf], [-np.inf], [np.inf, -np.inf], [np.inf, np.inf], [most, -most]]
    rows += [
        [-np.inf] * 40,
        [-np.inf] * 39,
        [-np.inf] * 16,
        [-most] * 40,
        [most] * 40,
        [least, -least],
        [-np.inf, np.nan],
    ]
    rows += [[-80.0], [-90.0, -100.0, -103.0, -110.0], [17.0, 10.0, -0.5], [-0.0] * 40]
    for row, values in zip(x, rows, strict=False):
        row[: len(values)] = values
    check(x if axis else np.ascontiguousarray(x.T), axis)


def test_edges_of_long_rows() -> None:
    x = np.zeros((7, 8000), np.float32)
    x[0], x[1, :7999], x[2, 5000], x[3, 17] = -np.inf, -np.inf, np.nan, np.inf
    x[4, ::2], x[5], x[6, 320:] = 90, 3.4e38, -np.inf
    check(x)


def test_weights_add_up_to_one() -> None:
    x = np.random.default_rng(2).standard_normal((40, 500)).astype(np.float32)
    for axis in (0, 1):
        assert np.allclose(softmax(x, axis).astype(np.float64).sum(axis), 1, rtol=40 * 2.0**-24, atol=0)


def test_nothing_and_strides() -> None:
    assert softmax(np.zeros((0, 3), np.float16), 0).shape == (0, 3)
    assert softmax(np.zeros((3, 0), np.float32)).shape == (3, 0)
    assert softmax(np.float32(5)) == 1
    check(np.linspace(-3, 3, 60, dtype=np.float32).reshape(6, 10)[::-2, 1::3].T)


def test_refusals() -> None:
    with pytest.raises(TypeError, match="float16"):
        softmax(np.zeros(3, np.int32))
    with pytest.raises(ValueError, match="no axis"):
        softmax(np.zeros((3, 3), np.float32), 2)
    with pytest.raises(TypeError, match="one number"):
        softmax(np.zeros((3, 3), np.float32), None)
    with pytest.raises(AssemblyError) as caught:
        softmax.program(O=10**6, R=50)
    assert "up to O=" in caught.value.diagnostics[0].help
    with pytest.raises(AssemblyError) as caught:
        softmax.program(R=1 << 28)
    assert "up to R=" in caught.value.diagnostics[0].help
