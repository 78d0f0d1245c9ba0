"""Both engines on one program: the same outputs, the same SRAM, the same cycles, the same first fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lpuasm.isa.core import table
from lpuasm.isa.errors import Fault
from lpuasm.isa.program import Program
from lpuasm.vm import observe
from lpuasm.vm.bind import unload
from lpuasm.vm.fast import run_fast
from lpuasm.vm.reference import Machine


def differences(program: Program, inputs: Mapping[str, Any]) -> list[str]:
    """What the engines differ in, and, where the program runs to its end, whether all of SRAM is the same."""
    machine = Machine(program, inputs)
    expected, found, run = None, None, None
    try:
        machine.run()
    except Fault as fault:
        expected = fault
    try:
        run = run_fast(program, inputs)
    except Fault as fault:
        found = fault
    if expected or found or run is None:
        first, second = ((f.cycle, f.queue, f.code) if f else None for f in (expected, found))
        return [] if first == second else [f"fault {first} of the reference, {second} of the fast engine"]
    out = [] if run.cycles == machine.cycles else [f"{machine.cycles} cycles, not {run.cycles}"]
    for x in program.tensors:
        if x.kind == "output" and unload(machine.state, program, x.name).tobytes() != run[x.name].tobytes():
            out.append(f"output {x.name}")
    names = {n: program.target.queues[n].name for n in machine.state.memory}
    places = [
        (names[n], a) for n, words in machine.state.memory.items() for a in np.flatnonzero(words.any(axis=1)).tolist()
    ]
    if places:
        image = observe.words(program, inputs, places)
        wanted = np.stack([machine.state.memory[program.target.queue[name].number][a] for name, a in places])
        out += [f"word {places[k]}" for k in np.flatnonzero((image != wanted).any(axis=1)).tolist()]
    return out


def mnemonics(program: Program) -> set[str]:
    """The instructions that a program has."""
    codes = {int(code) for words in program.queues.values() for code in np.unique(words[:, 0] & np.uint64(0xFF))}
    return {table().by_opcode[code].mnemonic for code in codes}
