"""Level (b): lines of ``.unit`` sections as rows, each in a queue at its cycle.

A line's queue follows from its unit, its mnemonic and its pin. Where several are left (the ALUs, the shifters, the
links) the lowest takes it that may and is free.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from lpuasm.asm.columns import Chunks
from lpuasm.asm.encode import Site, bound, encode, find
from lpuasm.asm.operands import Bound
from lpuasm.asm.problems import Problems
from lpuasm.asm.queues import framed
from lpuasm.asm.rows import MAX_CYCLE, Row, Run
from lpuasm.asm.rules import broken
from lpuasm.asm.settle import Loose, settle
from lpuasm.asm.syntax import Hole, Operand, Statement, UnitRef, UnitSection
from lpuasm.isa.core import Definition
from lpuasm.isa.errors import AssemblyError, error
from lpuasm.isa.suggest import did_you_mean
from lpuasm.isa.target import Queue, Target

#: Kinds of queues of which any will do, if it is free and may.
ANY = ("vxm", "transpose", "permute", "select", "c2c", "distribute")


@dataclass(frozen=True, slots=True)
class Unit:
    """What a ``.unit`` section names: its queues, and whether it is a plane, a pair of planes or neither ("").

    ``known``: its instructions that were found before.
    """

    name: str
    queues: tuple[Queue, ...]
    form: str
    known: dict[str, Definition] = field(default_factory=dict, compare=False)


def rows(sections: Sequence[UnitSection], site: Site, problems: Problems) -> tuple[list[Row], list[Run]]:
    """The rows of all ``.unit`` sections, not in order of time."""
    placed: list[Row] = []
    waiting: list[Loose] = []
    chunks = Chunks(site)
    for section in sections:
        unit = None
        with problems:
            unit = find_unit(section, site.target)
        if unit is None:
            continue
        for item in section.items:
            if isinstance(item, tuple):
                one_by_one = [item]
            elif chunks.take(item, unit.name, unit.queues, placed, waiting, partial(_line, 0, unit=unit, site=site)):
                continue
            else:
                one_by_one = item.lines()
            for cycle, statement in one_by_one:
                with problems:
                    for line in _line(cycle, statement, unit, site):
                        if isinstance(line, Row):
                            placed.append(line)
                        else:
                            waiting.append(line)
    if waiting:
        settle(placed, chunks.runs, waiting)
    return placed, chunks.runs


def find_unit(section: UnitSection, target: Target) -> Unit:
    """The unit that a section names; LPU0417 where there is none."""
    name = unit_name(section.unit)
    queue = target.queue.get(name)
    if queue is not None:
        return Unit(name, (queue,), "plane" if queue.kind in ("lw", "iw", "abc", "acc") else "")
    own = [q for q in target.queues if q.unit == name]
    form = ""
    parts = name.split(".")
    if parts[0] == "mxm" and len(parts) == 2 and parts[1] in ("e", "w"):
        own = [q for q in target.queues if q.hemisphere == parts[1] and q.kind in ("lw", "iw", "abc", "acc")]
        form = "pair"
    elif own and parts[0] == "mxm":
        plane = own[0]
        form = "plane"
        own += [
            q for q in target.queues
            if q.kind == "acc" and (q.hemisphere, q.index) == (plane.hemisphere, plane.index)
        ]  # fmt: skip
    if not own:
        units = [*dict.fromkeys(q.unit for q in target.queues), "mxm.e", "mxm.w", *target.queue]
        message = f"{target.name} has no unit `{name}`"
        raise AssemblyError(
            framed(error("LPU0417", message, section.unit.span, help=did_you_mean(name, units)), section.frames)
        )
    return Unit(name, tuple(own), form)


def unit_name(unit: UnitRef) -> str:
    """``mem.e[3]`` as ``mem.e3``; a range of more is left as it is written, and names nothing."""
    if unit.range is None:
        return unit.name
    first, last = unit.range
    return f"{unit.name}{first}" if first == last else f"{unit.name}[{first}..{last}]"


def _line(cycle: int, statement: Statement, unit: Unit, site: Site) -> list[Row | Loose]:
    """The rows of a line: one, or one for each plane that it names."""
    if not 0 <= cycle <= MAX_CYCLE:
        message, help_ = f"cycle {cycle} is not in 0 … {MAX_CYCLE}", "time begins with cycle 0"
        raise AssemblyError(statement.error("LPU0418", message, help=help_))
    definition = unit.known.get(statement.mnemonic)
    if definition is None:
        kinds = tuple(dict.fromkeys(q.kind for q in unit.queues))
        definition = unit.known[statement.mnemonic] = find(statement, site, kinds, unit.name)
    if definition.mnemonic == "repeat":
        message = "here a repeat is part of the line that it repeats"
        raise AssemblyError(statement.error("LPU0408", message, help="write it behind the operands of that line"))
    if definition.unit != "mxm":
        return [_row(cycle, statement, definition, unit, None, statement.inputs, site)]
    planes, inputs = _planes(statement)
    return [_row(cycle, statement, definition, unit, plane, inputs, site) for plane in planes or (None,)]


def _planes(statement: Statement) -> tuple[list[UnitRef], tuple[Operand, ...]]:
    """The planes named before the operands of a statement of the matrix unit, and the operands."""
    inputs = statement.inputs
    planes: list[UnitRef] = []
    for operand in inputs:
        if not isinstance(operand, UnitRef):
            break
        planes.append(operand)
    return planes, inputs[len(planes) :]


def _row(
    cycle: int, statement: Statement, definition: Definition, unit: Unit,
    plane: UnitRef | None, inputs: Sequence[Operand], site: Site,
) -> Row | Loose:  # fmt: skip
    queues = [q for q in unit.queues if q.kind in definition.queues]
    form = unit.form
    if plane is not None:
        queues, form = _named(statement, plane, unit_name(plane), queues), "plane"
        if plane.parts[-1] in ("e", "w"):
            form = "pair"
    if statement.pin is not None:
        if isinstance(statement.pin, Hole):
            message = "`@ ?` leaves the queue to the assembler"
            raise AssemblyError(statement.error("LPU0414", message, statement.pin.span, help="leave the `@` out"))
        queues = _named(statement, statement.pin, unit_name(statement.pin), queues)
    operands = bound(statement, definition, queues[0], site, inputs, form)
    if definition.pair and operands.values.get("type") == definition.pair and form == "pair":
        queues = [q for q in queues if q.index == 0] or queues
    if len(queues) == 1:
        return _fixed(cycle, statement, operands, queues[0], site)
    if definition.unit == "icu" or not all(q.kind in ANY for q in queues):
        names = ", ".join(q.name for q in queues[:8]) + (", …" if len(queues) > 8 else "")
        message = f"`{definition.mnemonic}` may stand in several queues of {unit.name}"
        help_ = f"say which: {names}; for example `@{queues[0].name}`"
        raise AssemblyError(statement.error("LPU0416", message, statement.mnemonic_span, help=help_))
    return _several(cycle, statement, operands, queues, site)


def _named(statement: Statement, pin: UnitRef, name: str, queues: list[Queue]) -> list[Queue]:
    """The queues that a pin leaves; LPU0416 where there are none."""
    left = [q for q in queues if name in (q.name, q.name.rpartition(".")[2], q.unit, f"mxm.{q.hemisphere}")]
    if not left:
        plane = name.rpartition(".")[2]
        left = [
            q for q in queues if q.kind == "acc" and f"{q.hemisphere}{q.index}" == plane and name.startswith("mxm.")
        ]
    if not left:
        names = ", ".join(q.name for q in queues[:8]) + (", …" if len(queues) > 8 else "")
        message = f"`{statement.mnemonic}` cannot stand in `{name}` here"
        raise AssemblyError(statement.error("LPU0416", message, pin.span, help=f"its queues here are {names}"))
    return left


def _fixed(cycle: int, statement: Statement, operands: Bound, queue: Queue, site: Site) -> Row:
    encoded = encode(statement, operands, queue, site)
    return Row(queue, cycle, encoded.word, encoded.repeat, encoded.hold, statement)


def _several(cycle: int, statement: Statement, operands: Bound, queues: list[Queue], site: Site) -> Row | Loose:
    """The queues in which the line keeps the rules; if none, what is wrong with it in the first."""
    able = [q for q in queues if broken(site.target, q, operands.definition, operands.values) is None] or queues[:1]
    encoded = encode(statement, operands, able[0], site)
    if len(able) == 1:
        return Row(able[0], cycle, encoded.word, encoded.repeat, encoded.hold, statement)
    return Loose(cycle, tuple(able), encoded.word, encoded.repeat, encoded.hold, statement)
