"""Where two runs part, against states of the reference engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import lpuasm
from lpuasm.profiling.outcome import compare_runs
from lpuasm.vm.debug import Debugger

EXAMPLES = Path(__file__).parents[2] / "examples"
CHAIN = """.target mini
.input  A : f16 [4, 32] at mem.w[0..1]
.temp   T : f32 [4, 32] at mem.e[0..3]
.output B : f16 [4, 32] at mem.w[2..3]
flow one:
    read     A -> sg2.e[0]
    cast.f32 sg2.e[0] -> %x
    mul      %x, 0.5 -> sg4.e[1]
    write    sg4.e[1] -> T
flow two:
    read     T -> sg4.w[0]
    cast.f16 sg4.w[0] -> sg2.w[2]
    write    sg2.w[2] -> B
"""


def test_the_first_store_comes_before_the_output() -> None:
    a = np.arange(128, dtype=np.float16).reshape(4, 32)
    other = a.copy()
    other[3, 31], other[1, 2] = 1000, np.nan
    program = lpuasm.build(text=CHAIN)
    found = compare_runs((program, program), ({"A": a}, {"A": other}))
    assert found.first is not None and found.first.element == "T[1, 2]"
    assert found.first.before == 17.0 and np.isnan(found.first.after)
    assert found.to_json()["first"]["after"]["value"] == "nan"
    assert found.outputs == {"B": (2, 128)}


def test_a_store_that_comes_at_another_time_is_the_same_store() -> None:
    programs = lpuasm.build(text=CHAIN), lpuasm.build(text=CHAIN.replace("flow two:", "flow two @ 60:"))
    a = {"A": np.ones((4, 32), np.float16)}
    assert programs[0].cycles != programs[1].cycles and compare_runs(programs, (a, a)).first is None


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1279), st.integers(0, 319))
def test_the_cycle_is_that_in_which_memory_parts(row: int, lane: int) -> None:
    """The reference engine's memory is the same up to the store that is named, and not after it."""
    program = lpuasm.build(EXAMPLES / "02_add.s")
    shape = (64, 320)
    x = {"X": np.ones(shape, np.float32), "Y": np.ones(shape, np.float32)}
    y = {"X": x["X"].copy(), "Y": x["Y"]}
    y["X"][row % 64, lane] = 3
    first = compare_runs((program, program), (x, y)).first
    assert first is not None and first.element == f"Z[{row % 64}, {lane}]"
    pair = Debugger(program, x), Debugger(program, y)
    for cycle, same in ((first.stores[0].cycle + 2, True), (first.stores[0].cycle + 3, False)):
        for debugger in pair:
            debugger.goto(cycle)
        assert np.array_equal(pair[0].tensor("Z"), pair[1].tensor("Z")) is same
