"""Diagnostics as text: the place in the source with carets, the other parties, the way out.

error[LPU0202]: the constant `N` is defined twice
  --> kernel.s:2:6
    2 | .equ N = 5
      |      ^
    1 | .equ N = 4
      |      - `N` is defined here
   help: give one of them another name
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lpuasm.asm.frames import FRAMES
from lpuasm.isa.errors import Diagnostic, Related, Span

TAB = 4
"""Columns between tab stops."""
WIDTH = 140
"""Columns of a source line that are shown; of a longer one, those around the place."""

_FRAME_WORDS = (*FRAMES.values(), "…")
_CODES = {"error": "1;31", "warning": "1;33", "note": "1;36", "bold": "1", "frame": "34", "party": "1;34", "help": "36"}

Lookup = Mapping[str, str] | Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class _Party:
    span: Span
    sign: str
    text: str
    style: str


def render(diagnostics: Sequence[Diagnostic], sources: Lookup, color: bool = False) -> str:
    """All diagnostics, a blank line between them; ``sources`` has the text of each file by its name in spans."""
    lookup = sources if callable(sources) else sources.get
    texts: dict[str, Sequence[str] | None] = {}

    def row(span: Span) -> str | None:
        if span.file not in texts:
            text = lookup(span.file)
            texts[span.file] = None if text is None else text.removeprefix("\ufeff").split("\n")
        rows = texts[span.file]
        return rows[span.line - 1].rstrip("\r") if rows is not None and 0 < span.line <= len(rows) else None

    return "\n".join("\n".join(_diagnostic(d, row, color)) + "\n" for d in diagnostics)


def _diagnostic(d: Diagnostic, row: Callable[[Span], str | None], color: bool) -> Iterator[str]:
    def paint(style: str, text: str) -> str:
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if color and text else text

    severity = d.severity if d.severity in _CODES else "error"
    yield f"{paint(severity, f'{d.severity}[{d.code}]')}{paint('bold', f': {_clean(d.message)}')}"
    frames = [r for r in d.related if r.message.startswith(_FRAME_WORDS)]
    others = [r for r in d.related if not r.message.startswith(_FRAME_WORDS)]
    parties = [_Party(d.span, "^", d.label, severity)] if d.span else []
    parties += [_Party(r.span, "-", r.message, "party") for r in sorted(others, key=_order) if r.span]
    gutter = max([5, *(len(str(party.span.line)) + 1 for party in parties)])
    file, line = None, 0
    for party in parties:
        span = party.span
        if span.file != file:
            yield f"  {paint('frame', '-->')} {_clean(span.file)}:{span.line}:{span.column}"
        text = row(span)
        if text is not None:
            shown, start, width = _window(text, span)
            if (span.file, span.line) != (file, line):
                yield f"{paint('frame', f'{span.line:>{gutter}} |')} {shown}".rstrip()
            marks = paint(party.style, party.sign * width)
            label = paint(party.style, f" {_clean(party.text)}") if party.text else ""
            yield f"{paint('frame', ' ' * gutter + ' |')} {' ' * start}{marks}{label}"
        elif party.text:
            yield f"{paint('frame', ' ' * gutter + ' |')} {_clean(party.text)}"
        file, line = span.file, span.line
    for r in others:
        if r.span is None:
            yield f"   {paint('frame', 'note')}: {_clean(r.message)}"
    for r in frames:
        where = f" at {_clean(r.span.file)}:{r.span.line}" if r.span else ""
        yield f"   {_clean(r.message)}{where}"
    if d.help:
        yield f"   {paint('help', 'help')}: {_clean(d.help)}"


def _order(related: Related) -> tuple[str, int, int]:
    span = related.span
    return (span.file, span.line, span.column) if span else ("", 0, 0)


def _window(text: str, span: Span) -> tuple[str, int, int]:
    """A row as shown, and where the marks of ``span`` begin and how wide they are, in columns."""
    first = max(0, min(span.column - 1, len(text)))
    last = len(text) if span.end_line > span.line else max(first, min(span.end_column - 1, len(text)))
    cut = 0
    if len(text) > WIDTH:
        cut = max(0, min(first - WIDTH // 3, len(text) - WIDTH))
        end = cut + WIDTH
        text = ("…" if cut else "") + text[cut:end] + ("…" if end < len(text) else "")
        shift = (1 if cut else 0) - cut
        first, last = first + shift, min(last, end) + shift
    cells = [0]
    shown = []
    for character in text:
        piece = " " * (TAB - cells[-1] % TAB) if character == "\t" else _clean(character)
        shown.append(piece)
        cells.append(cells[-1] + (len(piece) if character == "\t" else _width(piece)))
    return "".join(shown), cells[first], max(1, cells[last] - cells[first])


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _clean(text: str) -> str:
    """Text without what a terminal would take as a command."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
