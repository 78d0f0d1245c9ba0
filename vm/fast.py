"""The fast engine: a program has no branches, so what it computes is known before it runs, and is computed as that."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lpuasm.isa.errors import Diagnostic, Fault
from lpuasm.isa.faults import Violation, describe
from lpuasm.isa.program import Program
from lpuasm.vm.bind import bind
from lpuasm.vm.compute import COMPUTE
from lpuasm.vm.fault import Finding, diagnostic
from lpuasm.vm.plan import Plan, plan
from lpuasm.vm.result import Run
from lpuasm.vm.state import parties
from lpuasm.vm.values import TensorValue
from lpuasm.vm.work import Work


def run_fast(program: Program, inputs: Mapping[str, ArrayLike]) -> Run:
    """Runs a streaming program.

    Raises:
        BindError: the inputs do not fit the program.
        Fault: the program broke a rule of the machine; the same first fault as that of the reference engine.
        ObjectError: a word of the program is not an instruction.
    """
    arrays = bind(program, inputs)
    made = plan(program)
    against = made.against
    work = execute(program, made, arrays)
    if against or work.found:
        raise _fault(program, against, work.found)
    return Run(work.outputs, made.cycles, "fast")


def execute(program: Program, made: Plan, arrays: Mapping[str, NDArray[np.generic]]) -> Work:
    """Computes the steps of a plan."""
    zeros = np.zeros((1, program.target.lanes), np.uint8)
    work = Work(program, program.target, {made.zero: zeros}, sinks=made.sinks)
    if made.kept.renew({name for names in made.fixed.values() for name in names}, arrays):
        work.lasting, work.fixed = made.kept.prepared, made.fixed
    for node, name in made.tensors.items():
        layout = program.tensor[name].layout
        assert layout is not None
        work.values[node] = TensorValue(layout, arrays[name], program.target.lanes)
    for step in made.steps:
        COMPUTE[step.node.kind](work, step)
        for node in step.drops:
            work.forget(node)
    return work


def _fault(program: Program, against: tuple[Violation, ...], found: list[Finding]) -> Fault:
    """The first fault, in time or of data, with the others of its cycle."""
    charged = {(v.cycle, v.queue, v.word) for v in against}
    told: list[tuple[tuple[int, int, str, int], Diagnostic]] = [(v.order, describe(program, v)) for v in against]
    told += [(f.order, diagnostic(program, f)) for f in found if (f.cycle, *parties(f.word)) not in charged]
    told.sort(key=lambda t: t[0])
    first = told[0][0]
    same = [d for order, d in told if order[0] == first[0]]
    return Fault(*same, cycle=first[0], queue=program.target.queues[first[1]].name, word=first[3])
