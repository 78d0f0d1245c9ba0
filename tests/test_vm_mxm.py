"""The matrix unit, against products of whole numbers and of fractions."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from chips import Octets, inject, peek, vector
from words import Line, program

from lpuasm.isa.operands import Dim
from lpuasm.isa.target import load_target
from lpuasm.vm.reference import Machine

MINI = load_target("mini")
LANES = MINI.lanes
RNG = np.random.default_rng(7)
TAP, PARTIAL, OUT = MINI.taps.mxm, MINI.taps.acc_partial, MINI.taps.acc_result + 1
#: From abc to the acc that takes its result, and from there to the value on the stream.
MULTIPLY, SUM = 46, 1


def machine_of(hemisphere: str, queues: dict[str, list[Line]]) -> Machine:
    return Machine(program(MINI, {name.replace("H", hemisphere): lines for name, lines in queues.items()}))


def product_i8(row: Octets, weights: Octets, partial: list[int] | None = None) -> list[int]:
    """The exact sums, modulo 2**32 with a sign."""
    x, w = row.view(np.int8).tolist(), weights.view(np.int8).tolist()
    sums = [sum(a * b for a, b in zip(x, line, strict=True)) for line in w]
    sums = [s + p for s, p in zip(sums, partial or [0] * len(sums), strict=True)]
    return [(s + (1 << 31)) % (1 << 32) - (1 << 31) for s in sums]


def lanes_i32(rows: Octets | None) -> list[int]:
    assert rows is not None
    lanes: list[int] = np.ascontiguousarray(rows.T).view("<i4")[:, 0].tolist()
    return lanes


@pytest.mark.parametrize("hemisphere", ["e", "w"])
@pytest.mark.parametrize("plane", [0, 1])
def test_load_install_multiply_accumulate(hemisphere: str, plane: int) -> None:
    """Rows through the buffer, into the array, and a partial sum on top of the product."""
    h, weights, row = hemisphere, vector(RNG, LANES, LANES), vector(RNG, 1, LANES)
    partial = RNG.integers(-(1 << 31), 1 << 31, LANES).astype("<i4")
    machine = machine_of(
        h,
        {
            f"mxm.H{plane}.lw": [(9, "lw", {"type": "i8", "rows": f"sg16.{h}[1]", "repeat": (Dim(2, 3, 1),)})],
            f"mxm.H{plane}.iw": [(13, "iw", {"type": "i8"})],
            f"mxm.H{plane}.abc": [(16, "abc", {"type": "i8", "row": f"s2.{h}"})],
            f"sxm.H.acc{plane}": [
                (16 + MULTIPLY, "acc", {"type": "i32", "partial": f"sg4.{h}[1]", "out": f"sg4.{back(h)}[5]"})
            ],
        },
    )
    for group in range(LANES // 16):
        inject(machine, f"sg16.{h}[1]", TAP, 9 + 3 * group, weights[16 * group : 16 * group + 16])
    inject(machine, f"s2.{h}", TAP, 16, row)
    inject(machine, f"sg4.{h}[1]", PARTIAL, 16 + MULTIPLY, partial.view(np.uint8).reshape(LANES, 4).T)
    machine.run(until=16 + MULTIPLY + SUM)
    out = lanes_i32(peek(machine, f"sg4.{back(h)}[5]", OUT))
    assert out == product_i8(row[0], weights, partial.tolist())
    assert np.array_equal(machine.state.array[h, plane], weights)


def back(hemisphere: str) -> str:
    return "w" if hemisphere == "e" else "e"


def test_low8_drives_the_lowest_byte() -> None:
    weights, row = vector(RNG, LANES, LANES), vector(RNG, 1, LANES)
    machine = machine_of(
        "e",
        {
            "mxm.H0.abc": [(5, "abc", {"type": "i8", "row": "s2.e"})],
            "sxm.H.acc0": [(5 + MULTIPLY, "acc", {"type": "i32", "out": "s9.w", "low8": True})],
        },
    )
    machine.state.array["e", 0][:] = weights
    inject(machine, "s2.e", TAP, 5, row)
    machine.run(until=5 + MULTIPLY + SUM)
    out = peek(machine, "s9.w", OUT)
    assert out is not None
    assert out[0].tolist() == [v & 255 for v in product_i8(row[0], weights)]


def test_rows_go_straight_to_the_array_and_clear_makes_it_zero() -> None:
    weights, row = vector(RNG, 16, LANES), np.full((1, LANES), 1, np.uint8)
    lines: list[Line] = [
        (10, "iw", {"type": "i8", "rows": "sg16.e[0]", "group": 1}),
        (14, "clear", {"type": "i8"}),
    ]
    times = (12, 13, 16, 17)  # before and after the array has changed
    machine = machine_of(
        "e",
        {
            "mxm.H1.iw": lines,
            "mxm.H1.abc": [(t, "abc", {"type": "i8", "row": "s31.e"}) for t in times],
            "sxm.H.acc1": [(t + MULTIPLY, "acc", {"type": "i32", "out": "sg4.w[0]"}) for t in times],
        },
    )
    inject(machine, "sg16.e[0]", TAP, 10, weights)
    for t in times:
        inject(machine, "s31.e", TAP, t, row)
    sums = [0] * 16 + weights.view(np.int8).astype(int).sum(axis=1).tolist()
    for t, wanted in zip(times, ([0] * LANES, sums, sums, [0] * LANES), strict=True):
        machine.run(until=t + MULTIPLY + SUM)
        assert lanes_i32(peek(machine, "sg4.w[0]", OUT)) == wanted


@pytest.mark.parametrize("apart", [0, 1])
def test_iw_takes_the_buffer_as_it_stands(apart: int) -> None:
    """Rows that arrive in the cycle of iw come too late for it."""
    rows = vector(RNG, 16, LANES)
    machine = machine_of(
        "e",
        {
            "mxm.H0.lw": [(4, "lw", {"type": "i8", "rows": "sg16.e[0]"})],
            "mxm.H0.iw": [(4 + apart, "iw", {"type": "i8"})],
        },
    )
    inject(machine, "sg16.e[0]", TAP, 4, rows)
    machine.run()
    assert np.array_equal(machine.state.buffer["e", 0][:16], rows)
    assert np.array_equal(machine.state.array["e", 0][:16], rows * apart)


def halves(rng: np.random.Generator, *shape: int) -> Any:
    """f16 of very different sizes, so that sums must be exact to come out right."""
    return (rng.standard_normal(shape) * 2.0 ** rng.integers(-12, 12, shape)).astype("<f2")


def rounded(exact: Fraction) -> float:
    """The nearest f32: float64 first would round twice, so the odd cases are settled by comparison."""
    near = np.float32(float(exact))
    candidates = [near, np.nextafter(near, np.float32(np.inf)), np.nextafter(near, np.float32(-np.inf))]
    return float(min(candidates, key=lambda c: (abs(Fraction(float(c)) - exact), int(c.view(np.uint32)) & 1)))


@pytest.mark.parametrize("streams", [16, 32])
def test_f16_on_the_pair(streams: int) -> None:
    """Weights in 32 or in 16 streams, both halves of the lanes, the second on top of the first."""
    weights, row = halves(RNG, LANES, LANES), halves(RNG, LANES)
    rows = streams // 2
    groups = LANES // rows
    group_name = f"sg{streams}.w[0]"
    # The activations come on streams 30 and 31 when the weights have gone by.
    times = (40, 40 + MULTIPLY)
    machine = machine_of(
        "w",
        {
            "mxm.H0.lw": [(4, "lw", {"type": "f16", "rows": group_name, "repeat": (Dim(groups, 1, 1),)})],
            "mxm.H0.iw": [(37, "iw", {"type": "f16"})],
            "mxm.H0.abc": [(t, "abc", {"type": "f16", "row": "sg2.w[15]", "half": k}) for k, t in enumerate(times)],
            "sxm.H.acc0": [
                (times[0] + MULTIPLY, "acc", {"type": "f32", "out": "sg4.e[0]"}),
                (times[1] + MULTIPLY, "acc", {"type": "f32", "partial": "sg4.w[2]", "out": "sg4.e[0]"}),
            ],
        },
    )
    octets = weights.view(np.uint8).reshape(LANES, LANES, 2).transpose(0, 2, 1)
    for group in range(groups):
        inject(machine, group_name, TAP, 4 + group, octets[rows * group : rows * (group + 1)].reshape(streams, LANES))
    for t in times:
        inject(machine, "sg2.w[15]", TAP, t, row.view(np.uint8).reshape(LANES, 2).T)
    machine.run(until=times[0] + MULTIPLY + SUM)
    first = peek(machine, "sg4.e[0]", OUT)
    assert first is not None
    inject(machine, "sg4.w[2]", PARTIAL, times[1] + MULTIPLY, first)
    machine.run(until=times[1] + MULTIPLY + SUM)
    second = peek(machine, "sg4.e[0]", OUT)
    assert second is not None
    low = np.ascontiguousarray(first.T).view("<f4")[:, 0].tolist()
    both = np.ascontiguousarray(second.T).view("<f4")[:, 0].tolist()
    x = [Fraction(float(v)) for v in row]
    for n in range(LANES):
        terms = [a * Fraction(float(b)) for a, b in zip(x, weights[n], strict=True)]
        assert low[n] == rounded(sum(terms[: LANES // 2], Fraction(0)))
        high = rounded(sum(terms[LANES // 2 :], Fraction(0)))
        assert both[n] == rounded(Fraction(low[n]) + Fraction(high))


def test_iw_f16_straight_from_streams_and_clear_of_the_pair() -> None:
    weights = vector(RNG, 32, LANES)
    machine = machine_of("e", {"mxm.H0.iw": [(4, "iw", {"type": "f16", "rows": "sg32.e[0]", "group": 1})]})
    machine.state.array["e", 0][:] = 9
    inject(machine, "sg32.e[0]", TAP, 4, weights)
    machine.run()
    assert np.array_equal(machine.state.array["e", 0], np.vstack([np.full((16, LANES), 9), weights[0::2]]))
    assert np.array_equal(machine.state.array["e", 1], np.vstack([np.zeros((16, LANES)), weights[1::2]]))
    machine = machine_of("e", {"mxm.H0.iw": [(4, "clear", {"type": "f16"})]})
    machine.state.array["e", 0][:], machine.state.array["e", 1][:] = 9, 8
    machine.run()
    assert not machine.state.array["e", 0].any()
    assert not machine.state.array["e", 1].any()
