"""Consumers joined to producers: for every operand, which issue of which word it hears.

Streams: a value is named by its direction, stream and diagonal (cycle − SR); a
reader hears the nearest upstream writer of its diagonal. An ALU's result is
there for other ALUs ``link`` cycles after its dispatch and in no other. A
plane's result passes ACC in one cycle, and that cycle's `acc` takes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lpuasm.isa.core import table
from lpuasm.isa.direct import hear
from lpuasm.isa.distinct import indices
from lpuasm.isa.once import per_target
from lpuasm.isa.ports import NONE, Accesses, Links, accesses, paired, ports
from lpuasm.isa.runs import Bools, Ints, Lines, Runs, claim, lines, stack
from lpuasm.isa.sweep import Heard
from lpuasm.isa.target import HEMISPHERES, Target
from lpuasm.isa.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Channels:
    """The first channel of each kind: streams from 0, eastward first; ALUs, planes, pairs of planes, banks, queues."""

    alus: int
    planes: int
    pairs: int
    banks: int
    queues: int


@per_target
def channels(target: Target) -> Channels:
    g = target.geometry
    alus = 2 * g.streams
    planes = alus + g.alus
    pairs = planes + len(HEMISPHERES) * g.planes
    banks = pairs + len(HEMISPHERES)
    return Channels(alus, planes, pairs, banks, banks + len(HEMISPHERES) * g.slices * g.banks)


@dataclass(frozen=True)
class Joined:
    """What readers hear; a row a run of ``count`` values.

    ``reader``, ``writer``: families of the timeline (writer −1: nothing is there). ``operand``: index in the reader's
    definition, −1 for the result that an `acc` takes. ``byte``: which stream of the operand's group. ``writer_operand``
    and ``writer_byte``: the same of the writer; −1 and 0 where the value does not come by a stream. Value k of a row
    goes from issue ``writer_issue`` + k · ``writer_hop`` to issue ``issue`` + k · ``hop`` of the families.
    """

    reader: Ints
    operand: Ints
    byte: Ints
    issue: Ints
    hop: Ints
    writer: Ints
    writer_operand: Ints
    writer_byte: Ints
    writer_issue: Ints
    writer_hop: Ints
    count: Ints


@dataclass(frozen=True)
class Traffic:
    """What the families of a timeline move: their stream operands, the ALUs that they name, and all of it as runs.

    ``wide``: of each family, whether it claims the same queue of the hemisphere's other plane."""

    timeline: Timeline
    lines: Lines
    reads: Accesses
    drives: Accesses
    links: Links
    wide: Bools
    runs: Runs


def traffic(timeline: Timeline) -> Traffic:
    """Everything that the families of ``timeline`` sample, drive and take."""
    tables = ports(timeline.target)
    opcode = timeline.opcode
    nests = lines(timeline.start, timeline.count, timeline.every)
    reads, drives, links = accesses(timeline)
    parts = [
        _streams(timeline, nests, reads, tables.skew[opcode], False),
        _streams(timeline, nests, drives, tables.func[opcode], True),
    ]
    first = channels(timeline.target)
    if len(links.family):
        parts.append(claim(nests, links.family, first.alus + links.alu, 0, writes=False, operand=links.operand))
        alu = _indices(timeline.target)["vxm"][timeline.queue]
        named = np.zeros(timeline.target.geometry.alus, bool)
        named[links.alu] = True
        rows = indices((tables.link[opcode] != NONE) & (alu != NONE) & named[alu])
        parts.append(claim(nests, rows, first.alus + alu[rows], tables.link[opcode[rows]], writes=True))
    wide = paired(timeline)
    parts += _results(timeline, nests, wide)
    return Traffic(timeline, nests, reads, drives, links, wide, stack(parts))


def _streams(timeline: Timeline, nests: Lines, operands: Accesses, offset: Ints, writes: bool) -> Runs:
    """Runs of stream operands on diagonals. Operands without a tap have none."""
    a = operands
    rows = indices(a.tap != NONE)
    family, tap = a.family[rows], a.tap[rows]
    channel = a.west[rows] * timeline.target.geometry.streams + a.stream[rows]
    operand, size = a.operand[rows], a.size[rows]
    return claim(nests, family, channel, offset[family] - tap, writes=writes, rank=tap, operand=operand, size=size)


def _results(timeline: Timeline, nests: Lines, wide: Bools) -> list[Runs]:
    """Results of planes, and the `acc` that take them, in the cycle of the `acc`; pairs have channels of their own."""
    target, taps = timeline.target, timeline.target.taps
    abc, acc = (table(target).find(name, name) for name in ("abc", "acc"))
    assert abc is not None and acc is not None
    way = abc.timing.func + taps.acc_result - taps.mxm_result
    first, opcode = channels(target), timeline.opcode
    out = []
    for definition, delay, writes in ((abc, way, True), (acc, 0, False)):
        rows = indices(opcode == definition.opcode)
        if len(rows):
            plane = _indices(target)[definition.queues[0]][timeline.queue[rows]]
            channel = np.where(wide[rows], first.pairs + plane // target.geometry.planes, first.planes + plane)
            out.append(claim(nests, rows, channel, delay, writes=writes))
    return out


@per_target
def _indices(target: Target) -> Mapping[str, Ints]:
    """By kind and queue number the index of a queue among those of its kind, over both hemispheres; −1 for others."""
    out = {q.kind: np.full(len(target.queues), NONE, np.int64) for q in target.queues}
    for q in target.queues:
        out[q.kind][q.number] = out[q.kind].max() + 1
    return out


def joins(timeline: Timeline) -> Joined:
    """Every operand of ``timeline`` with the issues that it hears, ordered by reader, operand, byte and issue.

    Holds for any timeline, legal or not.
    """
    runs = traffic(timeline).runs
    heard, _ = hear(runs)
    found = join(runs, heard)
    order = np.lexsort((found.issue, found.byte, found.operand, found.reader))
    return Joined(*(column[order] for column in vars(found).values()))


def join(runs: Runs, heard: Heard) -> Joined:
    """What was ``heard`` among ``runs``, by families and issues."""
    reader, writer = heard.reader, heard.writer
    heard_by = (
        runs.family[writer],
        runs.operand[writer],
        runs.byte[writer],
        runs.issue[writer] + heard.heard * runs.hop[writer],
        heard.writer_pace * runs.hop[writer],
    )
    if int(writer.min(initial=0)) < 0:
        for column, none in zip(heard_by, (-1, -1, 0, 0, 0), strict=True):
            column[writer < 0] = none
    family, operand, byte, issue, hop = heard_by
    return Joined(
        runs.family[reader],
        runs.operand[reader],
        runs.byte[reader],
        runs.issue[reader] + heard.first * runs.hop[reader],
        heard.pace * runs.hop[reader],
        family,
        operand,
        byte,
        issue,
        hop,
        heard.count,
    )
