"""matmul against exact integers and float64 sums."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lpuasm.isa.errors import AssemblyError
from lpuasm.stdlib import matmul
from lpuasm.stdlib.products import few_rows, tiles

Array = NDArray[Any]
EDGES = (1, 2, 3, 7, 13, 16, 17, 31, 63, 64, 127, 160, 161, 319, 320, 321)
SIZES = st.sampled_from(EDGES) | st.integers(1, 340)
WIDE = SIZES | st.sampled_from((640, 641, 997, 1280))
UGLY = np.array([0, -0.0, 1, -1, 65504, -65504, 6e-8, 6.1e-5, np.nan, np.inf, -np.inf, 3.14], np.float16)


def integers(random: np.random.Generator, *shape: int) -> Array:
    return random.integers(-128, 128, shape).astype(np.int8)


def floats(random: np.random.Generator, *shape: int) -> Array:
    exponents = random.integers(-12, 5, shape).astype(np.float64)
    return (random.standard_normal(shape) * 2**exponents).astype(np.float16)


def check(a: Array, b: Array) -> None:
    """Runs the product and holds it to its contract: value, cycles stated and executed."""
    run = matmul.run(a, b)
    with np.errstate(all="ignore"):
        exact = a.astype(np.float64) @ b.astype(np.float64)
        size = np.abs(a.astype(np.float64)) @ np.abs(b.astype(np.float64))
    assert run.result.shape == exact.shape
    if a.dtype == np.int8:
        assert run.result.dtype == np.int32 and np.array_equal(run.result, exact.astype(np.int64))
    else:
        assert run.result.dtype == np.float32
        finite = np.isfinite(exact)
        assert np.array_equal(run.result[~finite], exact[~finite].astype(np.float32), equal_nan=True)
        bound = 2 * tiles(a.shape[-1]) * 2.0**-23 * size + 2.0**-149
        assert (np.abs(run.result[finite] - exact[finite]) <= bound[finite]).all()
    if run.program is not None:
        assert run.cycles == run.program.cycles
        d = run.program.defines
        dtype = "f16" if a.dtype == np.float16 else "i8"
        shape = {k: int(d[k]) for k in "MKNB"}
        assert run.cycles <= matmul.contract.cycles(dtype=dtype, **shape)
        assert d["TILES"] == few_rows(shape["M"], shape["K"], shape["N"], shape["B"], dtype)


@settings(max_examples=25, deadline=None)
@given(SIZES, WIDE, WIDE, st.booleans(), st.integers(0, 99))
def test_two_matrices(m: int, k: int, n: int, half: bool, seed: int) -> None:
    random = np.random.default_rng(seed)
    make = floats if half else integers
    check(make(random, m, k), make(random, k, n))


@settings(max_examples=10, deadline=None)
@given(st.sampled_from((2, 3, 5)), st.sampled_from((1, 7, 33, 64)), SIZES, SIZES, st.booleans())
def test_batches(batch: int, m: int, k: int, n: int, half: bool) -> None:
    random = np.random.default_rng(batch * m)
    make = floats if half else integers
    check(make(random, batch, m, k), make(random, batch, k, n))


@settings(max_examples=10, deadline=None)
@given(st.sampled_from((1, 5, 40)), st.sampled_from((3, 170, 321)), st.integers(0, 99))
def test_ugly_values(m: int, k: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    check(random.choice(UGLY, (m, k)), random.choice(UGLY, (k, 9)))


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize(("m", "k", "n"), [(200, 700, 450), (90, 330, 330), (4, 2000, 330), (1, 1300, 1300)])
def test_both_forms(m: int, k: int, n: int, half: bool) -> None:
    random = np.random.default_rng(m)
    make = floats if half else integers
    check(make(random, m, k), make(random, k, n))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((5,), (5,)),
        ((5,), (5, 3)),
        ((2, 5), (5,)),
        ((2, 3, 4, 5), (5, 6)),
        ((2, 1, 4, 5), (3, 5, 6)),
        ((4, 5), (3, 5, 6)),
    ],
)
def test_axes_as_numpy(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    random = np.random.default_rng(0)
    check(integers(random, *a), integers(random, *b))


@pytest.mark.parametrize(("a", "b"), [((0, 5), (5, 3)), ((2, 0), (0, 3)), ((2, 5), (5, 0)), ((0, 2, 5), (0, 5, 3))])
def test_nothing_to_compute(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    run = matmul.run(np.zeros(a, np.float16), np.zeros(b, np.float16))
    assert run.result.dtype == np.float32 and run.cycles == run.floor == run.gap == 0
    assert np.array_equal(run.result, np.zeros(a) @ np.zeros(b))


def test_strides_do_not_matter() -> None:
    random = np.random.default_rng(1)
    check(integers(random, 60, 40)[::3, ::-2], integers(random, 30, 20).T)


@pytest.mark.parametrize("n", [1376, 2048, 3500])
def test_near_the_planes_limit(n: int) -> None:
    whole = 2304 * tiles(4096) * tiles(n) // 4
    assert (matmul.program(M=2304, K=4096, N=n).cycles or 0) <= 1.03 * whole


def test_weights_beyond_32_slices_take_few_rows() -> None:
    program = matmul.program(M=32, K=2240, N=21_000, dtype="f16")
    assert program.defines["TILES"] and few_rows(32, 2240, 21_000, 1, "f16")


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(AssemblyError) as caught:
        matmul.program(M=100_000, K=320, N=3200)
    first = caught.value.diagnostics[0]
    assert first.code == "LPU0510" and "M up to" in first.help
    best = int(first.help.split("M up to ")[1].split()[0])
    with pytest.raises(AssemblyError):
        matmul.program(M=best + 1, K=320, N=3200)


def test_types_are_not_mixed() -> None:
    with pytest.raises(TypeError, match="int8"):
        matmul(np.zeros((2, 2), np.int8), np.zeros((2, 2), np.float16))
    with pytest.raises(ValueError, match="3 columns"):
        matmul(np.zeros((2, 3), np.int8), np.zeros((2, 2), np.int8))
