"""Matrix products that belong together, as one: a chain of partial sums, and rows that meet several arrays.

A tile of a large product reaches the output in several goes: each `abc` adds to
what came before by way of ACC and SRAM. In i32 the order does not matter, so
the goes of one chain are one product over all their lanes; and chains that hear
the same activations are one product with all their weights side by side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from lpuasm.vm.fetch import Fetch
from lpuasm.vm.nodes import Node
from lpuasm.vm.resolve import Piece
from lpuasm.vm.steps import Step

#: (activations, the node of the weights)
Term = tuple[Fetch, int]


@dataclass(slots=True)
class Chain:
    """A sum of products: its terms, the steps that it stands for, and the last steps of the chains that it adds."""

    terms: tuple[Term, ...]
    steps: tuple[int, ...]
    parts: tuple[int, ...] = ()

    @property
    def last(self) -> int:
        return self.steps[-1]


def fused(steps: Sequence[Step], weights: dict[int, Fetch]) -> list[Step]:
    """The steps with products made one where they can be. ``weights``: where fixed weights come from, by node."""
    uses = Counter(chain.from_iterable(s.heard for s in steps))
    at = {s.node.number: k for k, s in enumerate(steps) if s.whole and s.node.kept == "i32"}
    chains: dict[int, Chain] = {}
    absorbed: set[int] = set()
    for k, s in enumerate(steps):
        one = _chain(s, k, at, uses, chains)
        if one is not None:
            chains[s.node.number] = one
            absorbed.update(one.parts)
    heads = [(n, c) for n, c in chains.items() if c.last not in absorbed]
    placed: dict[int, Step] = {}
    gone: set[int] = set()
    for group in _groups(heads, weights):
        nodes = [steps[c.last].node for _, c in group]
        place = min(c.last for _, c in group)
        gone.update(k for _, c in group for k in c.steps)
        placed[place] = _together(nodes, [c for _, c in group], weights)
    kept = [placed.get(k, s) for k, s in enumerate(steps) if k in placed or k not in gone]
    asked = {s.holder for s in kept}
    return [s for s in kept if s.node.number not in weights or s.node.number in asked]


def _chain(s: Step, k: int, at: dict[int, int], uses: Counter[int], chains: dict[int, Chain]) -> Chain | None:
    """The chain that ends with a step, if it is a product or a sum of products only."""
    if s.node.number not in at:
        return None
    if s.node.kind == "abc":
        return Chain(((s.fetches[0], s.holder),), (k,))
    if s.node.kind != "acc":
        return None
    parts = []
    for f in s.fetches[::-1]:
        p = f.alone
        if p is None or p.node not in chains or uses[p.node] != 1 or not _all_of(p, s.node):
            return None
        parts.append(chains[p.node])
    first, second = parts
    last = first.last, second.last
    return Chain((*first.terms, *second.terms), (*first.steps, *second.steps, k), last)


def _all_of(p: Piece, node: Node) -> bool:
    return p.at == 0 and p.pace == 1 and p.count == node.count


def _groups(heads: list[tuple[int, Chain]], weights: dict[int, Fetch]) -> list[list[tuple[int, Chain]]]:
    """Chains that hear the same activations, and whose weights are there from the beginning."""
    groups: dict[object, list[tuple[int, Chain]]] = {}
    for number, sums in heads:
        rows = tuple(f.alone for f, _ in sums.terms)
        free = all(r is not None for r in rows) and all(h in weights for _, h in sums.terms)
        groups.setdefault((rows, sums.terms[0][0].count) if free else number, []).append((number, sums))
    return list(groups.values())


def _together(nodes: list[Node], chains: list[Chain], weights: dict[int, Fetch]) -> Step:
    first = chains[0]
    holders = tuple(tuple(h for _, h in c.terms) for c in chains)
    node = Node(nodes[0].number, "products", nodes[0].family, nodes[0].count, (), "i32", nodes[0].start)
    held = {h: weights[h] for row in holders for h in row if h in weights}
    fetches = tuple(f for f, _ in first.terms)
    return Step(node, 0, node.count, fetches, holders=holders, targets=tuple(n.number for n in nodes), held=held)
