"""Placement changes nothing that can be seen: flows that overlap leave what flows one after another leave."""

from __future__ import annotations

import numpy as np
from flowdraws import ALL, sources
from flowing import Array, built, integers, starts
from hypothesis import given, note, settings
from hypothesis import strategies as st

from lpuasm.isa.program import Program
from lpuasm.vm.run import run


def inputs(seed: int) -> dict[str, Array]:
    """Values of the tensors of :data:`flowdraws.TENSORS`; the map holds addresses 0 … 5."""
    rows = np.zeros((4, 2, 16), np.uint8)
    rows[:, :, 0] = np.random.default_rng(seed).integers(0, 6, (4, 2))
    return {
        "A": integers(seed, (6, 32)),
        "B": integers(seed + 1, (6, 32)),
        "W": integers(seed + 2, (32, 32)),
        "Map": rows.reshape(4, 32),
    }


def results(program: Program, seed: int) -> dict[str, Array]:
    result = run(program, inputs(seed), engine="reference")
    assert result.cycles == program.cycles
    return dict(result.outputs)


@settings(max_examples=150, deadline=None)
@given(sources(ALL, most=8, pinned=True), st.integers(0, 99))
def test_overlapping_flows_leave_what_they_leave_one_after_another(text: str, seed: int) -> None:
    count = text.count("flow f")
    together = built(text.format(*[""] * count))
    # Far enough apart for a link, which is busy after a flow that sends has ended, and for what comes over it.
    apart = built(text.format("", *(f"after f{n - 1} + 220" for n in range(1, count))))
    note(text)
    note(f"{starts(together)} {starts(apart)}")
    assert (together.cycles or 0) <= (apart.cycles or 0)
    expected = results(apart, seed)
    for name, got in results(together, seed).items():
        assert np.array_equal(got, expected[name]), name
