"""What is stored and read again, where that is simple: whole nests that hear whole nests, without lines or sweeps.

An *arena* is places of a store that are touched together: all nests in it go
through the same places in the same order, so it is like a single variable. Reads
hear the last write before them, or the tensor that lay there, and outputs the last
write of all. Arenas where that is not so are cut by ``stretches.py``, or left to ``storage.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lpuasm.isa.distinct import indices
from lpuasm.isa.runs import Bools, Ints, lines
from lpuasm.vm import nests, storage
from lpuasm.vm.nests import Nests, Paths, both, bounds
from lpuasm.vm.placed import Found, Laid, Places, as_claims, find, places
from lpuasm.vm.segments import Segments, gather, segments
from lpuasm.vm.stretches import Cut, cut


@dataclass(frozen=True)
class Last:
    """Of nests of stores that change: by nest its ``arena``, −1 for others; by arena whether it is ``bad``, for its
    nests are not alike; the rows of ``reads``, and the write that each hears, −1 if none; the ``final`` writes."""

    arena: Ints
    bad: Bools
    reads: Ints
    heard: Ints
    final: Ints


def join(touched: Nests, laid: list[Laid], bank: int, nothing: int) -> Segments:
    """What every read hears, and every output; places that nothing wrote hold port ``nothing``.

    ``laid``: tensors before the first and after the last cycle; ``bank``: words of a bank.
    """
    stores = 1 + max([int(touched.store.max(initial=0)), *(max(one.layout.slices) for one in laid)])
    begin, end = ([one for one in laid if one.writes == kind] for kind in (True, False))
    before, after = places(begin, stores), places(end, stores)
    paths, hard = _paths(touched)
    changing = np.zeros(stores, bool)
    changing[touched.store[touched.writes]] = True
    changes = changing[touched.store]
    last = _last(touched, paths, indices(changes), bank, hard)
    arena, stiff = last.arena, np.zeros(len(last.bad), bool)
    paths = replace(paths, arena=arena)
    stiff[arena[hard & changes]] = True
    rows = np.concatenate((indices(~changes), last.reads[last.heard < 0]))
    first = paths.pick(rows)
    begun = find(before, first, bank)
    hard[rows[begun.row == -2]] = True
    last.bad[arena[hard & changes]] = True
    hard |= changes & last.bad[arena]
    final = paths.pick(last.final[~hard[last.final]])
    # Arenas whose nests are not alike are cut into such where they are, unless they have nests of no simple form.
    some = indices(changes & (last.bad & ~stiff)[arena])
    parts = cut(touched.pick(some), arena[some], len(stiff)) if len(some) else None
    if parts is not None:
        reached = find(before, parts.silent, bank)
        parts.settled[parts.silent.arena[reached.row == -2]] = False
        final = both(final, parts.final.pick(parts.settled[parts.final.arena]))
    # Outputs are taken where finished arenas make up all of them; other slices that they lie in are left altogether.
    ended = find(after, final, bank)
    there = ended.row >= 0
    covered = np.bincount(ended.row[there], final.number[there], len(after.store))
    left = np.zeros(stores, bool)
    left[final.store[ended.row == -2]] = True
    left[after.store[covered != after.number]] = True
    hard |= left[touched.store]
    out = [
        _from_writes(paths, last, ~hard[last.reads] & (last.heard >= 0), nothing),
        _from_tensors(before, first, begun, ~hard[rows], nothing),
        _to_outputs(after, final, ended, there & ~left[final.store], nothing),
    ]
    if parts is not None:
        heard, silent, whole = (parts.settled[p.arena] & ~left[p.store] for p in (parts.reads, parts.silent, paths))
        out += [_from_parts(parts, heard, nothing), _from_tensors(before, parts.silent, reached, silent, nothing)]
        hard &= ~(changes & whole)
    if hard.any() or left.any():
        rest = touched.pick(hard)
        asked = left.copy()
        asked[rest.store] = True
        claims = storage.gather([nests.as_lines(rest), *as_claims(begin, asked), *as_claims(end, left)])
        out.append(storage.join(claims, nothing))
    return gather(out)


def _paths(n: Nests) -> tuple[Paths, Bools]:
    """The places that nests go through, and for which nests that needs more than three dimensions."""
    count, step = n.count.copy(), np.where(n.count > 1, n.step, 0)
    number = n.rows * count[0] * count[1] * count[2]
    hard, many = np.zeros(len(n), bool), indices(n.rows > 1)
    if len(many):
        rows, inner = n.rows[many], count[0, many]
        hard[many] = (count[1, many] > 1) | ((inner > 1) & (step[0, many] != rows))
        count[0, many], step[0, many] = rows * inner, 1
    return Paths(n.store, n.port, n.issue, np.full(len(n), -1), number, n.cell, count, step), hard


def _last(n: Nests, paths: Paths, rows: Ints, bank: int, hard: Bools) -> Last:
    """Which write each read of ``rows``, those of stores that change, hears. Those that are ``hard`` spoil an arena."""
    of = np.full(len(n), -1)
    if not len(rows):
        return Last(of, np.zeros(1, bool), rows, rows, rows)
    store, own = n.store[rows], paths.pick(rows)
    low, high = _folded(store, own, bank, hard, rows)
    far = int(high.max()) + 2
    order = np.argsort(store * far + low)
    rows, store, own = rows[order], store[order], own.pick(order)
    key, end = store * far + low[order], store * far + high[order]
    fresh = np.ones(len(rows), bool)
    fresh[1:] = key[1:] > np.maximum.accumulate(end)[:-1]
    arena = fresh.cumsum() - 1
    of[rows] = arena
    bad = np.zeros(int(arena[-1]) + 1, bool)
    bad[arena[hard[rows]]] = True
    shape = np.concatenate((own.cell[None], own.count, own.step))
    bad[arena[1:][(shape[:, 1:] != shape[:, :-1]).any(axis=0) & ~fresh[1:]]] = True
    writes = n.writes[rows]
    written = indices(writes)
    bad[arena[written[~_once(own.pick(written))]]] = True
    time = n.time[rows]
    begin = int(time.min())
    _, until = bounds(time, n.count.take(rows, axis=1), n.every.take(rows, axis=1))
    long = 2 * (int(until.max()) - begin + 2)
    if len(bad) > (1 << 61) // long:
        bad[:] = True
        return Last(of, bad, rows[:0], rows[:0], rows[:0])
    order = np.argsort(arena * long + 2 * (time - begin) + ~writes)
    rows, writes, until, time = rows[order], writes[order], until[order] - begin, time[order] - begin
    _in_turn(n, rows, arena, time, until, writes, long, bad)
    latest = np.maximum.accumulate(np.where(writes, np.arange(len(rows)), -1))
    heads = indices(fresh)
    found = np.where(latest >= heads[arena], rows[latest], -1)
    # What is only read need not be alike.
    quiet = np.ones(len(bad), bool)
    quiet[arena[writes]] = False
    quiet[of[rows[hard[rows]]]] = False
    bad[quiet] = False
    final = found[np.append(heads[1:], len(rows)) - 1]
    return Last(of, bad, rows[~writes], found[~writes], final[final >= 0])


def _folded(store: Ints, own: Paths, bank: int, hard: Bools, rows: Ints) -> tuple[Ints, Ints]:
    """Bounds of paths; of stores in which any changes banks, modulo banks. Where one does not fit, all are hard."""
    over = (own.step + bank // 2) // bank
    folds, bad = np.zeros((2, int(store.max()) + 1), bool)
    folds[store[over.any(axis=0)]] = True
    fold = folds[store]
    cell = np.where(fold, own.cell % bank, own.cell)
    low, high = bounds(cell, own.count, own.step - over * bank)
    bad[store[(low < 0) | (fold & (high >= bank))]] = True
    hard[rows[bad[store]]] = True
    return np.maximum(low, 0), np.maximum(high, 0)


def _once(own: Paths) -> Bools:
    """Of paths, whether they touch no place twice."""
    good: Bools = (own.step[0] != 0) | (own.count[0] == 1)
    deep = indices(own.count[1] > 1)
    if len(deep):
        pace, count = np.abs(own.step.take(deep, axis=1)), own.count.take(deep, axis=1)
        by, row = np.argsort(pace, axis=0), np.arange(len(deep))
        reach = np.zeros(len(deep), np.int64)
        for k in by:
            good[deep] &= (count[k, row] == 1) | (pace[k, row] > reach)
            reach = reach + (count[k, row] - 1) * pace[k, row]
    return good


def _in_turn(n: Nests, rows: Ints, arena: Ints, time: Ints, until: Ints, writes: Bools, long: int, bad: Bools) -> None:
    """Marks arenas as bad whose nests are not in the same order at all of its places.

    They are if all go at one pace, or if each has ended when the next write begins, and each write when a read does.
    """
    pace = np.concatenate((n.count.take(rows, axis=1), n.every.take(rows, axis=1), n.rows[None, rows]))
    same = arena[1:] == arena[:-1]
    other = np.zeros(len(bad), bool)
    other[arena[1:][same & (pace[:, 1:] != pace[:, :-1]).any(axis=0)]] = True
    bad[arena[1:][same & writes[1:] & writes[:-1] & (time[1:] == time[:-1])]] = True
    if other.any():
        base = arena * long
        ends = base + until + 1
        written = np.maximum.accumulate(np.where(writes, ends, base))[:-1] - base[1:]
        read = np.maximum.accumulate(np.where(writes, base, ends))[:-1] - base[1:]
        late = np.where(writes[1:], np.maximum(written, read) > time[1:], written > time[1:] + 1)
        bad[arena[1:][late & other[arena[1:]]]] = True


def _from_writes(paths: Paths, last: Last, good: Bools, nothing: int) -> Segments:
    reads, heard = paths.pick(last.reads[good]), last.heard[good]
    source = paths.port[heard]
    none = source == nothing
    zero, one = np.zeros(len(reads), np.int64), np.ones(len(reads), np.int64)
    at, pace = np.where(none, 0, paths.issue[heard]), np.where(none, 0, 1)
    return Segments(reads.port, reads.issue + zero, one, reads.number, source, at, pace)


def _from_parts(parts: Cut, good: Bools, nothing: int) -> Segments:
    some = indices(good)
    reads, source, at, pace = parts.reads.pick(some), parts.source[some], parts.at[some], parts.pace.take(some, axis=1)
    none = source == nothing
    at, pace = np.where(none, 0, at), np.where(none, 0, pace)
    nest = lines(at, reads.count.T, pace.T, pace.T)
    of = nest.family
    return segments(
        reads.port[of], reads.issue[of] + nest.issue, nest.hop, nest.count, source[of], nest.start, nest.step
    )  # fmt: skip


def _from_tensors(p: Places, first: Paths, found: Found, good: Bools, nothing: int) -> Segments:
    """Reads of what was there before the first cycle."""
    empty = first.pick(good & (found.row < 0))
    zero, one = np.zeros(len(empty), np.int64), np.ones(len(empty), np.int64)
    silent = Segments(empty.port, empty.issue, one, empty.number, zero + nothing, zero, zero)
    some = indices(good & (found.row >= 0))
    reads, row = first.pick(some), found.row[some]
    step = found.step.take(some, axis=1)
    nest = lines(found.word[some], reads.count.T, step.T, step.T)
    own, row = nest.family, row[nest.family]
    heard = segments(
        reads.port[own], reads.issue[own] + nest.issue, nest.hop, nest.count,
        p.port[row], p.group[row] + nest.start * p.groups[row], nest.step * p.groups[row],
    )  # fmt: skip
    return gather((silent, heard))


def _to_outputs(p: Places, final: Paths, found: Found, good: Bools, nothing: int) -> Segments:
    """What is there after the last cycle."""
    some = indices(good)
    final, row = final.pick(some), found.row[some]
    word, step = found.word[some], found.step.take(some, axis=1)
    nest = lines(word, final.count.T, step.T, step.T)
    own, row = nest.family, row[nest.family]
    none = final.port[own] == nothing
    return segments(
        p.port[row], p.group[row] + nest.start * p.groups[row], nest.step * p.groups[row], nest.count,
        final.port[own], np.where(none, 0, final.issue[own] + nest.issue), np.where(none, 0, nest.hop),
    )  # fmt: skip
