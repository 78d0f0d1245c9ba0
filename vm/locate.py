"""Where an element is at a cycle: in SRAM, among the weights, and on the streams, coming from there or going there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lpuasm.isa.target import DIRECTIONS
from lpuasm.vm.code import Code
from lpuasm.vm.debug import Debugger
from lpuasm.vm.holders import Holders
from lpuasm.vm.places import Place, places
from lpuasm.vm.residents import residents
from lpuasm.vm.state import NOBODY


@dataclass(frozen=True, slots=True)
class Sighting:
    """A byte of an element somewhere.

    ``kind``: "memory", "stream" (a value that was read from its word), "weights" (a row of a plane that was read from
    it), "coming" (one on a stream that will be stored there), "later" (a store in a cycle to come). ``stream``: its
    name, or the plane and the part of it; ``register``: the SR, or the row. ``value``: the byte, −1 where it is not
    there yet. ``code`` and ``cycle``: the word that put it there, or will, and when it is dispatched.
    """

    kind: str
    place: Place
    value: int
    code: Code | None = None
    cycle: int | None = None
    stream: str = ""
    register: int = 0


def where(debugger: Debugger, name: str, index: tuple[int, ...]) -> list[Sighting]:
    """Every place where the bytes of an element are at the present cycle.

    Raises:
        DebugError: LPU1210, there is no such element.
    """
    found: list[Sighting] = []
    codes = {c.identity: c for q in debugger.machine.queues for c in q.codes}
    holders = Holders(debugger.moments, codes.values())
    for place in places(debugger.program, name, index):
        stamp = debugger.stamp(place.queue, place.address, place.lane)
        value = int(debugger.state.slice(place.queue)[place.address, place.lane])
        found.append(Sighting("memory", place, value, *(stamp or (None, None))))
        found += _read(debugger, holders, codes, place)
        for r in residents(debugger, holders, place.queue, place.address):
            rows = getattr(debugger.state, r.part)[r.plane[4], int(r.plane[5:])]
            value = int(rows[r.row, place.lane])
            found.append(Sighting("weights", place, value, *r.by, f"{r.plane}.{r.part}", r.row))
        found += _coming(debugger, holders, place)
    return found


def _read(debugger: Debugger, holders: Holders, codes: dict[int, Code], place: Place) -> list[Sighting]:
    """Values on the streams that a `read` took from the word."""
    state, found = debugger.state, []
    live = np.argwhere((state.writer != NOBODY) & (state.writer >> 32 == place.queue))
    for way, slot, stream in live.tolist():
        code = codes[int(state.writer[way, slot, stream])]
        diagonal, tap = int(state.diagonal[way, slot, stream]), int(state.register[way, slot, stream])
        register = debugger.cycle - diagonal
        if code.definition.mnemonic != "read" or not tap <= register < state.target.registers:
            continue
        cycle = diagonal + tap - code.func
        if code.number("address") + holders.step(code, cycle) == place.address:
            value = int(state.vectors[way, slot, stream, place.lane])
            name = f"s{stream}.{DIRECTIONS[way]}"
            found.append(Sighting("stream", place, value, code, cycle, name, register))
    return found


def _coming(debugger: Debugger, holders: Holders, place: Place) -> list[Sighting]:
    """The next store to the word: its value if it is on its way already, else when it will be."""
    state, now = debugger.state, debugger.cycle
    best: tuple[int, Code] | None = None
    for code in holders.words(state.target.queues[place.queue].name, "write"):
        cycle = _next_store(holders, code, place.address, now)
        if cycle is not None and (best is None or cycle < best[0]):
            best = cycle, code
    if best is None:
        return []
    cycle, code = best
    port = code.ports["data"]
    assert port.tap is not None
    diagonal, stream = cycle + code.skew - port.tap, port.streams.base
    slot, register = diagonal & (state.ring - 1), now - diagonal
    there = state.diagonal[port.way, slot, stream] == diagonal and state.register[port.way, slot, stream] <= register
    if there and register >= 0:
        value = int(state.vectors[port.way, slot, stream, place.lane])
        return [Sighting("coming", place, value, code, cycle, f"s{stream}.{port.streams.direction}", register)]
    return [Sighting("later", place, -1, code, cycle)]


def _next_store(holders: Holders, code: Code, address: int, now: int) -> int | None:
    """The first dispatch of a `write` to an address whose word has not changed by ``now``."""
    steps, cycles = holders.issues(code)
    hits = cycles[(code.number("address") + steps == address) & (cycles + code.func > now)]
    return int(hits.min()) if len(hits) else None
