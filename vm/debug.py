"""A run that goes forward and back, and stops where it is asked to.

    d = Debugger(program, {"A": a})
    d.add("flow multiply"); d.go()      # to the next stop, or the end
    d.step(); d.back(); d.goto(120)     # by cycles
    d.go(backward=True)                 # to the stop before

The reference engine runs; checkpoints are kept on the way, close together near
the present and further apart before it, and a cycle of the past is reached from
the checkpoint before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lpuasm.isa.errors import Fault
from lpuasm.isa.program import Program
from lpuasm.vm.bind import unload
from lpuasm.vm.breaks import Break, parse, wrong
from lpuasm.vm.checkpoint import Memory
from lpuasm.vm.code import Code
from lpuasm.vm.moments import Moments, next_of, previous_of
from lpuasm.vm.past import Past
from lpuasm.vm.reference import Machine
from lpuasm.vm.state import State
from lpuasm.vm.stores import Stores

#: Seconds of running from one checkpoint to the next.
SPACING = 0.02
#: Bytes that checkpoints take, about; beyond it those furthest back in time are thinned out.
BUDGET = 512 << 20


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a run stopped: ``reason`` is "end", "begin", "break", "fault" or "interrupted"."""

    cycle: int
    reason: str
    breaks: tuple[int, ...] = ()


class Debugger:
    """A streaming program on its way; ``cycle`` is the last that has happened, −1 before the first.

    ``interrupted`` is asked between cycles; where it says so a run stops there, with the state of that cycle.

    Raises:
        BindError: the inputs do not fit the program.
        DebugError: LPU1209, scalar code.
    """

    def __init__(
        self,
        program: Program,
        inputs: Mapping[str, ArrayLike] | None = None,
        *,
        spacing: float = SPACING,
        budget: int = BUDGET,
    ) -> None:
        if program.scalar:
            raise wrong("LPU1209", "scalar code cannot be stopped: it has no streams, and its time depends on data",
                        "`run` runs it; its listing is what `dis` shows")  # fmt: skip
        self.program = program
        self.moments = Moments(program)
        self.machine = Machine(program, inputs)
        self.breaks: dict[int, Break] = {}
        self.interrupted: Callable[[], bool] = lambda: False
        self.fault: Fault | None = None
        self._spacing = spacing
        memory = Memory(self.machine.state)
        self._stores = Stores(self.machine.state, memory, [c for q in self.machine.queues for c in q.codes])
        self.machine.chip.trace = self._dispatched
        self.machine.chip.stored = self._stores.note
        self.now: list[tuple[Code, int]] = []
        self._past = Past(self.machine, memory, budget)
        self._work = 0.0

    @property
    def cycle(self) -> int:
        return self.machine.cycle

    @property
    def state(self) -> State:
        return self.machine.state

    @property
    def done(self) -> bool:
        return self.machine.done or self.fault is not None

    @property
    def end(self) -> int | None:
        """The last cycle in which anything happens, if a run has been there."""
        return self.cycle if self.done else None

    @property
    def checkpoints(self) -> tuple[int, int]:
        """How many checkpoints are kept, and how many bytes they take, about."""
        return len(self._past.kept), self._past.size

    def tensor(self, name: str) -> NDArray[Any]:
        """What SRAM holds of a tensor at this cycle."""
        return np.asarray(unload(self.state, self.program, name))

    def stamp(self, queue: int, address: int, lane: int) -> tuple[Code, int] | None:
        """(the word that stored to a place last, the cycle of its dispatch); None if nobody did."""
        return self._stores.writer(queue, address, lane)

    # Breakpoints

    def add(self, text: str, number: int | None = None) -> int:
        """Stops from now on where ``text`` says (:func:`lpuasm.vm.breaks.parse`); the number of the breakpoint."""
        number = max(self.breaks, default=0) + 1 if number is None else number
        self.breaks[number] = parse(text, self.program, self.moments)
        return number

    # Moving

    def goto(self, cycle: int) -> Stop:
        """To the end of ``cycle``, or to where the run ends before it."""
        cycle = max(cycle, -1)
        if cycle < self.cycle or self.fault is not None:
            self._to_checkpoint(cycle - 1)
        else:
            self._skip(cycle)
        return self._forward(cycle)

    def step(self, count: int = 1, by: str = "cycle") -> Stop:
        """Forward by cycles, by cycles in which a word dispatches ("dispatch"), or to where flows begin ("flow")."""
        stop = Stop(self.cycle, "end")
        for _ in range(count):
            to = self._ahead(by)
            if to is None:
                return self._forward(None)
            stop = self.goto(to)
            if stop.reason in ("fault", "interrupted"):
                break
        return stop

    def back(self, count: int = 1, by: str = "cycle") -> Stop:
        """Back by cycles, dispatches or flows."""
        to = self.cycle
        for _ in range(count):
            earlier = self._behind(by, to)
            if earlier is None:
                self.goto(-1)
                return Stop(-1, "begin")
            to = earlier
        return self.goto(to)

    def _ahead(self, by: str) -> int | None:
        if by == "cycle":
            return None if self.machine.done else self.cycle + 1
        if by == "dispatch":
            return self.moments.after(self.cycle)
        return next_of(sorted(self.moments.flows.values()), self.cycle)

    def _behind(self, by: str, cycle: int) -> int | None:
        if by == "cycle":
            return cycle - 1 if cycle > -1 else None
        if by == "dispatch":
            return self.moments.before(cycle)
        return previous_of(sorted(self.moments.flows.values()), cycle)

    def go(self, backward: bool = False) -> Stop:
        """To the next stop of any breakpoint, or to the end; with ``backward`` to the one before, or the beginning."""
        return self._reverse() if backward else self._seek()

    def _seek(self) -> Stop:
        cycles = [next_of(list(b.cycles), self.cycle) for b in self.breaks.values() if b.known]
        until = min((c for c in cycles if c is not None), default=None)
        if not any(not b.known for b in self.breaks.values()):
            if until is not None:
                self._skip(until)
            return self._stopped(self._forward(until))
        return self._stopped(self._forward(until, self._watching))

    def _stopped(self, stop: Stop) -> Stop:
        """A stop with the breakpoints that it is at."""
        if stop.reason not in ("", "break"):
            return stop
        here = [n for n, b in self.breaks.items() if stop.cycle in b.cycles or self._stores.hits(b)]
        return Stop(stop.cycle, "break", tuple(here))

    def _watching(self) -> bool:
        return any(self._stores.hits(b) for b in self.breaks.values() if not b.known)

    def _reverse(self) -> Stop:
        here = self.cycle
        known = [previous_of(list(b.cycles), here) for b in self.breaks.values() if b.known]
        best = max((c for c in known if c is not None), default=-1)
        if any(not b.known for b in self.breaks.values()):
            best = max(best, self._last_watched(best, here))
        self.goto(best)
        return self._stopped(Stop(best, "" if best >= 0 else "begin"))

    def _last_watched(self, after: int, before: int) -> int:
        """The last cycle between two at which a condition holds; −1 if there is none."""
        upto = before - 1
        while upto > after:
            start = self._to_checkpoint(upto - 1)
            found = -1
            while self.cycle < upto:
                stop = self._forward(upto, self._watching)
                if stop.reason == "break":
                    found = stop.cycle
                else:
                    break
            if found > after or stop.reason == "interrupted":
                return found
            upto = start
        return -1

    # Running

    def _dispatched(self, cycle: int, code: Code) -> None:
        self.now.append((code, cycle))

    def _forward(self, until: int | None, stop: Callable[[], bool] | None = None) -> Stop:
        """Runs to the end of ``until`` (of the program), or to where ``stop`` says so."""
        machine = self.machine
        while not machine.done and (until is None or (machine.chip.agenda.next or 0) <= until):
            if self.interrupted():
                return Stop(self.cycle, "interrupted")
            began = perf_counter()
            self.now.clear()
            self._stores.begin()
            try:
                machine.step()
            except Fault as fault:
                self.fault = fault
                return Stop(self.cycle, "fault")
            self._work += perf_counter() - began
            if self._work > self._spacing:
                self._past.keep()
                self._work = 0.0
            if stop is not None and stop():
                return Stop(self.cycle, "break")
        if machine.done and self.fault is None and (until is None or until >= self.cycle):
            return self._ended(until)
        if until is not None and until > machine.cycle:
            machine.cycle = until
            self.now.clear()
            self._stores.begin()
        return Stop(self.cycle, "")

    def _ended(self, until: int | None) -> Stop:
        """The end: a `sync` that nothing releases is found out here."""
        if any(q.waiting is not None for q in self.machine.queues):
            try:
                self.machine.step()
            except Fault as fault:
                self.fault = fault
                return Stop(self.cycle, "fault")
        return Stop(self.cycle, "" if until == self.cycle else "end")

    def _skip(self, cycle: int) -> None:
        """Forward to the last checkpoint before a cycle, where one has been kept in an earlier pass."""
        if self._past.latest(cycle - 1) > self.cycle:
            self._to_checkpoint(cycle - 1)

    def _to_checkpoint(self, cycle: int) -> int:
        """To the last checkpoint at or before ``cycle``, which is where it returns.

        What happens in the cycle of a checkpoint is not known there; whoever wants to know starts from one before.
        """
        at = self._past.restore(cycle)
        self.fault, self._work = None, 0.0
        self.now.clear()
        self._stores.begin()
        return at
