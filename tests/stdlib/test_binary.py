"""Kernels of two operands against numpy, whose sums, differences and products are rounded once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes
from numpy.typing import NDArray

from lpuasm import stdlib
from lpuasm.isa.errors import AssemblyError
from lpuasm.stdlib import binary
from lpuasm.stdlib.kernel import Kernel

Array = NDArray[Any]
EXACT = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "maximum": np.maximum}
NAMES = sorted(EXACT)
TYPES = ("float32", "float16", "int32")
UGLY = [0.0, -0.0, 1, -1, 65504, -65504, 6e-8, 1e-5, 3.1, np.nan, np.inf, -np.inf]


def kernel(name: str) -> Kernel:
    found = getattr(stdlib, name)
    assert isinstance(found, Kernel)
    return found


def values(random: np.random.Generator, dtype: str, shape: tuple[int, ...]) -> Array:
    if dtype == "int32":
        return random.integers(-(1 << 31), 1 << 31, shape).astype(np.int32)
    return np.where(random.random(shape) < 0.2, random.choice(UGLY, shape), random.standard_normal(shape)).astype(dtype)


def check(name: str, x: Array, y: Array) -> None:
    run = kernel(name).run(x, y)
    with np.errstate(all="ignore"):
        exact = EXACT[name](x, y)
    assert run.result.dtype == x.dtype and np.array_equal(run.result, exact, equal_nan=x.dtype != np.int32)
    if run.program is not None:
        assert run.cycles == run.program.cycles
        dims = {k: int(v) for k, v in run.program.defines.items() if k not in ("F16", "I32")}
        assert run.cycles <= binary.ADD.contract.cycles(dtype=binary._TYPES[x.dtype.name], **dims)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", NAMES)
def test_same_shapes(name: str, dtype: str) -> None:
    random = np.random.default_rng(3)
    check(name, values(random, dtype, (37, 53)), values(random, dtype, (37, 53)))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    ("x", "y"),
    [
        *[((5, 321), (321,)), ((9, 40), (9, 1)), ((9, 1), (1, 400)), ((7,), ()), ((1, 1), (640, 2))],
        *[((2, 9, 330), (2, 1, 330)), ((2, 9, 33), (1, 9, 1)), ((3, 1, 5), (3, 4, 1)), ((17, 1), (320,))],
    ],
)
def test_broadcasting(x: tuple[int, ...], y: tuple[int, ...], dtype: str) -> None:
    random = np.random.default_rng(5)
    check("sub", values(random, dtype, x), values(random, dtype, y))
    check("add", values(random, dtype, y), values(random, dtype, x))


@settings(max_examples=25, deadline=None)
@given(
    mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=12),
    st.sampled_from(NAMES),
    st.sampled_from(TYPES),
    st.integers(0, 99),
)
def test_drawn(shapes: Any, name: str, dtype: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    x, y = shapes.input_shapes
    check(name, values(random, dtype, x), values(random, dtype, y))


@settings(max_examples=10, deadline=None)
@given(st.sampled_from([1, 319, 320, 321, 2560, 2561]), st.sampled_from(NAMES), st.sampled_from(TYPES))
def test_sizes(n: int, name: str, dtype: str) -> None:
    random = np.random.default_rng(n)
    check(name, values(random, dtype, (n,)), values(random, dtype, (n,)))


def test_zeros_have_signs() -> None:
    got = kernel("maximum")(np.array([-0.0, 0.0], np.float32), np.array([0.0, -0.0], np.float32))
    assert not np.signbit(got).any()


def test_refusals() -> None:
    with pytest.raises(TypeError, match="float16"):
        kernel("add")(np.zeros(3, np.int8), np.zeros(3, np.int8))
    with pytest.raises(ValueError, match="broadcast"):
        kernel("add")(np.zeros((2, 3), np.float32), np.zeros((2, 4), np.float32))
    with pytest.raises(ValueError, match="4 runs"):
        kernel("add")(np.zeros((2, 1, 2, 1), np.float32), np.zeros((1, 2, 1, 2), np.float32))
    with pytest.raises(AssemblyError, match="LPU0510"):
        kernel("add").program(R=1 << 20)
    assert kernel("mul")(np.zeros((0, 3), np.float32), np.zeros(3, np.float32)).shape == (0, 3)


@pytest.mark.parametrize("lacks", [{}, {"YR": 0}, {"YI": 0}, {"YR": 0, "YI": 0}, {"XI": 0, "YR": 0}])
def test_short_tiles_keep_the_contract_too(lacks: dict[str, int]) -> None:
    for rows, outer in ((1, 150), (17, 120)):
        dims = {"O": outer, "R": rows, "YO": 0, **lacks}
        cycles = binary.ADD.program(**dims).cycles
        assert cycles is not None and cycles <= binary.ADD.contract.cycles(**dims)
