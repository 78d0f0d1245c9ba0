"""A program as a net of nodes: what is computed, and which port is which other one.

A family that computes is a node. What only moves vectors (reads, writes, loads
and installs, links, hops) is no node but rows that say which port is which.
Units add theirs in the modules beside this one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

import numpy as np

from lpuasm.isa.core import Definition, Instruction, Table, table
from lpuasm.isa.join import Joined, joins
from lpuasm.isa.program import Program
from lpuasm.isa.runs import Ints, Lines, lines
from lpuasm.isa.timeline import Timeline
from lpuasm.vm import segments
from lpuasm.vm.nodes import RESULT, Input, Node, Part, decoded, one_port, port
from lpuasm.vm.segments import Segments
from lpuasm.vm.storage import BEGIN, END, Claims, claims


class Net:
    """What units add to: ``nodes`` by number, ``same`` (rows that say which port is which other one), ``claims``.

    Numbers below that of ``zero`` are families of the timeline; ``zero`` is a node whose every vector is zeros.
    """

    def __init__(self, program: Program, joined: Joined | None = None) -> None:
        self.program = program
        self.target = program.target
        self.timeline: Timeline = program.timeline
        self.joined: Joined = joins(self.timeline) if joined is None else joined
        self.nodes: dict[int, Node] = {}
        self.same: list[Segments] = []
        self.claims: list[Claims] = []
        #: Nodes whose results are asked for; others are computed only if one of these needs them.
        self.wanted: list[int] = []
        self.opcode = self.timeline.opcode
        self.issues = self.timeline.issues
        self._next = len(self.opcode) + 1
        self.zero = len(self.opcode)
        self.nodes[self.zero] = Node(self.zero, "zero", -1, 1, (), "u8", BEGIN)

    @cached_property
    def last(self) -> Ints:
        """The cycle of the last dispatch of each family."""
        return self.timeline.last

    @cached_property
    def table(self) -> Table:
        return table(self.target)

    @property
    def size(self) -> int:
        """More than the number of any node or family."""
        return self._next

    @property
    def nothing(self) -> int:
        """The port of zeros."""
        return one_port(self.zero, RESULT)

    @cached_property
    def _words(self) -> list[tuple[int, int]]:
        return list(zip(self.timeline.low.tolist(), self.timeline.high.tolist(), strict=True))

    def families(self, mnemonic: str) -> Ints:
        """The families of an instruction."""
        codes = [d.opcode for d in self.table.named(mnemonic)]
        return np.flatnonzero(np.isin(self.opcode, codes))

    def definition(self, mnemonic: str) -> Definition:
        return self.table.named(mnemonic)[0]

    def code(self, family: int) -> Instruction:
        """The instruction of a family."""
        return decoded(*self._words[family])

    def add(self, node: Node) -> Node:
        """Takes a node; one of no family of its own gets the next number."""
        if node.number < 0:
            node.number = self._next
            self._next += 1
        if not node.parts:
            node.parts = [Part(0, node.count)]
        self.nodes[node.number] = node
        return node

    def shape(self, families: Ints, stepped: bool) -> Lines:
        """The nests of ``families`` as lines; their ``family`` is the index in ``families``."""
        t = self.timeline
        step = t.step[families] if stepped else None
        return lines(t.start[families], t.count[families], t.every[families], step)

    def times(self, family: int) -> Ints:
        """The dispatch cycle of every issue of a family."""
        return cycles(self.timeline, family)

    def alias(self, ports: Iterable[int], count: int, sources: Iterable[int], at: int = 0) -> None:
        """Says that the first ``count`` vectors of ports are those from ``at`` on of others."""
        own = np.array(list(ports), np.int64)
        number = np.full(len(own), count)
        self.same.append(segments.whole(own, number, np.array(list(sources), np.int64), at))


def cycles(t: Timeline, family: int) -> Ints:
    """The dispatch cycle of every issue of a family."""
    out: Ints = np.zeros(1, np.int64)
    for k in range(t.count.shape[1]):
        out = (np.arange(t.count[family, k])[:, None] * t.every[family, k] + out).ravel()
    out += t.start[family]
    return out


def streams(net: Net) -> None:
    """Operands that come by streams."""
    j = net.joined
    heard = (j.operand >= 0) & ((j.writer < 0) | (j.writer_operand >= 0))
    missing = j.writer < 0
    source = np.where(missing, net.nothing, port(j.writer, RESULT, j.writer_byte))
    pace = np.where(missing, 0, j.writer_hop)
    rows = (port(j.reader, j.operand + 1, j.byte), j.issue, j.hop, j.count, source, j.writer_issue, pace)
    net.same.append(segments.segments(*(c[heard] for c in rows)))


def tensors(net: Net, names: Iterable[str]) -> None:
    """Tensors that are in SRAM before the first cycle, those named first beneath those named later."""
    for index, name in enumerate(names):
        layout = net.program.tensor[name].layout
        assert layout is not None
        node = net.add(Node(-1, "tensor", -1, layout.vectors, (), layout.dtype, BEGIN, name=name))
        _lay(net, name, node.number, RESULT, BEGIN + index, True)


def outputs(net: Net, names: Iterable[str]) -> None:
    """Tensors that are taken from SRAM after the last cycle."""
    for name in names:
        layout = net.program.tensor[name].layout
        assert layout is not None
        operand = Input(1, name, layout.dtype, layout.planes, layout.vectors)
        node = net.add(Node(-1, "output", -1, layout.vectors, (operand,), "", END, at=END, name=name))
        net.wanted.append(node.number)
        _lay(net, name, node.number, 1, END, False)


def _lay(net: Net, name: str, node: int, slot: int, time: int, writes: bool) -> None:
    layout = net.program.tensor[name].layout
    assert layout is not None
    if not layout.vectors:
        return
    run = layout.run if 0 < layout.run < layout.depth else layout.depth
    # Words in runs of one bank and then the other: a line for each place in a pair of runs, or for each run.
    if run == layout.depth:
        begins, hop = [(0, layout.depth)], 1
    elif 2 * run <= -(-layout.depth // run):
        hop = 2 * run
        begins = [(w, -(-(layout.depth - w) // hop)) for w in range(min(hop, layout.depth))]
    else:
        hop = 1
        begins = [(w, min(run, layout.depth - w)) for w in range(0, layout.depth, run)]
    word, count = (np.array(c, np.int64) for c in zip(*begins, strict=True))
    address = layout.word_address(word)
    step = np.where(count > 1, layout.word_address(word + np.where(count > 1, hop, 0)) - address, 1)
    groups, planes = layout.groups, layout.planes
    for group in range(groups):
        # The last words of a tensor need not reach every group.
        number = np.minimum(count, -(-(layout.vectors - group - word * groups) // (hop * groups)))
        some = number > 0
        for plane in range(planes):
            n = int(some.sum())
            fixed = np.zeros(n, np.int64)
            net.claims.append(
                claims(
                    fixed + layout.slices[group * planes + plane], address[some], step[some], number[some],
                    fixed + time, fixed, writes, fixed + one_port(node, slot, plane), (word * groups + group)[some],
                    fixed + hop * groups,
                )
            )  # fmt: skip


def stores(net: Net) -> Mapping[str, int]:
    """The first store of each kind: slices have the numbers of their queues."""
    g = net.target.geometry
    first = len(net.target.queues)
    return {"buffer": first, "array": first + 2 * g.planes, "latch": first + 4 * g.planes}
