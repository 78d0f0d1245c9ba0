"""The blanks inside a line of canonical layout."""

from __future__ import annotations

import re
from itertools import pairwise

from lpuasm.asm.grammar import split_prefix
from lpuasm.asm.tree import Body, Directive, FlowLine, FormulaPart, StatementLine, TensorLine

_TOKEN = re.compile(
    r'"[^"\n]*"'
    r"|(?:[0-9][0-9_]*(?:\.[0-9][0-9_]*)?(?:[eE][+-]?[0-9]+)?(?![A-Za-z0-9_]))"
    r"|(?:%%|\.)?(?:[A-Za-z0-9_]|\{[^{}\n]*\})+(?:\.(?:[A-Za-z0-9_]|\{[^{}\n]*\})+)*"
    r"|->|\.\.|<<|>>|<=|>=|==|!=|&&|\|\||\\[ \t]*\r?\n|\S"
)
_OPERATORS = frozenset(["<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "<", ">", "|", "^", "&", "*", "/"])
_SIGNS = frozenset(["+", "-", "~", "!"])


def prefix_text(code: str, has_prefix: bool) -> tuple[str, str]:
    """A line's cycle or label with its colon, and the rest."""
    if not has_prefix:
        return "", code
    colon = split_prefix(code)
    return "".join(spaced(code[:colon], None)) + ":", code[colon + 1 :]


def spaced(code: str, body: Body | None) -> list[str]:
    """The tokens of a line, each but the first with the blanks, or the continuation, before it."""
    matches = [match for match in _TOKEN.finditer(code) if match.group()[0] != "\\"]
    tokens = [match.group() for match in matches]
    between = [code[a.end() : b.start()] for a, b in pairwise(matches)]
    before = [False, *(bool(blanks) for blanks in between)]
    out: list[str] = []
    depth = 0
    for i, token in enumerate(tokens):
        blank = ""
        if i:
            after = i + 1 < len(tokens) and before[i + 1]
            blank = " " if _gap(tokens, i, before, after, depth, body) else ""
            blank = " \\\n" if "\n" in between[i - 1] else blank
        out.append(blank + token)
        depth += (token in ("(", "[")) - (token in (")", "]"))
    return out


def _gap(tokens: list[str], i: int, before: list[bool], after: bool, depth: int, body: Body | None) -> bool:
    """Whether a blank stands between token i - 1 and token i."""
    left, token = tokens[i - 1], tokens[i]
    if "->" in (left, token) or left == ",":
        return True
    if token in (",", ")", "]") or left in ("(", "[") or ".." in (left, token):
        return False
    declares = isinstance(body, TensorLine) or (isinstance(body, Directive) and body.kind in ("param", "equ", "def"))
    if "=" in (left, token):
        return declares
    if ":" in (left, token) and depth == 0 and isinstance(body, FlowLine):
        return False
    if ":" in (left, token) and depth == 0 and isinstance(body, TensorLine):
        colon = i if token == ":" else i - 1
        if colon == tokens.index(":"):
            return True
        if isinstance(body.values, FormulaPart) and _ends_indices(tokens, colon):
            return left == ":"
    if "@" in (left, token):
        return token == "@" or isinstance(body, FlowLine)
    if token == "[":
        if depth == 0 and isinstance(body, TensorLine):
            return i == tokens.index("[")
        if _ends_operand(left):
            return i == 1 and isinstance(body, StatementLine)
        return _around(tokens, i, before)
    if i == 1 and isinstance(body, StatementLine):
        return True
    if token in _OPERATORS or token in _SIGNS or token == ":":
        return _before_operator(tokens, i, before, after)
    return _around(tokens, i, before)


def _ends_indices(tokens: list[str], colon: int) -> bool:
    """Whether a colon is the one of ``for i, j:``."""
    first = next(k for k in range(len(tokens)) if tokens[k : k + 2] == ["=", "for"])
    return tokens.index(":", first) == colon


def _before_operator(tokens: list[str], i: int, before: list[bool], after: bool) -> bool:
    if tokens[i] in _SIGNS and before[i] and not after:
        return True  # perhaps a sign: step -1
    if not _ends_operand(tokens[i - 1]):
        return before[i] if tokens[i] not in _SIGNS else _around(tokens, i, before)
    return before[i] or after


def _around(tokens: list[str], i: int, before: list[bool]) -> bool:
    """The blank before a token that is no operator: after one, as many as before it."""
    left = tokens[i - 1]
    if left in _SIGNS and (i < 2 or not _ends_operand(tokens[i - 2])):
        return False
    if left in _SIGNS and before[i - 1] and not before[i]:
        return False
    if left in _OPERATORS or left in _SIGNS or left == ":":
        return before[i] or (before[i - 1] and _ends_operand(tokens[i - 2]) if i > 1 else False)
    return before[i]


def _ends_operand(token: str) -> bool:
    return token[-1:].isalnum() or token[-1:] in '_})]?"'
