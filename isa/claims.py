"""What words claim besides streams and banks: address generators, queues of the other plane, links to other chips."""

from __future__ import annotations

import numpy as np

from lpuasm.isa.charges import Charges, charges
from lpuasm.isa.core import table
from lpuasm.isa.distinct import indices
from lpuasm.isa.join import Traffic, channels
from lpuasm.isa.once import per_target
from lpuasm.isa.ports import number, ports
from lpuasm.isa.runs import Ints, Lines, Runs, claim, lines, spread
from lpuasm.isa.target import HEMISPHERES, Target
from lpuasm.isa.timeline import Timeline

PAIRED_KINDS = ("lw", "iw", "abc", "acc")


def beyond(timeline: Timeline, family: Ints, base: Ints, limit: Ints | int, bounds: tuple[Ints, Ints]) -> Charges:
    """LPU0310: families whose stepped operand, ``base`` at the first issue, leaves 0 … ``limit`` − 1.

    ``bounds``: the least and the greatest value that it takes.
    """
    low, high = bounds
    bad = indices((low < 0) | (high >= limit))
    if not len(bad):
        return charges(timeline, 310, bad, bad)
    rows = family[bad]
    skew = ports(timeline.target).skew[timeline.opcode[rows]]
    nest = lines(timeline.start[rows], timeline.count[rows], timeline.every[rows], timeline.step[rows])
    value = base[bad][nest.family] + nest.moved
    end: Ints = np.broadcast_to(np.asarray(limit), family.shape)[bad][nest.family]
    first, last = within(value, nest.step, nest.count, 0, end)
    cell: Ints = np.where((first > 0) | (last == 0), 0, last)
    out = indices(cell < nest.count)
    cell, which = cell[out], nest.family[out]
    cycle = nest.start[out] + cell * nest.stride[out] + skew[which]
    return charges(timeline, 310, cycle, rows[which], value=value[out] + cell * nest.step[out])


def extent(timeline: Timeline, family: Ints, base: Ints) -> tuple[Ints, Ints]:
    """The least and the greatest value that the stepped operand of each family takes."""
    low = high = base
    count, step = timeline.count.T.take(family, axis=1), timeline.step.T.take(family, axis=1)
    for move in (count - 1) * step:  # a sum over rows of three takes much longer
        if not move.any():
            continue
        low, high = low + np.minimum(move, 0), high + np.maximum(move, 0)
    return low, high


def within(value: Ints, step: Ints, count: Ints, low: int, high: Ints | int) -> tuple[Ints, Ints]:
    """The cells [first, last) of lines where value + cell · step is in ``low`` … ``high`` − 1; last is 0 if none is."""
    pace = np.where(step == 0, 1, np.abs(step))
    up_first, up_last = -((value - low) // pace), -((value - high) // pace)
    down_first, down_last = (value - high) // pace + 1, (value - low) // pace + 1
    inside = (value >= low) & (value < high)
    first = np.where(step > 0, up_first, np.where(step < 0, down_first, 0))
    last = np.where(step > 0, up_last, np.where(step < 0, down_last, np.where(inside, count, 0)))
    first, last = np.clip(first, 0, count), np.clip(last, 0, count)
    return first, np.where(first < last, last, 0)


def siblings(moves: Traffic) -> list[Runs]:
    """Dispatches in queues of planes 1, and what pair instructions claim of them: a channel a queue, in cycles."""
    timeline, nests, wide = moves.timeline, moves.lines, moves.wide
    if not wide.any():
        return []
    first, plane, sibling = channels(timeline.target).queues, *_planes(timeline.target)
    queue = timeline.queue.astype(np.int64)
    own = indices(plane[queue] > 0)
    other = indices(wide & (plane[queue] == 0))
    return [
        claim(nests, own, first + queue[own], 0, writes=True),
        claim(nests, other, first + sibling[queue[other]], 0, writes=True),
    ]


def misplaced_pairs(moves: Traffic) -> Charges:
    """LPU0306: pair instructions in a queue of another plane than plane 0."""
    timeline = moves.timeline
    plane, _ = _planes(timeline.target)
    rows = indices(moves.wide & (plane[timeline.queue] > 0))
    return charges(timeline, 306, timeline.start[rows], rows)


@per_target
def _planes(target: Target) -> tuple[Ints, Ints]:
    """By queue number: the plane, −1 for queues that have none; and the queue of the same kind of plane 1."""
    plane, sibling = np.full((2, len(target.queues)), -1, np.int64)
    by_place = {(q.kind, q.hemisphere, q.index): q.number for q in target.queues}
    for kind in PAIRED_KINDS:
        for h in HEMISPHERES:
            for p in range(target.geometry.planes):
                own = by_place[kind, h, p]
                plane[own], sibling[own] = p, by_place[kind, h, 1]
    return plane, sibling


def generators(timeline: Timeline) -> Charges:
    """LPU0304: words that start an address generator before it has made its last issue."""
    kind = _generators(timeline.target)[timeline.opcode]
    rows = indices(kind)
    owner = 2 * timeline.queue[rows].astype(np.int64) + kind[rows]
    order = owner.argsort(kind="stable")
    rows, owner = rows[order], owner[order]
    start, last = timeline.start[rows], timeline.last[rows]
    far = int(last.max(initial=0)) + 1
    busy = np.maximum.accumulate(owner * far + last)[:-1]
    bad = indices(owner[1:] * far + start[1:] <= busy) + 1
    return charges(timeline, 304, start[bad], rows[bad], rows[bad - 1])


@per_target
def _generators(target: Target) -> Ints:
    """By opcode the generator that a word starts: 1 read, 2 write, 0 none."""
    kinds = np.zeros(256, np.int64)
    for d in table(target):
        if d.timing.banks:
            kinds[d.opcode] = 1 if any(o.kind == "streams" and o.role == "out" for o in d.operands) else 2
    return kinds


def outside(traffic: Traffic) -> list[Charges]:
    """LPU0310: groups of rows beyond the plane, lanes beyond the vector."""
    timeline, reads, target = traffic.timeline, traffic.reads, traffic.timeline.target
    at, _ = ports(target).numbers["group"]
    taken = indices(at[timeline.opcode[reads.family]] >= 0)
    rows, group = number(timeline, "group", reads.family[taken])
    lanes = target.lanes // (reads.size[taken] >> traffic.wide[rows])
    out = [beyond(timeline, rows, group, lanes, extent(timeline, rows, group))]
    rows, lane = number(timeline, "lane")
    return [*out, beyond(timeline, rows, lane, target.lanes, extent(timeline, rows, lane))] if len(rows) else out


def packets(timeline: Timeline, nests: Lines) -> list[Charges]:
    """LPU0312 and LPU0313: links that are still busy, and the first `receive` of each link that finds nothing."""
    target = timeline.target
    if (
        not (timeline.opcode == _opcode(target, "send")).any()
        and not (timeline.opcode == _opcode(target, "receive")).any()
    ):
        return []
    loopback = np.array(target.c2c.loopback)
    sent, link, family = _packets(timeline, nests, "send")
    bad = indices((link[1:] == link[:-1]) & (np.diff(sent) < target.c2c.packet_cycles)) + 1
    busy = charges(timeline, 312, sent[bad], family[bad], family[bad - 1], value=link[bad])
    there = loopback[link]
    order = np.lexsort((sent, there))
    arrival, there = sent[order] + target.c2c.latency, there[order]
    taken, link, family = _packets(timeline, nests, "receive")
    first = there.searchsorted(link)
    number_of = there.searchsorted(link, "right") - first
    turn = np.arange(len(link)) - link.searchsorted(link)
    none = turn >= number_of
    which = np.where(none, 0, first + turn)
    bad = indices(none | (arrival[which] > taken) if len(arrival) else none)
    bad = bad[np.unique(link[bad], return_index=True)[1]]
    return [busy, charges(timeline, 313, taken[bad], family[bad], value=link[bad])]


def _opcode(target: Target, mnemonic: str) -> int:
    definition = table(target).find("c2c", mnemonic)
    assert definition is not None
    return definition.opcode


def _packets(timeline: Timeline, nests: Lines, mnemonic: str) -> tuple[Ints, Ints, Ints]:
    """(cycle, link, family) of every issue of `send` or `receive` on links that exist, by link, cycle and family."""
    rows, link = number(timeline, "link", indices(timeline.opcode == _opcode(timeline.target, mnemonic)))
    known = link < timeline.target.geometry.links
    rows, link = rows[known], link[known]
    nest = nests.of(rows)
    line, cell = spread(nest.count)
    family = nest.family[line]
    cycle = nest.start[line] + cell * nest.stride[line]
    order = np.lexsort((rows[family], cycle, link[family]))
    return cycle[order], link[family][order], rows[family][order]
