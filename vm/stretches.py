"""What is stored in parts and read as a whole, or the other way round: arenas whose nests are not alike.

The ends of the writes of an arena cut it into *stretches*, each of which a write
covers or does not touch. In a stretch writes follow one another, at all of its
places in one order, and a read inside it hears the last one before it. Reads that
are lines are cut where stretches end. Writes are to be lines, all of one step.

A place is counted in that step, and in a line the cycle is linear in the place: what
comes first at both ends of a stretch does so in all of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lpuasm.isa.distinct import distinct, indices
from lpuasm.isa.runs import Bools, Ints, spread
from lpuasm.vm.nests import Nests, Paths, bounds

_ENDLESS = 1 << 60


@dataclass(frozen=True)
class Cut:
    """Parts of the nests of arenas that are ``settled``. Of ``reads``, the first vector is vector ``at`` of ``source``,
    and a step in each dimension goes ``pace`` [3, n] vectors on. Reads that are ``silent`` hear no write; ``final``:
    writes after which there is no other."""

    settled: Bools
    reads: Paths
    source: Ints
    at: Ints
    pace: Ints
    silent: Paths
    final: Paths


@dataclass(frozen=True)
class _Parts:
    """Parts of writes, in the order of stretches and cycles: the nest that each is of, and the stretch; its first place
    and the number of them; the cycle there, and from place to place; the vector there, and from place to place."""

    nest: Ints
    stretch: Ints
    low: Ints
    number: Ints
    time: Ints
    every: Ints
    at: Ints
    pace: Ints

    def pick(self, rows: Ints) -> _Parts:
        return _Parts(*(c[rows] for c in vars(self).values()))

    def when(self, rows: Ints, place: Ints) -> Ints:
        """The cycles in which parts touch places."""
        return self.time[rows] + (place - self.low[rows]) * self.every[rows]


@dataclass(frozen=True)
class _Reads:
    """Parts of reads: their arenas and stretches; ``start``, the place of the first vector, and ``pace`` [3, n], the
    steps from place to place in each dimension; its cycle, ``first``. ``ends``: the lowest and the highest place of
    each, and the first and the last cycle in which it can be touched."""

    paths: Paths
    arena: Ints
    stretch: Ints
    start: Ints
    pace: Ints
    first: Ints
    ends: tuple[tuple[Ints, Ints, Ints], ...]


def cut(n: Nests, arena: Ints, arenas: int) -> Cut:
    """The nests ``n``, of so many arenas, cut into stretches; arenas where that will not do are not settled."""
    settled = np.zeros(arenas, bool)
    settled[arena] = True
    n = _flat(n)
    unit, first = _units(n, arena, settled)
    place, odd = np.divmod(n.cell - first[arena], unit[arena])
    pace, uneven = np.divmod(n.step, unit[arena])
    settled[arena[(n.rows > 1) | (odd != 0) | (uneven != 0).any(axis=0)]] = False
    low, high = bounds(place, n.count, pace)
    # Places of all arenas in one line.
    far = int(high.max()) - int(low.min()) + 2
    base = arena * far - int(low.min())
    low, high, place = low + base, high + base, place + base
    rows = indices(n.writes & settled[arena])
    edges = distinct(np.concatenate((low[rows], high[rows] + 1)))
    edges = np.concatenate(([-_ENDLESS], edges, [_ENDLESS]))
    writes = _written(n, rows, low, high, edges)
    latest = np.ones(len(writes.nest), bool)
    latest[:-1] = writes.stretch[1:] != writes.stretch[:-1]
    one = indices(~latest)
    other = one + 1
    last = writes.low[other] + writes.number[other] - 1
    late = (writes.time[other] <= writes.time[one]) | (writes.when(other, last) <= writes.when(one, last))
    settled[arena[writes.nest[other[late]]]] = False
    final = _final(n, arena, place, unit, writes.pick(indices(latest)))
    reads = _cut_reads(n, arena, place, low, high, pace, edges, settled)
    found = _heard(reads, writes, settled)
    heard = indices(found >= 0)
    w = found[heard]
    way = writes.pace[w]
    at = writes.at[w] + (reads.start[heard] - writes.low[w]) * way
    pace, source = reads.pace.take(heard, axis=1) * way, n.port[writes.nest[w]]
    return Cut(settled, reads.paths.pick(heard), source, at, pace, reads.paths.pick(found < 0), final)


def _flat(n: Nests) -> Nests:
    """The same, with the rows of nests of one issue as a dimension, and steps of 0 where there is nothing to step."""
    many = n.count > 1
    count, every, step = n.count, np.where(many, n.every, 0), np.where(many, n.step, 0)
    lone = indices((n.rows > 1) & ~many.any(axis=0))
    rows = n.rows
    if len(lone):
        count, rows = count.copy(), rows.copy()
        count[0, lone], step[0, lone], rows[lone] = rows[lone], 1, 1
    return replace(n, count=count, every=every, step=step, rows=rows)


def _units(n: Nests, arena: Ints, settled: Bools) -> tuple[Ints, Ints]:
    """By arena, the step of its writes, and where its places begin: all that it writes is so many steps from there."""
    writes = indices(n.writes)
    of, step, many = arena[writes], np.abs(n.step[0, writes]), n.count[0, writes] > 1
    unit = np.ones(len(settled), np.int64)
    unit[of[many]] = step[many]
    settled[of[(many & (step != unit[of])) | (n.count[1:, writes] > 1).any(axis=0)]] = False
    settled[unit == 0] = False
    unit = np.maximum(unit, 1)
    first = np.zeros(len(settled), np.int64)
    first[of] = n.cell[writes] % unit[of]
    settled[of[n.cell[writes] % unit[of] != first[of]]] = False
    return unit, first


def _written(n: Nests, rows: Ints, low: Ints, high: Ints, edges: Ints) -> _Parts:
    """The writes ``rows`` cut at ``edges``."""
    begin, end = edges.searchsorted(low[rows]), edges.searchsorted(high[rows] + 1)
    which, inside = spread(end - begin)
    nest, stretch = rows[which], begin[which] + inside
    place = edges[stretch]
    back = n.step[0, nest] < 0
    k, way = np.where(back, high[nest] - place, place - low[nest]), np.where(back, -1, 1)
    parts = _Parts(
        nest, stretch, place, edges[stretch + 1] - place, n.time[nest] + k * n.every[0, nest], way * n.every[0, nest],
        n.issue[nest] + k, way,
    )  # fmt: skip
    return parts.pick(np.lexsort((parts.time, stretch)))


def _final(n: Nests, arena: Ints, place: Ints, unit: Ints, last: _Parts) -> Paths:
    """The last writes of stretches, in the order of their vectors."""
    nest, back, zero = last.nest, last.pace < 0, np.zeros(len(last.nest), np.int64)
    step, more = unit[arena[nest]], np.where(back, last.number - 1, 0)
    cell = n.cell[nest] + (last.low + more - place[nest]) * step
    count, steps = np.stack((last.number, zero + 1, zero + 1)), np.stack((last.pace * step, zero, zero))
    return Paths(n.store[nest], n.port[nest], last.at - more, arena[nest], last.number, cell, count, steps)


def _cut_reads(
    n: Nests, arena: Ints, place: Ints, low: Ints, high: Ints, pace: Ints, edges: Ints, settled: Bools
) -> _Reads:
    """The reads of settled arenas cut at ``edges``; one that is no line is to lie in a single stretch."""
    rows = indices(~n.writes & settled[arena])
    begin, end = edges.searchsorted(low[rows], "right") - 1, edges.searchsorted(high[rows], "right") - 1
    settled[arena[rows[(end > begin) & (n.count[1:, rows] > 1).any(axis=0)]]] = False
    which, inside = spread(end - begin + 1)
    nest, stretch, whole = rows[which], begin[which] + inside, (end == begin)[which]
    # The places of a line that lie in the stretch, from place to place of it, and which of its vectors they are.
    every = np.maximum(np.abs(pace[0, nest]), 1)
    one = -((low[nest] - np.maximum(low[nest], edges[stretch])) // every)
    other = (np.minimum(high[nest], edges[stretch + 1] - 1) - low[nest]) // every
    k = np.where(whole, 0, np.where(pace[0, nest] < 0, n.count[0, nest] - 1 - other, one))
    number = np.where(whole, n.count[0, nest], other - one + 1)
    some = indices(number > 0)
    nest, stretch, whole, k, number = (c[some] for c in (nest, stretch, whole, k, number))
    count, step, pace = n.count.take(nest, axis=1), n.step.take(nest, axis=1), pace.take(nest, axis=1)
    count[0] = number
    start, move = place[nest] + k * pace[0], (number - 1) * pace[0]
    lowest = np.where(whole, low[nest], start + np.minimum(move, 0))
    highest = np.where(whole, high[nest], start + np.maximum(move, 0))
    first = n.time[nest] + k * n.every[0, nest]
    last = first + ((count - 1) * n.every.take(nest, axis=1)).sum(axis=0)
    # A read that is no line touches a place at any time from its first to its last cycle.
    line = (move != 0) & (count[1:] == 1).all(axis=0)
    up, down = line & (move > 0), line & (move < 0)
    ends = (
        (lowest, np.where(down, last, first), np.where(up, first, last)),
        (highest, np.where(up, last, first), np.where(down, first, last)),
    )
    paths = Paths(
        n.store[nest], n.port[nest], n.issue[nest] + k, arena[nest], number * count[1] * count[2],
        n.cell[nest] + k * step[0], count, step,
    )  # fmt: skip
    return _Reads(paths, arena[nest], stretch, start, pace, first, ends)


def _heard(reads: _Reads, writes: _Parts, settled: Bools) -> Ints:
    """The part of a write that each part of a read hears, −1 for none. Where a read begins before a write of its
    stretch and ends after it, or meets it in some place only, its arena is not settled."""
    begun = int(writes.time.min(initial=0))
    far = int(writes.time.max(initial=0)) + 2 - begun
    if max(int(reads.stretch.max(initial=0)), int(writes.stretch.max(initial=0))) >= (1 << 61) // far:
        settled[:] = False
    key = writes.stretch * far + writes.time - begun
    after = key.searchsorted(reads.stretch * far + np.clip(reads.first - begun, -1, far - 1), "right")
    of = np.append(writes.stretch, -1)
    heard, next_ = of[after - 1] == reads.stretch, of[after] == reads.stretch
    for there, early, late in reads.ends:
        wrong = indices(heard)
        wrong = wrong[writes.when(after[wrong] - 1, there[wrong]) > early[wrong]]
        settled[reads.arena[wrong]] = False
        wrong = indices(next_)
        wrong = wrong[writes.when(after[wrong], there[wrong]) <= late[wrong]]
        settled[reads.arena[wrong]] = False
    return np.where(heard, after - 1, -1)
