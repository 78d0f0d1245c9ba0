"""The order in which nodes are computed, and which of them are computed in several goes.

Most programs have nodes that hear only nodes that began before them. Where
nodes hear one another in a circle (a sum that is added to itself, a scan), their
vectors are computed by stretches of time: with the clock of each node set back by
how long values take to reach it, a stretch may be as long as the circle takes
to go round once, which is as coarse as the recurrence allows.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from lpuasm.isa.distinct import indices
from lpuasm.isa.runs import Ints, spread
from lpuasm.vm.circles import circles
from lpuasm.vm.nodes import Node, node_of
from lpuasm.vm.segments import Segments

#: (node, first vector, one past the last)
Step = tuple[int, int, int]


@dataclass(frozen=True)
class Graph:
    """``nodes``: those that are computed; ``edges``: whom of them a node hears; ``rows``: what of them; ``times``: the
    cycle of each vector of a node."""

    nodes: Mapping[int, Node]
    edges: Mapping[int, Collection[int]]
    rows: Segments
    times: Callable[[int], Ints]


def order(g: Graph) -> list[Step]:
    """All nodes in an order in which each comes after what it hears."""
    begin = {n: node.start for n, node in g.nodes.items()}
    if all(begin[s] < first for n, first in begin.items() for s in g.edges[n]):
        return [(n, 0, g.nodes[n].count) for n in sorted(begin, key=lambda n: (begin[n], n))]
    g = replace(g, edges={n: sorted(g.edges[n]) for n in g.nodes})
    groups = list(circles(g.nodes, g.edges.__getitem__))
    steps: list[Step] = []
    for group in _sorted(g, groups):
        if len(group) == 1 and group[0] not in g.edges[group[0]]:
            steps.append((group[0], 0, g.nodes[group[0]].count))
        else:
            steps += _by_time(g, group)
    return steps


def _sorted(g: Graph, groups: list[list[int]]) -> list[list[int]]:
    """Groups after those that they hear; of several that could be next, the one that begins first."""
    of = {n: k for k, group in enumerate(groups) for n in group}
    waits: list[set[int]] = [set() for _ in groups]
    heard_by: list[list[int]] = [[] for _ in groups]
    for n, sources in g.edges.items():
        waits[of[n]].update(of[s] for s in sources if of[s] != of[n])
    for k, others in enumerate(waits):
        for other in others:
            heard_by[other].append(k)
    left = [len(others) for others in waits]
    ready = [(min(g.nodes[n].start for n in groups[k]), k) for k, number in enumerate(left) if not number]
    heapq.heapify(ready)
    out = []
    while ready:
        _, k = heapq.heappop(ready)
        out.append(groups[k])
        for other in heard_by[k]:
            left[other] -= 1
            if not left[other]:
                heapq.heappush(ready, (min(g.nodes[n].start for n in groups[other]), other))
    return out


def _by_time(g: Graph, group: list[int]) -> list[Step]:
    """The nodes of a circle by stretches of time."""
    group = sorted(group, key=lambda n: (g.nodes[n].start, n))
    rank = {n: k for k, n in enumerate(group)}
    times = [g.times(n) for n in group]
    source, reader, delay = _delays(g, rank, times)
    back, length = _phases(group, source, reader, delay, [int(t[0]) for t in times])
    nodes = [g.nodes[n] for n in group]
    node, issue = spread(np.array([len(t) if one.at is None else 1 for one, t in zip(nodes, times, strict=True)]))
    cycle = np.concatenate([t if one.at is None else t[:1] for one, t in zip(nodes, times, strict=True)])
    stretch = (cycle - back[node]) // length
    by = np.lexsort((issue, node, stretch))
    node, issue, stretch = node[by], issue[by], stretch[by]
    fresh = np.ones(len(node), bool)
    fresh[1:] = (node[1:] != node[:-1]) | (stretch[1:] != stretch[:-1])
    first = indices(fresh)
    last = np.append(first[1:], len(node)) - 1
    return [
        (group[n], a, b + 1 if nodes[n].at is None else nodes[n].count)
        for n, a, b in zip(node[first].tolist(), issue[first].tolist(), issue[last].tolist(), strict=True)
    ]


def _delays(g: Graph, rank: Mapping[int, int], times: list[Ints]) -> tuple[Ints, Ints, Ints]:
    """(source, reader, least delay) of every pair of nodes of a circle of which one hears the other, by rank."""
    inside = np.full(max(int(node_of(g.rows.port).max()), int(node_of(g.rows.source).max()), *rank) + 1, -1, np.int64)
    for n, place in rank.items():
        inside[n] = place
    reader, source = inside[node_of(g.rows.port)], inside[node_of(g.rows.source)]
    rows = indices((reader >= 0) & (source >= 0))
    line, k = spread(g.rows.count[rows])
    base = np.cumsum([0, *(len(t) for t in times)])[:-1]
    length = np.array([len(t) for t in times])
    every = np.concatenate(times)
    r, s = reader[rows][line], source[rows][line]
    heard = np.minimum(g.rows.issue[rows][line] + k * g.rows.hop[rows][line], length[r] - 1)
    made = np.minimum(g.rows.at[rows][line] + k * g.rows.pace[rows][line], length[s] - 1)
    delay = every[base[r] + heard] - every[base[s] + made]
    # What holds weights or a table for parts of another node is no row, but no delay either that could matter: it comes
    # before its first use, and after what it is made of.
    pairs = [
        (heard_rank, own, 1) for n, own in rank.items() for o in g.edges[n] if (heard_rank := rank.get(o)) is not None
    ]
    known: dict[tuple[int, int], int] = {}
    for a, b, d in zip(s.tolist(), r.tolist(), delay.tolist(), strict=True):
        known[a, b] = min(known.get((a, b), d), d)
    for a, b, d in pairs:
        known.setdefault((a, b), d)
    columns = np.array([(a, b, d) for (a, b), d in known.items()], np.int64).reshape(-1, 3)
    return columns[:, 0], columns[:, 1], columns[:, 2]


def _phases(group: list[int], source: Ints, reader: Ints, delay: Ints, begin: list[int]) -> tuple[Ints, int]:
    """By how much each clock is set back, and how long a stretch is."""
    back = np.array(begin, np.int64)
    forward = source < reader
    for k in range(len(group)):
        into = forward & (reader == k)
        if into.any():
            back[k] = (back[source[into]] + delay[into]).min()
    slack = (delay - back[reader] + back[source])[~forward]
    length = int(slack.min(initial=1 << 40))
    if length >= 1:
        return back, length
    return np.zeros(len(group), np.int64), max(int(delay.min(initial=1)), 1)
