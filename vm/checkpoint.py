"""What a machine is at the end of a cycle, kept so that it can be that again.

A machine is put back in place: what is still to happen refers to its queues,
generators and arrays, and goes on doing so. SRAM is kept by pages, and of those
only the ones that were written since the checkpoint before.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import deque
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpuasm.vm.agenda import Agenda
from lpuasm.vm.mem import Generator
from lpuasm.vm.reference import Machine
from lpuasm.vm.state import NEVER, NOBODY, Octets, State

#: Words of a page.
PAGE = 32
#: A page: the number of its slice, and its number in the slice.
Key = tuple[int, int]


class Memory:
    """SRAM over time: for each page that was ever written, what it held at each checkpoint that it changed before.

    ``stamps``: by slice, int64 [words, superlanes], who stored there last; 0 nobody.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self.stamps: dict[int, NDArray[np.int64]] = {}
        self.dirty: set[Key] = set()
        self._versions: dict[Key, tuple[list[int], dict[int, tuple[Octets, NDArray[np.int64]]]]] = {}

    def touch(self, slice_: int, address: int) -> None:
        """A word is about to change."""
        if slice_ not in self.stamps:
            g = self.state.target.geometry
            self.stamps[slice_] = np.zeros((self.state.target.words, g.superlanes), np.int64)
        key = slice_, address // PAGE
        if key not in self._versions:
            self._versions[key] = ([-1], {-1: self._page(key)})
        self.dirty.add(key)

    def _page(self, key: Key) -> tuple[Octets, NDArray[np.int64]]:
        rows = slice(key[1] * PAGE, (key[1] + 1) * PAGE)
        return self.state.slice(key[0])[rows].copy(), self.stamps[key[0]][rows].copy()

    def seal(self, cycle: int) -> tuple[frozenset[Key], int]:
        """Keeps the pages that changed since the last checkpoint, for one at ``cycle``: (which, their bytes)."""
        size = 0
        for key in self.dirty:
            cycles, pages = self._versions[key]
            page = self._page(key)
            size += page[0].nbytes + page[1].nbytes
            if cycle not in pages:
                insort(cycles, cycle)
            pages[cycle] = page
        changed = frozenset(self.dirty)
        self.dirty.clear()
        return changed, size

    def restore(self, cycle: int, keys: Iterable[Key]) -> None:
        """Puts pages back to what they were at the checkpoint of ``cycle``."""
        for key in {*keys, *self.dirty}:
            cycles, pages = self._versions[key]
            octets, stamps = pages[cycles[bisect_right(cycles, cycle) - 1]]
            rows = slice(key[1] * PAGE, (key[1] + 1) * PAGE)
            self.state.slice(key[0])[rows] = octets
            self.stamps[key[0]][rows] = stamps
        self.dirty.clear()

    def drop(self, cycle: int, keys: Iterable[Key], after: frozenset[Key]) -> None:
        """Forgets what only the checkpoint of ``cycle`` needs; ``after`` are the pages of the one after it."""
        for key in after.intersection(keys):
            cycles, pages = self._versions[key]
            if cycle in pages:
                cycles.remove(cycle)
                del pages[cycle]


@dataclass(frozen=True)
class Checkpoint:
    """A machine at the end of ``cycle``: everything but SRAM, of which ``pages`` changed since the one before."""

    cycle: int
    last: int
    agenda: Agenda
    queues: tuple[Any, ...]
    generators: tuple[tuple[tuple[int, bool], Generator, Any, Any], ...]
    streams: tuple[Any, tuple[NDArray[Any], ...]]
    planes: tuple[dict[tuple[str, int], Octets], dict[tuple[str, int], Octets]]
    rest: tuple[Any, ...]
    pages: frozenset[Key]
    size: int


def take(machine: Machine, memory: Memory, before: Checkpoint | None) -> Checkpoint:
    """A checkpoint of a machine as it stands; shares with ``before`` the planes that have not changed."""
    state = machine.state
    pages, size = memory.seal(machine.cycle)
    live = np.nonzero(state.diagonal > machine.cycle - state.ring)
    columns = (state.diagonal, state.register, state.writer, state.replaced, state.vectors)
    streams = (live, tuple(column[live] for column in columns))
    planes = (
        _planes(state.buffer, before.planes[0] if before else {}),
        _planes(state.array, before.planes[1] if before else {}),
    )
    rest = (
        {plane: list(queue) for plane, queue in state.results.items()},
        state.latch.copy(),
        [list(queue) for queue in state.passing],
        [list(queue) for queue in state.links],
        list(state.sent),
    )
    size += sum(part.nbytes for part in streams[1]) + state.latch.nbytes
    for k in (0, 1):
        size += sum(a.nbytes for p, a in planes[k].items() if before is None or before.planes[k][p] is not a)
    queues = tuple((q.at, q.waiting, copy(q.nest), q.due) for q in machine.queues)
    generators = tuple((key, g, copy(g.issues), g.due) for key, g in machine.generators.items())
    agenda = machine.chip.agenda.copy()
    return Checkpoint(
        machine.cycle, machine.chip.last, agenda, queues, generators, streams, planes, rest, pages, size
    )  # fmt: skip


def _planes(now: dict[tuple[str, int], Octets], before: dict[tuple[str, int], Octets]) -> dict[Any, Octets]:
    return {
        plane: before[plane] if plane in before and np.array_equal(before[plane], values) else values.copy()
        for plane, values in now.items()
    }


def restore(machine: Machine, memory: Memory, to: Checkpoint, pages: Iterable[Key]) -> None:
    """Makes a machine what it was; ``pages`` are those of SRAM that may differ, besides the ones written just now."""
    chip, state = machine.chip, machine.state
    machine.cycle = chip.cycle = to.cycle
    machine.fault, chip.last, chip.agenda = None, to.last, to.agenda.copy()
    chip.findings.clear()
    chip.dispatched.clear()
    chip.prepared.clear()
    for queue, (at, waiting, nest, due) in zip(machine.queues, to.queues, strict=True):
        queue.at, queue.waiting, queue.nest, queue.due = at, waiting, copy(nest), due
    machine.generators.clear()
    for key, generator, issues, due in to.generators:
        generator.issues, generator.due = copy(issues), due
        machine.generators[key] = generator
    live, columns = to.streams
    state.diagonal.fill(NEVER)
    state.register.fill(0)
    state.writer.fill(NOBODY)
    state.replaced.fill(NOBODY)
    targets: tuple[NDArray[Any], ...] = (
        state.diagonal, state.register, state.writer, state.replaced, state.vectors
    )  # fmt: skip
    for column, part in zip(targets, columns, strict=True):
        column[live] = part
    for weights, kept in zip((state.buffer, state.array), to.planes, strict=True):
        for plane, rows in kept.items():
            weights[plane][:] = rows
    results, latch, passing, links, sent = to.rest
    for plane, items in results.items():
        state.results[plane].clear()
        state.results[plane].extend(items)
    state.latch[:] = latch
    deques: list[tuple[deque[Any], list[Any]]] = [
        *zip(state.passing, passing, strict=True), *zip(state.links, links, strict=True)
    ]  # fmt: skip
    for mine, items in deques:
        mine.clear()
        mine.extend(items)
    state.sent[:] = sent
    memory.restore(to.cycle, pages)
