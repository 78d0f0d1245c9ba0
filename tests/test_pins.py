"""Flows that start where the caller of the assembler says."""

from __future__ import annotations

import pytest

from lpuasm.asm.explain import explain
from lpuasm.front import build
from lpuasm.isa.errors import AssemblyError

PAIR = """.target mini
.input  A : i8 [4, 32] at mem.w0
.output B : i8 [4, 32] at mem.e0
.output C : i8 [4, 32] at mem.e4
flow one:
    read  A -> s0.e
    write s0.e -> B
flow two after one:
    read  A -> s1.e
    write s1.e -> C
"""


def test_pins_stand_above_the_text() -> None:
    starts = {f.name: f.start for f in explain(build(text=PAIR, pins={"two": 40})).flows}
    assert starts == {"one": 0, "two": 40}
    assert build(text=PAIR, pins={"two": 40}).digest == build(text=PAIR.replace("after one", "@ 40")).digest
    with pytest.raises(AssemblyError) as caught:
        build(text=PAIR, pins={"tow": 40})
    assert caught.value.code == "LPU0219" and caught.value.diagnostics[0].help == "did you mean `two`?"
    with pytest.raises(AssemblyError) as caught:
        build(text=PAIR, pins={"two": 1})
    assert caught.value.code == "LPU1109"
