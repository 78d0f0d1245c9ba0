"""A body by itself: its words may be in each other's way before any other flow is."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from lpuasm.asm.body import Access, Body
from lpuasm.asm.claims import Claim, describe
from lpuasm.asm.fold import times_of
from lpuasm.asm.spare import spare
from lpuasm.asm.syntax import Statement
from lpuasm.isa.errors import AssemblyError, Diagnostic, Related
from lpuasm.isa.target import Target

_CODES = {"queue": "LPU0306", "generator": "LPU0304", "link": "LPU0312", "bank": "LPU0303", "stream": "LPU0301"}
_HELP = {
    "queue": "a queue dispatches one word a cycle: use another slice or unit for one of them",
    "generator": "a slice has one address generator to read and one to write: put one of the two tensors elsewhere",
    "link": "a link takes a vector, and then none until the packet has left: put a longer `every` between them",
    "bank": "a bank serves one access a cycle: put one of the two tensors into the other bank, with `bank 1`, or "
    "into another slice",
    "stream": "use another stream for one of them",
}


def check_claims(body: Body, wanted: list[Claim], target: Target) -> None:
    """Raises AssemblyError (LPU03xx) where two claims of a body meet."""
    tracks: dict[object, list[Claim]] = {}
    for claim in wanted:
        tracks.setdefault(claim.track, []).append(claim)
    for own in tracks.values():
        if len(own) > 1:
            own.sort(key=lambda c: c.first)
            for one, two in _close(own):
                cell = _meeting(one, two)
                if cell is not None:
                    if one.track[0] == "stream":
                        help = _free_stream(body, one, target.geometry.streams)
                    else:
                        help = _HELP[str(one.track[0])] + _free_slice(wanted, one, target)
                    raise AssemblyError(_collision(body, one, two, cell, help))


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


def _collision(body: Body, one: Claim, two: Claim, cell: int, help: str) -> Diagnostic:
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
        help=help,
    )


def _free_slice(wanted: list[Claim], claim: Claim, target: Target) -> str:
    """The nearest slice, with the same distances, that the body does not use."""
    used = {c.track[1] for c in wanted}
    other = spare(target, str(claim.track[1]), lambda name: name not in used)
    return f"; slice {other} is not used in this flow" if other else ""


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


@dataclass(frozen=True, slots=True)
class Near:
    """Two accesses of a body, by index, of which the second does not come wholly after the first.

    The ranges of their addresses meet where the second's are moved against the first's by ``low`` … ``high``.
    """

    earlier: int
    later: int
    low: int
    high: int


def near(body: Body) -> list[Near]:
    """The accesses of two statements to one slice, one of them a change, that are near each other in time."""
    by_slice: dict[int, list[int]] = {}
    for k, access in enumerate(body.accesses):
        by_slice.setdefault(access.slice, []).append(k)
    found: list[Near] = []
    for numbers in by_slice.values():
        if len(numbers) < 2 or not any(body.accesses[k].write for k in numbers):
            continue
        extents = {k: _extent(body.accesses[k]) for k in numbers}
        for one, two in combinations(numbers, 2):
            earlier, later = body.accesses[one], body.accesses[two]
            if body.statements[earlier.word] is body.statements[later.word] or not (earlier.write or later.write):
                continue
            (_, last, bottom, top), (first, _, low, high) = extents[one], extents[two]
            if first <= last:
                anywhere = 1 << 62 if bottom < 0 or low < 0 else 0
                found.append(Near(one, two, bottom - high - anywhere, top - low + anywhere))
    return found


def _extent(access: Access) -> tuple[int, int, int, int]:
    """The first cycle, the last, the lowest address, the highest; addresses below 0 where data decides."""
    return (
        int(access.cycles.min()),
        int(access.cycles.max()),
        int(access.addresses.min()),
        int(access.addresses.max()),
    )


def check_memory(body: Body, pairs: list[Near], moves: list[int], passed: set[tuple[int, int, int]]) -> None:
    """Holds that a later statement reaches a word of memory after an earlier one did; LPU1112 where it does not.

    ``moves``: by how much the addresses of each access differ from those that ``pairs`` were found for. ``passed``
    remembers what was found right: the pair, and by how much its addresses are moved against each other.
    """
    for pair in pairs:
        move = moves[pair.later] - moves[pair.earlier]
        if not pair.low <= move <= pair.high or (pair.earlier, pair.later, move) in passed:
            continue
        passed.add((pair.earlier, pair.later, move))
        earlier, later = body.accesses[pair.earlier], body.accesses[pair.later]
        if _crossed(earlier, later):
            two = body.statements[later.word]
            raise AssemblyError(
                two.error(
                    "LPU1112",
                    "this would reach a word of memory before the statement that comes first",
                    related=(Related("this one comes first", body.statements[earlier.word].span),),
                    help="values do not wait inside a flow: put the two into flows of their own",
                )
            )


def _crossed(earlier: Access, later: Access) -> bool:
    if earlier.addresses[0] < 0 or later.addresses[0] < 0:
        return True
    reached = np.zeros(int(earlier.addresses.max()) + 1, bool)
    reached[earlier.addresses] = True
    if not reached[later.addresses[later.addresses < len(reached)]].any():
        return False
    shared = np.intersect1d(earlier.addresses, later.addresses)
    last = np.full(len(shared), -(1 << 62))
    known = np.isin(earlier.addresses, shared)
    np.maximum.at(last, np.searchsorted(shared, earlier.addresses[known]), earlier.cycles[known])
    mine = np.isin(later.addresses, shared)
    return bool((later.cycles[mine] <= last[np.searchsorted(shared, later.addresses[mine])]).any())
