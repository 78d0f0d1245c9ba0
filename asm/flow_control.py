"""Control statements of flows: `config`, `notify`, `sync`, `ifetch`. They name the queues that they stand in.

All queues of a statement dispatch in the same cycle, which is ``t`` of the node.
`nop` and `deskew` are not placed: flows leave gaps by themselves, and how long a
`deskew` waits depends on its cycle, so that it is no part of a rigid body.
"""

from __future__ import annotations

import numpy as np

from lpuasm.asm.body import Node, Part, Tap
from lpuasm.asm.flow_values import attach, bound_values, hear_all
from lpuasm.asm.flows import Lower, Lowering
from lpuasm.asm.syntax import Statement, StreamRef, UnitRef
from lpuasm.isa.errors import AssemblyError
from lpuasm.isa.target import Queue

_SYNTAX = {
    "config": "config vxm.alu0, 10",
    "notify": "notify vxm.alu0",
    "sync": "sync mem.e0 mem.e1",
    "ifetch": "ifetch mem.e0, sg2.e[3]",
}


def control(lowering: Lowering, statement: Statement) -> None:
    """One word in each queue that is named, all in one cycle."""
    queues = _queues(lowering, statement)
    if statement.repeats:
        place = statement.repeats[0].span
        raise AssemblyError(statement.error("LPU0408", f"`{statement.mnemonic}` cannot be repeated", place))
    definition = lowering.table.find(queues[0].kind, statement.mnemonic)
    assert definition is not None
    inputs = tuple(o for o in statement.inputs if not isinstance(o, UnitRef))
    values = bound_values(lowering, statement, definition, inputs, "", "")
    refs = [("text", o) for o in inputs if isinstance(o, StreamRef)]
    heard, sources = hear_all(lowering, statement, refs)
    times = lowering.in_step(statement, sources)
    node = lowering.add(Node(len(lowering.nodes), statement, times, []))
    for queue in queues:
        reads: tuple[Tap, ...] = attach(lowering, node, heard, queue, definition)
        node.parts.append(Part(queue, definition, values, 0, np.arange(len(times)), None, reads))


def _queues(lowering: Lowering, statement: Statement) -> list[Queue]:
    """The queues that a statement names."""
    found: list[Queue] = []
    for unit in (o for o in statement.inputs if isinstance(o, UnitRef)):
        names = [unit.name]
        if unit.range is not None:
            first, last = unit.range
            names = [f"{unit.name}{k}" for k in range(min(first, last), min(max(first, last), 1 << 10) + 1)]
        for name in names:
            queue = lowering.target.queue.get(name)
            if queue is None or unit.address is not None:
                own = [q.name for q in lowering.target.queues if q.unit == name]
                help = f"its queues are {', '.join(own[:8])}" if own else "a queue is mem.e0 or vxm.alu4, for example"
                raise AssemblyError(statement.error("LPU1110", f"there is no queue `{name}`", unit.span, help=help))
            found.append(queue)
    if not found:
        raise AssemblyError(
            statement.error(
                "LPU1110",
                f"`{statement.mnemonic}` needs a queue to stand in",
                statement.mnemonic_span,
                help=f"name it first: `{_SYNTAX[statement.mnemonic]}`",
            )
        )
    return found


CONTROL: dict[str, Lower] = dict.fromkeys(_SYNTAX, control)
