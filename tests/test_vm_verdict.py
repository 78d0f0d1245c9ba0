"""The verdict against the machine: what is refused from the words alone is what a run stops at, and nothing else."""

from __future__ import annotations

import pytest
from schedules import programs

from lpuasm.isa.errors import Fault
from lpuasm.isa.legality import verdict
from lpuasm.isa.program import Program
from lpuasm.isa.target import load_target
from lpuasm.vm.reference import Machine

Where = tuple[int, int, str]


def by_running(program: Program) -> Where | None:
    """(cycle, queue number, code) of the fault that a run ends in; cycles of a run to the end are the stated ones."""
    machine = Machine(program)
    try:
        machine.run()
    except Fault as fault:
        return fault.cycle, program.target.queue[fault.queue].number, fault.code
    assert machine.cycles == program.cycles
    return None


def by_arithmetic(program: Program) -> Where | None:
    violations = verdict(program)
    return (violations[0].cycle, violations[0].queue, violations[0].code) if violations else None


def agree(program: Program) -> None:
    ran, stated = by_running(program), by_arithmetic(program)
    if ran is not None and ran[2].startswith("LPU07"):
        # A fault of the data, which only a run can see; until then the program was right.
        assert stated is None or ran < stated
    else:
        assert ran == stated


@pytest.mark.parametrize(("target", "seeds"), [("mini", range(40)), ("tsp1", range(6))])
def test_the_verdict_is_what_happens(target: str, seeds: range) -> None:
    for seed in seeds:
        for program in programs(load_target(target), seed):
            agree(program)
