"""Dependences between flows: what must have happened before, by address and cycle, never by tensor.

A flow that comes later in the text must find memory and state as the flows
before it left them. The record keeps, for every word of memory and every piece
of state (order_state.py), when it was last read and changed, and by which flow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lpuasm.asm.body import Access, Body
from lpuasm.asm.order_state import NEVER, Barriers, Bound, States, Wires
from lpuasm.isa.target import Target


@dataclass(slots=True)
class _Slice:
    """For each word of a slice the cycle of the last read and of the last change, and who made them.

    ``last_read``, ``last_write``: the last of all words.
    """

    read: NDArray[np.int64]
    write: NDArray[np.int64]
    reader: NDArray[np.int32]
    writer: NDArray[np.int32]
    last_read: int = NEVER
    last_write: int = NEVER


class Record:
    """What the flows placed so far did to memory and state."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.slices: dict[int, _Slice] = {}
        self.states, self.wires, self.barriers = States(target), Wires(target), Barriers(target)

    def bound(self, body: Body) -> Bound:
        """The least start of a body that keeps every dependence; start 0 and flow −1 where there is none."""
        best = Bound(0, "", -1)
        for access in body.accesses:
            best = self._access(access, best.start) or best
        return max((best, *self._state_bounds(body)), key=lambda b: b.start)

    def bounds(self, body: Body) -> list[Bound]:
        """What the dependences of a body allow, the one that binds first; those that allow cycle 0 are left out."""
        return sorted((b for b in self._bounds(body) if b.start > 0), key=lambda b: -b.start)

    def _bounds(self, body: Body) -> Iterator[Bound]:
        for access in body.accesses:
            if (bound := self._access(access, 0)) is not None:
                yield bound
        yield from self._state_bounds(body)

    def _state_bounds(self, body: Body) -> Iterator[Bound]:
        for use in body.state:
            if use.link < 0:
                yield self.states.bound(use)
        yield from self.wires.bounds(body)
        yield from self.barriers.bounds(body)

    def _access(self, access: Access, least: int) -> Bound | None:
        """What a word's accesses allow, where that is later than ``least``: a change comes after every read and change
        before it, a read after every change."""
        known = self.slices.get(access.slice)
        if known is None:
            return None
        rows = _rows(access)
        best: Bound | None = None
        tests = [(known.write, known.writer, "written", known.last_write)]
        if access.write:
            tests.append((known.read, known.reader, "read", known.last_read))
        for cycles, owners, how, last in tests:
            if last + 1 - int(access.cycles[0]) <= least:
                continue
            late = access.cycles if isinstance(rows, np.ndarray) else access.cycles.min()
            slack = cycles[rows] + 1 - late
            k = int(slack.argmax())
            start = int(slack[k])
            if start > least:
                least, name = start, self.target.queues[access.slice].name
                address = int(access.addresses[k]) if isinstance(rows, np.ndarray) else k
                verb = "overwritten" if access.write else "read"
                best = Bound(start, f"{name}[{address:#x}] is {how} before it is {verb}", int(owners[address]))
        return best

    def add(self, body: Body, start: int, flow: int) -> None:
        """Records a body that was placed at ``start``."""
        for access in body.accesses:
            self._add_access(access, start, flow)
        for use in body.state:
            if use.link < 0:
                self.states.add(use, start, flow)
            else:
                self.wires.add(use, start, flow)
        self.barriers.add(body, start, flow)

    def _add_access(self, access: Access, start: int, flow: int) -> None:
        known = self.slices.get(access.slice)
        if known is None:
            n = self.target.words
            known = self.slices[access.slice] = _Slice(
                np.full(n, NEVER), np.full(n, NEVER), np.full(n, -1, np.int32), np.full(n, -1, np.int32)
            )
        end = int(access.cycles[-1]) + start
        if access.write:
            cycles, owners, known.last_write = known.write, known.writer, max(known.last_write, end)
        else:
            cycles, owners, known.last_read = known.read, known.reader, max(known.last_read, end)
        rows = _rows(access)
        if isinstance(rows, np.ndarray):
            when = access.cycles + start
            later = rows[cycles[rows] < when]
            np.maximum.at(cycles, rows, when)
            owners[later] = flow
        else:
            owners[cycles < end] = flow
            np.maximum(cycles, end, out=cycles)


def _rows(access: Access) -> NDArray[np.int64] | slice:
    """The words of an access; all of the slice where they depend on data."""
    return slice(None) if access.addresses[0] < 0 else access.addresses
