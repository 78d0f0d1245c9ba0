"""Control flow as loops within loops: what lets jumps become Python's ``while``, ``continue`` and ``break``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

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

    order: list[list[int]] = list(_components(sorted(nodes, key=lambda n: n not in entries), edges))
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


def _components(nodes: Sequence[int], edges: Callable[[int], list[int]]) -> Iterator[list[int]]:
    """Strongly connected components, each after those that it leads to (Tarjan, without recursion)."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    for root in nodes:
        if root in index:
            continue
        work: list[tuple[int, Iterator[int]]] = [(root, iter(edges(root)))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, rest = work[-1]
            for after in rest:
                if after not in index:
                    index[after] = low[after] = len(index)
                    stack.append(after)
                    on_stack.add(after)
                    work.append((after, iter(edges(after))))
                    break
                if after in on_stack:
                    low[node] = min(low[node], index[after])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    component = []
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        component.append(member)
                        if member == node:
                            break
                    yield component
