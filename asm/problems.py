"""Diagnostics of a phase, collected: all of them are reported, then it stops."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType

from lpuasm.isa.errors import AssemblyError, Diagnostic

LIMIT = 20
"""Diagnostics reported in one run."""


class Problem(Exception):
    """A line cannot be expanded; ``diagnostic`` is None where its cause was reported before."""

    def __init__(self, diagnostic: Diagnostic | None) -> None:
        super().__init__()
        self.diagnostic = diagnostic


class Problems:
    """What is wrong so far. As a context it takes the diagnostics of an AssemblyError raised within."""

    def __init__(self) -> None:
        self.found: dict[tuple[object, ...], Diagnostic] = {}

    def add(self, *diagnostics: Diagnostic) -> None:
        """Keeps diagnostics, each place and code once; raises when there are enough."""
        for diagnostic in diagnostics:
            key = (diagnostic.code, diagnostic.span) if diagnostic.span else (diagnostic.code, diagnostic.message)
            self.found.setdefault(key, diagnostic)
        if len(self.found) >= LIMIT:
            self.stop()

    def stop(self) -> None:
        """Raises AssemblyError if anything is wrong."""
        if self.found:
            files = {span.file: None for d in self.found.values() if (span := d.span) is not None}
            order = {file: k for k, file in enumerate(files)}
            raise AssemblyError(*sorted(self.found.values(), key=lambda d: _place(d, order))[:LIMIT])

    def __enter__(self) -> Problems:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(value, AssemblyError):
            self.add(*value.diagnostics)
            return True
        return False


def _place(diagnostic: Diagnostic, order: Mapping[str, int]) -> tuple[int, int, int]:
    span = diagnostic.span
    return (order[span.file], span.line, span.column) if span is not None else (len(order), 0, 0)
