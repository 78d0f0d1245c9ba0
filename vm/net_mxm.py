"""The matrix unit in the net: weights are rows that are stored and read again, `abc` and `acc` are nodes."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from itertools import pairwise

import numpy as np

from lpuasm.isa.distinct import indices
from lpuasm.isa.once import per_target
from lpuasm.isa.ports import number
from lpuasm.isa.runs import Ints, lines, spread
from lpuasm.isa.target import HEMISPHERES, Target
from lpuasm.vm import segments
from lpuasm.vm.nests import Nests, single
from lpuasm.vm.net import Net, stores
from lpuasm.vm.nodes import RESULT, TAKEN, Input, Node, Part, one_port, port, slot

#: The type of the result of each type of activations.
RESULT_TYPE = {"i8": "i32", "f16": "f32"}


def matrix(net: Net) -> None:
    """Adds what the queues of planes and of ACC do."""
    plane = _planes(net.target)[net.timeline.queue]
    changes = [*_groups(net, plane, "lw", "buffer"), *_groups(net, plane, "iw", "array"), *_installs(net, plane)]
    net.touched += changes
    products = net.families("abc")
    if len(products):
        _products(net, products, plane, changes)
    sums = net.families("acc")
    if len(sums):
        _sums(net, sums)


@per_target
def _planes(target: Target) -> Ints:
    """By queue number the plane, counted over both hemispheres."""
    planes, sides = target.geometry.planes, HEMISPHERES
    return np.array([sides.index(q.hemisphere) * planes + q.index if q.hemisphere else 0 for q in target.queues])


def _groups(net: Net, plane: Ints, mnemonic: str, store: str) -> list[Nests]:
    """Groups of rows that come from streams."""
    families, height = net.groups
    some = indices(net.opcode[families] == net.definition(mnemonic).opcode)
    if not len(some):
        return []
    rows, height = families[some], height[some]
    _, group = number(net.timeline, "group", rows)
    count, every, step = net.nest(rows, True)
    time = net.timeline.start[rows] + net.definition(mnemonic).timing.func
    zero, at = np.zeros(len(rows), np.int64), stores(net)[store] + plane[rows]
    one = Nests(
        at, port(rows, RESULT), zero, group * height, height, time, zero == 0, count, every, step * height
    )  # fmt: skip
    pairs = one.pick(net.moves.wide[rows])
    return [one, replace(pairs, store=pairs.store + 1, port=pairs.port + 1)] if len(pairs) else [one]


def _installs(net: Net, plane: Ints) -> list[Nests]:
    """Copies of a buffer to an array, and arrays made zero: all rows in one cycle, each issue by itself."""
    lanes, base = net.target.lanes, stores(net)
    out = []
    for mnemonic in ("iw", "clear"):
        rows = net.families(mnemonic)
        if mnemonic == "iw" and len(rows):
            given = np.zeros(len(net.opcode), bool)
            given[net.groups[0]] = True
            rows = rows[~given[rows]]
        if not len(rows):
            continue
        timing = net.definition(mnemonic).timing
        own, issue, cycle = rows, np.zeros(len(rows), np.int64), net.timeline.start[rows]
        if (net.issues[rows] > 1).any():
            which, issue = spread(net.issues[rows])
            own, cycle = rows[which], np.concatenate([net.times(f) for f in rows.tolist()])
        for part in (0, 1):
            if part:
                some = net.moves.wide[own]
                own, issue, cycle = own[some], issue[some], cycle[some]
            if not len(own):
                continue
            at, zero, first = plane[own] + part, np.zeros(len(own), np.int64), issue * lanes
            ports = zero + net.nothing if mnemonic == "clear" else port(own, 1, part)
            out.append(single(base["array"] + at, ports, zero, zero + lanes, cycle + timing.func, True, first))
            if mnemonic == "iw":
                out.append(single(base["buffer"] + at, ports, zero, zero + lanes, cycle + timing.skew, False, first))
    return out


def _commits(net: Net, changes: list[Nests]) -> tuple[Ints, Ints]:
    """(plane, cycle) of every change of an array."""
    planes, cycles = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    first = stores(net)["array"]
    for c in changes:
        some = c.pick(c.writes & (c.store >= first))
        nest = lines(some.time, some.count.T, some.every.T)
        row, k = spread(nest.count)
        planes.append(some.store[nest.family[row]] - first)
        cycles.append(nest.start[row] + k * nest.stride[row])
    return np.concatenate(planes), np.concatenate(cycles)


def _products(net: Net, rows: Ints, plane: Ints, arrays: list[Nests]) -> None:
    """Runs of activations on one state of their array."""
    store, skew = stores(net)["array"], net.definition("abc").timing.skew
    changed, when = _commits(net, arrays)
    row = slot(net.definition("abc"), "row")
    known: dict[tuple[int, str, int, int], int] = {}
    changed_at: dict[tuple[int, int], list[int]] = {}
    reads: list[tuple[int, int, int]] = []
    begins, ends = net.timeline.start[rows] + skew, net.last[rows] + skew
    planes, wide = plane[rows], net.moves.wide[rows]
    # Changes in the order of planes and cycles, so that all families are looked up at once.
    far = int(max(ends.max(), when.max(initial=0))) + 2
    changes = np.sort(changed * far + when)
    bounds = changes.searchsorted(np.arange(int(planes.max()) + 3) * far)
    lows, highs = (changes.searchsorted(planes * far + t, "right") - bounds[planes] for t in (begins, ends))
    listed, bound = changes.tolist(), bounds.tolist()
    columns = (c.tolist() for c in (rows, planes, wide, begins, ends, lows, highs, net.issues[rows]))
    for code, family, at, own_pair, first, last, low, high, n in zip(net.codes(rows), *columns, strict=True):
        kind, half = str(code.values["type"]), code.values["half"]
        assert isinstance(half, int)
        own = 2 if own_pair else 1
        events = changed_at.get((at, own))
        if events is None:
            # The planes of a pair follow each other, and so do their changes.
            events = [c % far for c in listed[bound[at] : bound[at + own]]]
            changed_at[at, own] = events = events if own == 1 else sorted(set(events))
        if own > 1:
            low, high = bisect_right(events, first), bisect_right(events, last)
        stages = [(0, n, low)]
        if low != high:
            stage = np.searchsorted(events, net.times(family) + skew, "right")
            cuts = [0, *(indices(np.diff(stage)) + 1).tolist(), n]
            stages = [(a, b, int(stage[a])) for a, b in pairwise(cuts)]
        parts = []
        for a, b, version in stages:
            key = (at, kind, half, version)
            holder = known.get(key)
            if holder is None:
                since = events[version - 1] if version else 0
                holder = known[key] = _weights(net, family, kind, half, own, since)
                reads += [(store + at + k, since, one_port(holder, 1, k)) for k in range(own)]
            parts.append(Part(a, b, holder))
        operand = Input(row, "row", kind, own, n)
        net.add(Node(family, "abc", family, n, (operand,), RESULT_TYPE[kind], first - skew, code=code, parts=parts))
    array, since_, ports = np.array(reads, np.int64).T.copy()
    zero = np.zeros(len(array), np.int64)
    net.touched.append(single(array, ports, zero, zero + net.target.lanes, since_, False, zero))


def _weights(net: Net, family: int, kind: str, half: int, planes: int, since: int) -> int:
    """A node that holds the rows of an array as they are since a cycle."""
    lanes = net.target.lanes
    operand = Input(1, "rows", kind, planes, lanes)
    node = Node(-1, "weights", family, lanes, (operand,), kind, since - 1, at=since - 1, name=f"{kind}.{half}")
    return net.add(node).number


def _sums(net: Net, rows: Ints) -> None:
    """Results that ACC takes: as they are, or with a partial sum added."""
    j = net.joined
    taken = indices((j.operand < 0) & (j.writer >= 0))
    plain = np.zeros(len(net.opcode), bool)
    partial = slot(net.definition("acc"), "partial")
    columns = (rows.tolist(), net.issues[rows].tolist(), net.timeline.start[rows].tolist())
    for code, family, n, start in zip(net.codes(rows), *columns, strict=True):
        if code.values["partial"] is None:
            plain[family] = True
            continue
        kind = str(code.values["type"])
        inputs = (Input(TAKEN, "result", kind, 4, n), Input(partial, "partial", kind, 4, n))
        net.add(Node(family, "acc", family, n, inputs, kind, start, code=code))
    row, byte = taken.repeat(4), np.tile(np.arange(4), len(taken))
    reader, writer = j.reader[row], j.writer[row]
    net.same.append(
        segments.segments(
            port(reader, np.where(plain[reader], RESULT, TAKEN), byte), j.issue[row], j.hop[row], j.count[row],
            port(writer, RESULT, byte), j.writer_issue[row], j.writer_hop[row],
        )
    )  # fmt: skip
