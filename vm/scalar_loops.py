"""Control flow as loops within loops: what lets jumps become Python's ``while``, ``continue`` and ``break``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lpuasm.vm.circles import circles

#: Loops within each other, beyond which a loop is left flat: Python allows twenty blocks.
DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Loop:
    """Nodes that can reach each other. ``items`` are its parts in an order in which only jumps to ``header`` go back.

    A ``flat`` loop is one that is not analysed further: jumps go back to any of its nodes.
    """

    header: int
    items: tuple[Item, ...]
    nodes: frozenset[int] = field(repr=False)
    flat: bool = False


Item = int | Loop


def loops(following: Sequence[Sequence[int]]) -> tuple[Item, ...]:
    """The nodes of a graph, node 0 first, as loops within loops. ``following``: the successors of every node."""
    return _items(frozenset(range(len(following))), following, None, [0], 0)


def _items(
    nodes: frozenset[int], following: Sequence[Sequence[int]], header: int | None, entries: Sequence[int], depth: int
) -> tuple[Item, ...]:
    def edges(node: int) -> list[int]:
        return [n for n in following[node] if n in nodes and n != header]

    order: list[list[int]] = list(circles(sorted(nodes, key=lambda n: n not in entries), edges))
    order.reverse()
    outer_entries = set(entries)
    items: list[Item] = []
    for component in order:
        first = component[0]
        if len(component) == 1 and first not in edges(first):
            items.append(first)
            continue
        inside = frozenset(component)
        from_outside = {n for node in nodes - inside for n in edges(node)} & inside | outer_entries & inside
        head = min(from_outside, default=min(inside))
        if depth >= DEEPEST:
            items.append(Loop(head, tuple(sorted(inside)), inside, flat=True))
        else:
            items.append(Loop(head, _items(inside, following, head, [head], depth + 1), inside))
    return tuple(items)
