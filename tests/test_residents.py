"""Where words of SRAM lie as rows of weights, against a search of all buffers and arrays for their bytes."""

from __future__ import annotations

from functools import cache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lpuasm.front import build
from lpuasm.vm.debug import Debugger
from lpuasm.vm.holders import Holders
from lpuasm.vm.residents import residents

TEXT = """\
.target mini
.weight V : i8 [32, 32] at mem.w[0..7] mem.e[0..7]
.weight W : i8 [32, 32] at mem.w[0..7] mem.e[0..7]
.weight F : f16 [16, 32] at mem.w[0..7] mem.e[0..7]
flow load:
    read V -> sg16.e[0]
    lw   mxm.e0, sg16.e[0]
flow install:
    iw   mxm.e0
flow again:
    read W -> sg16.e[0]
    lw   mxm.e0, sg16.e[0]
    lw   mxm.e1, sg16.e[0]
flow other:
    iw   mxm.e1
flow pair:
    read F -> sg16.e[0]
    lw.f16 mxm.e, sg16.e[0]
    iw     mxm.e
flow straight:
    read V -> sg16.e[1]
    iw   mxm.e1, sg16.e[1]
flow empty after straight + 9:
    clear mxm.e0
"""


@cache
def debugger() -> Debugger:
    program = build(text=TEXT)
    random = np.random.default_rng(5)
    octets = {name: random.integers(1, 255, 32 * 32).astype(np.uint8) for name in ("V", "W")}
    given = {name: values.view(np.int8).reshape(32, 32) for name, values in octets.items()}
    given["F"] = random.integers(1, 255, 2 * 16 * 32).astype(np.uint8).view(np.float16).reshape(16, 32)
    return Debugger(program, given)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 120), st.sampled_from("VWF"), st.integers(0, 31))
def test_rows_are_found_where_their_bytes_are(cycle: int, name: str, number: int) -> None:
    one = debugger()
    one.goto(min(cycle, one.program.cycles or 0))
    here = one.cycle
    layout = one.program.tensor[name].layout
    assert layout is not None
    vector, plane = number % layout.vectors, number // layout.vectors
    queue, address = (int(n) for n in layout.locate(vector, plane % layout.planes))
    codes = [c for q in one.machine.queues for c in q.codes]
    found = {(r.plane, r.part, r.row) for r in residents(one, Holders(one.moments, codes), queue, address)}
    word = one.state.slice(queue)[address]
    expected = {
        (f"mxm.{side}{index}", part, row)
        for part in ("buffer", "array")
        for (side, index), rows in getattr(one.state, part).items()
        for row in np.flatnonzero((rows == word).all(axis=1)).tolist()
    }
    assert found == expected and one.cycle == here


def test_the_cases_occur() -> None:
    """At the end the arrays hold rows of different tensors, or nothing."""
    one = debugger()
    one.goto(one.program.cycles or 0)
    assert not one.state.array["e", 0].any() and one.state.array["e", 1].any() and one.state.buffer["e", 0].any()
