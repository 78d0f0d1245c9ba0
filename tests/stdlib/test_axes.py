"""permute against numpy."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lpuasm.isa.errors import AssemblyError
from lpuasm.stdlib import permute
from lpuasm.stdlib.axes import joined

SIZES = st.sampled_from((1, 2, 3, 17, 64, 320, 321))
TYPES = ("int8", "float16", "float32", "int32")


def check(x: NDArray[Any], axes: tuple[int, ...]) -> None:
    """Bit for bit, in the cycles that were stated and promised."""
    run, exact = permute.run(x, axes), np.transpose(x, axes).copy()
    assert run.result.dtype == x.dtype and run.result.shape == exact.shape
    assert np.ascontiguousarray(run.result).tobytes() == exact.tobytes()
    if run.program is not None:
        dims = permute.prepare(x, axes).dims
        dtype = {1: "i8", 2: "f16", 4: "f32"}[x.itemsize]
        assert dims is not None and run.cycles == run.program.cycles
        assert run.cycles <= permute.contract.cycles(dtype=dtype, **dims)


def drawn(shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    size = np.dtype(dtype).itemsize
    octets = np.random.default_rng(len(shape)).integers(0, 256, (int(np.prod(shape)) * size,), np.uint8)
    return octets.view(dtype).reshape(shape)


@settings(max_examples=25, deadline=None)
@given(st.tuples(SIZES, SIZES), st.sampled_from((1, 2, 7)), st.sampled_from(TYPES), st.integers(0, 5), st.booleans())
def test_three_axes(sizes: tuple[int, int], third: int, dtype: str, which: int, first: bool) -> None:
    shape = (third, *sizes) if first else (sizes[0], third, sizes[1])
    x, axes = drawn(shape, dtype), tuple(permutations(range(3)))[which]
    dims = permute.prepare(x, axes).dims
    assume(dims is None or fits(dims, x.itemsize))
    check(x, axes)


def fits(dims: Any, size: int) -> bool:
    """Whether the chip holds a program of these dimensions; what it does not hold is refused in words."""
    try:
        permute.defines(dtype={1: "i8", 2: "f16", 4: "f32"}[size], **dims)
    except AssemblyError as e:
        assert e.code == "LPU0510" and e.diagnostics[0].help
        return False
    return True


@pytest.mark.parametrize("axes", list(permutations(range(2))))
@pytest.mark.parametrize("dtype", TYPES)
def test_two_axes(axes: tuple[int, ...], dtype: str) -> None:
    check(drawn((33, 65), dtype), axes)


def test_other_ranks() -> None:
    check(drawn((), "int8"), ())
    check(drawn((7,), "float16"), (0,))
    check(drawn((2, 3, 4, 5), "float32"), (2, 3, 0, 1))
    check(drawn((2, 3, 1, 4, 5), "float16"), (-1, 2, -4, -2, 0))
    check(drawn((0, 3, 2), "int8"), (2, 0, 1))
    check(drawn((40, 60), "float32")[::-2, 1::3], (1, 0))


def test_many_small_matrices() -> None:
    check(drawn((300, 3, 5), "int8"), (0, 2, 1))
    for axes in permutations(range(3)):
        check(drawn((320, 320, 2), "int8"), axes)


def test_axes_that_stay_together_are_one() -> None:
    assert joined((2, 3, 4), (1, 2, 0)) == ([2, 12], [1, 0])
    assert joined((2, 1, 4), (2, 1, 0)) == ([2, 4], [1, 0])
    assert joined((2, 1, 4), (1, 0, 2)) == ([8], [0])
    assert joined((5, 3, 4), (1, 0, 2)) == ([5, 3, 4], [1, 0, 2])


def test_refusals() -> None:
    with pytest.raises(TypeError, match="bytes"):
        permute(np.zeros((2, 2)), (1, 0))
    with pytest.raises(ValueError, match="order of the axes"):
        permute(np.zeros((2, 2), np.int8), (0, 0))
    with pytest.raises(ValueError, match="3 are the most"):
        permute(np.zeros((2, 3, 4, 5), np.int8), (1, 0, 3, 2))
    for turn in (0, 1):
        with pytest.raises(AssemblyError, match="LPU0510"):
            permute.program(B=1000, R=1000, N=1000, TURN=turn)
