"""What an instruction must keep to in the queue it stands in, whatever the cycle.

Directions that a unit has no register for, the reach of an ALU, its links, the group of a distributor, and addresses
inside the slice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from lpuasm.isa.core import Definition, vxm_reach
from lpuasm.isa.operands import Link, Streams, Value
from lpuasm.isa.target import Queue, Target

COLUMNS = 4
"""ALUs in a row."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that an instruction does not keep, and the operand that breaks it ("" for the instruction itself)."""

    operand: str
    code: str
    message: str
    help: str = ""


def broken(target: Target, queue: Queue, definition: Definition, values: Mapping[str, Value]) -> Broken | None:
    """The first rule that the instruction breaks in ``queue``."""
    if definition.unit == "vxm":
        return _vxm(queue.index, definition, values)
    if definition.unit == "mem":
        return _address(target, values) if "address" in values else None
    if found := _taps(target, queue, definition, values):
        return found
    if definition.mnemonic == "distribute":
        return _distribute(queue, values)
    if queue.index and definition.pair and values.get("type") == definition.pair:
        first = queue.name.replace(f"{queue.hemisphere}{queue.index}", f"{queue.hemisphere}0").replace("acc1", "acc0")
        message = f"{definition.mnemonic}.{definition.pair} acts on both planes, and stands in the queue of plane 0"
        return Broken("type", "LPU0402", message, f"put it in {first}, or use the pair, mxm.{queue.hemisphere}")
    return None


def _streams(definition: Definition, values: Mapping[str, Value]) -> Iterator[tuple[str, str, Streams]]:
    """(role, operand, streams) of every operand that is a stream group."""
    for operand in definition.operands:
        value = values.get(operand.name)
        if isinstance(value, Streams):
            yield operand.role, operand.name, value


def _taps(target: Target, queue: Queue, definition: Definition, values: Mapping[str, Value]) -> Broken | None:
    for role, name, value in _streams(definition, values):
        tap = target.drive_tap if role == "out" else target.read_tap
        if tap(queue, value.direction) is not None:
            continue
        way = "outbound" if target.outbound(queue.hemisphere, value.direction) else "inbound"
        verb = "drives" if role == "out" else "hears"
        other = "w" if value.direction == "e" else "e"
        message = f"{queue.name} {verb} nothing that goes {_WAYS[value.direction]}, which is {way} there"
        if tap(queue, other) is None:
            return Broken(name, "LPU0409", message)
        turned = Streams(other, value.base, value.size)
        away = "away from" if way == "inbound" else "towards"
        return Broken(name, "LPU0409", message, f"it {verb} streams that go {away} the VXM, such as {turned}")
    return None


_WAYS = {"e": "east", "w": "west"}


def _distribute(queue: Queue, values: Mapping[str, Value]) -> Broken | None:
    for name in ("in", "out"):
        value = values.get(name)
        if isinstance(value, Streams) and value.base // 8 != queue.index:
            own = Streams(value.direction, 8 * queue.index, 8)
            message = f"{queue.name} serves the streams {8 * queue.index} … {8 * queue.index + 7} only"
            other = queue.name.rstrip("0123456789") + str(value.base // 8)
            return Broken(name, "LPU0413", message, f"write {own}, or use {other}")
    return None


def _address(target: Target, values: Mapping[str, Value]) -> Broken | None:
    address, dims = values["address"], values.get("repeat") or ()
    assert isinstance(address, int) and isinstance(dims, tuple)
    moves = [(dim.count - 1) * dim.step for dim in dims]
    low, high = address + sum(m for m in moves if m < 0), address + sum(m for m in moves if m > 0)
    if low >= 0 and high < target.words:
        return None
    message = (
        f"{high if high >= target.words else low:#x} is not an address of a slice, which are 0 … {target.words - 1:#x}"
    )
    return Broken("address" if low == high else "repeat", "LPU0310", message)


# The VXM


def alus(definition: Definition, values: Mapping[str, Value], count: int) -> list[int]:
    """The ALUs on which the instruction keeps every rule."""
    return [alu for alu in range(count) if _vxm(alu, definition, values, suggest=False) is None]


def _vxm(alu: int, definition: Definition, values: Mapping[str, Value], suggest: bool = True) -> Broken | None:
    rows, large = vxm_reach()
    if definition.large and alu not in large:
        return _elsewhere(
            Broken("", "LPU0411", f"vxm.alu{alu} is small; `{definition.mnemonic}` runs on large ALUs"),
            definition, values, suggest,
        )  # fmt: skip
    reach = rows[alu // COLUMNS]
    for _, name, value in _streams(definition, values):
        if value.base // 4 not in reach:
            message = f"vxm.alu{alu} does not reach {value}; its row has the streams {_ranges(reach)}"
            return _elsewhere(Broken(name, "LPU0410", message), definition, values, suggest)
    ways: set[bool] = set()
    for name in ("a", "b"):
        link = values.get(name)
        if not isinstance(link, Link):
            continue
        step = alu % COLUMNS - link.alu % COLUMNS
        ways.add(step > 0)
        if step == 0:
            message = f"a pass goes from column to column, and {link} is in the column of vxm.alu{alu}"
            return _elsewhere(Broken(name, "LPU0412", message), definition, values, suggest)
        if not set(reach) & set(rows[link.alu // COLUMNS]):
            message = f"the rows of {link} and vxm.alu{alu} share no stream group, and so no link"
            return _elsewhere(Broken(name, "LPU0412", message), definition, values, suggest)
        if len(ways) > 1:
            message = "a pass goes one way, and these two links come from both sides"
            return _elsewhere(Broken(name, "LPU0412", message), definition, values, suggest)
    return None


def _elsewhere(problem: Broken, definition: Definition, values: Mapping[str, Value], suggest: bool) -> Broken:
    """The problem, with the ALUs that would do."""
    if not suggest:
        return problem
    able = alus(definition, values, COLUMNS * len(vxm_reach()[0]))
    if able:
        names = ", ".join(f"alu{alu}" for alu in able)
        help_ = f"{names} would do"
    else:
        groups = sorted({v.base // 4 for _, _, v in _streams(definition, values)})
        help_ = "no ALU would do"
        if not _reached(groups):
            spans = _and([f"s{4 * g} … s{4 * g + 3}" for g in groups])
            help_ = f"no ALU reaches {spans} together; rows of ALUs have {'; '.join(map(_ranges, vxm_reach()[0]))}"
    return Broken(problem.operand, problem.code, problem.message, help_)


def _reached(groups: Iterable[int]) -> bool:
    return any(set(groups) <= set(row) for row in vxm_reach()[0])


def _ranges(groups: Iterable[int]) -> str:
    """SG4 groups as ranges of streams: ``0 … 7 and 24 … 31``."""
    runs: list[list[int]] = []
    for group in sorted(groups):
        if runs and runs[-1][1] == 4 * group - 1:
            runs[-1][1] = 4 * group + 3
        else:
            runs.append([4 * group, 4 * group + 3])
    return _and([f"{first} … {last}" for first, last in runs])


def _and(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
