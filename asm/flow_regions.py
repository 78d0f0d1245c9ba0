"""What a memory statement of a flow touches: its rows in SRAM, in what order, and the slices that serve its streams."""

from __future__ import annotations

import numpy as np

from lpuasm.asm.body import Channel, Part, Region, Tap, Times
from lpuasm.asm.flows import Lowering, repeat_times
from lpuasm.asm.plain import plain
from lpuasm.asm.regions import vectors
from lpuasm.asm.syntax import Clause, Number, Operand, Statement, StreamRef, TensorRef, UnitRef
from lpuasm.isa.definition import Definition
from lpuasm.isa.errors import AssemblyError
from lpuasm.isa.layout import Layout
from lpuasm.isa.values import Streams, Value

MOST_REGIONS = 1 << 13
"""Parts of tensors that are remembered."""


def region(lowering: Lowering, statement: Statement, operand: Operand, ref: StreamRef) -> Region:
    """The rows that a memory operand names, padded to whole issues of the streams ``ref`` where the tensor has room."""
    if isinstance(operand, TensorRef):
        tensor = lowering.tensors.get(operand.name)
        if tensor is None or tensor.layout is None:
            raise AssemblyError(
                statement.error("LPU1110", f"tensor '{operand.name}' has no place in memory", operand.span)
            )
        layout = tensor.layout
        spread = statement.clause("spread")
        if spread is not None and one_number(statement, spread) != layout.groups:
            raise AssemblyError(
                statement.error(
                    "LPU1106",
                    f"'{operand.name}' is spread over {layout.groups} groups of slices",
                    spread.span,
                    help=f"write `spread {layout.groups}`, or give the tensor other slices",
                )
            )
        planes, dtype = _chosen_planes(statement, operand, layout)
        rows = _rows_an_issue(statement, ref, len(planes))
        key = (operand.name, plain(operand.subscripts), planes, rows)
        if (known := lowering.regions.get(key)) is not None:
            return known
        chosen = _padded(statement, operand, layout, vectors(layout, operand), rows)
        located = [layout.locate(chosen, plane) for plane in planes]
        slices, addresses = (np.array(each).T for each in zip(*located, strict=True))
        found = Region(slices, addresses, dtype)
        if len(lowering.regions) < MOST_REGIONS:
            lowering.regions[key] = found
        return found
    if isinstance(operand, UnitRef) and operand.address is not None:
        numbers = slices_of(lowering, statement, operand)
        _rows_an_issue(statement, ref, len(numbers))
        return _words(lowering, statement, operand, numbers, operand.address)
    raise AssemblyError(
        statement.error(
            "LPU1110",
            f"`{statement.mnemonic}` needs a place in memory here",
            operand.span,
            help="name a tensor, or a word such as `mem.e5[0x40]`",
        )
    )


def _words(lowering: Lowering, statement: Statement, unit: UnitRef, numbers: list[int], address: int) -> Region:
    """Words from an address on, in a slice for each byte plane: as many as the repeat of the statement reaches."""
    rows = 1 + max(0, *_reached(statement)) if statement.repeats else 1
    last = lowering.target.words - 1
    if not 0 <= address <= last - rows + 1:
        beyond = address if rows == 1 or address < 0 else address + rows - 1
        message = f"{beyond:#x} is not an address of a slice, which are 0 … {last:#x}"
        raise AssemblyError(statement.error("LPU0310", message, unit.span))
    slices = np.tile(np.array(numbers, np.int64), (rows, 1))
    return Region(slices, np.broadcast_to(address + np.arange(rows)[:, None], slices.shape).copy(), "")


def _reached(statement: Statement) -> Times:
    """Which vector of each stream, or word, each issue of a repeat means: a step that is not written is the next."""
    repeat_times(statement)
    index = np.zeros(1, np.int64)
    inner = 1
    for repeat in statement.repeats:
        step = repeat.step if repeat.step is not None else inner
        index = (np.arange(repeat.count)[:, None] * step + index).reshape(-1)
        inner *= repeat.count if step else 1
    return index


def _chosen_planes(statement: Statement, ref: TensorRef, layout: Layout) -> tuple[range, str]:
    """The byte planes of a tensor that a statement means, and their type: all, or the one that `plane n` names."""
    clause = statement.clause("plane")
    if clause is None:
        return range(layout.planes), layout.dtype
    plane = one_number(statement, clause)
    if not 0 <= plane < layout.planes:
        raise AssemblyError(
            statement.error(
                "LPU1106",
                f"'{ref.name}' has no byte plane {plane}",
                clause.span,
                help=f"{layout.dtype} has planes 0 … {layout.planes - 1}",
            )
        )
    return range(plane, plane + 1), "u8"


def _padded(statement: Statement, ref: TensorRef, layout: Layout, chosen: Times, pad_to: int) -> Times:
    missing = -len(chosen) % pad_to
    if not missing:
        return chosen
    extra = chosen[-1] + 1 + np.arange(missing)
    # What is read or written besides must be padding: rows beyond the last in the lowest tiles, or words beyond them.
    row = extra // (layout.tile_rows * layout.tiles[1]) * layout.tile_rows + extra % layout.tile_rows
    if extra[-1] >= layout.depth * layout.groups or ((extra < layout.vectors) & (row < layout.rows)).any():
        raise AssemblyError(
            statement.error(
                "LPU1106",
                f"{len(chosen)} rows of '{ref.name}' do not fill issues of {pad_to} rows",
                ref.span,
                help="take a multiple of the rows of an issue, or declare the tensor with a `tile` that pads it",
            )
        )
    return np.concatenate([chosen, extra])


def slices_of(lowering: Lowering, statement: Statement, unit: UnitRef) -> list[int]:
    """The queue numbers of the slices that a unit names."""
    queues = lowering.target.queue
    names = [unit.name]
    if unit.range is not None:
        first, last = unit.range
        way = 1 if first <= last else -1
        names = [f"{unit.name}{i}" for i in range(first, last + way, way)[: lowering.target.geometry.slices + 1]]
    for name in names:
        if name not in queues or queues[name].kind != "mem":
            raise AssemblyError(
                statement.error("LPU1110", f"there is no memory slice `{name}`", unit.span, help="mem.w0, for example")
            )
    return [queues[name].number for name in names]


def one_number(statement: Statement, clause: Clause) -> int:
    """The number of a clause; LPU0405."""
    value = clause.values[0] if len(clause.values) == 1 else None
    if not isinstance(value, Number) or not isinstance(value.value, int):
        raise AssemblyError(
            statement.error("LPU0405", f"`{clause.name}` needs a number", clause.span, help=f"write `{clause.name} 4`")
        )
    return value.value


def only_clauses(statement: Statement, *names: str) -> None:
    """Holds a statement to the clauses that it may have; LPU0405."""
    for clause in statement.clauses:
        if isinstance(clause, Clause) and clause.name not in names:
            raise AssemblyError(
                statement.error("LPU0405", f"`{statement.mnemonic}` has no `{clause.name}` here", clause.span)
            )


def operands(statement: Statement, inputs: int, outputs: int) -> None:
    """Holds a statement to its number of operands; LPU0403."""
    for given, wanted, what in ((statement.inputs, inputs, "input"), (statement.outputs, outputs, "output")):
        if len(given) != wanted:
            raise AssemblyError(
                statement.error(
                    "LPU0403",
                    f"`{statement.mnemonic}` in a flow has {wanted} {what}{'s' * (wanted != 1)}, "
                    f"and {len(given)} {'is' if len(given) == 1 else 'are'} given",
                    statement.mnemonic_span,
                    help=SYNTAX[statement.mnemonic],
                )
            )


SYNTAX = {
    "read": "write it as `read TENSOR -> STREAMS [repeat n [every d] [step s]]`",
    "write": "write it as `write STREAMS -> TENSOR`",
    "gather": "write it as `gather TENSOR, MAP -> STREAMS`",
    "scatter": "write it as `scatter STREAMS, MAP -> TENSOR`",
}


def streams(statement: Statement, operand: Operand) -> StreamRef:
    """A stream operand; LPU1110 where it is something else."""
    if isinstance(operand, StreamRef):
        return operand
    raise AssemblyError(
        statement.error("LPU1110", "streams are wanted here", operand.span, help="such as `s16.e` or `sg4.w[0]`")
    )


def _rows_an_issue(statement: Statement, ref: StreamRef, planes: int) -> int:
    """How many rows of so many byte planes a group of streams takes at once."""
    if ref.size % planes:
        raise AssemblyError(
            statement.error(
                "LPU1107",
                f"a group of {ref.size} does not hold elements of {planes} bytes",
                ref.span,
                help=f"use a group of {planes}, or a multiple",
            )
        )
    return ref.size // planes


def issued(lowering: Lowering, statement: Statement, places: Region, rows: int) -> tuple[Times, Times]:
    """(issue times, the first row of each issue) of a `read`, from its region and its repeat clauses."""
    issues = places.rows // rows
    if not statement.repeats:
        return np.arange(issues), np.arange(issues) * rows
    times, index = repeat_times(statement), _reached(statement)
    if index.min() < 0:
        message, place = "the repeat goes below the first vector", statement.repeats[0].span
        raise AssemblyError(statement.error("LPU1102", message, place, help="steps count upwards here"))
    if index.max() + 1 != issues:
        raise AssemblyError(
            statement.error(
                "LPU1102",
                f"the repeat reaches {int(index.max()) + 1} vectors of each stream, and the tensor has {issues} here",
                statement.repeats[0].span,
                help="leave the repeat out, or take the part of the tensor that is meant; "
                "`step 0` reads one vector again and again",
            )
        )
    return times, index * rows


def mem_parts(
    lowering: Lowering,
    definition: Definition,
    places: Region,
    ref: StreamRef,
    first_rows: Times,
    drives: bool,
    operand: int,
) -> list[Part]:
    """The parts of a read or a write: one for each slice that serves a stream of the group."""
    timing, target = definition.timing, lowering.target
    parts: list[Part] = []
    for member in range(ref.size):
        row, plane = divmod(member, places.planes)
        slices, addresses = places.slices[first_rows + row, plane], places.addresses[first_rows + row, plane]
        channel = Channel(ref.direction, ref.first + member)
        for number in dict.fromkeys(slices.tolist()):
            queue = target.queues[number]
            issues = np.flatnonzero(slices == number)
            tap = (target.drive_tap if drives else target.read_tap)(queue, ref.direction)
            assert tap is not None, "a slice stands on both directions"
            taps = (Tap(channel, tap, timing.func if drives else timing.skew, operand, member),)
            values: dict[str, Value] = {("out" if drives else "data"): Streams(ref.direction, channel.stream, 1)}
            rel = tap - (timing.func if drives else timing.skew)
            parts.append(
                Part(queue, definition, values, rel, issues, addresses[issues], () if drives else taps, taps * drives)
            )
    return parts
