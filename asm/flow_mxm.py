"""Statements of flows on the planes of the MXM and their ACC."""

from __future__ import annotations

from typing import Any

import numpy as np

from lpuasm.asm.body import Node, Part, Source, Times
from lpuasm.asm.flow_values import attach, bound_values, drive_all, hear_all
from lpuasm.asm.flows import Lowering
from lpuasm.asm.syntax import Statement, StreamRef, UnitRef
from lpuasm.isa.definition import Definition
from lpuasm.isa.errors import AssemblyError
from lpuasm.isa.target import Queue


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
        drives = drive_all(lowering, node, queue, definition, [("out", o) for o in outs], dtype)
        node.parts = [Part(queue, definition, values, 0, np.arange(len(times)), None, reads, drives, also)]
        node.result = made
