"""Kernels of two operands, element by element with numpy's broadcasting: add, sub, mul, maximum."""

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

_TYPES = {"float32": "f32", "float16": "f16", "int32": "i32"}
#: Words of half a slice, which hold a tensor's share, and tiles that a program writes out one by one.
_WORDS, _TILES = 4096, 2048

#: An axis of the result: its size, and whether each operand has it.
Axis = tuple[int, bool, bool]


def axes(x: tuple[int, ...], y: tuple[int, ...]) -> list[Axis]:
    """The axes of the broadcast result, neighbours alike in both operands joined, those of size 1 left out."""
    rank = max(len(x), len(y))
    a, b = (1,) * (rank - len(x)) + x, (1,) * (rank - len(y)) + y
    joined: list[Axis] = []
    for one, two in zip(a, b, strict=True):
        axis = (max(one, two), one >= two, two >= one)
        if axis[0] == 1:
            continue
        if joined and joined[-1][1:] == axis[1:]:
            axis = (joined.pop()[0] * axis[0], *axis[1:])
        joined.append(axis)
    return joined or [(1, True, True)]


def _padded(r: int) -> int:
    return 8 * -(-r // 8)


def _cycles(
    *,
    R: int,
    O: int = 1,  # noqa: E741
    T: int = 1,
    XO: int = 1,
    XR: int = 1,
    XI: int = 1,
    YO: int = 1,
    YR: int = 1,
    YI: int = 1,
    dtype: str = "f32",
) -> int:
    total = O * T * (_padded(R) // (2 if dtype == "f16" else 8) + 1) + 130
    for o, r, i in ((XO, XR, XI), (YO, YR, YI)):
        made = (O if o else 1) * (T if i else 1) * (_padded(R) if r else 1)
        if not r:
            total += made + 60
        elif not i:
            total += made // 2 + 60
    return total


def _defines(name: str, *, dtype: str, **dims: int) -> Mapping[str, int]:
    known = {"R": 0, "O": 1, "T": 1, "XO": 1, "XR": 1, "XI": 1, "YO": 1, "YR": 1, "YI": 1, **dims}
    if len(known) > 9 or min(known[k] for k in "ROT") < 1:
        raise wrong_dimension(f"{name} has the dimensions R, O, T (1 or more) and XO XR XI YO YR YI (0 or 1)")
    words = known["O"] * known["T"] * _padded(known["R"]) // 8
    copies = max(
        (known["O"] if o else 1)
        * (known["T"] if i else 1)
        * (1 if not r else _padded(known["R"]) // (2 if not i else 8))
        for o, r, i in ((known["XO"], known["XR"], known["XI"]), (known["YO"], known["YR"], known["YI"]))
    )
    if words > _WORDS or copies > _WORDS or known["O"] * known["T"] > _TILES:
        help_ = f"up to {8 * _WORDS} vectors of {LANES} fit, and {_TILES} tiles where something is broadcast"
        raise too_large(f"{name} {dtype}", f"O={known['O']}, R={known['R']}, T={known['T']}", help_)
    return {**known, "F16": int(dtype == "f16"), "I32": int(dtype == "i32")}


def _prepare(name: str, x: Any, y: Any) -> Call:
    import numpy as np

    x, y = np.asarray(x), np.asarray(y)
    dtype = _TYPES.get(x.dtype.name)
    if dtype is None or x.dtype != y.dtype:
        raise wrong_type(f"{name} takes two arrays of float32, of float16 or of int32, not {x.dtype} and {y.dtype}")
    shape = np.broadcast_shapes(x.shape, y.shape)
    if not prod(shape):
        return Call(None, dtype, lambda program: {}, lambda outputs: np.zeros(shape, x.dtype))
    found = axes(x.shape, y.shape)
    if len(found) > 3:
        raise wrong_value(
            f"{name}: {x.shape} and {y.shape} broadcast by turns in {len(found)} runs of axes; 3 are the most"
        )
    flat = len(found) == 1
    outer, rows, lanes = [(1, True, True)] * (3 - len(found)) + found
    if flat:
        outer, rows = (1, True, True), (-(-lanes[0] // LANES), *lanes[1:])
    t = 1 if flat else tiles(lanes[0])
    dims = {"O": outer[0], "R": rows[0], "T": t}
    for k, letter in ((1, "X"), (2, "Y")):
        dims |= {f"{letter}{axis}": int(of[k]) for axis, of in (("O", outer), ("R", rows), ("I", lanes))}

    def vectors(a: Array, k: int) -> Array:
        """An operand as [O, T, R, 320] in its own axes, padded."""
        own_o, own_r, own_i = (of[0] if of[k] else 1 for of in (outer, rows, lanes))
        if flat and lanes[k]:
            own_r, own_i = rows[0], LANES
            filled = np.zeros(own_r * LANES, a.dtype)
            filled[: a.size] = a.reshape(-1)
            a = filled
        elif flat:
            own_r = 1
        width = -(-own_i // LANES) * LANES
        deep = _padded(own_r) if rows[k] else 1
        wide = np.zeros((own_o, deep, width), a.dtype)
        wide[:, :own_r, :own_i] = a.reshape(own_o, own_r, own_i)
        cut = wide.reshape(own_o, deep, width // LANES, LANES).transpose(0, 2, 1, 3)
        return np.ascontiguousarray(cut.reshape(-1, LANES))

    def finish(outputs: Mapping[str, Array]) -> Array:
        z = outputs["Z"].reshape(outer[0], t, _padded(rows[0]), LANES).transpose(0, 2, 1, 3)
        if flat:
            return np.asarray(z.reshape(-1)[: lanes[0]].reshape(shape))
        cut = z.reshape(outer[0], _padded(rows[0]), t * LANES)[:, : rows[0], : lanes[0]]
        return np.asarray(cut.reshape(shape))

    def inputs(program: Program) -> Mapping[str, Array]:
        return {"X": vectors(x, 1), "Y": vectors(y, 2)}

    return Call(dims, dtype, inputs, finish)


def _binary(name: str, says: str, error: str) -> Kernel:
    contract = Contract(
        types=("f32", "f16", "i32"),
        shapes="two of one type that broadcast as numpy's do, by turns in at most three runs of axes",
        error=error,
        bound=0.0 if name == "maximum" else 0.5,
        cycles=_cycles,
        formula="O·T·(RP / P + 1) + 130, RP = 8·⌈R / 8⌉, P = 8 (f16: 2), and for an operand without rows: its vectors "
        "and 60, without lanes only: half of them and 60",
    )
    return Kernel(name, contract, partial(_defines, name), partial(_prepare, name), doc=f"{name}(x, y): {says}")


_ROUNDED = "floats: rounded once; i32: exact, modulo 2³²"

ADD = _binary("add", "x + y.", _ROUNDED)
SUB = _binary("sub", "x - y.", _ROUNDED)
MUL = _binary("mul", "x * y.", _ROUNDED)
MAXIMUM = _binary("maximum", "the larger; a NaN prevails, and -0 < +0.", "exact")
