"""Whether the words of a program are instructions: the planner takes that for granted, so it is looked at first."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np

from lpuasm.isa.core import table
from lpuasm.isa.operands import OperandError
from lpuasm.isa.program import Program
from lpuasm.isa.timeline import Words
from lpuasm.vm.code import decode
from lpuasm.vm.nodes import decoded

_LOW = (1 << 64) - 1


def check_words(program: Program) -> None:
    """Raises ObjectError unless every word is an instruction that its queue takes."""
    if program.queues and not _all_good(program):
        decode(program)


def _all_good(program: Program) -> bool:
    words = np.concatenate(list(program.queues.values()))
    kinds = sorted({q.kind for q in program.target.queues})
    own = [kinds.index(program.target.queue[name].kind) for name in program.queues]
    kind = np.repeat(own, [len(w) for w in program.queues.values()])
    opcode = (words[:, 0] & np.uint64(0xFF)).astype(np.int64)
    by_opcode = table(program.target).by_opcode
    for pair in np.flatnonzero(np.bincount(opcode * len(kinds) + kind)).tolist():
        definition = by_opcode.get(pair // len(kinds))
        if definition is None or kinds[pair % len(kinds)] not in definition.queues:
            return False
    try:
        for low, high in _different(words & _kept()[opcode]):
            decoded(low, high)
    except OperandError:
        return False
    return True


def _different(words: Words) -> Iterable[tuple[int, int]]:
    """The different words among ``words``, perhaps some of them again."""
    low, high = words.T
    mixed = low ^ high * np.uint64(0x9E3779B97F4A7C15)
    order = np.argsort(mixed)
    low, high, mixed = low[order], high[order], mixed[order]
    # Words that are mixed to the same number need not be the same.
    fresh = np.ones(len(low), bool)
    fresh[1:] = (mixed[1:] != mixed[:-1]) | (low[1:] != low[:-1])
    return zip(low[fresh].tolist(), high[fresh].tolist(), strict=True)


@cache
def _kept() -> Words:
    """By opcode the bits that can make a word wrong: all but those of an address, which may be any number."""
    out = np.zeros((256, 2), np.uint64)
    for d in table():
        operand = d.operand.get(d.steps)
        free = 0
        if operand is not None and operand.name == "address" and not d.rules and not operand.optional:
            free = ((1 << sum(width for _, width in operand.parts)) - 1) << operand.at
        out[d.opcode] = (~free & _LOW, (~free >> 64) & _LOW)
    return out
