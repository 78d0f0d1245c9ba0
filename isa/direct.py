"""Who hears whom where it is plain: a reader whose cells all are of one writer, and of no nearer one.

Most readers of most programs are like that, and writers of one rank keep apart. It
takes a sort and a few look-ups to find what is heard there; the sweep is for
stretches of channels where something else is.
"""

from __future__ import annotations

import numpy as np

from lpuasm.isa.distinct import indices
from lpuasm.isa.runs import Bools, Ints, Runs
from lpuasm.isa.sweep import Heard, Meetings, renumbered, sweep

_ROUNDS = 16  # so many ranks a reader looks through


def hear(runs: Runs) -> tuple[Heard, Meetings]:
    """What every reader among ``runs`` hears, and where writers of one rank meet: as ``sweep``, in another order."""
    writes, reads = indices(runs.writes), indices(~runs.writes)
    base = int(runs.start.min(initial=0))
    last = runs.start + (runs.count - 1) * runs.stride
    far = int(last.max(initial=0)) - base + 2
    ranks = int(runs.rank.max(initial=0)) + 1
    if not len(writes) or (int(runs.channel.max()) + 1) * ranks > (1 << 62) // far:
        return sweep(runs)
    # A layer is the writers of one rank on one channel.
    layer = runs.channel * ranks + runs.rank
    key = layer[writes] * far + (runs.start[writes] - base)
    order = key.argsort()
    writes, begin = writes[order], key[order]
    end = begin + (last - runs.start)[writes]
    fresh = np.ones(len(writes), bool)
    fresh[1:] = layer[writes[1:]] != layer[writes[:-1]]
    layers = layer[writes[fresh]]
    doubtful = np.zeros(len(runs.start), bool)
    doubtful[writes[1:][begin[1:] <= np.maximum.accumulate(end)[:-1]]] = True
    writer = _nearest(runs, reads, last[reads], base, far, ranks, (writes, begin, end, layers))
    doubtful[reads[writer < 0]] = True
    if not doubtful.any():
        return _heard(runs, reads, writer), _nobody()
    rows = _around(runs, doubtful, runs.start - base, last - base, far)
    plain = np.ones(len(doubtful), bool)
    plain[rows] = False
    own = plain[reads]
    direct = _heard(runs, reads[own], writer[own])
    found, meetings = renumbered(rows, *sweep(Runs(*(column[rows] for column in vars(runs).values()))))
    return Heard(*map(np.concatenate, zip(vars(direct).values(), vars(found).values(), strict=True))), meetings


def _around(runs: Runs, doubtful: Bools, start: Ints, last: Ints, far: int) -> Ints:
    """The runs that are doubtful, with all that could be in their way: stretches of channels without a gap."""
    some = np.zeros(int(runs.channel.max()) + 1, bool)
    some[runs.channel[doubtful]] = True
    rows = indices(some[runs.channel])
    begin = runs.channel[rows] * far + start[rows]
    order = begin.argsort()
    rows, begin = rows[order], begin[order]
    end = begin + (last - start)[rows]
    fresh = np.ones(len(rows), bool)
    fresh[1:] = begin[1:] > np.maximum.accumulate(end)[:-1]
    stretch = fresh.cumsum() - 1
    bad = np.zeros(int(stretch[-1]) + 1, bool)
    bad[stretch[doubtful[rows]]] = True
    return np.sort(rows[bad[stretch]])


def _nearest(
    runs: Runs, reads: Ints, last: Ints, base: int, far: int, ranks: int, written: tuple[Ints, Ints, Ints, Ints]
) -> Ints:
    """The run that each of ``reads`` hears in all its cells; −1 where that is not plain."""
    writes, begin, end, layers = written
    found = np.full(len(reads), -1)
    left = np.arange(len(reads))
    index = layers.searchsorted(runs.channel[reads] * ranks + runs.rank[reads], "right") - 1
    for _ in range(_ROUNDS):
        good = (index >= 0) & (layers[index] // ranks == runs.channel[reads[left]])
        left, index = left[good], index[good]
        if not len(left):
            break
        own = reads[left]
        line = layers[index] * far - base
        low, high = line + runs.start[own], line + last[left]
        at = begin.searchsorted(low, "right") - 1
        writer = writes[at]
        pace = runs.stride[writer]
        covers = (at >= 0) & (high <= end[at]) & ((runs.start[own] - runs.start[writer]) % pace == 0)
        covers &= (runs.count[own] == 1) | (runs.stride[own] % pace == 0)
        found[left[covers]] = writer[covers]
        # Where no writer of the layer is near, the next lower one is heard.
        before = np.where(at >= 0, end[at], -1)
        after = begin[np.minimum(at + 1, len(begin) - 1)]
        free = (before < low) & ((at + 1 == len(begin)) | (after > high))
        left, index = left[free], index[free] - 1
    return found


def _heard(runs: Runs, reader: Ints, writer: Ints) -> Heard:
    zero, count, pace = np.zeros(len(reader), np.int64), runs.count[reader], runs.stride[writer]
    cell = (runs.start[reader] - runs.start[writer]) // pace
    return Heard(reader, writer, zero, cell, zero + 1, np.where(count == 1, 1, runs.stride[reader] // pace), count)


def _nobody() -> Meetings:
    none = np.zeros(0, np.int64)
    return Meetings(none, none, none)


def apart(channel: Ints, begin: Ints, end: Ints) -> Bools:
    """By channel, whether the stretches ``begin`` … ``end`` on it have no cell in common."""
    out = np.ones(int(channel.max(initial=0)) + 1, bool)
    base = int(begin.min(initial=0))
    far = int(end.max(initial=0)) - base + 2
    line = channel * far - base
    order = np.argsort(line + begin)
    own, start, stop = channel[order], (line + begin)[order], (line + end)[order]
    out[own[1:][start[1:] <= np.maximum.accumulate(stop)[:-1]]] = False
    return out
