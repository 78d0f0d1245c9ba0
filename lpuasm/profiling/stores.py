"""Vectors that are written and then neither read nor left as an output."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.core import table
from lpuasm.isa.ports import number
from lpuasm.isa.program import Program
from lpuasm.isa.runs import lines, spread

Ints = NDArray[np.int64]


def dead_stores(program: Program) -> Ints:
    """Of each family, how many of the vectors that it writes are dead.

    A gather may read, and a scatter write, anywhere in its slice: nothing in such a slice is called dead. In a program
    without outputs all that is left in memory may be wanted.
    """
    timeline, target = program.timeline, program.target
    opcode = {d.mnemonic: d.opcode for d in table(target) if d.unit == "mem"}
    by_data = np.isin(timeline.opcode, [opcode["gather"], opcode["scatter"]])
    rows = np.flatnonzero(np.isin(timeline.opcode, [opcode["read"], opcode["write"]]))
    rows = rows[~np.isin(timeline.queue[rows], timeline.queue[by_data])]
    dead = np.zeros(len(timeline.start), np.int64)
    if not len(rows):
        return dead
    _, base = number(timeline, "address", rows)
    nests = lines(timeline.start[rows], timeline.count[rows], timeline.every[rows], timeline.step[rows])
    line, inside = spread(nests.count)
    of = nests.family[line]
    family = rows[of]
    writes = timeline.opcode[family] == opcode["write"]
    commit = np.where(writes, table(target).by_opcode[opcode["write"]].timing.func, 0)
    cycle = nests.start[line] + inside * nests.stride[line] + commit
    place = (
        timeline.queue[family].astype(np.int64) * target.words
        + base[of]
        + nests.moved[line]
        + inside * nests.step[line]
    )
    order = np.lexsort((writes, cycle, place))
    same = np.zeros(len(order), bool)
    same[:-1] = place[order][1:] == place[order][:-1]
    next_writes = np.zeros(len(order), bool)
    next_writes[:-1] = writes[order][1:]
    wanted = np.where(same, ~next_writes, _left(program)[place[order]])
    lost = order[writes[order] & ~wanted]
    np.add.at(dead, family[lost], 1)
    return dead


def _left(program: Program) -> NDArray[np.bool_]:
    """Which words of memory, by queue and address, are wanted when the program has ended."""
    target = program.target
    outputs = [t.layout for t in program.tensors if t.kind == "output" and t.layout is not None]
    memory = sum(1 for q in target.queues if q.kind == "mem")
    left = np.full(memory * target.words, not outputs)
    for layout in outputs:
        addresses = layout.word_address(np.arange(layout.depth))
        for slice in layout.slices:
            left[slice * target.words + addresses] = True
    return left
