"""Statements gathered into sections, in order of the text."""

from __future__ import annotations

from dataclasses import dataclass, field

from lpuasm.asm.syntax import (
    After,
    At,
    Flow,
    Frame,
    QueueSection,
    ScalarSection,
    Section,
    Statement,
    UnitRef,
    UnitSection,
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
    lines: list[tuple[int, Statement]] = field(default_factory=list)

    def close(self, end_labels: tuple[str, ...]) -> Section | None:
        """The section, once it is whole; a scalar one without a statement or label is none."""
        if self.kind == "queue":
            return QueueSection(self.name, tuple(self.statements), self.span, self.frames)
        if self.unit is not None:
            return UnitSection(self.unit, tuple(self.lines), self.span, self.frames)
        if self.kind == "flow":
            return Flow(self.name, self.start, tuple(self.statements), self.span, self.frames)
        if not self.statements and not end_labels:
            return None
        return ScalarSection(tuple(self.statements), end_labels, self.span)
