"""Brute force: what one issue of one word has a part in, found by spoiling its result and running again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.errors import Fault
from lpuasm.isa.program import Program
from lpuasm.vm import reference
from lpuasm.vm.bind import unload
from lpuasm.vm.chip import Chip, Issue
from lpuasm.vm.code import Code
from lpuasm.vm.reference import Machine
from lpuasm.vm.units import operation

#: An issue: the identity of its word, and its cycle.
Event = tuple[int, int]
Spoil = Callable[[NDArray[Any]], NDArray[Any]]


def events(program: Program, inputs: Mapping[str, Any]) -> list[Event]:
    """Every issue of a run that does anything to values."""
    found: list[Event] = []

    def note(cycle: int, code: Code) -> None:
        if code.definition.unit != "icu":
            found.append((code.identity, cycle))

    Machine(program, inputs, trace=note).run()
    return found


def spoiled(program: Program, inputs: Mapping[str, Any], event: Event, name: str) -> NDArray[np.bool_]:
    """Which elements of a tensor are others when the result of one issue is spoiled."""
    good = _tensor(program, inputs, name, None)
    for how in (_noise, _flip):
        try:
            return _bits(_tensor(program, inputs, name, (event, how))) != _bits(good)
        except Fault:
            continue  # a spoiled map leads nowhere: spoil it less
    raise AssertionError("every way to spoil it is a fault")


def _bits(array: NDArray[Any]) -> NDArray[Any]:
    return array.view(f"u{array.itemsize}")


def _noise(values: NDArray[Any]) -> NDArray[Any]:
    octets = np.ascontiguousarray(values).view(np.uint8)
    random = np.random.default_rng(octets.size).integers(1, 256, octets.shape).astype(np.uint8)
    return (octets ^ random).view(values.dtype)


def _flip(values: NDArray[Any]) -> NDArray[Any]:
    """The lowest bit of every second byte: addresses and maps stay near where they were."""
    octets = np.ascontiguousarray(values).view(np.uint8).copy()
    octets[..., ::2] ^= 1
    return octets.view(values.dtype)


def _tensor(program: Program, inputs: Mapping[str, Any], name: str, how: tuple[Event, Spoil] | None) -> NDArray[Any]:
    machine = Machine(program, inputs)

    def choose(definition: Any) -> Any:
        real = operation(definition)

        def spoiling(chip: Chip, issue: Issue) -> None:
            if how is None or (issue.code.identity, issue.cycle) != how[0]:
                real(chip, issue)
            else:
                _spoil(real, chip, issue, how[1])

        return spoiling

    with patch.object(reference, "operation", choose):
        machine.run()
    return np.asarray(unload(machine.state, program, name))


def _spoil(real: Any, chip: Chip, issue: Issue, how: Spoil) -> None:
    """One operation, whose result is spoiled on whatever way it leaves the unit."""
    later = chip.later

    def spoiled_later(issue: Issue, commit: Any) -> None:
        arguments = list(commit.args)
        last = max(k for k, a in enumerate(arguments) if isinstance(a, np.ndarray))
        arguments[last] = how(arguments[last])
        later(issue, partial(commit.func, *arguments))

    state = chip.state
    before = {plane: len(queue) for plane, queue in state.results.items()}
    sent = [len(queue) for queue in state.links]
    with patch.object(chip, "later", spoiled_later):
        real(chip, issue)
    for plane, queue in state.results.items():
        if len(queue) > before[plane]:
            cycle, kind, result = queue.pop()
            queue.append((cycle, kind, how(result)))
    for queue, count in zip(state.links, sent, strict=True):
        if len(queue) > count:
            arrival, row = queue.pop()
            queue.append((arrival, how(row)))
    if issue.code.definition.unit == "vxm":
        alu = issue.code.queue.index
        cycle, wide, way = state.passing[alu].pop()
        state.passing[alu].append((cycle, how(wide), way))
        if issue.code.values.get("keep"):
            state.latch[alu] = how(state.latch[alu])
