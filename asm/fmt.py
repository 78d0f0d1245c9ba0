"""One canonical layout: what ``lpuasm fmt`` writes.

Blocks and sections indent by four, labels stand four to the left of the statements, mnemonics, kinds
of tensors, cycles and comments of neighbouring lines are aligned, there is at most one blank line in a row.
Spaces around operators are the writer's (one or none). Nothing but blanks changes, so the text
means what it meant, and laying it out again changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lpuasm.asm.blocks import nest
from lpuasm.asm.parser import Parser, RawLine, raw_lines
from lpuasm.asm.spacing import prefix_text, spaced
from lpuasm.asm.tree import Body, Directive, FlowLine, Line, LocalName, Name, StatementLine, TensorLine
from lpuasm.isa.errors import AssemblyError

INDENT = 4
_OPENS = ("macro", "for", "if")
_CLOSES = ("endm", "endfor", "endif")
_MIDDLES = ("elif", "else")
_FLAT = ("target", "param", "include", "import", "extern", "macro", "endm")


@dataclass(slots=True)
class _Row:
    """A line of the result: ``prefix`` is its cycle or label with the colon, ``word`` its mnemonic."""

    kind: str  # header, flat, statement, label, follow (as the next line that says something), blank, comment
    depth: int
    prefix: str = ""
    word: str = ""
    rest: str = ""
    comment: str = ""
    indent: int = 0


def fmt(text: str, name: str = "<text>") -> str:
    """The text in canonical layout; raises AssemblyError where it has syntax errors."""
    parser = Parser()
    lines, problems = parser.parse(text, name)
    problems = problems or nest(lines)[1]
    if problems:
        raise AssemblyError(*problems)
    by_number = {line.number: line for line in lines}
    raws = list(raw_lines(text))
    rows = _rows(raws, [by_number.get(raw.number) for raw in raws])
    _follow(rows)
    return _print(_align(rows))


def _rows(raws: Sequence[RawLine], lines: Sequence[Line | None]) -> list[_Row]:
    bodies = [line.template.body if line else None for line in lines]
    holds = _holds(bodies)
    sectioned = not any(_is_header(body) for body in bodies)
    saved: list[tuple[bool, bool]] = []
    depth, inside = 0, sectioned
    rows: list[_Row] = []
    for i, (raw, line, body) in enumerate(zip(raws, lines, bodies, strict=True)):
        if line is None:
            rows.append(_Row("comment" if raw.comment else "blank", depth, comment=raw.comment))
            continue
        kind = body.kind if isinstance(body, Directive) else ""
        if kind in _OPENS:
            level = inside and kind != "macro" and holds[i] == "statement"
            saved.append((inside, level))
            row_kind, row_depth = ("statement" if level else "flat"), depth
            inside = level
            depth += 1
        elif kind in _CLOSES or kind in _MIDDLES:
            outer, level = saved[-1]
            row_kind, row_depth = ("statement" if level else "flat"), depth - 1
            if kind in _CLOSES:
                saved.pop()
                depth -= 1
                inside = outer
        elif _is_header(body):
            row_kind, row_depth, inside = "header", depth, True
        elif isinstance(body, TensorLine) or kind in _FLAT:
            row_kind, row_depth = "flat", depth
        elif kind == "equ":
            row_kind, row_depth = "follow", depth
        elif body is None and isinstance(line.template.prefix, (Name, LocalName)):
            row_kind, row_depth = "label", depth
        else:
            row_kind, row_depth = "statement", depth
        in_section = inside and row_kind in ("statement", "follow", "label")
        if kind in _OPENS or kind in _CLOSES or kind in _MIDDLES:
            in_section = row_kind == "statement"
        indent = INDENT * (row_depth + (1 if in_section else 0))
        if row_kind == "label":
            indent = max(0, indent - INDENT)
        prefix, code = prefix_text(raw.code, has_prefix=line.template.prefix is not None)
        pieces = spaced(code, body)
        word = pieces[0] if isinstance(body, (StatementLine, TensorLine)) else ""
        rest = "".join(pieces[1:]).lstrip() if word else "".join(pieces)
        rows.append(_Row(row_kind, row_depth, prefix, word, rest, raw.comment, indent))
    return rows


def _holds(bodies: Sequence[Body | None]) -> dict[int, str]:
    """For each line that opens a block: whether it holds a header, or else a statement."""
    holds: dict[int, str] = {}
    stack: list[int] = []
    for i, body in enumerate(bodies):
        kind = body.kind if isinstance(body, Directive) else ""
        if kind in _OPENS:
            stack.append(i)
            holds[i] = ""
        elif kind in _CLOSES:
            stack.pop()
        elif _is_header(body):
            holds.update(dict.fromkeys(stack, "header"))
        elif isinstance(body, StatementLine):
            holds.update({j: holds[j] or "statement" for j in stack})
    return holds


def _is_header(body: Body | None) -> bool:
    return isinstance(body, FlowLine) or (isinstance(body, Directive) and body.kind in ("unit", "queue"))


def _follow(rows: list[_Row]) -> None:
    """Comments and constants go with the next line that says something."""
    indent: int | None = None
    depth = 0
    for row in reversed(rows):
        if row.kind in ("comment", "follow") and (indent is None or depth < row.depth):
            row.indent = INDENT * row.depth if row.kind == "comment" else row.indent
        elif row.kind == "comment" or row.kind == "follow":
            assert indent is not None
            row.indent = indent
        if row.kind not in ("comment", "blank"):
            indent, depth = row.indent, row.depth


def _align(rows: Sequence[_Row]) -> list[tuple[str, str]]:
    """(code, comment) of each line, cycles and mnemonics of neighbours aligned."""
    result: list[tuple[str, str]] = []
    i = 0
    while i < len(rows):
        run = [rows[i]]
        if rows[i].word:
            while i + len(run) < len(rows) and _neighbours(run[-1], rows[i + len(run)]):
                run.append(rows[i + len(run)])
        cycles = max(len(row.prefix) for row in run)
        words = max(len(row.word) for row in run)
        for row in run:
            parts = [row.prefix.ljust(cycles + 1 if cycles and (row.word or row.rest) else 0)]
            parts.append(f"{row.word.ljust(words)} {row.rest}" if row.word and row.rest else row.word + row.rest)
            continued = "\n" + " " * (row.indent + INDENT)
            code = "".join(parts).rstrip().replace("\n", continued)
            result.append((" " * row.indent + code if code else "", row.comment))
            if not code and row.comment:
                result[-1] = ("", " " * row.indent + row.comment)
        i += len(run)
    return result


def _neighbours(a: _Row, b: _Row) -> bool:
    return bool(b.word) and a.indent == b.indent and bool(a.prefix) == bool(b.prefix) and "\n" not in a.rest


def _print(lines: Sequence[tuple[str, str]]) -> str:
    out: list[str] = []
    i = 0
    while i < len(lines):
        code, comment = lines[i]
        if not code:
            if comment or (out and out[-1]):
                out.append(comment)
            i += 1
            continue
        run = 1
        while comment and i + run < len(lines) and lines[i + run][0] and lines[i + run][1]:
            run += 1
        group = lines[i : i + run]
        width = max(len(_last(code)) for code, _ in group) + 2
        for code, comment in group:
            pad = " " * (width - len(_last(code)))
            out.append(f"{code}{pad}{comment}" if comment else code)
        i += run
    while out and not out[-1]:
        out.pop()
    return "\n".join(out) + "\n" if out else ""


def _last(code: str) -> str:
    return code.rpartition("\n")[2]
