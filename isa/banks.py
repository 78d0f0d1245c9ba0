"""Banks of the slices: what holds them, and on which slices two may hold one in the same cycle.

Where words that use a bank keep apart in time, or go from bank to bank in opposite
turns, nothing more is to be shown. What remains are claims for the sweep.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lpuasm.isa.charges import Charges
from lpuasm.isa.claims import beyond, extent, within
from lpuasm.isa.core import table
from lpuasm.isa.direct import apart
from lpuasm.isa.distinct import indices
from lpuasm.isa.join import channels
from lpuasm.isa.once import per_target
from lpuasm.isa.ports import number
from lpuasm.isa.runs import Bools, Ints, Lines, Runs, claim, lines
from lpuasm.isa.target import Target
from lpuasm.isa.timeline import Timeline


@dataclass(frozen=True)
class Holds:
    """The families that hold banks, a row each: ``low`` and ``high``, their addresses; ``both``: they hold all banks;
    ``begin``, ``end``: the first and the last cycle."""

    family: Ints
    low: Ints
    high: Ints
    address: Ints
    both: Bools
    begin: Ints
    end: Ints


def holds(timeline: Timeline) -> Holds:
    """The families of ``timeline`` that hold banks."""
    whole, offset = _holds(timeline.target)
    rows = indices(offset[timeline.opcode] >= 0)
    code = timeline.opcode[rows]
    _, address = number(timeline, "address", rows)
    both = whole[code]
    at = np.zeros(len(rows), np.int64)
    at[~both] = address
    low, high = extent(timeline, rows, at)
    delay = offset[code]
    return Holds(rows, low, high, at, both, timeline.start[rows] + delay, timeline.last[rows] + delay)


def crowded(timeline: Timeline, held: Holds) -> Bools:
    """Of each of the families that hold banks, whether it is of a slice where two may hold one in the same cycle."""
    size, queue = timeline.target.geometry.words_per_bank, timeline.queue[held.family].astype(np.int64)
    if timeline.target.geometry.banks != 2:
        return np.ones(len(queue), bool)
    bank = held.low // size
    still = (bank == held.high // size) & (held.low >= 0) & (held.high < timeline.target.words) & ~held.both
    moving = indices(~still & ~held.both)
    hard = np.zeros(len(timeline.target.queues), bool)
    hard[queue[~_once(timeline, held.family)]] = True
    turning = np.zeros(len(hard), bool)
    lane = bank
    if len(moving):
        good, phase, half = _turns(timeline, held, moving, size)
        own = queue[moving]
        turning[own] = True
        ref_phase, ref_half = np.zeros((2, len(hard)), np.int64)
        ref_phase[own], ref_half[own] = phase, half
        turn = (phase - ref_phase[own]) % np.maximum(2 * half, 1)
        hard[own[~good | (half != ref_half[own]) | ((turn != 0) & (turn != half))]] = True
        lane = bank.copy()
        lane[moving] = turn != 0
    # Where others turn, what stays in one bank is in the way of both turns.
    wide = indices(held.both | (turning[queue] & still))
    lane = np.where(held.both, 0, lane & 1)
    channel = 2 * queue + lane
    if len(wide):
        lane_too = 2 * queue[wide] + 1 - lane[wide]
        channel = np.concatenate((channel, lane_too))
        begin, end = (np.concatenate((c, c[wide])) for c in (held.begin, held.end))
        free = apart(channel, begin, end)
    else:
        free = apart(channel, held.begin, held.end)
    hard[indices(~free) // 2] = True
    return hard[queue]


def _once(timeline: Timeline, family: Ints) -> Bools:
    """Whether families never issue twice in a cycle."""
    count, every = (c.T.take(family, axis=1) for c in (timeline.count, timeline.every))
    good: Bools = (count[0] == 1) | (every[0] > 0)
    deep = indices(count[1] > 1)
    if len(deep):
        count, every = count.take(deep, axis=1), every.take(deep, axis=1)
        span = (count[0] - 1) * every[0]
        for k in (1, 2):
            good[deep] &= (count[k] == 1) | (every[k] > span)
            span = span + (count[k] - 1) * every[k]
    return good


def _turns(timeline: Timeline, held: Holds, rows: Ints, size: int) -> tuple[Bools, Ints, Ints]:
    """Of words that use both banks: whether they change it at equal times, the cycle in which they are first in bank 0
    modulo two turns, and the length of a turn."""
    family = held.family[rows]
    count, every, step = (c.T.take(family, axis=1) for c in (timeline.count, timeline.every, timeline.step))
    step = np.where(count > 1, step, 0)
    over = (step + size // 2) // size
    rest = step - over * size
    half, first = every[1], held.address[rows] // size
    low = high = held.address[rows] % size
    for move in (count - 1) * rest:
        low, high = low + np.minimum(move, 0), high + np.maximum(move, 0)
    good = (count[1] == 2) & (over[0] == 0) & (over[2] == 0) & (over[1] == 1 - 2 * first)
    good &= ((count[0] - 1) * every[0] < half) & ((count[2] == 1) | (every[2] == 2 * half)) & (half > 0)
    good &= (low >= 0) & (high < size)
    good &= (first == 0) | (first == 1)
    return good, held.begin[rows] + first * half, half


def outside(timeline: Timeline, held: Holds) -> Charges:
    """LPU0310: addresses beyond the slice."""
    some = indices(~held.both) if held.both.any() else slice(None)
    bounds = held.low[some], held.high[some]
    return beyond(timeline, held.family[some], held.address[some], timeline.target.words, bounds)


def banks(timeline: Timeline, nests: Lines, held: Holds) -> list[Runs]:
    """What reads, writes, gathers and scatters hold where they may be in each other's way: a channel a bank, in cycles.

    Addresses outside hold nothing.
    """
    if not len(held.family):
        return []
    some = indices(crowded(timeline, held))
    return _claims(timeline, nests, held, some) if len(some) else []


def _claims(timeline: Timeline, nests: Lines, held: Holds, some: Ints) -> list[Runs]:
    target = timeline.target
    _, offset = _holds(target)
    opcode, count, size = timeline.opcode, target.geometry.banks, target.geometry.words_per_bank
    first = channels(target).banks + timeline.queue.astype(np.int64) * count
    both = held.family[some[held.both[some]]]
    out = [claim(nests, both, first[both] + bank, offset[opcode[both]], writes=True) for bank in range(count)]
    some = some[~held.both[some]]
    family, address, low, high = held.family[some], held.address[some], held.low[some], held.high[some]
    one = (low // size == high // size) & (low >= 0) & (high < target.words)
    rows = family[one]
    out.append(claim(nests, rows, first[rows] + low[one] // size, offset[opcode[rows]], writes=True))
    if one.all():
        return out
    rows, address = family[~one], address[~one]
    nest = lines(timeline.start[rows], timeline.count[rows], timeline.every[rows], timeline.step[rows])
    for bank in range(count):
        begin, end = within(address[nest.family] + nest.moved, nest.step, nest.count, bank * size, (bank + 1) * size)
        part = indices(begin < end)
        own = rows[nest.family[part]]
        line = Lines(
            np.arange(len(part)), nest.start[part] + begin[part] * nest.stride[part], nest.stride[part],
            (end - begin)[part], nest.issue[part], nest.hop[part], nest.moved[part], nest.step[part],
        )  # fmt: skip
        at = np.arange(len(part)), np.arange(len(part))
        out.append(claim(line, own, first[own] + bank, offset[opcode[own]], writes=True, at=at))
    return out


@per_target
def _holds(target: Target) -> tuple[Bools, Ints]:
    """By opcode: whether all banks are held, and in which cycle after dispatch; −1 for words that hold none."""
    whole, offset = np.zeros(256, bool), np.full(256, -1, np.int64)
    for d in table(target):
        if d.timing.banks:
            whole[d.opcode], offset[d.opcode] = d.timing.banks
    return whole, offset
