"""Diagnostics as text: golden, aligned, harmless to a terminal."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from lpuasm.asm.expand import expand
from lpuasm.asm.render import render
from lpuasm.isa.errors import AssemblyError, Diagnostic, Related, Span


def shown(text: str, name: str = "kernel.s") -> str:
    sources: dict[str, str] = {}
    try:
        expand(text, name, sources=sources)
    except AssemblyError as e:
        return render(e.diagnostics, sources)
    return ""


def test_two_parties() -> None:
    assert shown(".equ N = 4\n\n.equ N = 5 ; again\n") == (
        "error[LPU0202]: the constant `N` is defined twice\n"
        "  --> kernel.s:3:6\n"
        "    3 | .equ N = 5 ; again\n"
        "      |      ^\n"
        "    1 | .equ N = 4\n"
        "      |      - `N` is defined here\n"
        "   help: give one of them another name\n"
    )


def test_frames() -> None:
    assert shown(".macro m a\n    nop a + zz\n.endm\n.for i in 2..4\n    m i\n.endfor\n") == (
        "error[LPU0201]: `zz` is not defined\n"
        "  --> kernel.s:2:13\n"
        "    2 |     nop a + zz\n"
        "      |             ^^\n"
        "   in expansion of macro `m` at kernel.s:5\n"
        "   in iteration `i = 2` at kernel.s:4\n"
    )


def test_several() -> None:
    assert shown("nop 1/0\nread A ->\n") == (
        "error[LPU0101]: expected a value, found the end of the line\n"
        "  --> kernel.s:2:10\n"
        "    2 | read A ->\n"
        "      |          ^\n"
    )
    assert shown("nop 1/0\nnop 1 << 99\n") == (
        "error[LPU0204]: division by zero\n"
        "  --> kernel.s:1:5\n"
        "    1 | nop 1/0\n"
        "      |     ^^^\n"
        "   help: the right side of `/` is 0 here\n"
        "\n"
        "error[LPU0205]: cannot shift by 99 bits\n"
        "  --> kernel.s:2:5\n"
        "    2 | nop 1 << 99\n"
        "      |     ^^^^^^^\n"
        "   help: shift by 0 to 63\n"
    )


def test_the_design() -> None:
    source = "\n" * 16 + "    read  Q -> s16.e   repeat 320\n" + "\n" * 23 + "    read  K -> s16.e   repeat 64\n"
    party = Related("but this one travels there from cycle 118 to 437", Span("attention.s", 17, 5, 17, 9))
    diagnostic = Diagnostic(
        "LPU0301",
        "collision on stream s16.e at SR24, cycle 131",
        Span("attention.s", 41, 5, 41, 9),
        "this value would enter SR24 at cycle 131",
        (party,),
        "start this flow 307 cycles later, or use s17.e, which is free",
    )
    assert render([diagnostic], {"attention.s": source}) == (
        "error[LPU0301]: collision on stream s16.e at SR24, cycle 131\n"
        "  --> attention.s:41:5\n"
        "   41 |     read  K -> s16.e   repeat 64\n"
        "      |     ^^^^ this value would enter SR24 at cycle 131\n"
        "   17 |     read  Q -> s16.e   repeat 320\n"
        "      |     ---- but this one travels there from cycle 118 to 437\n"
        "   help: start this flow 307 cycles later, or use s17.e, which is free\n"
    )


def test_parties_in_order_of_the_source_and_other_files() -> None:
    related = (
        Related("second", Span("b.s", 2, 1, 2, 2)),
        Related("first", Span("a.s", 9, 1, 9, 2)),
        Related("same line", Span("a.s", 1, 3, 1, 4)),
        Related("without a place"),
    )
    diagnostic = Diagnostic("LPU0301", "m", Span("a.s", 1, 1, 1, 2), "here", related)
    text = render([diagnostic], {"a.s": "x y\n" + "\n" * 7 + "z", "b.s": "p\nq"}.get)
    assert text == (
        "error[LPU0301]: m\n  --> a.s:1:1\n    1 | x y\n      | ^ here\n      |   - same line\n"
        "    9 | z\n      | - first\n  --> b.s:2:1\n    2 | q\n      | - second\n   note: without a place\n"
    )


def test_wide_characters_and_tabs_align() -> None:
    text = shown('\tnop "矩阵" + 1\n')
    line, marks = text.split("\n")[2:4]
    assert line == '    1 |     nop "矩阵" + 1'
    assert marks == "      |         ^^^^^^"


def test_a_long_line_is_cut_around_the_place() -> None:
    text = shown("nop " + "1 + " * 40 + "zz" + " + 1" * 60)
    line, marks = text.split("\n")[2:4]
    assert len(line) < 160 and "…" in line
    assert line[marks.index("^") : marks.rindex("^") + 1] == "zz"


def test_without_place_or_source() -> None:
    assert render([Diagnostic("LPU0211", "m", help="h")], {}) == "error[LPU0211]: m\n   help: h\n"
    missing = Diagnostic("LPU0301", "m", Span("x.s", 3, 4), "label")
    assert render([missing], {}) == "error[LPU0301]: m\n  --> x.s:3:4\n      | label\n"
    outside = Diagnostic("LPU0301", "m", Span("x.s", 3, 40, 5, 2))
    assert "^" in render([outside], {"x.s": "a\nb\nc"})


def test_colour_changes_no_character() -> None:
    diagnostic = Diagnostic("LPU0301", "m", Span("x.s", 1, 1, 1, 3), "l", (Related("r", Span("x.s", 1, 4)),), "h")
    sources = {"x.s": "nop 1"}
    colored = render([diagnostic], sources, color=True)
    assert "\x1b[1;31m^^\x1b[0m" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == render([diagnostic], sources)


@given(st.text(max_size=40), st.integers(0, 5), st.integers(0, 50), st.integers(0, 5), st.integers(0, 50))
def test_any_place_in_any_text(text: str, line: int, column: int, more: int, end: int) -> None:
    span = Span(text[:5], line, column, line + more, end)
    out = render([Diagnostic("LPU0301", text, span, text, (Related(text, span),), text)], {text[:5]: text})
    assert out.replace("\n", "").isprintable()
