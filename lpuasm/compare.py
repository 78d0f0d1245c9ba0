"""--check: a result against a reference, element by element.

Integers must be equal. Floats may differ by units in the last place of their
type; zeros of both signs are equal, NaN equals NaN, and an infinity only itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpuasm.files import FileError, shown
from lpuasm.isa.errors import error

_BITS: Mapping[Any, np.dtype[Any]] = {np.dtype("float16"): np.dtype("uint16"), np.dtype("float32"): np.dtype("uint32")}


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a tensor compares with its reference.

    ``first`` is the index of the first element, in row-major order, that is too far off, ``byte`` the lowest of its
    bytes that differs. ``largest`` is the largest difference of all elements, in units for integers and in units in the
    last place for floats; None where every difference is one between numbers and NaN or infinities.
    """

    count: int
    mismatches: int
    largest: int | None
    first: tuple[int, ...] | None = None
    byte: int = 0
    got: int | float = 0
    expected: int | float = 0

    @property
    def good(self) -> bool:
        return self.mismatches == 0


def check_fits(name: str, dtype: np.dtype[Any], shape: tuple[int, ...], reference: NDArray[Any], file: str) -> None:
    """Raises FileError where a result cannot be compared with the reference: another shape, or another kind of number.

    Integers of any width are compared by value; a float reference must have the result's own type, since units in the
    last place are units of that type.
    """
    if reference.shape != shape:
        raise FileError(
            error("LPU0910", f"{shown(file)} has shape {list(reference.shape)}, and '{name}' has shape {list(shape)}")
        )
    integers = dtype.kind in "iu" and reference.dtype.kind in "iu"
    if not integers and reference.dtype != dtype:
        raise FileError(
            error("LPU0910", f"{shown(file)} holds {reference.dtype}, and '{name}' is {dtype}",
                  help=f"save the reference with .astype(numpy.{dtype})")
        )  # fmt: skip


def compare(result: NDArray[Any], reference: NDArray[Any], ulp: int = 0) -> Comparison:
    """Compares two arrays of one shape that :func:`check_fits` lets pass; ``ulp`` is what floats may differ by."""
    if result.dtype.kind == "f":
        distance, apart = _ulps(result, reference)
    else:
        distance, apart = _differences(result, reference)
        ulp = 0
    wrong = (distance > ulp) | apart
    mismatches = int(wrong.sum())
    largest = int(distance[~apart].max()) if not apart.all() else (None if apart.size else 0)
    if not mismatches:
        return Comparison(result.size, 0, largest)
    flat = int(np.argmax(wrong))
    first = tuple(int(n) for n in np.unravel_index(flat, result.shape))
    got, expected = result.reshape(-1)[flat], reference.reshape(-1)[flat]
    bytes_got, bytes_expected = _bytes(got, result.dtype), _bytes(expected, result.dtype)
    byte = next((k for k, (a, b) in enumerate(zip(bytes_got, bytes_expected, strict=True)) if a != b), 0)
    return Comparison(result.size, mismatches, largest, first, byte, got.item(), expected.item())


def _ulps(a: NDArray[Any], b: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """(distance in units in the last place, whether there is none because one is not finite), flat."""
    a, b = a.reshape(-1), b.reshape(-1)
    both_nan = np.isnan(a) & np.isnan(b)
    apart = ~(np.isfinite(a) & np.isfinite(b)) & ~both_nan & ~(a == b)
    distance = np.abs(_ordered(a) - _ordered(b))
    distance[apart | both_nan] = 0
    return distance, apart


def _ordered(values: NDArray[Any]) -> NDArray[np.int64]:
    """Integers in the order of the floats, one apart where the floats are neighbours; both zeros are 0."""
    bits: NDArray[np.int64] = np.ascontiguousarray(values).view(_BITS[values.dtype]).astype(np.int64)
    sign = 1 << (8 * values.dtype.itemsize - 1)
    negative: NDArray[np.int64] = -(bits & (sign - 1))
    return np.where(bits & sign, negative, bits)


def _differences(a: NDArray[Any], b: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """(absolute difference, nothing), flat; exact for every pair of integer types."""
    far = b.size and b.dtype.itemsize == 8 and (int(b.max()) >= 1 << 62 or int(b.min()) <= -(1 << 62))
    wide = np.dtype(object) if far else np.dtype(np.int64)
    return np.abs(a.reshape(-1).astype(wide) - b.reshape(-1).astype(wide)), np.zeros(a.size, bool)


def _bytes(value: Any, dtype: np.dtype[Any]) -> bytes:
    """The bytes of a value as its tensor would hold it, little-endian."""
    if dtype.kind == "f":
        return bytes(np.asarray(value, dtype).astype(dtype.newbyteorder("<")).tobytes())
    return (int(value) & ((1 << 8 * dtype.itemsize) - 1)).to_bytes(dtype.itemsize, "little")
