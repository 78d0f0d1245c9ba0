"""The sweep: which runs meet in a cell, and which writer each reader hears, without listing cells.

All runs of a channel are laid on one lattice: with the least common multiple m
of their strides, the cells of one residue modulo m are neighbours, and every
run is a few stretches of neighbours. The ends of all stretches cut a channel
into intervals in which nothing begins or ends; in each, what holds for the
first cell holds for all. One sort of (interval, rank) pairs then finds writers
that meet, and the nearest writer at or below each reader.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import lcm

import numpy as np

from lpuasm.isa.runs import Ints, Runs, spread

_GREATEST = 1 << 32


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
    wide = np.flatnonzero(~single & (runs.stride > 1))
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
    strides = np.unique(np.stack((runs.channel[wide], runs.stride[wide]), axis=1), axis=0)
    for channel, stride in strides.tolist():
        m = lcm(int(modulus[channel]), stride)
        listed[channel] |= m > _GREATEST
        modulus[channel] = m if m <= _GREATEST else 1
    modulus[listed] = 1
    return modulus, listed


def sweep(runs: Runs) -> tuple[Heard, Meetings]:
    """What every reader among ``runs`` hears, and where writers of one rank meet.

    Where writers meet, the one of the latest family is heard.
    """
    s = lay(runs)
    if (s.length == 1).all():
        piece, interval, begin = np.arange(len(s.key)), s.key, s.key
    else:
        ends = s.key + s.length
        cuts = np.unique(np.concatenate((s.key, ends)))
        lowest = np.searchsorted(cuts, s.key)
        piece, inside = spread(np.searchsorted(cuts, ends) - lowest)
        interval = lowest[piece] + inside
        begin = cuts[interval]
    run = s.run[piece]
    writes = runs.writes[run]
    radix = 2 * (int(runs.rank.max(initial=0)) + 1)
    place = interval * radix + 2 * runs.rank[run] + ~writes
    order = np.argsort(place)
    ordered = place[order]
    again = np.flatnonzero((ordered[1:] == ordered[:-1]) & writes[order[1:]]) + 1
    if len(again):
        order = np.lexsort((runs.family[run], place))
    meetings = Meetings(run[order[again - 1]], run[order[again]], _cell(s, piece[order[again]], begin[order[again]]))
    at = np.arange(len(order))
    last = np.maximum.accumulate(np.where(writes[order], at, 0))
    source = order[last]
    found = (interval[source] == interval[order]) & writes[source]
    writer = np.empty(len(order), np.int64)
    writer[order] = np.where(found, piece[source], -1)
    return _merge(s, piece[~writes], writer[~writes], begin[~writes]), meetings


def _cell(s: Stretches, piece: Ints, key: Ints) -> Ints:
    """The cell of its run that ``key`` is, in stretches ``piece``."""
    return s.offset[piece] + (key - s.key[piece]) * s.pace[piece]


def _merge(s: Stretches, piece: Ints, writer: Ints, begin: Ints) -> Heard:
    """Joins intervals that follow each other in one stretch and hear one stretch."""
    fresh = np.ones(len(piece), bool)
    fresh[1:] = (piece[1:] != piece[:-1]) | (writer[1:] != writer[:-1])
    rows = np.flatnonzero(fresh)
    piece, writer, begin = piece[rows], writer[rows], begin[rows]
    end = s.key[piece] + s.length[piece]
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
