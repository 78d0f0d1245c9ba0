"""rope against float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lpuasm.isa.errors import AssemblyError
from lpuasm.stdlib import rope

Array = NDArray[Any]


def turned(x: Array, positions: Array, base: float, interleaved: bool) -> tuple[Array, Array]:
    """The exact result, by complex numbers, and the sum of the magnitudes of its two products."""
    d = x.shape[-1]
    first, second = (slice(0, d, 2), slice(1, d, 2)) if interleaved else (slice(0, d // 2), slice(d // 2, d))
    turn = positions.astype(np.float64)[..., None] * base ** (-2.0 * np.arange(d // 2) / d)
    wide = x.astype(np.float64)
    value = (wide[..., first] + 1j * wide[..., second]) * np.exp(1j * turn)
    y, size = np.empty_like(wide), np.empty_like(wide)
    y[..., first], y[..., second] = value.real, value.imag
    cos, sin = np.abs(np.cos(turn)), np.abs(np.sin(turn))
    size[..., first] = np.abs(wide[..., first]) * cos + np.abs(wide[..., second]) * sin
    size[..., second] = np.abs(wide[..., second]) * cos + np.abs(wide[..., first]) * sin
    return y, size


def check(x: Array, positions: Array, base: float = 10000.0, interleaved: bool = False) -> None:
    run = rope.run(x, positions, base, interleaved)
    exact, size = turned(x, positions, base, interleaved)
    limit = 2.0**-24 * (2 * size + np.abs(exact)) + 2.0**-149
    if x.dtype == np.float16:
        limit += np.spacing(np.abs(exact).astype(np.float16)).astype(np.float64) / 2
    assert run.result.shape == x.shape and run.result.dtype == x.dtype
    assert (np.abs(run.result.astype(np.float64) - exact) <= limit * (1 + 1e-6)).all()
    assert run.program is not None and run.cycles == run.program.cycles
    d, p = x.shape[-1], positions.size
    kind = "f16" if x.dtype == np.float16 else "f32"
    assert run.cycles <= rope.contract.cycles(H=x.size // d // p, P=p, V=1, D=d, dtype=kind)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from([1, 2, 3]), max_size=2),
    st.sampled_from([1, 2, 7, 64, 65]),
    st.sampled_from([2, 6, 64, 318, 320]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([10000.0, 5e5, 1.0]),
    st.integers(0, 99),
)
def test_rope(heads: list[int], s: int, d: int, half: bool, interleaved: bool, base: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    x = random.standard_normal((*heads, s, d)) * 2.0 ** random.integers(-8, 8)
    positions = random.integers(0, 8192, s) if seed % 2 else np.arange(s)
    check(x.astype(np.float16 if half else np.float32), positions, base, interleaved)


def test_positions_of_several_axes() -> None:
    random = np.random.default_rng(0)
    x = random.standard_normal((4, 2, 5, 8)).astype(np.float32)
    check(x, random.integers(0, 300, (2, 5)).astype(np.int32))
    check(x, np.array(7))
    check(np.linspace(-1, 1, 8).astype(np.float16), np.array(3, np.uint8), interleaved=True)


def test_values_that_are_not_finite_stay_in_their_pair() -> None:
    x = np.ones((2, 6), np.float32)
    x[0, 1], x[1, 5] = np.nan, np.inf
    y = rope(x, np.array([1, 2]))
    assert (np.isfinite(y) == [[1, 0, 1, 1, 0, 1], [1, 1, 0, 1, 1, 0]]).all()


def test_nothing_and_strides() -> None:
    assert rope(np.zeros((3, 0, 4), np.float16), np.zeros(0, np.int32)).shape == (3, 0, 4)
    check(np.linspace(-3, 3, 120, dtype=np.float32).reshape(12, 10)[::-2, :8], np.arange(12)[::2])


def test_refusals() -> None:
    one = np.ones((2, 4), np.float32)
    with pytest.raises(TypeError, match="integer positions"):
        rope(one, np.ones(2))
    with pytest.raises(ValueError, match="D even"):
        rope(np.ones((2, 3), np.float32), np.arange(2))
    with pytest.raises(ValueError, match="positions"):
        rope(one, np.arange(3))
    with pytest.raises(ValueError, match="0 or more"):
        rope(one, np.array([0, -1]))
    with pytest.raises(ValueError, match="base"):
        rope(one, np.arange(2), 0.0)
    for x, positions in ((one, np.array([0, 8192])), (np.ones((2, 322), np.float32), np.arange(2))):
        with pytest.raises(AssemblyError, match="LPU0510"):
            rope(x, positions)
    with pytest.raises(AssemblyError, match="LPU0510"):
        rope.program(H=100, P=1000, V=1000, D=64)
