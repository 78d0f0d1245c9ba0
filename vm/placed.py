"""Tensors in slices: where their vectors lie, and which of them a nest of addresses goes through."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from lpuasm.isa.layout import Layout
from lpuasm.isa.runs import Bools, Ints
from lpuasm.vm.nests import Paths, bounds
from lpuasm.vm.nodes import one_port
from lpuasm.vm.storage import Claims, claims


@dataclass(frozen=True)
class Laid:
    """A tensor in SRAM in cycle ``time``: its vectors are those of slot ``slot`` of ``node``, a port each byte."""

    layout: Layout
    node: int
    slot: int
    time: int
    writes: bool


@dataclass(frozen=True)
class Places:
    """The words of tensors in each of their slices, a row each, by slice and address.

    ``first``, ``last``: bounds of their addresses; ``run``: words that follow each other in a bank, 0 if all do;
    ``number`` of words; word w is vector ``group`` + w · ``groups`` of ``port``. ``apart``: by store, whether none of
    its rows is between the words of another one.
    """

    store: Ints
    first: Ints
    last: Ints
    run: Ints
    number: Ints
    group: Ints
    groups: Ints
    port: Ints
    apart: Bools


def places(laid: Iterable[Laid], stores: int) -> Places:
    """The places of tensors; ``stores``: more than the number of any slice."""
    rows = []
    for one in laid:
        layout = one.layout
        planes, groups, vectors, depth = layout.planes, layout.groups, layout.vectors, layout.depth
        run = layout.run if 0 < layout.run < depth else 0
        last = layout.address + depth - 1
        if run:
            last = layout.address + layout.bank_words + (depth - 1) // (2 * run) * run + run - 1
        for k, store in enumerate(layout.slices[: groups * planes]):
            group, plane = divmod(k, planes)
            number = -(-(vectors - group) // groups)
            if number > 0:
                port = one_port(one.node, one.slot, plane)
                rows.append((store, layout.address, last, run, number, group, groups, port))
    rows.sort()
    slices, firsts, lasts, runs, numbers, own, every, ports = np.array(rows, np.int64).reshape(-1, 8).T.copy()
    apart = np.ones(stores, bool)
    apart[slices[1:][(slices[1:] == slices[:-1]) & (firsts[1:] <= lasts[:-1])]] = False
    return Places(slices, firsts, lasts, runs, numbers, own, every, ports, apart)


@dataclass(frozen=True)
class Found:
    """Of nests of addresses: the row of the places that hold all of it, −1 where there is no tensor, −2 where that
    cannot be said so simply; the word of the first, and the words from one to the next in each dimension, [3, n]."""

    row: Ints
    word: Ints
    step: Ints


def find(p: Places, paths: Paths, bank: int) -> Found:
    """Where ``paths`` lie; ``bank``: the words of a bank."""
    store, cell, count, step = paths.store, paths.cell, paths.count, paths.step
    if not len(p.store) or not len(paths):
        return Found(np.full(len(store), -1), cell, step)
    low, high = bounds(cell, count, step)
    far = int(max(p.last.max(), high.max(initial=0))) + 2
    begin = p.store * far + p.first
    row = begin.searchsorted(store * far + np.maximum(low, 0), "right") - 1
    held = (row >= 0) & (p.store[row] == store)
    last = p.last[row]
    # Outside of all: after the one before it, and before the next one.
    next_ = np.append(begin, begin[-1] + (1 << 60))[row + 1]
    free = ~(held & (low <= last)) & (next_ > store * far + high)
    first, run = p.first[row], p.run[row]
    word, fits = cell - first, held & (high <= last) & p.apart[store]
    if run.any():
        word, step, good = _in_runs(word, count, step, run, bank)
        low, high = bounds(word, count, step)
        fits &= good
    else:
        low, high = low - first, high - first
    fits &= (low >= 0) & (high < p.number[row])
    return Found(np.where(free & p.apart[store], -1, np.where(fits, row, -2)), word, step)


def _in_runs(word: Ints, count: Ints, step: Ints, run: Ints, bank: int) -> tuple[Ints, Ints, Bools]:
    """Addresses, counted from a tensor's first, and steps of nests [3, n] as words of tensors that change banks after
    each ``run`` of words (0: never); and for which nests that is right."""
    whole = run == 0
    block = np.where(whole, 1 << 40, run)
    side, place = np.divmod(word, bank)
    side, place = np.where(whole, 0, side), np.where(whole, word, place)
    turn, rest = np.divmod(place, block)
    over = np.where(whole, 0, (step + bank // 2) // bank)
    turns, rests = np.divmod(step - over * bank, block)
    # No dimension may carry over from place to run to bank.
    least, most = bounds(side, count, over)
    good = (word >= 0) & (bounds(rest, count, rests)[1] < block) & (least >= 0) & (most <= 1)
    return (
        np.where(whole, word, (2 * turn + side) * run + rest),
        np.where(whole, step, (2 * turns + over) * run + rests),
        good | whole,
    )


def as_claims(laid: Iterable[Laid], of: Bools) -> list[Claims]:
    """Tensors as claims on the slices of ``of``, by number."""
    return [_claims(one, of) for one in laid if one.layout.vectors]


def _claims(one: Laid, of: Bools) -> Claims:
    layout = one.layout
    groups, planes = layout.groups, layout.planes
    word, count, hop = _runs_of(layout)
    address = layout.word_address(word)
    step = np.where(count > 1, layout.word_address(word + np.where(count > 1, hop, 0)) - address, 1)
    group = np.arange(groups)[:, None]
    # The last words of a tensor need not reach every group.
    number = np.minimum(count, -(-(layout.vectors - group - word * groups) // (hop * groups)))
    slices = np.array(layout.slices[: groups * planes]).reshape(groups, planes)
    group, plane, line = ((number > 0)[:, None] & of[slices][:, :, None]).nonzero()
    zero = np.zeros(len(line), np.int64)
    return claims(
        slices[group, plane], address[line], step[line], number[group, line], zero + one.time, zero, one.writes,
        one_port(one.node, one.slot) + plane, word[line] * groups + group, zero + hop * groups,
    )  # fmt: skip


def _runs_of(layout: Layout) -> tuple[Ints, Ints, int]:
    """The words of a tensor in lines of even addresses: the first word and the words of each, and from one to the next.

    Words in runs of one bank and then the other: a line for each place in a pair of runs, or for each run.
    """
    run, depth = layout.run, layout.depth
    if not 0 < run < depth:
        return np.zeros(1, np.int64), np.array([depth], np.int64), 1
    if 2 * run <= -(-depth // run):
        word = np.arange(min(2 * run, depth))
        return word, -(-(depth - word) // (2 * run)), 2 * run
    word = np.arange(0, depth, run)
    return word, np.minimum(run, depth - word), 1
