"""Lanes that the switch unit moves as bytes, moved as the values that they are.

The switch unit knows bytes only, so a shift of f32 is one of four streams, and to turn sixteen vectors of f32
takes four transpositions. Where all bytes of a value go the same way, the value goes that way: nothing is taken
apart and put together again, and what comes out is taken as a view. Streams that nobody hears are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from lpuasm.isa.runs import Ints
from lpuasm.vm.net import Net
from lpuasm.vm.nodes import RESULT, Input, Node, Part, byte_of, node_of, one_port, slot, slot_of
from lpuasm.vm.resolve import Piece, Resolved
from lpuasm.vm.segments import Segments

#: What does to each stream the same, and the operands whose streams it is done to.
_ALIKE = {
    "shift": ("in",),
    "shift_wide": ("in",),
    "select": ("north", "south"),
    "permute": ("in",),
    "distribute": ("in",),
    "broadcast": ("in",),
}
_LANES = {1: "u8", 2: "i16", 4: "i32"}
_BY_WAY = ("issue", "hop", "count", "at", "pace")

Pieces = dict[tuple[int, int], list[Piece]]


def whole(net: Net, resolved: Resolved) -> None:
    """Makes nodes of the switch unit take and make lanes instead of bytes, where they can be."""
    rows = resolved.rows
    units = [n for n, node in net.nodes.items() if node.kind == "sxm"]
    if not units or not len(rows):
        return
    moved = _Moved(net, rows)
    live = _live(net, rows, units)
    groups = _transpositions(net, rows, units) if _in_order(net, rows) else {}
    for number in sorted(units, key=lambda n: net.nodes[n].start):
        node = net.nodes[number]
        if number in groups:
            _turn(moved, groups[number], resolved.pieces)
        elif node.code is not None and node.code.mnemonic in _ALIKE and number in live:
            _widen(moved, node, live[number], resolved.pieces)
    if moved.some:
        _follow(moved, resolved.pieces)


class _Moved:
    """Where results are: byte b of ``number`` is byte b − ``byte`` of ``node``, or, where ``turns`` is not 0, byte
    ``byte`` of ``node`` in the vectors b, b + ``turns``, … ``width``: bytes of a lane, 0 of byte planes.
    """

    def __init__(self, net: Net, rows: Segments) -> None:
        self.net, self.rows = net, rows
        self.node = np.arange(net.size)
        self.byte, self.turns, self.width = (np.zeros(net.size, np.int64) for _ in range(3))
        for number, node in net.nodes.items():
            self.width[number] = node.width if node.kept else 0
        self.there: set[tuple[int, int]] = set()

    @property
    def some(self) -> bool:
        return bool(self.there)

    def lines(self, number: int, own: int, first: int, size: int) -> slice:
        """The rows of ``size`` streams of an operand."""
        base = one_port(number, own)
        low, high = self.rows.port.searchsorted((base + first, base + first + size)).tolist()
        return slice(low, high)

    def sources(self, lines: slice) -> tuple[Ints, Ints, Ints, Ints]:
        """(node, byte, vector, pace) that rows come from."""
        port, at, pace = self.rows.source[lines], self.rows.at[lines], self.rows.pace[lines]
        number, byte = node_of(port), byte_of(port)
        turns, moved = self.turns[number], self.byte[number]
        turned = turns > 0
        place = np.where(turned, at * turns + byte, at)
        return self.node[number], np.where(turned, moved, byte - moved), place, np.where(turned, pace * turns, pace)

    def lanes(self, lines: slice, size: int) -> list[Piece] | None:
        """The rows of ``size`` streams as pieces of whole lanes, if they are."""
        rows, number = self.rows, (lines.stop - lines.start) // size
        if not number or number * size != lines.stop - lines.start:
            return None
        node, byte, at, pace = (c.reshape(size, number) for c in self.sources(lines))
        offset = byte_of(rows.port[lines]).reshape(size, number)
        alike = (offset == offset[:, :1]).all() and (node == node[0]).all()
        ways = (getattr(rows, name)[lines].reshape(size, number) for name in ("issue", "hop", "count", "pace"))
        if not alike or (at != at[0]).any() or not all((c == c[0]).all() for c in ways):
            return None
        nothing = node[0] == self.net.zero
        if size > 1:
            right = nothing | ((self.width[node[0]] == size) & (byte == np.arange(size)[:, None]).all(axis=0))
            if not right.all():
                return None
        columns = (getattr(rows, name)[lines][:number].tolist() for name in ("issue", "hop", "count"))
        first = byte[0].tolist() if size == 1 else [0] * number
        return list(map(Piece, [-1] * number, *columns, node[0].tolist(), first, at[0].tolist(), pace[0].tolist()))


def _live(net: Net, rows: Segments, units: Sequence[int]) -> dict[int, range]:
    """The streams of results that anybody hears, where they are as many as the bytes of a value, side by side."""
    unit = np.zeros(net.size, bool)
    unit[units] = True
    heard = np.unique(rows.source[unit[node_of(rows.source)]])
    out = {}
    for number, ports in groupby(heard.tolist(), key=lambda p: p // one_port(1, RESULT)):
        streams = [p % one_port(1, RESULT) for p in ports]
        if len(streams) in _LANES and streams[-1] - streams[0] == len(streams) - 1:
            out[number] = range(streams[0], streams[-1] + 1)
    return out


def _in_order(net: Net, rows: Segments) -> bool:
    """Whether all nodes begin after what they hear, so that each is computed in one go."""
    start = np.zeros(net.size, np.int64)
    for number, node in net.nodes.items():
        start[number] = node.start
    holders = ((p.holder, n) for n, node in net.nodes.items() for p in node.parts if p.holder >= 0)
    early = (start[node_of(rows.source)] < start[node_of(rows.port)]).all()
    return bool(early) and all(start[h] < start[n] for h, n in holders)


def _widen(moved: _Moved, node: Node, live: range, pieces: Pieces) -> None:
    """Lets a node take and make lanes of the streams that are heard of it."""
    assert node.code is not None
    if node.code.values.get("bypass"):
        return
    names = _ALIKE[node.code.mnemonic]
    found = {}
    for k, operand in enumerate(node.inputs):
        if operand.name in names:
            lanes = moved.lanes(moved.lines(node.number, operand.slot, live.start, len(live)), len(live))
            if lanes is None:
                return
            found[k] = lanes
    inputs = list(node.inputs)
    kind = _LANES[len(live)]
    for k, lanes in found.items():
        operand = inputs[k]
        inputs[k] = Input(operand.slot, operand.name, kind, len(live), operand.count)
        pieces[node.number, operand.slot] = lanes
        moved.there.add((node.number, operand.slot))
    node.inputs, node.kept, node.streams = tuple(inputs), kind, 1
    moved.byte[node.number], moved.width[node.number] = live.start, len(live)


def _transpositions(net: Net, rows: Segments, units: Sequence[int]) -> dict[int, list[Node]]:
    """Transpositions that turn all byte planes of the same vectors, in the order of planes; by the first of them."""
    alike: dict[object, list[tuple[int, Node]]] = {}
    for number in units:
        node = net.nodes[number]
        if node.code is None or node.code.mnemonic != "transpose":
            continue
        base = one_port(number, slot(node.code.definition, "in"))
        low, high = rows.port.searchsorted((base, base + node.streams)).tolist()
        if low < high:
            byte = int(byte_of(rows.source[low]))
            columns = [(rows.port[low:high] - base), rows.source[low:high] - byte]
            columns += [getattr(rows, name)[low:high] for name in _BY_WAY]
            key = node.count, np.concatenate(columns).tobytes()
            alike.setdefault(key, []).append((byte, node))
    out = {}
    for members in alike.values():
        members.sort(key=lambda m: m[0])
        planes = [byte for byte, _ in members]
        if len(planes) in _LANES and len(planes) > 1 and planes == list(range(planes[0], planes[0] + len(planes))):
            nodes = [node for _, node in members]
            out[min(nodes, key=lambda n: n.start).number] = nodes
    return out


def _turn(moved: _Moved, planes: list[Node], pieces: Pieces) -> None:
    """Makes the transpositions of all byte planes one of lanes, in whose vectors the streams take turns."""
    first, size = planes[0], len(planes)
    (operand,) = first.inputs
    taken = []
    for k in range(first.streams):
        lines = moved.lines(first.number, operand.slot, k, 1)
        source, byte, at, pace = moved.sources(lines)
        right = (source == moved.net.zero) | ((moved.width[source] == size) & (byte == 0))
        if not len(source) or not right.all():
            return
        columns = [getattr(moved.rows, name)[lines].tolist() for name in ("issue", "hop", "count")]
        taken.append(
            list(map(Piece, [-1] * len(at), *columns, source.tolist(), [0] * len(at), at.tolist(), pace.tolist()))
        )
    kind, count = _LANES[size], first.count
    for k, node in enumerate(planes):
        moved.node[node.number], moved.byte[node.number], moved.turns[node.number] = first.number, k, first.streams
        pieces.pop((node.number, operand.slot))
    moved.width[first.number] = size
    first.start = min(node.start for node in planes)
    first.inputs = tuple(Input(k, operand.name, kind, size, count) for k in range(first.streams))
    first.kept, first.count = kind, count * first.streams
    first.parts, first.streams = [Part(0, first.count)], 1
    first.at = first.start
    for k, lanes in enumerate(taken):
        pieces[first.number, k] = lanes
        moved.there.add((first.number, k))


def _follow(moved: _Moved, pieces: Pieces) -> None:
    """Lets all that hear a node that was changed hear it as it is."""
    changed = (moved.byte > 0) | (moved.turns > 0) | (moved.node != np.arange(len(moved.node)))
    changed[[number for number, _ in moved.there]] = True
    ports = moved.rows.port[changed[node_of(moved.rows.source)]]
    inputs = np.unique(ports - byte_of(ports))
    for number, own in zip(node_of(inputs).tolist(), slot_of(inputs).tolist(), strict=True):
        heard = pieces.get((number, own))
        if heard is None or (number, own) in moved.there:
            continue
        for p in heard:
            if turns := int(moved.turns[p.node]):
                p.at, p.pace, p.source = p.at * turns + p.source, p.pace * turns, int(moved.byte[p.node])
                p.node = int(moved.node[p.node])
            else:
                p.source -= int(moved.byte[p.node])
        operand = next(i for i in moved.net.nodes[number].inputs if i.slot == own)
        if operand.kind and heard[0].byte >= 0:
            pieces[number, own] = list(_joined(moved, heard, operand.size)) or heard


def _joined(moved: _Moved, heard: Sequence[Piece], size: int) -> Iterator[Piece]:
    """The pieces of byte planes as pieces of lanes, if all of them can be; else nothing."""
    number = len(heard) // size
    if number * size != len(heard):
        return
    for k, p in enumerate(heard):
        q = heard[k % number]
        way = (p.issue, p.hop, p.count, p.node, p.at, p.pace) == (q.issue, q.hop, q.count, q.node, q.at, q.pace)
        right = p.node == moved.net.zero or size == 1 or (moved.width[p.node] == size and p.source == p.byte)
        if not way or p.byte != k // number or not right:
            return
    for q in heard[:number]:
        yield Piece(-1, q.issue, q.hop, q.count, q.node, q.source, q.at, q.pace)
