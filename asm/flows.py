"""Lowering a flow to a rigid body.

Statements become nodes (flow_memory.py, flow_units.py); here they are joined:
a reader to what it hears, state to who made it. When all hang together the
words, their intent, and what they claim of the chip follow.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np

from lpuasm.asm.body import Body, Channel, Node, Region, Source, Tap, Times
from lpuasm.asm.dims import nest
from lpuasm.asm.fold import times_of
from lpuasm.asm.syntax import Flow, Statement, StreamRef, Symbol, UnitRef
from lpuasm.isa.core import Table
from lpuasm.isa.errors import AssemblyError, Diagnostic, Related, Span
from lpuasm.isa.program import Tensor
from lpuasm.isa.suggest import did_you_mean
from lpuasm.isa.target import Target
from lpuasm.isa.values import Streams

LONGEST = 1 << 22
"""Cycles that the issues of one statement may span, and issues that it may make."""


@dataclass(slots=True)
class Lowering:
    """A flow on its way: the nodes so far, and what travels on each channel after the last of them.

    ``regions``: parts of tensors that were located before, in this flow or in others.
    """

    flow: Flow
    target: Target
    tensors: Mapping[str, Tensor]
    table: Table
    nodes: list[Node] = field(default_factory=list)
    channels: dict[Channel, Source] = field(default_factory=dict)
    values: dict[str, Node] = field(default_factory=dict)
    state: dict[tuple[str, str], Node] = field(default_factory=dict)
    regions: dict[Hashable, Region] = field(default_factory=dict)

    def add(self, node: Node) -> Node:
        self.nodes.append(node)
        return node

    def hear(self, statement: Statement, ref: StreamRef) -> list[Source]:
        """What travels on each stream of a group, lowest first, issue by issue in step."""
        sources: list[Source] = []
        for stream in range(ref.first, ref.first + ref.size):
            source = self.channels.get(Channel(ref.direction, stream))
            if source is None:
                raise AssemblyError(
                    statement.error(
                        "LPU1101",
                        f"nothing in flow '{self.flow.name}' drives s{stream}.{ref.direction} before this",
                        ref.span,
                        help="a value travels inside one flow: drive the stream here first, by `read` for example",
                    )
                )
            sources.append(source)
        return sources

    def in_step(self, statement: Statement, sources: list[Source]) -> Times:
        """The issue times that all sources share; that of a single issue where there is none."""
        times = sources[0].node.times if sources else np.zeros(1, np.int64)
        for source in sources[1:]:
            if not np.array_equal(source.node.times, times):
                other = source.node.statement
                raise AssemblyError(
                    statement.error(
                        "LPU1102",
                        f"operands come at different rates: {_rate(times)} and {_rate(source.node.times)}",
                        related=(
                            Related(f"{_rate(times)} from here", sources[0].node.statement.span),
                            Related(f"{_rate(source.node.times)} from here", other.span),
                        ),
                        help="give both the same `repeat n every d`",
                    )
                )
        self.agree(statement, times)
        return times

    def agree(self, statement: Statement, times: Times) -> None:
        """Holds a `repeat` of the statement to the times that follow from what it hears or touches."""
        if not statement.repeats:
            return
        stated = repeat_times(statement)
        if not np.array_equal(stated, times):
            raise AssemblyError(
                statement.error(
                    "LPU1102",
                    f"this says {_rate(stated)}, but what it hears or touches says {_rate(times)}",
                    statement.repeats[0].span,
                    help="leave the repeat out: the count follows",
                )
            )

    def drive(self, node: Node, channel: Channel, shift: int, dtype: str, plane: int) -> None:
        self.channels[channel] = Source(node, shift, dtype, plane)

    def connect(self, node: Node, other: Node, delta: int, span: Span | None = None) -> None:
        """Makes ``node.t = other.t + delta``. Raises AssemblyError LPU1104 where that contradicts what is known."""
        a, at = find(node)
        b, bt = find(other)
        if a is not b:
            a.leader, a.t = b, bt + delta - at
            return
        if at - bt != delta:
            late = at - bt - delta
            raise AssemblyError(
                node.statement.error(
                    "LPU1104",
                    f"its operands would have to arrive {abs(late)} cycle{'s' * (abs(late) != 1)} "
                    f"{'later' if late > 0 else 'earlier'} than the other statements of the flow make them",
                    span,
                    related=(Related("this one is tied to it by another way", other.statement.span),),
                    help="a value never waits: read the operand again in a statement of its own, or move a slice",
                )
            )

    def at_least(self, node: Node, other: Node, delta: int) -> None:
        """State: ``node`` comes ``delta`` cycles after ``other``, exactly where nothing else ties them."""
        a, at = find(node)
        b, bt = find(other)
        if a is not b:
            self.connect(node, other, delta)
        elif at - bt < delta:
            raise AssemblyError(
                node.statement.error(
                    "LPU1104",
                    f"this comes {delta - (at - bt)} cycles too early for the state that it needs",
                    related=(Related("which this makes", other.statement.span),),
                    help="put the two into flows of their own",
                )
            )


def find(node: Node) -> tuple[Node, int]:
    """The leader of a node's piece, and the node's time relative to the leader's."""
    t = 0
    while node.leader is not None:
        t += node.t
        node = node.leader
    return node, t


def repeat_times(statement: Statement) -> Times:
    """The issue times that the `repeat` clauses of a statement state, the first at 0. Raises AssemblyError LPU0408."""
    dims = nest(statement, 0)
    if prod(d.count for d in dims) > LONGEST or sum((d.count - 1) * d.every for d in dims) >= LONGEST:
        message = f"this issues beyond {LONGEST} cycles, more than a flow lasts"
        raise AssemblyError(statement.error("LPU0408", message, statement.repeats[0].span, help="cut it into flows"))
    times = times_of(dims)
    if (np.diff(times) < 1).any():
        raise AssemblyError(
            statement.error(
                "LPU0408",
                "the issues of this repeat run into each other",
                statement.repeats[-1].span,
                help="an outer interval is longer than the inner repeats together; left out, it is the shortest",
            )
        )
    return times


def _rate(times: Times) -> str:
    if len(times) == 1:
        return "1 issue"
    every = np.unique(np.diff(times))
    return f"{len(times)} issues" + (f" every {every[0]}" if len(every) == 1 and every[0] > 1 else "")


Lower = Callable[[Lowering, Statement], None]


def lower(lowering: Lowering) -> Body:
    """The rigid body of the flow of a lowering that has just begun.

    Raises:
        AssemblyError: LPU11xx and LPU04xx, everything that is wrong with the first bad statement of the flow.
    """
    from lpuasm.asm.emit import emit
    from lpuasm.asm.flow_control import CONTROL
    from lpuasm.asm.flow_memory import MEMORY
    from lpuasm.asm.flow_units import lowering_of

    for statement in lowering.flow.statements:
        _known(lowering, statement)
        named = [d for d in lowering.table.named(statement.mnemonic) if d.unit not in ("seq", "mem")]
        own = MEMORY.get(statement.mnemonic) or CONTROL.get(statement.mnemonic)
        lower_statement = own or (lowering_of(named[0]) if named else None)
        if lower_statement is None:
            raise AssemblyError(_unknown(lowering, statement))
        before = len(lowering.nodes)
        lower_statement(lowering, statement)
        _where_pinned(statement, lowering.nodes[before:])
    _one_piece(lowering)
    return emit(lowering)


def _known(lowering: Lowering, statement: Statement) -> None:
    """LPU0201 at a name that nothing before it defines, LPU0407 at streams that the chip does not have."""

    for operand in (*statement.inputs, *statement.outputs):
        if isinstance(operand, Symbol):
            later = f"declare `{operand.name}` above its first use" if operand.name in lowering.tensors else ""
            help = later or did_you_mean(operand.name, lowering.tensors) or "a tensor is declared before it is used"
            raise AssemblyError(statement.error("LPU0201", f"`{operand.name}` is not defined", operand.span, help=help))
        if isinstance(operand, StreamRef):
            _known_streams(lowering, statement, operand)


def _known_streams(lowering: Lowering, statement: Statement, ref: StreamRef) -> None:
    streams = lowering.target.geometry.streams
    sizes = [str(1 << k) for k in range(streams.bit_length())]
    if str(ref.size) not in sizes:
        help = f"groups have {', '.join(sizes[:-1])} or {sizes[-1]} streams"
    elif not 0 <= ref.first <= streams - ref.size:
        ends = (str(Streams(ref.direction, first, ref.size)) for first in (0, streams - ref.size))
        help = "use one of " + " … ".join(dict.fromkeys(ends))
    else:
        return
    name = Streams(ref.direction, ref.first, ref.size)
    raise AssemblyError(statement.error("LPU0407", f"there is no {name}", ref.span, help=help))


def _where_pinned(statement: Statement, nodes: Sequence[Node]) -> None:
    """LPU0416 where a statement is pinned to a queue that is not its own; units that choose have heeded the pin."""
    if not isinstance(statement.pin, UnitRef):
        return
    queues = {part.queue for node in nodes for part in node.parts if part.queue is not None}
    name = statement.pin.name
    for queue in sorted(queues, key=lambda q: q.number):
        if name not in (queue.name, queue.unit, queue.name.rpartition(".")[2]):
            message = f"`{statement.mnemonic}` cannot stand in `{name}` here"
            raise AssemblyError(
                statement.error("LPU0416", message, statement.pin.span, help=f"leave the `@` out: it is in {queue}")
            )


_INSTEAD = {
    "nop": "flows leave gaps by themselves; `flow NAME after OTHER + 8:` puts one between two of them",
    "repeat": "write it behind the statement that it repeats: `read A -> s0.e repeat 8 every 2`",
    "deskew": "how long it waits depends on its cycle: write it at that cycle, in a `.unit` section",
}


def _unknown(lowering: Lowering, statement: Statement) -> Diagnostic:

    named = [d for d in lowering.table.named(statement.mnemonic) if d.unit != "seq"]
    if named:
        help = _INSTEAD.get(statement.mnemonic, "write it at its cycle, in a `.unit` section")
        message = f"`{statement.mnemonic}` is not placed by flows"
        return statement.error("LPU1110", message, statement.mnemonic_span, help=help)
    names = sorted({d.mnemonic for d in lowering.table if d.unit != "seq"})
    return statement.error(
        "LPU0401",
        f"there is no instruction `{statement.mnemonic}`",
        statement.mnemonic_span,
        help=did_you_mean(statement.mnemonic, names),
    )


def _one_piece(lowering: Lowering) -> None:
    if not lowering.nodes:
        return
    first, _ = find(lowering.nodes[0])
    for node in lowering.nodes[1:]:
        if find(node)[0] is not first:
            raise AssemblyError(
                node.statement.error(
                    "LPU1103",
                    f"no value ties this statement to the rest of flow '{lowering.flow.name}'",
                    related=(Related("the flow begins here", lowering.nodes[0].statement.span),),
                    help="a flow is one connected chain: put this into a flow of its own",
                )
            )


def tap_channels(ref: StreamRef, register: int, delay: int, operand: int) -> tuple[Tap, ...]:
    """The taps of a whole group at one register."""
    return tuple(Tap(Channel(ref.direction, ref.first + k), register, delay, operand, k) for k in range(ref.size))
