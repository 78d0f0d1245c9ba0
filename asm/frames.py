"""Where a line was expanded from: the macros, functions, loops and files around it."""

from __future__ import annotations

from dataclasses import dataclass

from lpuasm.isa.errors import Related, Span


@dataclass(frozen=True, slots=True)
class Frame:
    """One step of expansion: ``span`` is the line that called the macro, opened the loop, included the file."""

    kind: str  # macro, function, for, include, import
    name: str
    span: Span

    def related(self) -> Related:
        """The frame as a party of a diagnostic."""
        return Related(f"{FRAMES[self.kind]} `{self.name}`", self.span)


FRAMES = {
    "macro": "in expansion of macro",
    "function": "in the function",
    "for": "in iteration",
    "include": "in the included file",
    "import": "in the imported kernel",
}
"""What a frame is called in a diagnostic; :mod:`lpuasm.asm.render` prints such parties in one line each."""
