"""The types of lanes, and conversions between them.

Rounding is to nearest, ties to even. A float becomes an integer by saturating, a NaN 0; a NaN
that stays a float becomes the canonical quiet one. Subnormals are kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.half import to_f16, to_f32

DTYPES: dict[str, np.dtype[Any]] = {
    "u8": np.dtype(np.uint8),
    "i8": np.dtype(np.int8),
    "i16": np.dtype(np.int16),
    "i32": np.dtype(np.int32),
    "f16": np.dtype(np.float16),
    "f32": np.dtype(np.float32),
}
"""The types of lanes by name; ``.itemsize`` is how many streams one takes."""

_F16_MOST = np.float32(65504)


def canonical(values: NDArray[Any]) -> NDArray[Any]:
    """``values``, changed in place: every NaN is the canonical quiet NaN (0x7FC00000, 0x7E00)."""
    if values.dtype.kind == "f":
        nan = np.isnan(values)
        if nan.any():
            values[nan] = np.nan
    return values


def cast(x: NDArray[Any], dtype: str | np.dtype[Any]) -> NDArray[Any]:
    """``x`` in another type: integers modulo 2**width, f32 beyond f16 to infinity. The same type changes nothing."""
    target = _dtype(dtype)
    if x.dtype == target:
        return x
    with np.errstate(all="ignore"):
        if target.kind == "f":
            # By way of f32: an integer that f32 rounds is beyond f16 in any case.
            if x.dtype == np.float16:
                return canonical(to_f32(x))
            wide = x.astype(np.float32, copy=False)
            return to_f16(wide) if target == np.float16 else canonical(wide)
        return x.astype(target) if x.dtype.kind != "f" else _integer(x, target)


def cast_sat(x: NDArray[Any], dtype: str | np.dtype[Any]) -> NDArray[Any]:
    """``x`` in another type; what does not fit, infinities too, becomes the nearest finite value."""
    target = _dtype(dtype)
    if x.dtype == target:
        return x
    with np.errstate(all="ignore"):
        if target == np.float16:
            wide = x.astype(np.float32)
            np.clip(wide, -_F16_MOST, _F16_MOST, out=wide)
            return to_f16(wide)
        if target.kind == "f" or x.dtype.kind == "f":
            return cast(x, target)
        source, limits = np.iinfo(x.dtype), np.iinfo(target)
        clipped = np.clip(x, max(limits.min, source.min), min(limits.max, source.max))
        return np.asarray(clipped).astype(target)


def _integer(x: NDArray[Any], target: np.dtype[Any]) -> NDArray[Any]:
    limits = np.iinfo(target)
    # The largest i32 is not an f32.
    wide = x.astype(np.float64 if target.itemsize == 4 else np.float32)
    np.rint(wide, out=wide)
    np.clip(wide, limits.min, limits.max, out=wide)
    nan = np.isnan(wide)
    if nan.any():
        wide[nan] = 0
    return wide.astype(target)


def _dtype(dtype: str | np.dtype[Any]) -> np.dtype[Any]:
    return DTYPES[dtype] if isinstance(dtype, str) else dtype
