"""Which bytes of its operands an instruction needs for some bytes of its result: its dataflow, backward.

Bytes are masks, bool [streams, lanes]. What an instruction does with whole bytes of a lane (an ALU, a sum) needs all
bytes of that lane; what only moves bytes needs the ones that it moved, and those that said where from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.operands import Streams
from lpuasm.vm.code import Code
from lpuasm.vm.state import Octets

Mask = NDArray[np.bool_]
#: The bytes that a stream operand heard, by its name.
Heard = Callable[[str], Octets]
Demand = Callable[[Code, Mask, Heard], Mapping[str, Mask]]

SUPERLANE = 16


def any_of(mask: Mask, axis: int) -> Mask:
    """Whether any is set along an axis."""
    return np.asarray(mask.any(axis=axis))


def demand(code: Code, wanted: Mask, heard: Heard) -> dict[str, Mask]:
    """The bytes that ``code`` needs of each stream operand for the bytes ``wanted`` that it drives or stores."""
    definition = code.definition
    rule = _RULES.get(definition.mnemonic) if definition.unit in ("sxm", "mem") else None
    found = dict(rule(code, wanted, heard)) if rule else _lanewise(code, wanted)
    return {name: mask for name, mask in found.items() if mask.any()}


def _lanewise(code: Code, wanted: Mask) -> dict[str, Mask]:
    """Every operand, all bytes of the same lanes."""
    lanes = any_of(wanted, 0)
    return {
        name: np.repeat(lanes[None], port.streams.size, axis=0)
        for name, port in code.ports.items()
        if code.definition.operand[name].role == "in"
    }


def _none(code: Code, name: str, wanted: Mask) -> Mask:
    return np.zeros((code.ports[name].streams.size, wanted.shape[1]), np.bool_)


def _read(code: Code, wanted: Mask, heard: Heard) -> Mapping[str, Mask]:
    return {}


def _write(code: Code, wanted: Mask, heard: Heard) -> Mapping[str, Mask]:
    return {"data": wanted}


def _address_bytes(code: Code, wanted: Mask) -> Mask:
    """Bytes 0 and 1 of the map of each superlane that is wanted."""
    mask = _none(code, "map", wanted)
    superlanes = np.flatnonzero(any_of(wanted, 0).reshape(-1, SUPERLANE).any(axis=1))
    mask[0, superlanes * SUPERLANE] = mask[0, superlanes * SUPERLANE + 1] = True
    return mask


def _gather(code: Code, wanted: Mask, heard: Heard) -> Mapping[str, Mask]:
    return {"map": _address_bytes(code, wanted)}


def _scatter(code: Code, wanted: Mask, heard: Heard) -> Mapping[str, Mask]:
    return {"data": wanted, "map": _address_bytes(code, wanted)}


def _shift(code: Code, wanted: Mask, heard: Heard) -> Mapping[str, Mask]:
    lanes, mask = code.number("lanes"), np.zeros_like(wanted)
    if lanes >= 0:
        mask[:, : wanted.shape[1] - lanes] = wanted[:, lanes:]
    else:
        mask[:, -lanes:] = wanted[:, :lanes]
    return {"in": mask}


def _shift_wide(code: Code, wanted: Mask, heard: Heard) -> Mapping[str, Mask]:
    return {"in": np.roll(wanted, -code.number("lanes"), axis=1)}


def _select(code: Code, wanted: Mask, heard: Heard) -> Mapping[str, Mask]:
    """The vector that was chosen, and the mask."""
    north = heard("mask") != 0
    return {"north": wanted & north, "south": wanted & ~north, "mask": any_of(wanted, 0)[None]}


def _permute(code: Code, wanted: Mask, heard: Heard) -> Mapping[str, Mask]:
    octets = heard("map").astype(np.intp)
    mask, lanes = np.zeros_like(wanted), octets[0] + 256 * octets[1]
    mask[:, lanes] = wanted
    return {"in": mask, "map": np.repeat(any_of(wanted, 0)[None], 2, axis=0)}


def _distribute(code: Code, wanted: Mask, heard: Heard) -> Mapping[str, Mask]:
    entries, mask = heard("map")[0].astype(np.intp), np.zeros_like(wanted)
    bypass, moved = code.number("bypass"), np.zeros(wanted.shape[1], np.bool_)
    base = np.arange(wanted.shape[1]) // SUPERLANE * SUPERLANE
    for k in range(len(wanted)):
        if bypass >> k & 1:
            mask[k] |= wanted[k]
            continue
        moved |= wanted[k]
        taken = wanted[k] & (entries < SUPERLANE)
        mask[k, (base + entries)[taken]] = True
    return {"in": mask, "map": moved[None]}


def _rotate(code: Code, wanted: Mask, heard: Heard) -> Mapping[str, Mask]:
    n, mask = code.number("n"), _none(code, "in", wanted)
    for stream, lane in np.argwhere(wanted).tolist():
        superlane, at = divmod(lane, SUPERLANE)
        if stream < n * n and at < n * n:
            row, column = (at // n + stream // n) % n, (at % n + stream % n) % n
            mask[0, superlane * SUPERLANE + row * n + column] = True
    return {"in": mask}


def _transpose(code: Code, wanted: Mask, heard: Heard) -> Mapping[str, Mask]:
    cubes = wanted.reshape(len(wanted), -1, SUPERLANE)
    return {"in": cubes.transpose(2, 1, 0).reshape(wanted.shape)}


def _transpose_null(code: Code, wanted: Mask, heard: Heard) -> Mapping[str, Mask]:
    order, mask = code.number("order"), np.zeros_like(wanted)
    for k, row in enumerate(wanted):
        mask[order >> 4 * k & 15] |= row
    return {"in": mask}


def _broadcast(code: Code, wanted: Mask, heard: Heard) -> Mapping[str, Mask]:
    mask = np.zeros_like(wanted)
    mask[:, code.number("lane")] = any_of(wanted, 1)
    return {"in": mask}


_RULES: Mapping[str, Demand] = {
    "read": _read,
    "write": _write,
    "gather": _gather,
    "scatter": _scatter,
    "shift": _shift,
    "shift_wide": _shift_wide,
    "select": _select,
    "permute": _permute,
    "distribute": _distribute,
    "rotate": _rotate,
    "transpose": _transpose,
    "transpose_null": _transpose_null,
    "broadcast": _broadcast,
}


def outputs(code: Code) -> list[tuple[str, Streams]]:
    """The streams that a word drives: operands "out" and "also", which carry the same."""
    return [(n, port.streams) for n, port in code.ports.items() if code.definition.operand[n].role == "out"]
