"""Kernels of one operand, element by element: relu, gelu, silu, sigmoid, tanh, exp."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from lpuasm.stdlib.kernel import Call, Contract, Kernel, largest, too_large
from lpuasm.stdlib.products import LANES
from lpuasm.stdlib.refusals import wrong_dimension, wrong_type

if TYPE_CHECKING:
    from lpuasm.isa.program import Program
    from lpuasm.stdlib.kernel import Array

_TYPES = {"float32": "f32", "float16": "f16"}
#: Vectors that the tensors' place holds: eight groups of half a slice.
_MOST = 8 * 4096


def vectors(n: int) -> int:
    """Vectors of 320 that n elements take, a multiple of the eight groups of slices."""
    return 8 * -(-n // (8 * LANES))


def as_vectors(x: Array) -> Array:
    """The elements of x in row-major order, as whole vectors, zero beyond the end."""
    import numpy as np

    padded = np.zeros(vectors(x.size) * LANES, x.dtype)
    padded[: x.size] = x.reshape(-1)
    return padded.reshape(-1, LANES)


def _defines(name: str, *, N: int, dtype: str) -> Mapping[str, int]:
    if N < 1:
        raise wrong_dimension("the dimensions of a program are 1 or more")
    if vectors(N) > _MOST:
        best = largest(lambda n: vectors(n) <= _MOST, N)
        raise too_large(f"{name} {dtype}", f"{N} elements", f"up to {best} elements fit; the rest is another call")
    return {"N": N, "F16": int(dtype == "f16")}


def _prepare(name: str, x: Any) -> Call:
    import numpy as np

    x = np.asarray(x)
    dtype = _TYPES.get(x.dtype.name)
    if dtype is None:
        raise wrong_type(f"{name} takes float32 or float16, not {x.dtype}")

    def inputs(program: Program) -> Mapping[str, Array]:
        return {"X": as_vectors(x)}

    def finish(outputs: Mapping[str, Array]) -> Array:
        y = outputs["Y"].reshape(-1)[: x.size] if outputs else np.zeros(0, x.dtype)
        return np.asarray(y.reshape(x.shape))

    return Call({"N": x.size} if x.size else None, dtype, inputs, finish)


def _unary(name: str, says: str, f32: str, f16: str, rates: tuple[int, int], fill: tuple[int, int]) -> Kernel:
    """A kernel of one operand; ``rates``: vectors a cycle, ``fill``: cycles beside those, of f32 and of f16."""

    def cycles(*, N: int, dtype: str = "f32") -> int:
        half = dtype == "f16"
        return vectors(N) // rates[half] + fill[half]

    f32_cycles, f16_cycles = (
        f"V{f' / {rate}' if rate > 1 else ''} + {more}" for rate, more in zip(rates, fill, strict=True)
    )
    contract = Contract(
        types=("f32", "f16"),
        shapes="any shape; the result has it too",
        error=f"f32: {f32}; f16: {f16}",
        bound=None,
        cycles=cycles,
        formula=f"{f32_cycles} for f32, {f16_cycles} for f16, V = 8 · ⌈N / 2560⌉ vectors",
    )
    return Kernel(name, contract, partial(_defines, name), partial(_prepare, name), doc=f"{name}(x): {says}")


_ULP = "one unit in the last place of the correctly rounded result"

RELU = _unary("relu", "the larger of x and 0.", "exact", "exact", (8, 4), (70, 70))
EXP = _unary("exp", "e to the power x.", "0.51 units in the last place", _ULP, (8, 2), (70, 70))
TANH = _unary("tanh", "the hyperbolic tangent of x.", "0.51 units in the last place", _ULP, (8, 2), (70, 70))
SIGMOID = _unary("sigmoid", "1 / (1 + exp(-x)).", "4 · 2⁻²³ of the result, and 2⁻¹²⁶", _ULP, (2, 2), (110, 110))
SILU = _unary("silu", "x / (1 + exp(-x)).", "5 · 2⁻²³ of the result, and 2⁻¹²⁶ · |x|", _ULP, (2, 2), (110, 160))
GELU = _unary(
    "gelu",
    "x / 2 · (1 + tanh(sqrt(2/pi) · (x + 0.044715 · x³))), the tanh form.",
    "(8 + 8r) · 2⁻²³ of the result with r = sqrt(2/pi) · |x + 0.044715 · x³|, and 2⁻¹²⁶ · |x|",
    _ULP,
    (1, 1),
    (110, 160),
)
