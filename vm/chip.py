"""A chip at work: its state, its agenda, and what the units' functions need to sample, drive and complain.

A function of a unit gets the chip and an :class:`Issue`. It samples operands
with :meth:`Chip.sample`, computes, and hands results to :meth:`Chip.drive` or
:meth:`Chip.later`. A fault is noted and the function goes on with zeros; the
machine stops at the end of the cycle.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from lpuasm.isa.dot import PreparedF16
from lpuasm.isa.target import Target
from lpuasm.vm.agenda import Agenda
from lpuasm.vm.code import Code, Port
from lpuasm.vm.fault import Finding, heard, silence
from lpuasm.vm.state import NOBODY, Octets, State


@dataclass(frozen=True, slots=True)
class Issue:
    """One dispatch of a word: in which cycle, and by how much its stepped operand has moved."""

    code: Code
    cycle: int
    step: int = 0


class Chip:
    """The state of a chip and what is about to happen to it. ``cycle`` is the present."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.state = State(target)
        self.agenda = Agenda()
        self.cycle = 0
        self.findings: list[Finding] = []
        #: The last cycle in which anything that was dispatched takes effect.
        self.last = -1
        #: The words that dispatched in this cycle, by number of their queue.
        self.dispatched: dict[int, Code] = {}
        #: Weights in the form that the dot products take, by plane or pair and half; dropped when an array changes.
        self.prepared: dict[tuple[str, int, str, int], np.ndarray | PreparedF16] = {}
        self.trace: Callable[[int, Code], None] | None = None
        #: Called with what an issue samples or drives: by whom, the name of the operand, bytes [streams, lanes].
        self.seen: Callable[[Issue, str, Octets], None] | None = None
        #: Called before the word of a slice changes: by whom, its address, and which of its lanes.
        self.stored: Callable[[Issue, int, slice], None] | None = None

    def fault(self, issue: Issue, code: str, message: str, other: int = NOBODY, help: str = "") -> None:
        """Notes a fault of ``issue`` in this cycle; ``other`` is the identity of the other party.

        Data faults (07) of an issue that has heard something wrong say nothing, and are not noted.
        """
        if code.startswith("LPU07") and any(f.word == issue.code.identity for f in self.findings):
            return
        self.findings.append(Finding(self.cycle, issue.code.identity, code, message, other, help))

    def note(self, code: Code) -> None:
        """Notes that a word dispatches in this cycle."""
        self.dispatched[code.queue.number] = code
        self.last = max(self.last, self.cycle + max(code.func, code.skew))
        if self.trace is not None:
            self.trace(self.cycle, code)

    def issue(self, code: Code, step: int = 0) -> None:
        """Dispatches a word in this cycle."""
        self.note(code)
        issue = Issue(code, self.cycle, step)
        for number, message in code.illegal:
            self.fault(issue, number, message)
        self.agenda.at(self.cycle + code.skew).operations.append(issue)

    def later(self, issue: Issue, commit: Callable[[], None]) -> None:
        """Lets ``commit`` happen when the result of ``issue`` is due."""
        self.agenda.at(issue.cycle + issue.code.func).commits.append((issue.code.identity, commit))

    def sample(self, issue: Issue, name: str) -> Octets:
        """What a stream operand hears in this cycle: bytes [streams, lanes]."""
        port, state = issue.code.ports[name], self.state
        base, size = port.streams.base, port.streams.size
        if port.tap is None:
            return np.zeros((size, self.target.lanes), np.uint8)
        diagonal = self.cycle - port.tap
        part = (port.way, diagonal & (state.ring - 1), slice(base, base + size))
        there = state.diagonal[part] == diagonal
        if not there.all():
            self.findings.append(silence(state, self.cycle, issue.code, port, base + int(there.argmin())))
            return np.zeros((size, self.target.lanes), np.uint8)
        if port.meant:
            for k, writer in enumerate(state.writer[part].tolist()):
                meant = port.meant[k]
                if meant is not None and writer not in meant:
                    self.findings.append(heard(state, self.cycle, issue.code, port, base + k, meant))
                    break
        rows = state.vectors[part].copy()
        if self.seen is not None:
            self.seen(issue, name, rows)
        return rows

    def drive(self, issue: Issue, name: str, rows: Octets) -> None:
        """Lets ``rows``, bytes [streams, lanes], enter the streams of a result operand when the result is due."""
        port = issue.code.ports.get(name)
        if port is not None and port.tap is not None:
            if self.seen is not None:
                self.seen(issue, name, rows)
            self.later(issue, partial(self._put, issue, port, port.tap, rows))

    def _put(self, issue: Issue, port: Port, tap: int, rows: Octets) -> None:
        state, base = self.state, port.streams.base
        diagonal = self.cycle - tap
        part = (port.way, diagonal & (state.ring - 1), slice(base, base + port.streams.size))
        there = state.diagonal[part] == diagonal
        if there.any():
            both = there & (state.register[part] == tap)
            if both.any():
                k = int(both.argmax())
                stream = f"s{base + k}.{port.streams.direction}"
                self.fault(issue, "LPU0301", f"{stream} is driven twice at SR{tap}", int(state.writer[part][k]))
        state.replaced[part] = np.where(there, state.writer[part], NOBODY)
        state.diagonal[part] = diagonal
        state.register[part] = tap
        state.writer[part] = issue.code.identity
        state.vectors[part] = rows
