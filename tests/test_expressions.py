"""Expressions against Python's own integers; operands; addresses of scalar code."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpuasm.asm import arithmetic
from lpuasm.asm.expand import expand
from lpuasm.asm.syntax import (
    Hole,
    Index,
    Latch,
    Memory,
    Number,
    Operand,
    Register,
    ScalarSection,
    Slice,
    StreamRef,
    Symbol,
    TensorRef,
    Text,
    UnitRef,
    Value,
)
from lpuasm.isa.errors import AssemblyError, Span

LOW, HIGH = -(1 << 63), (1 << 63) - 1
HEAD = ".equ two = 2\n.equ half_ = 0.5\n.temp A : i8 [8, 8] at mem.w0\n.extern n\n"


def operand(text: str) -> Operand:
    source = expand(f"{HEAD}op {text}", symbols_of=lambda target: {"LANES": 320})
    section = source.sections[0]
    assert isinstance(section, ScalarSection)
    return section.statements[0].inputs[0]


def value(text: str) -> int | float:
    found = operand(text)
    assert isinstance(found, Number), found
    return found.value


def fails(text: str) -> tuple[str, str, int, int]:
    with pytest.raises(AssemblyError) as caught:
        operand(text)
    (d,) = caught.value.diagnostics
    assert d.span is not None and d.span.line == 5
    return d.code, d.message, d.span.column - 3, d.span.end_column - 3


# C's precedence, from the loosest


LEVELS = [
    ["||"],
    ["&&"],
    ["|"],
    ["^"],
    ["&"],
    ["==", "!="],
    ["<", "<=", ">", ">="],
    ["<<", ">>"],
    ["+", "-"],
    ["*", "/", "%"],
]
LEVEL = {sign: i + 2 for i, signs in enumerate(LEVELS) for sign in signs}
UNARY, ATOM = 12, 13


class Refused(Exception):
    pass


def fit(x: int) -> int:
    if not LOW <= x <= HIGH:
        raise Refused
    return x


def quotient(a: int, b: int) -> int:
    if b == 0:
        raise Refused
    return math.floor(a / b) if abs(a) < 1000 and abs(b) < 1000 else a // b


def shift(a: int, b: int) -> int:
    if not 0 <= b < 64:
        raise Refused
    return b


BINARY: dict[str, Callable[[int, int], int]] = {
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    "&": lambda a, b: a & b,
    "==": lambda a, b: int(a == b),
    "!=": lambda a, b: int(a != b),
    "<": lambda a, b: int(a < b),
    "<=": lambda a, b: int(a <= b),
    ">": lambda a, b: int(a > b),
    ">=": lambda a, b: int(a >= b),
    "<<": lambda a, b: fit(a * 2 ** shift(a, b)),
    ">>": lambda a, b: math.floor(a // 2 ** shift(a, b)),
    "+": lambda a, b: fit(a + b),
    "-": lambda a, b: fit(a - b),
    "*": lambda a, b: fit(a * b),
    "/": lambda a, b: fit(quotient(a, b)),
    "%": lambda a, b: a - b * quotient(a, b),
}


@dataclass(frozen=True)
class Tree:
    text: str
    level: int
    value: Callable[[], int]

    def inside(self, level: int) -> str:
        return self.text if self.level >= level else f"({self.text})"


def unary(sign: str, a: Tree) -> Tree:
    def compute() -> int:
        x = a.value()
        return {"-": lambda: fit(-x), "+": lambda: x, "~": lambda: -x - 1, "!": lambda: int(x == 0)}[sign]()

    return Tree(f"{sign} {a.inside(UNARY)}", UNARY, compute)


def binary(sign: str, a: Tree, b: Tree) -> Tree:
    level = LEVEL[sign]
    text = f"{a.inside(level)} {sign} {b.inside(level + 1)}"
    if sign == "&&":
        return Tree(text, level, lambda: int(bool(a.value()) and bool(b.value())))
    if sign == "||":
        return Tree(text, level, lambda: int(bool(a.value()) or bool(b.value())))
    return Tree(text, level, lambda: BINARY[sign](a.value(), b.value()))


def choice(a: Tree, b: Tree, c: Tree) -> Tree:
    return Tree(f"{a.inside(2)} ? {b.inside(1)} : {c.inside(1)}", 1, lambda: b.value() if a.value() else c.value())


NUMBERS = st.one_of(st.integers(0, 70), st.integers(0, HIGH), st.sampled_from([HIGH, 1 << 62, 1 << 32]))
ATOMS = NUMBERS.flatmap(
    lambda n: st.sampled_from([str(n), hex(n), bin(n), oct(n)]).map(lambda t: Tree(t, ATOM, lambda: n))
)
TREES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds(unary, st.sampled_from("-+~!"), inner),
        st.builds(binary, st.sampled_from(sorted(LEVEL)), inner, inner),
        st.builds(choice, inner, inner, inner),
    ),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(TREES)
def test_expressions_are_pythons(tree: Tree) -> None:
    try:
        expected: int | None = tree.value()
    except Refused:
        expected = None
    try:
        assert value(tree.text) == expected
    except AssemblyError as e:
        assert expected is None
        assert e.code in ("LPU0203", "LPU0204", "LPU0205")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 + 3 * 4 - 1", 13), ("1 << 2 + 1", 8), ("7 & 3 == 3", 1), ("10 - 4 - 3", 3), ("-7 / 2", -4), ("-7 % 16", 9),
        ("7 % -4", -1), ("-1 >> 63", -1), ("1 ? 2 : 3 ? 4 : 5", 2), ("0 && 1 / 0", 0), ("1 || 1 / 0", 1),
        ("-9223372036854775808", LOW), ("two * LANES", 640), ("min(3, 1, 2) + max(4) + abs(-2)", 7),
        ("ceil_div(7, 2)", 4), ("ceil_div(-7, 2)", -3), ("log2ceil(1) + log2ceil(5)", 3), ("1_000 + 0xff", 1255),
        ("half_ + 1", 1.5), ("1.0 / 4", 0.25), ("1e3", 1000.0), ("-inf", -math.inf), ("3 > 2.5", 1), ("!0.0", 1),
    ],
)  # fmt: skip
def test_known_values(text: str, expected: float) -> None:
    assert value(text) == expected


def test_nan() -> None:
    assert math.isnan(value("nan"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 / (2 - 2)", ("LPU0204", "division by zero", 1, 11)),
        ("5 % 0", ("LPU0204", "division by zero", 1, 6)),
        ("1 + (1 << 64)", ("LPU0205", "cannot shift by 64 bits", 6, 13)),
        ("1 << -1", ("LPU0205", "cannot shift by -1 bits", 1, 8)),
        ("0x7fff_ffff_ffff_ffff + 1", ("LPU0203", "9223372036854775808 does not fit 64 bits", 1, 26)),
        ("0xffff_ffff_ffff_ffff", ("LPU0203", "18446744073709551615 does not fit 64 bits", 1, 22)),
        ("two + twoo", ("LPU0201", "`twoo` is not defined", 7, 11)),
        ("1.5 & 1", ("LPU0206", "`&` is for integers, and 1.5 is a fraction", 1, 8)),
        ("A + 1", ("LPU0206", "a number is needed here, and `A` is a tensor", 1, 2)),
        ("n + 1", ("LPU0212", "extern dimension `n` has no value", 1, 2)),
        ("s5.e + 1", ("LPU0206", "a number is needed here, not `s5.e`", 1, 5)),
        ("? + 1", ("LPU0216", "a hole `?` cannot stand for a number here", 1, 2)),
        ("mim(1)", ("LPU0207", "there is no function `mim`", 1, 4)),
        ("abs()", ("LPU0207", "abs takes 1 argument, not 0", 1, 6)),
        ("ceil_div(1)", ("LPU0207", "ceil_div takes 2 arguments, not 1", 1, 12)),
        ("log2ceil(0)", ("LPU0207", "log2ceil needs a number from 1, not 0", 1, 12)),
        ("B[1]", ("LPU0201", "`B` is no tensor declared before this line", 1, 2)),
        ("s5.x", ("LPU0215", "`s5.x`: a stream goes `.e` (east) or `.w` (west)", 1, 5)),
        ("s5.e[0]", ("LPU0215", "`s5.e` is one stream and has no parts", 1, 8)),
        ("sg4.e", ("LPU0215", "`sg4.e` is a size of groups; which group?", 1, 6)),
        ("mem.w3[0..3]", ("LPU0215", "`mem.w3` is one unit, not a range", 1, 13)),
        ("A[0..3]", ("LPU0215", "a part of a tensor is written with `:`", 3, 7)),
        ("A[1.5]", ("LPU0206", "an integer is needed here, and this is 1.5", 3, 6)),
        ("%%x", ("LPU0201", "`%%x` is a label of a macro, and this is none", 1, 4)),
        ("x_{0-1}", ("LPU0220", "-1 cannot be part of a name", 4, 7)),
    ],
)
def test_errors(text: str, expected: tuple[str, str, int, int]) -> None:
    assert fails(text) == expected


def at(column: int, end: int) -> Span:
    return Span("<text>", 5, column + 3, 5, end + 3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s16.e", StreamRef(1, "e", 16, at(1, 6))),
        ("sg4.w[two]", StreamRef(4, "w", 2, at(1, 11))),
        ("s{two + 1}.w", StreamRef(1, "w", 3, at(1, 13))),
        ("mem.w17", UnitRef("mem.w17", None, None, at(1, 8))),
        ("mem.w{8 * two}", UnitRef("mem.w16", None, None, at(1, 15))),
        ("mem.e[28..40 + 3]", UnitRef("mem.e", (28, 43), None, at(1, 18))),
        ("mem.e[3]", UnitRef("mem.e", (3, 3), None, at(1, 9))),
        ("mem.w17[0x40]", UnitRef("mem.w17", None, 64, at(1, 14))),
        ("mem.e[0..3][7]", UnitRef("mem.e", (0, 3), 7, at(1, 15))),
        ("sxm.e.transpose0", UnitRef("sxm.e.transpose0", None, None, at(1, 17))),
        ("c2c.3", UnitRef("c2c.3", None, None, at(1, 6))),
        ("A", TensorRef("A", None, at(1, 2))),
        ("A[two]", TensorRef("A", (Index(2, at(3, 6)),), at(1, 7))),
        (
            "A[two:two+4, :]",
            TensorRef("A", (Slice(2, 6, None, None, at(3, 12)), Slice(None, None, None, None, at(14, 15))), at(1, 16)),
        ),
        ("A[two : +4 : 2]", TensorRef("A", (Slice(2, None, 4, 2, at(3, 15)),), at(1, 16))),
        ("A[::2]", TensorRef("A", (Slice(None, None, None, 2, at(3, 6)),), at(1, 7))),
        ("r31", Register(31, at(1, 4))),
        ("r32", Symbol("r32", at(1, 4))),
        ("%d", Value("d", at(1, 3))),
        ("latch", Latch(at(1, 6))),
        ("?", Hole(at(1, 2))),
        ("alu4", Symbol("alu4", at(1, 5))),
        ('"x y"', Text("x y", at(1, 6))),
        ("n", Symbol("n", at(1, 2))),
        ("two ? s1.e : s2.e", StreamRef(1, "e", 1, at(7, 11))),
    ],
)
def test_operands(text: str, expected: Operand) -> None:
    assert operand(text) == expected


def memory(text: str) -> tuple[str | None, list[tuple[int, tuple[int, ...], tuple[str, ...]]]]:
    found = operand(text)
    assert isinstance(found, Memory)
    return found.base, [(t.coefficient, t.registers, t.names) for t in found.terms]


@pytest.mark.parametrize(
    ("text", "base", "terms"),
    [
        ("[n]", "n", []),
        ("[A + r4 * m + r7]", "A", [(1, (4,), ("m",)), (1, (7,), ())]),
        ("[r7 + A]", "A", [(1, (7,), ())]),
        ("[A + (r1 + two) * (k - 1)]", "A", [(1, (1,), ("k",)), (-1, (1,), ()), (2, (), ("k",)), (-2, (), ())]),
        ("[r1 + r1 + 3 - 4]", None, [(2, (1,), ()), (-1, (), ())]),
        ("[A - r2 + r2]", "A", []),
        ("[2 * k]", None, [(2, (), ("k",))]),
        ("[A + r1 * (6 / 2)]", "A", [(3, (1,), ())]),
    ],
)
def test_addresses(text: str, base: str | None, terms: list[tuple[int, tuple[int, ...], tuple[str, ...]]]) -> None:
    assert memory(text) == (base, terms)


def test_an_address_cannot_explode() -> None:
    assert fails("[" + " * ".join(["(a + b)"] * 40) + "]")[0] == "LPU0107"
    assert fails("[A + s5.e]")[:2] == ("LPU0206", "an address is made of registers, integers, tensors and dimensions")
    assert fails("[r1 * 0x4000_0000_0000_0000 * 4]")[0] == "LPU0203"
    assert fails("[r1 / 2]")[0] == "LPU0206"


@given(st.integers(), st.integers(), st.sampled_from(sorted(LEVEL)))
def test_arithmetic_stays_in_64_bits_or_says_so(a: int, b: int, sign: str) -> None:
    if sign in ("&&", "||") or not (LOW <= a <= HIGH and LOW <= b <= HIGH):
        return
    try:
        assert LOW <= arithmetic.binary(sign, a, b) <= HIGH
    except arithmetic.Arithmetic as e:
        assert e.code in ("LPU0203", "LPU0204", "LPU0205")
