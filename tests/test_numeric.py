"""Lane arithmetic against Python's integers and fractions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpuasm.isa.numeric import DTYPES, FUNCTIONS

Range = tuple[int, int]


def limits(name: str) -> Range:
    info = np.iinfo(DTYPES[name])
    return int(info.min), int(info.max)


def wrap(value: int, span: Range) -> int:
    return (value - span[0]) % (span[1] - span[0] + 1) + span[0]


def clip(value: int, span: Range) -> int:
    return max(span[0], min(span[1], value))


def count(value: int, span: Range) -> int:
    return value % (span[1] - span[0] + 1)


def width(span: Range) -> int:
    return (span[1] - span[0]).bit_length()


BINARY: dict[str, Callable[[int, int, Range], int]] = {
    "add": lambda a, b, s: wrap(a + b, s),
    "sub": lambda a, b, s: wrap(a - b, s),
    "mul": lambda a, b, s: wrap(a * b, s),
    "add_sat": lambda a, b, s: clip(a + b, s),
    "sub_sat": lambda a, b, s: clip(a - b, s),
    "mul_sat": lambda a, b, s: clip(a * b, s),
    "maximum": lambda a, b, s: max(a, b),
    "minimum": lambda a, b, s: min(a, b),
    "band": lambda a, b, s: a & b,
    "bor": lambda a, b, s: a | b,
    "bxor": lambda a, b, s: a ^ b,
    "shl": lambda a, b, s: wrap(a << count(b, s), s) if count(b, s) < width(s) else 0,
    "shr": lambda a, b, s: a >> min(count(b, s), width(s)),
    "eq": lambda a, b, s: a == b,
    "ne": lambda a, b, s: a != b,
    "gt": lambda a, b, s: a > b,
    "ge": lambda a, b, s: a >= b,
    "lt": lambda a, b, s: a < b,
    "le": lambda a, b, s: a <= b,
    "mask": lambda a, b, s: a if b & 255 else 0,
    "mask_bar": lambda a, b, s: 0 if b & 255 else a,
}
UNARY: dict[str, Callable[[int, Range], int]] = {
    "neg": lambda a, s: wrap(-a, s),
    "neg_sat": lambda a, s: clip(-a, s),
    "abs": lambda a, s: wrap(abs(a), s),
    "abs_sat": lambda a, s: clip(abs(a), s),
    "relu": lambda a, s: max(a, 0),
    "bnot": lambda a, s: wrap(~a, s),
    "identity": lambda a, s: a,
}
COMPARES = {"eq", "ne", "gt", "ge", "lt", "le"}


def edges(span: Range) -> st.SearchStrategy[int]:
    near = [v for c in (*span, 0, 32, 256, -256) for v in range(c - 2, c + 3) if span[0] <= v <= span[1]]
    return st.integers(*span) | st.sampled_from(near)


@pytest.mark.parametrize("name", ["i8", "u8"])
@pytest.mark.parametrize("function", BINARY)
def test_every_pair_of_bytes(function: str, name: str) -> None:
    low, high = span = limits(name)
    values = np.arange(low, high + 1).astype(DTYPES[name])
    got = FUNCTIONS[function](values[:, None], values)
    oracle = BINARY[function]
    expected = [[oracle(a, b, span) for b in range(low, high + 1)] for a in range(low, high + 1)]
    assert got.dtype == (np.uint8 if function in COMPARES else DTYPES[name])
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("name", ["i8", "u8", "i16"])
@pytest.mark.parametrize("function", UNARY)
def test_every_short_integer(function: str, name: str) -> None:
    low, high = span = limits(name)
    got = FUNCTIONS[function](np.arange(low, high + 1).astype(DTYPES[name]))
    assert got.dtype == DTYPES[name]
    assert got.tolist() == [UNARY[function](v, span) for v in range(low, high + 1)]


@pytest.mark.parametrize("name", ["i16", "i32"])
@given(data=st.data())
def test_wide_integers(name: str, data: st.DataObject) -> None:
    span = limits(name)
    pairs = data.draw(st.lists(st.tuples(edges(span), edges(span)), min_size=1, max_size=8))
    a, b = (np.array(v, DTYPES[name]) for v in zip(*pairs, strict=True))
    for function, oracle in BINARY.items():
        assert FUNCTIONS[function](a, b).tolist() == [oracle(x, y, span) for x, y in pairs], function
    for function, unary in UNARY.items():
        assert FUNCTIONS[function](a).tolist() == [unary(x, span) for x, _ in pairs], function


def test_one_value_serves_a_whole_vector_and_a_scalar_stays_one() -> None:
    for name in ("u8", "i8", "i32"):
        dtype, span = DTYPES[name], limits(name)
        for function, oracle in BINARY.items():
            pair = FUNCTIONS[function](np.array([1, 120], dtype), np.array(100, dtype))
            assert pair.tolist() == [oracle(v, 100, span) for v in (1, 120)]
            alone = FUNCTIONS[function](np.array(120, dtype), np.array(100, dtype))
            assert isinstance(alone, np.ndarray) and alone.shape == ()
            assert alone == pair[1] and alone.dtype == pair.dtype
        for function, unary in UNARY.items():
            alone = FUNCTIONS[function](np.array(span[0], dtype))
            assert isinstance(alone, np.ndarray) and alone.shape == () and alone.dtype == dtype
            assert alone == unary(span[0], span)
        for target in DTYPES:
            for function in ("cast", "cast_sat"):
                alone = FUNCTIONS[function](np.array(7, dtype), target)
                assert alone.shape == () and alone.dtype == DTYPES[target] and alone == 7
    for function in ("maximum", "minimum", "add", "relu", "neg", "exp", "tanh", "rsqrt"):
        value = np.array(0.5, np.float32)
        got = FUNCTIONS[function](value, value) if function in BINARY else FUNCTIONS[function](value)
        assert isinstance(got, np.ndarray) and got.shape == ()


def test_operands_are_of_one_type() -> None:
    with pytest.raises(TypeError):
        FUNCTIONS["add"](np.zeros(1, np.int8), np.zeros(1, np.int32))
    with pytest.raises(TypeError):
        FUNCTIONS["shr"](np.zeros(1, np.float32), np.zeros(1, np.float32))
