"""Small HTML for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def grid(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table with a title; every cell is text."""
    cells = "".join(
        "<tr>" + "".join(f'<td style="text-align:left">{escape(str(cell))}</td>' for cell in row) + "</tr>"
        for row in rows
    )
    top = "".join(f'<th style="text-align:left">{escape(name)}</th>' for name in head)
    return f"<p><b>{escape(title)}</b></p><table><thead><tr>{top}</tr></thead><tbody>{cells}</tbody></table>"
