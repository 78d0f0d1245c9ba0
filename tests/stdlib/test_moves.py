"""transpose against numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lpuasm.isa.errors import AssemblyError
from lpuasm.stdlib import transpose

SIZES = st.sampled_from((1, 2, 3, 15, 16, 17, 160, 319, 320, 321, 641))
TYPES = ("int8", "float16", "float32", "int32")


def check(x: NDArray[Any]) -> None:
    """Bit for bit, in the cycles that were stated and promised."""
    run = transpose.run(x)
    assert run.result.dtype == x.dtype and run.result.shape == x.T.shape
    assert np.ascontiguousarray(run.result).tobytes() == np.ascontiguousarray(x.T).tobytes()
    if run.program is not None:
        r, *middle, n = x.shape
        dtype = {1: "i8", 2: "f16", 4: "f32"}[x.itemsize]
        most = transpose.contract.cycles(R=r, N=n, B=int(np.prod(middle)), dtype=dtype)
        assert run.cycles == run.program.cycles <= most


def drawn(shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    size = np.dtype(dtype).itemsize
    octets = np.random.default_rng(len(shape)).integers(0, 256, (int(np.prod(shape)) * size,), np.uint8)
    return octets.view(dtype).reshape(shape)


@settings(max_examples=20, deadline=None)
@given(SIZES, SIZES, st.sampled_from(TYPES))
def test_matrices(r: int, n: int, dtype: str) -> None:
    check(drawn((r, n), dtype))


@pytest.mark.parametrize("shape", [(3,), (5, 2, 7), (2, 3, 4, 5), (321, 2, 3), (0, 4), (3, 0, 2)])
@pytest.mark.parametrize("dtype", TYPES)
def test_other_ranks(shape: tuple[int, ...], dtype: str) -> None:
    check(drawn(shape, dtype))


def test_strides_and_refusals() -> None:
    check(drawn((40, 60), "float32")[::-2, 1::3])
    with pytest.raises(TypeError, match="bytes"):
        transpose(np.zeros((2, 2)))
    with pytest.raises(AssemblyError, match="LPU0510"):
        transpose.program(R=10_000, N=10_000)
