"""What the fast engine computes: nodes, their inputs, and the ports by which they name one another."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from lpuasm.isa.core import Definition, Instruction, table
from lpuasm.isa.operands import TYPE_BYTES, Immediate
from lpuasm.isa.runs import Ints

#: Slot 0 of a node is its result, slot i + 1 its operand i, the last one the result of a plane that an `acc` takes.
RESULT, TAKEN = 0, 15
_SLOT_BITS, _BYTE_BITS = 4, 6


def port(node: Ints, slot: Ints | int, byte: Ints | int = 0) -> Ints:
    """The number of the port that is byte ``byte`` of slot ``slot`` of ``node``."""
    return ((node << _SLOT_BITS) + slot << _BYTE_BITS) + byte


def one_port(node: int, slot: int, byte: int = 0) -> int:
    """:func:`port` of single numbers."""
    return ((node << _SLOT_BITS) + slot << _BYTE_BITS) + byte


def node_of(ports: Ints) -> Ints:
    return ports >> _SLOT_BITS + _BYTE_BITS


def slot_of(ports: Ints) -> Ints:
    return ports >> _BYTE_BITS & (1 << _SLOT_BITS) - 1


def byte_of(ports: Ints) -> Ints:
    return ports & (1 << _BYTE_BITS) - 1


@dataclass(slots=True)
class Input:
    """An operand that comes from other nodes: slot, name and type, how many streams, how many vectors.

    ``kind`` is a type of the lanes, or "" for byte planes that stay apart.
    """

    slot: int
    name: str
    kind: str
    size: int
    count: int


@dataclass(slots=True)
class Part:
    """The vectors ``low`` … ``high`` − 1 of a node, with the node that holds its weights or its table, if any."""

    low: int
    high: int
    holder: int = -1


@dataclass(slots=True)
class Node:
    """One thing to compute: all results of a family, or what several of them share.

    ``kind`` names the function that computes it. ``family`` is where its cycles are found, −1 for tensors.
    ``count``: vectors of its result; ``kept``: type of their lanes, "" for ``streams`` byte planes.
    ``start``: the first cycle; ``at``: the cycle of all its vectors, for nodes that are computed at once.
    ``members``: the nodes that were made this one, each with as many vectors; ``turns``: so many of them take turns, or
    1 if they follow each other.
    """

    number: int
    kind: str
    family: int
    count: int
    inputs: tuple[Input, ...]
    kept: str
    start: int
    streams: int = 1
    at: int | None = None
    code: Instruction | None = None
    name: str = ""
    parts: list[Part] = field(default_factory=list)
    members: tuple[Node, ...] = ()
    turns: int = 1

    def member(self, issue: int) -> tuple[Node, int]:
        """The node that a vector was made for, and its number there."""
        if not self.members:
            return self, issue
        if self.turns > 1:
            return self.members[issue % self.turns], issue // self.turns
        k, inside = divmod(issue, self.count // len(self.members))
        return self.members[k], inside

    @property
    def width(self) -> int:
        """Bytes of a lane of the result."""
        return TYPE_BYTES[self.kept] if self.kept else self.streams


@lru_cache(maxsize=1 << 16)
def decoded(low: int, high: int) -> Instruction:
    """The instruction of a word; words are decoded once. What it says of time is the standard's, not a target's."""
    return table().decode(low | high << 64)


def constants(code: Instruction) -> dict[str, int]:
    """The immediates of an ALU word, by operand."""
    return {n: v.bits for n in ("a", "b") if isinstance(v := code.values.get(n), Immediate)}


def slot(definition: Definition, name: str) -> int:
    """The slot of an operand."""
    return list(definition.operand).index(name) + 1


def operand_type(code: Instruction, name: str) -> str:
    """The type of operand ``name`` of an ALU word: a mask is u8."""
    return "u8" if code.definition.format == "masked" and name == "b" else str(code["type"])


def numbers(*values: int) -> Ints:
    return np.array(values, np.int64)
