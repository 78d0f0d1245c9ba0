"""Instruction control: how a queue goes through its words, one cycle at a time.

A word of a unit is issued and the queue is free in the next cycle. The words of
``CONTROL`` act on the queue itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from lpuasm.isa.operands import Dim
from lpuasm.isa.target import Queue
from lpuasm.vm.chip import Chip, Issue
from lpuasm.vm.code import Code
from lpuasm.vm.fault import Finding


class InstructionQueue:
    """A queue on its way: ``at`` is the word at its head, ``waiting`` the cycle since which it is a `sync`.

    ``nest``: the issues that a `repeat` at the head still has to make after ``due``, the next one: (cycle, step).
    """

    def __init__(self, queue: Queue, codes: Sequence[Code]) -> None:
        self.queue = queue
        self.codes = codes
        self.at = 0
        self.waiting: int | None = None
        self.nest: Nest | None = None
        self.due: tuple[int, int] | None = None


class Dispatch(Protocol):
    """What takes the words that a queue issues."""

    def __call__(self, code: Code, step: int = 0) -> None: ...


class Nest:
    """The issues of a nest that begins in cycle ``begin``: (cycle, step of the operand). One if it has no dimension.

    ``at`` is the number of the next one. An iterator that can be copied.
    """

    def __init__(self, dims: Sequence[Dim], begin: int, at: int = 0) -> None:
        self.dims = dims
        self.begin = begin
        self.at = at

    def __iter__(self) -> Nest:
        return self

    def __next__(self) -> tuple[int, int]:
        rest, cycle, step = self.at, self.begin, 0
        for dim in self.dims:
            rest, index = divmod(rest, dim.count)
            cycle += index * dim.every
            step += index * dim.step
        if rest:
            raise StopIteration
        self.at += 1
        return cycle, step


def advance(chip: Chip, queue: InstructionQueue, dispatch: Dispatch) -> None:
    """Lets a queue do what it does in this cycle."""
    if queue.at == len(queue.codes):
        return
    code = queue.codes[queue.at]
    control = CONTROL.get(code.definition.mnemonic)
    if control is not None:
        control(chip, queue, code, dispatch)
    else:
        dispatch(code)
        _next(chip, queue, chip.cycle + 1)


def release(chip: Chip, queue: InstructionQueue) -> None:
    """Lets the word after a `sync` go in this cycle."""
    queue.waiting = None
    _next(chip, queue, chip.cycle)


def _next(chip: Chip, queue: InstructionQueue, cycle: int) -> None:
    """The word after the head may go in ``cycle``."""
    queue.at += 1
    chip.agenda.at(cycle).queues.append(queue)


def nop(chip: Chip, queue: InstructionQueue, code: Code, dispatch: Dispatch) -> None:
    _next(chip, queue, chip.cycle + code.number("count"))


def repeat(chip: Chip, queue: InstructionQueue, code: Code, dispatch: Dispatch) -> None:
    """The first issue was one cycle ago; makes those that are left, each in its cycle."""
    if queue.nest is None:
        if not _repeatable(queue.codes[queue.at - 1] if queue.at else None, code):
            message = "there is no instruction before it that can be repeated so"
            chip.findings.append(Finding(chip.cycle, code.identity, "LPU0305", message))
            queue.at = len(queue.codes)
            return
        queue.nest = Nest(code.nest, chip.cycle - 1, 1)
        queue.due = next(queue.nest, None)
    if queue.due is not None and queue.due[0] == chip.cycle:
        dispatch(queue.codes[queue.at - 1], queue.due[1])
        queue.due = next(queue.nest, None)
    if queue.due is None:
        queue.nest = None
        _next(chip, queue, chip.cycle + 1)
    else:
        chip.agenda.at(queue.due[0]).queues.append(queue)


def _repeatable(before: Code | None, code: Code) -> bool:
    """Whether a `repeat` may follow a word: not one of the queue itself, nor one with a nest of its own."""
    if before is None or before.definition.unit == "icu" or before.definition.mnemonic in CONTROL:
        return False
    moves = any(d.step for d in code.nest)
    return "repeat" not in before.definition.operand and (not moves or bool(before.definition.steps))


def sync(chip: Chip, queue: InstructionQueue, code: Code, dispatch: Dispatch) -> None:
    chip.note(code)
    queue.waiting = chip.cycle


def notify(chip: Chip, queue: InstructionQueue, code: Code, dispatch: Dispatch) -> None:
    chip.note(code)
    chip.agenda.at(chip.cycle + chip.target.barrier.latency).notified = True
    _next(chip, queue, chip.cycle + 1)


def transmit(chip: Chip, queue: InstructionQueue, code: Code, dispatch: Dispatch) -> None:
    """The chip by itself is at the other end of its links."""
    chip.note(code)
    for number, message in code.illegal:
        chip.fault(Issue(code, chip.cycle), number, message)
    latency = chip.target.c2c.latency + chip.target.barrier.latency
    chip.agenda.at(chip.cycle + latency).notified = True
    _next(chip, queue, chip.cycle + 1)


def deskew(chip: Chip, queue: InstructionQueue, code: Code, dispatch: Dispatch) -> None:
    chip.note(code)
    for number, message in code.illegal:
        chip.fault(Issue(code, chip.cycle), number, message)
    period = chip.target.c2c.hac_period
    _next(chip, queue, (chip.cycle // period + 1) * period)


def ifetch(chip: Chip, issue: Issue) -> None:
    """Queues are filled from the start: what is fetched is only sampled."""
    chip.sample(issue, "text")


def config(chip: Chip, issue: Issue) -> None:
    """Power has no effect on results."""


#: Words that act on the queue.
CONTROL: Mapping[str, Callable[[Chip, InstructionQueue, Code, Dispatch], None]] = {
    "nop": nop,
    "repeat": repeat,
    "sync": sync,
    "notify": notify,
    "transmit": transmit,
    "deskew": deskew,
}
OPERATIONS = {"ifetch": ifetch, "config": config}
