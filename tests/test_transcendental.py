"""exp, tanh and rsqrt against Python's decimals."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from decimal import Context, Decimal, localcontext

import numpy as np
import pytest
from numpy.typing import NDArray

from lpuasm.isa.numeric import FUNCTIONS, MAX_ULP

F32 = NDArray[np.float32]
DIGITS = Context(prec=50, Emin=-9999, Emax=9999)


def tanh(x: Decimal) -> Decimal:
    if abs(x) < Decimal("1e-9"):
        return x - x**3 / 3
    power = (2 * x).exp()
    return (power - 1) / (power + 1)


ORACLE: dict[str, Callable[[Decimal], Decimal]] = {
    "exp": Decimal.exp,
    "tanh": tanh,
    "rsqrt": lambda x: 1 / x.sqrt(),
}
# Beyond these the result is a limit, tested by name.
DOMAIN = {"exp": (-103.97, 88.72), "tanh": (-10.0, 10.0), "rsqrt": (1e-45, math.inf)}


def largest_error(name: str, x: F32) -> float:
    """In units of the last place of the true value, subnormals included."""
    low, high = DOMAIN[name]
    x = np.unique(x[(x >= low) & (x <= high) & np.isfinite(x) & (x != 0)])
    got = FUNCTIONS[name](x)
    worst = Decimal(0)
    with localcontext(DIGITS):
        for value, result in zip(x.tolist(), got.tolist(), strict=True):
            true = ORACLE[name](Decimal(value))
            ulp = math.ldexp(1.0, max(math.frexp(float(true))[1], -125) - 24)
            worst = max(worst, abs(Decimal(result) - true) / Decimal(ulp))
    return float(worst)


@pytest.mark.parametrize("name", ORACLE)
def test_error_over_every_f16(name: str) -> None:
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    with np.errstate(all="ignore"):
        assert largest_error(name, every.astype(np.float32)) <= MAX_ULP[name]


@pytest.mark.parametrize("name", ORACLE)
def test_error_over_f32(name: str) -> None:
    random = np.random.default_rng(1)
    low, high = max(DOMAIN[name][0], -1e3), min(DOMAIN[name][1], 1e3)
    anywhere = random.integers(0, 1 << 32, 10_000, np.uint32).view(np.float32)
    evenly = random.uniform(low, high, 10_000).astype(np.float32)
    # Farthest from the entries of the tables, where the polynomials are at their worst.
    between = ((np.arange(-2000, 2000) + 0.5) / (256 if name == "tanh" else 2048 / math.log(2))).astype(np.float32)
    assert largest_error(name, np.concatenate([anywhere, evenly, between])) <= MAX_ULP[name]


@pytest.mark.parametrize("name", ORACLE)
def test_values_near_a_tie_round_correctly(name: str) -> None:
    """Between 4e-5 and 4e-4 units from a tie: the C library finds them, decimals judge."""
    guide: dict[str, Callable[[float], float]] = {"exp": math.exp, "tanh": math.tanh, "rsqrt": lambda v: v**-0.5}
    x = np.random.default_rng(2).uniform(0.01, 8, 300_000).astype(np.float32)
    ulps = np.array([math.frexp(guide[name](v))[0] for v in x.tolist()]) * 2.0**24
    distance = np.abs(ulps % 1.0 - 0.5)
    near = x[(distance > 4e-5) & (distance < 4e-4)]
    assert len(near) > 100
    assert largest_error(name, near) < 0.5


@pytest.mark.parametrize(
    ("name", "x", "result"),
    [
        ("exp", 0.0, 1.0),
        ("exp", -0.0, 1.0),
        ("exp", math.inf, math.inf),
        ("exp", -math.inf, 0.0),
        ("exp", 88.72283, float.fromhex("0x1.ffff08p+127")),
        ("exp", 88.72284, math.inf),
        ("exp", 3e38, math.inf),
        ("exp", -103.97207, 2.0**-149),
        ("exp", -103.97209, 0.0),
        ("exp", -3e38, 0.0),
        ("exp", 2.0**-149, 1.0),
        ("tanh", 0.0, 0.0),
        ("tanh", -0.0, -0.0),
        ("tanh", math.inf, 1.0),
        ("tanh", -math.inf, -1.0),
        ("tanh", 2.0**-149, 2.0**-149),
        ("tanh", -(2.0**-149), -(2.0**-149)),
        ("tanh", 9.02, 1.0),
        ("tanh", 9.0, float.fromhex("0x1.fffffep-1")),
        ("rsqrt", 0.0, math.inf),
        ("rsqrt", -0.0, -math.inf),
        ("rsqrt", math.inf, 0.0),
        ("rsqrt", 2.0**-148, 2.0**74),
        ("rsqrt", 4.0, 0.5),
    ],
)
def test_special_values(name: str, x: float, result: float) -> None:
    got = float(FUNCTIONS[name](np.array([x], np.float32))[0])
    assert struct.pack("<f", got) == struct.pack("<f", result), f"{got.hex()} for {result.hex()}"


@pytest.mark.parametrize(
    ("name", "x"), [("exp", math.nan), ("tanh", math.nan), *(("rsqrt", v) for v in (math.nan, -1.0, -math.inf))]
)
def test_a_nan_is_the_canonical_one(name: str, x: float) -> None:
    operand = np.array([1.0, x, 1.0], np.float32)
    bits = operand.view(np.uint32)
    bits[1] |= 0x8000_0123 if math.isnan(x) else 0
    assert FUNCTIONS[name](operand).view(np.uint32)[1] == 0x7FC00000


def test_an_array_of_any_shape_and_order() -> None:
    x = np.linspace(-3, 3, 30_000, dtype=np.float32).reshape(100, 300)
    for name in ORACLE:
        flat = FUNCTIONS[name](x.reshape(-1))
        assert np.array_equal(FUNCTIONS[name](x), flat.reshape(x.shape), equal_nan=True)
        assert np.array_equal(FUNCTIONS[name](x[:, ::3].T), flat.reshape(x.shape)[:, ::3].T, equal_nan=True)
        assert FUNCTIONS[name](x[:0]).shape == (0, 300)
        with pytest.raises(TypeError):
            FUNCTIONS[name](x.astype(np.float64))
