"""A Pygments lexer for assembly, made from the instruction table; and one for what is typed in the conversation.

Pygments finds the first as `lpuasm`, by the entry point of the package: `pygmentize -l lpuasm kernel.s`.
"""

from __future__ import annotations

import re
from typing import ClassVar

from pygments.lexer import RegexLexer, bygroups, default, include, words
from pygments.token import (
    Comment,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Text,
)

from lpuasm.isa.core import table
from lpuasm.isa.operands import TYPES
from lpuasm.isa.target import load_target

_CLAUSES = (
    "repeat", "every", "step", "at", "bank", "address", "tile", "banks", "run", "for", "after", "with", "in", "latch",
)  # fmt: skip


def _clauses() -> list[str]:
    """Words after the operands: the language's own, and those of the table."""
    own = {o.name for d in table() for o in d.operands if o.role == "clause"}
    return sorted({*_CLAUSES, *own})


def _units() -> str:
    """A pattern of the names of queues and units of every chip, whatever their numbers."""
    names = {part for q in load_target("tsp1").queues for part in (q.name, q.unit)}
    shapes = {re.sub(r"\d+", r"\\d+", re.escape(name)) for name in names}
    shapes |= {re.escape(f"{unit}.{side}") for unit in ("mem", "mxm", "sxm") for side in "we"}
    return rf"(?:{'|'.join(sorted(shapes, key=len, reverse=True))})(?![\w])"


_MNEMONICS = sorted({d.mnemonic for d in table()})
_TYPES = rf"(?:{'|'.join(TYPES)})(?!\w)"


class LpuasmLexer(RegexLexer):  # type: ignore[misc]  # Pygments has no types
    """LPU assembly: flows, schedules, words and scalar code."""

    name = "LPU assembly"
    aliases: ClassVar = ["lpuasm"]
    filenames: ClassVar = ["*.s"]
    mimetypes: ClassVar = ["text/x-lpuasm"]
    url = ""

    tokens: ClassVar = {
        "root": [
            (r"[ \t]+", Text),
            (r"(flow)([ \t]+)([\w{}]+)", bygroups(Keyword, Text, Name.Function), "line"),
            (r"\.[a-z]+", Keyword.Namespace, "line"),
            (r"^([ \t]*)([A-Za-z_][\w{}]*)([ \t]*)(:)", bygroups(Text, Name.Label, Text, Punctuation)),
            (rf"([ \t]*)({'|'.join(_MNEMONICS)})(?![\w])((?:\.[\w]+)*)", bygroups(Text, Name.Builtin, Keyword.Type),
             "line"),
            default("line"),
        ],
        "line": [
            (r"\n", Text, "#pop"),
            (r":(?=[ \t]*[a-z_]+[ \t.])", Punctuation, "#pop"),
            include("operands"),
        ],
        "operands": [
            (r"[ \t\f\r]+|\\\n", Text),
            (r"(?:;|//)[^\n]*", Comment.Single),
            (r'"[^"\n]*"', String),
            (r"->|@", Operator),
            (r"s(?:g(?:2|4|8|16|32))?\d*\.[ew](?![\w])", Name.Variable),
            (_units(), Name.Class),
            (r"%%?[A-Za-z_][\w{}]*", Name.Variable.Magic),
            (r"r(?:[12]?\d|3[01])(?!\w)", Name.Variable),
            (_TYPES, Keyword.Type),
            (words(tuple(_clauses()), suffix=r"(?!\w)"), Keyword),
            (r"0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+", Number.Integer),
            (r"\d[\d_]*\.[\d_]*(?:[eE][+-]?\d+)?|\d[\d_]*[eE][+-]?\d+", Number.Float),
            (r"\d[\d_]*", Number.Integer),
            (r"[A-Za-z_][\w{}]*", Name),
            (r"[-+*/%&|^~!<>=?]+", Operator),
            (r"[\[\](){},:.]", Punctuation),
            (r".", Text),
        ],
    }  # fmt: skip


class TypedLexer(LpuasmLexer):
    """What is typed in the conversation: assembly, commands, and tensors as expressions."""

    name = "lpuasm repl"
    aliases: ClassVar = []
    filenames: ClassVar = []

    tokens: ClassVar = {
        **LpuasmLexer.tokens,
        "root": [
            (r"^(\?)([^\n]*)", bygroups(Keyword, Name)),
            (r"^([A-Za-z_]\w*)([ \t]*)(=)(?!=)", bygroups(Name.Variable, Text, Operator), "line"),
            (r"^(?!flow\b)[A-Za-z_][\w-]*", Keyword, "line"),
            *LpuasmLexer.tokens["root"],
        ],
    }
