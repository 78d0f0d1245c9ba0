"""Whether the words of a program are instructions: the planner takes that for granted, so it is looked at first."""

from __future__ import annotations

from functools import cache

import numpy as np

from lpuasm.isa.core import table
from lpuasm.isa.operands import OperandError
from lpuasm.isa.program import Program
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
    keep = np.zeros((256, 2), np.uint64)
    for code, known in _kept().items():
        keep[code] = known
    by_opcode = table(program.target).by_opcode
    for pair in np.unique(opcode * len(kinds) + kind).tolist():
        definition = by_opcode.get(pair // len(kinds))
        if definition is None or kinds[pair % len(kinds)] not in definition.queues:
            return False
    low, high = (words & keep[opcode]).T.tolist()
    try:
        for pair in set(zip(low, high, strict=True)):
            decoded(*pair)
    except OperandError:
        return False
    return True


@cache
def _kept() -> dict[int, tuple[int, int]]:
    """By opcode the bits that can make a word wrong: all but those of an address, which may be any number."""
    out = {}
    for d in table():
        operand = d.operand.get(d.steps)
        free = 0
        if operand is not None and operand.name == "address" and not d.rules and not operand.optional:
            free = ((1 << sum(width for _, width in operand.parts)) - 1) << operand.at
        out[d.opcode] = (~free & _LOW, (~free >> 64) & _LOW)
    return out
