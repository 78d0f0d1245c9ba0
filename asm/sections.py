"""Statements gathered into sections, in order of the text."""

from __future__ import annotations

from dataclasses import dataclass, field

from lpuasm.asm.frames import Frame
from lpuasm.asm.syntax import (
    After,
    At,
    Flow,
    QueueSection,
    ScalarSection,
    Section,
    Statement,
    UnitRef,
    UnitSection,
    Unread,
    With,
)
from lpuasm.isa.errors import Span


@dataclass(slots=True)
class Open:
    """The section that statements go to now; ``kind`` is scalar until a text opens one."""

    kind: str  # scalar, queue, unit, flow
    span: Span
    frames: tuple[Frame, ...] = ()
    name: str = ""
    unit: UnitRef | None = None
    start: At | After | With | None = None
    statements: list[Statement] = field(default_factory=list)
    words: list[Statement | Unread] = field(default_factory=list)
    lines: list[tuple[int, Statement] | Unread] = field(default_factory=list)

    def close(self, end_labels: tuple[str, ...]) -> Section:
        """The section, now that it is whole."""
        if self.unit is not None:
            return UnitSection(self.unit, tuple(self.lines), self.span, self.frames)
        if self.kind == "queue":
            return QueueSection(self.name, tuple(self.words), self.span, self.frames)
        statements = tuple(self.statements)
        if self.kind == "flow":
            return Flow(self.name, self.start, statements, self.span, self.frames)
        return ScalarSection(statements, end_labels, self.span)
