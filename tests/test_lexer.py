"""The Pygments lexer: what the table knows is coloured as what it is, and no source has a place that is not."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from pygments.token import Comment, Error, Keyword, Name, Number, Operator

from lpuasm.isa.core import table
from lpuasm.isa.target import load_target
from lpuasm.lexer import LpuasmLexer, TypedLexer

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "examples").rglob("*.s"))


def tokens(text: str) -> list[tuple[object, str]]:
    return [(kind, value) for kind, value in LpuasmLexer().get_tokens(text) if value.strip()]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_example_is_lexed_whole(path: Path) -> None:
    text = path.read_text("utf-8")
    found = list(LpuasmLexer(ensurenl=False, stripnl=False).get_tokens(text))
    assert "".join(value for _, value in found) == text
    assert all(kind is not Error for kind, _ in found)


def test_every_mnemonic_and_queue_has_its_colour() -> None:
    for definition in table():
        assert (Name.Builtin, definition.mnemonic) in tokens(f"    {definition.mnemonic} x\n")
    for queue in load_target("tsp1").queues:
        assert (Name.Class, queue.name) in tokens(f"    read {queue.name} -> s0.e\n")


def test_a_statement() -> None:
    assert tokens("    read  A[3, 0:4] -> sg16.e[1]  repeat 0x40 ; rows\n") == [
        (Name.Builtin, "read"), (Name, "A"), (operator("["), "["), (Number.Integer, "3"), (operator(","), ","),
        (Number.Integer, "0"), (operator(":"), ":"), (Number.Integer, "4"), (operator("]"), "]"), (Operator, "->"),
        (Name.Variable, "sg16.e"), (operator("["), "["), (Number.Integer, "1"), (operator("]"), "]"),
        (Keyword, "repeat"), (Number.Integer, "0x40"), (Comment.Single, "; rows"),
    ]  # fmt: skip


def test_a_formula() -> None:
    assert tokens(".const A : i8 [4] at mem.w0 = for i: i % 2\n")[-7:] == [
        (Operator, "="), (Keyword, "for"), (Name, "i"), (operator(":"), ":"),
        (Name, "i"), (Operator, "%"), (Number.Integer, "2"),
    ]  # fmt: skip


def operator(sign: str) -> object:
    from pygments.token import Punctuation

    return Punctuation


def test_flows_cycles_and_types() -> None:
    assert (Name.Function, "multiply") in tokens("flow multiply after install + 2:\n")
    assert (Keyword.Type, ".i8") in tokens("    add.i8 s0.e, s1.e -> s2.e\n")
    assert (Name.Builtin, "read") in tokens("    T0 + 45: read 0x10 -> s5.e\n")
    assert (Keyword.Namespace, ".input") in tokens(".input A : i8 [4, 32] at mem.w0\n")


def test_what_is_typed_in_the_conversation() -> None:
    found = [(k, v) for k, v in TypedLexer().get_tokens("break line 12\n? acc\nA = randn(3)\n") if v.strip()]
    assert found[0] == (Keyword, "break") and (Keyword, "?") in found and (Name.Variable, "A") in found


def test_pygments_finds_it_by_its_name() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"]["pygments.lexers"] == {"lpuasm": "lpuasm.lexer:LpuasmLexer"}
    assert LpuasmLexer.aliases == ["lpuasm"]
