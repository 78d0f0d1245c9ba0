"""Flows through the MXM, the SXM and the links, against numpy on the reference engine."""

from __future__ import annotations

import numpy as np
import pytest
from flowing import CHIPS, Array, built, done, floats, integers, lanes, refused, starts

M = 6


def product(a: Array, w: Array) -> Array:
    return (a.astype(np.float64) @ w.astype(np.float64).T).astype(np.int32)


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("side", ["e", "w"])
def test_a_plane_of_int8(side: str, chip: str) -> None:
    n, back = lanes(chip), {"e": "w", "w": "e"}[side]
    # mini has 8 slices a hemisphere: eight of the sixteen streams come from the other side of the VXM.
    spread = f"mem.{back}[0..7] mem.{side}[0..7]" if chip == "mini" else f"mem.{back}[0..15]"
    rows = "sg16." + side
    text = f"""
.input A : i8 [{M}, LANES] at mem.{back}0
.weight W : i8 [LANES, LANES] at {spread}
.output C : i32 [{M}, LANES] at mem.{side}[0..3]
.output L : u8 [{M}, LANES] at mem.{side}4
flow install:
    read W -> {rows}[0]
    lw   mxm.{side}0 mxm.{side}1, {rows}[0]
    iw   mxm.{side}0
flow copy:
    iw   mxm.{side}1
flow multiply:
    read  A -> s16.{side}
    abc   mxm.{side}0, s16.{side}
    acc   mxm.{side}0 -> sg4.{back}[0]
    write sg4.{back}[0] -> C
flow low:
    read  A -> s16.{side}
    abc   mxm.{side}1, s16.{side}
    acc   mxm.{side}1 -> s9.{back} low8
    write s9.{back} -> L
"""
    a, w = integers(24, (M, n)), integers(25, (n, n))
    got = done(text, {"A": a, "W": w}, chip)
    assert np.array_equal(got["C"], product(a, w))
    assert np.array_equal(got["L"], (product(a, w) & 255).astype(np.uint8))


@pytest.mark.parametrize("chip", CHIPS)
def test_partial_sums_clear_and_rows_that_go_straight_to_the_array(chip: str) -> None:
    n = lanes(chip)
    place = "mem.w[0..7] mem.e[0..7]" if chip == "mini" else "mem.e[28..43]"
    text = f"""
.input A : i8 [{M}, LANES] at mem.w0
.input P : i32 [{M}, LANES] at mem.w[4..7]
.weight W : i8 [LANES, LANES] at {place}
.output C : i32 [{M}, LANES] at mem.e[0..3]
.output Z : i32 [{M}, LANES] at mem.e[4..7]
flow straight:
    read W -> sg16.e[0]
    iw   mxm.e0, sg16.e[0]
flow multiply:
    read  A -> s16.e
    abc   mxm.e0, s16.e
    read  P -> sg4.e[5]
    acc   mxm.e0, sg4.e[5] -> sg4.w[0]
    write sg4.w[0] -> C
flow empty:
    clear mxm.e0
flow nothing:
    read  A -> s16.e
    abc   mxm.e0, s16.e
    acc   mxm.e0 -> sg4.w[0]
    write sg4.w[0] -> Z
"""
    a, w, p = integers(26, (M, n)), integers(27, (n, n)), integers(28, (M, n), "int32") >> 4
    got = done(text, {"A": a, "W": w, "P": p}, chip)
    assert np.array_equal(got["C"], product(a, w) + p)
    assert not got["Z"].any()


@pytest.mark.parametrize(("size", "first"), [(32, 0), (16, 0), (16, 16)])
def test_the_pair_of_f16_over_32_and_16_streams(size: int, first: int) -> None:
    text = f"""
.input A : f16 [{M}, LANES] at mem.w[0..1]
.weight W : f16 [LANES, LANES] at mem.e[0..{size - 1}]
.output C : f32 [{M}, LANES] at mem.e[40..43] banks run 2
flow install:
    read W -> sg{size}.e[{first // size}]
    lw   mxm.e, sg{size}.e[{first // size}]
    iw   mxm.e
flow first:
    read  A -> sg2.e[8]
    abc   mxm.e, sg2.e[8] half 0
    acc   mxm.e -> sg4.w[0]
    write sg4.w[0] -> C
flow second:
    read  A -> sg2.e[8]
    abc   mxm.e, sg2.e[8] half 1
    read  C -> sg4.e[2]
    acc   mxm.e, sg4.e[2] -> sg4.w[0]
    write sg4.w[0] -> C
"""
    a, w = floats(29, (M, 320), "float16"), floats(30, (320, 320), "float16")
    halves = [(a[:, h].astype(np.float64) @ w[:, h].astype(np.float64).T).astype(np.float32) for h in np.s_[:160, 160:]]
    np.testing.assert_allclose(done(text, {"A": a, "W": w}, "tsp1")["C"], halves[0] + halves[1], rtol=1e-6)


# The SXM and the links


@pytest.mark.parametrize("chip", CHIPS)
def test_shifts_and_broadcast(chip: str) -> None:
    n = lanes(chip)
    text = f"""
.input A : i8 [{M}, LANES] at mem.w0
.output S : i8 [{M}, LANES] at mem.w1
.output W : i8 [{M}, LANES] at mem.w2
.output B : i8 [{M}, LANES] at mem.w3
flow shift:
    read A -> s0.e
    shift s0.e, -3 -> s1.w
    write s1.w -> S
flow wide:
    read A -> s0.e
    shift_wide s0.e, 16 -> s1.w
    write s1.w -> W
flow spread:
    read A -> s0.e
    broadcast s0.e, 5 -> s1.w
    write s1.w -> B
"""
    a = integers(31, (M, n))
    got = done(text, {"A": a}, chip)
    shifted = np.zeros_like(a)
    shifted[:, : n - 3] = a[:, 3:]
    assert np.array_equal(got["S"], shifted)
    assert np.array_equal(got["W"], np.roll(a, 16, axis=1))
    assert np.array_equal(got["B"], np.repeat(a[:, 5:6], n, axis=1))


@pytest.mark.parametrize("chip", CHIPS)
def test_select_permute_and_distribute(chip: str) -> None:
    n = lanes(chip)
    text = f"""
.input A : i8 [{M}, LANES] at mem.w0
.input B : i8 [{M}, LANES] at mem.w1
.input K : u8 [{M}, LANES] at mem.w2
.input P : i16 [{M}, LANES] at mem.w[3..4]
.input D : u8 [{M}, LANES] at mem.w5
.input E : i8 [8 * {M}, LANES] at mem.e[0..7]
.output S : i8 [{M}, LANES] at mem.w6
.output Q : i8 [{M}, LANES] at mem.w7
.output R : i8 [8 * {M}, LANES] at mem.w0 mem.w1 mem.w2 mem.w3 mem.w4 mem.w5 mem.w6 mem.w7
flow choose:
    read A -> s0.e
    read B -> s1.e
    read K -> s2.e
    select s0.e, s1.e, s2.e -> s3.w
    write s3.w -> S
flow permute:
    read A -> s0.e
    read P -> sg2.e[4]
    permute s0.e, sg2.e[4] -> s9.w
    write s9.w -> Q
flow distribute:
    read E -> sg8.e[1]
    read D -> s20.e
    distribute sg8.e[1], s20.e -> sg8.e[1]  bypass 0x02
    shift sg8.e[1], 0 -> sg8.w[1]
    write sg8.w[1] -> R
"""
    rng = np.random.default_rng(32)
    a, b, mask = integers(33, (M, n)), integers(34, (M, n)), integers(35, (M, n), "uint8") & 1
    order = np.stack([rng.permutation(n) for _ in range(M)])
    lane = rng.integers(0, 17, (M, n)).astype(np.uint8)
    e = integers(36, (8 * M, n))
    got = done(text, {"A": a, "B": b, "K": mask, "P": order.astype(np.int16), "D": lane, "E": e}, chip)
    assert np.array_equal(got["S"], np.where(mask != 0, a, b))
    assert np.array_equal(got["Q"], np.take_along_axis(a, order, axis=1))
    superlanes = e.reshape(M, 8, n // 16, 16)
    index = np.repeat(lane.reshape(M, 1, n // 16, 16), 8, axis=1)
    expected = np.where(index == 16, 0, np.take_along_axis(superlanes, np.minimum(index, 15), axis=3))
    expected[:, 1] = superlanes[:, 1]
    assert np.array_equal(got["R"], expected.reshape(8 * M, n))


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("name", ["transpose", "transpose_null", "rotate"])
def test_transposer(name: str, chip: str) -> None:
    n = lanes(chip)
    many = "mem.e[0..7] mem.w[0..7]" if chip == "mini" else "mem.e[0..15]"
    back = "mem.e[0..7] mem.w[0..7]" if chip == "mini" else "mem.e[16..31]"
    operation = {
        "transpose": "transpose sg16.e[0] -> sg16.w[1]",
        "transpose_null": "transpose_null sg16.e[0] -> sg16.w[1] order 0x0123456789abcdef",
        "rotate": "rotate s0.e, 3 -> sg16.w[1]",
    }[name]
    rows = 2 if name == "rotate" else 32
    text = f"""
.input X : i8 [{rows}, LANES] at {"mem.w3" if name == "rotate" else many}
.output Y : i8 [32, LANES] at {back}
flow one:
    read {"X -> s0.e" if name == "rotate" else "X -> sg16.e[0]"}
    {operation}
    write sg16.w[1] -> Y
"""
    x = integers(37, (rows, n))
    got = done(text, {"X": x}, chip)["Y"].reshape(2, 16, n // 16, 16)
    if name == "transpose":
        expected = x.reshape(2, 16, n // 16, 16).transpose(0, 3, 2, 1)
    elif name == "transpose_null":
        expected = x.reshape(2, 16, n // 16, 16)[:, ::-1]
    else:
        matrix = x.reshape(2, n // 16, 16)[:, :, :9].reshape(2, n // 16, 3, 3)
        expected = np.zeros((2, 16, n // 16, 16), np.int8)
        for i in range(3):
            for j in range(3):
                rolled = np.roll(matrix, (-i, -j), axis=(2, 3)).reshape(2, n // 16, 9)
                expected[:, 3 * i + j, :, :9] = rolled
    assert np.array_equal(got, expected)


@pytest.mark.parametrize("chip", CHIPS)
def test_vectors_go_over_links_in_order(chip: str) -> None:
    text = f"""
.input A : i8 [{M}, LANES] at mem.w0
.output C : i8 [{M}, LANES] at mem.e0
.output D : i8 [{M}, LANES] at mem.e1
flow out:
    read A -> s0.e  repeat {M} every 25
    send s0.e link 2
flow again:
    read A[0:2, :] -> s1.e  repeat 2 every 40
    send s1.e link 2
flow slow:
    receive -> s1.w link 3 repeat 4 every 30
    write s1.w -> C[0:4, :]
flow fast:
    receive -> s2.w link 3 repeat 4 every 7
    write s2.w -> D[0:4, :]
"""
    a = integers(38, (M, lanes(chip)))
    got = done(text, {"A": a}, chip)
    assert np.array_equal(got["C"][:4], a[:4])
    assert np.array_equal(got["D"][:4], np.concatenate([a[4:6], a[:2]]))


def test_what_links_cannot_do() -> None:
    base = ".input A : i8 [2, LANES] at mem.w0\n.output C : i8 [2, LANES] at mem.e0\n"
    send = "flow out:\n    read A -> s0.e  repeat 2 every {}\n    send s0.e link {}\n"
    take = "flow in:\n    receive -> s1.w link 3\n    write s1.w -> C[0:1, :]\n"
    assert refused(base + take).code == "LPU1114"
    assert refused(base + take + send.format(23, 2)).code == "LPU1114"
    assert refused(base + send.format(22, 2)).code == "LPU0312"
    assert refused(base + send.format(23, 16)).code == "LPU0407"
    assert starts(built(base + send.format(23, 2) + take))["in"] > 200
