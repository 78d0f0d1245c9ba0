"""A body by itself: its words may be in each other's way before any other flow is."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from lpuasm.asm.body import Access, Body
from lpuasm.asm.claims import Claim, describe
from lpuasm.asm.fold import times_of
from lpuasm.asm.syntax import Statement
from lpuasm.isa.errors import AssemblyError, Diagnostic, Related

_CODES = {"queue": "LPU0306", "generator": "LPU0304", "link": "LPU0312", "bank": "LPU0303", "stream": "LPU0301"}
_HELP = {
    "queue": "a queue dispatches one word a cycle: use another slice or unit for one of them",
    "generator": "a slice has one address generator to read and one to write: put one of the two tensors elsewhere",
    "link": "a link takes a vector, and then none until the packet has left: put a longer `every` between them",
    "bank": "a bank serves one access a cycle: put one of the two tensors into the other bank, with `bank 1`, or "
    "into another slice",
    "stream": "use another stream for one of them",
}


def check_claims(body: Body, wanted: list[Claim], streams: int) -> None:
    """Raises AssemblyError (LPU03xx) where two claims of a body meet. ``streams`` is how many there are each way."""
    tracks: dict[object, list[Claim]] = {}
    for claim in wanted:
        tracks.setdefault(claim.track, []).append(claim)
    for own in tracks.values():
        if len(own) > 1:
            own.sort(key=lambda c: c.first)
            for one, two in _close(own):
                cell = _meeting(one, two)
                if cell is not None:
                    raise AssemblyError(_collision(body, one, two, cell, streams))


def _close(claims: list[Claim]) -> list[tuple[Claim, Claim]]:
    """The pairs of claims, by their first cells, that overlap in time and in their masks."""
    pairs: list[tuple[Claim, Claim]] = []
    open_: list[Claim] = []
    for claim in claims:
        open_ = [c for c in open_ if c.first + c.span >= claim.first]
        pairs += [(c, claim) for c in open_ if c.mask & claim.mask]
        open_.append(claim)
    return pairs


def _meeting(one: Claim, two: Claim) -> int | None:
    """The first time at which both claim a cell."""
    if not one.dims and not two.dims:
        return one.first if one.first == two.first else None
    both = np.intersect1d(one.first + times_of(one.dims), two.first + times_of(two.dims))
    return int(both[0]) if len(both) else None


def _collision(body: Body, one: Claim, two: Claim, cell: int, streams: int) -> Diagnostic:
    first, second = (body.statements[c.word] for c in (one, two))
    if _position(body, first) > _position(body, second):
        first, second = second, first
    kind = one.track[0]
    related = () if first is second else (Related("by this one", first.span),)
    register = (one.mask & two.mask).bit_length() - 1
    when = f"at SR{register}, in cycle {cell + register}" if kind == "stream" else f"in cycle {cell}"
    return second.error(
        _CODES[kind],
        f"{describe(one.track)} is needed twice, {when} from the start of flow '{body.flow.name}'",
        label="by this statement",
        related=related,
        help=_free_stream(body, one, streams) if kind == "stream" else _HELP[kind],
    )


def _free_stream(body: Body, claim: Claim, streams: int) -> str:
    """The nearest stream that the body does not use."""
    _, direction, stream = claim.track
    used = {(s.channel.direction, s.channel.stream) for s in body.segments}
    free = [k for k in range(streams) if (direction, k) not in used]
    if not free:
        return _HELP["stream"]
    nearest = min(free, key=lambda k: (k // 4 != int(stream) // 4, abs(k - int(stream))))
    return f"use another stream for one of them: s{nearest}.{direction} is not used in this flow"


def _position(body: Body, statement: Statement) -> int:
    return next((k for k, s in enumerate(body.flow.statements) if s is statement), 0)


def check_memory(body: Body) -> None:
    """Holds that a later statement reaches a word of memory after an earlier one did; LPU1112 where it does not."""
    by_slice: dict[int, list[Access]] = {}
    for access in body.accesses:
        by_slice.setdefault(access.slice, []).append(access)
    for accesses in by_slice.values():
        if not any(a.write for a in accesses):
            continue
        for earlier, later in combinations(accesses, 2):
            one, two = body.statements[earlier.word], body.statements[later.word]
            if one is not two and (later.write or earlier.write) and _crossed(earlier, later):
                raise AssemblyError(
                    two.error(
                        "LPU1112",
                        "this would reach a word of memory before the statement that comes first",
                        related=(Related("this one comes first", one.span),),
                        help="values do not wait inside a flow: put the two into flows of their own",
                    )
                )


def _crossed(earlier: Access, later: Access) -> bool:
    if int(later.cycles.min()) > int(earlier.cycles.max()):
        return False
    if (earlier.addresses < 0).any() or (later.addresses < 0).any():
        return True
    shared = np.intersect1d(earlier.addresses, later.addresses)
    if not len(shared):
        return False
    last = np.full(len(shared), -(1 << 62))
    known = np.isin(earlier.addresses, shared)
    np.maximum.at(last, np.searchsorted(shared, earlier.addresses[known]), earlier.cycles[known])
    mine = np.isin(later.addresses, shared)
    return bool((later.cycles[mine] <= last[np.searchsorted(shared, later.addresses[mine])]).any())
