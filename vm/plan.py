"""The plan of a program: what is computed, in which order, from what, as a short list of large operations.

A plan depends on the program alone, so it is made once and kept: a second run,
with other data, only computes.
"""

from __future__ import annotations

import gc
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from lpuasm.isa.core import table
from lpuasm.isa.direct import hear
from lpuasm.isa.faults import Violation
from lpuasm.isa.join import join, traffic
from lpuasm.isa.layout import Layout
from lpuasm.isa.legality import Proof, prove
from lpuasm.isa.program import Program
from lpuasm.isa.runs import Ints
from lpuasm.vm import net_mem, net_mxm, net_sxm, net_vxm
from lpuasm.vm.collect import Place, destination
from lpuasm.vm.fetch import fetch_of
from lpuasm.vm.fuse import fused
from lpuasm.vm.identity import Identity, identity
from lpuasm.vm.kept import Kept
from lpuasm.vm.net import Net, outputs, streams, tensors
from lpuasm.vm.nodes import Node
from lpuasm.vm.order import Graph, order
from lpuasm.vm.resolve import Piece, Resolved, resolve
from lpuasm.vm.soon import soon
from lpuasm.vm.steps import Step, settle
from lpuasm.vm.twins import twins
from lpuasm.vm.valid import check_words
from lpuasm.vm.whole import whole

_KEPT = 16
_WITH_WEIGHTS = 3  # of those, so many keep the weights of their last run
_CHECKED = ("gather", "scatter", "permute", "distribute")
_WORDS = {
    "abc": "matrix product",
    "products": "matrix products as one",
    "acc": "partial sum added",
    "weights": "weights prepared",
    "words": "slice as it is",
    "wide": "32 bits for a link or latch",
    "output": "output taken",
    "scatter": "scatter",
    "gather": "gather",
    "probe": "value asked for",
}
_plans: OrderedDict[Identity, Plan] = OrderedDict()


@dataclass(frozen=True)
class Plan:
    """``steps`` in their order; ``tensors``: the tensors by node; ``zero``: the node of zeros.

    ``dispatches`` and ``events``: what the steps stand for; ``fixed``: nodes of weights that come from tensors alone,
    with the names of these; ``against``: what is wrong with the program in time; ``sinks``: nodes that are computed in
    their place in an output; ``kept``: weights in the form that products take, from the last run.
    """

    steps: tuple[Step, ...]
    tensors: dict[int, str]
    zero: int
    cycles: int
    dispatches: int
    events: int
    fixed: dict[int, frozenset[str]]
    against: tuple[Violation, ...] = ()
    sinks: Mapping[int, tuple[str, Place]] = field(default_factory=dict)
    kept: Kept = field(default_factory=Kept)

    def __str__(self) -> str:
        kinds = Counter(_what(s.node) for s in self.steps)
        vectors = Counter[str]()
        for s in self.steps:
            vectors[_what(s.node)] += s.high - s.low
        lines = [
            f"{len(self.steps)} batches for {self.dispatches} dispatches and {self.events} stream events "
            f"in {self.cycles} cycles"
        ]
        lines += [f"  {n:6} × {kind}, {vectors[kind]} vectors" for kind, n in kinds.most_common()]
        return "\n".join(lines)


def plan(program: Program) -> Plan:
    """The plan of a streaming program. Made once for each program; those used last are kept.

    Raises:
        ObjectError: a word of the program is not an instruction.
    """
    key = identity(program)
    known = _plans.get(key)
    if known is None:
        check_words(program)
        with _undisturbed():
            known = _plans[key] = make(program)
        while len(_plans) > _KEPT:
            _plans.popitem(last=False)
    _plans.move_to_end(key)
    for other in list(_plans.values())[:-_WITH_WEIGHTS]:
        other.kept.clear()
    return known


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Keeps the garbage collector from going through everything while many small objects are made."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def forget() -> None:
    """Forgets all plans."""
    _plans.clear()


def net_of(program: Program, proof: Proof | None = None) -> Net:
    """The net of a program, without what is asked of it. ``proof``: that of its verdict, where there is one."""
    if proof is None:
        moves = traffic(program.timeline)
        net = Net(program, moves, join(moves.runs, hear(moves.runs)[0]))
    else:
        net = Net(program, proof.moves, proof.joined)
    streams(net)
    bound = [t.name for t in program.tensors if t.bound]
    tensors(net, [*bound, *(t.name for t in program.tensors if t.kind == "const")])
    net_mem.memory(net)
    net_mxm.matrix(net)
    net_vxm.vector(net)
    net_sxm.switch(net)
    net_sxm.links(net)
    return net


def make(program: Program) -> Plan:
    """A plan for the outputs of ``program``, and for what may be at fault when it runs.

    It has no steps where the program is at fault in time, before anything else can be.
    """
    proof = prove(program)
    if proof.violations and not _may_fail_before(program, proof.violations[0].cycle):
        return Plan((), {}, -1, 0, 0, 0, {}, proof.violations)
    net = net_of(program, proof)
    outputs(net, [t.name for t in program.tensors if t.kind == "output"])
    return schedule(net, proof.violations)


def _may_fail_before(program: Program, cycle: int) -> bool:
    """Whether anything that can be at fault because of its data is dispatched by that cycle."""
    timeline = program.timeline
    codes = [d.opcode for d in table(program.target) if d.mnemonic in _CHECKED]
    return bool((np.isin(timeline.opcode, codes) & (timeline.start <= cycle)).any())


def schedule(net: Net, against: tuple[Violation, ...] = ()) -> Plan:
    """The plan for the nodes of ``net`` that are wanted."""
    resolved = resolve(net)
    _trim(net, resolved)
    whole(net, resolved)
    twins(net, resolved)
    edges = _edges(net, resolved, _same_weights(net, resolved))
    nodes = net.nodes
    needed = _needed(net.wanted, edges)
    graph = Graph(
        {n: nodes[n] for n in needed},
        edges,
        resolved.rows,
        lambda n: _times(net, nodes[n]),
    )
    steps = [s for number, low, high in order(graph) for s in _steps(nodes[number], low, high, resolved)]
    fixed = {s.node.number: s.fetches[0] for s in steps if s.node.kind == "weights" and not edges[s.node.number]}
    steps = soon(fused(steps, fixed))
    sinks = _sinks(net, steps)
    settle(steps, sinks)
    return Plan(
        tuple(steps),
        {n: node.name for n, node in nodes.items() if node.kind == "tensor"},
        net.zero,
        net.timeline.cycles(),
        int(net.issues.sum()),
        int(net.joined.count.sum()),
        {n: frozenset(nodes[s].name for s in f.nodes if s != net.zero) for n, f in fixed.items()},
        against,
        sinks,
    )


def _sinks(net: Net, steps: Sequence[Step]) -> dict[int, tuple[str, Place]]:
    """The nodes whose vectors can be computed where they go in an output."""
    counts = {n: s.node.count for s in steps if s.whole and s.node.kind in ("abc", "acc", "products") for n in s.makes}
    out: dict[int, tuple[str, Place]] = {}
    for s in steps:
        if s.node.kind == "output":
            layout = net.program.tensor[s.node.name].layout
            assert layout is not None
            fitting = {n: c for n, c in counts.items() if net.nodes[n].kept == layout.dtype}
            for n, place in destination(s.fetches[0], layout, net.target.lanes, fitting).items():
                out.setdefault(n, (s.node.name, place))
    return out


def _trim(net: Net, resolved: Resolved) -> None:
    """Takes from outputs what lies beyond their edges, so that it need not be computed."""
    for number in net.wanted:
        node = net.nodes[number]
        layout = net.program.tensor[node.name].layout if node.kind == "output" else None
        if layout is not None and (number, 1) in resolved.pieces and layout.rows % layout.tile_rows:
            resolved.pieces[number, 1] = [p for p in resolved.pieces[number, 1] if _inside(p, layout)]


def _inside(p: Piece, layout: Layout) -> bool:
    vector = p.issue + p.hop * np.arange(p.count)
    down, inner = vector // layout.tile_rows // layout.tiles[1], vector % layout.tile_rows
    return bool((down * layout.tile_rows + inner < layout.rows).any())


def _times(net: Net, node: Node) -> Ints:
    return net.times(node.family) if node.at is None else np.array([node.at], np.int64)


def _same_weights(net: Net, resolved: Resolved) -> dict[int, int]:
    """Nodes of weights that hold the same rows as another one: planes are often loaded from the same streams."""
    first: dict[tuple[str, tuple[Piece, ...]], int] = {}
    out = {}
    for number, node in net.nodes.items():
        if node.kind == "weights":
            key = (node.kept, tuple(resolved.pieces.get((number, 1), ())))
            out[number] = first.setdefault(key, number)
            one = net.nodes[out[number]]
            one.start = min(one.start, node.start)
    return out


def _edges(net: Net, resolved: Resolved, same: dict[int, int]) -> dict[int, set[int]]:
    """Whom each node hears of those that are computed. Parts get the weights that are the ``same`` as theirs."""
    edges: dict[int, set[int]] = {n: set() for n in net.nodes}
    for (number, _), pieces in resolved.pieces.items():
        edges[number].update([p.node for p in pieces if p.node not in net.given])
    for number, node in net.nodes.items():
        for part in node.parts:
            if part.holder >= 0:
                part.holder = same.get(part.holder, part.holder)
                edges[number].add(part.holder)
    return edges


def _needed(wanted: Sequence[int], edges: dict[int, set[int]]) -> set[int]:
    """What is wanted, and what that needs."""
    found, work = set(wanted), list(wanted)
    while work:
        fresh = edges[work.pop()] - found
        found |= fresh
        work += fresh
    return found


def _steps(node: Node, low: int, high: int, resolved: Resolved) -> list[Step]:
    """The steps of some vectors of a node: one for each of its parts among them."""
    out = []
    for part in node.parts:
        a, b = max(low, part.low), min(high, part.high)
        if a >= b:
            continue
        fetches = []
        for operand in node.inputs:
            pieces = resolved.pieces.get((node.number, operand.slot), ())
            begin, end = (0, operand.count) if node.at is not None else (a, b)
            fetches.append(fetch_of(operand, pieces, begin, end))
        out.append(Step(node, a, b, tuple(fetches), b - a == node.count, part.holder))
    return out


def _what(node: Node) -> str:
    """What a node does, in words."""
    if node.kind in ("vxm", "sxm"):
        assert node.code is not None
        return node.code.mnemonic
    return _WORDS[node.kind]
