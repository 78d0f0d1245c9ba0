"""What can be wrong with a line of the conversation that is no assembly."""

from __future__ import annotations

from lpuasm.isa.errors import LpuError, Span, error

#: What the line that was typed is called in diagnostics.
TYPED = "<input>"


class ReplError(LpuError):
    """A command, or an expression of one, is not right."""


def wrong(code: str, message: str, help: str = "", at: tuple[int, int] | None = None) -> ReplError:
    """A ReplError; ``at`` is where in the typed line, from offset to offset."""
    span = None if at is None else Span(TYPED, 1, at[0] + 1, 1, max(at[1], at[0] + 1) + 1)
    return ReplError(error(code, message, span, help=help))
