"""Slices that could stand in for one that is taken: of the same quad, so that values come and go in the same cycles."""

from __future__ import annotations

from collections.abc import Callable

from lpuasm.isa.target import Target


def spare(target: Target, name: str, free: Callable[[str], bool]) -> str:
    """The nearest slice of the quad of slice ``name`` that is ``free``; "" where there is none, or it is no slice."""
    queue = target.queue.get(name)
    if queue is None or queue.kind != "mem":
        return ""
    quad = target.geometry.slices_per_quad
    near = [
        other
        for other in target.queues
        if other.kind == "mem" and other.hemisphere == queue.hemisphere and other.index // quad == queue.index // quad
    ]
    near.sort(key=lambda other: abs(other.index - queue.index))
    return next((other.name for other in near if other.name != name and free(other.name)), "")
