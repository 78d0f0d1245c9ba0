"""Flows of one form: bodies with their addresses moved are those that lowering each flow anew gives."""

from __future__ import annotations

import pytest
from flowing import CHIPS, built, refused, starts

from lpuasm.asm.body import Body
from lpuasm.asm.forms import Forms
from lpuasm.asm.syntax import Flow
from lpuasm.isa.target import load_target

N = 12
LOOP = f"""
.input A : f32 [{4 * N}, LANES] at mem.w[0..3] address 0
.input B : i8 [{2 * N}, LANES] at mem.w4 address HALF - {N}
.output C : f32 [{4 * N}, LANES] at mem.e[0..3]
.output D : i8 [{2 * N}, LANES] at mem.e4  banks run 2
.for n in 0..{N}
flow scale_{{n}}:
    read  A[4 * n : +4, :] -> sg4.e[0]
    add   sg4.e[0], -0.0 * (n % 2) -> sg4.e[1]
    write sg4.e[1] -> C[4 * (n ^ 1) : +4, :]
flow copy_{{n}}:
    read  B[2 * n : +2, :] -> s8.e  repeat 2 every 1 + n % 3
    add   s8.e, n / 6 -> s9.e
    write s9.e -> D[2 * n : +2, :]
flow word_{{n}}:
    read  mem.w5[n] -> s10.e
    write s10.e -> mem.e5[{N} - n]
.endfor
"""


@pytest.mark.parametrize("chip", CHIPS)
def test_a_loop_is_what_its_flows_are_one_by_one(chip: str, monkeypatch: pytest.MonkeyPatch) -> None:
    geometry = load_target(chip).geometry
    text = LOOP.replace("LANES", str(load_target(chip).lanes)).replace("HALF", str(geometry.words_per_bank))
    together, lowered = Forms.lower, list[Forms]()

    def noted(self: Forms, flow: Flow) -> Body:
        lowered.append(self)
        return together(self, flow)

    def alone(self: Forms, flow: Flow) -> Body:
        body = together(Forms(self.target, self.tensors), flow)
        body.form = -1  # forms are numbered in their own program
        return body

    monkeypatch.setattr(Forms, "lower", noted)
    program = built(text, chip)
    assert len(lowered[0].known) < len(lowered) == 3 * N, "some were not lowered"
    monkeypatch.setattr(Forms, "lower", alone)
    other = built(text, chip)
    assert starts(program) == starts(other)
    assert program.digest == other.digest


@pytest.mark.parametrize(("turns", "wrong"), [(3, False), (4, True)])
def test_each_turn_is_held_to_the_order_of_memory(turns: int, wrong: bool) -> None:
    text = """
.output C : i8 [8, LANES] at mem.e0
.input A : i8 [8, LANES] at mem.w0
.param T
.for n in 0..T
flow turn_{n}:
    read  A[n:+1, :] -> s0.e
    add   s0.e, 1 -> s1.e
    write s1.e -> C[3:+1, :]
    write s0.e -> C[n:+1, :]
.endfor
"""
    text = text.replace("LANES", str(load_target("mini").lanes))
    if wrong:
        found = refused(text, T=turns)
        assert found.diagnostics[0].code == "LPU1112"
    else:
        assert len(built(text, T=turns).flows) == turns
