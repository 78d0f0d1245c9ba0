"""Schedule lines among flows: each is a flow of one statement, pinned to its cycle, in the order of the text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lpuasm.asm.body import Access, Body, Word
from lpuasm.asm.claims import WIDE, Claim
from lpuasm.asm.flows import LONGEST
from lpuasm.asm.fold import fold, times_of
from lpuasm.asm.merge import merge
from lpuasm.asm.problems import Problems
from lpuasm.asm.rows import Row
from lpuasm.asm.syntax import Flow
from lpuasm.asm.uses import length, state_uses
from lpuasm.isa.core import Instruction, table
from lpuasm.isa.join import joins
from lpuasm.isa.target import Target
from lpuasm.isa.timeline import Timeline, expand
from lpuasm.isa.values import Dim, Streams


def body_of(row: Row, target: Target) -> Body:
    """The body of a line. Nothing says who hears it, so it claims no stretch of a stream."""
    instruction = table(target).decode(row.word, row.queue.kind)
    nested = table(target).decode(row.repeat, row.queue.kind) if row.repeat else instruction
    dims = nested.values.get("repeat", ())
    assert isinstance(dims, tuple)
    also = None
    if instruction.paired:
        sibling = (row.queue.kind, row.queue.hemisphere, 1)
        also = next(q for q in target.queues if (q.kind, q.hemisphere, q.index) == sibling)
    word = Word(row.queue, instruction.definition, instruction.values, 0, dims, also)
    flow = Flow("", None, (), row.statement.span, row.statement.frames)
    return Body(flow, [word], [row.statement], [], [], accesses(word, 0), state_uses([word], target), length([word]))


def stretches(rows: Sequence[Row], target: Target) -> list[Claim]:
    """The stretches of streams, at absolute diagonals, on which values travel from one line to another.

    Which line hears which is what the chip does with the lines alone; flows must leave it so.
    """
    queues = {filled.queue.name: filled.words for filled in merge(rows, target, Problems())}
    timeline = expand(target, queues)
    joined = joins(timeline)
    claims: list[Claim] = []
    for k in np.flatnonzero((joined.writer >= 0) & (joined.operand >= 0) & (joined.count <= LONGEST)).tolist():
        reader, writer = int(joined.reader[k]), int(joined.writer[k])
        there = [_instruction(timeline, family) for family in (reader, writer)]
        heard = there[0].values.get(there[0].definition.operands[int(joined.operand[k])].name)
        if not isinstance(heard, Streams):
            continue
        tap = target.read_tap(target.queues[int(timeline.queue[reader])], heard.direction)
        drive = target.drive_tap(target.queues[int(timeline.queue[writer])], heard.direction)
        assert tap is not None and drive is not None
        issues = int(joined.issue[k]) + np.arange(int(joined.count[k])) * int(joined.hop[k])
        nest = zip(timeline.count[reader].tolist(), timeline.every[reader].tolist(), strict=True)
        times = times_of(tuple(Dim(count, every) for count, every in nest if count > 1))[issues]
        diagonals = np.sort(int(timeline.start[reader]) + there[0].definition.timing.skew - tap + times)
        track = ("stream", heard.direction, heard.base + int(joined.byte[k]))
        mask = (1 << (tap + 1)) - (1 << drive)
        claims += [Claim(track, int(diagonals[n.first]), n.dims, mask) for n in fold(diagonals, None, WIDE)]
    return claims


def _instruction(timeline: Timeline, family: int) -> Instruction:
    word = int(timeline.low[family]) | int(timeline.high[family]) << 64
    return table(timeline.target).decode(word)


def accesses(word: Word, number: int) -> list[Access]:
    """The memory that word ``number`` of a body reads or changes; every word of the slice where data decides."""
    banks = word.definition.timing.banks
    if banks is None:
        return []
    cycles = word.time + banks[1] + times_of(word.dims)
    base = word.values.get("address")
    addresses = cycles * 0 - 1
    if isinstance(base, int):
        addresses = base + times_of(tuple(Dim(d.count, d.step) for d in word.dims))
    return [Access(word.queue.number, word.definition.uses("writes", "sram"), addresses, cycles, number)]
