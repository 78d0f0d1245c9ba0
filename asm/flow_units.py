"""Statements of flows on the SXM and the links; what lowers statements of which instruction."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lpuasm.asm.body import Node, Part
from lpuasm.asm.flow_mxm import abc, acc, iw, lw
from lpuasm.asm.flow_values import attach, bound_values, carried, drive_all, hear_all, positional
from lpuasm.asm.flow_vxm import vxm
from lpuasm.asm.flows import Lower, Lowering, repeat_times
from lpuasm.asm.syntax import Statement, StreamRef, UnitRef
from lpuasm.isa.definition import Definition
from lpuasm.isa.errors import AssemblyError
from lpuasm.isa.target import Queue


def sxm(lowering: Lowering, statement: Statement) -> None:
    """A switch operation, in the hemisphere that its operand is on the way to."""
    definition = next(d for d in lowering.table.named(statement.mnemonic) if d.unit == "sxm")
    names = list(zip(positional(definition, "in"), statement.inputs, strict=False))
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
    dtype = carried(statement, data[1], data[2]) if data else ""
    drives = drive_all(lowering, node, queue, definition, [("out", o) for o in outs], dtype)
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
    drives = () if sending else drive_all(lowering, node, queue, definition, [("out", refs[0])], "")
    node.parts = [Part(queue, definition, values, 0, np.arange(len(times)), None, reads, drives)]


_BY_UNIT: Mapping[str, Lower] = {"vxm": vxm, "sxm": sxm, "c2c": c2c}
_BY_NAME: Mapping[str, Lower] = {"lw": lw, "iw": iw, "clear": iw, "abc": abc, "acc": acc}


def lowering_of(definition: Definition) -> Lower | None:
    """What lowers statements of an instruction; None for those that flows do not place."""
    if definition.unit == "c2c" and definition.mnemonic not in ("send", "receive"):
        return None
    return _BY_NAME.get(definition.mnemonic) or _BY_UNIT.get(definition.unit)
