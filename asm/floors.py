"""Lower bounds: how few cycles the work of a program could take on this chip.

For every track of the chip, the cells that the flows must have there, one after
the other, with the shortest way to the first and from the last; and the
critical path, which is dependences alone. No schedule of the same flows is
shorter than any of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from lpuasm.asm.body import Body
from lpuasm.asm.claims import Claim, Track, claims, describe
from lpuasm.asm.order import Record
from lpuasm.isa.target import Target


@dataclass(frozen=True, slots=True)
class Floor:
    """A lower bound in cycles. ``head``: the earliest cell; ``busy``: cells; ``tail``: cycles from the last to the end.

    ``track`` is None for the critical path, which has no cells.
    """

    resource: str
    track: Track | None
    cycles: int
    busy: int
    head: int
    tail: int
    register: int = 0


def floors(flows: Sequence[Body], lines: Sequence[Body], target: Target) -> list[Floor]:
    """All lower bounds for flows and single lines, the binding one first."""
    bodies = [*flows, *lines]
    starts = dependence_starts(flows, target) + [0] * len(lines)
    drain = target.geometry.superlanes - 1
    path = max((s + b.length + drain for s, b in zip(starts, bodies, strict=True)), default=0)
    found = [Floor("the critical path", None, path, 0, 0, 0)]
    tracks: dict[tuple[Track, int], list[int]] = {}
    for body, start in zip(bodies, starts, strict=True):
        for claim in claims(body, target):
            cells, first = prod(d.count for d in claim.dims), claim.first + start
            tail = body.length - claim.first - claim.span + drain
            for register in _registers(claim):
                known = tracks.setdefault((claim.track, register), [0, first, tail])
                known[0] += cells
                known[1] = min(known[1], first)
                known[2] = min(known[2], tail)
    for (track, register), (busy, head, tail) in tracks.items():
        found.append(Floor(describe(track), track, head + busy - 1 + tail, busy, head, tail, register))
    # Of equal bounds the one with more work is named, a queue before what it moves: it says more about what to change.
    return sorted(
        found, key=lambda f: (-f.cycles, -f.busy, f.track is None or f.track[0] != "queue", f.resource, f.register)
    )


def _registers(claim: Claim) -> list[int]:
    """The stream registers that a claim covers; 0 alone for tracks without any."""
    return [r for r in range(claim.mask.bit_length()) if claim.mask >> r & 1]


def dependence_starts(bodies: Sequence[Body], target: Target) -> list[int]:
    """The least start of each flow that its dependences allow, were there nothing else."""
    record = Record(target)
    starts = []
    for number, body in enumerate(bodies):
        start = max(record.bound(body).start, 0)
        record.add(body, start, number)
        starts.append(start)
    return starts
