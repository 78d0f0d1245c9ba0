"""Looking into a chip that has been stopped: what is on its streams."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lpuasm.isa.target import DIRECTIONS
from lpuasm.vm.state import NOBODY, Octets, State, parties


@dataclass(frozen=True)
class Cell:
    """A value in a stream register, bytes [lanes], and the word that drove it; ``queue`` is "" where no word did."""

    direction: str
    stream: int
    register: int
    value: Octets
    queue: str
    word: int


def cell(state: State, cycle: int, direction: str, stream: int, register: int) -> Cell | None:
    """What is in a stream register at the end of ``cycle``, the last that has happened; None if nothing drove it."""
    way, diagonal = DIRECTIONS.index(direction), cycle - register
    at = (way, diagonal & (state.ring - 1), stream)
    if state.diagonal[at] != diagonal or state.register[at] > register:
        return None
    writer = int(state.writer[at])
    queue, word = parties(writer)
    name = state.target.queues[queue].name if writer != NOBODY else ""
    return Cell(direction, stream, register, state.vectors[at].copy(), name, word)


def cells(state: State, cycle: int) -> Iterator[Cell]:
    """Everything that is on the streams at the end of ``cycle``, along each stream of each direction."""
    for direction in DIRECTIONS:
        for stream in range(state.target.geometry.streams):
            for register in range(state.target.registers):
                found = cell(state, cycle, direction, stream, register)
                if found is not None:
                    yield found
