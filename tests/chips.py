"""Chips for tests of the engines: values put into registers and memory, and taken from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from words import Line, program, streams

from lpuasm.isa.core import table
from lpuasm.isa.errors import Fault
from lpuasm.isa.program import Program
from lpuasm.isa.target import DIRECTIONS, Target, load_target
from lpuasm.vm.reference import Machine
from lpuasm.vm.show import cell

Octets = NDArray[np.uint8]
#: The cycle in which the instruction under test dispatches.
START = 60


def inject(machine: Machine, group: str, register: int, cycle: int, rows: Octets) -> None:
    """Puts ``rows`` [streams, lanes] on a stream group, so that they are at ``register`` in ``cycle``."""
    state, s, diagonal = machine.state, streams(group), cycle - register
    part = (DIRECTIONS.index(s.direction), diagonal & (state.ring - 1), slice(s.base, s.base + s.size))
    state.diagonal[part] = diagonal
    state.register[part] = 0
    state.vectors[part] = rows


def peek(machine: Machine, group: str, register: int) -> Octets | None:
    """What is on a stream group at ``register`` in the machine's cycle, [streams, lanes]; None if a stream is empty."""
    s = streams(group)
    found = [cell(machine.state, machine.cycle, s.direction, s.base + k, register) for k in range(s.size)]
    return np.stack([c.value for c in found if c]) if all(found) else None


def seen(machine: Machine, group: str, register: int) -> Octets:
    """What is on a stream group, which something must be."""
    found = peek(machine, group, register)
    assert found is not None, f"nothing is on {group} at SR{register}"
    return found


def once(
    target: Target | str, queue: str, mnemonic: str, values: Mapping[str, Any], **operands: Octets
) -> tuple[Machine, dict[str, Octets | None]]:
    """One instruction by itself: ``operands`` stand at its taps when it dispatches.

    Returns the machine, stopped when the result is due, and what is then in the registers that it drives.
    """
    chip = load_target(target) if isinstance(target, str) else target
    machine = Machine(program(chip, {queue: [(START, mnemonic, values)]}))
    where = chip.queue[queue]
    for name, rows in operands.items():
        tap = chip.read_tap(where, streams(values[name]).direction)
        assert tap is not None
        inject(machine, values[name], tap, START, rows)
    definition = table(chip).find(where.kind, mnemonic)
    assert definition is not None
    machine.run(until=START + definition.timing.func)
    out: dict[str, Octets | None] = {}
    for operand in definition.operands:
        if operand.role == "out" and operand.kind == "streams" and values.get(operand.name) is not None:
            tap = chip.drive_tap(where, streams(values[operand.name]).direction)
            assert tap is not None
            out[operand.name] = peek(machine, values[operand.name], tap)
    machine.run()
    return machine, out


def journey(target: Target, writer: str, mnemonic: str, reader: str, direction: str) -> int:
    """Cycles from the dispatch of ``mnemonic`` in queue ``writer`` to that of the reader of its result."""
    begin, end = target.queue[writer], target.queue[reader]
    definition = table(target).find(begin.kind, mnemonic)
    drive, read = target.drive_tap(begin, direction), target.read_tap(end, direction)
    assert definition is not None
    assert drive is not None
    assert read is not None
    assert drive <= read, f"{reader} is not downstream of {writer}"
    return definition.timing.func + read - drive


def fault(given: Program | Mapping[str, list[Line]], target: str = "mini") -> Fault:
    """The fault that a program ends in."""
    machine = Machine(given if isinstance(given, Program) else program(target, given))
    with pytest.raises(Fault) as caught:
        machine.run()
    return caught.value


def blame(given: Program | Mapping[str, list[Line]], target: str = "mini") -> tuple[int, str, str]:
    """(cycle, queue, code) of the fault that a program ends in."""
    found = fault(given, target)
    return found.cycle, found.queue, found.code


def vector(rng: np.random.Generator, *shape: int) -> Octets:
    """Random bytes."""
    return rng.integers(0, 256, shape, np.uint8)
