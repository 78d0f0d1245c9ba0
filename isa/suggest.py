"""The name that a wrong one may have meant."""

from __future__ import annotations

from collections.abc import Iterable

_LONGEST = 100
"""Characters of a name that is looked for: comparing takes their square."""


def closest(name: str, names: Iterable[str]) -> str:
    """The one of ``names`` that is most like ``name``, whatever its case; empty where none is."""
    from difflib import get_close_matches

    if len(name) >= _LONGEST:
        return ""
    pool = [n for n in names if len(n) < _LONGEST]
    same = [n for n in pool if n.lower() == name.lower()]
    return next(iter(same or get_close_matches(name, pool, 1)), "")


def did_you_mean(name: str, names: Iterable[str], otherwise: str = "") -> str:
    """A question for the name that was meant; ``otherwise`` where none is close."""
    close = closest(name, names)
    return f"did you mean `{close}`?" if close else otherwise
