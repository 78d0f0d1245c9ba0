"""quantize and dequantize against float64 and numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lpuasm.isa.errors import AssemblyError
from lpuasm.stdlib import dequantize, quantize
from lpuasm.stdlib.kernel import Kernel

Array = NDArray[Any]
SHAPES = ((1,), (7, 3), (2, 9, 33), (3, 321), (321, 2), (640,), (5, 1, 4), (2561,))
UGLY = [0.0, -0.0, np.nan, np.inf, -np.inf, 65504.0, -65504.0, 6e-8, 0.5, 1.5, 2.5, -0.5]


def spread(scale: Array, rank: int, axis: int | None) -> Array:
    return scale if axis is None else scale.reshape([-1 if k == axis % rank else 1 for k in range(rank)])


def held(kernel: Any, run: Any) -> None:
    d = dict(run.program.defines)
    dtype = "f16" if d.pop("F16") else "f32"
    assert run.cycles == run.program.cycles <= kernel.contract.cycles(dtype=dtype, **d)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(SHAPES), st.sampled_from([None, 0, -1, 1]), st.booleans(), st.integers(0, 99))
def test_quantize(shape: tuple[int, ...], axis: int | None, half: bool, seed: int) -> None:
    axis = axis if axis is None or axis < len(shape) else 0
    random = np.random.default_rng(seed)
    x = np.where(random.random(shape) < 0.2, random.choice(UGLY, shape), random.standard_normal(shape) * 50)
    x = x.astype(np.float16 if half else np.float32)
    scale = np.float32(2.0) ** random.integers(-3, 4) * random.uniform(1, 2, () if axis is None else x.shape[axis])
    scale = np.asarray(scale, np.float32)
    run = quantize.run(x, scale, axis)
    with np.errstate(all="ignore"):
        exact = x.astype(np.float64) / spread(scale, x.ndim, axis).astype(np.float64)
        near = [
            np.clip(np.rint(np.nan_to_num(exact * (1 + e), nan=0.0)), -128, 127) for e in (-(2.0**-22), 0, 2.0**-22)
        ]
    assert run.result.dtype == np.int8 and run.result.shape == x.shape
    assert ((run.result >= np.minimum(near[0], near[2])) & (run.result <= np.maximum(near[0], near[2]))).all()
    held(quantize, run)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(SHAPES), st.sampled_from([None, 0, -1, 1]), st.booleans(), st.integers(0, 99))
def test_dequantize(shape: tuple[int, ...], axis: int | None, half: bool, seed: int) -> None:
    axis = axis if axis is None or axis < len(shape) else 0
    random = np.random.default_rng(seed)
    x = random.integers(-128, 128, shape).astype(np.int8)
    scale = random.standard_normal(() if axis is None else x.shape[axis]).astype(np.float32)
    run = dequantize.run(x, scale, axis, dtype="float16" if half else "float32")
    exact = (x.astype(np.float32) * spread(np.asarray(scale), x.ndim, axis)).astype(np.float16 if half else np.float32)
    assert run.result.dtype == exact.dtype and np.array_equal(run.result, exact)
    held(dequantize, run)


def test_ties_go_to_even() -> None:
    x = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 300, -300, np.nan], np.float32)
    assert quantize(x, 1.0).tolist() == [0, 2, 2, 0, -2, 127, -128, 0]


def test_nothing_and_refusals() -> None:
    assert quantize(np.zeros((0, 3), np.float32), 1.0).shape == (0, 3)
    with pytest.raises(ValueError, match="positive"):
        quantize(np.ones(3, np.float32), -1.0)
    with pytest.raises(ValueError, match="shape"):
        dequantize(np.ones((3, 4), np.int8), np.ones(3), axis=1)
    with pytest.raises(TypeError, match="int8"):
        dequantize(np.ones(3, np.float32), 1.0)
    with pytest.raises(AssemblyError, match="LPU0510"):
        quantize.program(R=1 << 20)


@pytest.mark.parametrize("dtype", ["f32", "f16"])
@pytest.mark.parametrize("rows, outer", [(1, 120), (57, 100), (65, 100)])
@pytest.mark.parametrize("scaled", [quantize, dequantize], ids=repr)
def test_short_tiles_keep_the_contract_too(scaled: Kernel, rows: int, outer: int, dtype: str) -> None:
    kinds: tuple[dict[str, int], ...] = ({}, {"SR": 1}, {"SI": 1})
    for scales in kinds:
        dims = {"O": outer, "R": rows, **scales}
        cycles = scaled.program(dtype=dtype, **dims).cycles
        assert cycles is not None and cycles <= scaled.contract.cycles(dtype=dtype, **dims)
