"""Lower bounds are never beaten; what explain tells adds up, and follows from the program alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from flowdraws import ALL, sources
from flowing import CHIPS, Array, built, starts
from hypothesis import given, settings
from movable import MINI, legal, writers

from lpuasm.asm.build import assemble
from lpuasm.asm.explain import explain
from lpuasm.asm.recover import recover
from lpuasm.isa.casts import DTYPES
from lpuasm.isa.objectfile import load
from lpuasm.isa.program import Program
from lpuasm.vm.run import run

EXAMPLES = Path(__file__).parents[1] / "examples"
sys.path.insert(0, str(EXAMPLES))
SMALL = {
    "02_add": {"M": 8},
    "03_matmul": {"M": 40},
    "04_matmul_f16": {"M": 32},
    "05_transpose": {"B": 2},
    "06_gather": {"V": 40, "M": 12},
    "07_matmul_tiled": {"M": 50, "K": 640, "N": 640},
    "08_linear": {"M": 20},
    "09_layer_norm": {"M": 12},
}


def example(name: str) -> Program:
    return assemble((EXAMPLES / f"{name}.s").read_text("utf-8"), f"{name}.s", defines=SMALL[name])


def shortest(program: Program, below: int) -> int | None:
    """The fewest cycles, less than ``below``, that any starts of the flows come to; None if there are none.

    Flows are in each other's way two by two, and only their distance counts: a pair that cannot stand so is left out
    without the rest. What is found is held to the rules whole.
    """
    order, placed = writers(program), starts(program)
    first = [placed[name] for name in program.flows]
    lengths = [flow.body.length for flow in recover(program)[0]]
    drain = MINI.geometry.superlanes - 1
    best: int | None = None

    @cache
    def apart(one: int, other: int, distance: int) -> bool:
        return legal(program, {one: -first[one], other: distance - first[other]}, order)

    def extend(by: dict[int, int], end: int) -> None:
        nonlocal best
        number = len(by)
        if number == len(first):
            assert legal(program, {n: start - first[n] for n, start in by.items()}, order)
            best = end if best is None else min(best, end)
            return
        limit = below if best is None else best
        for start in range(limit - lengths[number] - drain):
            if all(apart(one, number, start - by[one]) for one in by):
                extend({**by, number: start}, max(end, start + lengths[number] + drain))

    extend({}, 0)
    return best


@settings(max_examples=40, deadline=None)
@given(sources(most=4))
def test_no_starts_beat_a_floor(text: str) -> None:
    program = built(text)
    explanation = explain(program)
    assert explanation.cycles == program.cycles
    for floor in explanation.floors:
        assert floor.cycles <= explanation.floor
    assert shortest(program, explanation.floor) is None


def test_the_search_finds_what_placement_found() -> None:
    """A search that finds nothing proves nothing: here is one that must find the placement itself."""
    text = """
.input A : i8 [6, LANES] at mem.w0
.output C : i8 [6, LANES] at mem.e0
flow one:
    read  A[0:3, :] -> s0.e
    write s0.e -> C[0:3, :]
flow two:
    read  A[3:6, :] -> s0.e
    write s0.e -> C[3:6, :]
"""
    program = built(text)
    assert program.cycles is not None
    assert shortest(program, program.cycles + 1) == program.cycles


@settings(max_examples=40, deadline=None)
@given(sources(ALL, most=6))
def test_explanations_add_up_and_need_the_program_alone(text: str) -> None:
    program = built(text)
    explanation = explain(program)
    assert explanation.gap == explanation.cycles - explanation.floor >= 0
    assert sum(cycles for _, cycles in explanation.parts) == explanation.gap
    assert all(cycles > 0 for _, cycles in explanation.parts)
    found = {flow.name: flow.start for flow in explanation.flows}
    assert found == starts(program)
    for flow in explanation.flows:
        assert 0 <= flow.waits_for.gain <= flow.start
        assert flow.waits_for.kind != "pin", "nothing is pinned"
    json.dumps(explanation.to_json())


@pytest.mark.parametrize("name", SMALL)
def test_explanations_of_examples_survive_the_object_file(name: str, tmp_path: Path) -> None:
    program = example(name)
    explanation = explain(program)
    program.save(str(tmp_path / "program.lpu"))
    again = explain(load(str(tmp_path / "program.lpu")))
    assert again == explanation
    assert str(again) == str(explanation)
    assert sum(cycles for _, cycles in explanation.parts) == explanation.gap


@pytest.mark.parametrize("name", SMALL)
def test_cycles_that_are_known_are_cycles_that_are_run(name: str) -> None:
    program = example(name)
    assert program.cycles == run(program, zeros(program), engine="reference").cycles


def zeros(program: Program) -> dict[str, Array]:
    """Inputs of a program, all zeros."""
    bound = [(t.name, t.layout) for t in program.tensors if t.bound and t.layout is not None]
    return {name: np.zeros(layout.shape, DTYPES[layout.dtype]) for name, layout in bound}


@pytest.mark.parametrize("name", ["03_matmul", "07_matmul_tiled"])
def test_what_explain_prints(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"explain/{name}.txt", str(explain(example(name))))


def test_cycles_before_a_pinned_flow_are_its_pin_s() -> None:
    """They were told as fill, which no change of the program takes away."""
    text = """
.input A : i8 [8, LANES] at mem.w0
.output C : i8 [8, LANES] at mem.e0
flow f{}:
    read  A -> s0.e
    write s0.e -> C
"""
    assert dict(explain(built(text.format(" @ 120"))).parts) == {"flow f: its start is pinned": 120}
    assert explain(built(text.format(""))).parts == ()


@pytest.mark.parametrize("chip", CHIPS)
def test_a_wait_names_who_is_in_the_way(chip: str) -> None:
    text = """
.input A : i8 [6, LANES] at mem.w0
.input B : i8 [6, LANES] at mem.w0 bank 1
.output C : i8 [6, LANES] at mem.e0
.output D : i8 [6, LANES] at mem.e4
flow one:
    read  A -> s0.e
    write s0.e -> C
flow two:
    read  B -> s1.e
    write s1.e -> D
flow three:
    read  C -> s2.e
    write s2.e -> mem.e5[0] repeat 6
flow again:
    read  mem.e5[5] -> s3.w
    write s3.w -> mem.w6[0]
flow four @ 90:
    config vxm.alu0, 2
.unit vxm.alu1
    95: config 2
"""
    one, two, three, again, four = explain(built(text, chip)).flows
    assert (one.start, one.waits_for.kind, one.waits_for.flow) == (0, "start", None)
    assert (two.start, two.waits_for.kind, two.waits_for.flow, two.waits_for.gain) == (6, "generator", "one", 5)
    assert (three.waits_for.kind, three.waits_for.flow) == ("bank", "one"), "each row is written three cycles late"
    assert (again.waits_for.kind, again.waits_for.flow) == ("data", "three")
    assert (four.waits_for.kind, four.waits_for.flow) == ("pin", None)


def test_lines_alone_are_their_own_floor() -> None:
    text = ".input A : i8 [6, LANES] at mem.w0\n.unit mem.w0\n    7: read A[0] -> s0.e repeat 6\n"
    explanation = explain(built(text))
    assert explanation.flows == ()
    assert explanation.cycles == 15
    assert sum(cycles for _, cycles in explanation.parts) == explanation.gap
