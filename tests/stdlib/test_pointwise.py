"""Kernels of one operand against float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lpuasm import stdlib
from lpuasm.isa.errors import AssemblyError
from lpuasm.stdlib.kernel import Kernel

Array = NDArray[Any]
Reference = Callable[[Array], Array]


def power(x: Array) -> Array:
    return np.asarray(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))


EXACT: dict[str, Reference] = {
    "relu": lambda x: np.maximum(x, 0),
    "exp": np.exp,
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "gelu": lambda x: x / (1 + np.exp(-2 * power(x))),
}
#: Of the f32 result: relative error in units of 2⁻²³.
RELATIVE: dict[str, Reference] = {
    "relu": np.zeros_like,
    "exp": lambda x: np.full_like(x, 0.51),
    "tanh": lambda x: np.full_like(x, 0.51),
    "sigmoid": lambda x: np.full_like(x, 4.0),
    "silu": lambda x: np.full_like(x, 5.0),
    "gelu": lambda x: 8 + 8 * np.abs(power(x)),
}
NAMES = sorted(EXACT)
EDGES = np.array(
    [
        0.0,
        -0.0,
        1,
        -1,
        1e-8,
        -1e-8,
        6e-5,
        20,
        -20,
        87,
        -87,
        90,
        -110,
        65504,
        -65504,
        3e38,
        -3e38,
        np.nan,
        np.inf,
        -np.inf,
    ]
)


def kernel(name: str) -> Kernel:
    found = getattr(stdlib, name)
    assert isinstance(found, Kernel)
    return found


def order(x: Array) -> Array:
    """f16 values as integers in their order, so that neighbours differ by one."""
    bits = x.view(np.int16).astype(np.int64)
    return np.where(bits < 0, -(bits & 0x7FFF), bits)


def check(name: str, x: Array) -> None:
    run = kernel(name).run(x)
    y = run.result
    assert y.shape == x.shape and y.dtype == x.dtype
    if run.program is not None:
        assert run.cycles == run.program.cycles
        assert run.cycles <= kernel(name).contract.cycles(N=x.size, dtype="f16" if x.dtype == np.float16 else "f32")
    wide = x.astype(np.float64)
    with np.errstate(all="ignore"):
        exact = EXACT[name](wide)
        rounded = exact.astype(x.dtype)
        assert np.array_equal(np.isnan(y), np.isnan(rounded))
        there = ~np.isnan(rounded)
        if x.dtype == np.float16:
            assert (np.abs(order(y) - order(rounded))[there] <= 1).all()
            return
        limit = np.where(np.abs(exact) < 3.4e38, 2.0**-23 * RELATIVE[name](wide) * np.abs(exact), 0)
        tiny = 2.0**-126 * np.maximum(np.abs(wide), 1) if name != "relu" else 0
        near = np.abs(y.astype(np.float64) - exact) <= limit + tiny
        assert (near | (y == rounded))[there].all()


@pytest.mark.parametrize("name", NAMES)
def test_every_f16(name: str) -> None:
    check(name, np.arange(1 << 16, dtype=np.uint16).view(np.float16))


@pytest.mark.parametrize("name", NAMES)
def test_edges(name: str) -> None:
    check(name, EDGES.astype(np.float32))


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, 9), st.integers(-20, 7), st.sampled_from([1, 319, 320, 321, 2560, 2561]))
def test_f32(name: str, seed: int, exponent: int, n: int) -> None:
    random = np.random.default_rng(seed)
    check(name, (random.standard_normal(n) * 2.0**exponent).astype(np.float32))


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(NAMES), st.lists(st.sampled_from([1, 2, 3, 7, 17]), max_size=3), st.booleans())
def test_shapes(name: str, shape: list[int], half: bool) -> None:
    x = np.linspace(-4, 4, int(np.prod(shape))).reshape(shape)
    check(name, x.astype(np.float16 if half else np.float32))


def test_nothing_and_strides() -> None:
    assert kernel("exp")(np.zeros((0, 3), np.float16)).shape == (0, 3)
    check("silu", np.linspace(-3, 3, 60, dtype=np.float32).reshape(6, 10)[::-2, 1::3].T)


def test_refusals() -> None:
    with pytest.raises(TypeError, match="float16"):
        kernel("exp")(np.zeros(3, np.int8))
    with pytest.raises(AssemblyError, match="LPU0510"):
        kernel("exp").program(N=1 << 24)
