"""The vector unit: every operation, type and kind of operand, against Python's own numbers element by element."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest
from chips import START, Octets, inject, peek, seen
from words import program

from lpuasm.isa.core import Definition, table
from lpuasm.isa.target import load_target
from lpuasm.vm.reference import Machine

MINI = load_target("mini")
LANES, TAP = MINI.lanes, MINI.taps.vxm
WIDTH = {"i8": 8, "u8": 8, "i16": 16, "i32": 32, "f16": 16, "f32": 32}
FORMAT = {"f16": ("<e", "<H", 0x7E00, 65504.0), "f32": ("<f", "<I", 0x7FC00000, 3.4028234663852886e38)}
OPERATIONS = [d for d in table(MINI) if d.unit == "vxm"]
SPECIAL = [
    *(0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0x7E00, 0x7C00, 0xFC00, 0x7BFF, 0x3C00, 0x7F800000, 0xFF800000),
    *(0x7FC00000, 0x7F800001, 0x80000000, 0x7FFFFFFF, 0xFFFFFFFF, 0x3F800000, 0x477FF000, 0x4F000000),
]
MATH: dict[str, Callable[[float], float]] = {"exp": math.exp, "tanh": math.tanh, "rsqrt": lambda x: 1 / math.sqrt(x)}


def value(bits: int, kind: str) -> Any:
    """The number that ``bits`` are in a type."""
    bits &= (1 << WIDTH[kind]) - 1
    if kind in FORMAT:
        floating, integer, _, _ = FORMAT[kind]
        return struct.unpack(floating, struct.pack(integer, bits))[0]
    return bits - (1 << WIDTH[kind]) if kind[0] == "i" and bits >> (WIDTH[kind] - 1) else bits


def coded(number: Any, kind: str, sat: bool = False) -> int:
    """The bits of a number in a type: floats rounded once, NaN canonical; integers modulo, or saturating."""
    if kind not in FORMAT:
        low = -(1 << (WIDTH[kind] - 1)) if kind[0] == "i" else 0
        high = low + (1 << WIDTH[kind]) - 1
        return int(min(max(number, low), high) if sat else number) & ((1 << WIDTH[kind]) - 1)
    floating, integer, quiet, most = FORMAT[kind]
    number = float(number)
    if number != number:
        return quiet
    if sat and abs(number) > most:
        number = math.copysign(most, number)
    try:
        packed = struct.pack(floating, number)
    except OverflowError:
        packed = struct.pack(floating, math.copysign(most if sat else math.inf, number))
    return int(struct.unpack(integer, packed)[0])


def extended(bits: int, kind: str) -> int:
    """What a link or a latch carries of a value."""
    number = bits if kind in FORMAT else value(bits, kind)
    return number & 0xFFFFFFFF


def larger(x: Any, y: Any) -> Any:
    if x != x or y != y:
        return math.nan
    if isinstance(x, float) and x == y == 0:
        return x if math.copysign(1, x) > 0 else y
    return max(x, y)


def product(x: Any, y: Any) -> Any:
    return x * y


def whole(number: Any) -> int:
    """A float as an integer: to nearest even; beyond any type where it is infinite, 0 where it is not a number."""
    if number != number:
        return 0
    return round(number) if math.isfinite(number) else int(math.copysign(1 << 40, number))


def expected(mnemonic: str, kind: str, to: str, sat: bool, x: int, y: int) -> int:
    """The bits of the result of an operation on bits."""
    a, b, width = value(x, kind), value(y, kind), WIDTH[kind]
    most = (1 << width) - 1
    match mnemonic:
        case "add":
            return coded(a + b, kind, sat)
        case "sub":
            return coded(a - b, kind, sat)
        case "mul":
            return coded(product(a, b), kind, sat)
        case "max":
            return coded(larger(a, b), kind)
        case "min":
            return coded(-larger(-a, -b) if kind == "f32" else min(a, b), kind)
        case "and":
            return x & y & most
        case "or":
            return (x | y) & most
        case "xor":
            return (x ^ y) & most
        case "not":
            return ~x & most
        case "shl":
            return coded(a << (y & most) if (y & most) < width else 0, kind)
        case "shr":
            return coded(a >> min(y & most, width), kind)
        case "eq" | "ne" | "gt" | "ge" | "lt" | "le":
            true = {"eq": a == b, "ne": a != b, "gt": a > b, "ge": a >= b, "lt": a < b, "le": a <= b}
            return int(true[mnemonic])
        case "mask":
            return x & most if y & 255 else 0
        case "mask_bar":
            return 0 if y & 255 else x & most
        case "neg":
            return coded(-a, kind, sat)
        case "abs":
            return coded(abs(a), kind, sat)
        case "relu":
            return coded(a if a != a or a > 0 else 0, kind)
        case "identity":
            return x & most
        case "cast":
            return coded(
                whole(a) if kind in FORMAT and to not in FORMAT else a, to, sat or (kind in FORMAT and to not in FORMAT)
            )
    raise AssertionError(f"no expectation of {mnemonic}")


def to_rows(bits: list[int], kind: str) -> Octets:
    size = WIDTH[kind] // 8
    return np.array([[b >> 8 * k & 255 for b in bits] for k in range(size)], np.uint8)


def to_bits(rows: Octets) -> list[int]:
    return [sum(int(v) << 8 * k for k, v in enumerate(column)) for column in rows.T]


def some_lanes(seed: int) -> list[int]:
    """Bits of any kind: at random, small, or where types have their edges."""
    rng = np.random.default_rng(seed)
    kinds = [rng.integers(0, 1 << 32, LANES), rng.integers(0, 40, LANES), rng.choice(SPECIAL, LANES)]
    return [int(bits) for bits in np.choose(rng.integers(0, 3, LANES), kinds)]


#: Every operation in every type, and to every type.
FORMS = [
    (d, {"type": kind, **to})
    for d in OPERATIONS
    for kind in d.types
    for to in ([{"to": t} for t in d.types if t != kind] if "to" in d.operand else [{}])
]


def group(first: int, kind: str) -> str:
    size = WIDTH[kind] // 8
    return f"s{first}.e" if size == 1 else f"sg{size}.e[{first // size}]"


@pytest.mark.parametrize(
    ("definition", "form"), FORMS, ids=lambda p: getattr(p, "mnemonic", None) or ".".join(p.values())
)
def test_every_operation_with_every_kind_of_operand(definition: Definition, form: dict[str, Any]) -> None:
    for seed in range(6):
        operate(definition, form, Random(f"{definition.mnemonic} {form} {seed}"))


def operate(definition: Definition, form: dict[str, Any], random: Random) -> None:
    """One operation on operands that come some way, and what it leaves in its latch."""
    values = dict(form)
    if definition.result_type(values) in definition.saturates:
        values["sat"] = random.random() < 0.5
    kind, here = values["type"], 5  # a large ALU of row 1, which reaches the groups 2 to 5
    lines: dict[str, list[Any]] = {"vxm.alu4": [], f"vxm.alu{here}": []}
    feeds: list[tuple[str, int, Octets]] = []
    bits: dict[str, list[int]] = {"a": [0] * LANES, "b": [0] * LANES}
    kept = [0] * LANES
    sources = [name for name in ("a", "b") if name in definition.operand]
    constant = None
    for name, first in zip(sources, (8, 12), strict=False):
        own = "u8" if definition.format == "masked" and name == "b" else kind
        way = random.choice(["streams", "link", "latch", "immediate"])
        raw = some_lanes(random.getrandbits(32))
        origin = random.choice(list(WIDTH))  # what it was before
        whole_width = [extended(b & ((1 << WIDTH[origin]) - 1), origin) for b in raw]
        if way == "link" and not lines["vxm.alu4"]:
            moved: dict[str, Any] = {"type": origin, "a": group(16, origin)}
            lines["vxm.alu4"].append((START - 3, "identity", moved))
            feeds.append((moved["a"], START - 3, to_rows(raw, origin)))
            values[name], bits[name] = "vxm.alu4", whole_width
        elif way == "latch" and not any(kept):
            kept = whole_width
            moved = {"type": origin, "a": group(20, origin), "keep": 1}
            lines[f"vxm.alu{here}"].append((START - 9, "identity", moved))
            feeds.append((moved["a"], START - 9, to_rows(raw, origin)))
            values[name], bits[name] = "latch", whole_width
        elif way == "immediate" and own != "f16" and constant is None:
            constant = value(raw[0], own)
            constant = 1.5 if constant != constant else constant
            values[name], bits[name] = constant, [coded(constant, own)] * LANES
        else:
            values[name], bits[name] = group(first, own), raw
            feeds.append((values[name], START, to_rows(raw, own)))
    result = definition.result_type(values)
    values["out"] = group(20, result)
    values["keep"] = random.randint(0, len(sources) if "b" in definition.operand else 1)
    lines[f"vxm.alu{here}"].append((START, definition.mnemonic, values))
    machine = Machine(program(MINI, lines))
    for where, cycle, rows in feeds:
        inject(machine, where, TAP, cycle, rows)
    machine.run(until=START + definition.timing.func)
    out = peek(machine, values["out"], TAP + 1)
    assert out is not None
    for x, y, got in zip(bits["a"], bits["b"], to_bits(out), strict=True):
        if definition.mnemonic in MATH:
            close(definition.mnemonic, value(x, kind), value(got, kind))
        else:
            assert got == expected(definition.mnemonic, kind, result, values.get("sat", False), x, y)
    if values["keep"]:
        name = "ab"[values["keep"] - 1]
        own = "u8" if definition.format == "masked" and name == "b" else kind
        kept = [extended(b & ((1 << WIDTH[own]) - 1), own) for b in bits[name]]
    assert machine.state.latch[here].tolist() == kept


def close(mnemonic: str, x: float, got: float) -> None:
    """Transcendental results are near; their exact bits are tested with the functions."""
    try:
        right = MATH[mnemonic](x)
    except OverflowError:
        right = math.inf
    except ZeroDivisionError:
        right = math.copysign(math.inf, x)
    except ValueError:
        right = math.nan
    if math.isfinite(right) and abs(right) < 3.4e38:
        assert got == pytest.approx(right, rel=3e-7, abs=1e-44)
    elif right != right:
        assert got != got
    else:
        assert got == math.copysign(math.inf, right) or abs(got) > 3.4e38


def test_one_result_goes_to_two_places_and_on_through_links() -> None:
    """A pass of four ALUs, rows and columns as on the published slide: 4 → 6 → 7 → 2 shares groups two by two."""
    x = np.arange(LANES, dtype=np.uint8)[None]
    machine = Machine(
        program(
            MINI,
            {
                "vxm.alu4": [(START, "add", {"type": "i8", "a": "s8.e", "b": 1, "out": "s9.e", "also": "s12.w"})],
                "vxm.alu9": [(START + 3, "mul", {"type": "i8", "a": "vxm.alu4", "b": 2, "out": "s16.w"})],
                "vxm.alu6": [(START + 6, "add", {"type": "i8", "a": "vxm.alu9", "b": "s11.e", "out": "s10.e"})],
            },
        )
    )
    inject(machine, "s8.e", TAP, START, x)
    inject(machine, "s11.e", TAP, START + 6, x)
    machine.run(until=START + 4)
    for group_name in ("s9.e", "s12.w"):
        assert np.array_equal(seen(machine, group_name, TAP + 1), x + 1)
    machine.run(until=START + 7)
    assert np.array_equal(seen(machine, "s16.w", TAP + 1), (x + 1) * 2)
    machine.run(until=START + 10)
    assert np.array_equal(seen(machine, "s10.e", TAP + 1), (x + 1) * 2 + x)


def test_a_latch_is_read_before_it_is_set() -> None:
    x, y = np.full((1, LANES), 5, np.uint8), np.full((1, LANES), 3, np.uint8)
    add = {"type": "i8", "a": "s0.e", "b": "latch", "keep": 1, "out": "s1.e"}
    machine = Machine(program(MINI, {"vxm.alu0": [(START, "add", add), (START + 1, "add", add)]}))
    inject(machine, "s0.e", TAP, START, x)
    inject(machine, "s0.e", TAP, START + 1, y)
    machine.run(until=START + 4)
    assert np.array_equal(seen(machine, "s1.e", TAP + 1), x)
    machine.run(until=START + 5)
    assert np.array_equal(seen(machine, "s1.e", TAP + 1), x + y)
