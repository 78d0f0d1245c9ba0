"""How busy the parts of the chip are, what work a program is, and what each flow costs.

All of it is counted on lines in time, not on their dispatches: a bucket of time
gets its share of a line by arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.program import Program
from lpuasm.isa.runs import Ints, spread
from lpuasm.isa.target import HEMISPHERES, Target
from lpuasm.profiling.families import Families, Row, chip_rows, families, kind_of
from lpuasm.profiling.streams import Segments, segments

#: Buckets of time that a profile has, at most: the columns of its heat strips.
BUCKETS = 56
#: The kinds of work, in the order in which flows are charged for them.
KINDS = ("mxm", "load", "acc", "vxm", "sxm", "mem", "c2c")


@dataclass(frozen=True)
class Busy:
    """A part of the chip over the program: how many of its ``slots`` × cycles are ``busy``, and the share by bucket."""

    row: Row
    busy: int
    share: float
    strip: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Work:
    """Work of one sort: how much, how much of it the chip does in a cycle at most, and so the least cycles for it."""

    name: str
    unit: str
    amount: int
    peak: int
    cycles: float


@dataclass(frozen=True, slots=True)
class Cost:
    """What a flow (None: what is outside of flows) keeps busy: cycles of queues by kind; its MACs, its SRAM bytes."""

    flow: str | None
    start: int
    busy: tuple[int, ...]
    macs: int
    bytes: int

    @property
    def total(self) -> int:
        return sum(self.busy)


@dataclass(frozen=True)
class Measured:
    """A program in numbers. ``edges`` bound the buckets of time."""

    cycles: int
    dispatches: int
    edges: Ints
    units: tuple[Busy, ...]
    work: tuple[Work, ...]
    costs: tuple[Cost, ...]


def measure(program: Program) -> Measured:
    """Measures a streaming program."""
    cycles = program.cycles or 0
    edges = np.arange(min(BUCKETS, max(cycles, 1)) + 1) * max(cycles, 1) // min(BUCKETS, max(cycles, 1))
    known = families(program)
    macs, octets = _work(known)
    units = (*_units(known, edges), *_streams(segments(program.timeline), program.target, edges))
    return Measured(
        cycles,
        int(program.timeline.issues.sum()),
        edges,
        units,
        _works(known, macs, octets),
        tuple(_costs(known, macs, octets)),
    )


def _units(known: Families, edges: Ints) -> list[Busy]:
    rows, of_queue = chip_rows(known.program.target)
    line = known.lines
    queue = known.queue[line.family]
    second = np.flatnonzero(known.pair[line.family])
    partner = partners(known.program.target)
    pick = np.concatenate((np.arange(len(queue)), second))
    row = of_queue[np.concatenate((queue, partner[queue[second]]))]
    one = np.ones(len(pick), np.int64)
    table = fill(edges, row, len(rows), line.start[pick], line.stride[pick], line.count[pick], one)
    return _shares(rows, table, edges)


def _shares(rows: Sequence[Row], table: Ints, edges: Ints) -> list[Busy]:
    width = np.diff(edges)
    out = []
    for row, cells in zip(rows, table, strict=True):
        busy = int(cells.sum())
        out.append(Busy(row, busy, busy / (row.slots * int(edges[-1])), cells / (row.slots * width)))
    return out


def partners(target: Target) -> Ints:
    """By queue number the queue of the hemisphere's other plane; the queue itself where there is none."""
    number = {(q.kind, q.hemisphere, q.index): q.number for q in target.queues if q.kind in ("lw", "iw", "abc", "acc")}
    return np.array([number.get((q.kind, q.hemisphere, q.index ^ 1), q.number) for q in target.queues])


def _streams(alive: Segments, target: Target, edges: Ints) -> list[Busy]:
    """The registers of each direction that hold a value which something will still hear."""
    heard = np.flatnonzero(alive.last >= 0)
    cells = target.registers * target.geometry.streams
    rows = [Row(f"streams {way}", "streams", cells) for way in ("east", "west")]
    table = fill(
        edges,
        alive.channel[heard] // target.geometry.streams,
        len(rows),
        (alive.diagonal + alive.first)[heard],
        alive.stride[heard],
        alive.count[heard],
        (alive.last - alive.first + 1)[heard],
    )
    return _shares(rows, table, edges)


def fill(edges: Ints, row: Ints, rows: int, start: Ints, stride: Ints, count: Ints, length: Ints) -> Ints:
    """[rows, buckets]: cycles that lines, whose every element lasts ``length`` cycles, spend in each bucket of time."""
    point = (count == 1) & (length == 1) & (start < edges[-1])
    if point.all():  # most lines of a program without repeats: each is in one bucket, which is quickly found
        bucket = np.searchsorted(edges, start, "right") - 1
        return np.bincount(row * (len(edges) - 1) + bucket, minlength=rows * (len(edges) - 1)).reshape(rows, -1)
    if point.any():
        parts = (fill(edges, row[m], rows, start[m], stride[m], count[m], length[m]) for m in (point, ~point))
        return sum(parts, np.zeros((rows, len(edges) - 1), np.int64))
    end = start + (count - 1) * stride + length
    low = np.searchsorted(edges, start, "right") - 1
    high = np.minimum(np.searchsorted(edges, end, "left"), len(edges) - 1)
    line, inside = spread(np.maximum(high - low, 0))
    bucket = low[line] + inside
    columns = (start[line], stride[line], count[line], length[line])
    cells = _before(edges[bucket + 1], *columns) - _before(edges[bucket], *columns)
    table = np.bincount(row[line] * (len(edges) - 1) + bucket, cells, rows * (len(edges) - 1))
    return np.rint(table).astype(np.int64).reshape(rows, -1)


def _before(edge: Ints, start: Ints, stride: Ints, count: Ints, length: Ints) -> Ints:
    """Cycles before ``edge`` that the elements of lines last."""
    ended = np.clip((edge - length - start) // stride + 1, 0, count)
    begun = np.clip(-((start - edge) // stride), 0, count)
    under_way = (begun - ended) * (edge - start) - stride * ((begun - ended) * (begun + ended - 1) // 2)
    return np.asarray(ended * length + under_way)


def _work(known: Families) -> tuple[Ints, Ints]:
    """(multiply-accumulates, bytes of SRAM read and written) of each family.

    An i8 row meets lanes × lanes weights; of f16 half the lanes, on two planes.
    """
    target, issues = known.program.target, known.program.timeline.issues
    plane, memory = (np.array([q.kind == kind for q in target.queues])[known.queue] for kind in ("abc", "mem"))
    per_issue = np.where(known.pair, target.lanes // 2, target.lanes) * target.lanes
    return np.where(plane, issues * per_issue, 0), np.where(memory, issues * target.lanes, 0)


def _works(known: Families, macs: Ints, octets: Ints) -> tuple[Work, ...]:
    target, g = known.program.target, known.program.target.geometry
    planes = len(HEMISPHERES) * g.planes
    plane_cycles = int((known.program.timeline.issues * (1 + known.pair))[macs > 0].sum())
    peak = round(int(macs.sum()) * planes / plane_cycles) if plane_cycles else planes * target.lanes**2
    ports = len(HEMISPHERES) * g.slices * min(g.banks, 2)
    vector = np.array([q.kind == "vxm" for q in target.queues])[known.queue]
    steps = int(known.program.timeline.issues[vector].sum()) if len(vector) else 0
    return (
        Work("MXM", "MAC", int(macs.sum()), peak, plane_cycles / planes),
        Work("SRAM", "byte", int(octets.sum()), ports * target.lanes, int(octets.sum()) / (ports * target.lanes)),
        Work("VXM", "operation", steps * target.lanes, g.alus * target.lanes, steps / g.alus),
    )


def _costs(known: Families, macs: Ints, octets: Ints) -> list[Cost]:
    """Every flow with what it costs, the dearest first."""
    timeline, target = known.program.timeline, known.program.target
    names = [*known.program.flows, None]
    flow = np.where(known.flow < 0, len(names) - 1, known.flow)
    kinds = np.array([KINDS.index(kind_of(q)) for q in target.queues])
    cell = flow * len(KINDS) + kinds[known.queue] if len(flow) else flow
    busy = np.bincount(cell, timeline.issues * (1 + known.pair), len(names) * len(KINDS)).reshape(-1, len(KINDS))
    start = np.full(len(names), np.iinfo(np.int64).max)
    np.minimum.at(start, flow, timeline.start)
    sums = [np.bincount(flow, amount, len(names)) for amount in (macs, octets)]
    costs = [
        Cost(name, int(start[k]), tuple(int(n) for n in busy[k]), int(sums[0][k]), int(sums[1][k]))
        for k, name in enumerate(names)
        if busy[k].any()
    ]
    return sorted(costs, key=lambda c: (-c.total, c.start))
