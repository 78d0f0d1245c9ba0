"""Streams that nothing holds: while the flow that is being typed would run, or at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from lpuasm.isa.core import table
from lpuasm.isa.target import Target

if TYPE_CHECKING:
    from lpuasm.isa.program import Program
    from lpuasm.repl.console import Console

#: A stream as (direction, number), with the first cycle and the last in which a value is on it.
Held = Mapping[tuple[str, int], list[tuple[int, int]]]


def held(program: Program | None) -> Held:
    """The streams that any word of a program drives, and when: to the cycle in which the last value leaves the chip."""
    if program is None or program.scalar:
        return {}
    from lpuasm.isa.ports import accesses

    timeline = program.timeline
    _, drives, _ = accesses(timeline)
    func = np.zeros(256, np.int64)
    for definition in table(timeline.target):
        func[definition.opcode] = definition.timing.func
    family = drives.family
    first = timeline.start[family]
    last = timeline.last[family] + func[timeline.opcode[family]] + timeline.target.registers
    found: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for west, stream, size, a, b in zip(drives.west, drives.stream, drives.size, first, last, strict=True):
        for k in range(int(size)):
            found.setdefault(("w" if west else "e", int(stream) + k), []).append((int(a), int(b)))
    return found


def window(console: Console, typed: str) -> tuple[Program, int, int] | None:
    """(the program with the flow whose first lines are ``typed``, the cycles in which it runs); None if it cannot."""
    trial = console.trial(typed)
    name = typed.split(":")[0].split()[1:2]
    if trial is None or trial.program is None or trial.built is None or trial.built.explanation is None:
        return None
    for flow in trial.built.explanation.flows:
        if [flow.name] == name:
            return trial.program, flow.start, flow.start + flow.length
    return None


def streams(console: Console, target: Target, size: int, typed: str) -> list[tuple[str, str]]:
    """Groups of ``size`` streams that are free, with what they are free for.

    First those that nothing drives anywhere, then those that are free while the flow of ``typed`` would run.
    """
    there = window(console, typed) if typed else None
    taken = held(there[0] if there else console.session.program)
    always, meanwhile = [], []
    for direction in "ew":
        for base in range(0, target.geometry.streams, size):
            times = [time for k in range(size) for time in taken.get((direction, base + k), ())]
            name = f"s{base}.{direction}" if size == 1 else f"sg{size}.{direction}[{base // size}]"
            if not times:
                always.append((name, "free for the whole program"))
            elif there and all(last < there[1] or first > there[2] for first, last in times):
                meanwhile.append((name, f"free in cycles {there[1]:,} to {there[2]:,}, when the flow runs"))
    return always + meanwhile
