"""quantize and dequantize: i8 with one scale, or one for every index of an axis."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any

from lpuasm.stdlib.kernel import Call, Contract, Kernel, too_large
from lpuasm.stdlib.products import LANES, tiles
from lpuasm.stdlib.refusals import wrong_dimension, wrong_type, wrong_value

if TYPE_CHECKING:
    from lpuasm.isa.program import Program
    from lpuasm.stdlib.kernel import Array

_FLOATS = {"float32": "f32", "float16": "f16"}
#: Words of half a slice, which hold a tensor's share, and tiles that a program writes out one by one.
_WORDS, _TILES = 4096, 2048


def _padded(r: int) -> int:
    return 8 * -(-r // 8)


def _cycles(
    *,
    R: int,
    O: int = 1,  # noqa: E741
    T: int = 1,
    SR: int = 0,
    SI: int = 0,
    dtype: str = "f32",
) -> int:
    scales = _padded(R) // 4 + 60 if SR else 3 * (T if SI else 1)
    return O * T * (max(_padded(R), 16) // (4 if dtype == "f16" else 8) + 1) + scales + 160


def _defines(name: str, *, dtype: str, **dims: int) -> Mapping[str, int]:
    known = {"R": 0, "O": 1, "T": 1, "SR": 0, "SI": 0, **dims}
    if len(known) > 5 or min(known[k] for k in "ROT") < 1 or (known["SR"] and known["SI"]):
        raise wrong_dimension(f"{name} has the dimensions R, O, T (1 or more) and one of SR and SI (1)")
    tiled = known["O"] * known["T"]
    padded = _padded(known["R"])
    if tiled * padded > 8 * _WORDS or tiled > _TILES or (known["SR"] and padded > 4 * _WORDS):
        help_ = (
            f"up to {8 * _WORDS} vectors of {LANES} fit; where an axis has scales {_TILES} tiles, of {4 * _WORDS} rows"
        )
        raise too_large(f"{name} {dtype}", f"O={known['O']}, R={known['R']}, T={known['T']}", help_)
    return {**known, "F16": int(dtype == "f16")}


def _nest(shape: tuple[int, ...], axis: int | None) -> tuple[int, int, int, int, int]:
    """(O, rows, lanes, SR, SI) of a shape whose ``axis`` has scales; without one, rows of whole vectors."""
    if axis is None:
        return 1, -(-prod(shape) // LANES), LANES, 0, 0
    before, size, after = prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])
    return (1, before, size, 0, 1) if after == 1 else (before, size, after, 1, 0)


def _prepare(name: str, x: Any, scale: Any, axis: int | None, given: str, made: str, dtype: str) -> Call:
    """A call with ``given`` elements in and ``made`` out (numpy's names)."""
    import numpy as np

    x, scale = np.asarray(x), np.asarray(scale, np.float32)
    if axis is not None and (not isinstance(axis, int | np.integer) or not -x.ndim <= axis < x.ndim):
        raise wrong_value(f"{name}: there is no axis {axis!r} in an array of {x.ndim} axes")
    axis = None if axis is None else axis % x.ndim
    wanted = () if axis is None else (x.shape[axis],)
    if scale.shape != wanted:
        raise wrong_value(f"{name}: scales of shape {wanted} are wanted, not {scale.shape}")
    if not x.size:
        return Call(None, dtype, lambda program: {}, lambda outputs: np.zeros(x.shape, made))
    outer, rows, lanes, by_row, by_lane = _nest(x.shape, axis)
    t, deep = tiles(lanes), _padded(rows)

    def inputs(program: Program) -> Mapping[str, Array]:
        wide = np.zeros((outer, deep, t * LANES), given)
        flat = np.zeros(outer * rows * lanes, given)
        flat[: x.size] = x.reshape(-1)
        wide[:, :rows, :lanes] = flat.reshape(outer, rows, lanes)
        ready = np.ascontiguousarray(wide.reshape(outer, deep, t, LANES).transpose(0, 2, 1, 3))
        # What pads them is 1, so that its reciprocal is harmless.
        scales = np.ones((deep if by_row else 1, t * LANES if by_lane else LANES), np.float32)
        scales[: rows if by_row else 1, : lanes if by_lane else 1] = scale.reshape((-1, 1) if by_row else (1, -1))
        return {"X": ready.reshape(-1, LANES), "scale": scales.reshape(-1, LANES)}

    def finish(outputs: Mapping[str, Array]) -> Array:
        z = outputs["Z"].reshape(outer, t, deep, LANES).transpose(0, 2, 1, 3).reshape(outer, deep, t * LANES)
        return np.asarray(z[:, :rows, :lanes].reshape(-1)[: x.size].reshape(x.shape))

    return Call({"O": outer, "R": rows, "T": t, "SR": by_row, "SI": by_lane}, dtype, inputs, finish)


def _quantize(x: Any, scale: Any, axis: int | None = None) -> Call:
    import numpy as np

    x = np.asarray(x)
    dtype = _FLOATS.get(x.dtype.name)
    if dtype is None:
        raise wrong_type(f"quantize takes float32 or float16, not {x.dtype}")
    scales = np.asarray(scale, np.float32)
    if not (np.isfinite(scales) & (scales >= np.finfo(np.float32).tiny)).all():
        raise wrong_value("quantize: scales are positive, finite and normal")
    return _prepare("quantize", x, scale, axis, x.dtype.name, "int8", dtype)


def _dequantize(x: Any, scale: Any, axis: int | None = None, dtype: str = "float32") -> Call:
    import numpy as np

    x, wanted = np.asarray(x), np.dtype(dtype).name
    if x.dtype != np.int8 or wanted not in _FLOATS:
        raise wrong_type(f"dequantize takes int8 to float32 or float16, not {x.dtype} to {wanted}")
    return _prepare("dequantize", x, scale, axis, "int8", wanted, _FLOATS[wanted])


def _kernel(name: str, prepare: Any, shapes: str, error: str, doc: str) -> Kernel:
    formula = (
        "O·T·(max(RP, 16) / P + 1) + 160 for O × R rows of T vectors, RP = 8·⌈R / 8⌉, P = 8 (f16: 4), "
        "and for scales of rows RP / 4 + 60, for others 3 a vector"
    )
    contract = Contract(("f32", "f16"), shapes, error, None, _cycles, formula)
    return Kernel(name, contract, partial(_defines, name), prepare, doc=doc)


QUANTIZE = _kernel(
    "quantize",
    _quantize,
    "x of any shape, f32 or f16; scale one number, or one for every index of axis → i8",
    "the nearest i8, ties to even, of some number within 4 · 2⁻²⁴ of x / scale",
    "quantize(x, scale, axis=None): x / scale, rounded to int8 and saturated; NaN gives 0.",
)
DEQUANTIZE = _kernel(
    "dequantize",
    _dequantize,
    "x of any shape, i8; scale one number, or one for every index of axis → f32 or f16",
    "f32: rounded once; f16: the f32 product, rounded again",
    "dequantize(x, scale, axis=None, dtype='float32'): x · scale.",
)
