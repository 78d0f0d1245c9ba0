"""Dependences between flows: what must have happened before, by address and cycle, never by tensor.

A flow that comes later in the text must find memory, weights, arrays and latches
as the flows before it left them. The record keeps, for every word of memory and
every piece of state, when it was last read and changed, and by which flow.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lpuasm.asm.body import Access, Body, StateUse
from lpuasm.isa.core import table
from lpuasm.isa.target import Target

NEVER = -(1 << 40)


@dataclass(frozen=True, slots=True)
class Bound:
    """The least start that a dependence allows: on what, and the flow (by number) that it waits for."""

    start: int
    what: str
    flow: int


@dataclass(slots=True)
class _Slice:
    """For each word of a slice the cycle of the last read and of the last change, and who made them."""

    read: NDArray[np.int64]
    write: NDArray[np.int64]
    reader: NDArray[np.int32]
    writer: NDArray[np.int32]


@dataclass(slots=True)
class Use:
    """When a piece of state was last read and changed, and by which flows."""

    read: int = NEVER
    write: int = NEVER
    reader: int = -1
    writer: int = -1


@dataclass(slots=True)
class Record:
    """What the flows placed so far did to memory and state."""

    target: Target
    slices: dict[int, _Slice] = field(default_factory=dict)
    state: dict[str, Use] = field(default_factory=dict)

    def bound(self, body: Body) -> Bound:
        """The least start of a body that keeps every dependence; start 0 and flow −1 where there is none."""
        return max((Bound(0, "", -1), *self.bounds(body)), key=lambda b: b.start)

    def bounds(self, body: Body) -> list[Bound]:
        """What the dependences of a body allow, the one that binds first; those that allow cycle 0 are left out."""
        found = [self._access(access) for access in body.accesses] + [self._state(use) for use in body.state]
        return sorted((b for b in found if b.start > 0), key=lambda b: -b.start)

    def _access(self, access: Access) -> Bound:
        known = self.slices.get(access.slice)
        none = Bound(0, "", -1)
        if known is None:
            return none
        rows = _rows(access)
        name = self.target.queues[access.slice].name
        best = none
        tests = [(known.write, known.writer, "written")]
        if access.write:
            tests.append((known.read, known.reader, "read"))
        for cycles, owners, how in tests:
            slack = (
                cycles[rows] + 1 - access.cycles if isinstance(rows, np.ndarray) else cycles + 1 - access.cycles.min()
            )
            k = int(np.argmax(slack))
            if int(slack[k]) > best.start:
                address = int(access.addresses[k]) if isinstance(rows, np.ndarray) else k
                owner = int(owners[address])
                verb = "overwritten" if access.write else "read"
                best = Bound(int(slack[k]), f"{name}[{address:#x}] is {how} before it is {verb}", owner)
        return best

    def _state(self, use: StateUse) -> Bound:
        known = self.state.get(use.resource)
        if known is None:
            return Bound(0, "", -1)
        settle, sees = self._latency(use.resource)
        name = use.resource
        if use.use == "read":
            # What arrives over a link is taken in order, so that the last of one waits for the last of the other.
            mine = use.last if name.endswith(".arrivals") else use.first
            return Bound(known.write + settle - mine, f"{name} is changed before it is used", known.writer)
        twice = f"{name} is changed twice, in the order of the text"
        after_write = Bound(known.write + 1 - use.first, twice, known.writer)
        after_read = Bound(known.read + sees - use.first, f"{name} is used before it is changed", known.reader)
        return max(after_write, after_read, key=lambda b: b.start)

    def _latency(self, resource: str) -> tuple[int, int]:
        """(cycles from a change to the first use that sees it, cycles from a use to the first change it does not see).

        A buffer changes one cycle after `lw`, so that an `iw` of the same cycle still copies it as it was; an array
        settles three cycles after `iw`; a latch changes with the dispatch that keeps, seen from the next cycle on.
        """
        match resource.rpartition(".")[2]:
            case "buffer":
                settle = table(self.target).named("lw")[0].timing.func
            case "array":
                settle = table(self.target).named("iw")[0].timing.func
            case "latch":
                settle = 1
            case _:
                return self.target.c2c.latency, NEVER
        return settle, 1 - settle

    def add(self, body: Body, start: int, flow: int) -> None:
        """Records a body that was placed at ``start``."""
        for access in body.accesses:
            known = self.slices.get(access.slice)
            if known is None:
                n = self.target.words
                known = self.slices[access.slice] = _Slice(
                    np.full(n, NEVER), np.full(n, NEVER), np.full(n, -1, np.int32), np.full(n, -1, np.int32)
                )
            cycles, owners = (known.write, known.writer) if access.write else (known.read, known.reader)
            rows = _rows(access)
            if isinstance(rows, np.ndarray):
                when = access.cycles + start
                later = rows[cycles[rows] < when]
                np.maximum.at(cycles, rows, when)
                owners[later] = flow
            else:
                last = int(access.cycles.max()) + start
                owners[cycles < last] = flow
                np.maximum(cycles, last, out=cycles)
        for use in body.state:
            state = self.state.setdefault(use.resource, Use())
            if use.use == "read" and use.last + start > state.read:
                state.read, state.reader = use.last + start, flow
            elif use.use == "write" and use.last + start > state.write:
                state.write, state.writer = use.last + start, flow


def _rows(access: Access) -> NDArray[np.int64] | slice:
    """The words of an access; all of the slice where they depend on data."""
    return slice(None) if (access.addresses < 0).any() else access.addresses
