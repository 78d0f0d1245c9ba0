"""Statements of flows on units with one place a hemisphere: VXM, MXM and ACC, SXM, links.

Here ``t`` of a node is the dispatch of its first issue. Types follow from what
the operands carry; a suffix that is written says otherwise, for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from lpuasm.asm.body import Channel, Node, Part, Source, Tap, Times
from lpuasm.asm.flows import Lower, Lowering, repeat_times, tap_channels
from lpuasm.asm.operands import bind
from lpuasm.asm.syntax import Clause, Latch, Operand, Statement, StreamRef, UnitRef, Value
from lpuasm.isa.definition import Definition
from lpuasm.isa.errors import AssemblyError, Diagnostic
from lpuasm.isa.operands import TYPE_BYTES
from lpuasm.isa.target import Queue


def bound_values(
    lowering: Lowering, statement: Statement, definition: Definition, inputs: tuple[Operand, ...], dtype: str, pair: str
) -> dict[str, Any]:
    """The operand values of a statement, its suffixes filled in from ``dtype`` where none is written."""
    outputs = tuple(o for o in statement.outputs if not isinstance(o, Value))
    names = [o.name for o in definition.operands if o.kind == "type"]
    written = [s for s in statement.suffixes if s in TYPE_BYTES]
    flags = [s for s in statement.suffixes if s not in TYPE_BYTES]
    if names == ["type", "to"] and len(written) == 1 and dtype:
        written = [dtype, *written]
    elif len(names) == 1 and not written and dtype in definition.types:
        written = [dtype]
    clauses = tuple(c for c in statement.clauses if isinstance(c, Clause))
    plain = replace(statement, suffixes=(*written, *flags), inputs=inputs, outputs=outputs, clauses=clauses)

    def no_address(_: Statement, ref: Operand) -> int:
        raise AssemblyError(
            statement.error("LPU1110", "a tensor is read into streams first", ref.span, help="use `read TENSOR -> …`")
        )

    return dict(bind(plain, definition, inputs, no_address, pair).values)


def _indices(definition: Definition) -> dict[str, int]:
    return {o.name: k for k, o in enumerate(definition.operands)}


def _positional(definition: Definition, role: str) -> list[str]:
    return [o.name for o in definition.operands if o.role == role and o.kind != "dims"]


def hear_all(
    lowering: Lowering, statement: Statement, inputs: list[tuple[str, StreamRef]]
) -> tuple[list[tuple[str, StreamRef, list[Source]]], list[Source]]:
    """(each operand with what travels on its streams, all of these sources)."""
    heard = [(name, ref, lowering.hear(statement, ref)) for name, ref in inputs]
    return heard, [s for _, _, sources in heard for s in sources]


def _dtype(statement: Statement, ref: StreamRef, sources: list[Source]) -> str:
    """The type that a group carries; "" where the streams carry several values or bytes of unknown type."""
    kinds = {s.dtype for s in sources}
    if len(kinds) != 1:
        return ""
    dtype = kinds.pop()
    planes = TYPE_BYTES.get(dtype, 0)
    return dtype if planes and [s.plane for s in sources] == [k % planes for k in range(ref.size)] else ""


def attach(
    lowering: Lowering,
    node: Node,
    heard: list[tuple[str, StreamRef, list[Source]]],
    queue: Queue,
    definition: Definition,
) -> tuple[Tap, ...]:
    """Ties a node to what it hears; the taps that it reads."""
    index = _indices(definition)
    taps: list[Tap] = []
    for name, ref, sources in heard:
        register = lowering.target.read_tap(queue, ref.direction)
        if register is None:
            raise AssemblyError(_no_tap(node.statement, ref, queue, "reads"))
        skew = definition.timing.skew
        taps += tap_channels(ref, register, skew, index[name])
        for k, source in enumerate(sources):
            lowering.connect(node, source.node, source.shift + register - skew, ref.span)
            node.heard[Channel(ref.direction, ref.first + k)] = source
    return tuple(taps)


def _drive(
    lowering: Lowering, node: Node, queue: Queue, definition: Definition, outs: list[tuple[str, StreamRef]], dtype: str
) -> tuple[Tap, ...]:
    index = _indices(definition)
    taps: list[Tap] = []
    for name, ref in outs:
        register = lowering.target.drive_tap(queue, ref.direction)
        if register is None:
            raise AssemblyError(_no_tap(node.statement, ref, queue, "drives"))
        taps += tap_channels(ref, register, definition.timing.func, index[name])
        for k in range(ref.size):
            plane = k % TYPE_BYTES.get(dtype, 1)
            lowering.drive(node, Channel(ref.direction, ref.first + k), definition.timing.func - register, dtype, plane)
    return tuple(taps)


def _no_tap(statement: Statement, ref: StreamRef, queue: Queue, what: str) -> Diagnostic:
    other = "w" if ref.direction == "e" else "e"
    return statement.error(
        "LPU1105",
        f"{queue.unit} {what} no values that travel {'east' if ref.direction == 'e' else 'west'}",
        ref.span,
        help=f"use a stream of the other direction, `.{other}`",
    )


def vxm(lowering: Lowering, statement: Statement) -> None:
    """A point-wise operation; its ALU is chosen when the flow is whole, unless it is pinned."""
    definition = lowering.table.find("vxm", statement.mnemonic)
    assert definition is not None
    names = dict(zip(_positional(definition, "in"), statement.inputs, strict=False))
    refs = [(name, o) for name, o in names.items() if isinstance(o, StreamRef)]
    heard, sources = hear_all(lowering, statement, refs)
    linked = {name: _linked(lowering, statement, o) for name, o in names.items() if isinstance(o, Value)}
    times = _vxm_times(lowering, statement, sources, list(linked.values()))
    dtype = _vxm_type(statement, definition, heard, linked)
    stand_in = tuple(_stand_in(o) for o in statement.inputs)
    values = bound_values(lowering, statement, definition, stand_in, dtype, "")
    result = definition.result_type(values)
    queue = lowering.target.queue["vxm.alu0"]
    node = lowering.add(Node(len(lowering.nodes), statement, times, [], kind=result))
    reads = attach(lowering, node, heard, queue, definition)
    assert definition.timing.link is not None
    for name, source in linked.items():
        lowering.connect(node, source, definition.timing.link, names[name].span)
    node.links = linked
    outs = [o for o in statement.outputs if isinstance(o, StreamRef)]
    drives = _drive(lowering, node, queue, definition, list(zip(("out", "also"), outs, strict=False)), result)
    node.parts = [Part(None, definition, values, 0, np.arange(len(times)), None, reads, drives)]
    _latch(lowering, statement, node, values)
    for out in statement.outputs:
        if isinstance(out, Value):
            lowering.values[out.name] = node


def _stand_in(operand: Operand) -> Operand:
    """A value inside the pass is a link to an ALU that is chosen later."""
    return UnitRef("vxm.alu0", None, None, operand.span) if isinstance(operand, Value) else operand


def _linked(lowering: Lowering, statement: Statement, value: Value) -> Node:
    node = lowering.values.get(value.name)
    if node is None:
        raise AssemblyError(
            statement.error(
                "LPU1101",
                f"nothing in flow '{lowering.flow.name}' makes %{value.name} before this",
                value.span,
                help=f"write an operation with `-> %{value.name}` first",
            )
        )
    return node


def _vxm_times(lowering: Lowering, statement: Statement, sources: list[Source], linked: list[Node]) -> Times:
    if sources or linked:
        stand = [*sources, *(Source(n, 0, n.kind, 0) for n in linked)]
        return lowering.in_step(statement, stand)
    return repeat_times(statement)


def _vxm_type(
    statement: Statement,
    definition: Definition,
    heard: list[tuple[str, StreamRef, list[Source]]],
    linked: dict[str, Node],
) -> str:
    """The operand type that follows from what is heard; LPU1107 where the operands disagree."""
    mask = {"b"} if definition.format == "masked" else set()
    found = {name: _dtype(statement, ref, sources) for name, ref, sources in heard if name not in mask}
    found |= {name: node.kind for name, node in linked.items() if name not in mask}
    kinds = {d for d in found.values() if d}
    if len(kinds) > 1 and not statement.suffixes:
        raise AssemblyError(
            statement.error(
                "LPU1107",
                f"the operands are of different types, {' and '.join(sorted(kinds))}",
                statement.mnemonic_span,
                help=f"convert one with `cast`; `{statement.mnemonic}.{sorted(kinds)[0]}` takes the bits as they are",
            )
        )
    return next(iter(kinds)) if len(kinds) == 1 else ""


def _latch(lowering: Lowering, statement: Statement, node: Node, values: dict[str, Any]) -> None:
    """Orders the uses of a latch inside the flow; it belongs to an ALU, which must be named."""
    uses = any(isinstance(o, Latch) for o in statement.inputs)
    if not uses and not values.get("keep"):
        return
    if not isinstance(statement.pin, UnitRef):
        raise AssemblyError(
            statement.error(
                "LPU1110",
                "a latch belongs to an ALU, and this does not say which",
                statement.mnemonic_span,
                help="name it, with `@alu4` for example",
            )
        )
    key = ("latch", statement.pin.name)
    kept = lowering.state.get(key)
    if uses and kept is not None:
        lowering.at_least(node, kept, int(kept.times[-1]) + 1)
    if values.get("keep"):
        lowering.state[key] = node


def _planes(lowering: Lowering, statement: Statement) -> list[tuple[str, str, int]]:
    """(unit, hemisphere, plane) of the units that an MXM statement names; plane −1 for a pair."""
    units = [o for o in statement.inputs if isinstance(o, UnitRef)]
    found = []
    for unit in units:
        name = unit.name.removeprefix("mxm.")
        planes = lowering.target.geometry.planes
        if unit.range or unit.address is not None or name[:1] not in ("e", "w") or unit.name == name:
            name = ""
        plane = -1 if len(name) == 1 else int(name[1:]) if name[1:].isdecimal() and len(name) < 4 else planes
        if not name or plane >= planes:
            raise AssemblyError(
                statement.error(
                    "LPU1110", f"there is no plane `{unit.name}`", unit.span, help="a plane is `mxm.e0`, a pair `mxm.e`"
                )
            )
        found.append((unit.name, name[0], plane))
    if not found:
        raise AssemblyError(
            statement.error(
                "LPU1110",
                f"`{statement.mnemonic}` needs a plane",
                statement.mnemonic_span,
                help=f"name it first: `{statement.mnemonic} mxm.e0, …`",
            )
        )
    return found


def _mxm_node(
    lowering: Lowering, statement: Statement, unit: tuple[str, str, int], kind: str, times: Times
) -> tuple[Node, Queue, Queue | None, Definition, dict[str, Any]]:
    definition = lowering.table.find(kind, statement.mnemonic)
    assert definition is not None
    _, hemisphere, plane = unit
    inputs = tuple(o for o in statement.inputs if not isinstance(o, UnitRef))
    pair = "pair" if plane < 0 else "plane"
    values = bound_values(lowering, statement, definition, inputs, "", pair)
    queues = lowering.target.queue
    first = max(plane, 0)
    name = f"sxm.{hemisphere}.acc" if kind == "acc" else f"mxm.{hemisphere}"
    suffix = "" if kind == "acc" else f".{kind}"
    queue = queues[f"{name}{first}{suffix}"]
    also = queues[f"{name}1{suffix}"] if plane < 0 else None
    if (values["type"] == definition.pair) != (plane < 0):
        acts, other = ("one plane", f"`mxm.{hemisphere}0`") if plane < 0 else ("the pair", f"`mxm.{hemisphere}`")
        message = f"`{statement.mnemonic}.{values['type']}` acts on {acts}"
        raise AssemblyError(statement.error("LPU1107", message, statement.mnemonic_span, help=f"name {other}"))
    node = lowering.add(Node(len(lowering.nodes), statement, times, []))
    return node, queue, also, definition, values


def _rows(statement: Statement) -> StreamRef | None:
    return next((o for o in statement.inputs if isinstance(o, StreamRef)), None)


def lw(lowering: Lowering, statement: Statement) -> None:
    """Groups of rows into the buffer, one each issue."""
    for unit in _planes(lowering, statement):
        heard, sources = hear_all(lowering, statement, [("rows", r)] if (r := _rows(statement)) else [])
        times = lowering.in_step(statement, sources)
        node, queue, also, definition, values = _mxm_node(lowering, statement, unit, "lw", times)
        reads = attach(lowering, node, heard, queue, definition)
        first = int(values.get("group", 0))
        issues = np.arange(len(times))
        node.parts = [Part(queue, definition, values, 0, issues, first + issues, reads, (), also)]
        lowering.state["buffer", unit[0]] = node


def iw(lowering: Lowering, statement: Statement) -> None:
    """The buffer, or groups of rows, into the array; ``clear`` likewise."""
    for unit in _planes(lowering, statement):
        ref = _rows(statement)
        heard, sources = hear_all(lowering, statement, [("rows", ref)] if ref else [])
        times = lowering.in_step(statement, sources) if ref else np.zeros(1, np.int64)
        node, queue, also, definition, values = _mxm_node(lowering, statement, unit, "iw", times)
        reads = attach(lowering, node, heard, queue, definition)
        issues = np.arange(len(times))
        steps = int(values.get("group", 0)) + issues if ref else None
        node.parts = [Part(queue, definition, values, 0, issues, steps, reads, (), also)]
        loaded = lowering.state.get(("buffer", unit[0]))
        if loaded is not None and ref is None and statement.mnemonic == "iw":
            lowering.at_least(node, loaded, int(loaded.times[-1]) + loaded.parts[0].definition.timing.func)
        lowering.state["array", unit[0]] = node


def abc(lowering: Lowering, statement: Statement) -> None:
    """A row into the array each issue."""
    for unit in _planes(lowering, statement):
        heard, sources = hear_all(lowering, statement, [("row", r)] if (r := _rows(statement)) else [])
        times = lowering.in_step(statement, sources)
        node, queue, also, definition, values = _mxm_node(lowering, statement, unit, "abc", times)
        reads = attach(lowering, node, heard, queue, definition)
        node.parts = [Part(queue, definition, values, 0, np.arange(len(times)), None, reads, (), also)]
        installed = lowering.state.get(("array", unit[0]))
        if installed is not None:
            lowering.at_least(node, installed, int(installed.times[-1]) + installed.parts[0].definition.timing.func)
        lowering.state["result", unit[0]] = node


def acc(lowering: Lowering, statement: Statement) -> None:
    """Takes the results of the ``abc`` of this flow on the same plane."""
    for unit in _planes(lowering, statement):
        made = lowering.state.get(("result", unit[0]))
        if made is None:
            raise AssemblyError(
                statement.error(
                    "LPU1101",
                    f"nothing in flow '{lowering.flow.name}' makes results of {unit[0]} before this",
                    statement.mnemonic_span,
                    help=f"write `abc {unit[0]}, …` first, in the same flow",
                )
            )
        ref = _rows(statement)
        heard, sources = hear_all(lowering, statement, [("partial", ref)] if ref else [])
        times = lowering.in_step(statement, [Source(made, 0, "", 0), *sources])
        node, queue, also, definition, values = _mxm_node(lowering, statement, unit, "acc", times)
        taps = lowering.target.taps
        lowering.connect(node, made, made.parts[0].definition.timing.func + taps.acc_result - taps.mxm_result)
        reads = attach(lowering, node, heard, queue, definition)
        dtype = "i8" if values.get("low8") else str(values["type"])
        outs = [o for o in statement.outputs if isinstance(o, StreamRef)]
        drives = _drive(lowering, node, queue, definition, [("out", o) for o in outs], dtype)
        node.parts = [Part(queue, definition, values, 0, np.arange(len(times)), None, reads, drives, also)]
        node.result = made


def sxm(lowering: Lowering, statement: Statement) -> None:
    """A switch operation, in the hemisphere that its operand is on the way to."""
    definition = next(d for d in lowering.table.named(statement.mnemonic) if d.unit == "sxm")
    names = list(zip(_positional(definition, "in"), statement.inputs, strict=False))
    refs = [(name, o) for name, o in names if isinstance(o, StreamRef)]
    heard, sources = hear_all(lowering, statement, refs)
    times = lowering.in_step(statement, sources)
    values = bound_values(lowering, statement, definition, statement.inputs, "", "")
    hemisphere = refs[0][1].direction if refs else "e"
    queue = _sxm_queue(lowering, statement, definition, hemisphere, refs[0][1] if refs else None)
    node = lowering.add(Node(len(lowering.nodes), statement, times, []))
    reads = attach(lowering, node, heard, queue, definition)
    outs = [o for o in statement.outputs if isinstance(o, StreamRef)]
    data = heard[0] if heard else None
    dtype = _dtype(statement, data[1], data[2]) if data else ""
    drives = _drive(lowering, node, queue, definition, [("out", o) for o in outs], dtype)
    node.parts = [Part(queue, definition, values, 0, np.arange(len(times)), None, reads, drives)]


def _sxm_queue(
    lowering: Lowering, statement: Statement, definition: Definition, hemisphere: str, ref: StreamRef | None
) -> Queue:
    """The pinned queue, the distributor of the group, or the lowest one that this flow does not use yet."""
    kind = definition.queues[0]
    fitting = [q for q in lowering.target.queues if q.kind == kind and q.hemisphere == hemisphere]
    if isinstance(statement.pin, UnitRef):
        name = statement.pin.name
        for queue in fitting:
            if name in (queue.name, queue.name.rpartition(".")[2]):
                return queue
        raise AssemblyError(
            statement.error(
                "LPU1108",
                f"`{statement.mnemonic}` does not run on `{name}` here",
                statement.pin.span,
                help=f"it runs on {', '.join(q.name for q in fitting)}",
            )
        )
    if kind == "distribute" and ref is not None:
        return fitting[ref.index % len(fitting)]
    used = {part.queue for node in lowering.nodes for part in node.parts}
    return next((q for q in fitting if q not in used), fitting[0])


def c2c(lowering: Lowering, statement: Statement) -> None:
    """A vector to a link or from one, at the end of the chip that its stream asks for."""
    definition = lowering.table.find("c2c", statement.mnemonic)
    assert definition is not None
    refs = [o for o in (*statement.inputs, *statement.outputs) if isinstance(o, StreamRef)]
    sending = statement.mnemonic == "send"
    heard, sources = hear_all(lowering, statement, [("data", r) for r in refs] if sending else [])
    times = lowering.in_step(statement, sources) if sending else repeat_times(statement)
    packet = lowering.target.c2c.packet_cycles
    if sending and len(times) > 1 and int(np.diff(times).min()) < packet:
        message = f"a link takes a vector every {packet} cycles, and these come every {int(np.diff(times).min())}"
        place, help = statement.mnemonic_span, f"let them come more slowly: `read … repeat n every {packet}`"
        raise AssemblyError(statement.error("LPU0312", message, place, help=help))
    values = bound_values(lowering, statement, definition, statement.inputs, "", "")
    links = lowering.target.geometry.links
    if int(values["link"]) >= links:
        message, clause = f"there is no link {values['link']}", statement.clause("link")
        where = statement.span if clause is None else clause.span
        raise AssemblyError(statement.error("LPU0407", message, where, help=f"links are 0 … {links - 1}"))
    direction = refs[0].direction
    hemisphere = direction if sending else {"e": "w", "w": "e"}[direction]
    fitting = [q for q in lowering.target.queues if q.kind == "c2c" and q.hemisphere == hemisphere]
    queue = fitting[0] if sending else fitting[-1]
    node = lowering.add(Node(len(lowering.nodes), statement, times, []))
    reads = attach(lowering, node, heard, queue, definition)
    drives = () if sending else _drive(lowering, node, queue, definition, [("out", refs[0])], "")
    node.parts = [Part(queue, definition, values, 0, np.arange(len(times)), None, reads, drives)]


_BY_UNIT: Mapping[str, Lower] = {"vxm": vxm, "sxm": sxm, "c2c": c2c}
_BY_NAME: Mapping[str, Lower] = {"lw": lw, "iw": iw, "clear": iw, "abc": abc, "acc": acc}


def lowering_of(definition: Definition) -> Lower | None:
    """What lowers statements of an instruction; None for those that flows do not place."""
    if definition.unit == "c2c" and definition.mnemonic not in ("send", "receive"):
        return None
    return _BY_NAME.get(definition.mnemonic) or _BY_UNIT.get(definition.unit)
