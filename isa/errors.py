"""Diagnostics: what went wrong, where, and what to write instead.

Every error a user can cause is a :class:`Diagnostic` with a code from the
catalogue ``errors.toml`` and travels in one exception, :class:`LpuError`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of source text. Lines and columns count from 1; the end is exclusive."""

    file: str
    line: int
    column: int = 1
    end_line: int = 0
    end_column: int = 0

    def __post_init__(self) -> None:
        if self.end_line == 0:
            object.__setattr__(self, "end_line", self.line)
        if self.end_column == 0:
            object.__setattr__(self, "end_column", self.column + 1)


@dataclass(frozen=True, slots=True)
class Related:
    """Another party of a diagnostic: the other statement, a macro or include frame."""

    message: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One error or warning.

    ``label`` is what is printed under the carets; ``help`` is the way out.
    """

    code: str
    message: str
    span: Span | None = None
    label: str = ""
    related: tuple[Related, ...] = ()
    help: str = ""
    severity: str = "error"

    def at(self, span: Span | None) -> Diagnostic:
        """The same diagnostic at ``span``, unless it already has a place."""
        return self if self.span is not None or span is None else replace(self, span=span)

    def to_json(self) -> dict[str, Any]:
        """The fixed JSON form of a diagnostic (design, interfaces)."""
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            **_place(self.span),
            "related": [{"message": r.message, **_place(r.span)} for r in self.related],
            "help": self.help or None,
        }


def _place(span: Span | None) -> dict[str, Any]:
    if span is None:
        return dict.fromkeys(("file", "line", "column", "end_line", "end_column"))
    return {
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


class LpuError(Exception):
    """The one exception family of lpuasm; it carries at least one diagnostic."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        assert diagnostics, "an LpuError says what is wrong"
        super().__init__(*diagnostics)
        self.diagnostics: tuple[Diagnostic, ...] = diagnostics

    @property
    def code(self) -> str:
        """The code of the first diagnostic."""
        return self.diagnostics[0].code

    def __str__(self) -> str:
        return "\n".join(map(_text, self.diagnostics))


def _text(d: Diagnostic) -> str:
    way_out = f"\n    help: {d.help}" if d.help else ""
    return f"{_where(d.span)}{d.severity}[{d.code}]: {d.message}{way_out}"


def _where(span: Span | None) -> str:
    return f"{span.file}:{span.line}:{span.column}: " if span else ""


class AssemblyError(LpuError):
    """The source does not assemble, or the program is not legal."""


class ObjectError(LpuError):
    """Bytes that are not a program this version can load."""


class SpecError(LpuError):
    """The instruction set or a target file contradicts itself."""


class BindError(LpuError):
    """What was bound to a program does not fit it."""


class ArgumentError(LpuError):
    """A function or a kernel was called with what it does not take.

    What is raised is Python's own error too, so that ``except ValueError`` finds it.
    """


class WrongType(ArgumentError, TypeError):
    """An argument of a type that is not taken, or one too many or too few."""


class WrongValue(ArgumentError, ValueError):
    """A shape or a value that is not taken."""


class WrongIndex(ArgumentError, IndexError):
    """An index outside a table."""


class WrongName(ArgumentError, KeyError):
    """A name that a run or a program does not have."""


class Fault(LpuError):
    """A program broke the machine's rules while it ran.

    ``cycle``, ``queue`` and ``word`` say where; ``category`` whether its schedule is wrong or only its data.
    """

    def __init__(self, *diagnostics: Diagnostic, cycle: int = 0, queue: str = "", word: int = 0) -> None:
        super().__init__(*diagnostics)
        self.cycle = cycle
        self.queue = queue
        self.word = word

    @property
    def category(self) -> str:
        return "data" if self.code.startswith("LPU07") else "schedule"


@dataclass(frozen=True, slots=True)
class Entry:
    """A code of the catalogue: its title, what it means, a bad example and its repair.

    An example is a source, or a session: commands after ``$ ``, going on after ``> ``, in a folder with ``examples/``.
    """

    code: str
    title: str
    meaning: str
    bad: str = ""
    good: str = ""


def is_session(example: str) -> bool:
    """Whether an example of the catalogue is commands of a shell, not a source."""
    return example.startswith("$ ")


def fenced(example: str) -> str:
    """An example of the catalogue as a block of Markdown, control characters as their pictures."""
    shown = example.strip().translate({code: 0x2400 + code for code in range(32) if code != 0x0A})
    return f"```{'console' if is_session(example) else ''}\n{shown}\n```"


@cache
def catalogue() -> dict[str, Entry]:
    """Every diagnostic code, from ``errors.toml``."""
    text = resources.files("lpuasm.isa").joinpath("errors.toml").read_text("utf-8")
    return {code: Entry(code=code, **entry) for code, entry in tomllib.loads(text).items()}


def error(
    code: str,
    message: str,
    span: Span | None = None,
    *,
    label: str = "",
    related: tuple[Related, ...] = (),
    help: str = "",
    severity: str = "error",
) -> Diagnostic:
    """A diagnostic whose code is in the catalogue (checked)."""
    assert code in catalogue(), f"{code} is not in errors.toml"
    return Diagnostic(code, message, span, label, related, help, severity)
