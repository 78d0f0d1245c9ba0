"""Floats lane by lane, and conversions, against exact fractions."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from rounding import F16, F32, Format

from lpuasm.isa.numeric import DTYPES, FUNCTIONS

FORMATS = {"f16": F16, "f32": F32}
INTEGERS = ["u8", "i8", "i16", "i32"]
ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "add_sat": operator.add,
    "sub_sat": operator.sub,
    "mul_sat": operator.mul,
}
COMPARE: dict[str, Callable[[float, float], bool]] = {
    name: getattr(operator, name) for name in ("eq", "ne", "gt", "ge", "lt", "le")
}


def bits_of(form: Format) -> st.SearchStrategy[int]:
    """Anything, ordinary values, and the neighbourhoods of what is special."""
    near = [v for c in (2, 1 << form.precision - 1, form.infinity) for v in range(c - 2, c + 3)]
    one = form.encode(1.0)
    span = 6 << form.precision - 1
    signed = st.builds(operator.or_, st.sampled_from([0, form.sign]), st.integers(one - span, one + span))
    special = st.builds(operator.or_, st.sampled_from([0, form.sign]), st.sampled_from(near))
    return signed | special | st.integers(0, 2 * form.sign - 1)


def array(bits: list[int], name: str) -> NDArray[Any]:
    return np.array(bits, f"u{DTYPES[name].itemsize}").view(DTYPES[name])


def bits(values: NDArray[Any]) -> list[int]:
    return list(values.view(f"u{values.itemsize}").tolist())


def exactly(op: Callable[[Any, Any], Any], a: float, b: float, form: Format) -> int:
    """The bits of an operation rounded once. Python's floats give the special results and the sign of a zero."""
    rough = op(a, b)
    if math.isfinite(a) and math.isfinite(b):
        exact = op(Fraction(a), Fraction(b))
        if exact:
            return form.encode(exact)
    return form.encode(rough)


def larger(a: float, b: float) -> float:
    if math.isnan(a) or math.isnan(b):
        return math.nan
    return max(a, b, key=lambda v: (v, math.copysign(1, v)))


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
def test_arithmetic_rounds_once(name: str, data: st.DataObject) -> None:
    form = FORMATS[name]
    pairs = data.draw(st.lists(st.tuples(bits_of(form), bits_of(form)), min_size=1, max_size=8))
    left, right = ([p[i] for p in pairs] for i in (0, 1))
    a, b = array(left, name), array(right, name)
    values = [(form.decode(x), form.decode(y)) for x, y in pairs]
    for function, op in ARITHMETIC.items():
        assert bits(FUNCTIONS[function](a, b)) == [exactly(op, x, y, form) for x, y in values], function
    for function, compare in COMPARE.items():
        assert FUNCTIONS[function](a, b).tolist() == [compare(x, y) for x, y in values], function
    assert bits(FUNCTIONS["maximum"](a, b)) == [form.encode(larger(x, y)) for x, y in values]
    assert bits(FUNCTIONS["minimum"](a, b)) == [form.encode(-larger(-x, -y)) for x, y in values]
    assert bits(FUNCTIONS["relu"](a)) == [form.encode(larger(x, 0.0)) for x, _ in values]
    assert bits(FUNCTIONS["neg"](a)) == [form.encode(-x) for x, _ in values]
    assert bits(FUNCTIONS["abs"](a)) == [form.encode(abs(x)) for x, _ in values]


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
def test_bits_of_floats_are_left_alone(name: str, data: st.DataObject) -> None:
    x, y = data.draw(bits_of(FORMATS[name])), data.draw(bits_of(FORMATS[name]))
    a, b = array([x], name), array([y], name)
    assert bits(FUNCTIONS["identity"](a)) == [x]
    assert bits(FUNCTIONS["mask"](a, b)) == [x if y & 255 else 0]
    assert bits(FUNCTIONS["mask_bar"](a, b)) == [0 if y & 255 else x]
    assert bits(FUNCTIONS["band"](a, b)) == [x & y]
    assert bits(FUNCTIONS["bor"](a, b)) == [x | y]
    assert bits(FUNCTIONS["bxor"](a, b)) == [x ^ y]
    assert bits(FUNCTIONS["bnot"](a)) == [x ^ 2 * FORMATS[name].sign - 1]


def test_maximum_and_minimum_know_the_sign_of_zero() -> None:
    a = np.array([0.0, -0.0, -0.0, 0.0, -1.0, 1.0, np.nan, 1.0], np.float32)
    b = np.array([-0.0, 0.0, -0.0, 0.0, -0.0, -0.0, 1.0, np.nan], np.float32)
    signs = np.signbit(FUNCTIONS["maximum"](a, b)[:6]), np.signbit(FUNCTIONS["minimum"](a, b)[:6])
    assert signs[0].tolist() == [False, False, True, False, True, False]
    assert signs[1].tolist() == [True, True, True, False, True, True]
    assert bits(FUNCTIONS["maximum"](a, b)[6:]) == bits(FUNCTIONS["minimum"](a, b)[6:]) == [0x7FC00000] * 2


# --- conversions ------------------------------------------------------------------------------


def test_every_f16_becomes_f32_and_returns() -> None:
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    wide = FUNCTIONS["cast"](every, "f32")
    expected = [F32.encode(F16.decode(b)) for b in range(1 << 16)]
    assert bits(wide) == expected
    back = bits(FUNCTIONS["cast"](wide, "f16"))
    assert back == [F16.nan if math.isnan(F16.decode(b)) else b for b in range(1 << 16)]


def test_every_halfway_between_two_f16_and_its_neighbours() -> None:
    least = np.arange(F16.infinity, dtype=np.uint16).view(np.float16).astype(np.float64)
    most = np.append(least[1:], 65536.0)
    ties = ((least + most) / 2).astype(np.float32).view(np.uint32)
    near = np.concatenate([ties - 1, ties, ties + 1]) | np.array([[0], [1 << 31]], np.uint32)
    patterns = near.ravel()
    expected = [F16.encode(F32.decode(b)) for b in patterns.tolist()]
    assert bits(FUNCTIONS["cast"](patterns.view(np.float32), "f16")) == expected
    saturated = [b - 1 if b & ~F16.sign == F16.infinity else b for b in expected]
    assert bits(FUNCTIONS["cast_sat"](patterns.view(np.float32), "f16")) == saturated


@given(st.lists(bits_of(F32), min_size=1, max_size=8))
def test_f32_to_anything(patterns: list[int]) -> None:
    values = [F32.decode(b) for b in patterns]
    x = array(patterns, "f32")
    assert bits(FUNCTIONS["cast"](x, "f16")) == [F16.encode(v) for v in values]
    for name in INTEGERS:
        assert FUNCTIONS["cast"](x, name).tolist() == [saturated(v, name) for v in values]
        assert FUNCTIONS["cast_sat"](x, name).tolist() == [saturated(v, name) for v in values]


def saturated(value: float, name: str) -> int:
    low, high = int(np.iinfo(DTYPES[name]).min), int(np.iinfo(DTYPES[name]).max)
    if math.isnan(value):
        return 0
    return round(max(low, min(high, value)))


@pytest.mark.parametrize("name", INTEGERS)
def test_every_f16_to_integers(name: str) -> None:
    every = np.arange(1 << 16, dtype=np.uint16)
    expected = [saturated(F16.decode(b), name) for b in range(1 << 16)]
    assert FUNCTIONS["cast"](every.view(np.float16), name).tolist() == expected


@pytest.mark.parametrize("name", INTEGERS)
@given(data=st.data())
def test_integers_to_anything(name: str, data: st.DataObject) -> None:
    info = np.iinfo(DTYPES[name])
    near = [v for c in (0, 128, 256, 2048, 65504, 65520, 1 << 24) for v in range(c - 1, c + 2) if v <= info.max]
    drawn = st.integers(int(info.min), int(info.max)) | st.sampled_from(near)
    values = data.draw(st.lists(drawn, min_size=1, max_size=8).map(lambda v: [w for w in v if w >= info.min]))
    x = np.array(values, DTYPES[name])
    for target in INTEGERS:
        low, high = int(np.iinfo(DTYPES[target]).min), int(np.iinfo(DTYPES[target]).max)
        modular = [(v - low) % (high - low + 1) + low for v in values]
        assert FUNCTIONS["cast"](x, target).tolist() == modular
        assert FUNCTIONS["cast_sat"](x, target).tolist() == [max(low, min(high, v)) for v in values]
    for function in ("cast", "cast_sat"):
        assert bits(FUNCTIONS[function](x, "f32")) == [F32.encode(Fraction(v)) for v in values]
    halves = [F16.encode(Fraction(v)) for v in values]
    assert bits(FUNCTIONS["cast"](x, "f16")) == halves
    assert bits(FUNCTIONS["cast_sat"](x, "f16")) == [b - 1 if b & ~F16.sign == F16.infinity else b for b in halves]


def test_saturating_narrowing_of_what_is_not_finite() -> None:
    x = np.array([np.inf, -np.inf, np.nan], np.float32)
    assert bits(FUNCTIONS["cast_sat"](x, "f16")) == [0x7BFF, 0xFBFF, 0x7E00]
    assert bits(FUNCTIONS["cast"](x, "f16")) == [0x7C00, 0xFC00, 0x7E00]
