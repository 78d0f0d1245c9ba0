"""--check: distances, and what is not a number."""

from __future__ import annotations

import numpy as np
import pytest

from lpuasm.compare import check_fits, compare
from lpuasm.files import FileError


def test_integers_are_equal_or_not() -> None:
    a = np.array([[1, 2], [3, 4]], np.int32)
    assert compare(a, a.copy()).good
    b = a.copy()
    b[1, 0] += 256
    c = compare(a, b, ulp=1000)
    assert (c.mismatches, c.largest, c.first, c.byte, c.got, c.expected) == (1, 256, (1, 0), 1, 3, 259)


@pytest.mark.parametrize("reference", [np.int64, np.uint64, np.uint8])
def test_integers_of_any_width_are_compared_by_value(reference: type) -> None:
    a = np.array([1, -1], np.int8)
    b = np.array([1, np.iinfo(reference).max], reference)
    check_fits("A", a.dtype, a.shape, b, "b.npy")
    assert compare(a, b).largest == int(np.iinfo(reference).max) + 1


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_floats_differ_by_units_in_the_last_place(dtype: type) -> None:
    a = np.array([1, -1, 0, 1000, np.nan, np.inf, -np.inf], dtype)
    b = np.array([np.nextafter(dtype(1), dtype(2)), -1, -0.0, 1000, np.nan, np.inf, -np.inf], dtype)
    assert compare(a, b).mismatches == 1 and compare(a, b).largest == 1
    assert compare(a, b, ulp=1).good


def test_the_distance_across_zero() -> None:
    tiny = np.float32(1e-45)
    assert compare(np.array([tiny]), np.array([-tiny])).largest == 2


@pytest.mark.parametrize(("got", "expected"), [(np.inf, np.finfo(np.float32).max), (np.nan, 0), (np.inf, -np.inf)])
def test_what_is_not_finite_equals_only_itself(got: float, expected: float) -> None:
    a, b = np.array([got], np.float32), np.array([expected], np.float32)
    for c in (compare(a, b, ulp=1 << 40), compare(b, a, ulp=1 << 40)):
        assert c.mismatches == 1 and c.largest is None


def test_empty_and_zero_dimensional_arrays() -> None:
    assert compare(np.zeros((0, 3), np.int8), np.zeros((0, 3), np.int8)).largest == 0
    assert compare(np.array(1, np.int8), np.array(2, np.int8)).first == ()


@pytest.mark.parametrize("reference", [np.zeros((3, 2), np.int32), np.zeros((2, 3), np.float32), np.zeros(6, np.int32)])
def test_what_cannot_be_compared(reference: np.ndarray) -> None:
    with pytest.raises(FileError, match="LPU0910"):
        check_fits("C", np.dtype(np.int32), (2, 3), reference, "ref.npy")
