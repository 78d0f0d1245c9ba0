"""Faults: what a program did that the machine cannot do, as a diagnostic in plain words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from lpuasm.isa.core import table
from lpuasm.isa.errors import Diagnostic, Fault, Related, error
from lpuasm.isa.program import Program
from lpuasm.vm.code import Code, Port
from lpuasm.vm.state import NOBODY, State, parties


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault: the cycle in which it happens, the word that is charged with it, and the other party if there is one."""

    cycle: int
    word: int
    code: str
    message: str
    other: int = NOBODY
    help: str = ""

    @property
    def order(self) -> tuple[int, int, str, int]:
        """The order of faults: cycle, number of the queue, code; then the word."""
        queue, word = parties(self.word)
        return self.cycle, queue, self.code, word


def first_fault(program: Program, findings: Iterable[Finding]) -> Fault:
    """The exception that says which of ``findings`` comes first; the others of its cycle follow it."""
    ordered = sorted(findings, key=lambda f: f.order)
    first = ordered[0]
    queue, word = parties(first.word)
    same = [f for f in ordered if f.cycle == first.cycle]
    diagnostics = [diagnostic(program, f) for f in same]
    return Fault(*diagnostics, cycle=first.cycle, queue=program.target.queues[queue].name, word=word)


def diagnostic(program: Program, f: Finding) -> Diagnostic:
    """A finding as it is told."""
    queue, word = parties(f.word)
    name = program.target.queues[queue].name
    related = []
    if f.other != NOBODY:
        other_queue, other_word = parties(f.other)
        other_name = program.target.queues[other_queue].name
        related.append(
            Related(f"the other is {_text(program, other_name, other_word)}", program.span(other_name, other_word))
        )
    return error(
        f.code,
        f"cycle {f.cycle}, {name}: {f.message}",
        program.span(name, word),
        label=_text(program, name, word),
        related=tuple(related),
        help=f.help,
    )


def _text(program: Program, queue: str, word: int) -> str:
    instruction = table(program.target).decode(program.word(queue, word))
    return f"`{instruction}`, word {word} of {queue}"


def silence(state: State, cycle: int, code: Code, port: Port, stream: int) -> Finding:
    """The fault of an operand that hears nothing."""
    assert port.tap is not None
    name = f"s{stream}.{port.streams.direction}"
    nearby = _passing(state, cycle, port, stream)
    help = ""
    if len(nearby):
        nearest = int(nearby[np.abs(nearby - cycle).argmin()])
        late = nearest - cycle
        help = f"the nearest value of {name} is there in cycle {nearest}, {_apart(late)}"
    return Finding(cycle, code.identity, "LPU0302", f"nothing was driven on {name} at SR{port.tap}", help=help)


def _apart(late: int) -> str:
    return f"{abs(late)} cycle{'s' if abs(late) != 1 else ''} {'later' if late > 0 else 'earlier'}"


def _passing(state: State, cycle: int, port: Port, stream: int) -> np.ndarray:
    """The cycles in which values that are on a stream now, or were lately, are at the tap of ``port``."""
    assert port.tap is not None
    diagonals = state.diagonal[port.way, :, stream]
    upstream = state.register[port.way, :, stream] <= port.tap
    return diagonals[upstream & (diagonals > cycle - state.ring)] + port.tap


def heard(state: State, cycle: int, code: Code, port: Port, stream: int, meant: frozenset[int]) -> Finding:
    """The fault of an operand that hears another word than it is to hear: stolen, late, early, or simply another."""
    assert port.tap is not None
    name = f"s{stream}.{port.streams.direction}"
    slot = (cycle - port.tap) & (state.ring - 1)
    writer, replaced = int(state.writer[port.way, slot, stream]), int(state.replaced[port.way, slot, stream])
    message = f"{name} at SR{port.tap} holds another word's value"
    help = ""
    if replaced in meant:
        register = int(state.register[port.way, slot, stream])
        message = f"the value of {name} was stolen: another word drove over it at SR{register}"
    else:
        diagonals, writers = state.diagonal[port.way, :, stream], state.writer[port.way, :, stream]
        right = np.isin(writers, list(meant)) & (diagonals > cycle - state.ring)
        times = diagonals[right] + port.tap
        if len(times):
            nearest = int(times[np.abs(times - cycle).argmin()])
            which = "late" if nearest > cycle else "early"
            message = f"the value of {name} is {which}: another word's is at SR{port.tap}"
            help = f"what it is to hear is there in cycle {nearest}, {_apart(nearest - cycle)}"
    return Finding(cycle, code.identity, "LPU0314", message, writer, help)
