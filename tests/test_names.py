"""Names that stand for more than a number: types, places, lists of operands, parts of tensors; and functions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lpuasm
from lpuasm.asm import calls
from lpuasm.asm.expand import expand
from lpuasm.asm.render import render
from lpuasm.asm.syntax import Flow, Number, QueueSection, Source, StreamRef, TensorRef
from lpuasm.isa.errors import AssemblyError, Diagnostic

TARGET = {"LANES": 320}


def expanded(text: str) -> Source:
    return expand(text, symbols_of=lambda target: TARGET)


def values(text: str) -> list[int | float]:
    """The first operands of the words of the one queue."""
    (section,) = expanded(text).sections
    assert isinstance(section, QueueSection)
    found = [word.inputs[0] for word in section.words]
    return [operand.value for operand in found if isinstance(operand, Number)]


def wrong(text: str) -> list[Diagnostic]:
    with pytest.raises(AssemblyError) as caught:
        expanded(text)
    return list(caught.value.diagnostics)


def only(text: str) -> tuple[str, int]:
    (diagnostic,) = wrong(text)
    assert diagnostic.span is not None
    return diagnostic.code, diagnostic.span.line


# Lists


def test_a_list_is_one_argument_and_several_operands() -> None:
    text = """
.macro both ways, from
    read from -> ways
    read from -> ways[1]
    sub ways, ways[0] -> ways
.endm
.queue mem.w0
    both s1.e s2.e, 4
    both from = 5, ways = (s3.w, s4.w)
"""
    (section,) = expanded(text).sections
    assert isinstance(section, QueueSection)
    shown = [([_stream(o) for o in w.inputs], [_stream(o) for o in w.outputs]) for w in section.words]
    assert shown == [
        (["4"], ["s1.e", "s2.e"]), (["4"], ["s2.e"]), (["s1.e", "s2.e", "s1.e"], ["s1.e", "s2.e"]),
        (["5"], ["s3.w", "s4.w"]), (["5"], ["s4.w"]), (["s3.w", "s4.w", "s3.w"], ["s3.w", "s4.w"]),
    ]  # fmt: skip


def _stream(operand: object) -> str:
    if isinstance(operand, StreamRef):
        return f"s{operand.first}.{operand.direction}"
    assert isinstance(operand, Number)
    return str(operand.value)


@given(st.lists(st.lists(st.integers(0, 99), min_size=2, max_size=4), min_size=2, max_size=5))
def test_lists_within_lists_are_joined(groups: list[list[int]]) -> None:
    flat = [n for group in groups for n in group]
    items = ", ".join(f"({', '.join(map(str, group))})" for group in groups)
    each = f".macro each list\n.for i in 0..{len(flat)}\nnop list[i]\n.endfor\n.endm\n"
    text = f"{each}.queue mem.w0\neach ({items})\n"
    assert values(text) == flat


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("nop (1, 2)[2]", "LPU0221"),
        ("nop (1, 2)[-1]", "LPU0221"),
        ("nop (1, 2)[0:1]", "LPU0215"),
        ("nop 1 + (1, 2)", "LPU0206"),
        ("nop (1, s5.e)[1] + 1", "LPU0206"),
        ("nop 4 repeat 2 @(alu1, alu2)", "LPU0221"),
        ("nop_{(1, 2)} 4", "LPU0206"),
    ],
)
def test_lists_in_other_places(line: str, code: str) -> None:
    assert only(f".queue mem.w0\n{line}\n") == (code, 2)


def test_a_list_does_not_grow_without_end() -> None:
    text = ".macro twice l\ntwice (l, l)\n.endm\n.queue mem.w0\ntwice (1, 2)\n"
    assert only(text) == ("LPU0221", 2)


# Types and places


def test_types_and_places_are_arguments() -> None:
    text = """
.param WIDE = 1
.equ KIND = WIDE ? f32 : f16
.equ EAST = mem.e[0..3]
.macro two name, kind, places
    .input {name} : kind [4, LANES] at places
    .temp  {name}_copy : kind [4, LANES] at EAST, places[1] bank 1
.endm
two A, KIND, mem.w[0..3] mem.w[8..11]
two B, i32, (mem.e[8..11], EAST)
"""
    shown = {t.name: (t.dtype, [(p.name, p.range) for p in t.placement]) for t in expanded(text).tensors}
    assert shown == {
        "A": ("f32", [("mem.w", (0, 3)), ("mem.w", (8, 11))]),
        "A_copy": ("f32", [("mem.e", (0, 3)), ("mem.w", (8, 11))]),
        "B": ("i32", [("mem.e", (8, 11)), ("mem.e", (0, 3))]),
        "B_copy": ("i32", [("mem.e", (0, 3)), ("mem.e", (0, 3))]),
    }


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (".temp A : N [4] at mem.w0", "LPU0206"),
        (".temp A : KIND [4] at N", "LPU0215"),
        (".temp A : KIND [4] at (mem.w0, s5.e)", "LPU0215"),
        (".temp A : f(1) [4] at mem.w0", "LPU0101"),
        (".equ K = KINDD", "LPU0201"),
        (".temp A : KIND [4] at mem.w0 bnak 0", "LPU0101"),
    ],
)
def test_wrong_types_and_places(line: str, code: str) -> None:
    assert only(f".equ N = 4\n.equ KIND = i8\n{line}\n") == (code, 3)


# Parts of tensors

AXES = (12, 8, 640)


@st.composite
def subscripts(draw: st.DrawFn, sizes: tuple[int, ...]) -> list[slice | int]:
    found: list[slice | int] = []
    for size in sizes[:-1]:
        if draw(st.integers(0, 3)) == 0:
            found.append(draw(st.integers(-size, size - 1)))
            continue
        start = draw(st.integers(0, size - 1))
        stop = draw(st.integers(start + 1, size))
        found.append(slice(draw(st.sampled_from([start, start - size])), stop, draw(st.sampled_from([None, 1, 2, 3]))))
    return [*found, draw(st.sampled_from([slice(None), slice(0, sizes[-1])]))]


def _written(items: list[slice | int]) -> str:
    def one(item: slice | int) -> str:
        if isinstance(item, int):
            return str(item)
        parts = ["" if item.start is None else str(item.start), "" if item.stop is None else str(item.stop)]
        return ":".join(parts if item.step is None else [*parts, str(item.step)])

    return ", ".join(map(one, items))


@given(st.data())
def test_a_part_of_a_part_is_what_numpy_says(data: st.DataObject) -> None:
    outer = data.draw(subscripts(AXES))
    whole = np.arange(np.prod(AXES)).reshape(AXES)
    part = whole[tuple(outer)]
    inner = data.draw(subscripts(part.shape))
    text = f"""
.temp A : i8 {list(AXES)} at mem.w0
.macro take rows
    read rows[{_written(inner)}] -> s0.e
.endm
flow f:
    take A[{_written(outer)}]
"""
    (section,) = expanded(text).sections
    assert isinstance(section, Flow)
    found = section.statements[0].inputs[0]
    assert isinstance(found, TensorRef) and found.subscripts is not None
    taken = whole
    for axis, subscript in reversed(list(enumerate(found.subscripts))):
        index = np.index_exp[:] * axis
        if hasattr(subscript, "value"):
            taken = taken[(*index, subscript.value)]
        else:
            taken = taken[(*index, slice(subscript.start, subscript.stop, subscript.step))]
    assert np.array_equal(taken, part[tuple(inner)])


@pytest.mark.parametrize("inner", ["4, :", "0:5, :", "-5, :", "0:4:0, :", "3:2, :", "0, 0, :"])
def test_a_part_holds_no_more_than_it_has(inner: str) -> None:
    text = ".temp A : i8 [8, 3, 320] at mem.w0\n.macro m r\nread r[{}] -> s0.e\n.endm\nflow f:\nm A[2:6, 1, :]\n"
    assert only(text.format(inner)) == ("LPU0215", 3)


# Functions


@given(st.integers(0, 400), st.integers(1, 60))
def test_functions_are_expressions(a: int, b: int) -> None:
    text = f"""
.def gcd(a, b) = b == 0 ? a : gcd(b, a % b)
.def area(a, b) = a * SCALE + b
.equ SCALE = 3
.def three() = SCALE
.queue mem.w0
    nop gcd({a}, {b})
    nop area({a}, b = 1 ? {b} : 0)
    nop three() + area(1, {b})
"""
    text = text.replace("b = 1 ?", "1 ?")
    assert values(text) == [np.gcd(a, b), 3 * a + b, 6 + b]


def test_names_of_a_body_are_those_of_its_place() -> None:
    text = """
.equ k = 100
.def f(a) = a + k
.macro m k
    .def g(a) = f(a) * k
    nop g(1)
    .for a in 5..6
        nop f(0) + g(a)
    .endfor
.endm
.queue mem.w0
m 7
m 9
"""
    assert values(text) == [707, 100 + 735, 909, 100 + 945]


def test_functions_give_any_operand() -> None:
    text = """
.def plane(u) = u ? mxm.w : mxm.e
.def rows(t, u) = t[u : 8 : 2, :]
.def sums(u) = (sg4.{u ? e : w}[0], sg4.w[5])
.temp A : i8 [8, LANES] at mem.w0
.macro take u
    read rows(A, u) -> sg2.e[0]
    abc plane(u), sg2.e[0]
    acc plane(u) -> sums(u)[0]
.endm
flow f:
    take 1
"""
    (section,) = expanded(text).sections
    assert isinstance(section, Flow)
    read, abc, acc = section.statements
    assert isinstance(read.inputs[0], TensorRef) and read.inputs[0].span.line == 7
    assert [getattr(o, "name", "") for o in abc.inputs] == ["mxm.w", ""]
    assert [_stream(o) for o in acc.outputs] == ["s0.e"]


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (".def f(a) = a\nnop f(1, 2)", "LPU0207", 2),
        (".def f(a) = a\nnop f", "LPU0207", 2),
        (".def f(a) = a\nnop f + 1", "LPU0207", 2),
        (".def f(a) = a\nnop g(1)", "LPU0207", 2),
        (".def f(a, a) = a", "LPU0202", 1),
        (".def max(a, b) = a", "LPU0202", 1),
        (".equ f = 1\n.def f() = 2", "LPU0202", 2),
        (".def f(a) = a + b\nnop f(1)", "LPU0201", 1),
        (".def f(a) = f(a + 1)\nnop f(1)", "LPU0209", 1),
        (".def f(a) = 1 / a\nnop f(0)", "LPU0204", 1),
        (".def f a = 1", "LPU0101", 1),
    ],
)
def test_wrong_functions(text: str, code: str, line: int) -> None:
    assert only(text) == (code, line)


def test_calls_go_as_deep_as_they_say() -> None:
    """However a body is built, a chain of calls ends before Python's stack does."""
    for body in ("f(a - 1)", "(f(a - 1))", "-" * 140 + "f(a - 1)", "mem.w{f(a - 1)}", "(1, f(a - 1))[1]"):
        text = f".def f(a) = a > 0 ? {body} : 0\n.queue mem.w0\nnop f({calls.MAX_DEPTH})\n"
        assert only(text)[0] in ("LPU0209", "LPU0206")


def test_calls_come_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "MAX_CALLS", 2000)
    assert only(".def f(a) = a > 0 ? f(a - 1) + f(a - 1) : 1\nnop f(40)") == ("LPU0209", 1)


def test_an_error_in_a_function_in_a_macro_shows_all_places() -> None:
    text = """.def half(n) = 8 / n
.def both(n) = half(n) + half(n - 1)
.macro wait n
    nop both(n)
.endm
.queue mem.w0
wait 1
"""
    sources = {"<text>": text}
    (told,) = wrong(text)
    assert (
        render([told], sources)
        == """\
error[LPU0204]: division by zero
  --> <text>:1:16
    1 | .def half(n) = 8 / n
      |                ^^^^^
   in the function `half` at <text>:2
   in the function `both` at <text>:4
   in expansion of macro `wait` at <text>:7
   help: the right side of `/` is 0 here
"""
    )


def test_formulas_call_functions() -> None:
    """Many elements at once give what they give one by one: the last element makes the second be taken alone."""
    text = """
.target mini
.def far(i, j) = abs(i - j) > LIMIT && i > j
.def digits(n) = n < 10 ? 1 : 1 + digits(n / 10)
.equ LIMIT = 2
.const A : i8 [40, 32] at mem.w0 = for i, j: far(i, j) ? digits(i * j) : LIMIT - far(j, i)
.const B : f32 [40, 32] at mem.w[4..7] = for i, j: \\
    i == 39 && j == 31 ? 1.5 : far(i, j) ? digits(i * j) : LIMIT - far(j, i)
.output C : i8 [40, 32] at mem.e0
flow f:
    read A -> s0.e
    write s0.e -> C
"""
    i, j = np.mgrid[0:40, 0:32]
    expected = np.where(
        (abs(i - j) > 2) & (i > j), np.char.str_len((i * j).astype(str)), 2 - ((abs(i - j) > 2) & (j > i))
    )
    program = lpuasm.build(text=text)
    assert np.array_equal(lpuasm.run(program, {})["C"], expected)
    held = np.frombuffer(program.tensor["B"].data, np.float32).reshape(40, 32)
    assert held[39, 31] == 1.5 and np.array_equal(held.reshape(-1)[:-1], expected.reshape(-1)[:-1])
