"""The matrix unit: weight buffers, arrays, and the results that ACC takes.

Instructions of type f16 and f32 act on the pair of planes of a hemisphere:
plane 0 holds the low bytes of the weights, plane 1 the high ones.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.dot import PreparedF16, dot_i8_prepared, dot_prepared, prepare_f16, prepare_i8
from lpuasm.isa.numeric import FUNCTIONS
from lpuasm.vm.chip import Chip, Issue
from lpuasm.vm.lanes import joined, planes
from lpuasm.vm.state import Octets

GROUP = 16
#: The type of the result of each type of activations.
RESULT = {"i8": "i32", "f16": "f32"}


def lw(chip: Chip, issue: Issue) -> None:
    rows = _rows(chip, issue)
    if rows is not None:
        first, parts = rows
        for plane, part in zip(_planes(issue), parts, strict=True):
            chip.later(issue, partial(_replace, chip.state.buffer[plane], first, part))


def iw(chip: Chip, issue: Issue) -> None:
    if issue.code.values["rows"] is None:
        for plane in _planes(issue):
            chip.later(issue, partial(_install, chip, plane, 0, chip.state.buffer[plane].copy()))
        return
    rows = _rows(chip, issue)
    if rows is not None:
        first, parts = rows
        for plane, part in zip(_planes(issue), parts, strict=True):
            chip.later(issue, partial(_install, chip, plane, first, part))


def clear(chip: Chip, issue: Issue) -> None:
    for plane in _planes(issue):
        chip.later(issue, partial(_install, chip, plane, 0, np.zeros_like(chip.state.array[plane])))


def abc(chip: Chip, issue: Issue) -> None:
    kind = str(issue.code.values["type"])
    row = joined(chip.sample(issue, "row"), kind)
    weights = _prepared(chip, issue, kind)
    if isinstance(weights, PreparedF16):
        part = slice(*_half(chip, issue))
        result: NDArray[Any] = dot_prepared(row[None, part], weights)[0]
    else:
        result = dot_i8_prepared(row[None], weights)[0]
    taps = chip.target.taps
    at_acc = issue.cycle + issue.code.func + taps.acc_result - taps.mxm_result
    chip.state.results[_planes(issue)[0]].append((at_acc, RESULT[kind], result))


def acc(chip: Chip, issue: Issue) -> None:
    values = issue.code.values
    plane = (issue.code.queue.hemisphere, issue.code.queue.index)
    waiting = chip.state.results[plane]
    while waiting and waiting[0][0] < issue.cycle:
        waiting.popleft()
    result = next((r for cycle, kind, r in waiting if cycle == issue.cycle and kind == values["type"]), None)
    partial_sum = None
    if values["partial"] is not None:
        partial_sum = joined(chip.sample(issue, "partial"), str(values["type"]))
    if result is None:
        name = f"mxm.{plane[0]}{plane[1]}"
        help = f"its next one is there in cycle {waiting[0][0]}" if waiting else ""
        chip.fault(issue, "LPU0307", f"no result of {name} reaches ACC in this cycle", help=help)
        return
    total = planes(result if partial_sum is None else FUNCTIONS["add"](result, partial_sum))
    chip.drive(issue, "out", total[:1] if values["low8"] else total)


def _planes(issue: Issue) -> list[tuple[str, int]]:
    """The plane of an instruction, or both planes of its pair."""
    queue = issue.code.queue
    if issue.code.instruction.paired:
        return [(queue.hemisphere, 0), (queue.hemisphere, 1)]
    return [(queue.hemisphere, queue.index)]


def _rows(chip: Chip, issue: Issue) -> tuple[int, list[Octets]] | None:
    """(the first row, the bytes of the rows for each plane) of a group of weights; None if the group is beyond."""
    rows, group = chip.sample(issue, "rows"), issue.code.number("group") + issue.step
    parts = [rows[0::2], rows[1::2]] if issue.code.instruction.paired else [rows]
    count = len(parts[0])
    groups = chip.target.lanes // count
    if 0 <= group < groups:
        return group * count, parts
    chip.fault(issue, "LPU0310", f"group {group} is beyond the plane, which has groups 0 … {groups - 1}")
    return None


def _replace(rows: Octets, first: int, part: Octets) -> None:
    rows[first : first + len(part)] = part


def _install(chip: Chip, plane: tuple[str, int], first: int, part: Octets) -> None:
    _replace(chip.state.array[plane], first, part)
    for key in [key for key in chip.prepared if key[0] == plane[0] and (key[1] == plane[1] or key[2] == "f16")]:
        del chip.prepared[key]


def _half(chip: Chip, issue: Issue) -> tuple[int, int]:
    """The lanes that an f16 dispatch uses."""
    width = chip.target.lanes // 2
    return issue.code.number("half") * width, (issue.code.number("half") + 1) * width


def _prepared(chip: Chip, issue: Issue, kind: str) -> NDArray[np.float32] | PreparedF16:
    """The array as the dot product takes it, prepared once for as long as it stands."""
    held = _planes(issue)
    key = (*held[0], kind, issue.code.number("half"))
    if key not in chip.prepared:
        arrays = [chip.state.array[plane] for plane in held]
        if kind == "i8":
            chip.prepared[key] = prepare_i8(arrays[0].view(np.int8))
        else:
            weights = (arrays[0].astype(np.uint16) | arrays[1].astype(np.uint16) << 8).view(np.float16)
            chip.prepared[key] = prepare_f16(weights[:, slice(*_half(chip, issue))])
    return chip.prepared[key]


OPERATIONS = {"lw": lw, "iw": iw, "clear": clear, "abc": abc, "acc": acc}
