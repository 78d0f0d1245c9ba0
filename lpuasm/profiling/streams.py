"""What is alive on the streams: every value from the register that it is driven into to the last one that hears it.

A value's place is its diagonal (cycle − register): at register r it stands in
cycle diagonal + r. Values of one writer that follow each other evenly are one
row, however many they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lpuasm.isa.join import traffic
from lpuasm.isa.runs import Ints, Runs, spread
from lpuasm.isa.sweep import Heard, sweep
from lpuasm.isa.timeline import Timeline


@dataclass(frozen=True)
class Segments:
    """Values on streams, a row each run: the ``family`` that drives them; ``channel`` is stream + 32 where westward.

    ``diagonal``, ``stride``, ``count``: their diagonals. They enter at register ``first`` and are last heard at
    register ``last``, −1 where nothing ever hears them.
    """

    family: Ints
    channel: Ints
    first: Ints
    last: Ints
    diagonal: Ints
    stride: Ints
    count: Ints


def segments(timeline: Timeline) -> Segments:
    """Everything that the families of ``timeline`` drive on to streams."""
    runs = traffic(timeline).runs
    heard, _ = sweep(runs)
    streams = 2 * timeline.target.geometry.streams
    driven = np.flatnonzero(runs.writes & (runs.channel < streams))
    rows = _longest(runs, heard, streams)
    only = np.bincount(rows["writer"], minlength=len(runs.start)) == 1
    whole = only[rows["writer"]] & (rows["count"] == runs.count[rows["writer"]])
    simple = rows["writer"][whole]
    unheard = driven[~np.isin(driven, rows["writer"])]
    mixed = _mixed(runs, {name: column[~whole] for name, column in rows.items()})
    writer = np.concatenate((simple, unheard, mixed["writer"]))
    zeros, ones = np.zeros(len(simple) + len(unheard), np.int64), np.ones(len(simple) + len(unheard), np.int64)
    cell, pace = np.concatenate((zeros, mixed["cell"])), np.concatenate((ones, mixed["pace"]))
    count = np.concatenate((runs.count[simple], runs.count[unheard], mixed["count"]))
    last = np.concatenate((rows["last"][whole], np.full(len(unheard), -1), mixed["last"]))
    return Segments(
        runs.family[writer],
        runs.channel[writer],
        runs.rank[writer],
        last,
        runs.start[writer] + cell * runs.stride[writer],
        runs.stride[writer] * pace,
        count,
    )


def _longest(runs: Runs, heard: Heard, streams: int) -> dict[str, Ints]:
    """What is heard of each writer, with the farthest register that hears just that."""
    rows = np.flatnonzero(heard.writer >= 0)
    rows = rows[runs.channel[heard.reader[rows]] < streams]
    keys = np.stack((heard.writer, heard.heard, heard.writer_pace, heard.count, runs.rank[heard.reader]))[:, rows]
    keys = keys[:, np.lexsort(keys[::-1])]
    end = np.ones(keys.shape[1], bool)
    end[:-1] = (keys[:4, 1:] != keys[:4, :-1]).any(axis=0)
    return dict(zip(("writer", "cell", "pace", "count", "last"), keys[:, end], strict=True))


def _mixed(runs: Runs, rows: dict[str, Ints]) -> dict[str, Ints]:
    """Writers whose values end at different places: cell by cell, and put together again where they end alike."""
    writers, row_of = np.unique(rows["writer"], return_inverse=True)
    size = runs.count[writers]
    begin = np.cumsum(size) - size
    last = np.full(int(size.sum()), -1, np.int64)
    row, inside = spread(rows["count"])
    cell = begin[row_of[row]] + rows["cell"][row] + inside * rows["pace"][row]
    np.maximum.at(last, cell, rows["last"][row])
    owner, index = spread(size)
    order = np.lexsort((index, last, owner))
    owner, index, last = owner[order], index[order], last[order]
    step = np.diff(index)
    same = (np.diff(owner) == 0) & (np.diff(last) == 0)
    fresh = np.ones(len(order), bool)
    fresh[1:] = ~same
    fresh[2:] |= same[1:] & same[:-1] & (step[1:] != step[:-1])
    head = np.flatnonzero(fresh)
    count = np.diff(head, append=len(order))
    pace = np.ones(len(head), np.int64)
    long = count > 1
    pace[long] = step[head[long]]
    return {"writer": writers[owner[head]], "cell": index[head], "pace": pace, "count": count, "last": last[head]}
