"""Text laid out for a screen: columns side by side, lines folded between words, tables of the manual drawn."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

_PAINT = re.compile(r"\x1b\[[0-9;]*m")
_TOKEN = re.compile(r" *[^ ]+")
#: Lines of source in a diagnostic: carets stand below them.
_SOURCE = re.compile(r"\s*\d* \|")


def columns(rows: Sequence[Sequence[str]], gap: int = 2) -> list[str]:
    """Rows of cells as lines; each column is as wide as its widest cell."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return [(" " * gap).join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]


def folded(text: str, width: int) -> str:
    """The lines of a text, those that are longer than ``width`` broken between words and indented by four more."""
    return "\n".join(part for line in text.split("\n") for part in _fold(line, width))


def _fold(line: str, width: int, hang: int | None = None) -> Iterator[str]:
    if _length(line) <= width or _SOURCE.match(_PAINT.sub("", line)):
        yield line
        return
    if hang is None:
        hang = len(line) - len(line.lstrip()) + 4
    now = ""
    for token in _TOKEN.findall(line):
        if now.strip() and _length(now + token) > width:
            yield now
            now = " " * min(hang, width // 2) + token.lstrip()
        else:
            now += token
    yield now


def _length(text: str) -> int:
    return len(_PAINT.sub("", text))


def page(markdown: str, width: int) -> str:
    """A page of the manual: tables drawn with columns, long lines folded, headings without their signs.

    The encoding of an instruction and where its facts come from are left out: a screen is small.
    """
    lines: list[str] = []
    kept = re.sub(r"(?ms)^## (?:Encoding|Provenance)$.*?(?=^## |\Z)", "", markdown).rstrip("\n")
    for table, group in groupby(kept.split("\n"), lambda line: line.startswith("|")):
        if table:
            lines += _table(list(group), width)
        else:
            lines += [part for line in group for part in _fold(re.sub(r"^#+ |^```.*$", "", line), width, 0)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


def _table(lines: Sequence[str], width: int) -> Iterator[str]:
    rows = [[cell.strip().replace("`", "") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    del rows[1:2]
    start = sum(max(map(len, cells)) + 2 for cells in list(zip(*rows, strict=True))[:-1])
    for row, line in zip(rows, columns(rows), strict=True):
        yield from _fold("  " + line, width, 2 + start if start < width // 2 else 6)
        if row is rows[0]:
            yield ""
