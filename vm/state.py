"""The state of one chip: arrays, and nothing else.

Everything that a chip remembers between two cycles is here, so that a system of
chips is a list of states. Memory that no program touches is never allocated.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.target import HEMISPHERES, Target

Octets = NDArray[np.uint8]
#: A diagonal on which no value can be.
NEVER = -(1 << 60)
#: The identity of a word that drove a value, in one number: queue number and index of the word.
WORD_SHIFT = 32
NOBODY = -1


class State:
    """What one chip holds.

    Streams: a ring a direction, indexed by diagonal (cycle − SR) modulo its size, so that nothing is shifted.
    ``vectors`` [2, ring, streams, lanes] with, of each value, ``diagonal``, ``register`` (the SR that was last driven),
    ``writer`` (the word that drove it) and ``replaced`` (the word whose value it drove over), all [2, ring, streams].

    ``memory``: by slice (queue number), uint8 [words, lanes], allocated when it is touched.
    ``buffer``, ``array``: weights by (hemisphere, plane), uint8 [lanes, lanes]; of a pair that holds f16, plane 0 has
    the low bytes and plane 1 the high ones.
    ``results``: what comes out of a plane: (cycle at ACC, type, lanes), oldest first.
    ``latch`` uint32 [alus, lanes]; ``passing``: by ALU, results that other ALUs may take.
    ``links``: vectors on the way over each link, as (arrival, lanes); ``sent``: the cycle of the last send on each.
    """

    def __init__(self, target: Target) -> None:
        g, lanes = target.geometry, target.lanes
        self.target = target
        # Twice the registers: what has just left the chip is still there to explain a fault.
        self.ring = 1 << (2 * target.registers).bit_length()
        shape = (len(HEMISPHERES), self.ring, g.streams)
        self.vectors: Octets = np.zeros((*shape, lanes), np.uint8)
        self.diagonal = np.full(shape, NEVER, np.int64)
        self.register = np.zeros(shape, np.int32)
        self.writer = np.full(shape, NOBODY, np.int64)
        self.replaced = np.full(shape, NOBODY, np.int64)
        self.memory: dict[int, Octets] = {}
        planes = [(h, p) for h in HEMISPHERES for p in range(g.planes)]
        self.buffer: dict[tuple[str, int], Octets] = {plane: np.zeros((lanes, lanes), np.uint8) for plane in planes}
        self.array: dict[tuple[str, int], Octets] = {plane: np.zeros((lanes, lanes), np.uint8) for plane in planes}
        self.results: dict[tuple[str, int], deque[tuple[int, str, NDArray[Any]]]] = {p: deque() for p in planes}
        self.latch = np.zeros((g.alus, lanes), np.uint32)
        self.passing: list[deque[tuple[int, NDArray[np.uint32], int]]] = [deque() for _ in range(g.alus)]
        self.links: list[deque[tuple[int, Octets]]] = [deque() for _ in range(g.links)]
        self.sent = [NEVER] * g.links

    def slice(self, number: int) -> Octets:
        """The words of a slice, by queue number: uint8 [words, lanes]."""
        found = self.memory.get(number)
        if found is None:
            found = self.memory[number] = np.zeros((self.target.words, self.target.lanes), np.uint8)
        return found


def identity(queue: int, word: int) -> int:
    """The identity of a word: its queue's number and its index, in one number that sorts in that order."""
    return queue << WORD_SHIFT | word


def parties(one: int) -> tuple[int, int]:
    """(queue number, index of the word) of an identity."""
    return one >> WORD_SHIFT, one & ((1 << WORD_SHIFT) - 1)
