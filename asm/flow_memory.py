"""Memory statements of flows: read, write, gather, scatter.

One statement on a tensor becomes one part a slice, each dispatched at the cycle
that its distance asks for. A group of S streams takes S / b rows of b bytes an
element in each issue.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lpuasm.asm.body import Channel, Node, Part, Region, Tap, Times
from lpuasm.asm.flow_regions import issued, mem_parts, only_clauses, operands, region, slices_of, streams
from lpuasm.asm.flows import Lower, Lowering, tap_channels
from lpuasm.asm.syntax import Operand, Statement, StreamRef, TensorRef, UnitRef
from lpuasm.isa.definition import Definition
from lpuasm.isa.errors import AssemblyError
from lpuasm.isa.values import Streams, Value


def _index(definition: Definition, name: str) -> int:
    return [o.name for o in definition.operands].index(name)


def _definition(lowering: Lowering, statement: Statement) -> Definition:
    definition = lowering.table.find("mem", statement.mnemonic)
    assert definition is not None
    return definition


def read(lowering: Lowering, statement: Statement) -> None:
    """``t`` is the diagonal of the first vector."""
    operands(statement, 1, 1)
    only_clauses(statement, "spread", "plane")
    definition, ref = _definition(lowering, statement), streams(statement, statement.outputs[0])
    places = region(lowering, statement, statement.inputs[0], ref)
    planes = places.planes
    rows = ref.size // planes
    times, first_rows = issued(lowering, statement, places, rows)
    if not len(times):
        raise AssemblyError(
            statement.error(
                "LPU1106", "there is nothing to read", statement.inputs[0].span, help="leave the flow out, with `.if`"
            )
        )
    out = _index(definition, "out")
    parts = mem_parts(lowering, definition, places, ref, first_rows, True, out)
    node = lowering.add(Node(len(lowering.nodes), statement, times, parts))
    for member in range(ref.size):
        lowering.drive(node, Channel(ref.direction, ref.first + member), 0, places.dtype, member % planes)


def write(lowering: Lowering, statement: Statement) -> None:
    """``t`` is the diagonal of the first vector."""
    operands(statement, 1, 1)
    only_clauses(statement, "spread", "plane")
    definition, ref = _definition(lowering, statement), streams(statement, statement.inputs[0])
    sources = lowering.hear(statement, ref)
    times = lowering.in_step(statement, sources)
    places = region(lowering, statement, statement.outputs[0], ref)
    rows = ref.size // places.planes
    if isinstance(statement.outputs[0], TensorRef):
        _same_type(statement, places, [s.dtype for s in sources], ref)
    first_rows = _written_rows(lowering, statement, places, rows, times)
    data = _index(definition, "data")
    parts = mem_parts(lowering, definition, places, ref, first_rows, False, data)
    node = lowering.add(Node(len(lowering.nodes), statement, times, parts))
    for source in sources:
        lowering.connect(node, source.node, source.shift, ref.span)
    node.heard = {Channel(ref.direction, ref.first + k): s for k, s in enumerate(sources)}


def _written_rows(lowering: Lowering, statement: Statement, places: Region, rows: int, times: Times) -> Times:
    """The first row that each issue of a write goes to."""
    if statement.repeats:
        return issued(lowering, statement, places, rows)[1]
    if places.rows // rows != len(times):
        raise AssemblyError(
            statement.error(
                "LPU1102",
                f"{len(times)} vectors arrive on each stream, and there is room for {places.rows // rows} here",
                statement.outputs[0].span,
                help="write the part of the tensor that is meant, such as `C[0:64, :]`",
            )
        )
    return np.arange(len(times)) * rows


def _same_type(statement: Statement, places: Region, heard: Sequence[str], ref: StreamRef) -> None:
    if places.dtype in statement.suffixes:
        return  # the type is written: the bytes are taken as they are
    wrong = {d for d in heard if d and d != places.dtype and {d, places.dtype} != {"i8", "u8"}}
    if wrong:
        raise AssemblyError(
            statement.error(
                "LPU1107",
                f"the stream carries {'/'.join(sorted(wrong))}, and the tensor holds {places.dtype}",
                ref.span,
                help=f"convert it with `cast.{places.dtype}`; `write.{places.dtype}` takes the bytes as they are",
            )
        )


def gather(lowering: Lowering, statement: Statement) -> None:
    """``t`` is the diagonal of the first map vector."""
    operands(statement, 2, 1)
    only_clauses(statement)
    definition = _definition(lowering, statement)
    map_ref, out = streams(statement, statement.inputs[1]), streams(statement, statement.outputs[0])
    _one_stream(statement, map_ref)
    sources = lowering.hear(statement, map_ref)
    times = lowering.in_step(statement, sources)
    slices, dtype = _table(lowering, statement, statement.inputs[0], out)
    parts, shifts = [], set()
    for member, number in enumerate(slices):
        queue = lowering.target.queues[number]
        into, onto = lowering.target.read_tap(queue, map_ref.direction), lowering.target.drive_tap(queue, out.direction)
        assert into is not None and onto is not None
        channel = Channel(out.direction, out.first + member)
        reads = tap_channels(map_ref, into, definition.timing.skew, _index(definition, "map"))
        drives = (Tap(channel, onto, definition.timing.func, _index(definition, "out"), 0),)
        values: dict[str, Value] = {
            "map": Streams(map_ref.direction, map_ref.first, 1),
            "out": Streams(channel.direction, channel.stream, 1),
        }
        rel = into - definition.timing.skew
        parts.append(Part(queue, definition, values, rel, np.arange(len(times)), None, reads, drives))
        shifts.add(rel + definition.timing.func - onto)
    if len(shifts) > 1:
        raise AssemblyError(
            statement.error(
                "LPU1104",
                "the byte planes of the table would come out at different cycles",
                out.span,
                help="let the map and the result travel the same way, or place the planes in one quad",
            )
        )
    node = lowering.add(Node(len(lowering.nodes), statement, times, parts))
    lowering.connect(node, sources[0].node, sources[0].shift, map_ref.span)
    node.heard = {Channel(map_ref.direction, map_ref.first): sources[0]}
    for member in range(out.size):
        lowering.drive(node, Channel(out.direction, out.first + member), shifts.copy().pop(), dtype, member)


def scatter(lowering: Lowering, statement: Statement) -> None:
    """``t`` is the diagonal of the first vectors."""
    operands(statement, 2, 1)
    only_clauses(statement)
    definition = _definition(lowering, statement)
    data, map_ref = streams(statement, statement.inputs[0]), streams(statement, statement.inputs[1])
    _one_stream(statement, map_ref)
    sources = [*lowering.hear(statement, data), *lowering.hear(statement, map_ref)]
    times = lowering.in_step(statement, sources)
    slices, _ = _table(lowering, statement, statement.outputs[0], data)
    parts = []
    for member, number in enumerate(slices):
        queue = lowering.target.queues[number]
        one, two = (lowering.target.read_tap(queue, r.direction) for r in (data, map_ref))
        assert one is not None and two is not None
        if one != two:
            raise AssemblyError(statement.error("LPU1104", "data and map must travel the same way", map_ref.span))
        channel = Channel(data.direction, data.first + member)
        skew = definition.timing.skew
        reads = (
            Tap(channel, one, skew, _index(definition, "data"), 0),
            *tap_channels(map_ref, two, skew, _index(definition, "map")),
        )
        values: dict[str, Value] = {
            "data": Streams(channel.direction, channel.stream, 1),
            "map": Streams(map_ref.direction, map_ref.first, 1),
        }
        parts.append(Part(queue, definition, values, one - skew, np.arange(len(times)), None, reads))
    node = lowering.add(Node(len(lowering.nodes), statement, times, parts))
    names = [Channel(data.direction, data.first + k) for k in range(data.size)]
    names.append(Channel(map_ref.direction, map_ref.first))
    for source in sources:
        lowering.connect(node, source.node, source.shift, statement.span)
    node.heard = dict(zip(names, sources, strict=True))


def _one_stream(statement: Statement, map_ref: StreamRef) -> None:
    """Raises LPU0407 at a map on a group of streams."""
    if map_ref.size != 1:
        message = f"a map is one stream, which holds an address for each superlane; {map_ref.size} streams are given"
        one = f"s{map_ref.first}.{map_ref.direction}"
        raise AssemblyError(statement.error("LPU0407", message, map_ref.span, help=f"write a stream such as {one}"))


def _table(lowering: Lowering, statement: Statement, operand: Operand, group: StreamRef) -> tuple[list[int], str]:
    """The slices of the table of a gather or scatter, one for each stream of ``group``, and its type."""
    if isinstance(operand, TensorRef):
        tensor = lowering.tensors[operand.name]
        layout = tensor.layout
        if layout is None or operand.subscripts is not None or layout.groups != 1 or layout.planes != group.size:
            raise AssemblyError(
                statement.error(
                    "LPU1106",
                    "a table is a whole tensor in one slice a byte plane, and as many streams as planes",
                    operand.span,
                    help="a table over several slices is gathered from each and merged by mask",
                )
            )
        return list(layout.slices), layout.dtype
    if isinstance(operand, UnitRef):
        numbers = slices_of(lowering, statement, operand)
        if len(numbers) == group.size:
            return numbers, ""
    raise AssemblyError(
        statement.error("LPU1110", "a tensor, or one slice for each stream, is wanted here", operand.span)
    )


MEMORY: dict[str, Lower] = {"read": read, "write": write, "gather": gather, "scatter": scatter}
