"""The verdict: whether a program is legal in time, decided from its words and the specification alone.

Nothing is run and no repeat is unrolled. Every rule is checked for itself, as
if all others held, so that what is found first in time is what a machine that
stops at its first fault finds; of what comes later, some may follow from it.

Where the rules leave open which cycle or word is charged: two drives, the cycle
of the drive, and the later word in the order of queues and words (an operand
that meets both hears that one); an operand, the cycle in which it is sampled; a
bank, the cycle in which it is held; a generator, an address, a group, a link, a
claimed queue, the dispatch; a claimed queue, the word of plane 1; a `sync` that
nothing releases, the cycle in which the queue came to it. An operand without a
tap claims nothing. Results of `abc.i8` and of `abc.f16` go to `acc` of their
own type only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from lpuasm.isa.banks import banks, holds
from lpuasm.isa.banks import outside as beyond_slices
from lpuasm.isa.charges import Charges, charges, gather
from lpuasm.isa.claims import generators, misplaced_pairs, outside, packets, siblings
from lpuasm.isa.core import table
from lpuasm.isa.direct import hear
from lpuasm.isa.distinct import indices
from lpuasm.isa.errors import AssemblyError
from lpuasm.isa.faults import Violation, describe
from lpuasm.isa.intent import meant, misheard
from lpuasm.isa.join import Joined, Traffic, channels, join, traffic
from lpuasm.isa.program import Program
from lpuasm.isa.runs import Bools, Ints, Runs, stack
from lpuasm.isa.sweep import Heard, Meetings
from lpuasm.isa.target import DIRECTIONS
from lpuasm.isa.wiring import crossed, unreachable

#: How many faults are told at most.
MOST = 20


@dataclass(frozen=True)
class Proof:
    """What the verdict found: the faults, what moves, and who hears whom."""

    violations: tuple[Violation, ...]
    moves: Traffic
    runs: Runs
    heard: Heard

    @cached_property
    def joined(self) -> Joined:
        """Every operand with the issues that it hears."""
        return join(self.runs, self.heard)


def verdict(program: Program) -> tuple[Violation, ...]:
    """The faults in time of a streaming program, in order of cycle, queue and code; empty if it is legal.

    At most ``MOST``; the first is the first there is. Words are taken to be valid encodings. Scalar programs have none.
    """
    return prove(program).violations


def prove(program: Program) -> Proof:
    """The verdict on ``program``, and its joins, from one sweep."""
    timeline = program.timeline
    moves = traffic(timeline)
    held = holds(timeline)
    more = [*banks(timeline, moves.lines, held), *siblings(moves)]
    runs = stack([moves.runs, *more]) if more else moves.runs
    heard, meetings = hear(runs)
    crossings, way = crossed(moves)
    found = [
        *_met(moves, runs, meetings),
        *_unheard(moves, runs, heard),
        _turned(moves, runs, heard, way),
        misheard(program, moves, runs, heard),
        crossings,
        generators(timeline),
        misplaced_pairs(moves),
        beyond_slices(timeline, held),
        *outside(moves),
        *unreachable(moves),
        *packets(timeline, moves.lines),
    ]
    first = gather(found).first(MOST)
    violations = [_violation(program, moves, runs, first, k) for k in range(len(first.cycle))]
    violations += [Violation(s.cycle, s.queue.number, s.word, s.code) for s in timeline.stuck]
    return Proof(tuple(sorted(violations, key=lambda v: v.order)[:MOST]), moves, runs, heard)


def check(program: Program) -> None:
    """Raises AssemblyError with a diagnostic for each fault unless ``program`` is legal in time."""
    violations = verdict(program)
    if violations:
        raise AssemblyError(*(describe(program, v) for v in violations))


def _cycle(runs: Runs, run: Ints, cell: Ints) -> Ints:
    """The cycles of cells of runs: a stream's cells are diagonals, the others' are cycles and have rank 0."""
    return runs.start[run] + cell * runs.stride[run] + runs.rank[run]


def _met(moves: Traffic, runs: Runs, meetings: Meetings) -> list[Charges]:
    """LPU0301, LPU0303, LPU0306: claims that meet in a cell."""
    if not len(meetings.second):
        return []
    first, channel = channels(moves.timeline.target), runs.channel[meetings.second]
    out = []
    for code, low, high in ((301, 0, first.alus), (303, first.banks, first.queues), (306, first.queues, 1 << 62)):
        rows = indices((channel >= low) & (channel < high))
        one, other = meetings.second[rows], meetings.first[rows]
        cycle = _cycle(runs, one, meetings.cell[rows])
        family, whose = runs.family[one], runs.family[other]
        place = {"operand": runs.operand[one], "channel": channel[rows], "rank": runs.rank[one]}
        out.append(charges(moves.timeline, code, cycle, family, whose, **place))
    return out


def _unheard(moves: Traffic, runs: Runs, heard: Heard) -> list[Charges]:
    """LPU0302, LPU0307: operands for which nothing is there."""
    if int(heard.writer.min(initial=0)) >= 0:
        return []
    first, channel = channels(moves.timeline.target), runs.channel[heard.reader]
    out = []
    for code, streams in ((302, True), (307, False)):
        rows = indices((heard.writer < 0) & ((channel < first.alus) == streams))
        run = heard.reader[rows]
        cycle = _cycle(runs, run, heard.first[rows])
        place = {"operand": runs.operand[run], "channel": channel[rows], "rank": runs.rank[run]}
        out.append(charges(moves.timeline, code, cycle, runs.family[run], **place))
    return out


def _turned(moves: Traffic, runs: Runs, heard: Heard, way: Ints) -> Charges:
    """LPU0308: results of ALUs that came by links of the other way than the one that takes them."""
    if not way.any():
        return charges(moves.timeline, 308, way[:0], way[:0])
    first, channel = channels(moves.timeline.target), runs.channel[heard.reader]
    linked: Bools = (channel >= first.alus) & (channel < first.planes) & (heard.writer >= 0)
    rows = indices(linked)
    reader, writer = runs.family[heard.reader[rows]], runs.family[heard.writer[rows]]
    bad = (way[writer] != 0) & (way[writer] != way[reader])
    rows, run = rows[bad], heard.reader[rows[bad]]
    cycle = _cycle(runs, run, heard.first[rows])
    return charges(moves.timeline, 308, cycle, reader[bad], writer[bad], operand=runs.operand[run])


def _violation(program: Program, moves: Traffic, runs: Runs, of: Charges, k: int) -> Violation:
    """Row ``k`` of the charges, with the place in words."""
    target, first = program.target, channels(program.target)
    queue, word, channel, operand = (int(c[k]) for c in (of.queue, of.word, of.channel, of.operand))
    code, cycle, rank = (int(c[k]) for c in (of.code, of.cycle, of.rank))
    found = Violation(
        cycle, queue, word, f"LPU{code:04}", int(of.other_queue[k]), int(of.other_word[k]), value=int(of.value[k])
    )
    if operand >= 0:
        name = target.queues[queue].name
        definition = table(target).by_opcode[program.word(name, word) & 0xFF]
        found = replace(found, operand=definition.operands[operand].name)
    if 0 <= channel < first.alus:
        way, stream = divmod(channel, target.geometry.streams)
        found = replace(found, direction=DIRECTIONS[way], stream=stream, register=rank)
    elif first.banks <= channel < first.queues:
        found = replace(found, bank=(channel - first.banks) % target.geometry.banks)
    if code in (302, 307, 314):
        whom = meant(program, queue, word, operand, found.stream) if code == 314 else None
        found = replace(found, late_by=_late(moves, runs, channel, cycle, rank, whom))
    return found


def _late(
    moves: Traffic, runs: Runs, channel: int, cycle: int, rank: int, whom: list[tuple[int, int]] | None
) -> int | None:
    """By how many cycles a reader comes after the nearest value that it could hear; None if there is none.

    ``whom``: the words, as (queue, word), whose values count; None: any word's.
    """
    rows = indices(runs.writes & (runs.channel == channel) & (runs.rank <= rank))
    if whom is not None:
        queue, word = (column[runs.family[rows]] for column in (moves.timeline.queue, moves.timeline.word))
        named = [(queue == q) & (word == w) for q, w in whom]
        rows = rows[np.logical_or.reduce(named)]
    start, stride, count = runs.start[rows], runs.stride[rows], runs.count[rows]
    if not len(start):
        return None
    here = cycle - rank
    cell = np.clip((here - start + stride // 2) // stride, 0, count - 1)
    late = here - (start + cell * stride)
    return int(late[np.abs(late).argmin()])
