"""Who wrote an element: the last store to the word of SRAM that holds it, found by replaying the timeline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lpuasm.asm.listing import word_text
from lpuasm.isa.core import table
from lpuasm.isa.errors import Span
from lpuasm.isa.layout import Layout
from lpuasm.isa.program import SCALAR_QUEUE, Program


@dataclass(frozen=True, slots=True)
class Place:
    """Where a byte of an element lies: lane, slice (number of its queue), address."""

    lane: int
    queue: int
    address: int


@dataclass(frozen=True, slots=True)
class Origin:
    """The instruction that wrote a word of SRAM last; ``cycle`` is its dispatch, None where only a run can tell."""

    queue: str
    word: int
    instruction: str
    span: Span | None
    cycle: int | None


def place(layout: Layout, index: tuple[int, ...], byte: int) -> Place:
    """The place of byte ``byte`` of the element at ``index``."""
    flat = int(np.ravel_multi_index(index, layout.shape)) if index else 0
    row, column = divmod(flat, layout.columns)
    across, lane = divmod(column, layout.tile_columns)
    queue, address = layout.locate(layout.vector(row, across), byte)
    return Place(lane, int(queue), int(address))


def writer(program: Program, where: Place) -> Origin | None:
    """The store that hit ``where`` last; None where nothing writes there.

    A scatter takes its address from data: one that still issues after the last plain write may be what wrote it, and
    is named then.
    """
    timeline = program.timeline
    instructions = table(program.target)
    write, scatter = (instructions.find("mem", name) for name in ("write", "scatter"))
    assert write is not None and scatter is not None
    base = write.operand["address"]
    best: tuple[int, int] | None = None
    for row in np.flatnonzero(timeline.queue == where.queue):
        if timeline.opcode[row] == write.opcode:
            first = int(timeline.low[row]) >> base.at & ((1 << sum(w for _, w in base.parts)) - 1)
            offset = _last_hit(where.address - first, timeline.count[row], timeline.every[row], timeline.step[row])
            cycle = None if offset is None else int(timeline.start[row]) + offset
        elif timeline.opcode[row] == scatter.opcode:
            cycle = int(timeline.last[row])
        else:
            continue
        if cycle is not None and (best is None or cycle > best[0]):
            best = (cycle, int(row))
    if best is None:
        return None
    cycle, found = best
    queue, word = program.target.queues[where.queue].name, int(timeline.word[found])
    return Origin(queue, word, word_text(program, queue, word), program.span(queue, word), cycle)


def _last_hit(distance: int, count: NDArray[np.int64], every: NDArray[np.int64], step: NDArray[np.int64]) -> int | None:
    """The latest issue, in cycles after the first, whose step is ``distance``; the innermost dimension comes first."""
    outer = np.zeros(1, np.int64)
    cycles = np.zeros(1, np.int64)
    for k in range(1, len(count)):
        n = np.arange(count[k], dtype=np.int64)
        outer = (outer[:, None] + n * step[k]).reshape(-1)
        cycles = (cycles[:, None] + n * every[k]).reshape(-1)
    rest = distance - outer
    if step[0]:
        inner, remainder = np.divmod(rest, step[0])
        hits = (remainder == 0) & (inner >= 0) & (inner < count[0])
    else:
        inner, hits = np.full_like(rest, count[0] - 1), rest == 0
    return int((cycles + inner * every[0])[hits].max()) if hits.any() else None


def scalar_writers(program: Program, name: str) -> list[Origin]:
    """The stores of a scalar program that name a tensor; when they ran is known to a run only."""
    instructions = table(program.target)
    found = []
    for word in range(len(program.queues[SCALAR_QUEUE])):
        instruction = instructions.decode(program.word(SCALAR_QUEUE, word))
        if instruction.mnemonic == "st" and program.names[getattr(instruction["address"], "name", 0)] == name:
            text = word_text(program, SCALAR_QUEUE, word)
            found.append(Origin(SCALAR_QUEUE, word, text, program.span(SCALAR_QUEUE, word), None))
    return found
