"""Choosing ALUs: the lowest that are legal for every operation of a flow that names none."""

from __future__ import annotations

from dataclasses import dataclass, field

from lpuasm.asm.body import Node
from lpuasm.asm.syntax import UnitRef
from lpuasm.isa.errors import AssemblyError
from lpuasm.isa.spec import vxm_reach
from lpuasm.isa.target import Target

COLUMNS = 4
STREAMS_OF_GROUP = 4
_MOST_STEPS = 20_000


def choose(nodes: list[Node], target: Target) -> dict[int, int]:
    """The ALU of each VXM node, by the node's number.

    Operations of one flow run at the same time, so each has an ALU of its own; those that are pinned to the same one
    share it. The choice is the first in the order of the text, ALUs rising, with which every link leads on in one
    direction.

    Raises:
        AssemblyError: LPU1108, no ALU reaches what an operation needs, or no choice serves all links.
    """
    wanted = [n for n in nodes if any(p.queue is None for p in n.parts)]
    if not wanted:
        return {}
    search = _Search(wanted, {n.number: _fitting(n, target) for n in wanted})
    if not search.extend(0):
        statement = wanted[search.furthest].statement
        raise AssemblyError(
            statement.error(
                "LPU1108",
                f"no choice of ALUs serves the {len(wanted)} operations of this flow together",
                help="a link leads to a later column, always the same way, between rows that share a stream group; "
                "name ALUs with `@alu4`, use other stream groups, or cut the flow in two",
            )
        )
    return search.chosen


@dataclass(slots=True)
class _Search:
    """A search with backtracking; it looks ahead at what is left for the operations to come."""

    wanted: list[Node]
    fitting: dict[int, list[int]]
    chosen: dict[int, int] = field(default_factory=dict)
    passes: dict[int, int] = field(default_factory=dict)
    furthest: int = 0
    steps: int = 0

    def extend(self, k: int) -> bool:
        """Chooses for the operations from number ``k`` on; whether that can be."""
        if k == len(self.wanted):
            return True
        self.furthest = max(self.furthest, k)
        node = self.wanted[k]
        for alu in self._left(node):
            self.steps += 1
            if self.steps > _MOST_STEPS:
                return False
            way = _way(node, alu, self.chosen, self.passes)
            assert way is not None
            self.chosen[node.number], self.passes[node.number] = alu, way
            if self._hopeful(k + 1) and self.extend(k + 1):
                return True
            del self.chosen[node.number], self.passes[node.number]
        return False

    def _left(self, node: Node) -> list[int]:
        """The ALUs that an operation can have, as far as its links are chosen."""
        own = _pinned(node)
        taken = {self.chosen[n.number] for n in self.wanted if n.number in self.chosen and not (own and _pinned(n))}
        return [
            alu
            for alu in self.fitting[node.number]
            if alu not in taken and _way(node, alu, self.chosen, self.passes) is not None
        ]

    def _hopeful(self, k: int) -> bool:
        """Whether the operations from number ``k`` on can have ALUs of their own, links among them aside."""
        owner: dict[int, int] = {}
        left = {n.number: self._left(n) for n in self.wanted[k:] if not _pinned(n)}

        def settle(number: int, tried: set[int]) -> bool:
            for alu in left[number]:
                if alu not in tried:
                    tried.add(alu)
                    if alu not in owner or settle(owner[alu], tried):
                        owner[alu] = number
                        return True
            return False

        return all(settle(number, set()) for number in left)


def _pinned(node: Node) -> bool:
    return isinstance(node.statement.pin, UnitRef)


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
        if source.number not in chosen:
            continue
        other = chosen[source.number]
        step = alu % COLUMNS - other % COLUMNS
        if not step or not set(rows[alu // COLUMNS]) & set(rows[other // COLUMNS]):
            return None
        direction = 1 if step > 0 else -1
        if way not in (0, direction) or passes[source.number] not in (0, direction):
            return None
        way = direction
    return way
