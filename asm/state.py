"""What an expansion knows while it runs: names, sections, errors, and where it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lpuasm.asm.blocks import Macro, Node
from lpuasm.asm.chunk import Meaning
from lpuasm.asm.files import Found
from lpuasm.asm.frames import Frame
from lpuasm.asm.parser import Parser
from lpuasm.asm.problems import Problem
from lpuasm.asm.scope import Bound, Names, Scope
from lpuasm.asm.sections import Open
from lpuasm.asm.syntax import Note, Param, Section
from lpuasm.asm.tree import Expr
from lpuasm.isa.errors import Diagnostic, LpuError, Related, Span, error

MAX_DEPTH = 100
"""Macros and files within each other."""
MAX_ERRORS = 20
"""Errors reported in one run."""


class Stop(Exception):
    """Enough errors, or no use in going on."""


@dataclass(frozen=True, slots=True)
class File:
    """The file that lines are from; ``found`` is None for text that is no file."""

    found: Found | None
    imported: bool


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the walk: expand these nodes in that scope."""

    nodes: Iterator[Node | Step]
    scope: Scope
    frames: tuple[Frame, ...]
    file: File


@dataclass(frozen=True, slots=True)
class Definition:
    """A macro; ``parameters`` are its names with their defaults."""

    macro: Macro
    parameters: Mapping[str, Expr | None]
    span: Span
    file: File


@dataclass(slots=True)
class State:
    """The state of one expansion. The first fields are what the caller asked for."""

    defines: Mapping[str, int | float]
    include: Sequence[Path]
    library: Sequence[Path]
    wanted: str | None
    symbols_of: Callable[[str | None], Mapping[str, int]]
    sources: dict[str, str]
    target: str | None = None
    target_span: Span | None = None
    known_symbols: Mapping[str, int] | None = None
    parser: Parser = field(default_factory=Parser)
    top: Scope = field(default_factory=lambda: Scope(None, 0))
    names: Names = field(init=False)
    macros: dict[str, Definition] = field(default_factory=dict)
    params: dict[str, Param] = field(default_factory=dict)
    equs: dict[str, int | float] = field(default_factory=dict)
    externs: dict[str, Span] = field(default_factory=dict)
    labels: dict[str, Span] = field(default_factory=dict)
    flows: dict[str, Span] = field(default_factory=dict)
    relations: list[tuple[str, Span, tuple[Frame, ...]]] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    scalar: Open | None = None
    open: Open | None = None
    pending: list[str] = field(default_factory=list)
    read: set[Path] = field(default_factory=set)
    diagnostics: dict[tuple[str, Span | None], Diagnostic] = field(default_factory=dict)
    meaning: Meaning | None = None
    lines: int = 0
    expansions: int = 0

    def __post_init__(self) -> None:
        self.names = Names(self.symbols)

    def report(self, diagnostic: Diagnostic | None, frames: tuple[Frame, ...]) -> None:
        """Collect an error; the same one at the same place, from another turn of a loop, is not collected."""
        if diagnostic is None:
            return
        shown = tuple(frame.related() for frame in reversed(frames))
        if len(shown) > 8:
            shown = (*shown[:4], Related(f"… {len(shown) - 7} more …"), *shown[-3:])
        key = diagnostic.code, diagnostic.span
        self.diagnostics.setdefault(key, replace(diagnostic, related=diagnostic.related + shown))
        if len(self.diagnostics) >= MAX_ERRORS:
            raise Stop

    def symbols(self) -> Mapping[str, int]:
        """The symbols of the target, which is settled when they are first asked for."""
        if self.known_symbols is None:
            try:
                self.known_symbols = self.symbols_of(self.target or self.wanted)
            except LpuError as e:
                self.known_symbols = {}
                for diagnostic in e.diagnostics:
                    self.report(diagnostic.at(self.target_span), ())
        return self.known_symbols

    def bind(self, scope: Scope, name: str, value: Bound, span: Span) -> None:
        """Give a name its value."""
        scope.names[name] = value
        scope.places[name] = span

    def once(self, what: str, name: str, span: Span, before: Span | None) -> None:
        """Raises Problem if the name was defined before."""
        if before is None:
            return
        related = (Related(f"`{name}` is defined here", before),)
        help_ = f"make the name unique, such as `{name}_{{i}}`" if before == span else "give one of them another name"
        raise Problem(error("LPU0202", f"the {what} `{name}` is defined twice", span, related=related, help=help_))

    def free(self, what: str, name: str, span: Span, scope: Scope) -> None:
        """Raises Problem if the name has a value in this very scope, or is a tensor's."""
        before = scope.places.get(name)
        if before is None and scope is self.top and name in self.names.tensors:
            before = self.names.tensors[name].span
        self.once(what, name, span, before)

    def deeper(self, frame: Frame, step: Step) -> tuple[Frame, ...]:
        """The frames inside another macro or file."""
        frames = (*step.frames, frame)
        if sum(f.kind != "for" for f in frames) > MAX_DEPTH:
            message = f"more than {MAX_DEPTH} macros and files within each other"
            self.report(error("LPU0209", message, frame.span, help="something expands itself without end"), step.frames)
            raise Stop
        return frames
