"""Lines to blocks: what stands between .macro and .endm, .for and .endfor, .if and .endif."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lpuasm.asm.block import Block
from lpuasm.asm.tree import Directive, Line
from lpuasm.isa.errors import Diagnostic, Related, Span, error

MAX_BLOCKS = 100
"""Blocks within each other in one file."""


@dataclass(frozen=True, slots=True)
class Macro:
    line: Line
    body: Sequence[Node]


@dataclass(frozen=True, slots=True)
class Loop:
    line: Line
    body: Sequence[Node]


@dataclass(frozen=True, slots=True)
class Branches:
    """``.if``, ``.elif`` and ``.else`` lines, each with what it guards."""

    branches: Sequence[tuple[Line, Sequence[Node]]]


Node = Line | Block | Macro | Loop | Branches

_ENDS = {"endm": "macro", "endfor": "for", "endif": "if", "elif": "if", "else": "if"}
_CLOSES = {"macro": "endm", "for": "endfor", "if": "endif"}


@dataclass(slots=True)
class _Open:
    kind: str
    line: Line
    body: list[Node]
    branches: list[tuple[Line, Sequence[Node]]]
    last: Line


def nest(lines: Sequence[Line | Block]) -> tuple[list[Node], list[Diagnostic]]:
    """The blocks of a file, and what is wrong with their ends."""
    top: list[Node] = []
    stack: list[_Open] = []
    problems: list[Diagnostic] = []
    for line in lines:
        if isinstance(line, Block):
            if stack:
                stack[-1].body.extend(line.lines())
            else:
                top.append(line)
            continue
        body = line.template.body
        kind = body.kind if isinstance(body, Directive) else ""
        if kind in _CLOSES:
            if len(stack) >= MAX_BLOCKS:
                problems.append(error("LPU0107", f"more than {MAX_BLOCKS} blocks within each other", _span(line)))
                return top, problems
            stack.append(_Open(kind, line, [], [], line))
        elif kind in _ENDS:
            if not stack or stack[-1].kind != _ENDS[kind]:
                problems.append(_stray(kind, line, stack))
            elif kind in ("elif", "else"):
                _branch(stack[-1], kind, line, problems)
            else:
                done = stack.pop()
                (stack[-1].body if stack else top).append(_close(done))
        else:
            (stack[-1].body if stack else top).append(line)
    for opened in stack:
        close = _CLOSES[opened.kind]
        message = f"this .{opened.kind} has no .{close}"
        problems.append(error("LPU0106", message, _span(opened.line), help=f"end it with `.{close}`"))
    return top, problems


def _close(done: _Open) -> Node:
    if done.kind == "macro":
        return Macro(done.line, done.body)
    if done.kind == "for":
        return Loop(done.line, done.body)
    return Branches([*done.branches, (done.last, done.body)])


def _branch(opened: _Open, kind: str, line: Line, problems: list[Diagnostic]) -> None:
    last = opened.last.template.body
    if isinstance(last, Directive) and last.kind == "else":
        related = (Related("the .else", _span(opened.last)),)
        problems.append(error("LPU0106", f".{kind} after .else", _span(line), related=related))
        return
    opened.branches.append((opened.last, opened.body))
    opened.body, opened.last = [], line


def _stray(kind: str, line: Line, stack: Sequence[_Open]) -> Diagnostic:
    message = f".{kind} without .{_ENDS[kind]}"
    if not stack:
        return error("LPU0106", message, _span(line))
    open_ = stack[-1]
    related = (Related(f"the innermost open block is this .{open_.kind}", _span(open_.line)),)
    return error("LPU0106", message, _span(line), related=related, help=f"first end that with `.{_CLOSES[open_.kind]}`")


def _span(line: Line) -> Span:
    body = line.template.body
    assert body is not None
    return line.span(body.start, body.end)
