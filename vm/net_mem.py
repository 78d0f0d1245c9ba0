"""Memory slices in the net: reads and writes say which ports are the same, gathers and scatters are nodes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from lpuasm.isa.distinct import indices
from lpuasm.isa.ports import number
from lpuasm.isa.runs import Ints
from lpuasm.vm.nests import Nests, single
from lpuasm.vm.net import Net
from lpuasm.vm.nodes import RESULT, Input, Node, Part, one_port, port, slot


def memory(net: Net) -> None:
    """Adds what the queues of slices do."""
    for mnemonic, writes in (("read", False), ("write", True)):
        rows = net.families(mnemonic)
        if len(rows):
            definition = net.definition(mnemonic)
            own = slot(definition, "data") if writes else RESULT
            timing = definition.timing
            _addressed(net, rows, port(rows, own), timing.func if writes else timing.skew, writes)
    gathers, scatters = net.families("gather"), net.families("scatter")
    for queue in sorted(set(net.timeline.queue[np.concatenate((gathers, scatters))].tolist())):
        _indirect(net, queue)


def _addressed(net: Net, rows: Ints, ports: Ints, delay: int, writes: bool) -> None:
    _, base = number(net.timeline, "address", rows)
    zero = np.zeros(len(rows), np.int64)
    store, time = net.timeline.queue[rows].astype(np.int64), net.timeline.start[rows] + delay
    count, every, step = net.nest(rows, True)
    net.touched.append(Nests(store, ports, zero, base, zero + 1, time, np.full(len(rows), writes), count, every, step))


def _indirect(net: Net, queue: int) -> None:
    """The slice of a queue that has a `gather` or `scatter`: their parts see or make the whole slice at once."""
    reads, writes, gathers, scatters = (
        [int(f) for f in net.families(m) if net.timeline.queue[f] == queue]
        for m in ("read", "write", "gather", "scatter")
    )
    gather, scatter = net.definition("gather").timing, net.definition("scatter").timing
    seen = {f: net.times(f) + gather.skew for f in [*reads, *gathers]}
    changed = {f: net.times(f) + scatter.func for f in [*writes, *scatters]}
    changes = np.sort(np.concatenate([np.zeros(0, np.int64), *changed.values()]))
    for family in gathers:
        _gather(net, queue, family, changes.searchsorted(seen[family], "right"), seen[family])
    for family in scatters:
        others = [t for f, t in [*seen.items(), *changed.items()] if f != family]
        events = np.sort(np.concatenate([np.zeros(0, np.int64), *others]))
        _scatter(net, queue, family, events.searchsorted(changed[family]), changed[family])


def _parts(stage: Ints) -> list[tuple[int, int]]:
    """The stretches of issues between whose ends nothing happens."""
    cuts = [0, *(indices(np.diff(stage)) + 1).tolist(), len(stage)]
    return list(pairwise(cuts))


def _gather(net: Net, queue: int, family: int, stage: Ints, times: Ints) -> None:
    code, n = net.code(family), len(times)
    parts = [Part(low, high, _contents(net, queue, family, int(times[low]))) for low, high in _parts(stage)]
    inputs = (Input(slot(code.definition, "map"), "map", "u8", 1, n),)
    start = int(net.timeline.start[family])
    net.add(Node(family, "gather", family, n, inputs, "u8", start, code=code, parts=parts))
    net.wanted.append(family)


def _contents(net: Net, queue: int, family: int, cycle: int) -> int:
    """A node that holds all words of a slice as they are in ``cycle``."""
    words = net.target.words
    node = net.add(
        Node(-1, "words", family, words, (Input(1, "words", "u8", 1, words),), "u8", cycle - 1, at=cycle - 1)
    )
    _everywhere(net, queue, cycle, False, one_port(node.number, 1))
    return node.number


def _scatter(net: Net, queue: int, family: int, stage: Ints, times: Ints) -> None:
    """Each part is a node whose result is the slice after it."""
    code, words = net.code(family), net.target.words
    dispatch = times - code.definition.timing.func
    data, where = (slot(code.definition, name) for name in ("data", "map"))
    for low, high in _parts(stage):
        n = high - low
        inputs = (
            Input(1, "words", "u8", 1, words), Input(2, "data", "u8", 1, n), Input(3, "map", "u8", 1, n),
        )  # fmt: skip
        node = net.add(
            Node(-1, "scatter", family, words, inputs, "u8", int(dispatch[low]), at=int(dispatch[high - 1]), code=code,
                 name=str(low))
        )  # fmt: skip
        own = node.number
        net.alias(one_port(own, 2), 1, n, one_port(family, data), low)
        net.alias(one_port(own, 3), 1, n, one_port(family, where), low)
        _everywhere(net, queue, int(times[low]) - 1, False, one_port(own, 1))
        _everywhere(net, queue, int(times[low]), True, one_port(own, RESULT))
        net.wanted.append(own)


def _everywhere(net: Net, queue: int, cycle: int, writes: bool, own: int) -> None:
    store, ports, zero, words, time = (np.array([v], np.int64) for v in (queue, own, 0, net.target.words, cycle))
    net.touched.append(single(store, ports, zero, words, time, writes, zero))
