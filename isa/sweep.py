"""The sweep: which runs meet in a cell, and which writer each reader hears, without listing cells.

All runs of a channel are laid on one lattice: with the least common multiple m
of their strides, the cells of one residue modulo m are neighbours, and every
run is a few stretches of neighbours. The ends of all stretches cut a channel
into intervals in which nothing begins or ends; in each, what holds for the
first cell holds for all. One sort of (interval, rank) pairs then finds writers
that meet, and the nearest writer at or below each reader.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from itertools import pairwise
from math import lcm
from typing import TypeVar

import numpy as np

from lpuasm.isa.distinct import distinct, indices
from lpuasm.isa.runs import Ints, Runs, spread

#: The greatest modulus of a lattice; a channel that would need a greater one has its cells listed.
_GREATEST = 1 << 32
#: How many parts of stretches are looked at together, at most.
_PAIRS = 1 << 23
_BEYOND = 1 << 62


@dataclass(frozen=True)
class Stretches:
    """Neighbouring cells of runs. ``key`` numbers the cells of all channels: a stretch is key … key + length − 1. Cell
    k of it is cell ``offset`` + k · ``pace`` of ``run``."""

    key: Ints
    length: Ints
    run: Ints
    offset: Ints
    pace: Ints


@dataclass(frozen=True)
class Heard:
    """What readers hear, in the order of runs, a row for each part of a run that hears one writer (or none, −1).

    ``reader``, ``writer``: runs; ``first``: the cell of the reader's run, ``heard``: that of the writer's run; ``pace``
    and ``writer_pace``: from one cell to the next; ``count``: how many.
    """

    reader: Ints
    writer: Ints
    first: Ints
    heard: Ints
    pace: Ints
    writer_pace: Ints
    count: Ints


@dataclass(frozen=True)
class Meetings:
    """Two writers in one cell, a row each: the runs, in the order of families, and the cell of the second's run."""

    first: Ints
    second: Ints
    cell: Ints


def lay(runs: Runs) -> Stretches:
    """The runs as stretches of neighbouring cells."""
    n = len(runs.start)
    low = int(runs.start.min(initial=0))
    high = int((runs.start + (runs.count - 1) * runs.stride).max(initial=0))
    single = runs.count == 1
    wide = indices(~single & (runs.stride > 1))
    if not len(wide):
        key = runs.channel * (high - low + 2) + (runs.start - low)
        return Stretches(key, runs.count, np.arange(n), np.zeros(n, np.int64), np.ones(n, np.int64))
    modulus, listed = _moduli(runs, wide)
    m = modulus[runs.channel]
    pieces = np.where(single, 1, np.minimum(runs.count, m // np.where(single, 1, runs.stride)))
    pieces = np.where(listed[runs.channel], runs.count, pieces)
    run, offset = spread(pieces)
    k, m = pieces[run], m[run]
    width = (high - low) // modulus + 2
    base = np.concatenate(([0], np.cumsum(width * modulus)[:-1]))
    quotient, residue = np.divmod(runs.start[run] + offset * runs.stride[run] - low, m)
    channel = runs.channel[run]
    key = base[channel] + residue * width[channel] + quotient
    return Stretches(key, (runs.count[run] - offset + k - 1) // k, run, offset, k)


def _moduli(runs: Runs, wide: Ints) -> tuple[Ints, Ints]:
    """Of each channel the modulus of its lattice, and whether its cells are listed one by one instead."""
    channels = int(runs.channel.max()) + 1
    modulus, listed = np.ones(channels, np.int64), np.zeros(channels, bool)
    radix = int(runs.stride[wide].max()) + 1
    for pair in distinct(runs.channel[wide] * radix + runs.stride[wide]).tolist():
        channel, stride = divmod(pair, radix)
        m = lcm(int(modulus[channel]), stride)
        listed[channel] |= m > _GREATEST
        modulus[channel] = m if m <= _GREATEST else 1
    modulus[listed] = 1
    return modulus, listed


def sweep(runs: Runs) -> tuple[Heard, Meetings]:
    """What every reader among ``runs`` hears, and where writers of one rank meet.

    Where writers meet, the one of the latest family is heard. Where very many meet, only what happens up to the cycle
    of the first meeting is told.
    """
    s = lay(runs)
    radix = 2 * (int(runs.rank.max(initial=0)) + 1)
    if (s.length == 1).all() and int(s.key.max(initial=0)) < (1 << 62) // radix:
        every = np.arange(len(s.key))
        heard, meetings = _resolve(runs, s, every, s.key, s.key, _BEYOND)
        return _whole(runs, heard), meetings
    ends = s.key + s.length
    edges = np.concatenate((s.key, ends))
    order = edges.argsort()
    edges = edges[order]
    fresh = np.concatenate(([True], edges[1:] != edges[:-1]))
    cuts, rank = edges[fresh], np.empty(len(order), np.int64)
    rank[order] = fresh.cumsum() - 1
    lowest, highest = rank[: len(ends)], rank[len(ends) :]
    if int((highest - lowest).sum()) > _PAIRS:
        early = _until_meeting(runs, s)
        if early is not None and int(early[1].count.sum()) < int(runs.count.sum()):
            return renumbered(early[0], *sweep(early[1]))
    parts = []
    for begin, end in _portions(lowest, highest, len(cuts)):
        rows = indices((lowest < end) & (highest > begin))
        low = np.maximum(lowest[rows], begin)
        row, inside = spread(np.minimum(highest[rows], end) - low)
        interval = low[row] + inside
        limit = int(cuts[end]) if end < len(cuts) else _BEYOND
        parts.append(_resolve(runs, s, rows[row], interval, cuts[interval], limit))
    return _whole(runs, _concatenate(Heard, [p[0] for p in parts])), _concatenate(Meetings, [p[1] for p in parts])


def _resolve(runs: Runs, s: Stretches, piece: Ints, interval: Ints, begin: Ints, limit: int) -> tuple[Heard, Meetings]:
    """Of stretches ``piece`` in intervals, which begin at the keys ``begin``: who hears whom, and who meets whom."""
    run = s.run[piece]
    writes, rank = runs.writes[run], runs.rank[run]
    place = interval * (2 * (int(runs.rank.max(initial=0)) + 1)) + 2 * rank + ~writes
    order = place.argsort()
    ordered = place[order]
    again = indices((ordered[1:] == ordered[:-1]) & writes[order[1:]]) + 1
    if len(again):
        order = np.lexsort((runs.family[run], place))
    meetings = Meetings(run[order[again - 1]], run[order[again]], _cell(s, piece[order[again]], begin[order[again]]))
    last = np.maximum.accumulate(np.where(writes[order], np.arange(len(order)), 0))
    source = order[last]
    found = (interval[source] == interval[order]) & writes[source]
    writer = np.empty(len(order), np.int64)
    writer[order] = np.where(found, piece[source], -1)
    return _merge(s, piece[~writes], writer[~writes], begin[~writes], limit), meetings


def _cell(s: Stretches, piece: Ints, key: Ints) -> Ints:
    """The cell of its run that ``key`` is, in stretches ``piece``."""
    return s.offset[piece] + (key - s.key[piece]) * s.pace[piece]


def _merge(s: Stretches, piece: Ints, writer: Ints, begin: Ints, limit: int) -> Heard:
    """Joins intervals that follow each other in one stretch and hear one stretch. All end before key ``limit``."""
    fresh = np.ones(len(piece), bool)
    fresh[1:] = (piece[1:] != piece[:-1]) | (writer[1:] != writer[:-1])
    rows = indices(fresh)
    piece, writer, begin = piece[rows], writer[rows], begin[rows]
    end = np.minimum(s.key[piece] + s.length[piece], limit)
    same = piece[1:] == piece[:-1]
    end[:-1] = np.where(same, begin[1:], end[:-1])
    return Heard(
        s.run[piece],
        np.where(writer < 0, -1, s.run[writer]),
        _cell(s, piece, begin),
        _cell(s, writer, begin),
        s.pace[piece],
        s.pace[writer],
        end - begin,
    )


def _whole(runs: Runs, heard: Heard) -> Heard:
    """Puts together again what lattices took apart: rows of one reader and writer that interleave without a gap."""
    rows = indices(heard.pace > 1)
    if not len(rows):
        return heard
    rows = rows[np.lexsort((heard.first[rows], heard.writer[rows], heard.reader[rows]))]
    reader, writer, first, count = (c[rows] for c in (heard.reader, heard.writer, heard.first, heard.count))
    last = first + (count - 1) * heard.pace[rows]
    other = np.ones(len(rows), bool)
    other[1:] = (reader[1:] != reader[:-1]) | (writer[1:] != writer[:-1])
    reach = np.maximum.accumulate(other.cumsum() * (int(last.max()) + 1) + last) % (int(last.max()) + 1)
    fresh = other.copy()
    fresh[1:] |= first[1:] > reach[:-1] + 1
    head = indices(fresh)
    total = np.add.reduceat(count, head)
    ratio, odd = np.divmod(runs.stride[reader[head]], np.where(writer[head] < 0, 1, runs.stride[writer[head]]))
    good = (total == np.maximum.reduceat(last, head) - first[head] + 1) & (odd == 0)
    kept = np.ones(len(heard.count), bool)
    kept[rows[good.repeat(np.diff(head, append=len(rows)))]] = False
    source, one = rows[head[good]], np.ones(int(good.sum()), np.int64)
    joined = {"pace": one, "writer_pace": ratio[good], "count": total[good]}
    columns = {f.name: getattr(heard, f.name) for f in fields(Heard)}
    return Heard(**{n: np.concatenate((c[kept], joined.get(n, c[source]))) for n, c in columns.items()})


def _portions(lowest: Ints, highest: Ints, intervals: int) -> list[tuple[int, int]]:
    """Ranges of intervals in which stretches are cut into about ``_PAIRS`` parts or fewer."""
    if int((highest - lowest).sum()) <= _PAIRS:
        return [(0, intervals)]
    change = np.bincount(lowest, minlength=intervals + 1) - np.bincount(highest, minlength=intervals + 1)
    parts = np.cumsum(change.cumsum())
    bounds = parts.searchsorted(np.arange(_PAIRS, int(parts[-1]), _PAIRS)) + 1
    edges = distinct(np.concatenate(([0], bounds, [intervals]))).tolist()
    return list(pairwise(edges))


def _until_meeting(runs: Runs, s: Stretches) -> tuple[Ints, Runs] | None:
    """The runs, with their numbers, as far as they go up to the cycle in which writers first meet; None if none do."""
    rows = indices(runs.writes[s.run])
    run = s.run[rows]
    ends = s.key[rows] + s.length[rows]
    line = runs.rank[run] * (int(ends.max(initial=0)) + 1)
    order = np.argsort(line + s.key[rows], kind="stable")
    reach = np.maximum.accumulate((line + ends)[order])
    late = order[1:][(line + s.key[rows])[order[1:]] < reach[:-1]]
    if not len(late):
        return None
    run = run[late]
    cycle = (runs.start[run] + s.offset[rows[late]] * runs.stride[run] + runs.rank[run]).min()
    count = np.minimum((cycle - runs.rank - runs.start) // np.maximum(runs.stride, 1) + 1, runs.count)
    kept = indices(count > 0)
    columns = {f.name: getattr(runs, f.name)[kept] for f in fields(runs)}
    return kept, Runs(**columns | {"count": count[kept]})


def renumbered(numbers: Ints, heard: Heard, meetings: Meetings) -> tuple[Heard, Meetings]:
    """The same of runs that have other numbers."""
    writer = np.where(heard.writer < 0, -1, numbers[heard.writer])
    return (
        replace(heard, reader=numbers[heard.reader], writer=writer),
        replace(meetings, first=numbers[meetings.first], second=numbers[meetings.second]),
    )


_Table = TypeVar("_Table", Heard, Meetings)


def _concatenate(kind: type[_Table], parts: list[_Table]) -> _Table:
    if len(parts) == 1:
        return parts[0]
    return kind(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(kind)})
