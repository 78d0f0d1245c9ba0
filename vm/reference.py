"""The reference engine: a clock that is stepped, as literal and short as it can be.

A cycle is: commit what falls due, let queues and generators dispatch, sample
and compute, check the banks. Cycles in which nothing happens are skipped. It
takes nothing from ``isa/timeline.py``, and so checks it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from numpy.typing import ArrayLike

from lpuasm.isa.errors import Fault
from lpuasm.isa.program import Program
from lpuasm.vm import icu
from lpuasm.vm.agenda import Moment
from lpuasm.vm.bind import bind, load
from lpuasm.vm.chip import Chip, Issue
from lpuasm.vm.code import Code, decode
from lpuasm.vm.fault import Finding, first_fault
from lpuasm.vm.mem import Generator
from lpuasm.vm.state import State
from lpuasm.vm.units import operation

#: Called for every dispatch with its cycle and word.
Trace = Callable[[int, Code], None]
#: Called about once a second with the cycle that a run has come to.
Progress = Callable[[int], None]


class Machine:
    """A chip with a program in its queues, which can be stopped in any cycle.

    ``inputs`` are arrays by the names of inputs and weights; without any, SRAM begins as zeros. ``trace`` is called for
    every dispatch with its cycle and word. ``cycle`` is the last cycle that has happened, −1 before the first;
    ``state`` is what the chip holds at its end.

    Raises:
        BindError: the inputs do not fit the program.
        ObjectError: a word of the program is not an instruction.
    """

    def __init__(
        self, program: Program, inputs: Mapping[str, ArrayLike] | None = None, *, trace: Trace | None = None
    ) -> None:
        self.program = program
        self.chip = Chip(program.target)
        self.chip.trace = trace
        self.queues = [icu.InstructionQueue(program.target.queue[n], codes) for n, codes in decode(program).items()]
        self.generators: dict[tuple[int, bool], Generator] = {}
        self.cycle = -1
        self.fault: Fault | None = None
        self.chip.agenda.at(0).queues.extend(self.queues)
        if inputs is not None:
            load(self.state, program, bind(program, inputs))

    @property
    def state(self) -> State:
        return self.chip.state

    @property
    def done(self) -> bool:
        """Whether nothing will happen any more."""
        return self.chip.agenda.next is None

    @property
    def cycles(self) -> int:
        """Cycles from 0 to the last effect, in the last superlane, of what has been dispatched so far."""
        chip = self.chip
        return chip.last + chip.target.geometry.superlanes if chip.last >= 0 else 0

    def step(self) -> bool:
        """Goes on to the next cycle in which anything happens; whether there was one.

        Raises:
            Fault: the program broke a rule of the machine in that cycle; the machine does not go on after it.
        """
        if self.fault:
            raise self.fault
        cycle = self.chip.agenda.next
        if cycle is None:
            self._stop(self._waiting())
            return False
        self._clock(cycle)
        if self.chip.findings:
            self._stop(self.chip.findings + self._waiting())
        return True

    def run(self, until: int | None = None, progress: Progress | None = None) -> None:
        """Runs to the end, or to the end of cycle ``until``. Raises Fault as :meth:`step` does."""
        report = time.monotonic() + 1
        while until is None or (self.chip.agenda.next or 0) <= until:
            if not self.step():
                break
            if progress is not None and time.monotonic() >= report:
                progress(self.cycle)
                report = time.monotonic() + 1
        if until is not None:
            self.cycle = max(self.cycle, until)

    def _clock(self, cycle: int) -> None:
        """One cycle."""
        self.cycle = self.chip.cycle = cycle
        self.chip.dispatched.clear()
        now = self.chip.agenda.at(cycle)
        for _, commit in sorted(now.commits, key=lambda c: c[0]):
            commit()
        self._dispatch(now)
        self._check_pairs()
        now.operations.sort(key=lambda issue: issue.code.identity)
        for issue in now.operations:
            operation(issue.code.definition)(self.chip, issue)
        self._check_banks(now)
        self.chip.agenda.done(cycle)

    def _dispatch(self, now: Moment) -> None:
        """Lets queues and generators do what they do in this cycle."""
        self._release(now)
        for generator in now.generators:
            self._generate(generator)
        for queue in now.queues:
            icu.advance(self.chip, queue, self._issue)

    def _release(self, now: Moment) -> None:
        """A notification releases every `sync` that was there before it arrived."""
        if now.notified:
            for queue in self.queues:
                if queue.waiting is not None and queue.waiting < self.chip.cycle:
                    icu.release(self.chip, queue)

    def _issue(self, code: Code, step: int = 0) -> None:
        if code.definition.unit != "mem":
            self.chip.issue(code, step)
            return
        generator = Generator(code, self.chip.cycle)
        key = (code.queue.number, generator.reads)
        before = self.generators.get(key)
        if before is not None and before.last >= self.chip.cycle:
            what = "read" if generator.reads else "write"
            message = f"the {what} generator still issues until cycle {before.last}"
            self.chip.fault(Issue(code, self.chip.cycle), "LPU0304", message, before.code.identity)
        self.generators[key] = generator
        self._generate(generator)

    def _generate(self, generator: Generator) -> None:
        self.chip.issue(generator.code, generator.due[1])
        if generator.advance():
            self.chip.agenda.at(generator.due[0]).generators.append(generator)

    def _check_pairs(self) -> None:
        """An instruction of a pair of planes claims the queue of plane 1 besides its own."""
        for code in list(self.chip.dispatched.values()):
            other = self.chip.dispatched.get(code.sibling) if code.sibling is not None else None
            if other is not None and other is not code:
                message = f"an instruction of the pair of planes claims {other.queue} in this cycle"
                self.chip.fault(Issue(other, self.chip.cycle), "LPU0306", message, code.identity)

    def _check_banks(self, now: Moment) -> None:
        """A bank is used once in a cycle."""
        held: dict[int, list[tuple[Issue, int]]] = {}
        for issue, banks in now.holds:
            others = held.setdefault(issue.code.queue.number, [])
            for other, taken in others:
                if banks & taken:
                    bank = (banks & taken).bit_length() - 1
                    message = f"bank {bank} of {issue.code.queue} is used twice in this cycle"
                    self.chip.fault(issue, "LPU0303", message, other.code.identity)
            others.append((issue, banks))

    def _waiting(self) -> list[Finding]:
        """The `sync`s that are never released. After a fault the queues are run on alone, to see which those are."""
        chip = self.chip
        while any(q.waiting is not None for q in self.queues) and (cycle := chip.agenda.next) is not None:
            chip.cycle = cycle
            now = chip.agenda.at(cycle)
            self._release(now)
            for queue in now.queues:
                icu.advance(chip, queue, _nowhere)
            chip.agenda.done(cycle)
        message = "no notification ever releases this sync"
        return [
            Finding(q.waiting, q.codes[q.at].identity, "LPU0309", message) for q in self.queues if q.waiting is not None
        ]

    def _stop(self, findings: list[Finding]) -> None:
        if findings:
            self.fault = first_fault(self.program, findings)
            raise self.fault


def _nowhere(code: Code, step: int = 0) -> None:
    """What becomes of issues after a fault."""
