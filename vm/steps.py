"""Steps: what a plan is a list of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any

from lpuasm.isa.meaning import Meaning
from lpuasm.vm.fetch import Fetch
from lpuasm.vm.nodes import Node


@dataclass(slots=True)
class Step:
    """Vectors ``low`` … ``high`` − 1 of a node, computed in one go.

    ``whole``: they are all there are of it. ``holder``: the node with its weights or its table. ``takes``: the node
    whose value may be overwritten with the result. ``drops``: nodes whose values nobody needs after it.
    ``again``: of a product, the number of its vectors if other ones take the same, and how many of these come later.
    ``ready``: of an ALU operation, the function that it is and its operands that are known, once it has been computed.
    Of several products made one: ``targets`` are their nodes, ``holders`` the weights of each, a node for each of
    ``fetches``, and ``held`` says where those come from that are there from the beginning.
    """

    node: Node
    low: int
    high: int
    fetches: tuple[Fetch, ...]
    whole: bool = True
    holder: int = -1
    takes: int = -1
    drops: tuple[int, ...] = ()
    again: tuple[int, int] | None = None
    ready: tuple[Meaning, Mapping[str, Any]] | None = None
    targets: tuple[int, ...] = ()
    holders: tuple[tuple[int, ...], ...] = ()
    held: Mapping[int, Fetch] = field(default_factory=dict)

    @property
    def heard(self) -> set[int]:
        """The nodes whose values it needs."""
        found = set(self.fetches[0].nodes) if self.fetches else set()
        for f in self.fetches[1:]:
            found |= f.nodes
        if self.holders:
            found.update(*[f.nodes for f in self.held.values()])
            found.update(h for row in self.holders for h in row if h not in self.held)
        if self.holder >= 0:
            found.add(self.holder)
        return found

    @property
    def makes(self) -> tuple[int, ...]:
        """The nodes whose values it makes."""
        return self.targets or (self.node.number,)


def settle(steps: list[Step], sinks: Container[int]) -> None:
    """Says after which steps values are no longer needed, and which may be overwritten.

    Nodes of ``sinks`` have a place of their own.
    """
    last: dict[int, int] = {}
    uses: Counter[int] = Counter()
    for k, s in enumerate(steps):
        heard = s.heard
        last.update(dict.fromkeys((*s.makes, *heard), k))
        uses.update(heard)
    drops: dict[int, list[int]] = {}
    for n, k in last.items():
        drops.setdefault(k, []).append(n)
    _share(steps)
    whole = {n for s in steps if s.whole and s.node.kind in ("abc", "acc", "products") for n in s.makes}
    for k, s in enumerate(steps):
        s.drops = tuple(drops.get(k, ()))
        if (
            s.node.kind == "acc"
            and s.whole
            and s.node.number not in sinks
            and (p := s.fetches[0].alone) is not None
            and p.node in whole
        ):
            same = p.at == 0 and p.pace == 1 and s.fetches[0].count == s.node.count
            if same and uses[p.node] == 1 and p.node not in s.fetches[1].nodes:
                s.takes = p.node


def _share(steps: list[Step]) -> None:
    """Says of products in f16 which ones take the same vectors."""
    alike: dict[object, list[Step]] = {}
    for s in steps:
        if s.node.kind == "abc" and s.node.kept == "f32" and not s.fetches[0].scattered:
            assert s.node.code is not None
            alike.setdefault((s.fetches[0].pieces, s.node.code.values["half"]), []).append(s)
    for number, row in enumerate(alike.values()):
        for k, s in enumerate(row if len(row) > 1 else ()):
            s.again = number, len(row) - 1 - k
