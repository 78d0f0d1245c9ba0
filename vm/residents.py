"""Where a word of SRAM lies as a row of weights: in the buffers and arrays of the planes, at a cycle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lpuasm.vm.code import Code
from lpuasm.vm.debug import Debugger
from lpuasm.vm.holders import Event, Holders, rows_of_group


@dataclass(frozen=True, slots=True)
class Resident:
    """A row of a plane that holds a word of SRAM; ``part``: "buffer" or "array"; ``by``: the issue that put it in."""

    plane: str
    part: str
    row: int
    by: Event


def residents(debugger: Debugger, holders: Holders, queue: int, address: int) -> list[Resident]:
    """The rows of weights that hold what a `read` took from a word of SRAM. The debugger stays where it is."""
    now = debugger.cycle
    found = [r for read in _reads(holders, queue, address, now) for r in _held(debugger, holders, read, now)]
    return sorted(found, key=lambda r: (r.plane, r.part, r.row))


def _reads(holders: Holders, queue: int, address: int, now: int) -> Iterator[Event]:
    """The issues of `read` before ``now`` that took a word."""
    for code in holders.words(holders.target.queues[queue].name, "read"):
        steps, cycles = holders.issues(code)
        hits = cycles[(code.number("address") + steps == address) & (cycles < now)]
        yield from ((code, int(cycle)) for cycle in hits)


def _held(debugger: Debugger, holders: Holders, read: Event, now: int) -> Iterator[Resident]:
    """Where the value of a `read` is: the groups of rows that heard it and have not been replaced since."""
    code, cycle = read
    out = code.ports["out"]
    assert out.tap is not None
    diagonal = cycle + code.func - out.tap
    for taker in holders.codes:
        if not rows_of_group(taker) or taker.ports["rows"].way != out.way:
            continue
        port = taker.ports["rows"]
        assert port.tap is not None
        at, stream = diagonal + port.tap - taker.skew, out.streams.base - port.streams.base
        if at < now and 0 <= stream < port.streams.size and holders.moments.issue(holders.row(taker), at) is not None:
            yield from _standing(debugger, holders, (taker, at), stream, code, now)


def _standing(
    debugger: Debugger, holders: Holders, taken: Event, stream: int, read: Code, now: int
) -> Iterator[Resident]:
    """The row that an issue took from its ``stream``-th stream, wherever it still stands, if it came from ``read``."""
    taker, at = taken
    paired = taker.instruction.paired
    group = taker.number("group") + holders.step(taker, at)
    row = group * rows_of_group(taker) + (stream // 2 if paired else stream)
    side, plane = taker.queue.hemisphere, stream % 2 if paired else taker.queue.index
    name = f"mxm.{side}{plane}"
    places = []
    if taker.definition.uses("writes", "buffer") and holders.loaded(side, plane, row, now) == taken:
        places.append(Resident(name, "buffer", row, taken))
    installed = holders.installed(side, plane, row, now)
    if installed == taken:
        places.append(Resident(name, "array", row, taken))
    elif installed and _copies(installed[0]) and holders.loaded(side, plane, row, installed[1]) == taken:
        places.append(Resident(name, "array", row, installed))
    if places and _came_from(debugger, taken, stream, read):
        yield from places


def _copies(code: Code) -> bool:
    """Whether a word makes the buffer the array."""
    return code.definition.uses("reads", "buffer") and not rows_of_group(code)


def _came_from(debugger: Debugger, taken: Event, stream: int, read: Code) -> bool:
    """Whether what an issue heard is what ``read`` drove: another word may have driven over it on the way."""
    here = debugger.cycle
    taker, at = taken
    port = taker.ports["rows"]
    assert port.tap is not None
    try:
        debugger.goto(at + taker.skew)
        state = debugger.state
        slot = (debugger.cycle - port.tap) & (state.ring - 1)
        return int(state.writer[port.way, slot, port.streams.base + stream]) == read.identity
    finally:
        debugger.goto(here)
