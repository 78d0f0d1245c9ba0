"""Axes in another order: permute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from lpuasm.stdlib.kernel import Call, Contract, Kernel, too_large
from lpuasm.stdlib.moves import BYTES, TRANSPOSE, type_of_size
from lpuasm.stdlib.products import LANES, WORDS, tiles
from lpuasm.stdlib.refusals import wrong_dimension, wrong_type, wrong_value

if TYPE_CHECKING:
    from lpuasm.isa.program import Program
    from lpuasm.stdlib.kernel import Array

#: Byte planes that move in a cycle: a slice reads and writes one.
_UNITS = 64


def joined(shape: Sequence[int], axes: Sequence[int]) -> tuple[list[int], list[int]]:
    """The shape and the order, with axes of size 1 left out and those that stay together joined."""
    kept = [a for a in axes if shape[a] != 1]
    runs: list[list[int]] = []
    for a in kept:
        before = [b for b in range(a) if shape[b] != 1]
        if runs and before and runs[-1][-1] == before[-1]:
            runs[-1].append(a)
        else:
            runs.append([a])
    in_order = sorted(runs)
    return [prod(shape[a] for a in run) for run in in_order], [in_order.index(run) for run in runs]


def split(b: int, r: int, n: int, dtype: str) -> tuple[int, int, int]:
    """How b rows in each of r turns go to the units: (planes of a unit, turns of a part, parts); see `permute.s`."""
    rows = b * tiles(n) * BYTES[dtype]
    ways = [(-(-rows * parts // _UNITS), -(-r // parts), parts) for parts in range(1, min(r, _UNITS) + 1)]
    return min(ways, key=lambda way: way[0] * way[1])


def _cycles(*, B: int, R: int, N: int, TURN: int, dtype: str = "i8") -> int:
    if TURN:
        return TRANSPOSE.contract.cycles(R=R, N=N, B=B, dtype=dtype)
    planes, turns, _ = split(B, R, N, dtype)
    return planes * turns + 70


def _defines(*, B: int, R: int, N: int, TURN: int, dtype: str) -> Mapping[str, int | float]:
    if TURN:
        return {"TURN": 1, **TRANSPOSE.defines(R=R, N=N, B=B, dtype=dtype)}
    if min(B, R, N) < 1:
        raise wrong_dimension("the dimensions of a program are 1 or more")
    planes, turns, _ = split(B, R, N, dtype)
    if planes * turns > WORDS // 2:
        help_ = f"{_UNITS * WORDS // 2} byte planes of {LANES} lanes fit; permute it in pieces"
        raise too_large(f"permute {dtype}", f"B={B}, R={R}, N={N}", help_)
    return {"TURN": 0, "A": planes, "BC": turns}


def _prepare(x: Any, axes: Sequence[int]) -> Call:
    import numpy as np

    x = np.asarray(x)
    dtype = type_of_size(x)
    if dtype is None:
        raise wrong_type(f"permute takes elements of one, two or four bytes, not {x.dtype}")
    if sorted(a % x.ndim if -x.ndim <= a < x.ndim else -1 for a in axes) != list(range(x.ndim)):
        raise wrong_value(f"permute: {tuple(axes)} is not an order of the axes of {x.shape}")
    order = [a % x.ndim for a in axes]
    shape = tuple(x.shape[a] for a in order)
    if not x.size:
        return Call(None, dtype, lambda program: {}, lambda outputs: np.zeros(shape, x.dtype))
    sizes, turns = joined(x.shape, order)
    if len(sizes) > 3:
        raise wrong_value(f"permute: {tuple(axes)} of {x.shape} moves {len(sizes)} axes by themselves; 3 are the most")
    if turns in ([], [0]):
        flat = np.zeros(tiles(x.size) * LANES, x.dtype)
        flat[: x.size] = x.reshape(-1)
        call, cut = _copy(flat.reshape(-1, 1, LANES), dtype), slice(0, x.size)
        return Call(call.dims, dtype, call.inputs, lambda outputs: call.finish(outputs).reshape(-1)[cut].reshape(shape))
    whole = x.reshape(sizes)
    if turns == [1, 0, 2]:
        call, back = _copy(whole, dtype), (0, 1, 2)
    else:
        # The kernel that transposes has the matrices' rows first, and gives columns first.
        matrices = whole[:, None] if len(sizes) == 2 else whole.transpose(1, 0, 2) if turns[0] == 0 else whole
        call, back = _turn(matrices), (1, 0, 2) if turns[0] == 0 else (0, 1, 2)
    return Call(call.dims, dtype, call.inputs, lambda outputs: call.finish(outputs).transpose(back).reshape(shape))


def _turn(x: Array) -> Call:
    call = TRANSPOSE.prepare(x)
    return Call({**(call.dims or {}), "TURN": 1}, call.dtype, call.inputs, call.finish)


def _copy(x: Array, dtype: str) -> Call:
    """x [b, r, n] as [r, b, n]."""
    import numpy as np

    b, r, n = x.shape
    t, size = tiles(n), BYTES[dtype]
    planes, turns, parts = split(b, r, n, dtype)

    def inputs(program: Program) -> Mapping[str, Array]:
        wide = np.zeros((b, parts * turns, t * LANES), x.dtype)
        wide[:, :r, :n] = x
        octets = wide.view(np.uint8).reshape(b, parts, turns, t, LANES, size).transpose(0, 5, 3, 1, 2, 4)
        units = np.zeros((planes * _UNITS, turns, LANES), np.uint8)
        units[: b * size * t * parts] = octets.reshape(-1, turns, LANES)
        dealt = units.reshape(planes, 2, _UNITS // 2, turns, LANES).transpose(1, 0, 3, 2, 4)
        west, east = (np.ascontiguousarray(half).reshape(-1, LANES) for half in dealt)
        return {"XW": west, "XE": east}

    def finish(outputs: Mapping[str, Array]) -> Array:
        halves = np.stack([outputs["YE"], outputs["YW"]]).reshape(2, turns, planes, _UNITS // 2, LANES)
        units = halves.transpose(2, 0, 3, 1, 4).reshape(-1, turns, LANES)[: b * size * t * parts]
        octets = units.reshape(b, size, t, parts, turns, LANES).transpose(3, 4, 0, 2, 5, 1)
        wide = np.ascontiguousarray(octets).view(x.dtype).reshape(parts * turns, b, t * LANES)
        return np.ascontiguousarray(wide[:r, :, :n])

    return Call({"B": b, "R": r, "N": n, "TURN": 0}, dtype, inputs, finish)


PERMUTE = Kernel(
    "permute",
    Contract(
        types=("i8", "f16", "f32"),
        shapes="any that comes down to three axes when those of size 1 are left out and those that stay together "
        "joined; elements of one, two or four bytes",
        error="exact",
        bound=0.0,
        cycles=_cycles,
        formula="TURN = 1 (the last axis moves): transpose's for B matrices [R, N]; TURN = 0: the least of "
        "⌈B·⌈N/320⌉·bytes·c / 64⌉ · ⌈R / c⌉ over c from 1 to 64, and 70",
    ),
    _defines,
    _prepare,
    doc="permute(x, axes): the axes in another order, as numpy.transpose(x, axes).",
)
