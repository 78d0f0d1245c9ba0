"""A program as a net of nodes: what is computed, and which port is which other one.

A family that computes is a node. What only moves vectors (reads, writes, loads
and installs, links, hops) is no node but rows that say which port is which.
Units add theirs in the modules beside this one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

import numpy as np

from lpuasm.isa.core import Definition, Instruction, Table, table
from lpuasm.isa.distinct import indices
from lpuasm.isa.join import Joined, Traffic
from lpuasm.isa.program import Program
from lpuasm.isa.runs import Ints
from lpuasm.isa.timeline import Timeline
from lpuasm.vm import segments
from lpuasm.vm.nests import Nests
from lpuasm.vm.nodes import RESULT, Input, Node, Part, decoded, one_port, port
from lpuasm.vm.placed import Laid
from lpuasm.vm.segments import Segments
from lpuasm.vm.storage import BEGIN, END


class Net:
    """What units add to: ``nodes`` by number, ``same`` (rows that say which port is which other one), ``aliases`` (the
    same of whole ports, one by one), what is ``touched`` of what is stored, and the tensors ``laid`` there.

    Numbers below that of ``zero`` are families of the timeline; ``zero`` is a node whose every vector is zeros.
    ``given``: that one, and those of tensors, which are not computed.
    """

    def __init__(self, program: Program, moves: Traffic, joined: Joined) -> None:
        self.program = program
        self.target = program.target
        self.timeline: Timeline = program.timeline
        self.moves, self.joined = moves, joined
        self.nodes: dict[int, Node] = {}
        self.same: list[Segments] = []
        self.aliases: list[tuple[int, int, int, int]] = []
        self.touched: list[Nests] = []
        self.laid: list[Laid] = []
        #: Nodes whose results are asked for; others are computed only if one of these needs them.
        self.wanted: list[int] = []
        self.opcode = self.timeline.opcode
        self.issues = self.timeline.issues
        self._next = len(self.opcode) + 1
        self.zero = len(self.opcode)
        self.given = {self.zero}
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
    def _by_opcode(self) -> dict[int, Ints]:
        rows, number = self.opcode.argsort(kind="stable"), np.bincount(self.opcode)
        codes, ends = indices(number), number.cumsum()
        return {code: rows[end - number[code] : end] for code, end in zip(codes.tolist(), ends[codes], strict=True)}

    def families(self, mnemonic: str) -> Ints:
        """The families of an instruction."""
        found = [rows for d in self.table.named(mnemonic) if (rows := self._by_opcode.get(d.opcode)) is not None]
        return found[0] if len(found) == 1 else np.sort(np.concatenate([_NONE, *found]))

    def families_of(self, unit: str) -> Ints:
        """The families of the instructions of a unit."""
        by = self.table.by_opcode
        return np.sort(np.concatenate([_NONE, *(rows for c, rows in self._by_opcode.items() if by[c].unit == unit)]))

    def definition(self, mnemonic: str) -> Definition:
        return self.table.named(mnemonic)[0]

    def code(self, family: int) -> Instruction:
        """The instruction of a family."""
        return decoded(int(self.timeline.low[family]), int(self.timeline.high[family]))

    def codes(self, families: Ints) -> Iterator[Instruction]:
        """The instructions of families."""
        return map(decoded, self.timeline.low[families].tolist(), self.timeline.high[families].tolist())

    def add(self, node: Node) -> Node:
        """Takes a node; one of no family of its own gets the next number."""
        if node.number < 0:
            node.number = self._next
            self._next += 1
        if not node.parts:
            node.parts = [Part(0, node.count)]
        self.nodes[node.number] = node
        return node

    @cached_property
    def groups(self) -> tuple[Ints, Ints]:
        """The families that take groups of rows of weights from streams, and how many rows at each issue."""
        takes = np.zeros(256, bool)
        takes[[d.opcode for name in ("lw", "iw") for d in self.table.named(name)]] = True
        rows = indices(takes[self.opcode[self.moves.reads.family]])
        family = self.moves.reads.family[rows]
        return family, self.moves.reads.size[rows] >> self.moves.wide[family]

    def nest(self, families: Ints, stepped: bool) -> tuple[Ints, Ints, Ints]:
        """Count, every and step of ``families``, [3, n]; the step is 0 unless they are ``stepped``."""
        t = self.timeline
        count, every = t.count.T.take(families, axis=1), t.every.T.take(families, axis=1)
        return count, every, t.step.T.take(families, axis=1) if stepped else np.zeros_like(count)

    def times(self, family: int) -> Ints:
        """The dispatch cycle of every issue of a family."""
        return cycles(self.timeline, family)

    def alias(self, own: int, size: int, count: int, source: int, at: int = 0) -> None:
        """Says that the first ``count`` vectors of ``size`` ports are those from ``at`` on of others."""
        self.aliases += [(own + byte, count, source + byte, at) for byte in range(size)]


_NONE = np.zeros(0, np.int64)


def cycles(t: Timeline, family: int) -> Ints:
    """The dispatch cycle of every issue of a family."""
    out: Ints = np.zeros(1, np.int64)
    for k in range(t.count.shape[1]):
        out = (np.arange(t.count[family, k])[:, None] * t.every[family, k] + out).ravel()
    out += t.start[family]
    return out


def streams(net: Net) -> None:
    """Operands that come by streams. Rows of weights are one line of vectors: slot 0 of those who take them."""
    j = net.joined
    heard = indices((j.operand >= 0) & ((j.writer < 0) | (j.writer_operand >= 0)))
    reader, operand, byte, issue, hop = (c[heard] for c in (j.reader, j.operand, j.byte, j.issue, j.hop))
    writer, at = j.writer[heard], j.writer_issue[heard]
    missing = writer < 0
    source = np.where(missing, net.nothing, port(writer, RESULT, j.writer_byte[heard]))
    pace = np.where(missing, 0, j.writer_hop[heard])
    height = np.zeros(len(net.opcode), np.int64)
    height[net.groups[0]] = net.groups[1]
    rows = height[reader]
    lines_of = indices(rows)
    slot_of, times = operand + 1, np.maximum(rows, 1)
    if len(lines_of):
        pair = net.moves.wide[reader[lines_of]].astype(np.int64)
        slot_of[lines_of] = RESULT
        row, byte[lines_of] = byte[lines_of] >> pair, byte[lines_of] & pair
        issue[lines_of] = issue[lines_of] * rows[lines_of] + row
    to = port(reader, slot_of, byte)
    net.same.append(segments.segments(to, issue, hop * times, j.count[heard], source, at, pace))


def tensors(net: Net, names: Iterable[str]) -> None:
    """Tensors that are in SRAM before the first cycle, those named first beneath those named later."""
    for index, name in enumerate(names):
        layout = net.program.tensor[name].layout
        assert layout is not None
        node = net.add(Node(-1, "tensor", -1, layout.vectors, (), layout.dtype, BEGIN, name=name))
        net.given.add(node.number)
        net.laid.append(Laid(layout, node.number, RESULT, BEGIN + index, True))


def outputs(net: Net, names: Iterable[str]) -> None:
    """Tensors that are taken from SRAM after the last cycle."""
    for name in names:
        layout = net.program.tensor[name].layout
        assert layout is not None
        operand = Input(1, name, layout.dtype, layout.planes, layout.vectors)
        node = net.add(Node(-1, "output", -1, layout.vectors, (operand,), "", END, at=END, name=name))
        net.wanted.append(node.number)
        net.laid.append(Laid(layout, node.number, 1, END, False))


def stores(net: Net) -> Mapping[str, int]:
    """The first store of each kind: slices have the numbers of their queues."""
    g = net.target.geometry
    first = len(net.target.queues)
    return {"buffer": first, "array": first + 2 * g.planes, "latch": first + 4 * g.planes}
