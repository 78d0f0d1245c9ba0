"""What flows are: control words, pins, macros, lines among them; every instruction has a place or a reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from flowing import built, done, integers, refused, starts

from lpuasm.isa.core import table
from lpuasm.isa.target import load_target
from lpuasm.vm.run import run

M = 6


def test_control_words() -> None:
    text = f"""
.input A : i8 [{M}, LANES] at mem.w0
.input B : i8 [2, LANES] at mem.w[1..2]
.output C : i8 [{M}, LANES] at mem.e0
flow power:
    config vxm.alu0 vxm.alu1, 2
flow before:
    read  A -> s0.e
    write s0.e -> C
flow hold:
    sync mem.w0 mem.e0
flow text:
    read   B -> sg2.e[4]
    ifetch vxm.alu5, sg2.e[4]
flow go:
    notify vxm.alu2
flow copy:
    read  A -> s0.e
    add   s0.e, 1 -> s1.e
    write s1.e -> C
"""
    a = integers(39, (M, 32))
    program = built(text)
    result = run(program, {"A": a, "B": a[:2]}, engine="reference")
    assert result.cycles == program.cycles
    assert np.array_equal(result["C"], (a.astype(np.int32) + 1).astype(np.int8))
    order = starts(program)
    latency = load_target("mini").barrier.latency
    assert order["hold"] > order["before"]
    assert order["go"] + latency > order["hold"]
    assert order["copy"] >= order["go"] + latency
    assert order["copy"] + 1 <= order["hold"] + latency + 2, "the notification is sent as soon as it may be"


def test_a_sync_needs_its_notification_before_anything_follows_it() -> None:
    base = ".input A : i8 [2, LANES] at mem.w0\n.output C : i8 [2, LANES] at mem.e0\n"
    hold, go = "flow hold:\n    sync mem.e0\n", "flow go:\n    notify vxm.alu0\n"
    copy = "flow copy:\n    read A -> s0.e\n    write s0.e -> C\n"
    assert refused(base + hold + copy + go).code == "LPU1114"
    assert refused(base + hold).code == "LPU0309"
    assert refused(base + go + hold).code == "LPU0309", "a notification that comes before does not release it"
    built(base + hold + go + copy)
    built(base + copy + hold + go)
    assert refused(base + "flow f:\n    nop 4\n").code == "LPU1110"
    assert refused(base + "flow f:\n    sync\n").code == "LPU1110"
    assert refused(base + "flow f:\n    notify mxm.e0\n").code == "LPU1110"


# The language around flows


def test_macros_and_loops_around_flows() -> None:
    text = """
.input A : i8 [12, LANES] at mem.w0
.output C : i8 [12, LANES] at mem.e0
.macro step at, n, by
    read  A[at : +n, :] -> s0.e
    add   s0.e, by -> s1.e
    write s1.e -> C[at : +n, :]
.endm
.for i in 0..3
flow part_{i}:
.if i == 1
    step 4, 4, 9
.else
    step 4*i, 4, i
.endif
.endfor
"""
    a = integers(40, (12, 32))
    program = built(text)
    assert list(starts(program)) and set(starts(program)) == {"part_0", "part_1", "part_2"}
    expected = (a.astype(np.int32) + np.repeat([0, 9, 2], 4)[:, None]).astype(np.int8)
    assert np.array_equal(run(program, {"A": a}, engine="reference")["C"], expected)


COPY = """
.input A : i8 [8, LANES] at mem.w0
.input B : i8 [8, LANES] at mem.w4
.output C : i8 [8, LANES] at mem.e0
.output D : i8 [8, LANES] at mem.e4
flow one {one}:
    read  A -> s0.e
    write s0.e -> C
flow two {two}:
    read  B -> s1.e
    write s1.e -> D
"""


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        ("", "", (0, 0)),
        ("@ 17", "", (17, 0)),
        ("@ 17", "with one", (17, 17)),
        ("@ 17", "with one - 4", (17, 13)),
        ("", "with one + 30", (0, 30)),
        ("", "after one", (0, 17)),
        ("", "after one + 3", (0, 20)),
        ("@ 4000000000", "", (4_000_000_000, 0)),
    ],
)
def test_pins(one: str, two: str, expected: tuple[int, int]) -> None:
    program = built(COPY.format(one=one, two=two))
    found = starts(program)
    assert (found["one"], found["two"]) == expected


@pytest.mark.parametrize(
    ("one", "two", "code"),
    [
        ("", "with one - 1", "LPU1109"),
        ("@ -1", "", "LPU1109"),
        ("@ 40000000000", "", "LPU1109"),
        ("after two", "", "LPU1111"),
        ("after one", "", "LPU1111"),
        ("after three", "", "LPU0219"),
    ],
)
def test_pins_that_cannot_be(one: str, two: str, code: str) -> None:
    assert code in {d.code for d in refused(COPY.format(one=one, two=two)).diagnostics}


def test_a_flow_that_fails_is_not_said_to_be_missing() -> None:
    """Was: `after one` said that there was no flow 'one' when something else was wrong with it."""
    found = refused(COPY.format(one="", two="after one").replace("write s0.e -> C", "write s7.e -> C"))
    assert [d.code for d in found.diagnostics] == ["LPU1101"]


def test_lines_with_cycles_and_flows_mix() -> None:
    text = (
        COPY.format(one="", two="")
        + """
.unit mem.w0
    0: read A[0] -> s5.e repeat 8
.unit mem.e3
    6: write s5.e -> 0x20 repeat 8
"""
    )
    program = built(text)
    found = starts(program)
    assert found["one"] >= 8, "the lines hold the generator of mem.w0"
    assert found["two"] == 0
    late = text.replace(".unit mem.w0\n    0: read A[0] -> s5.e", ".unit mem.e0\n    9: read C[0] -> s5.e")
    assert refused(late).code == "LPU1109"


def test_flows_leave_what_lines_send_to_each_other_alone() -> None:
    """Was: nothing said who hears a line, so that a flow could drive over its value on the way."""
    text = """
.input A : i8 [1, LANES] at mem.w0
.input B : i8 [1, LANES] at mem.w4
.output C : i8 [1, LANES] at mem.e0
.output D : i8 [1, LANES] at mem.e4
.unit mem.w4
    10: read B[0] -> s0.e
.unit mem.e4
    18: write s0.e -> D[0]
flow over {pin}:
    read  A -> s0.e
    write s0.e -> C
"""
    a, b = integers(41, (1, 32)), integers(42, (1, 32))
    for pin in ("", "@ 9", "@ 10", "@ 12"):
        got = done(text.format(pin=pin), {"A": a, "B": b})
        assert np.array_equal(got["C"], a)
        assert np.array_equal(got["D"], b)
    assert refused(text.format(pin="@ 11")).code == "LPU1109"


def test_long_lists_of_lines_are_lines_too() -> None:
    """Was: lines that are read many at a time were not known to flows."""
    many = "\n".join(f"    {2 * k}: read {k} -> s9.e" for k in range(100))
    text = COPY.format(one="", two="") + f".unit mem.w0\n{many}\n"
    program = built(text)
    assert starts(program) == {"one": 199, "two": 0}
    assert refused(text.replace("flow one :", "flow one @ 50:")).code == "LPU1109"


def test_a_pin_on_a_slice_that_is_taken_names_a_free_one() -> None:
    """Of the same quad, where it hears and drives in the same cycles; no other place is as good."""
    text = ".target mini\n.input A : i8 [16, 32] at mem.w0\n"
    text += "flow one @ 0:\n    read A -> s0.e\n    write s0.e -> mem.e0[0] repeat 16\n"
    text += "flow two @ 5:\n    read mem.{}[0] -> s1.e repeat 16\n    write s1.e -> mem.e4[0] repeat 16\n"
    assert "; slice mem.w1 is free then" in str(refused(text.format("w0")).diagnostics[0].help)
    assert starts(built(text.format("w1"))) == {"one": 0, "two": 5}
    full = "".join(
        f"flow f{k} @ 0:\n    read mem.w{k}[0] -> s{k + 8}.e repeat 16\n    write s{k + 8}.e -> mem.e{k}[0] repeat 16\n"
        for k in (1, 2, 3)
    )
    assert "free then" not in str(refused(text.format("w0").replace("flow two", full + "flow two")).diagnostics[0].help)


@pytest.mark.parametrize(
    ("statement", "code", "help"),
    [
        ("read Act -> s0.e", "LPU0201", "did you mean `Acts`?"),
        ("read Later -> s0.e", "LPU0201", "declare `Later` above its first use"),
        ("read Acts -> zz", "LPU0201", "a tensor is declared before it is used"),
        ("read Acts -> sg3.e[0]", "LPU0407", "groups have 1, 2, 4, 8, 16 or 32 streams"),
        ("read Acts -> sg4.w[8]", "LPU0407", "use one of sg4.w[0] … sg4.w[7]"),
        ("read Acts -> sg32.e[-1]", "LPU0407", "use one of sg32.e[0]"),
        ("read Acts -> s32.e", "LPU0407", "use one of s0.e … s31.e"),
    ],
)
def test_names_and_streams_that_are_not_there(statement: str, code: str, help: str) -> None:
    """A misspelt tensor was told as `read` that needs a place in memory, a group too high as a queue used twice."""
    later = "    write s0.e -> mem.e5[0]\n.input Later : i8 [8, LANES] at mem.w1\n"
    found = refused(f".input Acts : i8 [8, LANES] at mem.w0\nflow f:\n    {statement}\n{later}").diagnostics[0]
    assert (found.code, found.help) == (code, help)


@pytest.mark.parametrize(
    ("statement", "pin", "good"),
    [
        ("read A -> sg16.e[0]", "mem.w3", False),
        ("lw mxm.e0, sg16.e[0]", "mxm.e1", False),
        ("lw mxm.e0, sg16.e[0]", "mxm.e0", True),
        ("iw mxm.e0", "foo", False),
        ("iw mxm.e0", "mxm.e0.iw", True),
    ],
)
def test_a_pin_to_a_queue_that_is_not_the_statement_s(statement: str, pin: str, good: bool) -> None:
    """Such pins were left out of account where the operands say which queue it is."""
    body = ["read A -> sg16.e[0]", "lw mxm.e0, sg16.e[0]", "iw mxm.e0"]
    lines = "".join(f"    {s} @{pin}\n" if s == statement else f"    {s}\n" for s in body)
    text = f".input A : i8 [32, LANES] at mem.w[0..7] mem.e[0..7]\nflow f:\n{lines}"
    if good:
        built(text)
    else:
        assert refused(text).code == "LPU0416"


def test_a_flow_is_held_to_itself() -> None:
    base = ".input A : i8 [8, LANES] at mem.w0\n.output C : i8 [8, LANES] at mem.e0\nflow f:\n"
    twice = base + "    read A -> s0.e\n    read A -> s1.e\n    add s0.e, s1.e -> s2.e\n    write s2.e -> C\n"
    assert refused(twice).code == "LPU0306"
    chain = base + "    read A -> s0.e\n    add s0.e, 1 -> s1.e\n    write s1.e -> C\n    write s0.e -> {}\n"
    assert refused(chain.format("C")).code == "LPU1112"
    assert refused(chain.format("mem.e0[0x80] repeat 8")).code == "LPU0304"
    both = (
        base + "    read A -> s0.e\n    write s0.e -> mem.e4[0] repeat 8\n    add s0.e, 1 -> {0}\n    write {0} -> C\n"
    )
    assert refused(both.format("s0.e")).code == "LPU0301", "the sum would drive over what goes on to mem.e4"
    built(both.format("s1.e"))


@pytest.mark.parametrize("name", sorted({d.mnemonic for d in table() if d.unit != "seq"}))
def test_every_instruction_is_placed_or_refused_with_a_reason(name: str) -> None:
    """The tests above place all others; these stand in queues by their cycle."""
    if name in ("nop", "repeat", "deskew", "transmit"):
        assert refused(f"flow f:\n    {name} 1\n").code in ("LPU1110", "LPU0408")
        return
    source = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_flows*.py"))
    assert f"    {name} " in source or f'"{name}"' in source or f"{name}." in source
