"""Schedules: lines with cycles to queues, gaps, slots, words that wait."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_encode import texts

from lpuasm.asm.build import assemble
from lpuasm.isa.errors import AssemblyError
from lpuasm.isa.program import Program


def made(*lines: str, strict: bool = True) -> Program:
    """A program of rows that may listen to nothing: the verdict is not asked."""
    return assemble("\n".join((".target mini", *lines)), "t.s", strict=strict)


def starts(program: Program, queue: str) -> list[int]:
    timeline = program.timeline
    return [int(s) for s in timeline.start[timeline.queue == program.target.queue[queue].number]]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 200_000), st.integers(1, 9), st.integers(1, 3)), min_size=1, max_size=8))
def test_every_line_dispatches_in_its_cycle(lines: list[tuple[int, int, int]]) -> None:
    text = [f"{cycle}: abc.i8 s5.e repeat {count} every {every}" for cycle, count, every in lines]
    try:
        program = made(".unit mxm.e0", *text, strict=False)
    except AssemblyError as e:
        assert e.code == "LPU0306"
        spans = sorted((cycle, cycle + (count - 1) * every) for cycle, count, every in lines)
        assert any(after[0] <= before[1] for before, after in itertools.pairwise(spans))
        return
    assert starts(program, "mxm.e0.abc") == sorted(cycle for cycle, _, _ in lines)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)), min_size=2, max_size=5))
def test_the_nearest_free_cycle_is_free(lines: list[tuple[int, int]]) -> None:
    text = [f"{cycle}: abc.i8 s5.e repeat {count}" for cycle, count in lines]
    try:
        made(".unit mxm.e0", *text, strict=False)
    except AssemblyError as e:
        first = e.diagnostics[0]
        assert first.span is not None
        which = first.span.line - 3
        free = int(first.help.split()[-1])
        text[which] = f"{free}: abc.i8 s5.e repeat {lines[which][1]}"
        rest = [k for k in range(len(text)) if k != which]
        for other in rest:  # alone with each of the others it is legal
            made(".unit mxm.e0", text[which], text[other], strict=False)


def test_units_name_their_queues() -> None:
    program = made(
        ".unit mxm.e",
        "0: lw mxm.e0 mxm.e1, sg16.e[0] repeat 2",
        "9: iw mxm.e1",
        "10: iw",
        "12: abc sg2.e[0] half 1",
        "60: acc -> sg4.w[0]",
        ".unit mxm.w1",
        "5: acc -> sg4.e[0]",
        ".unit sxm.e",
        "1: transpose sg16.e[0] -> sg16.e[1]",
        "1: transpose sg16.e[0] -> sg16.e[1]",
        "3: distribute sg8.e[2], s0.e -> sg8.e[2]",
        ".unit c2c",
        "0: send s1.e link 3",
        "0: send s1.w link 4",
        ".unit mem.e[3]",
        "0: read 5 -> s1.e",
        strict=False,
    )
    assert texts(program) == {
        "mem.e3": ["read 0x5 -> s1.e"],
        "mxm.e0.lw": ["lw.i8 sg16.e[0]", "repeat 2 step 1"],
        "mxm.e1.lw": ["lw.i8 sg16.e[0]", "repeat 2 step 1"],
        "mxm.e1.iw": ["nop 9", "iw.i8"],
        "mxm.e0.iw": ["nop 10", "iw.f16"],
        "mxm.e0.abc": ["nop 12", "abc.f16 sg2.e[0] half 1"],
        "sxm.w.acc1": ["nop 5", "acc.i32 -> sg4.e[0]"],
        "sxm.e.transpose0": ["nop 1", "transpose sg16.e[0] -> sg16.e[1]"],
        "sxm.e.transpose1": ["nop 1", "transpose sg16.e[0] -> sg16.e[1]"],
        "sxm.e.distribute2": ["nop 3", "distribute sg8.e[2], s0.e -> sg8.e[2]"],
        "sxm.e.acc0": ["nop 60", "acc.f32 -> sg4.w[0]"],
        "c2c.0": ["send s1.w link 4"],
        "c2c.3": ["send s1.e link 3"],
    }


def test_an_alu_is_chosen_by_reach_size_and_room() -> None:
    program = made(
        ".unit vxm",
        "5: add.i8 s28.e, s29.e -> s30.w repeat 9",
        "6: add.i8 s28.e, s29.e -> s31.w",
        "14: add.i8 s28.e, s29.e -> s31.w",
        "0: exp.f32 sg4.e[7] -> sg4.w[7]",
        "0: neg.i8 s0.e -> s1.w @alu3",
        strict=False,
    )
    assert {queue: starts(program, queue) for queue in program.queues} == {
        "vxm.alu3": [0], "vxm.alu8": [0, 5, 14], "vxm.alu9": [6],
    }  # fmt: skip


def test_words_after_a_wait_dispatch_in_their_cycles() -> None:
    program = made(
        ".unit mem.w2", "9: sync", "40: config 2",
        ".unit mem.w3", "0: notify",
        ".unit c2c.0", "60: deskew 0", "255: config 2",
    )  # fmt: skip
    assert starts(program, "mem.w2") == [9, 40] and starts(program, "c2c.0") == [60, 255]
    by_words = made(".unit mem.w2", "9: sync", "60: config 2", ".queue mem.w3", "nop 20", "notify")
    assert starts(by_words, "mem.w2") == [9, 60]


def test_sections_of_a_unit_are_one() -> None:
    program = made(".unit mem.w0", "5: config 2", ".unit mem.w1", "0: config 3", ".unit mem.w0", "0: config 4")
    assert texts(program) == {"mem.w0": ["config 4", "nop 4", "config 2"], "mem.w1": ["config 3"]}


def test_long_gaps_take_several_words() -> None:
    program = made(".unit mem.w0", "200000: config 2")
    assert texts(program)["mem.w0"] == ["nop 65535", "nop 65535", "nop 65535", "nop 3395", "config 2"]


def test_places_of_words() -> None:
    program = made(".unit mem.w0", "  5: config 2", ".unit mxm.e0", "", "0: abc.i8 s5.e repeat 4", strict=False)
    assert program.files == ("t.s",)
    assert np.array_equal(program.places["mem.w0"], [[0, 3, 6, -1]] * 2)
    assert np.array_equal(program.places["mxm.e0.abc"], [[0, 6, 4, -1]] * 2)


def test_labels_are_symbols_of_their_queues() -> None:
    program = made(".queue mem.w0", "nop 5", "loop:", "config 2", "also: config 3")
    assert [(s.name, s.kind, s.value, s.queue) for s in program.symbols] == [
        ("loop", "label", 1, "mem.w0"),
        ("also", "label", 2, "mem.w0"),
    ]


@pytest.mark.parametrize("cycle", [-1, (1 << 32) + 1])
def test_cycles_out_of_range(cycle: int) -> None:
    with pytest.raises(AssemblyError) as caught:
        made(".unit mem.w0", f"{cycle}: config 2")
    assert caught.value.code == "LPU0418"
