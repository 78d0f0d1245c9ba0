"""transpose and gather against numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lpuasm.isa.errors import AssemblyError
from lpuasm.stdlib import gather, transpose

SIZES = st.sampled_from((1, 2, 3, 15, 16, 17, 31, 160, 319, 320, 321, 641))
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


@settings(max_examples=20, deadline=None)
@given(SIZES, st.sampled_from((2, 5, 40)), SIZES, st.sampled_from(TYPES))
def test_many_matrices(r: int, batch: int, n: int, dtype: str) -> None:
    assume(r * n <= 320 * 160)
    check(drawn((r, batch, n), dtype))


# By the SXM with and without the second tensor of results, by the planes with few columns, and with many results.
@pytest.mark.parametrize(
    "shape", [(2, 2, 161), (3, 1400, 208), (320, 9, 2), (17, 5, 320), (20, 401, 320), (16, 321, 1)]
)
def test_ways(shape: tuple[int, int, int]) -> None:
    check(drawn(shape, "int8"))


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


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from([(1,), (5,), (300, 7), (257, 320), (1000, 321), (17, 2, 161)]),
    st.sampled_from([(), (1,), (2, 3), (40,)]),
    st.sampled_from(TYPES),
)
def test_gather(table: tuple[int, ...], shape: tuple[int, ...], dtype: str) -> None:
    rows = drawn(table, dtype)
    indices = np.asarray(np.random.default_rng(0).integers(0, len(rows), shape), np.int32)
    run = gather.run(rows, indices)
    assert run.result.dtype == rows.dtype and run.result.shape == rows[indices].shape
    assert run.result.tobytes() == np.ascontiguousarray(rows[indices]).tobytes()
    assert run.program is not None and run.cycles == run.program.cycles <= 160 + indices.size


def test_gather_at_the_ends() -> None:
    rows = drawn((8192, 3), "int8")
    indices = np.array([0, 8191, 255, 256, 4095, 4096], np.int32)
    assert np.array_equal(gather(rows, indices), rows[indices])
    assert gather(rows, np.zeros((0, 2), np.int32)).shape == (0, 2, 3)
    with pytest.raises(IndexError, match="8191"):
        gather(rows, np.array([8192], np.int32))
    with pytest.raises(TypeError, match="int32"):
        gather(rows, np.array([1]))
    with pytest.raises(AssemblyError, match="LPU0510"):
        gather.program(V=8193, M=1, D=1)
