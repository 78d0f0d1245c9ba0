"""``repeat n [every d] [step s]`` as a nest of issues."""

from __future__ import annotations

from lpuasm.asm.syntax import Repeat, Statement
from lpuasm.isa.errors import AssemblyError
from lpuasm.isa.operands import Dim

LARGEST = 1 << 32
"""Beyond every count, interval and step that a word holds."""


def nest(statement: Statement, step: int) -> tuple[Dim, ...]:
    """The dimensions of a statement's repeats, innermost first; ``step`` is what is not written.

    A count of one is no dimension. An interval that is not written is the shortest that the inner dimensions leave.
    """
    dims: list[Dim] = []
    inner = 0
    for repeat in statement.repeats:
        _check(statement, repeat)
        if repeat.count == 1:
            continue
        every = inner + 1 if repeat.every is None else repeat.every
        dims.append(Dim(repeat.count, every, step if repeat.step is None else repeat.step))
        inner += (repeat.count - 1) * every
    return tuple(dims)


def span(dims: tuple[Dim, ...]) -> int:
    """Cycles from the first issue of a nest to its last."""
    return sum((dim.count - 1) * dim.every for dim in dims)


def _check(statement: Statement, repeat: Repeat) -> None:
    if repeat.count < 1:
        message, help_ = f"a repeat of {repeat.count} issues", "the count is of all issues, the first one included"
        raise AssemblyError(statement.error("LPU0408", message, repeat.span, help=help_))
    if repeat.every is not None and repeat.every < 1:
        message = f"issues {repeat.every} cycles apart"
        raise AssemblyError(statement.error("LPU0408", message, repeat.span, help="write `every 1` or more"))
    if max(repeat.count, repeat.every or 0, abs(repeat.step or 0)) > LARGEST:
        raise AssemblyError(statement.error("LPU0408", "no instruction word holds so large a repeat", repeat.span))
