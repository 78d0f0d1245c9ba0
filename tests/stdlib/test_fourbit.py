"""matmul_w4 against float64, with its weights rounded as the chip rounds them and with exact ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lpuasm.isa.errors import AssemblyError
from lpuasm.stdlib import matmul_w4

Array = NDArray[Any]


def numbers(b4: Array) -> Array:
    """The weights of the bytes [K/2, N], as int64 [K, N]."""
    low, high = b4.view(np.int8).astype(np.int64) << 4, b4.view(np.int8).astype(np.int64) >> 4
    both = np.stack([(low + 128) % 256 - 128 >> 4, high], 1)
    return np.asarray(both.reshape(2 * len(b4), -1))


def held(a: Array, b4: Array, scales: Array, group: int = 32) -> None:
    """Runs it, and holds the result and the cycles to what is promised."""
    run = matmul_w4.run(a, b4, scales, group=group)
    m, k, n = a.size // a.shape[-1], a.shape[-1], b4.shape[1]
    assert run.program is not None and run.cycles == run.program.cycles
    dims = {"M": m, "K": k, "N": n, "G": 16 if group % 32 else 32}
    assert run.cycles <= matmul_w4.contract.cycles(**dims)
    exact = numbers(b4) * np.repeat(scales, group, 0).astype(np.float64)
    rounded = exact.astype(np.float16).astype(np.float64)
    wide = a.astype(np.float64)
    bound = (-(-k // 160) + 1) * 2.0**-24 * (abs(wide) @ abs(rounded))
    assert run.result.dtype == np.float32 and run.result.shape == (*a.shape[:-1], n)
    if "FEW" in matmul_w4.defines(dtype="f16", **dims):
        most = abs(wide) @ ((abs(numbers(b4)) + 8) * np.repeat(scales, group, 0).astype(np.float64))
        assert (abs(run.result - wide @ exact) <= (-(-k // 640) + 10) * 2.0**-23 * most).all()
        return
    assert (abs(run.result - wide @ rounded) <= bound).all()
    loose = 2.0**-11 * (abs(wide) @ abs(exact)) + 2.0**-25 * abs(wide).sum(-1, keepdims=True)
    assert (abs(run.result - wide @ exact) <= bound + loose).all()


def arrays(m: int, k: int, n: int, group: int, seed: int) -> tuple[Array, Array, Array]:
    random = np.random.default_rng(seed)
    a = random.standard_normal((m, k)).astype(np.float16)
    scales = np.exp2(random.uniform(-26, 8, (k // group, n))).astype(np.float16)
    return a, random.integers(0, 256, (k // 2, n)).astype(np.uint8), scales


@settings(max_examples=15, deadline=None)
@given(
    st.integers(1, 5),
    st.sampled_from((16, 32, 48, 64)),
    st.integers(21, 45),
    st.sampled_from((1, 17, 319, 320, 321, 650)),
    st.integers(0, 9),
)
def test_few_rows(m: int, group: int, sixteens: int, n: int, seed: int) -> None:
    held(*arrays(m, -(-16 * sixteens // group) * group, n, group, seed), group)


def test_a_row_takes_what_its_weights_take_to_load() -> None:
    """And no rounding of weights: products of a group are exact, its sum is rounded once."""
    a, b4, _ = arrays(1, 640, 320, 32, 0)
    held(a, b4, np.ones((20, 320), np.float16))
    few, many = (matmul_w4.program(M=m, K=640, N=320).cycles for m in (1, 16))
    assert few is not None and many is not None and few < many
    assert np.array_equal(
        matmul_w4(np.eye(1, 640, dtype=np.float16), b4, np.ones((20, 320), np.float16))[0], numbers(b4)[0]
    )
    with pytest.raises(TypeError, match="16 or of 32"):
        matmul_w4.program(M=1, K=640, N=320, G=48)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 9) | st.sampled_from((63, 97, 160, 319, 321)),
    st.sampled_from((16, 32, 48, 64, 128)),
    st.integers(1, 4) | st.sampled_from((5, 10, 11)),
    st.integers(1, 9) | st.sampled_from((63, 64, 65, 127, 319, 320, 321, 400)),
    st.integers(0, 9),
)
def test_shapes(m: int, group: int, groups: int, n: int, seed: int) -> None:
    held(*arrays(m, group * groups, n, group, seed), group)


@pytest.mark.parametrize("k", [320, 352, 480, 640])
def test_every_number_in_every_lane(k: int) -> None:
    """The identity brings out the weights themselves, rounded."""
    b4 = (np.arange(k // 2)[:, None] * 7 + np.arange(321) * 5).astype(np.uint8)
    scales = (1 + np.arange(k // 32)[:, None] + np.arange(321) / 64).astype(np.float16)
    exact = numbers(b4) * np.repeat(scales, 32, 0).astype(np.float64)
    assert np.array_equal(matmul_w4(np.eye(k, dtype=np.float16), b4.view(np.int8), scales), exact.astype(np.float16))


def test_huge_tiny_and_not_finite() -> None:
    one = np.ones((1, 32), np.float16)
    seven = np.full((16, 3), 0x77, np.uint8)
    scales = np.array([[60000.0, 2.0**-24, np.nan]], np.float16)
    result = matmul_w4(one, seven, scales)[0]
    assert np.isposinf(result[0]) and result[1] == 32 * 7 * 2.0**-24 and np.isnan(result[2])
    a = np.zeros((3, 32), np.float16)
    a[1, 5], a[2, 6] = np.inf, np.nan
    result = matmul_w4(a, seven, np.ones((1, 3), np.float16))
    assert (result[0] == 0).all() and np.isposinf(result[1]).all() and np.isnan(result[2]).all()


def test_leading_axes_and_nothing() -> None:
    a, b4, scales = arrays(6, 64, 5, 32, 0)
    assert np.array_equal(matmul_w4(a.reshape(2, 3, 64), b4, scales), matmul_w4(a, b4, scales).reshape(2, 3, 5))
    assert matmul_w4(a[0], b4, scales).shape == (5,)
    assert matmul_w4(a[:0], b4, scales).shape == (0, 5)
    assert np.array_equal(matmul_w4(a[:, :0], b4[:0], scales[:0]), np.zeros((6, 5), np.float32))


def test_refusals() -> None:
    a, b4, scales = arrays(3, 64, 5, 32, 0)
    with pytest.raises(TypeError, match="float16"):
        matmul_w4(a.astype(np.float32), b4, scales)
    with pytest.raises(ValueError, match="K/2"):
        matmul_w4(a[:, :62], b4, scales)
    with pytest.raises(ValueError, match="multiples of 16"):
        matmul_w4(a, b4, scales, group=8)
    with pytest.raises(ValueError, match="multiples of 16"):
        matmul_w4(a, b4, scales, group=48)
    with pytest.raises(ValueError, match="scales"):
        matmul_w4(a, b4, scales[:1])
    with pytest.raises(AssemblyError, match="LPU0510") as refused:
        matmul_w4.program(M=1 << 16, K=320, N=320)
    assert "M up to 32768" in refused.value.diagnostics[0].help
    with pytest.raises(AssemblyError, match="LPU0510"):
        matmul_w4.program(M=1, K=320 * 300, N=3200)
