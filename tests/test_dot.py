"""Matrix products against Python's integers and fractions."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from rounding import F16, F32

from lpuasm.isa import dot
from lpuasm.isa.dot import dot_f16, dot_i8, dot_i8_prepared, dot_prepared, prepare_f16, prepare_i8
from lpuasm.isa.exact import exact_dots

F16s = NDArray[np.float16]

FINITE = st.builds(lambda sign, size: sign << 15 | size, st.integers(0, 1), st.integers(0, F16.infinity - 1))
EDGES = st.sampled_from([0, 0x8000, 1, 0x8001, 0x3FF, 0x400, 0x3C00, 0xBC00, 0x7BFF, 0xFBFF])
SPECIAL = st.sampled_from([0x7C00, 0xFC00, 0x7E00, 0x7C01])


def halves(bits: Any) -> F16s:
    return np.array(bits, np.uint16).view(np.float16)


def oracle(x: F16s, w: F16s) -> int:
    """The bits of one dot product."""
    products = [a * b for a, b in zip(x.astype(float).tolist(), w.astype(float).tolist(), strict=True)]
    infinite = [p for p in products if not math.isfinite(p)]
    if infinite:
        return F32.encode(math.fsum(infinite) if len(set(map(str, infinite))) == 1 else math.nan)
    return F32.encode(sum(map(Fraction, products), Fraction(0)))


def check(x: F16s, w: F16s) -> None:
    got = dot_f16(x, w).view(np.uint32)
    assert got.tolist() == [[oracle(a, b) for b in w] for a in x]


def check_exact(x: F16s, w: F16s) -> None:
    """The integer sums alone."""
    i, j = (v.ravel() for v in np.indices((len(x), len(w))))
    expected = [oracle(x[r], w[c]) for r, c in zip(i, j, strict=True)]
    assert exact_dots(x, w, i, j).view(np.uint32).tolist() == expected


@pytest.fixture
def undecided(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many elements each call of the exact path got."""
    calls: list[int] = []

    def counted(x: F16s, w: F16s, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.float32]:
        calls.append(len(rows))
        return exact_dots(x, w, rows, columns)

    monkeypatch.setattr(dot, "exact_dots", counted)
    return calls


@given(data=st.data(), k=st.integers(0, 9))
def test_anything_finite(data: st.DataObject, k: int) -> None:
    rows = st.lists(st.lists(FINITE | EDGES, min_size=k, max_size=k), min_size=1, max_size=3)
    x, w = halves(data.draw(rows)), halves(data.draw(rows))
    check(x, w)
    check_exact(x, w)


@given(data=st.data(), k=st.integers(1, 4))
def test_infinities_and_nan(data: st.DataObject, k: int) -> None:
    rows = st.lists(st.lists(SPECIAL | EDGES, min_size=k, max_size=k), min_size=1, max_size=3)
    check(halves(data.draw(rows)), halves(data.draw(rows)))


@given(data=st.data())
def test_cancellation(data: st.DataObject) -> None:
    """Large products that cancel, with small ones between them."""
    large = data.draw(st.lists(st.tuples(FINITE, FINITE), min_size=1, max_size=4))
    small = data.draw(st.lists(st.tuples(st.integers(0, 0x1FFF), st.integers(0, 0x1FFF)), min_size=0, max_size=3))
    pairs = data.draw(st.permutations([*large, *((a ^ 0x8000, b) for a, b in large), *small]))
    check(halves([[a for a, _ in pairs]]), halves([[b for _, b in pairs]]))


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("beyond", [-1.0, 0.0, 1.0])
@pytest.mark.parametrize("odd", [0.0, 2.0])
def test_halfway_and_one_part_in_2_to_the_73(sign: float, beyond: float, odd: float, undecided: list[int]) -> None:
    x = np.zeros((1, 160), np.float16)
    w = np.zeros((1, 160), np.float16)
    x[0, [3, 50, 100, 159]] = [4096, 1, beyond * 2.0**-24, 1]
    w[0, [3, 50, 100, 159]] = [4096 * sign, sign, abs(beyond) * sign * 2.0**-24, odd * sign]
    check(x, w)
    assert sum(undecided) == (beyond != 0)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("beyond", [1, -1])
@pytest.mark.parametrize("gap", range(44, 64))
def test_a_tie_and_one_unit_on_each_side_of_53_bits(gap: int, beyond: int, sign: int, undecided: list[int]) -> None:
    """The sum is 2**28 + 2**4, a tie, and one of its smallest units more or less, 2**(28 - gap)."""
    a, b = 2.0 ** ((48 - gap) // 2), 2.0 ** ((48 - gap) - (48 - gap) // 2)
    odd, even = 1 + 2.0**-10, 1 + 2.0**-9  # odd * odd - even = 2**-20
    x = np.array([[16384, 4, beyond * odd * a, beyond * even * a]], np.float16)
    w = np.array([[16384, 4, odd * b, -b]], np.float16) * np.float16(sign)
    check(x, w)
    assert sum(undecided) == (gap >= 53)


def test_halfway_sums_of_every_size(undecided: list[int]) -> None:
    """A tie, and its neighbours at a distance that float64 does not see, 2**-40 .. 2**30."""
    scale = 2.0 ** np.arange(-7, 4)
    x = np.stack([np.array([2048, 1, 2.0**-24, -(2.0**-24)], np.float16)] * len(scale))
    x[:, :2] *= scale[:, None].astype(np.float16)
    w = np.array([[8192, 1, t, u] for t in (0, 2.0**-24, 0.5) for u in (0, 2.0**-24)], np.float16)
    check(x, w)
    check(-x, w)
    assert sum(undecided) > 20


def test_the_largest_and_the_smallest() -> None:
    for k in (1, 160, 320, 2048):
        most, least = np.full((1, k), 65504, np.float16), np.full((1, k), 2.0**-24, np.float16)
        for a in (most, -most, least):
            for b in (most, least, np.ones_like(most)):
                check(a, b)
                check_exact(a, b)
        mixed = most.copy()
        mixed[0, k // 2 :] *= -1
        mixed[0, -1] = 2.0**-24
        check(mixed, most)


def test_a_zero_sum_is_positive() -> None:
    x = np.array([[0.0, -0.0], [-0.0, -0.0], [1.0, -1.0]], np.float16)
    w = np.array([[1.0, 1.0], [-1.0, 1.0], [2.0, 2.0]], np.float16)
    zeros = dot_f16(x, w)[[0, 0, 1, 1, 2], [0, 1, 0, 2, 2]]
    assert zeros.view(np.uint32).tolist() == [0] * 5


@pytest.mark.parametrize("k", [160, 320])
@pytest.mark.parametrize("data", ["normal", "patterns", "probabilities"])
def test_large_matrices_by_samples(data: str, k: int) -> None:
    random = np.random.default_rng(k)
    x, w = matrix(data, 600, k, random), matrix(data, 320, k, random)
    got = dot_f16(x, w).view(np.uint32)
    for i, j in zip(random.integers(0, 600, 300), random.integers(0, 320, 300), strict=True):
        assert got[i, j] == oracle(x[i], w[j])


@pytest.mark.parametrize("data", ["normal", "patterns", "probabilities"])
def test_the_order_of_the_terms_does_not_matter(data: str) -> None:
    random = np.random.default_rng(7)
    x, w = matrix(data, 300, 320, random), matrix(data, 200, 320, random)
    expected = dot_f16(x, w).view(np.uint32)
    for _ in range(3):
        order = random.permutation(320)
        assert np.array_equal(dot_f16(x[:, order], w[:, order]).view(np.uint32), expected)


def matrix(data: str, rows: int, k: int, random: np.random.Generator) -> F16s:
    if data == "patterns":
        return (
            (random.integers(0, F16.infinity, (rows, k)) | random.integers(0, 2, (rows, k)) << 15)
            .astype(np.uint16)
            .view(np.float16)
        )
    if data == "probabilities":
        return (random.uniform(0, 1, (rows, k)) ** 20).astype(np.float16)
    return random.standard_normal((rows, k)).astype(np.float16)


def test_prepared_weights_serve_views_and_fill_what_is_given() -> None:
    random = np.random.default_rng(3)
    x, w = matrix("patterns", 300, 320, random), matrix("patterns", 64, 160, random)
    x[5, 200] = np.inf
    weights = prepare_f16(w)
    w_before = w.copy()
    w[:] = 0  # what is installed does not follow its source
    out = np.empty((300, 64), np.float32)
    for half in (x[:, :160], x[:, 160:], x[:, ::2]):
        assert dot_prepared(half, weights, out) is out
        assert np.array_equal(out.view(np.uint32), dot_f16(half.copy(), w_before).view(np.uint32))
    assert dot_prepared(x[:0, :160], weights).shape == (0, 64)
    assert dot_f16(x[:, :160], w[:0]).shape == (300, 0)


def test_too_many_terms_are_refused() -> None:
    with pytest.raises(ValueError, match="2048"):
        dot_f16(np.zeros((1, 2049), np.float16), np.zeros((1, 2049), np.float16))
    with pytest.raises(ValueError, match="1024"):
        dot_i8(np.zeros((1, 1025), np.int8), np.zeros((1, 1025), np.int8))


@pytest.mark.parametrize("k", [1, 320, 1024])
def test_bytes(k: int) -> None:
    random = np.random.default_rng(k)
    x, w = random.integers(-128, 128, (300, k), np.int8), random.integers(-128, 128, (70, k), np.int8)
    x[0], w[0], x[1], w[1] = -128, -128, 127, 127
    got = dot_i8(x, w)
    assert got.dtype == np.int32
    assert np.array_equal(got, x.astype(np.int64) @ w.T.astype(np.int64))
    out = np.empty((300, 70), np.int32)
    assert dot_i8_prepared(x, prepare_i8(w), out) is out and np.array_equal(out, got)


@given(data=st.data(), depth=st.integers(0, 3), width=st.integers(0, 2))
def test_zeros_that_follow_the_weights(data: st.DataObject, depth: int, width: int) -> None:
    """Lanes and rows that weights do not use are left out, but an infinity or a NaN beside a zero shows."""
    some = st.lists(FINITE | EDGES, min_size=depth, max_size=depth)
    zeros = st.lists(st.sampled_from([0, 0x8000]), min_size=2, max_size=2)
    w = [data.draw(some) + data.draw(zeros) for _ in range(width)] + [[0] * depth + data.draw(zeros)]
    beside = st.lists(FINITE | SPECIAL, min_size=depth + 2, max_size=depth + 2)
    check(halves([data.draw(beside), data.draw(beside)]), halves(w))
