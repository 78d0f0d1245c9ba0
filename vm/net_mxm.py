"""The matrix unit in the net: weights are rows that are stored and read again, `abc` and `acc` are nodes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from lpuasm.isa.operands import Streams
from lpuasm.isa.ports import number, paired
from lpuasm.isa.runs import Bools, Ints, spread
from lpuasm.isa.target import HEMISPHERES
from lpuasm.vm import segments
from lpuasm.vm.net import Net, stores
from lpuasm.vm.nodes import RESULT, TAKEN, Input, Node, Part, one_port, port, slot
from lpuasm.vm.storage import Claims, claims

#: The type of the result of each type of activations.
RESULT_TYPE = {"i8": "i32", "f16": "f32"}


def matrix(net: Net) -> None:
    """Adds what the queues of planes and of ACC do."""
    plane = _planes(net)
    wide = paired(net.timeline)
    changes: list[Claims] = []
    for mnemonic, store in (("lw", "buffer"), ("iw", "array")):
        rows = net.families(mnemonic)
        if len(rows):
            changes += _groups(net, rows, wide, plane, mnemonic, stores(net)[store])
    changes += _installs(net, plane, wide)
    net.claims += changes
    products = net.families("abc")
    if len(products):
        first = stores(net)["array"]
        arrays = [c for c in changes if c.writes.any()]
        touched = np.concatenate([np.zeros((0, 2), np.int64), *(_commits(c) for c in arrays)])
        _products(net, products, plane, wide, touched, first)
    sums = net.families("acc")
    if len(sums):
        _sums(net, sums)


def _planes(net: Net) -> Ints:
    """By queue number the plane, counted over both hemispheres."""
    g = net.target.geometry
    return np.array(
        [HEMISPHERES.index(q.hemisphere) * g.planes + q.index if q.hemisphere else 0 for q in net.target.queues]
    )


def _groups(net: Net, rows: Ints, wide: Bools, plane: Ints, mnemonic: str, store: int) -> list[Claims]:
    """Groups of rows that come from streams, a line of them for each stream."""
    definition = net.definition(mnemonic)
    taken = slot(definition, "rows")
    given, size = _sizes(net, rows)
    rows, size = rows[given], size[given]
    if not len(rows):
        return []
    _, group = number(net.timeline, "group", rows)
    nest = net.shape(rows, True)
    line, byte = spread(size[nest.family])
    own = nest.family[line]
    family, pair = rows[own], wide[rows[own]].astype(np.int64)
    height = size[own] >> pair
    row, part = byte >> pair, np.where(pair, byte & 1, 0)
    return [
        claims(
            store + plane[net.timeline.queue[family]] + part, (group[own] + nest.moved[line]) * height + row,
            nest.step[line] * height, nest.count[line], nest.start[line] + definition.timing.func, nest.stride[line],
            True, port(family, taken, byte), nest.issue[line], nest.hop[line],
        )
    ]  # fmt: skip


def _sizes(net: Net, rows: Ints) -> tuple[Bools, Ints]:
    """Of families whether they take rows from streams, and how many streams."""
    values = (net.code(family).values["rows"] for family in rows.tolist())
    size = np.array([v.size if isinstance(v, Streams) else 0 for v in values], np.int64)
    return size > 0, size


def _installs(net: Net, plane: Ints, wide: Bools) -> list[Claims]:
    """Copies of a buffer to an array, and arrays made zero: all rows in one cycle, each issue by itself."""
    lanes, base = net.target.lanes, stores(net)
    out = []
    for mnemonic in ("iw", "clear"):
        rows = net.families(mnemonic)
        if mnemonic == "iw" and len(rows):
            given, _ = _sizes(net, rows)
            rows = rows[~given]
        if not len(rows):
            continue
        timing = net.definition(mnemonic).timing
        number_of = net.issues[rows]
        own, issue = spread(number_of)
        cycle = net.timeline.start[rows][own]
        if len(own) > len(rows):
            cycle = np.concatenate([net.times(f) for f in rows.tolist()])
        for part in (0, 1):
            some = np.ones(len(own), bool) if part == 0 else wide[rows[own]]
            family = rows[own[some]]
            at = plane[net.timeline.queue[family]] + part
            zero, one = np.zeros(len(family), np.int64), np.ones(len(family), np.int64)
            ports = zero + net.nothing if mnemonic == "clear" else port(family, 1, part)
            first = issue[some] * lanes
            when = cycle[some]
            made = when + timing.func
            out.append(claims(base["array"] + at, zero, one, zero + lanes, made, zero, True, ports, first, one))
            if mnemonic == "iw":
                seen = when + timing.skew
                out.append(claims(base["buffer"] + at, zero, one, zero + lanes, seen, zero, False, ports, first, one))
    return out


def _commits(c: Claims) -> Ints:
    """(store, cycle) of every change that claims make."""
    c = c.pick(c.writes)
    row, k = spread(np.where(c.every == 0, 1, c.count))
    return np.stack((c.store[row], c.time[row] + k * c.every[row]), axis=1)


def _products(net: Net, rows: Ints, plane: Ints, wide: Bools, touched: Ints, store: int) -> None:
    """Runs of activations on one state of their array."""
    skew = net.definition("abc").timing.skew
    known: dict[tuple[int, str, int, int], int] = {}
    reads: list[tuple[int, int, int]] = []
    begins, ends = net.timeline.start[rows] + skew, net.last[rows] + skew
    planes = plane[net.timeline.queue[rows]]
    # Changes in the order of planes and cycles, so that all families are looked up at once.
    far = int(max(ends.max(), touched[:, 1].max(initial=0))) + 2
    changes = np.sort(touched[:, 0] * far + touched[:, 1])
    bounds = np.searchsorted(changes, (store + np.arange(int(plane.max()) + 3)) * far)
    lows, highs = (
        np.searchsorted(changes, (store + planes) * far + t, "right") - bounds[planes] for t in (begins, ends)
    )
    columns = (c.tolist() for c in (rows, planes, begins, ends, lows, highs))
    for family, at, first, last, low, high in zip(*columns, strict=True):
        code, n = net.code(family), int(net.issues[family])
        kind, half = str(code["type"]), code.values["half"]
        assert isinstance(half, int)
        own = 2 if wide[family] else 1
        # The planes of a pair follow each other, and so do their changes.
        events = changes[bounds[at] : bounds[at + own]] % far
        if own > 1:
            events = np.unique(events)
            low, high = np.searchsorted(events, (first, last), "right").tolist()
        stages = [(0, n, low)]
        if low != high:
            stage = np.searchsorted(events, net.times(family) + skew, "right")
            cuts = [0, *(np.flatnonzero(np.diff(stage)) + 1).tolist(), n]
            stages = [(a, b, int(stage[a])) for a, b in pairwise(cuts)]
        parts = []
        for a, b, version in stages:
            key = (at, kind, half, version)
            if key not in known:
                since = int(events[version - 1]) if version else 0
                known[key] = _weights(net, family, kind, half, own, since)
                reads += [(store + at + k, since, one_port(known[key], 1, k)) for k in range(own)]
            parts.append(Part(a, b, known[key]))
        operand = Input(slot(code.definition, "row"), "row", kind, own, n)
        net.add(Node(family, "abc", family, n, (operand,), RESULT_TYPE[kind], first - skew, code=code, parts=parts))
    array, since_, ports = np.array(reads, np.int64).T.copy()
    zero, one = np.zeros(len(array), np.int64), np.ones(len(array), np.int64)
    net.claims.append(claims(array, zero, one, zero + net.target.lanes, since_, zero, False, ports, zero, one))


def _weights(net: Net, family: int, kind: str, half: int, planes: int, since: int) -> int:
    """A node that holds the rows of an array as they are since a cycle."""
    lanes = net.target.lanes
    operand = Input(1, "rows", kind, planes, lanes)
    node = Node(-1, "weights", family, lanes, (operand,), kind, since - 1, at=since - 1, name=f"{kind}.{half}")
    return net.add(node).number


def _sums(net: Net, rows: Ints) -> None:
    """Results that ACC takes: as they are, or with a partial sum added."""
    j = net.joined
    taken = np.flatnonzero((j.operand < 0) & (j.writer >= 0))
    plain: list[int] = []
    for family in rows.tolist():
        code = net.code(family)
        kind, n = str(code["type"]), int(net.issues[family])
        if code["partial"] is None:
            plain.append(family)
            continue
        partial = slot(code.definition, "partial")
        inputs = (Input(TAKEN, "result", kind, 4, n), Input(partial, "partial", kind, 4, n))
        net.add(Node(family, "acc", family, n, inputs, kind, int(net.timeline.start[family]), code=code))
    to = np.where(np.isin(j.reader[taken], np.array(plain, np.int64)), RESULT, TAKEN)
    for byte in range(4):
        net.same.append(
            segments.segments(
                port(j.reader[taken], to, byte), j.issue[taken], j.hop[taken], j.count[taken],
                port(j.writer[taken], RESULT, byte), j.writer_issue[taken], j.writer_hop[taken],
            )
        )  # fmt: skip
