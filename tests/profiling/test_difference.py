"""Two programs, compared dispatch by dispatch."""

from __future__ import annotations

from pathlib import Path

import pytest

import lpuasm
from lpuasm.isa.errors import AssemblyError
from lpuasm.profiling.difference import Difference, compare
from lpuasm.profiling.report import profile

EXAMPLES = Path(__file__).parents[2] / "examples"
ONE = ".target mini\n.queue mem.w0\nread 4 -> s0.e repeat 3 every 2 step 5\n"
SAME = ".target mini\n.queue mem.w0\nread 4 -> s0.e\nnop 1\nread 9 -> s0.e\nnop 1\nread 14 -> s0.e\n"


def of(one: str, other: str) -> Difference:
    return compare(profile(lpuasm.build(text=one)), profile(lpuasm.build(text=other)))


def test_a_nest_and_the_words_that_it_stands_for_are_the_same() -> None:
    assert of(ONE, SAME).first is None


def test_the_first_dispatch_that_differs() -> None:
    found = of(ONE, SAME.replace("9", "8")).first
    assert found is not None and (found.cycle, found.queue) == (2, "mem.w0")
    assert found.before is not None and found.before.instruction.startswith("read 0x4")
    assert found.after is not None and found.after.span is not None and found.after.span.line == 5
    later = of(ONE, SAME + "nop 3\nread 0 -> s1.e\n").first
    assert later is not None and later.cycle == 8 and later.before is None


def test_the_flows_that_change() -> None:
    views = [profile(lpuasm.build(EXAMPLES / "03_matmul.s", defines={"M": m})) for m in (320, 160)]
    found = compare(*views)
    assert found.first is not None and (found.first.cycle, found.first.queue) == (170, "mem.w0")
    assert found.first.before is not None and found.first.before.flow == "multiply" and found.first.after is None
    (change,) = found.changes
    assert change.flow == "multiply" and change.before == (10, 411, 2240) and change.after == (10, 251, 1120)
    assert "cycles  440 -> 280 (-160, -36.4 %)" in str(found)
    assert compare(views[0], views[0]).changes == () and "the same in every cycle" in str(compare(views[0], views[0]))


def test_two_chips_are_not_compared() -> None:
    with pytest.raises(AssemblyError) as caught:
        of(ONE, ONE.replace("mini", "tsp1"))
    assert caught.value.code == "LPU1305"
