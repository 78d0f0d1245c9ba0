"""Attention against float64: shapes, heads that share keys, masks, windows, and values at their limits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lpuasm.isa.errors import AssemblyError
from lpuasm.stdlib.attend import ATTENTION, error_bound

F16 = NDArray[np.float16]
F64 = NDArray[np.float64]
SIZES = (1, 2, 13, 16, 64, 97, 128, 319, 320, 321)


def seen(queries: int, keys: int, causal: bool, window: int | None) -> NDArray[np.bool_]:
    behind = np.arange(queries)[:, None] + keys - queries - np.arange(keys)
    shown = (behind >= 0) | (not causal)
    return shown if window is None else shown & (np.abs(behind) < window)


def reference(
    q: F16,
    k: F16,
    v: F16,
    causal: bool = False,
    mask: NDArray[Any] | None = None,
    scale: float | None = None,
    window: int | None = None,
) -> tuple[F64, F64]:
    """(the result, scores with −∞ where a key is hidden) in float64."""
    group = q.shape[0] // k.shape[0]
    k64, v64 = (np.repeat(x.astype(np.float64), group, 0) for x in (k, v))
    with np.errstate(all="ignore"):
        scores = q.astype(np.float64) @ k64.transpose(0, 2, 1) * (q.shape[2] ** -0.5 if scale is None else scale)
        scores = scores + (0.0 if mask is None else mask.astype(np.float64))
        scores = np.where(seen(q.shape[1], k.shape[1], causal, window), scores, -np.inf)
        p = np.exp(scores - scores.max(-1, keepdims=True))
        return p / p.sum(-1, keepdims=True) @ v64, scores


def arrays(h: int, kv: int, sq: int, skv: int, d: int, seed: int = 0) -> tuple[F16, F16, F16]:
    r = np.random.default_rng(seed)
    q, k, v = (r.standard_normal(s).astype(np.float16) for s in ((h, sq, d), (kv, skv, d), (kv, skv, d)))
    return q, k, v


def holds(q: F16, k: F16, v: F16, **options: Any) -> None:
    got = ATTENTION(q, k, v, **options)
    expected, scores = reference(q, k, v, **options)
    assert got.shape == q.shape and got.dtype == np.float16
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    known = ~np.isnan(expected)
    finite = np.abs(scores[np.isfinite(scores)])
    bound = error_bound(k.shape[1], float(finite.max(initial=0)), float(np.abs(v.astype(np.float64)).max()))
    assert (np.abs(got.astype(np.float64) - expected)[known] <= bound).all()


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    heads=st.sampled_from([(1, 1), (2, 1), (2, 2), (3, 3), (6, 2)]),
    sq=st.sampled_from(SIZES),
    skv=st.sampled_from((*SIZES, 500, 641)),
    d=st.sampled_from((1, 7, 64, 80, 96, 128, 160)),
    causal=st.booleans(),
    window=st.none() | st.integers(1, 400),
    masked=st.booleans(),
    seed=st.integers(0, 99),
)
def test_equals_float64(
    heads: tuple[int, int], sq: int, skv: int, d: int, causal: bool, window: int | None, masked: bool, seed: int
) -> None:
    r = np.random.default_rng(seed)
    mask = r.choice([0.0, -1.5, 2.0, -np.inf], (sq, skv)).astype(np.float32) if masked else None
    holds(*arrays(*heads, sq, skv, d, seed), causal=causal, window=window, mask=mask)


@pytest.mark.parametrize("options", [{}, {"causal": True}, {"scale": -0.3}, {"scale": 0.0}])
def test_several_tasks(options: dict[str, Any]) -> None:
    """More rows than a task has, and more blocks than two, on both sides."""
    holds(*arrays(2, 2, 330, 700, 64), **options)


@pytest.mark.parametrize("options", [{}, {"causal": True}, {"causal": True, "window": 150}])
def test_many_tasks(options: dict[str, Any]) -> None:
    """Results of four tasks are turned at once, those of the last two alone; causal, tasks have one block or two."""
    holds(*arrays(7, 7, 340, 340, 64), **options)
    holds(*arrays(6, 6, 330, 400, 24), **options)


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((8, 2, 1, 1500, 64), {"causal": True}),
        ((6, 2, 5, 700, 160), {"causal": True, "window": 300}),
        ((1, 1, 16, 170, 64), {"scale": -1.0}),
        ((2, 1, 17, 170, 7), {}),
    ],
)
def test_few_queries_to_many_keys(shape: tuple[int, int, int, int, int], options: dict[str, Any]) -> None:
    """Up to 16 rows of a head of keys, values are installed; beyond, weights."""
    holds(*arrays(*shape), **options)


def test_jobs_that_share_keys_across_the_chip() -> None:
    holds(*arrays(6, 2, 200, 90, 16))
    holds(*arrays(3, 1, 200, 90, 16), causal=True)
    holds(*arrays(9, 3, 128, 130, 64), causal=True, window=50)


@pytest.mark.parametrize("size", [2.0**-24, 1e-4, 300.0, 65504.0])
def test_huge_and_tiny_values(size: float) -> None:
    q, k, v = arrays(2, 1, 40, 50, 64)
    holds(np.clip(q.astype(np.float64) * size, -65504, 65504).astype(np.float16), k, v)
    holds(q, k, np.clip(v.astype(np.float64) * size, -65504, 65504).astype(np.float16))


def test_rows_that_see_nothing_are_nan() -> None:
    q, k, v = arrays(2, 2, 40, 7, 32)
    assert np.isnan(ATTENTION(q, k, v, causal=True)[:, :33]).all()
    holds(q, k, v, causal=True)
    mask = np.zeros((40, 7), np.float16)
    mask[3] = -np.inf
    holds(q, k, v, mask=mask)


def test_what_is_not_finite_stays_in_its_row_and_column() -> None:
    q, k, v = arrays(2, 2, 20, 30, 32)
    q[0, 3, 5], q[1, 4, 0] = np.nan, np.inf
    v[0, 7, 9], v[1, 8, 2] = np.inf, np.nan
    holds(q[:1], k[:1], np.where(np.isfinite(v[:1]), v[:1], 0))
    got, expected = ATTENTION(q, k, v), reference(q, k, v)[0]
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    np.testing.assert_array_equal(np.isinf(got), np.isinf(expected))


def test_nothing_to_do_and_nothing_to_see() -> None:
    empty = np.zeros((2, 0, 8), np.float16)
    assert ATTENTION(empty, np.ones((2, 3, 8), np.float16), np.ones((2, 3, 8), np.float16)).shape == (2, 0, 8)
    with pytest.raises(ValueError, match="no keys"):
        ATTENTION(np.ones((2, 3, 8), np.float16), empty, empty)


def test_refusals() -> None:
    with pytest.raises(AssemblyError, match="does not fit"):
        ATTENTION.program(H=8, Sq=8, Skv=200_000, D=64)
    with pytest.raises(AssemblyError, match="does not fit"):
        ATTENTION.program(H=1, Sq=8, Skv=8, D=161)
    with pytest.raises(TypeError, match="float16"):
        ATTENTION(*(x.astype(np.float32) for x in arrays(1, 1, 2, 2, 2)))
    with pytest.raises(ValueError, match="does not go with"):
        ATTENTION(*arrays(3, 2, 2, 2, 2))


@pytest.mark.parametrize("heads, keys_of, sq, skv", [(12, 4, 320, 64), (9, 3, 320, 3), (4, 4, 512, 512)])
def test_a_mask_is_in_the_contract(heads: int, keys_of: int, sq: int, skv: int) -> None:
    for masked in (False, True):
        dims = {"H": heads, "Hkv": keys_of, "Sq": sq, "Skv": skv, "D": 64, "masked": masked}
        cycles = ATTENTION.program(**dims).cycles
        assert cycles is not None and cycles <= ATTENTION.contract.cycles(**dims)
