"""Flows that read and write tensors of every layout, against numpy on the reference engine."""

from __future__ import annotations

import numpy as np
import pytest
from flowing import CHIPS, Array, done, flow, integers, lanes, refused

M = 6


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize(
    ("place", "clauses", "ref"),
    [
        ("mem.w0", "", "[0:12:2, :]"),
        ("mem.w0", "", "[5:11, :]"),
        ("mem.w0", "", "[3 : +6, :]"),
        ("mem.w0", "banks run 2", "[1:13:2, :]"),
        ("mem.w[0..2]", "", "[2:8, :]"),
        ("mem.w[2..0]", "banks run 1", "[4:10, :]"),
        ("mem.w0 mem.w5", "bank 1", "[12:18, :]"),
        ("mem.w[0..3]", "tile 3xLANES", "[0:6, :]"),
    ],
)
def test_parts_of_tensors(place: str, clauses: str, ref: str, chip: str) -> None:
    text = flow(
        f"read A{ref} -> s0.e\nwrite s0.e -> C",
        f".input A : i8 [18, LANES] at {place} {clauses}",
        f".output C : i8 [{M}, LANES] at mem.e0",
    ).replace("3xLANES", f"3x{lanes(chip)}")
    a = integers(15, (18, lanes(chip)))
    part = {
        "[0:12:2, :]": a[0:12:2], "[5:11, :]": a[5:11], "[3 : +6, :]": a[3:9], "[1:13:2, :]": a[1:13:2],
        "[2:8, :]": a[2:8], "[4:10, :]": a[4:10], "[12:18, :]": a[12:18], "[0:6, :]": a[0:6],
    }[ref]  # fmt: skip
    assert np.array_equal(done(text, {"A": a}, chip)["C"], part)


@pytest.mark.parametrize("chip", CHIPS)
def test_tiles_bring_columns_as_vectors_and_pad_with_zeros(chip: str) -> None:
    n = lanes(chip)
    width = n + n // 2
    text = flow(
        "read A[0:4, LANES:] -> s0.e\nadd s0.e, 1 -> s1.e\nwrite s1.e -> C",
        f".input A : i8 [4, {width}] at mem.w0",
        ".output C : i8 [4, LANES] at mem.e0",
    )
    a = integers(16, (4, width))
    expected = np.ones((4, n), np.int8)
    expected[:, : n // 2] = (a[:, n:].astype(np.int32) + 1).astype(np.int8)
    assert np.array_equal(done(text, {"A": a}, chip)["C"], expected)


def test_three_axes_and_single_rows() -> None:
    text = flow(
        "read A[1, 2:5, :] -> s0.e\nwrite s0.e -> C",
        ".input A : i8 [3, 6, LANES] at mem.w[0..1]",
        ".output C : i8 [3, LANES] at mem.e0",
    )
    a = integers(17, (3, 6, 32))
    assert np.array_equal(done(text, {"A": a})["C"], a[1, 2:5])


@pytest.mark.parametrize("chip", CHIPS)
def test_a_group_of_streams_takes_several_rows_at_once(chip: str) -> None:
    """Two rows of i16 on four streams; an odd number of rows is padded by the tile."""
    text = flow(
        "read A -> sg4.e[0]\nwrite sg4.e[0] -> C",
        ".input A : i16 [7, LANES] at mem.w[0..3] tile 8xLANES",
        ".output C : i16 [7, LANES] at mem.e[0..3] tile 8xLANES",
    ).replace("xLANES", f"x{lanes(chip)}")
    a = integers(18, (7, lanes(chip)), "int16")
    assert np.array_equal(done(text, {"A": a}, chip)["C"], a)


def test_rows_that_are_not_padding_are_never_taken_for_it() -> None:
    """Was: a read or write of ten rows over sixteen streams took the six rows after them as well."""
    text = flow(
        "read A[0:10, :] -> sg16.e[0]\nwrite sg16.e[0] -> C[0:10, :]",
        ".input A : i8 [32, LANES] at mem.w[0..15]",
        ".output C : i8 [32, LANES] at mem.e[0..15]",
    )
    assert refused(text, "tsp1").code == "LPU1106"


def test_writes_spread_over_slices() -> None:
    text = flow(
        "read A -> s0.e\nwrite s0.e -> C spread 4",
        ".input A : i8 [12, LANES] at mem.w0",
        ".output C : i8 [12, LANES] at mem.e[0..3]",
    )
    a = integers(19, (12, 32))
    assert np.array_equal(done(text, {"A": a})["C"], a)
    assert refused(text.replace("spread 4", "spread 3")).code == "LPU1106"


def test_words_of_memory_without_a_tensor() -> None:
    text = (
        """
.input A : i8 [4, LANES] at mem.w0
.output C : i8 [8, LANES] at mem.e0 address 0
flow keep:
    read  A -> s0.e
    write s0.e -> mem.w3[0x40]  repeat 4 step 2
""".replace("mem.w3", "mem.e3")
        + """
flow back:
    read  mem.e3[0x40] -> s1.w  repeat 7
    write s1.w -> mem.w5[7]  repeat 7
flow out:
    read  mem.w5[7] -> s1.e  repeat 7
    write s1.e -> C[0:7, :]
"""
    )
    a = integers(20, (4, 32))
    expected = np.zeros((8, 32), np.int8)
    expected[0:7:2] = a
    assert np.array_equal(done(text, {"A": a})["C"], expected)
    assert refused("flow f:\n    read mem.w0[600] -> s0.e\n    write s0.e -> mem.e0[0]\n").code == "LPU0310"


@pytest.mark.parametrize("chip", CHIPS)
def test_gather_and_scatter(chip: str) -> None:
    n, slices = lanes(chip), "mem.e2"
    text = f"""
.input Table : i8 [50, LANES] at {slices} address 0
.input Map : u8 [{M}, LANES] at mem.w0
.input Where : u8 [{M}, LANES] at mem.w1
.output C : i8 [{M}, LANES] at mem.e5
.output D : i8 [50, LANES] at mem.e6 address 0
flow look_up:
    read    Map -> s0.e
    gather  Table, s0.e -> s1.e
    write   s1.e -> C
flow put:
    read    C -> s4.w
    identity s4.w -> s5.e
    read    Where -> s6.e
    identity s6.e -> s7.e
    scatter s5.e, s7.e -> D
"""
    rng = np.random.default_rng(21)
    index, where = rng.integers(0, 50, M), rng.permutation(50)[:M]
    a = integers(22, (50, n))

    def vectors(values: Array) -> Array:
        out = np.zeros((len(values), n // 16, 16), np.uint8)
        out[:, :, 0] = values[:, None]
        return out.reshape(len(values), n)

    got = done(text, {"Table": a, "Map": vectors(index), "Where": vectors(where)}, chip)
    assert np.array_equal(got["C"], a[index])
    expected = np.zeros((50, n), np.int8)
    expected[where] = a[index]
    assert np.array_equal(got["D"], expected)


@pytest.mark.parametrize("statement", ["gather T, sg2.e[0] -> s4.e", "scatter s4.e, sg2.e[0] -> T"])
def test_a_map_on_a_group_of_streams_is_refused(statement: str) -> None:
    text = ".input I : i16 [1, LANES] at mem.w[0..1]\n.input T : i8 [8, LANES] at mem.e0\nflow f:\n"
    text += f"    read I -> sg2.e[0]\n    read mem.w4[0] -> s4.e\n    {statement}\n"
    (found,) = refused(text).diagnostics
    assert found.code == "LPU0407" and found.help == "write a stream such as s0.e"


# Repeats


def test_repeats_state_rates_and_orders_of_reading() -> None:
    text = """
.input A : i8 [6, LANES] at mem.w0
.output C : i8 [{rows}, LANES] at mem.e0
flow one:
    read A -> s0.e  {repeat}
    write s0.e -> C
"""
    a = integers(23, (6, 32))

    def cycles(repeat: str, expected: Array) -> int:
        run = done(text.format(rows=len(expected), repeat=repeat), {"A": a})
        assert np.array_equal(run["C"], expected)
        return run.cycles

    # Six issues at 0 5 10 11 16 21: an interval that is not written is the shortest.
    assert cycles("repeat 3 every 5 repeat 2", a) == cycles("", a) + 16
    cycles("repeat 2 step 0 repeat 6 step 1", np.repeat(a, 2, axis=0))
    cycles("repeat 6 step 1 repeat 2 step 0", np.tile(a, (2, 1)))
    cycles("repeat 2 every 2 step 3 repeat 3 step 1", a[[0, 3, 1, 4, 2, 5]])


@pytest.mark.parametrize(
    ("repeat", "code"),
    [
        ("repeat 4 every 10 repeat 3 every 2", "LPU0408"),
        ("repeat 0", "LPU0408"),
        ("repeat 6 every 0", "LPU0408"),
        ("repeat 1000000000 step 0", "LPU0408"),
        ("repeat 6 step -1", "LPU1102"),
        ("repeat 7", "LPU1102"),
    ],
)
def test_repeats_that_cannot_be(repeat: str, code: str) -> None:
    text = flow(
        f"read A -> s0.e {repeat}\nwrite s0.e -> C",
        ".input A : i8 [6, LANES] at mem.w0",
        ".output C : i8 [6, LANES] at mem.e0",
    )
    assert refused(text).code == code
