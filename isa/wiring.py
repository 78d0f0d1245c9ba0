"""What words ask of their units that the units are not wired for: taps, reach, large ALUs, links between ALUs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lpuasm.isa.charges import Charges, charges
from lpuasm.isa.core import table, vxm_reach
from lpuasm.isa.distinct import distinct, indices
from lpuasm.isa.join import Traffic
from lpuasm.isa.once import per_target
from lpuasm.isa.ports import NONE, number
from lpuasm.isa.runs import Bools, Ints
from lpuasm.isa.target import Target

ROW = 4  # ALUs of a row, and streams of a group that a row reaches
DISTRIBUTED = 8  # streams of a distributor


@dataclass(frozen=True)
class Alus:
    """By queue number: ``index``, the ALU, −1 for other queues; ``own``, the index in its unit. By ALU: ``reach``
    [alus, groups of four streams], ``large``, ``wired`` [alus, alus], whether the rows of two share a group."""

    index: Ints
    own: Ints
    reach: Bools
    large: Bools
    wired: Bools


@per_target
def alus(target: Target) -> Alus:
    rows, large = vxm_reach()
    number_of = target.geometry.alus
    index = np.array([q.index if q.kind == "vxm" else NONE for q in target.queues])
    reach = np.array(
        [[group in rows[a // ROW] for group in range(target.geometry.streams // ROW)] for a in range(number_of)]
    )
    own = np.array([q.index for q in target.queues])
    return Alus(
        index, own, reach, np.isin(np.arange(number_of), list(large)), (reach[:, None] & reach[None]).any(axis=2)
    )


def unreachable(traffic: Traffic) -> list[Charges]:
    """LPU0311: operands without a tap, beyond the reach of their ALU or of another distributor; large operations on
    small ALUs; links that the chip does not have."""
    timeline, target = traffic.timeline, traffic.timeline.target
    opcode, wired = timeline.opcode, alus(target)
    vector, large, distribute = _sorts(target)
    out = []
    for operands in (traffic.reads, traffic.drives):
        family, code = operands.family, opcode[operands.family]
        alu = wired.index[timeline.queue[family]]
        bad = operands.tap == NONE
        bad |= vector[code] & ~wired.reach.take(alu * wired.reach.shape[1] + operands.stream // ROW)
        own = DISTRIBUTED * wired.own[timeline.queue[family]]
        bad |= distribute[code] & (operands.size == DISTRIBUTED) & (operands.stream != own)
        rows = indices(bad)
        family = family[rows]
        out.append(charges(timeline, 311, timeline.start[family], family, operand=operands.operand[rows]))
    small = indices(large[opcode] & ~wired.large[wired.index[timeline.queue]])
    rows, link = number(timeline, "link")
    missing = rows[link >= target.geometry.links]
    return [*out, *(charges(timeline, 311, timeline.start[rows], rows) for rows in (small, missing))]


@per_target
def _sorts(target: Target) -> tuple[Bools, Bools, Bools]:
    """By opcode whether it is of the VXM, for large ALUs only, of the distributors."""
    vector, large, distribute = np.zeros((3, 256), bool)
    for d in table(target):
        vector[d.opcode], large[d.opcode] = d.unit == "vxm", d.large
        distribute[d.opcode] = d.queues == ("distribute",)
    return vector, large, distribute


def crossed(traffic: Traffic) -> tuple[Charges, Ints]:
    """LPU0308: links between ALUs that are not wired, or lead both ways; and by family the way that its links lead:
    1 to higher columns, −1 to lower ones, 0 where it has none."""
    timeline, links = traffic.timeline, traffic.links
    way = np.zeros(len(timeline.start), np.int64)
    if not len(links.family):
        return charges(timeline, 308, way[:0], way[:0]), way
    wired = alus(timeline.target)
    alu = wired.index[timeline.queue[links.family]]
    lead = np.sign(alu % ROW - links.alu % ROW)
    way[links.family] = lead
    bad = (lead == 0) | ~wired.wired[alu, links.alu] | (way[links.family] != lead)
    mixed = distinct(links.family[bad])
    return charges(timeline, 308, timeline.start[mixed], mixed), way
