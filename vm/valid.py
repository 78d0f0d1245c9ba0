"""Whether the words of a program are instructions: the planner takes that for granted, so it is looked at first."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.core import table
from lpuasm.isa.distinct import indices
from lpuasm.isa.once import per_target
from lpuasm.isa.operands import OperandError
from lpuasm.isa.program import Program
from lpuasm.isa.runs import Bools
from lpuasm.isa.target import Target
from lpuasm.isa.timeline import Half
from lpuasm.vm.code import decode
from lpuasm.vm.nodes import decoded

_LOW = (1 << 64) - 1
_MIX, _BUCKETS = np.uint64(0x9E3779B97F4A7C15), 12


def check_words(program: Program) -> None:
    """Raises ObjectError unless every word is an instruction that its queue takes."""
    if program.queues and not _all_good(program):
        decode(program)


def _all_good(program: Program) -> bool:
    words, taken = program.image, _taken(program.target)
    opcode = (words.low & np.uint64(0xFF)).astype(np.uint8)
    queue = words.queue.repeat(np.diff(words.begin))
    if not taken.ravel().take(queue * taken.shape[1] + opcode).all():
        return False
    low, high = _kept().take(opcode, axis=1)
    try:
        for one, other in _different(words.low & low, words.high & high):
            decoded(one, other)
    except OperandError:
        return False
    return True


@per_target
def _taken(target: Target) -> Bools:
    """By number of the queue and opcode, whether the queue takes the instruction."""
    out = np.zeros((len(target.queues), 256), bool)
    for d in table(target):
        for q in target.queues:
            out[q.number, d.opcode] |= q.kind in d.queues
    return out


def _different(low: Half, high: Half) -> Iterable[tuple[int, int]]:
    """The different words among those of these halves, perhaps some of them again."""
    bucket = ((low ^ high * _MIX) * _MIX) >> np.uint64(64 - _BUCKETS)
    one = np.zeros(1 << _BUCKETS, np.int64)
    one[bucket] = np.arange(len(low))
    kept = one[bucket]
    # One word of each bucket, and all that are in the bucket of another one.
    rows = indices((kept == np.arange(len(low))) | (low != low[kept]) | (high != high[kept]))
    return zip(low[rows].tolist(), high[rows].tolist(), strict=True)


@cache
def _kept() -> NDArray[np.uint64]:
    """Halves [2, opcodes] of the bits that can make a word wrong: all but those of an address, which may be any."""
    out = np.zeros((2, 256), np.uint64)
    for d in table():
        operand = d.operand.get(d.steps)
        free = 0
        if operand is not None and operand.name == "address" and not d.rules and not operand.optional:
            free = ((1 << sum(width for _, width in operand.parts)) - 1) << operand.at
        out[:, d.opcode] = (~free & _LOW, (~free >> 64) & _LOW)
    return out
