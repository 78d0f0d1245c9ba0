"""The switch unit: functions that move lanes. Vectors are bytes [streams, lanes]."""

from __future__ import annotations

import numpy as np

from lpuasm.isa.maps import entry_beyond, not_bijective
from lpuasm.vm.chip import Chip, Issue
from lpuasm.vm.state import Octets

SUPERLANE = 16


def shift(chip: Chip, issue: Issue) -> None:
    rows, lanes = chip.sample(issue, "in"), issue.code.number("lanes")
    out = np.zeros_like(rows)
    if lanes >= 0:
        out[:, lanes:] = rows[:, : rows.shape[1] - lanes]
    else:
        out[:, :lanes] = rows[:, -lanes:]
    chip.drive(issue, "out", out)


def shift_wide(chip: Chip, issue: Issue) -> None:
    chip.drive(issue, "out", np.roll(chip.sample(issue, "in"), issue.code.number("lanes"), axis=1))


def select(chip: Chip, issue: Issue) -> None:
    north, south, mask = (chip.sample(issue, name) for name in ("north", "south", "mask"))
    chip.drive(issue, "out", np.where(mask != 0, north, south))


def permute(chip: Chip, issue: Issue) -> None:
    rows, octets = chip.sample(issue, "in"), chip.sample(issue, "map").astype(np.intp)
    lanes = octets[0] + 256 * octets[1]
    if not np.array_equal(np.sort(lanes), np.arange(len(lanes))):
        chip.fault(issue, "LPU0702", not_bijective(lanes))
        return
    chip.drive(issue, "out", rows[:, lanes])


def distribute(chip: Chip, issue: Issue) -> None:
    rows, entries = chip.sample(issue, "in"), chip.sample(issue, "map")[0].reshape(-1, SUPERLANE).astype(np.intp)
    beyond = np.argwhere(entries > SUPERLANE)
    if len(beyond):
        superlane, lane = beyond[0]
        message = entry_beyond(int(SUPERLANE * superlane + lane), int(entries[superlane, lane]), SUPERLANE)
        chip.fault(issue, "LPU0703", message)
        return
    # A seventeenth lane of zeros is what entry 16 takes.
    lanes = np.pad(_superlanes(rows), ((0, 0), (0, 0), (0, 1)))
    out = np.take_along_axis(lanes, entries[None], axis=2).reshape(rows.shape)
    bypass = issue.code.number("bypass")
    passes = [k for k in range(len(rows)) if bypass >> k & 1]
    out[passes] = rows[passes]
    chip.drive(issue, "out", out)


def rotate(chip: Chip, issue: Issue) -> None:
    row, n = chip.sample(issue, "in"), issue.code.number("n")
    superlanes = _superlanes(row)[0]
    matrix = superlanes[:, : n * n].reshape(-1, n, n)
    out = np.zeros((SUPERLANE, *superlanes.shape), np.uint8)
    for i in range(n):
        for j in range(n):
            out[n * i + j, :, : n * n] = np.roll(matrix, (-i, -j), axis=(1, 2)).reshape(-1, n * n)
    chip.drive(issue, "out", out.reshape(SUPERLANE, -1))


def transpose(chip: Chip, issue: Issue) -> None:
    rows = chip.sample(issue, "in")
    chip.drive(issue, "out", _superlanes(rows).transpose(2, 1, 0).reshape(rows.shape))


def transpose_null(chip: Chip, issue: Issue) -> None:
    rows, order = chip.sample(issue, "in"), issue.code.number("order")
    chip.drive(issue, "out", rows[[order >> 4 * k & 15 for k in range(len(rows))]])


def broadcast(chip: Chip, issue: Issue) -> None:
    rows, lane = chip.sample(issue, "in"), issue.code.number("lane")
    if lane >= rows.shape[1]:
        chip.fault(issue, "LPU0310", f"lane {lane} is beyond the vector, which has lanes 0 … {rows.shape[1] - 1}")
        return
    chip.drive(issue, "out", np.repeat(rows[:, lane : lane + 1], rows.shape[1], axis=1))


def _superlanes(rows: Octets) -> Octets:
    """Vectors [streams, lanes] as [streams, superlanes, 16]."""
    return rows.reshape(len(rows), -1, SUPERLANE)


OPERATIONS = {
    "shift": shift,
    "shift_wide": shift_wide,
    "select": select,
    "permute": permute,
    "distribute": distribute,
    "rotate": rotate,
    "transpose": transpose,
    "transpose_null": transpose_null,
    "broadcast": broadcast,
}
