"""Statements of flows on the VXM."""

from __future__ import annotations

from typing import Any

import numpy as np

from lpuasm.asm.body import Node, Part, Source, Times
from lpuasm.asm.flow_values import attach, bound_values, carried, drive_all, hear_all, positional
from lpuasm.asm.flows import Lowering, repeat_times
from lpuasm.asm.syntax import Latch, Operand, Statement, StreamRef, UnitRef, Value
from lpuasm.isa.definition import Definition
from lpuasm.isa.errors import AssemblyError


def vxm(lowering: Lowering, statement: Statement) -> None:
    """A point-wise operation; its ALU is chosen when the flow is whole, unless it is pinned."""
    definition = lowering.table.find("vxm", statement.mnemonic)
    assert definition is not None
    names = dict(zip(positional(definition, "in"), statement.inputs, strict=False))
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
    drives = drive_all(lowering, node, queue, definition, list(zip(("out", "also"), outs, strict=False)), result)
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
    found = {name: carried(statement, ref, sources) for name, ref, sources in heard if name not in mask}
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
    key = ("latch", statement.pin.name.removeprefix("vxm."))
    kept = lowering.state.get(key)
    if uses and kept is not None:
        lowering.at_least(node, kept, int(kept.times[-1]) + 1)
    if values.get("keep"):
        lowering.state[key] = node
