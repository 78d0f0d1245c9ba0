"""Flows through the VXM, against numpy on the reference engine."""

from __future__ import annotations

import numpy as np
import pytest
from flowing import CHIPS, built, done, floats, flow, integers, lanes, starts

from lpuasm.vm.run import run

M = 6
BINARY = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "eq": np.equal,
    "ne": np.not_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "lt": np.less,
    "le": np.less_equal,
}
UNARY = {"neg": np.negative, "abs": np.abs, "not": np.invert, "relu": lambda x: np.maximum(x, 0), "identity": np.array}
LARGE = {"exp": np.exp, "tanh": np.tanh, "rsqrt": lambda x: 1 / np.sqrt(x)}
SATURATING = {"add": np.add, "sub": np.subtract, "mul": np.multiply}


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("name", BINARY)
def test_binary_operations(name: str, chip: str) -> None:
    kind = "u8" if name in ("eq", "ne", "gt", "ge", "lt", "le") else "i8"
    text = flow(
        f"read A -> s0.e\nread B -> s4.w\n{name} s0.e, s4.w -> s2.e\nwrite s2.e -> C",
        f".input A : i8 [{M}, LANES] at mem.w0",
        f".input B : i8 [{M}, LANES] at mem.e0",
        f".output C : {kind} [{M}, LANES] at mem.e4",
    )
    a, b = integers(1, (M, lanes(chip))), integers(2, (M, lanes(chip)))
    b[0] = a[0]
    with np.errstate(over="ignore"):
        expected = BINARY[name](a, b)
    assert np.array_equal(done(text, {"A": a, "B": b}, chip)["C"], expected)


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("name", [*UNARY, *LARGE])
def test_unary_operations(name: str, chip: str) -> None:
    kind, planes = ("f32", 4) if name in LARGE else ("i32", 4)
    text = flow(
        f"read A -> sg4.e[0]\n{name} sg4.e[0] -> sg4.w[1]\nwrite sg4.w[1] -> C",
        f".input A : {kind} [{M}, LANES] at mem.w[0..{planes - 1}]",
        f".output C : {kind} [{M}, LANES] at mem.w[4..7]",
    )
    shape = (M, lanes(chip))
    a = np.abs(floats(3, shape)) + np.float32(0.25) if name in LARGE else integers(3, shape, "int32")
    got = done(text, {"A": a}, chip)["C"]
    if name in LARGE:
        np.testing.assert_allclose(got, LARGE[name](a.astype(np.float64)).astype(np.float32), rtol=1e-6)
    else:
        assert np.array_equal(got, UNARY[name](a))


@pytest.mark.parametrize("name", SATURATING)
def test_saturating_operations(name: str) -> None:
    text = flow(
        f"read A -> s0.e\n{name}.sat s0.e, 100 -> s1.e\nwrite s1.e -> C",
        f".input A : i8 [{M}, LANES] at mem.w0",
        f".output C : i8 [{M}, LANES] at mem.e0",
    )
    a = integers(4, (M, 32))
    expected = np.clip(SATURATING[name](a.astype(np.int32), 100), -128, 127).astype(np.int8)
    # A bare `.sat` leaves the type to what the stream carries.
    assert np.array_equal(done(text, {"A": a})["C"], expected)


@pytest.mark.parametrize("chip", CHIPS)
def test_shifts_masks_and_comparisons_with_immediates(chip: str) -> None:
    text = flow(
        """
        read  A -> sg2.e[0]
        gt    sg2.e[0], 0 -> s4.e
        shl   sg2.e[0], 3 -> sg2.e[1]
        shr   sg2.e[0], 3 -> sg2.e[3]
        write sg2.e[1] -> L
        write sg2.e[3] -> R
        write s4.e -> P
        """,
        f".input A : i16 [{M}, LANES] at mem.w[0..1]",
        f".output L : i16 [{M}, LANES] at mem.e[0..1]",
        f".output R : i16 [{M}, LANES] at mem.e[2..3]",
        f".output P : u8 [{M}, LANES] at mem.e4",
    )
    a = integers(5, (M, lanes(chip)), "int16")
    got = done(text, {"A": a}, chip)
    assert np.array_equal(got["L"], a << 3)
    assert np.array_equal(got["R"], a >> 3)
    assert np.array_equal(got["P"], a > 0)


@pytest.mark.parametrize(("name", "keeps"), [("mask", True), ("mask_bar", False)])
def test_masks_take_bytes_whatever_the_value_is(name: str, keeps: bool) -> None:
    text = flow(
        f"read A -> sg4.e[0]\nread K -> s8.e\n{name} sg4.e[0], s8.e -> sg4.e[1]\nwrite sg4.e[1] -> C",
        f".input A : f32 [{M}, LANES] at mem.w[0..3]",
        f".input K : u8 [{M}, LANES] at mem.w4",
        f".output C : f32 [{M}, LANES] at mem.e[0..3]",
    )
    a, mask = floats(6, (M, 32)), integers(7, (M, 32), "uint8") & 1
    assert np.array_equal(done(text, {"A": a, "K": mask})["C"], np.where((mask != 0) == keeps, a, np.float32(0)))


@pytest.mark.parametrize("chip", CHIPS)
def test_casts_follow_the_type_that_the_stream_carries(chip: str) -> None:
    text = flow(
        """
        read     A -> sg2.e[0]
        cast.f32 sg2.e[0] -> %x
        mul      %x, 0.5 -> %half
        cast.i8.sat %half -> s8.e
        write    s8.e -> C
        """,
        f".input A : f16 [{M}, LANES] at mem.w[0..1]",
        f".output C : i8 [{M}, LANES] at mem.e0",
    )
    a = np.rint(100 * floats(8, (M, lanes(chip)))).astype(np.float16)
    expected = np.clip(np.rint(a.astype(np.float32) * np.float32(0.5)), -128, 127).astype(np.int8)
    assert np.array_equal(done(text, {"A": a}, chip)["C"], expected)


def test_chains_run_either_way_and_feed_several_consumers() -> None:
    text = flow(
        """
        read A -> s0.w
        add  s0.w, 1 -> %one
        add  s0.w, 2 -> %two
        mul  %one, %two -> %both, s1.w
        sub  %both, 7 -> s2.w
        write s1.w -> C
        write s2.w -> D
        """,
        f".input A : i8 [{M}, LANES] at mem.e0",
        f".output C : i8 [{M}, LANES] at mem.w0",
        f".output D : i8 [{M}, LANES] at mem.w1",
    )
    a = integers(9, (M, 32))
    got = done(text, {"A": a})
    product = ((a.astype(np.int32) + 1) * (a.astype(np.int32) + 2)).astype(np.int8)
    assert np.array_equal(got["C"], product)
    assert np.array_equal(got["D"], (product.astype(np.int32) - 7).astype(np.int8))


def test_a_result_can_go_to_two_groups() -> None:
    text = flow(
        "read A -> s0.e\nadd s0.e, 1 -> s1.e, s4.w\nwrite s1.e -> C\nwrite s4.w -> D",
        f".input A : i8 [{M}, LANES] at mem.w0",
        f".output C : i8 [{M}, LANES] at mem.e0",
        f".output D : i8 [{M}, LANES] at mem.w4",
    )
    a = integers(10, (M, 32))
    got = done(text, {"A": a})
    assert np.array_equal(got["C"], got["D"])
    assert np.array_equal(got["C"], (a.astype(np.int32) + 1).astype(np.int8))


@pytest.mark.parametrize("chip", CHIPS)
def test_a_latch_keeps_a_vector_for_a_later_flow(chip: str) -> None:
    text = f"""
.input A : i8 [{M}, LANES] at mem.w0
.input B : i8 [1, LANES] at mem.w1
.output C : i8 [{M}, LANES] at mem.e0
flow keep:
    read     B -> s12.e
    identity s12.e  keep 1  @alu4
flow add:
    read  A -> s8.e
    add   s8.e, latch -> s9.e  @alu4
    write s9.e -> C
flow forget:
    identity.i8 0  keep 1  @alu4
"""
    a, b = integers(11, (M, lanes(chip))), integers(12, (1, lanes(chip)))
    program = built(text, chip)
    result = run(program, {"A": a, "B": b}, engine="reference")
    assert np.array_equal(result["C"], (a.astype(np.int32) + b).astype(np.int8))
    order = starts(program)
    assert order["keep"] < order["add"] < order["forget"]


@pytest.mark.parametrize(("one", "other"), [("alu4", "alu4"), ("alu4", "vxm.alu4"), ("vxm.alu4", "alu4")])
def test_a_latch_inside_a_flow_follows_the_keep(one: str, other: str) -> None:
    """`alu4` and `vxm.alu4` are one ALU, and so one latch."""
    text = f"""
.input A : i8 [{M}, LANES] at mem.w0
.input B : i8 [1, LANES] at mem.w1
.output C : i8 [{M}, LANES] at mem.e0
flow both:
    read     B -> s12.e
    identity s12.e  keep 1  @{one}
    read  A -> s8.e
    add   s8.e, latch -> s9.e  @{other}
    write s9.e -> C
"""
    a, b = integers(13, (M, 32)), integers(14, (1, 32))
    assert np.array_equal(done(text, {"A": a, "B": b})["C"], (a.astype(np.int32) + b).astype(np.int8))
