"""Tables that a target has once, however many programs are for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from lpuasm.isa.chip import Target

_Made = TypeVar("_Made")


def per_target(make: Callable[[Target], _Made]) -> Callable[[Target], _Made]:
    """``make`` so that it makes its tables of a target once."""
    made: dict[str, tuple[Target, _Made]] = {}

    @wraps(make)
    def get(target: Target) -> _Made:
        known = made.get(target.digest)
        if known is None or (known[0] is not target and known[0] != target):
            known = made[target.digest] = (target, make(target))
        return known[1]

    return get
