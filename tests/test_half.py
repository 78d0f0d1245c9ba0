"""f16 from f32 and back, against numpy's conversion, which is IEEE 754's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lpuasm.isa import half

F32 = NDArray[np.float32]
EVERY = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
FINITE = EVERY[np.isfinite(EVERY)].astype(np.float32)


def agree(x: F32) -> None:
    with np.errstate(all="ignore"):
        right = x.astype(np.float16)
    right[np.isnan(x)] = np.nan
    assert (half.to_f16(x).view(np.uint16) == right.view(np.uint16)).all()


@pytest.mark.parametrize("off", [-1, 0, 1])
@pytest.mark.parametrize("signs", ["both", "none"])
def test_values_ties_and_their_neighbours(off: int, signs: str) -> None:
    """Every f16, every tie between two of them, and the f32 above and below each."""
    steps = np.sort(FINITE)
    values = np.concatenate([steps, (steps[1:] + steps[:-1]) / 2]).astype(np.float32)
    near = (values.view(np.int32) + off).view(np.float32)
    if signs == "none":
        near = np.abs(near)
    agree(near)


@pytest.mark.parametrize("size", [0, 1, 7, 4096, 16384, 20480, 20481, 61441])
@pytest.mark.parametrize("scale", [1e-9, 1e-7, 1e-5, 1.0, 1e4, 1e6])
def test_blocks_of_any_size_and_magnitude(size: int, scale: float) -> None:
    values = (np.random.default_rng(size).standard_normal(size) * scale).astype(np.float32)
    agree(values)
    agree(np.abs(values))


def test_zeros_infinities_and_values_beyond() -> None:
    for value in (0.0, -0.0, np.inf, -np.inf, 65504, 65519.996, 65520, -65520, 1e30, 2.0**-25, 3e-8, 1e-40):
        values = np.full(20480, value, np.float32)
        values[0] = 2.0**-20
        agree(values)


def test_every_nan_becomes_the_canonical_one() -> None:
    values = np.full(20480, 1e-6, np.float32)
    values.view(np.uint32)[::7] = 0xFFC12345
    agree(values)
    assert (half.to_f16(values[::7]).view(np.uint16) == 0x7E00).all()


def test_vectors_that_do_not_follow_each_other() -> None:
    values = np.random.default_rng(0).standard_normal((160, 640)).astype(np.float32) * np.float32(1e-5)
    agree(values[:, ::2])
    agree(values[::-1])
    agree(np.broadcast_to(values[:, :1], values.shape))


def test_every_f16_becomes_wider_exactly() -> None:
    with np.errstate(all="ignore"):
        for dtype in (np.float32, np.float64):
            assert np.array_equal(EVERY.astype(dtype), _wider(EVERY, dtype), equal_nan=True)
    normal = EVERY[np.isfinite(EVERY) & (np.abs(EVERY) >= 2.0**-14)]
    assert (half.to_f32(normal) == normal.astype(np.float32)).all()
    assert np.signbit(half.to_f32(EVERY[0x8000:0x8002])).all()


def _wider(x: NDArray[np.float16], dtype: type) -> NDArray[Any]:
    return half.to_f32(x) if dtype is np.float32 else half.to_f64(x, True)
