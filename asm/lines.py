"""Schedule lines among flows: each is a flow of one statement, pinned to its cycle, in the order of the text."""

from __future__ import annotations

from lpuasm.asm.body import Access, Body, Word
from lpuasm.asm.fold import times_of
from lpuasm.asm.merge import Row
from lpuasm.asm.syntax import Flow
from lpuasm.asm.uses import length, state_uses
from lpuasm.isa.core import table
from lpuasm.isa.target import Target
from lpuasm.isa.values import Dim


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
    return [Access(word.queue.number, word.definition.mnemonic in ("write", "scatter"), addresses, cycles, number)]
