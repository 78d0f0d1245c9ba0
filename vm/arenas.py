"""What is stored and read again, where that is simple: whole nests that hear whole nests, without lines or sweeps.

An *arena* is places of a store that are touched together: all nests in it go
through the same places in the same order, so it is like a single variable. Reads
hear the last write before them, or the tensor that lay there, and outputs the last
write of all. Stores that are not made of arenas are left to ``storage.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lpuasm.isa.runs import Bools, Ints, lines
from lpuasm.vm import nests, storage
from lpuasm.vm.nests import Nests
from lpuasm.vm.placed import Found, Laid, Places, as_claims, bounds, find, places
from lpuasm.vm.segments import Segments, gather, segments


@dataclass(frozen=True)
class Paths:
    """Through which places of their stores nests go, in the order of their vectors: from ``cell`` on, ``count`` and
    ``step`` [3, n]; ``number`` of them in all."""

    cell: Ints
    count: Ints
    step: Ints
    number: Ints

    def pick(self, rows: Ints) -> Paths:
        return Paths(*(c.take(rows, axis=-1) for c in vars(self).values()))


@dataclass(frozen=True)
class Last:
    """Of nests of stores that are arenas: ``reads``, and the write that each hears; the ``final`` write of each arena.

    Rows of the nests, −1 where there is no write."""

    reads: Ints
    heard: Ints
    final: Ints


def join(touched: Nests, laid: list[Laid], bank: int, nothing: int) -> Segments:
    """What every read hears, and every output; places that nothing wrote hold port ``nothing``.

    ``laid``: tensors before the first and after the last cycle; ``bank``: words of a bank.
    """
    stores = 1 + max([int(touched.store.max(initial=0)), *(max(one.layout.slices) for one in laid)])
    before, after = places((x for x in laid if x.writes), stores), places((x for x in laid if not x.writes), stores)
    bad = np.zeros(stores, bool)
    paths = _paths(touched, bad)
    changing = np.zeros(stores, bool)
    changing[touched.store[touched.writes]] = True
    bad[after.store[~changing[after.store]]] = True
    last = _last(touched, paths, np.flatnonzero(changing[touched.store]), bank, bad)
    constant = np.flatnonzero(~changing[touched.store])
    first = np.concatenate((constant, last.reads[last.heard < 0]))
    begun = find(before, touched.store[first], paths.cell[first], paths.count[:, first], paths.step[:, first], bank)
    bad[touched.store[first[begun.row == -2]]] = True
    final = last.final
    ended = find(after, touched.store[final], paths.cell[final], paths.count[:, final], paths.step[:, final], bank)
    bad[touched.store[final[ended.row == -2]]] = True
    there = ended.row >= 0
    covered = np.bincount(ended.row[there], paths.number[final[there]], len(after.store))
    bad[after.store[covered != after.number]] = True
    out = [
        _from_writes(touched, paths, last, ~bad[touched.store[last.reads]] & (last.heard >= 0), nothing),
        _from_tensors(touched, paths, before, first, begun, ~bad[touched.store[first]], nothing),
        _to_outputs(touched, paths, after, final[there], ended, there, bad, nothing),
    ]
    if bad.any():
        rest = storage.gather([nests.as_lines(touched.pick(bad[touched.store])), *as_claims(laid, bad)])
        out.append(storage.join(rest, nothing))
    return gather(out)


def _paths(n: Nests, bad: Bools) -> Paths:
    """The places that nests go through. Marks stores as bad that have nests which need more than three dimensions."""
    count, step = n.count.copy(), np.where(n.count > 1, n.step, 0)
    number = n.rows * count[0] * count[1] * count[2]
    many = np.flatnonzero(n.rows > 1)
    if len(many):
        rows, inner = n.rows[many], count[0, many]
        fits = (count[1, many] == 1) & ((inner == 1) | (step[0, many] == rows))
        bad[n.store[many[~fits]]] = True
        count[0, many], step[0, many] = rows * inner, 1
    return Paths(n.cell, count, step, number)


def _last(n: Nests, paths: Paths, rows: Ints, bank: int, bad: Bools) -> Last:
    """Which write each read of stores that change hears. Marks stores as bad that are not made of arenas."""
    if not len(rows):
        return Last(rows, rows, rows)
    store, own = n.store[rows], paths.pick(rows)
    low, high = _folded(store, own, bank, bad)
    far = int(high.max()) + 2
    order = np.argsort(store * far + low)
    rows, store, own = rows[order], store[order], own.pick(order)
    key, end = store * far + low[order], store * far + high[order]
    fresh = np.ones(len(rows), bool)
    fresh[1:] = key[1:] > np.maximum.accumulate(end)[:-1]
    shape = np.concatenate((own.cell[None], own.count, own.step))
    other = (shape[:, 1:] != shape[:, :-1]).any(axis=0) & ~fresh[1:]
    bad[store[1:][other]] = True
    writes = n.writes[rows]
    written = np.flatnonzero(writes)
    bad[store[written[~_once(own.pick(written))]]] = True
    arena = np.cumsum(fresh) - 1
    time = n.time[rows]
    begin = int(time.min())
    _, until = bounds(time, n.count[:, rows], n.every[:, rows])
    long = 2 * (int(until.max()) - begin + 2)
    if int(arena[-1]) > (1 << 61) // long:
        bad[store] = True
        return Last(rows[:0], rows[:0], rows[:0])
    order = np.argsort(arena * long + 2 * (time - begin) + ~writes)
    rows, store, writes, until = rows[order], store[order], writes[order], until[order] - begin
    time = time[order] - begin
    _in_turn(n, rows, store, arena, time, until, writes, long, bad)
    place = np.arange(len(rows))
    latest = np.maximum.accumulate(np.where(writes, place, -1))
    heads = np.flatnonzero(fresh)
    latest = np.where(latest >= heads[arena], latest, -1)
    found = np.where(latest < 0, -1, rows[latest])
    final = found[np.append(heads[1:], len(rows)) - 1]
    return Last(rows[~writes], found[~writes], final[final >= 0])


def _folded(store: Ints, own: Paths, bank: int, bad: Bools) -> tuple[Ints, Ints]:
    """Bounds of paths; of stores in which any changes banks, modulo banks."""
    over = (own.step + bank // 2) // bank
    folds = np.zeros(len(bad), bool)
    folds[store[over.any(axis=0)]] = True
    fold = folds[store]
    cell = np.where(fold, own.cell % bank, own.cell)
    low, high = bounds(cell, own.count, own.step - over * bank)
    bad[store[(low < 0) | (fold & (high >= bank))]] = True
    return np.maximum(low, 0), np.maximum(high, 0)


def _once(own: Paths) -> Bools:
    """Of paths, whether they touch no place twice."""
    good: Bools = (own.step[0] != 0) | (own.count[0] == 1)
    deep = np.flatnonzero(own.count[1] > 1)
    if len(deep):
        pace, count = np.abs(own.step[:, deep]), own.count[:, deep]
        by, row = np.argsort(pace, axis=0), np.arange(len(deep))
        reach = np.zeros(len(deep), np.int64)
        for k in by:
            good[deep] &= (count[k, row] == 1) | (pace[k, row] > reach)
            reach = reach + (count[k, row] - 1) * pace[k, row]
    return good


def _in_turn(
    n: Nests, rows: Ints, store: Ints, arena: Ints, time: Ints, until: Ints, writes: Bools, long: int, bad: Bools
) -> None:
    """Marks stores as bad where the nests of an arena are not in the same order at all of its places.

    They are if all go at one pace, or if each has ended when the next write begins, and each write when a read does.
    """
    pace = np.concatenate((n.count[:, rows], n.every[:, rows], n.rows[None, rows]))
    same = arena[1:] == arena[:-1]
    other = np.zeros(int(arena[-1]) + 1, bool)
    other[arena[1:][same & (pace[:, 1:] != pace[:, :-1]).any(axis=0)]] = True
    twice = same & writes[1:] & writes[:-1] & (time[1:] == time[:-1])
    bad[store[1:][twice]] = True
    if other.any():
        base = arena * long
        ends = base + until + 1
        written = np.maximum.accumulate(np.where(writes, ends, base))[:-1] - base[1:]
        read = np.maximum.accumulate(np.where(writes, base, ends))[:-1] - base[1:]
        late = np.where(writes[1:], np.maximum(written, read) > time[1:], written > time[1:] + 1)
        bad[store[1:][late & other[arena[1:]]]] = True


def _from_writes(n: Nests, paths: Paths, last: Last, good: Bools, nothing: int) -> Segments:
    reads, heard = last.reads[good], last.heard[good]
    none = n.port[heard] == nothing
    zero, one = np.zeros(len(reads), np.int64), np.ones(len(reads), np.int64)
    at, pace = np.where(none, 0, n.issue[heard]), np.where(none, 0, 1)
    return Segments(n.port[reads], n.issue[reads] + zero, one, paths.number[reads], n.port[heard], at, pace)


def _from_tensors(n: Nests, paths: Paths, p: Places, reads: Ints, found: Found, good: Bools, nothing: int) -> Segments:
    """Reads of what was there before the first cycle."""
    empty = reads[good & (found.row < 0)]
    zero, one = np.zeros(len(empty), np.int64), np.ones(len(empty), np.int64)
    silent = Segments(n.port[empty], n.issue[empty], one, paths.number[empty], zero + nothing, zero, zero)
    some = np.flatnonzero(good & (found.row >= 0))
    read, row = reads[some], found.row[some]
    nest = lines(found.word[some], paths.count[:, read].T, found.step[:, some].T, found.step[:, some].T)
    read, row = read[nest.family], row[nest.family]
    heard = segments(
        n.port[read], n.issue[read] + nest.issue, nest.hop, nest.count,
        p.port[row], p.group[row] + nest.start * p.groups[row], nest.step * p.groups[row],
    )  # fmt: skip
    return gather((silent, heard))


def _to_outputs(
    n: Nests, paths: Paths, p: Places, final: Ints, found: Found, there: Bools, bad: Bools, nothing: int
) -> Segments:
    """What is there after the last cycle."""
    good = ~bad[n.store[final]]
    final, row = final[good], found.row[there][good]
    word, step = found.word[there][good], found.step[:, there][:, good]
    nest = lines(word, paths.count[:, final].T, step.T, step.T)
    final, row = final[nest.family], row[nest.family]
    none = n.port[final] == nothing
    return segments(
        p.port[row], p.group[row] + nest.start * p.groups[row], nest.step * p.groups[row], nest.count,
        n.port[final], np.where(none, 0, n.issue[final] + nest.issue), np.where(none, 0, nest.hop),
    )  # fmt: skip
