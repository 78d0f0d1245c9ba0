"""Expansion: sections, names, macros, loops, files, defines, limits."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import ALL, FLOWS, KNOWN, SCHEDULE, mutated

from lpuasm.asm.expand import expand
from lpuasm.asm.syntax import (
    After,
    At,
    Flow,
    Memory,
    Number,
    QueueSection,
    Register,
    Repeat,
    ScalarSection,
    Source,
    Statement,
    Symbol,
    TensorRef,
    UnitRef,
    UnitSection,
    With,
)
from lpuasm.isa.errors import AssemblyError, Diagnostic, catalogue, error, is_session


def symbols(target: str | None) -> Mapping[str, int]:
    if target not in (None, "tsp1", "mini"):
        raise AssemblyError(error("LPU0803", f"no such target: {target}"))
    return {"LANES": 32 if target == "mini" else 320, "SLICES": 44}


def good(text: str, **options: Any) -> Source:
    return expand(text, symbols_of=symbols, **options)


def bad(text: str, **options: Any) -> list[Diagnostic]:
    with pytest.raises(AssemblyError) as caught:
        good(text, **options)
    return list(caught.value.diagnostics)


def one(text: str, **options: Any) -> tuple[str, str, int, int]:
    (d,) = bad(text, **options)
    return (d.code, d.message, d.span.line, d.span.column) if d.span else (d.code, d.message, 0, 0)


def statements(source: Source) -> list[Statement]:
    found: list[Statement] = []
    for section in source.sections:
        match section:
            case QueueSection():
                found += section.words
            case UnitSection():
                found += [statement for _, statement in section.lines]
            case _:
                found += section.statements
    return found


def numbers(source: Source) -> list[int | float]:
    """The first input of every statement."""
    return [s.inputs[0].value for s in statements(source) if isinstance(s.inputs[0], Number)]


# Sections


def test_the_shared_example_is_scalar_code() -> None:
    source = good(KNOWN.read_text("utf-8"), defines={"n": 7})
    (section,) = source.sections
    assert isinstance(section, ScalarSection) and section.end_labels == ()
    loads = [s for s in section.statements if s.mnemonic == "ld"]
    assert isinstance(loads[0].inputs[1], Memory) and loads[0].inputs[1].base == "n"
    assert "loop_k" in source.labels and source.unused == {"n": 7}
    assert next(s.labels for s in section.statements if s.labels) == ("loop_i",)


def test_flows() -> None:
    source = good(FLOWS)
    install, multiply = source.sections
    assert isinstance(install, Flow) and install.name == "install" and install.start is None
    assert isinstance(multiply, Flow) and isinstance(multiply.start, After)
    assert (multiply.start.flow, multiply.start.offset) == ("install", 8 - 640)
    assert [len(s.inputs) for s in install.statements] == [1, 3, 1]
    read, acc, sub, write = multiply.statements
    assert read.repeats == (Repeat(512, None, -1, read.clauses[0].span),)
    assert [c.name for c in acc.clauses if not isinstance(c, Repeat)] == ["low8", "half"]
    assert (sub.mnemonic, sub.suffixes) == ("sub", ("f32", "sat"))
    assert isinstance(sub.pin, UnitRef) and sub.pin.name == "alu4"
    assert isinstance(write.outputs[0], TensorRef)


def test_starts_of_flows() -> None:
    source = good("flow a @ 2 * 60:\nnop 1\nflow b with a:\nnop 1\nflow c after b - 3 + 1:\nnop 1")
    at, with_, after = [section.start for section in source.sections if isinstance(section, Flow)]
    assert isinstance(at, At) and at.cycle == 120
    assert isinstance(with_, With) and (with_.flow, with_.offset) == ("a", 0)
    assert isinstance(after, After) and (after.flow, after.offset) == ("b", -2)


def test_tensors() -> None:
    a, w, c, k, _ = good(FLOWS, defines={"M": 5}).tensors
    assert (a.kind, a.name, a.dtype, a.dims) == ("input", "A", "i8", (5, 320))
    assert [(p.name, p.range) for p in w.placement] == [("mem.e", (28, 43))]
    assert [(p.name, p.range) for p in c.placement] == [("mem.e", (40, 43)), ("mem.w", (0, 3))]
    assert (c.bank, c.address, c.tile, c.banks_run) == (1, 32, (576, 320), 2)
    assert k.values == (1.5, -2)
    (d,) = good('.const T : f32 [] at mem.w0 tile 4 x 8 = "t.npy"').tensors
    assert d.values == "t.npy" and d.tile == (4, 8) and d.dims == ()


def test_schedule_and_words() -> None:
    source = good(SCHEDULE)
    unit, queue = source.sections
    assert isinstance(unit, UnitSection) and unit.unit.name == "mem.w17"
    assert [cycle for cycle, _ in unit.lines] == [45, 414, -1, 13, 27]
    assert [(r.count, r.every, r.step) for r in unit.lines[1][1].repeats] == [(64, 2, 4), (2, None, None)]
    assert isinstance(queue, QueueSection) and queue.name == "mem.w18"
    mnemonics = [word.mnemonic for word in queue.words]
    assert mnemonics == ["read", "nop", "nop_1", "nop", "nop_3"]
    assert queue.words[1].labels == ("here.1",)
    label = queue.words[1].inputs[0]
    assert isinstance(label, Symbol) and label.name == "here.1"


def test_statements_out_of_place() -> None:
    assert one("nop 1\nflow f:\nnop 1")[:3] == ("LPU0109", "a statement outside of a section", 1)
    assert one(".unit mem.w0\nread 0 -> s5.e")[:3] == ("LPU0109", "a line of a .unit section begins with its cycle", 2)
    assert one("flow f:\n4 + 1: nop 1")[:3] == ("LPU0109", "a line begins with a cycle only in a .unit section", 2)
    assert one(".unit mem.w0\n4:")[:3] == ("LPU0109", "a cycle stands before a statement", 2)
    assert one(".unit 4")[0] == "LPU0215"
    assert one(".queue mem.w0[4]")[0] == "LPU0215"
    assert isinstance(good(".unit vxm\n0: nop").sections[0], UnitSection)


def test_labels() -> None:
    (section,) = good("a:\nb: nop 1\nc:").sections
    assert isinstance(section, ScalarSection)
    assert section.statements[0].labels == ("a", "b") and section.end_labels == ("c",)
    d = bad("a:\nnop 1\na: nop 2")[0]
    assert d.code == "LPU0202" and d.related[0].span is not None and d.related[0].span.line == 1


def test_an_empty_text_is_empty() -> None:
    for text in ("", "\n\n", "; only\n// comments", "\ufeff"):
        assert good(text).sections == ()


# Names


def test_defines_override_parameters() -> None:
    text = ".param M = 2 * 8\n.equ N = M + 1\n.queue mem.w0\nnop N"
    assert numbers(good(text)) == [17]
    source = good(text, defines={"M": 5})
    assert numbers(source) == [6] and source.params["M"].value == 5 and source.equs == {"N": 6}


def test_unknown_defines() -> None:
    text = ".param ROWS = 4\n.param COLS = 4\nflow f:\nnop ROWS"
    (d,) = bad(text, defines={"ROW": 1})
    assert (d.code, d.help) == ("LPU0211", "did you mean `ROWS`?")
    (d,) = bad(text, defines={"zzz": 1})
    assert d.help == "its parameters are ROWS, COLS"
    assert one("flow f:\nnop 1", defines={"M": 1})[:2] == ("LPU0211", "-D M: the source has no parameter `M`")


def test_extern_dimensions() -> None:
    text = ".extern M, N\nflow f:\nnop M"
    assert numbers(good(text, defines={"M": 4})) == [4]
    (symbol,) = [s.inputs[0] for s in statements(good(text))]
    assert isinstance(symbol, Symbol)
    assert one(f"{text} + 1")[:2] == ("LPU0212", "extern dimension `M` has no value")
    assert one(".param M\nnop M + 1")[:2] == ("LPU0212", "parameter `M` has no value")


def test_one_cause_is_reported_once() -> None:
    assert len(bad(".equ N = missing\n.param M = N\nnop N + M\nnop N\n.for i in 0..N\nnop i\n.endfor")) == 1
    assert len(bad(".temp T : f32 [x] at mem.w0\nflow f:\nread T -> s5.e\nread T -> s5.e")) == 1


def test_a_name_is_defined_once() -> None:
    pairs = [
        (".equ N = 1", ".equ N = 2"), (".param N = 1", ".equ N = 2"), (".extern N", ".param N = 1"),
        (".temp T : f32 [1] at mem.w0", ".temp T : f32 [1] at mem.w1"), (".temp T : f32 [1] at mem.w0", ".equ T = 1"),
        (".equ T = 1", ".temp T : f32 [1] at mem.w0"), (".macro m\n.endm", ".macro m\n.endm"),
        ("flow f:\nnop 1", "flow f:\nnop 1"), (".macro a x\n.endm", ".macro b x, x\n.endm"),
    ]  # fmt: skip
    for first, second in pairs:
        (d,) = bad(f"{first}\n{second}")
        assert d.code == "LPU0202" and d.related[0].span is not None, (first, second)


def test_duplicates_in_a_loop_show_the_turn() -> None:
    (d,) = bad(".for i in 0..3\nflow f:\nnop 1\n.endfor")
    assert d.help == "make the name unique, such as `f_{i}`"
    assert [r.message for r in d.related] == ["`f` is defined here", "in iteration `i = 1`"]


def test_names_are_suggested() -> None:
    d = bad(".equ STEPS = 4\nnop STEP + 1")[0]
    assert d.help == "did you mean `STEPS`?"
    assert bad("nop LANE + 1")[0].help == "did you mean `LANES`?"
    assert bad("flow ff:\nnop 1\nflow g after f:\nnop 1")[0].help == "did you mean `ff`?"
    assert bad(".temp Weights : f32 [1] at mem.w0\nnop Weight[0]")[0].help == "did you mean `Weights`?"


def test_targets() -> None:
    assert good(".target mini\nnop LANES").target == "mini"
    assert numbers(good(".target mini\nnop LANES")) == [32]
    assert numbers(good("nop LANES", target="mini")) == [32]
    assert one(".target tsp1", target="mini")[:2] == ("LPU0214", "the source is for tsp1, but mini was asked for")
    assert one(".target tsp1\n.target mini")[:2] == ("LPU0214", "a second target, mini")
    assert one("nop LANES\n.target mini")[:2] == ("LPU0214", "the target was needed before this line")
    assert one(".target tsp9") == ("LPU0803", "no such target: tsp9", 1, 9)


# Macros, loops, conditions


def test_macros_take_values_by_order_and_name() -> None:
    macro = ".macro m a, b = a * 2, c = s1.e\nop a + b, b -> c\n.endm\n"
    text = macro + ".queue mem.w0\nm 1\nm 1, 5\nm b = 7, a = 2, c = s{3}.w"
    source = good(text)
    assert numbers(source) == [3, 6, 9]
    last = statements(source)[2]
    assert str(last.outputs[0]).startswith("StreamRef(size=1, direction='w', index=3")
    assert [(f.kind, f.name, f.span.line) for f in last.frames] == [("macro", "m", 7)]
    assert last.span.line == 2


def test_macros_are_hygienic() -> None:
    text = """
.equ x = 1
.macro inner x
    nop x
.endm
.macro outer y
    .equ x = y + 1
    inner x * 10
    inner y
.endm
.queue mem.w0
.for y in 5..6
    outer y + x
.endfor
"""
    assert numbers(good(text)) == [70, 6]
    assert one(".macro m\nnop i + 1\n.endm\n.for i in 0..2\nm\n.endfor")[:2] == ("LPU0201", "`i` is not defined")


def test_arguments_of_any_kind() -> None:
    text = """
.temp T : f32 [8, 320] at mem.w0
.macro m op, unit, tensor, reg, dst
    {op}.f32 tensor[0:2], unit[4], mxm.{dst}, {reg} -> {unit}
.endm
flow f:
    m add, mem.w3, T, r4, e0
"""
    (s,) = statements(good(text))
    assert (s.mnemonic, s.suffixes) == ("add", ("f32",))
    tensor, unit, mxm, register = s.inputs
    assert isinstance(tensor, TensorRef) and tensor.subscripts is not None
    assert isinstance(unit, UnitRef) and (unit.name, unit.address) == ("mem.w3", 4)
    assert isinstance(mxm, UnitRef) and mxm.name == "mxm.e0"
    assert isinstance(register, Register) and register.number == 4
    assert isinstance(s.outputs[0], UnitRef) and s.outputs[0].name == "mem.w3"


def test_arguments_that_do_not_fit() -> None:
    macro = ".macro m a, b=1\nnop a\n.endm\n"
    for call, message in [
        ("m", "`m` needs `a`"),
        ("m 1, 2, 3", "`m` takes 2 arguments: a, b"),
        ("m 1, c=2", "`m` has no parameter `c`"),
        ("m 1, a=2", "`a` is given twice"),
        ("m 1 -> s5.e", "`m` is a macro: it takes arguments, no `->`, clause or pin"),
        ("m 1 repeat 4", "`m` is a macro: it takes arguments, no `->`, clause or pin"),
        ("nop x=1", "`x = …` is an argument of a macro, and this is an instruction"),
    ]:
        assert one(macro + call)[:2] == ("LPU0208", message)


def test_loops_count_as_ranges() -> None:
    for bounds, expected in [
        ("0..3", [0, 1, 2]),
        ("5..0 step -2", [5, 3, 1]),
        ("3..3", []),
        ("4..1", []),
        ("-1..1", [-1, 0]),
    ]:
        assert numbers(good(f".queue mem.w0\n.for i in {bounds}\nnop i\n.endfor")) == expected
    assert one(".for i in 0..4 step 0\n.endfor")[:2] == ("LPU0217", "a step of 0 never ends")


def test_constants_of_a_turn_are_its_own() -> None:
    text = ".queue mem.w0\n.for i in 0..3\n.equ j = i * i\n.for k in j..j+1\nnop k\n.endfor\n.endfor"
    assert numbers(good(text)) == [0, 1, 4]


def test_conditions_are_lazy() -> None:
    text = ".if 0\nnop 1/0\n.elif 1\nnop 2\n.elif 1/0\nnop 3\n.else\nnop undefined + 1\n.endif"
    assert numbers(good(text)) == [2]
    assert numbers(good(".if 0\nnop 1\n.endif\n.if 0\nnop 1\n.else\nnop 2\n.endif")) == [2]


def test_blocks_need_both_ends() -> None:
    for text, message, line in [
        (".for i in 0..4\nnop 1", "this .for has no .endfor", 1),
        (".macro m\nnop 1", "this .macro has no .endm", 1),
        ("nop 1\n.endif", ".endif without .if", 2),
        (".if 1\n.else\n.else\n.endif", ".else after .else", 3),
        (".if 1\n.else\n.elif 1\n.endif", ".elif after .else", 3),
    ]:
        assert one(text)[:3] == ("LPU0106", message, line)
    d = bad(".for i in 0..4\n.endif\n.endfor")[0]
    assert d.help == "first end that with `.endfor`"


# Files


def test_files(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "inc").mkdir()
    (tmp_path / "lib").mkdir()
    (tmp_path / "sub" / "a.s").write_text('.include "b.s"\n.include "../main.s"\nnop 1')
    (tmp_path / "sub" / "b.s").write_text('.include "a.s"\nnop 2')
    (tmp_path / "inc" / "c.s").write_text(".import k\nnop 3")
    (tmp_path / "lib" / "k.s").write_text(".param M = 4\n.equ Q = M\n")
    main = tmp_path / "main.s"
    main.write_text('.param M = 9\n.queue mem.w0\n.include "sub/a.s"\n.include "c.s"\n.include "c.s"\nnop Q')
    sources: dict[str, str] = {}
    options: dict[str, Any] = {"include": [tmp_path / "inc"], "library": [tmp_path / "lib"], "sources": sources}
    source = expand(main.read_text(), str(main), **options)
    assert numbers(source) == [2, 1, 3, 9]
    assert list(sources) == [str(main), "sub/a.s", "sub/b.s", "c.s", "<library>/k.s"]
    first = statements(source)[0]
    assert first.span.file == "sub/b.s" and [f.kind for f in first.frames] == ["include", "include"]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    main = str(tmp_path / "main.s")
    (tmp_path / "folder.s").mkdir()
    (tmp_path / "latin.s").write_bytes(b"nop 1 ; \xe9")
    (tmp_path / "broken.s").write_text("nop 1\n$\n(")
    os.mkfifo(tmp_path / "pipe.s")
    for name, message in [
        ("none.s", "cannot find `none.s`"),
        ("folder.s", "`folder.s` is not a file"),
        ("pipe.s", "`pipe.s` is not a file"),
        ("", "`` is not a file"),
        ("x" * 5000, f"cannot find `{'x' * 5000}`"),
    ]:
        with pytest.raises(AssemblyError) as caught:
            expand(f'.include "{name}"', main)
        assert [(d.code, d.message) for d in caught.value.diagnostics] == [("LPU0213", message)]
    with pytest.raises(AssemblyError) as caught:
        expand('.include "latin.s"', main)
    d = caught.value.diagnostics[0]
    assert d.code == "LPU0102" and d.span is not None and (d.span.file, d.span.column) == ("latin.s", 9)
    with pytest.raises(AssemblyError) as caught:
        expand('\n.include "broken.s"', main)
    codes = [(d.code, d.span.file, d.related[-1].message) for d in caught.value.diagnostics if d.span]
    assert codes == [("LPU0101", "broken.s", "in the included file `broken.s`")] * 2
    (d,) = bad(".import matmull", library=[tmp_path])
    assert (d.code, d.message) == ("LPU0213", "cannot find a kernel `matmull`")


def test_frames_are_innermost_first() -> None:
    (d,) = bad(".macro in\nnop zz + 1\n.endm\n.macro out\n.for i in 3..4\nin\n.endfor\n.endm\nout")
    assert [r.message for r in d.related] == [
        "in expansion of macro `in`", "in iteration `i = 3`", "in expansion of macro `out`",
    ]  # fmt: skip


# Limits


def test_errors_are_collected_in_order_of_place() -> None:
    text = ".macro m\nnop b + 1\n.endm\nnop a + 1\nm\nnop c + 1\n" + "nop d + 1\n" * 40
    found = bad(text)
    assert len(found) == 20
    assert [d.span.line for d in found if d.span] == [2, 4, *range(6, 24)]


def test_endless_texts_end() -> None:
    start = time.monotonic()
    (d,) = bad(".macro m a\nm a\n.endm\nm 1")
    assert d.code == "LPU0209" and len(d.related) == 8
    assert one(".for i in 0..1_000_000_000_000\n.endfor")[0] == "LPU0210"
    assert one(".for i in 0..3_000_000\nnop 1\nnop 2\n.endfor")[0] == "LPU0210"
    nested = ".for i in 0..1\n" * 101 + "nop 1\n" + ".endfor\n" * 101
    assert one(nested)[0] == "LPU0107"
    assert one(".macro m\nm\nm\n.endm\nm")[0] == "LPU0209"
    assert time.monotonic() - start < 10


def test_places_survive_expansion() -> None:
    (d,) = bad("  nop 100, 0x20 + zz  ; c")
    assert d.span is not None and (d.span.line, d.span.column, d.span.end_column) == (1, 19, 21)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(ALL), st.integers(0, 1 << 32))
def test_any_text_is_expanded_or_refused(text: str, seed: int) -> None:
    try:
        good(mutated(text, seed, 6))
    except AssemblyError as e:
        assert 1 <= len(e.diagnostics) <= 20
        assert all(d.span is not None for d in e.diagnostics)


WORDS = [
    ".for i in 0..2", ".endfor", ".if q", ".if", ".else", ".endif", ".macro m a", "m 1", "m m", "m %%l", ".endm",
    "flow f:", "flow f{i}:", ".unit mem.w0", "1: nop i", "x:", "x: nop a", ".queue mem.w1", ".equ i = 1", ".equ q = i",
    ".param i", "nop i + q", ".extern e", ".temp i : f32 [i] at mem.w0", ".target tsp1", "%%l: nop %%l",
    "read i[q:+a] -> s{i}.e", "ld r0, [e * i + x]", "nop e",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=25))
def test_any_order_of_lines_is_expanded_or_refused(lines: list[str]) -> None:
    try:
        good("\n".join(lines))
    except AssemblyError as e:
        assert 1 <= len(e.diagnostics) <= 20


@pytest.mark.parametrize("code", [c for c in catalogue() if c[3:5] in ("01", "02")])
def test_the_catalogue_is_true(code: str) -> None:
    entry = catalogue()[code]
    if entry.bad and not is_session(entry.bad):
        assert code in [d.code for d in bad(entry.bad)]
    if entry.good and not is_session(entry.good) and "include" not in entry.good:
        good(entry.good)
