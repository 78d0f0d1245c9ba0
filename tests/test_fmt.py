"""The canonical layout: golden, idempotent, and the same program."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import ALL, mutated

from lpuasm.asm.fmt import fmt
from lpuasm.asm.parser import Parser, raw_lines
from lpuasm.isa.errors import AssemblyError


def meaning(text: str) -> tuple[list[object], list[str]]:
    """What each line says, without places; and the comments."""
    lines, problems = Parser().parse(text, "t.s")
    assert not problems
    said = [(plain(line.template.prefix), plain(line.template.body), str(line.numbers)) for line in lines]
    return list(said), [raw.comment for raw in raw_lines(text) if raw.comment]


def plain(node: object) -> object:
    names = getattr(node, "_fields", None)
    if names is not None:
        parts = [(name, getattr(node, name)) for name in names if name not in ("start", "end")]
        if getattr(node, "pieces", None):
            parts = [(name, value) for name, value in parts if name != "text"]
        return type(node).__name__, [(name, plain(value)) for name, value in parts]
    if isinstance(node, tuple):
        return tuple(plain(item) for item in node)
    return node


def check(text: str) -> str:
    laid = fmt(text)
    assert meaning(laid) == meaning(text)
    assert fmt(laid) == laid
    return laid


def test_golden() -> None:
    text = """\

\t; a kernel
.target   tsp1
.param M=320   ; rows
.equ   L=M*2   ; twice


.input  A:i8[M,320]   at mem.w0 // a row a vector
.weight W: i8 [ 320,320 ] at mem.e[28 .. 43]   tile  576x320
.macro m a,b = 2
nop a+b
.endm
flow f_{ M }  @ 12 :
  ; all of it
read  A[ i:i+64,: : 2,1 : + 4 ]->s16.e  repeat 64   step -1  ; long
 lw mxm.e0   mxm.e1,sg16.e[ 0 ] ; short
  sub %d,- 1 -> %e   @ alu4 keep  1
.for i in 0 .. 4
   m i , b=3
.if i==1||!i
nop ( i )
.endif
.endfor
.for i in 0..2
flow g_{i} after f + 1:
nop 1
.endfor
.unit   mem.w17
45 : read 0x10->s5.e
 T0+400: write s9.w -> mem.w17[ 1 ] ; w
.queue mem.w0
again:
nop min( 1,2 ) , ~1, a?b :c, d ?e: f, -  2 * 3

"""
    assert (
        check(text)
        == """\
; a kernel
.target tsp1
.param M = 320  ; rows
.equ L = M*2    ; twice

.input  A : i8 [M, 320] at mem.w0  // a row a vector
.weight W : i8 [320, 320] at mem.e[28..43] tile 576x320
.macro m a, b=2
    nop a+b
.endm
flow f_{ M } @ 12:
    ; all of it
    read A[i:i+64, : : 2, 1 : +4] -> s16.e repeat 64 step -1  ; long
    lw   mxm.e0 mxm.e1, sg16.e[0]                             ; short
    sub  %d, -1 -> %e @alu4 keep 1
    .for i in 0..4
        m i, b=3
        .if i==1||!i
            nop (i)
        .endif
    .endfor
.for i in 0..2
    flow g_{i} after f + 1:
        nop 1
.endfor
.unit mem.w17
    45:     read  0x10 -> s5.e
    T0+400: write s9.w -> mem.w17[1]  ; w
.queue mem.w0
again:
    nop min(1, 2), ~1, a?b : c, d ?e : f, -2 * 3
"""
    )


def test_scalar_code_is_indented_under_its_labels() -> None:
    assert check("ld r0,[n] ;n\nloop:\nadd r1,r1,1 ; 矩\njlt loop") == (
        "    ld r0, [n]  ;n\nloop:\n    add r1, r1, 1  ; 矩\n    jlt loop\n"
    )


def test_continued_lines_stay_apart() -> None:
    text = ".const K : f32 [4] at mem.w0 = 1.5, \\\n2, \\\n    3,4"
    assert check(text) == ".const K : f32 [4] at mem.w0 = 1.5, \\\n    2, \\\n    3, 4\n"


def test_a_formula_has_no_blank_before_its_colon() -> None:
    meant = ".const A : f16 [4, 4] at mem.w0 = for i, j: i <= j ? 0 : -inf\n.temp  B : i8 [4]\n"
    assert check(".const A:f16[4,4] at mem.w0=for i ,j : i <= j ? 0 : -inf\n.temp B:i8[4]") == meant
    assert check(".const for : i8 [4] at mem.w0 = for for: for") == ".const for : i8 [4] at mem.w0 = for for: for\n"


def test_nothing_comes_of_nothing() -> None:
    assert fmt("") == fmt("\n \n") == fmt("\ufeff\r\n") == ""
    assert check("; x\r\n\r\n\r\n; y") == "; x\n\n; y\n"


@pytest.mark.parametrize("text", ["$", ".for i in 0..4", "nop \x00", ".endif", "nop ("])
def test_a_broken_text_is_left_alone(text: str) -> None:
    with pytest.raises(AssemblyError):
        fmt(text)


@pytest.mark.parametrize("text", ALL)
def test_examples(text: str) -> None:
    check(text)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(ALL), st.integers(0, 1 << 32))
def test_any_text_means_what_it_meant(text: str, seed: int) -> None:
    try:
        fmt(mutated(text, seed))
    except AssemblyError:
        return
    check(mutated(text, seed))


WORDS = """nop x r1 s5.e mem.w0 sg4.e[ 0 ] 1 0x2 1.5 ( ) [ ] { } + - * / % ~ ! < << >= == && || | ^ & ? : , -> .. @
= %d %%l repeat every step half low8 .equ .param .for in .endfor .input : at tile 4x5 "s" ; // : flow after with"""
TOKENS = st.sampled_from(WORDS.split())


@settings(max_examples=600, deadline=None)
@given(st.lists(st.tuples(TOKENS, st.sampled_from(["", " ", "  ", "\n", " \\\n"])), max_size=14))
def test_any_tokens_mean_what_they_meant(tokens: list[tuple[str, str]]) -> None:
    text = "".join(a + b for a, b in tokens)
    try:
        fmt(text)
    except AssemblyError:
        return
    check(text)
