"""Choosing ALUs: the lowest that are legal for every operation of a flow that names none."""

from __future__ import annotations

from lpuasm.asm.body import Node
from lpuasm.asm.syntax import UnitRef
from lpuasm.isa.errors import AssemblyError
from lpuasm.isa.spec import vxm_reach
from lpuasm.isa.target import Target

COLUMNS = 4
STREAMS_OF_GROUP = 4


def choose(nodes: list[Node], target: Target) -> dict[int, int]:
    """The ALU of each VXM node, by the node's number.

    Operations of one flow run at the same time, so each has an ALU of its own. The choice is the first in the order of
    the text, ALUs rising, with which every link leads on in one direction.

    Raises:
        AssemblyError: LPU1108, no ALU reaches what an operation needs, or no choice serves all links.
    """
    wanted = [n for n in nodes if any(p.queue is None for p in n.parts)]
    fitting = {n.number: _fitting(n, target) for n in wanted}
    chosen: dict[int, int] = {}
    passes: dict[int, int] = {}

    def extend(k: int) -> bool:
        if k == len(wanted):
            return True
        node = wanted[k]
        for alu in fitting[node.number]:
            if alu in chosen.values():
                continue
            way = _way(node, alu, chosen, passes)
            if way is None:
                continue
            chosen[node.number], passes[node.number] = alu, way
            if extend(k + 1):
                return True
            del chosen[node.number], passes[node.number]
        return False

    if not extend(0):
        statement = wanted[-1].statement
        raise AssemblyError(
            statement.error(
                "LPU1108",
                f"no choice of ALUs serves the {len(wanted)} operations of this flow together",
                help="a link leads to a later column, always the same way, between rows that share a stream group; "
                "name ALUs with `@alu4`, use other stream groups, or cut the flow in two",
            )
        )
    return chosen


def _fitting(node: Node, target: Target) -> list[int]:
    """The ALUs that reach every stream group of the operation, lowest first."""
    rows, large = vxm_reach()
    part = node.parts[0]
    groups = {tap.channel.stream // STREAMS_OF_GROUP for tap in (*part.reads, *part.drives)}
    alus = [a for a in range(target.geometry.alus) if groups <= set(rows[a // COLUMNS])]
    if part.definition.large:
        alus = [a for a in alus if a in large]
    statement = node.statement
    if isinstance(statement.pin, UnitRef):
        name = statement.pin.name.removeprefix("vxm.").removeprefix("alu")
        pinned = int(name) if name.isdecimal() and len(name) < 4 else -1
        if pinned not in alus:
            raise AssemblyError(
                statement.error(
                    "LPU1108",
                    f"`{statement.pin.name}` cannot do this: {_why(pinned, groups, part.definition.large, target)}",
                    statement.pin.span,
                    help=f"ALUs that can: {', '.join(f'alu{a}' for a in alus)}" if alus else "no ALU can",
                )
            )
        return [pinned]
    if not alus:
        raise AssemblyError(
            statement.error(
                "LPU1108",
                f"no ALU reaches stream groups {', '.join(f'sg4[{g}]' for g in sorted(groups))} together",
                help="a row of ALUs reaches four neighbouring groups of four streams: 0–3, 2–5, 4–7 or 6–1",
            )
        )
    return alus


def _why(alu: int, groups: set[int], needs_large: bool, target: Target) -> str:
    rows, large = vxm_reach()
    if not 0 <= alu < target.geometry.alus:
        return "there is no such ALU"
    missing = groups - set(rows[alu // COLUMNS])
    if missing:
        return f"it does not reach {', '.join(f'sg4[{g}]' for g in sorted(missing))}"
    return "the operation needs a large ALU" if needs_large and alu not in large else "it is not free"


def _way(node: Node, alu: int, chosen: dict[int, int], passes: dict[int, int]) -> int | None:
    """The way of the pass at ``alu``, 1 to higher columns, −1 to lower, 0 without links; None if a link cannot be."""
    rows, _ = vxm_reach()
    way = 0
    for source in node.links.values():
        other = chosen[source.number]
        step = alu % COLUMNS - other % COLUMNS
        if not step or not set(rows[alu // COLUMNS]) & set(rows[other // COLUMNS]):
            return None
        direction = 1 if step > 0 else -1
        if way not in (0, direction) or passes[source.number] not in (0, direction):
            return None
        way = direction
    return way
