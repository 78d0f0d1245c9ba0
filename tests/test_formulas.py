"""Constants by formula: every element against the same expression written out for it, and what is said of errors."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from lpuasm.asm import formulas
from lpuasm.asm.build import assemble
from lpuasm.asm.disasm import disassemble
from lpuasm.isa.errors import AssemblyError
from lpuasm.isa.objectfile import to_bytes

DIMS = (3, 5)
SLICES = {"i8": "mem.w0", "u8": "mem.w0", "i16": "mem.w[0..1]", "f16": "mem.w[0..1]"}
NUMPY = {"i8": "<i1", "u8": "<u1", "i16": "<i2", "i32": "<i4", "f16": "<f2", "f32": "<f4"}
HEAD = ".target mini\n.param N = 7\n.equ half_ = 0.5\n"

NUMBERS = ["0", "1", "2", "-1", "7", "63", "64", "1 << 62", "-1 << 63", "0.5", "-0.0", "1e300", "inf", "nan", "N"]
ATOMS = st.sampled_from(["i", "j", "i", "j", *NUMBERS, "half_", "LANES"])
BINARY = ["||", "&&", "|", "^", "&", "==", "!=", "<", "<=", ">", ">=", "<<", ">>", "+", "-", "*", "/", "%"]


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({}) {} ({})".format, inner, st.sampled_from(BINARY), inner),
        st.builds("{}({})".format, st.sampled_from("-+~!"), inner),
        st.builds("(({}) ? ({}) : ({}))".format, inner, inner, inner),
        st.builds("{}({}, {})".format, st.sampled_from(["min", "max", "ceil_div"]), inner, inner),
        st.builds("{}({})".format, st.sampled_from(["abs", "log2ceil"]), inner),
    )


EXPRESSIONS = st.recursive(ATOMS, larger, max_leaves=8)


def constant(values: str, dims: tuple[int, ...] = DIMS, dtype: str = "i32", head: str = HEAD) -> bytes:
    place = SLICES.get(dtype, "mem.w[0..3]")
    (tensor,) = assemble(f"{head}.const K : {dtype} {list(dims)} at {place} = {values}\n").tensors
    return tensor.data


def outcome(values: str, dims: tuple[int, ...], dtype: str) -> bytes | str:
    try:
        data = constant(values, dims, dtype)
    except AssemblyError as e:
        return e.diagnostics[0].code
    floats = np.frombuffer(data, NUMPY[dtype])
    return data if dtype[0] != "f" else np.where(np.isnan(floats), np.nan, floats).astype(NUMPY[dtype]).tobytes()


def written_out(expression: str) -> list[str]:
    """The expression of each element, the indices replaced by their numbers."""
    return [re.sub(r"\bj\b", str(j), re.sub(r"\bi\b", str(i), expression)) for i, j in np.ndindex(*DIMS)]


@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS, st.sampled_from(sorted(NUMPY)))
@example("i ? 1 : 0.5", "f16")
@example("(i ? 3 : 2.0) / 2", "f32")
@example("(1 << 53) + 1 == 9007199254740992.0 * 1", "i8")
@example("max(i, nan, j)", "f32")
@example("j && 7 / j", "i8")
@example("j == 0 || 7 % j", "i8")
@example("i * 65504.0", "f16")
def test_an_element_is_the_expression_at_its_place(expression: str, dtype: str) -> None:
    assume(len(expression) < 400)
    values = written_out(expression)
    meant = outcome(", ".join(values), (len(values),), dtype)
    if isinstance(meant, str):  # the first element of which something is said
        meant = next(code for v in values if isinstance(code := outcome(v, (1,), dtype), str))
    assert outcome(f"for i, j: {expression}", DIMS, dtype) == meant


@pytest.mark.parametrize(
    ("formula", "dtype", "meant"),
    [
        ("i == j", "i8", lambda i, j: i == j),
        ("j <= i ? 0 : -inf", "f16", lambda i, j: np.where(j <= i, 0, -np.inf)),
        ("j % 16 == 0 ? 255 : 0", "u8", lambda i, j: np.where(j % 16 == 0, 255, 0)),
        ("-(i / 16) * 3 + (j ^ 1)", "i16", lambda i, j: -(i // 16) * 3 + (j ^ 1)),
        ("i < N && (j >= N || j & 1) ? 1.5 : j / 4.0", "f32",
         lambda i, j: np.where((i < 7) & ((j >= 7) | (j % 2 == 1)), 1.5, j / 4)),
        ("(i << 3 | j >> 2) + max(i, j, 5) - abs(i - j)", "i32",
         lambda i, j: (i << 3 | j >> 2) + np.maximum(np.maximum(i, j), 5) - abs(i - j)),
        ("log2ceil(i + 1) + ceil_div(j, 3)", "i32",
         lambda i, j: np.ceil(np.log2(i + 1)) + -(-j // 3)),
    ],
)  # fmt: skip
def test_large_constants_are_not_made_one_by_one(
    monkeypatch: pytest.MonkeyPatch, formula: str, dtype: str, meant: object
) -> None:
    assert callable(meant)
    monkeypatch.setattr(formulas.Formula, "_one_by_one", None)
    monkeypatch.setattr(formulas, "CHUNK", 1000)
    i, j = np.indices((200, 30))
    found = np.frombuffer(constant(f"for i, j: {formula}", (200, 30), dtype), NUMPY[dtype])
    assert np.array_equal(found.reshape(200, 30), meant(i, j).astype(NUMPY[dtype]))


def test_shapes_of_one_and_of_no_elements() -> None:
    assert constant("for i: i - 2", (4,), "i8") == bytes([254, 255, 0, 1])
    assert constant("for a, b, c: a + b + c", (1, 1, 1), "i8") == b"\0"
    assert constant("for a, b: 1 / a", (0, 4)) == b""


def test_names_are_those_of_the_line() -> None:
    head = ".target mini\n.macro constant value\n.equ plus = 1\n"
    use = ".endm\nconstant 40\n.equ value = 3\n"
    (tensor,) = assemble(f"{head}.const K : i8 [2] at mem.w0 = for i: value + plus + i\n{use}").tensors
    assert tensor.data == bytes([41, 42])
    turns = ".target mini\n.for n in 0..2\n.const K{n} : i8 [2] at mem.w0 = for n, : 1\n.endfor\n"
    with pytest.raises(AssemblyError):
        assemble(turns)
    (first, second) = assemble(turns.replace("for n, :", "for i:").replace(": 1\n", ": n + K{i}0\n").replace(
        ".for", ".equ K00 = 10\n.equ K10 = 20\n.for", 1)).tensors  # fmt: skip
    assert (first.data, second.data) == (bytes([10, 20]), bytes([11, 21]))


def test_an_index_hides_another_name_within_the_formula_alone() -> None:
    text = ".target mini\n.equ i = 9\n.const K : i8 [2] at mem.w0 = for i: i\n.const L : i8 [1] at mem.w0 = i\n"
    first, second = assemble(text).tensors
    assert (first.data, second.data) == (bytes([0, 1]), bytes([9]))


@pytest.mark.parametrize(
    ("values", "code", "said", "columns"),
    [
        ("for i, j: 200 * j", "LPU0508", "K[0, 2]: 400 is not in -128 … 255", (10, 17)),
        ("for i, j: i + 3 / (2 - j)", "LPU0204", "K[0, 2]: division by zero", (14, 24)),
        ("for i, j: i == 2 ? 0.5 : 0", "LPU0508", "K[2, 0]: 0.5 is not a whole number", (10, 26)),
        ("for i, j: 1 << 62 + i > 0", "LPU0203", "K[1, 0]: 9223372036854775808 does not fit", (10, 21)),
        ("for i, j: i + k", "LPU0201", "K[0, 0]: `k` is not defined", (14, 15)),
        ("for i: i", "LPU0508", "1 index is named, and the tensor has 2 dimensions", (4, 5)),
        ("for i, i: i", "LPU0202", "the index `i` is named twice", (7, 8)),
        ("for i, j i", "LPU0101", "expected `,` or `:`, found `i`", (9, 10)),
        ("for i, j: i, j", "LPU0101", "expected the end of the line, found `,`", (11, 12)),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_formula(values: str, code: str, said: str, columns: tuple[int, int]) -> None:
    with pytest.raises(AssemblyError) as caught:
        constant(values, dtype="i8")
    (d,) = caught.value.diagnostics
    begin = len(".const K : i8 [3, 5] at mem.w0 = ") + 1
    assert d.code == code and said in d.message and d.span is not None
    assert (d.span.column - begin, d.span.end_column - begin) == columns


def test_only_constants_have_a_formula() -> None:
    with pytest.raises(AssemblyError) as caught:
        assemble(".target mini\n.input A : i8 [2] at mem.w0 = for i: i\n")
    assert caught.value.code == "LPU0508"


def test_a_listing_keeps_the_data_of_a_formula() -> None:
    program = assemble(f"{HEAD}.const K : f16 [3, 5] at mem.w[0..1] = for i, j: i < j ? -inf : i / 3.0\n")
    assert to_bytes(assemble(disassemble(program))) == to_bytes(program)


def test_scalar_code_has_constants_by_formula_too() -> None:
    (tensor,) = assemble(".const T : i32 [4] = for i: i * i\nld r0, [T]\n").tensors
    assert tensor.data == np.array([0, 1, 4, 9], "<i4").tobytes()
