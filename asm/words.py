"""Syntax errors in words: what was found, what could have stood there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from lpuasm.asm.tree import place
from lpuasm.isa.errors import Diagnostic, error
from lpuasm.isa.suggest import did_you_mean

if TYPE_CHECKING:
    from lpuasm.asm.parser import RawLine

DIRECTIVES = (
    "target", "param", "equ", "def", "extern", "macro", "endm", "for", "endfor", "if", "elif", "else", "endif",
    "include", "import", "unit", "queue", "input", "weight", "output", "const", "temp",
)  # fmt: skip

CLAUSES = ("repeat", "every", "step", "spread", "half", "group", "low8", "wrap", "keep", "bypass")

_VALUE = {"NUMBER", "NAME", "PATH", "VALUE", "LOCAL", "STRING", "LPAR", "LSQB", "HOLE", "MINUS", "PLUS"}
_OPERATORS = {
    "OROR", "ANDAND", "PIPE", "CARET", "AMPERSAND", "EQ", "NE", "LE", "GE", "LT", "GT", "SHL", "SHR",
    "PLUS", "MINUS", "STAR", "SLASH", "PERCENT",
}  # fmt: skip
_SIGNS = {
    "COMMA": "`,`", "COLON": "`:`", "EQUAL": "`=`", "RPAR": "`)`", "RSQB": "`]`", "LSQB": "`[`", "LPAR": "`(`",
    "_ARROW": "`->`", "PIN": "`@`", "AT": "`at`", "BY": "`x`", "NAME": "a name", "PATH": "a unit", "NUMBER": "a number",
    "STRING": "a file name in quotes", "$END": "the end of the line", "HOLE": "`?`", "FLAG": "`low8`",
    "TILES": "a size such as `16x320`", "DOTDOT": "`..`", "LENGTH": "`:+`", "TENSOR": "`.input`", "EACH": "`for`",
}  # fmt: skip


def explain(e: UnexpectedInput, raw: RawLine, file: str) -> Diagnostic:
    """The diagnostic for a line that the grammar refuses."""
    code = raw.code
    start = min(e.pos_in_stream or 0, len(code))
    end = start + 1
    accepts = set(e.may_follow or ())
    found = "the end of the line"
    if isinstance(e, UnexpectedToken):
        if e.token.type == "$END":
            start, end = e.stop, e.stop + 1
            found = f"`{code[start]}`" if start < len(code) else found
        else:
            end = e.token.end_pos or start + 1
            found = f"`{code[start:end]}`"
    elif isinstance(e, UnexpectedCharacters):
        end = start + len(_word_at(code, start))
        found = f"`{code[start:end]}`"
    span = place(file, raw.number, raw.indent, code, start, end)
    word = _word_at(code, start)
    if start == 0 and word.startswith(".") and word[1:] not in DIRECTIVES:
        known = [f".{name}" for name in DIRECTIVES]
        help = did_you_mean(word, known, f"the directives are {' '.join(known)}")
        return error("LPU0105", f"unknown directive `{word}`", span, help=help)
    if isinstance(e, UnexpectedCharacters):
        if word[:1] == '"':
            return error("LPU0104", "this string has no end on its line", span, help='write a `"` behind it')
        if word[:1] == "{":
            return error("LPU0104", "this `{` has no `}` on its line", span)
        if word[:1].isdigit():
            message = f"`{word}` is not a number"
            return error("LPU0103", message, span, help="numbers are 12, 0x1f, 0b101, 0o17, 1_000, 1.5, 1e-3")
    expected = in_words(accepts)
    message = f"expected {expected}, found {found}" if expected else f"{found} cannot stand here"
    return error("LPU0101", message, span, help=_spelling(code, start, end, accepts))


def _spelling(code: str, start: int, end: int, accepts: set[str]) -> str:
    """A word of the language that the word at or before a place may have meant."""
    if start >= len(code):
        word, words = code.split()[-1] if code.split() else "", list(CLAUSES)
    else:
        word, words = code[start:end], [t.lower() for t in accepts] + list(CLAUSES) * ("REPEAT" in accepts)
    return did_you_mean(word, words) if word.isalnum() and word not in words else ""


def in_words(accepts: Iterable[str]) -> str:
    """Terminals of the grammar as a phrase: ``a value, `]` or `..```."""
    left = set(accepts)
    phrases: list[str] = []
    if {"TARGET", "UNIT", "ENDM"} <= left:
        return "a statement, a flow or a directive"
    if {"NUMBER", "NAME", "LPAR"} <= left:
        phrases.append("a value")
        left -= _VALUE | {"TILDE", "BANG"}
    if {"STAR", "SLASH"} <= left:
        left -= {*_OPERATORS, "HOLE", "LSQB", "LPAR"}
        phrases.append("an operator")
    if "REPEAT" in left:
        phrases.append("a clause")
        left -= {"REPEAT", "FLAG", "PIN", "NAME"}
    phrases += [_SIGNS.get(t) or _plain(t) for t in sorted(left, key=lambda t: (t == "$END", _SIGNS.get(t, t)))]
    phrases = list(dict.fromkeys(phrases))
    if len(phrases) > 1:
        return f"{', '.join(phrases[:-1])} or {phrases[-1]}"
    return phrases[0] if phrases else ""


def _plain(terminal: str) -> str:
    if terminal.lower() in DIRECTIVES and terminal not in ("AT",):
        return f"`.{terminal.lower()}`"
    return f"`{terminal.lower()}`"


def _word_at(code: str, start: int) -> str:
    match = re.compile(r'"[^\n]*|\.?[\w.]+|.', re.DOTALL).match(code, start)
    return match.group() if match else ""
