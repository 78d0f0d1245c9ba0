"""Where values come from, as piecewise affine maps: no table lists single issues where a formula will do.

A *port* is a line of vectors, numbered from 0: what an operand hears issue by
issue, what a unit makes, the rows of a tensor. A segment says that some vectors
of one port are vectors of another. Ports that no segment explains are *ends*:
results that must be computed, and tensors. Following segments to their ends is
what makes reads, writes, hops and copies cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from lpuasm.isa.distinct import indices
from lpuasm.isa.runs import Bools, Ints, Runs, spread
from lpuasm.isa.sweep import sweep


@dataclass(frozen=True)
class Segments:
    """A row: vector ``issue`` + k · ``hop`` of ``port`` is ``at`` + k · ``pace`` of ``source``, for k < ``count``.

    ``hop`` is at least 1; ``pace`` may be 0 or negative.
    """

    port: Ints
    issue: Ints
    hop: Ints
    count: Ints
    source: Ints
    at: Ints
    pace: Ints

    def __len__(self) -> int:
        return len(self.port)

    def pick(self, rows: Ints | Bools) -> Segments:
        """The rows of that index, in its order."""
        index = indices(rows) if rows.dtype == np.bool_ else rows
        return Segments(*(c.take(index) for c in vars(self).values()))


def segments(port: Ints, issue: Ints, hop: Ints, count: Ints, source: Ints, at: Ints, pace: Ints) -> Segments:
    """Rows whose hops may be negative or, for one vector, anything."""
    back = (hop < 0) & (count > 1)
    if back.any():
        issue = np.where(back, issue + (count - 1) * hop, issue)
        at = np.where(back, at + (count - 1) * pace, at)
        hop, pace = np.where(back, -hop, hop), np.where(back, -pace, pace)
    one = count == 1
    if one.any():
        hop, pace = np.where(one, 1, hop), np.where(one, 1, pace)
    return Segments(port, issue, hop, count, source, at, pace)


def whole(port: Ints, count: Ints, source: Ints, at: Ints) -> Segments:
    """Ports that are others' ``count`` vectors from ``at`` on."""
    zero, one = np.zeros(len(port), np.int64), np.ones(len(port), np.int64)
    return Segments(port, zero, one, count, source, at, one)


def gather(parts: Iterable[Segments]) -> Segments:
    """All rows of ``parts``."""
    return Segments(*map(np.concatenate, zip(*(vars(p).values() for p in parts), strict=True)))


def ordered(rows: Segments) -> Segments:
    """Sorted by port and first vector, with rows that one formula covers made one."""
    rows = in_place(rows)
    if not _repeated(rows):
        return rows
    braided = _braided(rows)
    if braided is not rows and not _repeated(braided):
        return braided
    rows = _woven(braided)
    if (rows.count > 1).all():
        return rows
    rows = _chained(_rolled(rows.pick(np.lexsort((rows.issue, rows.source, rows.port)))))
    return in_place(rows)


def _repeated(rows: Segments) -> bool:
    """Whether any two rows of a port have one source: others cannot be made one. ``rows`` are sorted by port."""
    several = indices(_shared(rows.port))
    if not len(several):
        return False
    port, source = rows.port[several], rows.source[several]
    most = int(source.max()) + 1
    if int(port.max()) >= (1 << 62) // most:
        return True
    key = np.sort(port * most + source)
    return bool((key[1:] == key[:-1]).any())


def _shared(ports: Ints) -> Bools:
    """Of each of sorted ports whether it is there more than once."""
    out = np.zeros(len(ports), bool)
    again = ports[1:] == ports[:-1]
    out[1:] = again
    out[:-1] |= again
    return out


def _braided(s: Segments) -> Segments:
    """Joins the rows of ports of which each takes its turn: as many rows as the hop of all of them, one after another.

    That is what rows of weights are that come from several streams at once.
    """
    fresh = np.ones(len(s), bool)
    fresh[1:] = s.port[1:] != s.port[:-1]
    first = indices(fresh)
    number = np.diff(np.append(first, len(s)))
    if not ((number > 1) & (s.hop[first] == number)).any():
        return s
    turn = fresh.cumsum() - 1
    head, times = first[turn], number[turn]
    inside = np.arange(len(s)) - head
    pace = s.pace // times
    good = (s.hop == times) & (s.pace == pace * times) & (s.source == s.source[head]) & (s.pace == s.pace[head])
    good &= (s.count == s.count[head]) & (s.issue == s.issue[head] + inside) & (s.at == s.at[head] + inside * pace)
    whole_port = np.logical_and.reduceat(good, first) & (number > 1)
    if not whole_port.any():
        return s
    kept = s.pick(~whole_port[turn] | fresh)
    made, many = whole_port[turn][~whole_port[turn] | fresh], times[~whole_port[turn] | fresh]
    many = np.where(made, many, 1)
    return Segments(kept.port, kept.issue, kept.hop // many, kept.count * many, kept.source, kept.at, kept.pace // many)


def in_place(rows: Segments) -> Segments:
    """The same in the order of ports, and of vectors in them."""
    far = int(rows.issue.max(initial=0)) + 1
    key = rows.port * far + rows.issue
    return rows if (key[1:] >= key[:-1]).all() else rows.pick(key.argsort())


def _woven(s: Segments) -> Segments:
    """Joins rows of one formula that interleave or follow each other without a gap."""
    many = indices((s.count > 1) & _shared(s.port))
    if not len(many):
        return s
    # The line that a row's vectors lie on: at · per = issue · ratio + start.
    common = np.gcd(s.pace, s.hop)
    ratio, per = s.pace // common, s.hop // common
    start = s.at * per - s.issue * ratio
    order = many[np.lexsort((s.issue[many], start[many], per[many], ratio[many], s.source[many], s.port[many]))]
    keys = [c[order] for c in (s.port, s.source, ratio, per, start)]
    fresh = np.ones(len(order), bool)
    fresh[1:] = np.any([k[1:] != k[:-1] for k in keys], axis=0)
    first = indices(fresh)
    if len(first) == len(order):
        return s
    last = s.issue + (s.count - 1) * s.hop
    total = np.add.reduceat(s.count[order], first)
    low, high = s.issue[order][first], np.maximum.reduceat(last[order], first)
    # The greatest step on which all of them lie; they cover it if there are as many as it has places.
    off = np.gcd.reduceat(np.gcd(s.hop[order], s.issue[order] - low[fresh.cumsum() - 1]), first)
    full = high - low == (total - 1) * off
    if not full.any():
        return s
    head = order[first]
    made = Segments(s.port[head], low, off, total, s.source[head], s.at[head], off * ratio[head] // per[head]).pick(
        full
    )
    kept = np.ones(len(s), bool)
    kept[order[full.repeat(np.diff(np.append(first, len(order))))]] = False
    rows = gather((s.pick(kept), made))
    return in_place(rows)


def _rolled(s: Segments) -> Segments:
    """Joins rows that follow each other in equal steps: single vectors, and rows of one step that touch."""
    one = s.count == 1
    pair = one[1:] & one[:-1] & (s.port[1:] == s.port[:-1]) & (s.source[1:] == s.source[:-1])
    if not pair.any():
        return s
    hop, pace = np.diff(s.issue), np.diff(s.at)
    goes = pair.copy()
    # A row joins the one before it unless it would have to change the step.
    goes[1:] &= ~pair[:-1] | ((hop[1:] == hop[:-1]) & (pace[1:] == pace[:-1]))
    fresh = np.concatenate(([True], ~goes))
    first = indices(fresh)
    number = np.diff(np.append(first, len(s)))
    head = s.pick(first)
    many = number > 1
    step = np.minimum(first, len(hop) - 1)
    return Segments(
        head.port,
        head.issue,
        np.where(many, hop[step], head.hop),
        np.where(many, number, head.count),
        head.source,
        head.at,
        np.where(many, pace[step], head.pace),
    )


def _chained(s: Segments) -> Segments:
    """Joins rows of which one goes on where the other ends; a single vector goes on in any step."""
    many = s.count > 1
    same = (s.port[1:] == s.port[:-1]) & (s.source[1:] == s.source[:-1])
    issue, at = np.diff(s.issue), np.diff(s.at)
    hop, pace = s.hop.copy(), s.pace.copy()
    # A single vector takes the step of the row before it, or of the row after it where it leads there.
    after = indices(same & ~many[1:] & many[:-1]) + 1
    hop[after], pace[after] = s.hop[after - 1], s.pace[after - 1]
    before = indices(same & ~many[:-1] & many[1:] & (issue == s.hop[1:]) & (at == s.pace[1:]))
    hop[before], pace[before] = s.hop[before + 1], s.pace[before + 1]
    joins = same & (many[1:] | many[:-1]) & (hop[1:] == hop[:-1]) & (pace[1:] == pace[:-1])
    joins &= (issue == s.count[:-1] * hop[:-1]) & (at == s.count[:-1] * pace[:-1])
    first = indices(np.concatenate(([True], ~joins)))
    count = np.add.reduceat(s.count, first)
    whole_hop, whole_pace = np.where(count > 1, hop[first], 1), np.where(count > 1, pace[first], 1)
    head = s.pick(first)
    return Segments(head.port, head.issue, whole_hop, count, head.source, head.at, whole_pace)


class Follower:
    """Follows the rows of ``table``, whose ports are each explained in full, from port to port."""

    def __init__(self, table: Segments) -> None:
        self.table = in_place(table)
        t = self.table
        fresh = np.ones(len(t), bool)
        fresh[1:] = t.port[1:] != t.port[:-1]
        self.first = indices(fresh)
        self.ports, self.number = t.port[self.first], np.diff(np.append(self.first, len(t)))
        ends = t.issue + (t.count - 1) * t.hop
        self.low, self.high = (
            f.reduceat(c, self.first) if len(self.first) else c for f, c in ((np.minimum, t.issue), (np.maximum, ends))
        )
        self.simple = (self.number == 1) & (t.issue[self.first] == 0) & (t.hop[self.first] == 1)

    def follow(self, rows: Segments) -> Segments:
        """``rows`` with sources that are ends. The table has no circles, for values need time to travel."""
        if not len(self.ports):
            return ordered(rows)
        done = []
        while len(rows):
            rows, hard, index = self._through(rows)
            if not len(hard):
                break
            plain = np.ones(len(rows), bool)
            plain[hard] = False
            done.append(rows.pick(plain))
            rows = self._explained(rows.pick(hard), index)
        return ordered(gather([*done, rows]) if done else rows)

    def _through(self, rows: Segments) -> tuple[Segments, Ints, Ints]:
        """``rows`` followed through ports that have one row each; those that come to others, and the index of these."""
        t, source, at, pace = self.table, rows.source.copy(), rows.at.copy(), rows.pace.copy()
        left = np.arange(len(rows))
        hard, ports = [], []
        while len(left):
            index = np.minimum(self.ports.searchsorted(source[left]), len(self.ports) - 1)
            known = self.ports[index] == source[left]
            left, index = left[known], index[known]
            simple = self.simple[index]
            if not simple.all():
                hard.append(left[~simple])
                ports.append(index[~simple])
                left, index = left[simple], index[simple]
            by = self.first[index]
            step = t.pace[by]
            source[left], at[left], pace[left] = t.source[by], t.at[by] + at[left] * step, pace[left] * step
        rows = Segments(rows.port, rows.issue, rows.hop, rows.count, source, at, pace)
        return rows, np.concatenate([left, *hard]), np.concatenate([left, *ports])

    def _explained(self, rows: Segments, index: Ints) -> Segments:
        """``rows`` that come to the ports of ``index``, as what these hear."""
        last = rows.at + (rows.count - 1) * rows.pace
        whole = (rows.pace == 1) & (rows.at <= self.low[index]) & (last >= self.high[index])
        parts = [self._spread(rows.pick(whole), index[whole])]
        if not whole.all():
            parts.append(ordered(compose(rows.pick(~whole), self._explaining(index[~whole]))))
        return gather(parts)

    def _spread(self, rows: Segments, index: Ints) -> Segments:
        """``rows`` that are all of a port, as the rows of that port."""
        which, inside = spread(self.number[index])
        own, t = rows.pick(which), self.table.pick(self.first[index][which] + inside)
        issue = own.issue + (t.issue - own.at) * own.hop
        return Segments(own.port, issue, t.hop * own.hop, t.count, t.source, t.at, t.pace)

    def _explaining(self, index: Ints) -> Segments:
        """The rows of the ports of that index."""
        which = np.unique(index)
        number = self.number[which]
        inside = np.arange(int(number.sum())) - np.repeat(number.cumsum() - number, number)
        return self.table.pick(np.repeat(self.first[which], number) + inside)


def compose(rows: Segments, table: Segments) -> Segments:
    """``rows`` with every source replaced by what ``table`` says of it. What it does not say is left out."""
    _, inverse = np.unique(np.concatenate((rows.source, table.port)), return_inverse=True)
    n = len(rows)
    spans = np.concatenate((np.where(rows.pace == 0, 1, rows.count), table.count))
    start = np.where(rows.pace < 0, rows.at + (rows.count - 1) * rows.pace, rows.at)
    stride = np.concatenate((np.maximum(np.abs(rows.pace), 1), table.hop))
    writes = np.arange(len(inverse)) >= n
    heard, _ = sweep(runs(inverse, np.concatenate((start, table.issue)), stride, spans, writes))
    found = heard.writer >= 0
    r, w = heard.reader[found], heard.writer[found] - n
    first, pace, count = heard.first[found], heard.pace[found], heard.count[found]
    back, still = rows.pace[r] < 0, rows.pace[r] == 0
    at = table.at[w] + heard.heard[found] * table.pace[w]
    step = heard.writer_pace[found] * table.pace[w]
    begin = np.where(back, rows.count[r] - 1 - first, first)
    hop = np.where(still, 1, np.where(back, -pace, pace)) * rows.hop[r]
    return segments(
        rows.port[r],
        rows.issue[r] + begin * ~still * rows.hop[r],
        hop,
        np.where(still, rows.count[r], count),
        table.source[w],
        at,
        np.where(still, 0, step),
    )


def runs(channel: Ints, start: Ints, stride: Ints, count: Ints, writes: Bools, rank: Ints | None = None) -> Runs:
    """Runs for the sweep that are nobody's operands; ``stride`` is at least 1."""
    zero = np.zeros(len(channel), np.int64)
    return Runs(
        channel.astype(np.int64),
        zero if rank is None else rank,
        start,
        stride,
        count,
        writes,
        zero,
        zero,
        zero,
        zero,
        zero,
    )
