"""Rotary position embedding: rope."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any

from lpuasm.stdlib.kernel import Call, Contract, Kernel, largest, too_large
from lpuasm.stdlib.products import LANES, WORDS
from lpuasm.stdlib.refusals import wrong_dimension, wrong_type, wrong_value

if TYPE_CHECKING:
    from lpuasm.isa.program import Program
    from lpuasm.stdlib.kernel import Array

_TYPES = {"float32": "f32", "float16": "f16"}
#: Tables grow by so many rows, so that the next position mostly finds the same program.
_GROWTH = 256
#: Rows that a flow takes, if a head has fewer.
_STEP = 64


def _step(heads: int, rows: int) -> int:
    """Rows that a flow takes; `rope.s` has the same number."""
    parts = max(1, 8 // heads) if rows > _STEP else 1
    return min(heads, max(1, _STEP // rows)) * -(-rows // parts)


def _cycles(*, H: int, P: int, V: int, D: int, interleaved: bool = False, dtype: str = "f32") -> int:
    rows = -(-P // 2)
    return H * rows + 2 * _step(H, rows) + rows + 200


def _fits(h: int, p: int, dtype: str) -> bool:
    rows = -(-p // 2)
    words = -(-h * rows // (2 if dtype == "f16" else 1))
    return words + rows + 1 <= WORDS and 2 * _step(h, rows) <= WORDS


def _defines(*, H: int, P: int, V: int, D: int, interleaved: bool = False, dtype: str) -> Mapping[str, int]:
    if min(H, P, V, D) < 1:
        raise wrong_dimension("the dimensions of a program are 1 or more")
    wanted = f"H={H}, P={P}, V={V}, D={D}"
    if D > LANES:
        raise too_large(f"rope {dtype}", wanted, f"rows of up to {LANES} columns fit")
    if V > WORDS:
        raise too_large(f"rope {dtype}", wanted, f"positions up to {WORDS - 1} fit")
    if not _fits(H, P, dtype):
        best = largest(lambda h: _fits(h, P, dtype), H)
        help_ = f"up to {best} heads of {P} positions fit" if best else "take fewer positions at once"
        raise too_large(f"rope {dtype}", wanted, help_)
    return {"H": H, "P": P, "V": V, "D": D, "F16": int(dtype == "f16"), "INTERLEAVED": int(interleaved)}


def angles(positions: int, d: int, base: float, interleaved: bool) -> tuple[Array, Array]:
    """Cosines and signed sines [positions, d] in float64."""
    import numpy as np

    lane = np.arange(d)
    pair, second = (lane // 2, lane % 2) if interleaved else (lane % (d // 2), lane // (d // 2))
    turn = np.arange(positions)[:, None] * float(base) ** (-2.0 * pair / d)
    return np.cos(turn), np.where(second, 1.0, -1.0) * np.sin(turn)


def _prepare(x: Any, positions: Any, base: float = 10000.0, interleaved: bool = False) -> Call:
    import numpy as np

    x, positions = np.asarray(x), np.asarray(positions)
    dtype = _TYPES.get(x.dtype.name)
    if dtype is None or positions.dtype.kind not in "iu":
        raise wrong_type(f"rope takes float32 or float16, and integer positions, not {x.dtype} and {positions.dtype}")
    if x.ndim < 1 or x.shape[-1] % 2 or x.shape[:-1][x.ndim - 1 - positions.ndim :] != positions.shape:
        raise wrong_value(
            f"rope: x [..., S, D], D even, and positions [S] are wanted, not {x.shape} and {positions.shape}"
        )
    if not (isfinite(base) and base > 0):
        raise wrong_value(f"rope: the base is a positive number, not {base}")
    if not x.size:
        return Call(None, dtype, lambda program: {}, lambda outputs: np.zeros(x.shape, x.dtype))
    if int(positions.min()) < 0:
        raise wrong_value(f"rope: positions are 0 or more, and one is {positions.min()}")
    d, p = x.shape[-1], positions.size
    h, v = x.size // (p * d), int(positions.max()) + 1
    v = min(-(-v // _GROWTH) * _GROWTH, WORDS) if v <= WORDS else v
    halves = (slice(0, -(-p // 2)), slice(-(-p // 2), p))

    def inputs(program: Program) -> Mapping[str, Array]:
        heads, places = x.reshape(h, p, d), positions.reshape(-1).astype("<i4")
        cosines, sines = angles(v, d, base, interleaved)
        found: dict[str, Array] = {}
        for i, half in enumerate(halves):
            found |= {
                f"X{i}": np.ascontiguousarray(heads[:, half]),
                f"Index{i}": np.ascontiguousarray(places[half, None]).view(np.uint8),
                f"Cos{i}": cosines.astype(np.float32),
                f"Sin{i}": sines.astype(np.float32),
            }
        wanted = {tensor.name for tensor in program.tensors}
        return {name: array for name, array in found.items() if name in wanted}

    def finish(outputs: Mapping[str, Array]) -> Array:
        sides = [outputs[f"Y{i}"] for i in range(2) if f"Y{i}" in outputs]
        return np.concatenate(sides, 1).reshape(x.shape)

    return Call({"H": h, "P": p, "V": v, "D": d, "interleaved": interleaved}, dtype, inputs, finish)


ROPE = Kernel(
    "rope",
    Contract(
        types=("f32", "f16"),
        shapes="x [..., S, D], D even and at most 320; positions, integers from 0 to 8191, [S] or as many of the axes "
        "before D as they have; the result is like x",
        error="2⁻²⁴ · (2 |x · cos| + 2 |x' · sin| + |y|), x' the other one of a pair, and for f16 half a unit in the "
        "last place",
        bound=None,
        cycles=_cycles,
        formula="H·R + 2·step + R + 200, R = ⌈P / 2⌉, H heads of P positions, step = R · min(H, ⌊64 / R⌋) or, if R is "
        "more, ⌈R / max(1, ⌊8 / H⌋)⌉",
    ),
    _defines,
    _prepare,
    doc="rope(x, positions, base=10000.0, interleaved=False): pairs (i, i + D/2), or (2i, 2i + 1), turned by "
    "position · base^(-2i / D).",
)
