"""A hint that names a free slice holds: with it the text assembles; and there is none where no slice is free."""

from __future__ import annotations

import re

import pytest

from lpuasm.asm.build import assemble
from lpuasm.isa.errors import AssemblyError

HEAD = ".target mini\n"
LINES = "{}.unit mem.w1\n0: read 0 -> s1.e\n.unit {}\n0: read 0 -> s2.e\n.unit mem.w2\n0: read 0 -> s3.e\n"
FLOW = (
    "flow two:\n    read mem.w1[0] -> s0.e repeat 4\n    read mem.{}[9] -> s1.e repeat 4\n"
    "    add.u8 s0.e, s1.e -> s2.e\n    write s2.e -> mem.e0[0] repeat 4\n"
)


def hint(text: str) -> tuple[str, str]:
    """(the code of what is wrong, the slice that its help names)."""
    with pytest.raises(AssemblyError) as caught:
        assemble(HEAD + text, "t.s")
    (diagnostic,) = caught.value.diagnostics
    found = re.search(r"; slice mem\.(\w+) is", diagnostic.help)
    return diagnostic.code, found[1] if found else ""


def taken(*slices: str) -> str:
    return "".join(f".unit mem.{name}\n0: read 0 -> s{k + 8}.e\n" for k, name in enumerate(slices))


@pytest.mark.parametrize(("others", "free"), [((), "w0"), (("w0",), "w3"), (("w0", "w3"), "")])
def test_a_line_in_a_slot_that_is_taken(others: tuple[str, ...], free: str) -> None:
    assert hint(LINES.format(taken(*others), "mem.w1")) == ("LPU0306", free)
    if free:
        assemble(HEAD + LINES.format(taken(*others), f"mem.{free}"), "t.s")


def test_a_flow_that_reads_a_slice_twice() -> None:
    assert hint(FLOW.format("w1")) == ("LPU0306", "w0")
    assemble(HEAD + FLOW.format("w0"), "t.s")


def test_no_slice_stands_in_for_what_is_no_access() -> None:
    assert hint(".unit mem.w1\n0: read 0 -> s1.e\n0: config 1\n") == ("LPU0306", "")
    assert hint(".unit vxm.alu0\n0: add.u8 s0.e, 1 -> s1.e\n0: add.u8 s0.e, 2 -> s2.e\n")[1] == ""
