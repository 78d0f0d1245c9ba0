"""Normalisation of rows over the last axis: rms_norm, layer_norm."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any

from lpuasm.stdlib.kernel import Call, Contract, Kernel, largest, too_large
from lpuasm.stdlib.products import LANES, WORDS, tiles
from lpuasm.stdlib.refusals import wrong_dimension, wrong_type, wrong_value

if TYPE_CHECKING:
    from lpuasm.isa.program import Program
    from lpuasm.stdlib.kernel import Array

_TYPES = {"float32": "f32", "float16": "f16"}
#: An eps that stays finite when it is multiplied by the length of a row.
_LARGEST = 1e30


def blocks(name: str, rows: int) -> tuple[int, int]:
    """(blocks of rows, groups of 16 rows in a block); `norm.s` has the same numbers."""
    groups = -(-rows // 16)
    deep = max(12, min(-(-groups // 5), 100)) if name == "layer_norm" else max(7, -(-groups // 12))
    count = -(-groups // deep)
    return count, -(-groups // count)


def _fits(name: str, r: int, n: int, dtype: str) -> bool:
    count, deep = blocks(name, r)
    size = 2 if dtype == "f16" else 4
    beside = 9 if name == "layer_norm" else 0  # groups of the moments, in the slices of the transposed planes
    turned = (size * (count * tiles(n) + 1) + beside) * deep <= WORDS
    return 2 * -(-r // 16) * tiles(n) <= WORDS // 2 and turned


def _defines(name: str, *, R: int, N: int, eps: float = 1e-5, dtype: str) -> Mapping[str, int | float]:
    if min(R, N) < 1:
        raise wrong_dimension("the dimensions of a program are 1 or more")
    if not 0 <= eps <= _LARGEST:
        raise wrong_value(f"{name}: eps is a number from 0 to {_LARGEST:.0e}, not {eps}")
    if not _fits(name, R, N, dtype):
        best = largest(lambda r: _fits(name, r, N, dtype), R)
        help_ = f"up to {best} rows of {N} fit; the rest is another call" if best else "the rows are too long"
        raise too_large(f"{name} {dtype}", f"R={R}, N={N}", help_)
    return {"R": R, "N": N, "F16": int(dtype == "f16"), "eps": float(eps), "ROOT": float(N) ** 0.5}


def _rms_cycles(*, R: int, N: int, eps: float = 1e-5, dtype: str = "f32") -> int:
    groups, deep, t = -(-R // 16), blocks("rms_norm", R)[1], tiles(N)
    work = (10 if dtype == "f16" else 12) * t * groups + 8 * t * deep + 14 * groups + 10 * t + 470
    return max(work, 56 * t + 14 * groups + 400)


def _layer_cycles(*, R: int, N: int, eps: float = 1e-5, dtype: str = "f32") -> int:
    groups, t = -(-R // 16), tiles(N)
    return 22 * t * groups + 24 * groups + 30 * t + 100 * blocks("layer_norm", R)[0] + 800


def _vectors(x: Array) -> Array:
    """A parameter [n] as tiles of 320, zero beyond the end."""
    import numpy as np

    padded = np.zeros(tiles(x.size) * LANES, x.dtype)
    padded[: x.size] = x
    return padded.reshape(-1, LANES)


def _prepare(name: str, x: Any, parameters: Mapping[str, Any], eps: float) -> Call:
    import numpy as np

    x, own = np.asarray(x), {key: np.asarray(value) for key, value in parameters.items()}
    dtype = _TYPES.get(x.dtype.name)
    given = " and ".join(str(a.dtype) for a in (x, *own.values()))
    if dtype is None or any(a.dtype != x.dtype for a in own.values()):
        raise wrong_type(f"{name} takes arrays of float32 or of float16, all of one type, not {given}")
    if x.ndim < 1 or any(a.shape != x.shape[-1:] for a in own.values()):
        wanted = " and ".join(f"{key} [n]" for key in own)
        shapes = " and ".join(str(a.shape) for a in (x, *own.values()))
        raise wrong_value(f"{name}: x [..., n] with {wanted} is wanted, not {shapes}")
    rows, n = prod(x.shape[:-1]), x.shape[-1]
    if not x.size:
        return Call(None, dtype, lambda program: {}, lambda outputs: np.zeros(x.shape, x.dtype))

    def inputs(program: Program) -> Mapping[str, Array]:
        padded = np.zeros((-(-rows // 16) * 16, n), x.dtype)
        padded[:rows] = x.reshape(rows, n)
        halves = padded.reshape(-1, 2, 8, n)
        found = {f"X{h}": np.ascontiguousarray(halves[:, h]).reshape(-1, n) for h in range(2)}
        return {**found, **{key: _vectors(value) for key, value in own.items()}}

    def finish(outputs: Mapping[str, Array]) -> Array:
        return np.asarray(outputs["Y"].reshape(-1, n)[:rows].reshape(x.shape))

    return Call({"R": rows, "N": n, "eps": eps}, dtype, inputs, finish)


def _rms(x: Any, w: Any, eps: float = 1e-5) -> Call:
    return _prepare("rms_norm", x, {"w": w}, eps)


def _layer(x: Any, w: Any, b: Any, eps: float = 1e-5) -> Call:
    return _prepare("layer_norm", x, {"w": w, "b": b}, eps)


RMS_NORM = Kernel(
    "rms_norm",
    Contract(
        types=("f32", "f16"),
        shapes="x [..., n], w [n] of one type; the result is like x",
        error="f16: one unit in the last place of the correctly rounded result; f32: (10 + T / 2) · 2⁻²⁴ of the result "
        "where n · eps plus the sum of a row's squares is from 2⁻¹⁰⁰ to 2¹²⁸, and 0 beyond that",
        bound=None,
        cycles=_rms_cycles,
        formula="12·T·G (f16: 10) + 8·T·GB + 14·G + 10·T + 470, or, if that is more, 56·T + 14·G + 400, "
        "T = ⌈N / 320⌉, G = ⌈R / 16⌉, GB = ⌈G / blocks⌉, "
        "blocks = ⌈G / max(7, ⌈G / 12⌉)⌉",
    ),
    partial(_defines, "rms_norm"),
    _rms,
    doc="rms_norm(x, w, eps=1e-5): x / sqrt(mean(x²) + eps) · w over the last axis.",
)

LAYER_NORM = Kernel(
    "layer_norm",
    Contract(
        types=("f32", "f16"),
        shapes="x [..., n], w [n], b [n] of one type; the result is like x",
        error="half a unit in the last place and 2⁻²⁴ · ((8T · (18 + 3T) + 16k + 8 · (T + 7) · √(T · k) + 12) · |z| "
        "+ (10 · √k + 4 · (T + 7) · √T) · |w| + |w · mean| / σ + |b|), z = (x - mean) / σ · w, σ² = variance + eps, "
        "T = ⌈n / 320⌉, k = 1 + (f - mean)² / σ² ≤ 20, f the mean of columns 0 … 15 of each 320; 16 of |z| and of |w| "
        "unless those columns or columns 0, 16, 32 … 304 are outliers; with eps = 0 a constant row gives b, where "
        "numpy has NaN",
        bound=None,
        cycles=_layer_cycles,
        formula="22·T·G + 24·G + 30·T + 100·⌈G / max(12, min(⌈G / 5⌉, 100))⌉ + 800, T = ⌈N / 320⌉, G = ⌈R / 16⌉",
    ),
    partial(_defines, "layer_norm"),
    _layer,
    doc="layer_norm(x, w, b, eps=1e-5): (x - mean) / sqrt(variance + eps) · w + b over the last axis.",
)
