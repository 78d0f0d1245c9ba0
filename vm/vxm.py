"""The vector unit: one function for all ALU operations, whose meaning is in the table."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.core import vxm_reach
from lpuasm.isa.meaning import meaning
from lpuasm.isa.operands import Immediate, Latch, Link, Streams
from lpuasm.vm.chip import Chip, Issue
from lpuasm.vm.lanes import Wide, joined, narrowed, planes, widened

ROW = 4


def operate(chip: Chip, issue: Issue) -> None:
    """Takes the operands, computes, and lets the result go to streams and to the ALUs that name this one."""
    code = issue.code
    definition, values = code.definition, code.values
    way = _way(chip, issue)
    operands: dict[str, Any] = {name: values[name] for name in ("type", "to") if name in values}
    for name in ("a", "b"):
        if name in values:
            kind = "u8" if definition.format == "masked" and name == "b" else str(values["type"])
            operands[name] = _operand(chip, issue, name, kind)
    result = meaning(definition, bool(values.get("sat")))(operands)
    if keep := code.number("keep"):
        chip.state.latch[code.queue.index] = widened(operands["ab"[keep - 1]])
    link = definition.timing.link
    assert link is not None
    passing = chip.state.passing[code.queue.index]
    while passing and passing[0][0] < chip.cycle:
        passing.popleft()
    passing.append((issue.cycle + link, widened(result), way))
    for name in ("out", "also"):
        chip.drive(issue, name, planes(result))


def _operand(chip: Chip, issue: Issue, name: str, kind: str) -> NDArray[Any]:
    match issue.code.values[name]:
        case Streams():
            return joined(chip.sample(issue, name), kind)
        case Link(alu):
            found = _passing(chip, issue, alu)
            return narrowed(np.zeros(chip.target.lanes, np.uint32) if found is None else found[0], kind)
        case Immediate(bits):
            return narrowed(np.full(chip.target.lanes, bits, np.uint32), kind)
        case Latch():
            return narrowed(chip.state.latch[issue.code.queue.index], kind)
    raise AssertionError("a source is one of four kinds")


def _passing(chip: Chip, issue: Issue, alu: int) -> tuple[Wide, int] | None:
    """What an ALU has for others in the cycle of this issue, and the way it came by; None if it has nothing."""
    for cycle, wide, way in chip.state.passing[alu]:
        if cycle == issue.cycle:
            return wide, way
    return None


def _way(chip: Chip, issue: Issue) -> int:
    """Which way the links go that lead here: 1 to higher columns, −1 to lower ones, 0 if there are none."""
    here = issue.code.queue.index
    ways = set()
    for name in ("a", "b"):
        source = issue.code.values.get(name)
        if not isinstance(source, Link):
            continue
        if not shared_group(source.alu, here):
            chip.fault(issue, "LPU0308", f"vxm.alu{source.alu} and vxm.alu{here} are not wired to one another")
        ways.add(int(np.sign(here % ROW - source.alu % ROW)))
        found = _passing(chip, issue, source.alu)
        if found is None:
            message = f"vxm.alu{source.alu} has no result for vxm.alu{here} in this cycle"
            chip.fault(issue, "LPU0307", message, help=_when(chip, issue, source.alu))
        elif found[1]:
            ways.add(found[1])
    if len(ways) > 1 or 0 in ways:
        chip.fault(issue, "LPU0308", "the links of a pass lead all to higher columns of ALUs, or all to lower ones")
    return max(ways, default=0)


def _when(chip: Chip, issue: Issue, alu: int) -> str:
    cycles = [cycle for cycle, _, _ in chip.state.passing[alu]]
    if not cycles:
        return ""
    nearest = min(cycles, key=lambda cycle: abs(cycle - issue.cycle))
    return f"it has one in cycle {nearest}: dispatch this then"


@cache
def shared_group(one: int, other: int) -> bool:
    """Whether the rows of two ALUs reach a stream group in common, over which they are linked."""
    rows, _ = vxm_reach()
    return bool(set(rows[one // ROW]) & set(rows[other // ROW]))
