"""Text to lines: shapes, places, syntax errors."""

from __future__ import annotations

import logging
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lark import Lark
from lark.exceptions import UnexpectedInput
from texts import ALL, mutated

from lpuasm.asm import parser, tables
from lpuasm.asm.grammar import TooDeep, parse_at
from lpuasm.asm.parser import Parser, decode, number, raw_lines
from lpuasm.asm.tree import Directive, FlowLine, Line, Num, SliceOf, StatementLine, Subscripted, TensorLine
from lpuasm.isa.errors import AssemblyError


def body(text: str) -> object:
    lines, problems = Parser().parse(text, "t.s")
    assert not problems, problems
    (line,) = lines
    return line.template.body


def problem(text: str) -> tuple[str, str, int, int]:
    lines, problems = Parser().parse(text, "t.s")
    assert not lines
    (d,) = problems
    assert d.span is not None
    return d.code, d.message, d.span.column, d.span.end_column


@pytest.mark.parametrize("text", ALL)
def test_examples_parse(text: str) -> None:
    lines, problems = Parser().parse(text, "t.s")
    assert not problems
    assert len(lines) == sum(bool(raw.code) for raw in raw_lines(text))


def test_shapes_that_are_no_longer_kept_are_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "nop 1\nnop 2, 3\nnop 4, 5, 6\n" * 2
    monkeypatch.setattr(parser, "_templates", {})
    kept = Parser().parse(text, "t.s")
    monkeypatch.setattr(parser, "KEPT", 2)
    monkeypatch.setattr(parser, "_templates", {})
    assert Parser().parse(text, "t.s") == kept
    assert len(parser._templates) <= 2


def test_kinds_of_lines() -> None:
    assert isinstance(body("nop"), StatementLine)
    assert isinstance(body("flow f:"), FlowLine)
    assert isinstance(body(".equ N = 4"), Directive)
    assert isinstance(body(".temp T : f32 [] at mem.w0"), TensorLine)
    assert body("lonely:") is None


def test_words_of_the_language_are_names_elsewhere() -> None:
    statement = body("repeat 3 every 4")
    assert isinstance(statement, StatementLine) and statement.mnemonic.text == "repeat"
    assert isinstance(body("nop step repeat step step step"), StatementLine)
    assert isinstance(body("bank at, run repeat x every flow"), StatementLine)
    assert isinstance(body(".equ x = every"), Directive)


def test_a_sign_after_a_clause_belongs_to_its_value() -> None:
    statement = body("nop 1 repeat 4 step -1")
    assert isinstance(statement, StatementLine) and len(statement.inputs) == 1


def test_a_length_in_a_slice() -> None:
    statement = body("read A[a ? b : c:+4:2] -> s5.e")
    assert isinstance(statement, StatementLine)
    subscripted = statement.inputs[0]
    assert isinstance(subscripted, Subscripted)
    (part,) = subscripted.items
    assert isinstance(part, SliceOf) and part.to is None and isinstance(part.length, Num)


def test_numbers() -> None:
    texts = ["12", "007", "0x1F", "0b1_01", "0o17", "1__0", "1.5", "1e3", "2.5e-3", "9" * 5000]
    lines, problems = Parser().parse("nop " + ", ".join(texts), "t.s")
    assert not problems
    assert lines[0].numbers == (12, 7, 31, 5, 15, 10, 1.5, 1000.0, 0.0025, 1 << 64)


@given(st.integers(0, 1 << 80), st.sampled_from(["d", "x", "X", "b", "o"]))
def test_numbers_of_every_kind(value: int, kind: str) -> None:
    text = f"{value:{kind}}" if kind == "d" else f"0{kind}{value:{kind}}"
    assert number(text) == value


def test_places_count_from_one_in_characters() -> None:
    lines, _ = Parser().parse("\ufeff\r\n\t矩: nop 1\r\n  nop 0x10, 2 ; 矩\r\n".replace("矩:", "m:"), "t.s")
    second = lines[1]
    statement = second.template.body
    assert isinstance(statement, StatementLine)
    spans = [second.span(node.start, node.end) for node in statement.inputs if isinstance(node, Num)]
    assert [(s.line, s.column, s.end_column) for s in spans] == [(3, 7, 11), (3, 13, 14)]


def test_a_backslash_continues_a_line() -> None:
    lines, problems = Parser().parse("nop 1, \\\n   2\nnop", "t.s")
    assert not problems and [line.number for line in lines] == [1, 3]
    statement = lines[0].template.body
    assert isinstance(statement, StatementLine)
    two = statement.inputs[1]
    assert isinstance(two, Num)
    span = lines[0].span(two.start, two.end)
    assert (span.line, span.column, span.end_line, span.end_column) == (2, 4, 2, 5)


ERRORS = {
    "read A[1:2 -> s5.e": ("LPU0101", "expected `,`, `:` or `]`, found `->`", 12, 14),
    "read A ->": ("LPU0101", "expected a value, found the end of the line", 10, 11),
    "nop 12x": ("LPU0103", "`12x` is not a number", 5, 8),
    "nop 0b2": ("LPU0103", "`0b2` is not a number", 5, 8),
    "nop 0o1.7": ("LPU0103", "`0o1.7` is not a number", 5, 10),
    "flow f": ("LPU0101", "expected `after`, `with`, `:` or `@`, found the end of the line", 7, 8),
    ".unitt mem.w17": ("LPU0105", "unknown directive `.unitt`", 1, 7),
    '.include "foo': ("LPU0104", "this string has no end on its line", 10, 14),
    ".input A i8": ("LPU0101", "expected `:`, found `i8`", 10, 12),
    "add (1+2": ("LPU0101", "expected `)` or `,`, found the end of the line", 9, 10),
    "nop 1 2": (
        "LPU0101",
        "expected an operator, a clause, `,`, `->`, a unit or the end of the line, found `2`",
        7,
        8,
    ),
    "$": ("LPU0101", "expected a statement, a flow or a directive, found `$`", 1, 2),
    "foo {a": ("LPU0104", "this `{` has no `}` on its line", 5, 6),
    "nop {1 +}": ("LPU0101", "expected a value, found `}`", 9, 10),
    "nop \x00": ("LPU0102", "character U+0000 cannot stand in a source", 5, 6),
    "nop ; \x1b[31m": ("LPU0102", "character U+001B cannot stand in a source", 7, 8),
    "nop " + "(" * 100_000: ("LPU0107", "more than 100 brackets within each other", 105, 106),
    "nop " + "-" * 100_000 + "1": ("LPU0107", "this expression is nested too deeply", 99854, 100006),
    "nop 1" + "+1" * 100_000: ("LPU0107", "this expression is nested too deeply", 5, 308),
    "nop " + "1?" * 50_000: ("LPU0101", "expected a value, found the end of the line", 100005, 100006),
}


@pytest.mark.parametrize("text", ERRORS, ids=lambda text: text[:20].encode("ascii", "replace").decode())
def test_syntax_errors(text: str) -> None:
    assert problem(text) == ERRORS[text]


def test_a_misspelt_word_is_suggested() -> None:
    for text, word in [("flow a aftr b:", "after"), ("read 1 -> s5.e repaet", "repeat"), (".fro i in 1..2", ".for")]:
        _, (d,) = Parser().parse(text, "t.s")
        assert d.help == f"did you mean `{word}`?"


def test_every_line_is_judged_by_itself() -> None:
    lines, problems = Parser().parse("nop\n$\nnop\n(\nnop", "t.s")
    assert len(lines) == 3
    assert [d.span and d.span.line for d in problems] == [2, 4]


@pytest.mark.parametrize("size", ["0x0", "0x20", "0x", "00x5"])
def test_a_tile_that_looks_like_a_hexadecimal_number(size: str) -> None:
    """`tile 0x0` was one shape with its digits and another without: a failed assertion."""
    lines, problems = Parser().parse(f".input A : i8 [8] at mem.w0 tile {size}", "t.s")
    assert not lines and problems[0].code in ("LPU0101", "LPU0103")


def test_bytes() -> None:
    assert decode(b"\xef\xbb\xbfnop", "t.s") == "nop"
    with pytest.raises(AssemblyError) as caught:
        decode("é\n; ü".encode() + b"\xff", "t.s")
    span = caught.value.diagnostics[0].span
    assert span is not None and (span.line, span.column) == (2, 4)


def direct(text: str) -> tuple[list[object], bool]:
    """What the grammar says of each line without the cache: bodies with the numbers in their places."""
    found: list[object] = []
    failed = False
    for raw in raw_lines(text):
        if raw.code:
            try:
                template = parse_at(raw.code, ())
            except (UnexpectedInput, TooDeep):
                failed = True
                continue
            found.append([plain((template.prefix, template.body), None), raw.number])
    return found, failed


def plain(node: object, line: Line | None) -> object:
    """A tree with its places as offsets in the text; numbers by their place."""
    names = getattr(node, "_fields", None)
    if names is not None:
        parts = {name: getattr(node, name) for name in names}
        parts.pop("slot", None)
        if line is not None and "start" in parts:
            parts["start"], parts["end"] = line.offset(parts["start"]), line.offset(parts["end"])
        if parts.get("pieces") is not None:
            parts["text"] = None
        return type(node).__name__, {key: plain(value, line) for key, value in parts.items()}
    if isinstance(node, tuple):
        return tuple(plain(item, line) for item in node)
    return node


def compare(parser: Parser, text: str) -> None:
    expected, failed = direct(text)
    lines, problems = parser.parse(text, "t.s")
    if len(problems) < 20 and not any(d.code in ("LPU0102", "LPU0108") for d in problems):
        assert [[plain((line.template.prefix, line.template.body), line), line.number] for line in lines] == expected
        assert bool(problems) == failed


SHAPES = Parser()


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(ALL), st.integers(0, 1 << 32))
def test_shapes_give_what_the_grammar_gives(text: str, seed: int) -> None:
    compare(SHAPES, mutated(text, seed))


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='0123456789abxeEs_.+-[](){}:,? %"', max_size=24))
def test_shapes_of_random_numbers(text: str) -> None:
    compare(SHAPES, text)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda b: b.decode("latin-1")))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    lines, problems = Parser().parse(text, "t.s")
    assert len(problems) <= 20
    for d in problems:
        assert d.span is not None and d.span.line >= 1 and d.span.column >= 1
    for line in lines:
        assert line.template.prefix is not None or line.template.body is not None


def test_the_tables_are_those_of_the_grammar() -> None:
    """Stale? Run ``python -m lpuasm.asm.tables``."""
    grammar = resources.files("lpuasm.asm").joinpath("grammar.lark").read_text("utf-8")
    shipped = resources.files("lpuasm.asm").joinpath("grammar.tables").read_bytes()
    digest, _, _ = tables.fingerprint(grammar).partition(b" ")
    assert shipped.startswith(digest)


def test_the_grammar_has_no_conflict(caplog: pytest.LogCaptureFixture) -> None:
    grammar = resources.files("lpuasm.asm").joinpath("grammar.lark").read_text("utf-8")
    with caplog.at_level(logging.DEBUG, logger="lark"):
        Lark(grammar, parser="lalr", start=tables.STARTS, debug=True)
    assert not [record for record in caplog.records if "conflict" in record.getMessage().lower()]
