"""The switch unit over many vectors at once: bytes [vectors, streams, lanes]."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.core import Instruction
from lpuasm.isa.maps import entry_beyond, not_bijective

Octets = NDArray[np.uint8]
Lanes = NDArray[Any]
#: Notes a fault of a vector: its number, the code, the message.
Note = Callable[[int, str, str], None]
Operands = Mapping[str, Octets]
SUPERLANE = 16


def shift(x: Operands, code: Instruction, note: Note) -> Octets:
    rows, lanes = x["in"], _number(code, "lanes")
    if not lanes:
        return rows
    out = np.zeros_like(rows)
    if lanes > 0:
        out[:, :, lanes:] = rows[:, :, : rows.shape[2] - lanes]
    else:
        out[:, :, :lanes] = rows[:, :, -lanes:]
    return out


def shift_wide(x: Operands, code: Instruction, note: Note) -> Octets:
    rows = x["in"]
    lanes = _number(code, "lanes") % rows.shape[2]
    out = np.empty(rows.shape, rows.dtype)
    out[:, :, lanes:] = rows[:, :, : rows.shape[2] - lanes]
    out[:, :, :lanes] = rows[:, :, rows.shape[2] - lanes :]
    return out


def select(x: Operands, code: Instruction, note: Note) -> Octets:
    return np.where(x["mask"] != 0, x["north"], x["south"])


def permute(x: Operands, code: Instruction, note: Note) -> Octets:
    rows, octets = x["in"], x["map"].astype(np.intp)
    lanes = octets[:, 0] + 256 * octets[:, 1]
    every = np.arange(lanes.shape[1])
    alike = (lanes == lanes[:1]).all()
    right = (np.sort(lanes[:1] if alike else lanes, axis=1) == every).all(axis=1)
    if not right.all():
        wrong = range(len(lanes)) if alike else np.flatnonzero(~right).tolist()
        for k in wrong:
            note(k, "LPU0702", not_bijective(lanes[k]))
        lanes[~right if not alike else slice(None)] = every
    if alike:
        return rows[:, :, lanes[0]]
    return np.take_along_axis(rows, lanes[:, None], axis=2)


def distribute(x: Operands, code: Instruction, note: Note) -> Octets:
    rows, entries = x["in"], x["map"][:, 0]
    n, streams, _ = rows.shape
    most = int(entries.max())
    if most > SUPERLANE:
        beyond = entries > SUPERLANE
        for k in np.flatnonzero(beyond.any(axis=1)).tolist():
            lane = int(beyond[k].argmax())
            note(k, "LPU0703", entry_beyond(lane, int(entries[k, lane]), SUPERLANE))
    if (entries == entries[:, :1]).all():
        out = spread(rows, np.arange(n), entries[:, 0])
    else:
        first = np.arange(0, rows.size, SUPERLANE).reshape(n, streams, -1, 1)
        out = rows.reshape(-1).take(first + (entries % SUPERLANE).reshape(n, 1, -1, SUPERLANE)).reshape(rows.shape)
    if most >= SUPERLANE:
        out = np.where((entries >= SUPERLANE)[:, None], np.zeros((), out.dtype), out)
    bypass = _number(code, "bypass")
    if passes := [k for k in range(streams) if bypass >> k & 1]:
        out = np.array(out)
        out[:, passes] = rows[:, passes]
    return out


def spread(rows: Lanes, at: NDArray[np.intp], lane: Octets) -> Lanes:
    """Vectors ``at`` with one ``lane`` of every superlane in all of it; often it is the same in every superlane."""
    picked = _superlanes(rows)[at, :, :, lane.astype(np.intp) % SUPERLANE]
    if (picked == picked[:, :, :1]).all():
        return np.broadcast_to(picked[:, :, :1], (*picked.shape[:2], rows.shape[2]))
    return np.repeat(picked, SUPERLANE, axis=2)


def evenly(entries: Octets) -> bool:
    """Whether maps of distribution take one lane of every superlane each, and none is at fault or makes zeros."""
    return bool(entries.max() < SUPERLANE and (entries == entries[:, :1]).all())


def rotate(x: Operands, code: Instruction, note: Note) -> Octets:
    n = _number(code, "n")
    superlanes = _superlanes(x["in"])[:, 0]
    matrix = superlanes[:, :, : n * n].reshape(*superlanes.shape[:2], n, n)
    out = np.zeros((len(superlanes), SUPERLANE, *superlanes.shape[1:]), np.uint8)
    for i in range(n):
        for j in range(n):
            turned = np.roll(matrix, (-i, -j), axis=(2, 3))
            out[:, n * i + j, :, : n * n] = turned.reshape(*superlanes.shape[:2], n * n)
    return out.reshape(len(superlanes), SUPERLANE, -1)


def transpose(x: Operands, code: Instruction, note: Note) -> Octets:
    rows = x["in"]
    return _superlanes(rows).transpose(0, 3, 2, 1).reshape(rows.shape)


def turned(rows: Sequence[Lanes]) -> Lanes:
    """Transpositions as one, from the vectors of each stream; the streams of the result take turns."""
    n, lanes = rows[0].shape
    out = np.empty((n, SUPERLANE, lanes // SUPERLANE, SUPERLANE), rows[0].dtype)
    for k, vectors in enumerate(rows):
        out[:, :, :, k] = vectors.reshape(n, -1, SUPERLANE).transpose(0, 2, 1)
    return out.reshape(-1, lanes)


def broadcast(x: Operands, code: Instruction, note: Note) -> Octets:
    rows = x["in"]
    lane = min(_number(code, "lane"), rows.shape[2] - 1)
    return np.broadcast_to(rows[:, :, lane : lane + 1], rows.shape)


def _superlanes(rows: Octets) -> Octets:
    """Vectors [vectors, streams, lanes] as [vectors, streams, superlanes, 16]."""
    return rows.reshape(*rows.shape[:2], -1, SUPERLANE)


def _number(code: Instruction, name: str) -> int:
    value: Any = code[name]
    assert isinstance(value, int)
    return value


OPERATIONS: Mapping[str, Callable[[Operands, Instruction, Note], Octets]] = {
    "shift": shift,
    "shift_wide": shift_wide,
    "select": select,
    "permute": permute,
    "distribute": distribute,
    "rotate": rotate,
    "transpose": transpose,
    "broadcast": broadcast,
}
