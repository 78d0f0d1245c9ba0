"""Text to lines: the grammar, applied line by line.

Every line stands alone, so one bad line hides no other. A line whose *shape* (the line with its
numbers taken out) was parsed before is not parsed again: it takes the template of its shape and
its own numbers. That is sound because the grammar's NUMBER accepts every number of the pattern
below and nothing in the grammar or the tree depends on its value; failures are never kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lark.exceptions import UnexpectedInput

from lpuasm.asm import words
from lpuasm.asm.grammar import TooDeep, parse_at
from lpuasm.asm.tree import Line, Name, Template, place
from lpuasm.isa.errors import AssemblyError, Diagnostic, error

MAX_FILE = 64 << 20
"""Characters in one file."""
MAX_LINE = 1 << 20
"""Characters in one line (with its continuations)."""
MAX_NESTING = 100
"""Brackets within brackets."""
MAX_ERRORS = 20
"""Errors reported for one file."""
KEPT = 10_000
"""Shapes that are kept for the texts to come."""

NUMBER = re.compile(
    r"(?<![A-Za-z0-9_}])(?<![A-Za-z0-9_}]\.)"
    r"(0[xX]_*[0-9a-fA-F][0-9a-fA-F_]*|0[bB]_*[01][01_]*|0[oO]_*[0-7][0-7_]*"
    r"|[0-9][0-9_]*(?:\.[0-9][0-9_]*)?(?:[eE][+-]?[0-9]+)?)"
    r"(?![A-Za-z0-9_]|\.[0-9])"
)
_DOTTED = re.compile(r"(?<![A-Za-z0-9_.%])[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)+(?![A-Za-z0-9_])")
_ZEROS = str.maketrans("123456789", "000000000")
_COMMENT = re.compile(r'(?:[^";/]+|"[^"\n]*"|"|/(?!/))*')
_BAD = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")
_CONTROLS = bytes(code for code in range(128) if _BAD.match(chr(code)))
_BRACKET = re.compile(r"[()\[\]]")
_FRACTION = re.compile(r"[.eE]")


@dataclass(frozen=True, slots=True)
class RawLine:
    """A line of text: code and comment apart, ``gap`` blanks between; ``code`` keeps the newlines of continuations."""

    number: int
    indent: int
    code: str
    gap: int
    comment: str


def decode(data: bytes, file: str) -> str:
    """UTF-8 bytes as text, a byte order mark dropped; raises AssemblyError with the place of a bad byte."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        start = e.start + (3 if data.startswith(b"\xef\xbb\xbf") else 0)
        before = data[:start].decode("utf-8", "replace")
        number, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise AssemblyError(
            error(
                "LPU0102",
                f"byte 0x{data[start]:02x} is not UTF-8",
                place(file, number, 0, "", column - 1, column),
                help="save the file as UTF-8",
            )
        ) from None


def raw_lines(text: str, before: int = 0) -> Iterator[RawLine]:
    """The lines of a text, with code and comment apart and continued lines joined; ``before`` it are other lines."""
    rows = (text if before else text.removeprefix("\ufeff")).split("\n")
    i, count = 0, len(rows)
    while i < count:
        number, row = before + i + 1, rows[i].rstrip("\r")
        code, gap, comment = split_comment(row)
        while not comment and i + 1 < count and code.endswith("\\"):
            i += 1
            more, gap, comment = split_comment(rows[i].rstrip("\r"))
            code = f"{code}\n{more}"
        bare = code.lstrip(" \t\f")
        yield RawLine(number, len(code) - len(bare), bare, gap, comment)
        i += 1


def split_comment(row: str) -> tuple[str, int, str]:
    """A row as code without trailing blanks, the number of those blanks, and comment (with its sign)."""
    code = row
    if ";" in row or "//" in row:
        match = _COMMENT.match(row)
        assert match is not None  # it matches the empty text
        code = match.group()
    bare = code.rstrip()
    return bare, len(code) - len(bare), row[len(code) :].rstrip()


_templates: dict[str, Template] = {}


class Parser:
    """Parses texts; what is learnt about shapes serves all texts of the process."""

    def __init__(self) -> None:
        self._templates = _templates

    def parse(self, text: str, file: str) -> tuple[list[Line], list[Diagnostic]]:
        """Every line that says something, and what is wrong with the others."""
        if len(text) > MAX_FILE:
            problem = error("LPU0108", f"the file has more than {MAX_FILE} characters", place(file, 1, 0, "", 0, 1))
            return [], [problem]
        return self.between(text, file, 0)

    def readable(self, text: str) -> bool:
        """Whether a text is neither too long nor holds a character that cannot stand in a source."""
        return len(text) <= MAX_FILE and not _dirty(text)

    def between(self, text: str, file: str, before: int) -> tuple[list[Line], list[Diagnostic]]:
        """What :meth:`parse` gives for a part of a file, ``before`` which are other lines."""
        lines: list[Line] = []
        problems: list[Diagnostic] = []
        dirty = _dirty(text)
        for raw in raw_lines(text, before):
            result: Line | Diagnostic | None = _bad_character(raw, file) if dirty else None
            if result is None and raw.code:
                result = self.line(raw, file)
            if isinstance(result, Line):
                lines.append(result)
            elif result is not None:
                problems.append(result)
                if len(problems) == MAX_ERRORS:
                    break
        return lines, problems

    def known(self, raw: RawLine, file: str) -> Line | None:
        """The line, if nothing is wrong with it; what would be wrong is not looked into."""
        result = self.line(raw, file, explain=False)
        return result if isinstance(result, Line) else None

    def line(self, raw: RawLine, file: str, explain: bool = True) -> Line | Diagnostic | None:
        """One line, or what is wrong with it: None unless that is to be explained."""
        code = raw.code
        pieces = NUMBER.split(code)
        digits = pieces[1::2]
        numbers: list[int | float]
        try:
            numbers = [int(text) for text in digits]
            kinds = ["0"] * len(digits)
        except ValueError:
            numbers = [number(text) for text in digits]
            kinds = ["0.5" if isinstance(value, float) else "0" for value in numbers]
        if '"' in code:
            key = code  # digits in a string are no numbers
        else:
            pieces[1::2] = kinds
            key = "".join(pieces)
        template = self._templates.get(key)
        if template is None:
            oversize = _too_large(raw, file)
            if oversize is not None:
                return oversize
            try:
                template = self._parsed(key, _runs(pieces))
            except (UnexpectedInput, TooDeep):
                return _explain(raw, file) if explain else None
            if key is not code or len(key) < 1000:
                if len(self._templates) >= KEPT:
                    self._templates.clear()
                self._templates[key] = template
        if not digits:
            return Line(file, raw.number, raw.indent, code, template, (), ())
        ends, position = [], 0
        for text, run in zip(digits, pieces[::2], strict=False):
            position += len(run) + len(text)
            ends.append(position)
        return Line(file, raw.number, raw.indent, code, template, tuple(numbers), tuple(ends))

    def _parsed(self, key: str, runs: tuple[tuple[int, int], ...]) -> Template:
        """The template of a shape; shapes that differ in digits of dotted names alone are parsed once."""
        family = key
        if "." in key and '"' not in key and "{" not in key:
            family = _DOTTED.sub(lambda match: match[0].translate(_ZEROS), key)
        if family == key:
            return parse_at(key, runs)
        template = self._templates.get(family)
        if template is None:
            template = self._templates[family] = parse_at(family, runs)
        return template._replace(prefix=_renamed(template.prefix, key), body=_renamed(template.body, key), before={})


def _renamed(node: Any, key: str) -> Any:
    """A part of a tree with the dotted names of ``key``, which differs from its own line in their digits alone."""
    if isinstance(node, Name):
        return node._replace(text=key[node.start : node.end]) if "." in node.text else node
    if not isinstance(node, tuple):
        return node
    parts = [_renamed(part, key) for part in node]
    return type(node)(*parts) if hasattr(node, "_fields") else tuple(parts)


def _explain(raw: RawLine, file: str) -> Diagnostic:
    """What is wrong with a line that did not parse: parse it as it stands."""
    try:
        parse_at(raw.code, ())
    except TooDeep as e:
        span = place(file, raw.number, raw.indent, raw.code, e.start, e.end)
        return error("LPU0107", "this expression is nested too deeply", span, help="name a part of it with .equ")
    except UnexpectedInput as e:
        return words.explain(e, raw, file)
    raise AssertionError(f"the shape of a line must not depend on its numbers: {raw.code!r}")


def number(text: str) -> int | float:
    """A number as written; the text has the form of NUMBER."""
    text = text.replace("_", "")
    if text[:2].lower() in ("0x", "0b", "0o"):
        return int(text, 0)
    if _FRACTION.search(text):
        return float(text)
    return int(text) if len(text) < 40 else 1 << 64  # out of range in any case; Python limits the digits of int()


def _runs(pieces: list[str]) -> tuple[tuple[int, int], ...]:
    """Where the numbers are, in a canonical line."""
    runs, position = [], 0
    for i, piece in enumerate(pieces):
        if i % 2:
            runs.append((position, position + len(piece)))
        position += len(piece)
    return tuple(runs)


def _dirty(text: str) -> bool:
    """Whether a character in a text is no text. ASCII is looked at in a tenth of the time of the pattern."""
    if text.isascii():
        return len(text.encode().translate(None, _CONTROLS)) < len(text)
    return _BAD.search(text) is not None


def _bad_character(raw: RawLine, file: str) -> Diagnostic | None:
    """A character that is no text, in a line or its comment."""
    text = f"{raw.code}{' ' * raw.gap}{raw.comment}"
    bad = _BAD.search(text)
    if bad is None:
        return None
    at = place(file, raw.number, raw.indent, text, bad.start(), bad.end())
    return error("LPU0102", f"character U+{ord(bad.group()):04X} cannot stand in a source", at, help="delete it")


def _too_large(raw: RawLine, file: str) -> Diagnostic | None:
    """Sizes that are no program."""
    if len(raw.code) > MAX_LINE:
        at = place(file, raw.number, raw.indent, raw.code, 0, 1)
        return error("LPU0108", f"the line has more than {MAX_LINE} characters", at)
    depth = 0
    for match in _BRACKET.finditer(raw.code):
        depth += 1 if match.group() in "([" else -1
        if depth > MAX_NESTING:
            at = place(file, raw.number, raw.indent, raw.code, match.start(), match.end())
            return error(
                "LPU0107", f"more than {MAX_NESTING} brackets within each other", at, help="name a part with .equ"
            )
    return None
