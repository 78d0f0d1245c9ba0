"""A flow as a rigid body: its statements as nodes whose times hang together, and the words they become.

A node issues at ``t + times``; ``t`` is one unknown for the whole flow. On a
stream a value is named by its diagonal (cycle − stream register), so a reader
hears a writer exactly when their diagonals are equal, wherever the two stand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lpuasm.asm.syntax import Flow, Statement
from lpuasm.isa.definition import Definition
from lpuasm.isa.target import Queue
from lpuasm.isa.values import Dim, Value

Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Channel:
    """One stream of one direction."""

    direction: str
    stream: int

    def __str__(self) -> str:
        return f"s{self.stream}.{self.direction}"


@dataclass(frozen=True, slots=True)
class Tap:
    """A part reads or drives a channel at stream register ``register``, ``delay`` cycles after its dispatch.

    ``operand`` is the operand's index in the definition, ``member`` the stream's place in its group.
    """

    channel: Channel
    register: int
    delay: int
    operand: int
    member: int


@dataclass(slots=True)
class Part:
    """What one queue does of a statement: the instruction, which issues of the statement, and the stepped operand.

    Issue i of the statement is dispatched at ``t + rel + times[i]``. ``steps`` is the address (or group) of each issue.
    ``queue`` is None for an ALU that has not been chosen yet.
    """

    queue: Queue | None
    definition: Definition
    values: dict[str, Value]
    rel: int
    issues: Times
    steps: Times | None = None
    reads: tuple[Tap, ...] = ()
    drives: tuple[Tap, ...] = ()
    also: Queue | None = None


@dataclass(eq=False, slots=True)
class Node:
    """A statement in its flow. ``t`` is known relative to the node that leads its piece of the flow."""

    number: int
    statement: Statement
    times: Times
    parts: list[Part]
    leader: Node | None = None
    t: int = 0
    heard: dict[Channel, Source] = field(default_factory=dict)
    links: dict[str, Node] = field(default_factory=dict)
    result: Node | None = None
    kind: str = ""

    @property
    def mnemonic(self) -> str:
        return self.statement.mnemonic


@dataclass(frozen=True, slots=True)
class Source:
    """What travels on a channel: the node that drives it, the diagonal less the node's ``t``, and the value's type."""

    node: Node
    shift: int
    dtype: str
    plane: int


@dataclass(frozen=True, slots=True)
class Segment:
    """Values alive on a channel, on a nest of diagonals: from the register that is driven to the last that reads.

    ``word`` is the word that drives them.
    """

    channel: Channel
    diagonal: int
    dims: tuple[Dim, ...]
    first: int
    last: int
    word: int


@dataclass(frozen=True, slots=True)
class Access:
    """Words of a slice that an instruction word reads or changes: the cycle of each, relative to the flow's start."""

    slice: int
    write: bool
    addresses: Times
    cycles: Times
    word: int


@dataclass(slots=True)
class Word:
    """An instruction word of the flow; ``time`` is its first dispatch, relative to the flow's start.

    ``also`` is the queue of the other plane that a pair instruction claims.
    """

    queue: Queue
    definition: Definition
    values: Mapping[str, Value]
    time: int
    dims: tuple[Dim, ...]
    also: Queue | None

    @property
    def last(self) -> int:
        """The last dispatch, relative to the flow's start."""
        return self.time + sum((d.count - 1) * d.every for d in self.dims)


@dataclass(frozen=True, slots=True)
class StateUse:
    """A use of state, "reads" or "writes", by the cycles of its first and last dispatch relative to the flow's start.

    ``dims``, ``link``: of a `send` (write) the nest of its issues and the link on which its vectors arrive, of a
    `receive` (read) those that it takes from; −1 for other state.
    """

    resource: str
    use: str
    first: int
    last: int
    dims: tuple[Dim, ...] = ()
    link: int = -1


@dataclass(frozen=True)
class Region:
    """Rows in SRAM: (slice by queue number, address) of each row in each byte plane, [rows, planes]."""

    slices: Times
    addresses: Times
    dtype: str

    @property
    def rows(self) -> int:
        return int(self.slices.shape[0])

    @property
    def planes(self) -> int:
        return int(self.slices.shape[1])

    @cached_property
    def base(self) -> int:
        """The address of the first row."""
        return int(self.addresses[0, 0])

    @cached_property
    def ends(self) -> tuple[int, int]:
        """The lowest address and the highest."""
        return int(self.addresses.min()), int(self.addresses.max())

    @cached_property
    def pattern(self) -> tuple[str, int, bytes, bytes]:
        """What the region has in common with those that lie at other addresses only."""
        return self.dtype, self.planes, self.slices.tobytes(), (self.addresses - self.base).tobytes()


@dataclass(slots=True)
class Body:
    """A flow, ready to be placed: its words, what they claim, and how they depend on what came before.

    ``statements`` are those that the words come from, one a word. ``intent`` rows are (reader word, operand, number of
    the stream, writer word) within ``words``. Bodies of one ``form`` differ in addresses only, and by them not in what
    they claim; −1 is a form of its own.
    """

    flow: Flow
    words: list[Word]
    statements: list[Statement]
    intent: list[tuple[int, int, int, int]]
    segments: list[Segment]
    accesses: list[Access]
    state: list[StateUse]
    length: int
    form: int = -1

    def statement_of(self, mnemonic: str) -> Statement:
        """The first statement of that mnemonic."""
        return next(s for s in self.statements if s.mnemonic == mnemonic)
