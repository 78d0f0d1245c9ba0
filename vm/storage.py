"""What is stored and read again: slices, weight buffers, arrays and latches, joined by place and time.

A *claim* touches places of one store (addresses, rows, the one place of a
latch) in arithmetic progression, at cycles in arithmetic progression. The
sweep that joins streams joins these too, once the claims of a store are ranked
so that whoever comes later at a place has the higher rank. Where no ranking of
whole claims has that property, those of that store are cut at each meeting.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from lpuasm.isa.distinct import indices
from lpuasm.isa.runs import Bools, Ints, spread
from lpuasm.isa.sweep import sweep
from lpuasm.vm.segments import Segments, ordered, runs, segments

#: Before the first cycle, and after the last.
BEGIN, END = -(1 << 40), 1 << 40
_PAIRS = 1 << 20  # so many claims that overlap are looked at pair by pair


@dataclass(frozen=True)
class Claims:
    """A row: vector ``issue`` + k · ``hop`` of ``port`` lies at place ``cell`` + k · ``step`` of ``store`` in cycle
    ``time`` + k · ``every``, for k < ``count``.

    A write is there from that cycle on; a read in that cycle sees it.
    """

    store: Ints
    cell: Ints
    step: Ints
    count: Ints
    time: Ints
    every: Ints
    writes: Bools
    port: Ints
    issue: Ints
    hop: Ints

    def __len__(self) -> int:
        return len(self.store)

    @property
    def last(self) -> Ints:
        return self.time + (self.count - 1) * self.every

    def pick(self, rows: Ints | Bools) -> Claims:
        return Claims(*(getattr(self, f.name)[rows] for f in fields(self)))


def claims(
    store: Ints, cell: Ints, step: Ints, count: Ints, time: Ints, every: Ints, writes: Bools | bool, port: Ints,
    issue: Ints, hop: Ints,
) -> Claims:  # fmt: skip
    """Claims; of one vector, steps do not matter. ``writes``: of each, or of all."""
    one = count == 1
    kind = np.logical_or(writes, np.zeros(len(store), bool))
    return Claims(
        store, cell, np.where(one, 1, step), count, time, np.where(one, 0, every), kind, port,
        issue, np.where(one, 1, hop),
    )  # fmt: skip


def gather(parts: list[Claims]) -> Claims:
    """All claims of ``parts``."""
    return Claims(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Claims)))


def join(all_claims: Claims, nothing: int) -> Segments:
    """What every read hears; places that nothing wrote hold port ``nothing``."""
    rank, c = _ranked(all_claims)
    if not len(c):
        return Segments(*(np.zeros(0, np.int64) for _ in fields(Segments)))
    still, back = (c.step == 0) & (c.count > 1), c.step < 0
    start = np.where(back, c.cell + (c.count - 1) * c.step, c.cell)
    stride = np.maximum(np.abs(c.step), 1)
    number = np.where(still, 1, c.count)
    heard, _ = sweep(runs(c.store, start, stride, number, c.writes, rank))
    r, w = heard.reader, np.maximum(heard.writer, 0)
    # Nothing is everywhere the same.
    missing = (heard.writer < 0) | (c.port[w] == nothing)
    begin = np.where(back[r], c.count[r] - 1 - heard.first, heard.first)
    pace = np.where(back[r], -heard.pace, heard.pace)
    # A place that is written again and again holds what came last.
    source = np.where(back[w] | still[w], c.count[w] - 1 - heard.heard, heard.heard)
    source_pace = np.where(back[w], -heard.writer_pace, heard.writer_pace)
    return ordered(
        segments(
            c.port[r],
            c.issue[r] + begin * ~still[r] * c.hop[r],
            np.where(still[r], 1, pace) * c.hop[r],
            np.where(still[r], c.count[r], heard.count),
            np.where(missing, nothing, c.port[w]),
            np.where(missing, 0, c.issue[w] + source * c.hop[w]),
            np.where(missing | still[r], 0, source_pace * c.hop[w]),
        )
    )


def _ranked(c: Claims) -> tuple[Ints, Claims]:
    """Claims, some of them cut, with ranks that are in order of time at every place that two of them share."""
    first, last = np.minimum(c.time, c.last), np.maximum(c.time, c.last)
    bounded = (first > BEGIN // 2) & (first < END // 2)
    troubled = _meetings(c, first, last, bounded)
    key, cut = first.copy(), np.zeros(len(c), bool)
    if len(troubled):
        mild, slope, per = _parallel(c, troubled)
        inside = np.isin(c.store, mild)
        # Of parallel claims, the one that is earlier at one place is earlier at all of them.
        key[inside] = (c.time * per[c.store] - c.cell * slope[c.store])[inside]
        cut = np.isin(c.store, troubled) & ~inside
    key = np.where(bounded, key, first * (1 << 20))
    if not cut.any():
        return _order(key, c), c
    fine = _cut(c.pick(cut & bounded))
    fixed = c.pick(~(cut & bounded))
    both = gather([fixed, fine])
    whole_key = key[~(cut & bounded)]
    return _order(np.concatenate((whole_key, np.minimum(fine.time, fine.last))), both), both


def _order(key: Ints, c: Claims) -> Ints:
    """Ranks in order of ``key``; in one cycle, writes come first."""
    rank = np.empty(len(key), np.int64)
    rank[np.argsort(2 * key + ~c.writes)] = np.arange(len(key))
    return rank


def _meetings(c: Claims, first: Ints, last: Ints, bounded: Bools) -> Ints:
    """The stores in which two claims meet that are not, at every place they share, in the order of their beginnings."""
    changing = np.zeros(int(c.store.max(initial=0)) + 1, bool)
    changing[c.store[bounded & c.writes]] = True
    rows = indices(bounded & changing[c.store])
    if not len(rows):
        return rows
    far = int(last[rows].max()) + 2
    rows = rows[np.argsort(2 * (c.store[rows] * far + first[rows]) + ~c.writes[rows])]
    begin, end = c.store[rows] * far + first[rows], c.store[rows] * far + last[rows]
    # What begins in the cycle in which a write ends comes after it.
    number = begin.searchsorted(end - c.writes[rows], "right") - np.arange(len(rows)) - 1
    number = np.maximum(number, 0)
    if int(number.sum()) > _PAIRS:
        return np.unique(c.store[rows[number > 0]])
    # Of claims that overlap in time, only pairs with a write matter.
    one, inside = spread(number)
    other = one + 1 + inside
    a, b = rows[one], rows[other]
    matter = c.writes[a] | c.writes[b]
    a, b = a[matter], b[matter]
    low, high = (f(c.cell, c.cell + (c.count - 1) * c.step) for f in (np.minimum, np.maximum))
    meet = (low[a] <= high[b]) & (low[b] <= high[a])
    off = np.gcd(c.step[a], c.step[b])
    off = np.where(c.count[a] == 1, np.abs(c.step[b]), np.where(c.count[b] == 1, np.abs(c.step[a]), off))
    meet &= np.where(off == 0, c.cell[a] == c.cell[b], (c.cell[a] - c.cell[b]) % np.maximum(off, 1) == 0)
    a, b = a[meet], b[meet]
    # At a place they share, how much later the second comes; the same everywhere if they are parallel.
    single = c.count[b] == 1
    lone, line = np.where(single, b, a), np.where(single, a, b)
    parallel = (c.every[a] * c.step[b] == c.every[b] * c.step[a]) & (c.step[a] != 0) & (c.step[b] != 0)
    parallel |= (c.count[lone] == 1) & (c.step[line] != 0)
    k = (c.cell[lone] - c.cell[line]) * c.every[line]
    later = (c.time[lone] - c.time[line]) * c.step[line] - k
    later = np.where(c.step[line] < 0, -later, later) * np.where(single, 1, -1)
    fine = parallel & ((later > 0) | ((later == 0) & c.writes[a]))
    return np.unique(c.store[a[~fine]])


def _parallel(c: Claims, troubled: Ints) -> tuple[Ints, Ints, Ints]:
    """Which of the stores have claims of one pace only; and by store that pace, as cycles and the places they take."""
    size = int(c.store.max()) + 1
    slope, per = np.zeros(size, np.int64), np.ones(size, np.int64)
    bounded = (c.time > BEGIN // 2) & (c.time < END // 2) & (c.count > 1)
    mild = []
    for store in troubled.tolist():
        rows = indices(bounded & (c.store == store))
        step, every = c.step[rows], c.every[rows]
        if (step != 0).all() and (every * step[0] == every[0] * step).all():
            sign = 1 if step[0] > 0 else -1
            slope[store], per[store] = sign * every[0], abs(step[0])
            mild.append(store)
    return np.array(mild, np.int64), slope, per


def _cut(c: Claims) -> Claims:
    """Claims cut wherever another one of their store comes between two of their vectors."""
    row, k = spread(c.count)
    time, store = c.time[row] + k * c.every[row], c.store[row]
    order = np.lexsort((row, ~c.writes[row], time, store))
    row, k = row[order], k[order]
    fresh = np.ones(len(row), bool)
    fresh[1:] = row[1:] != row[:-1]
    first = indices(fresh)
    number = np.diff(np.append(first, len(row)))
    row, k = row[first], k[first]
    return Claims(
        c.store[row],
        c.cell[row] + k * c.step[row],
        c.step[row],
        number,
        c.time[row] + k * c.every[row],
        c.every[row],
        c.writes[row],
        c.port[row],
        c.issue[row] + k * c.hop[row],
        c.hop[row],
    )
