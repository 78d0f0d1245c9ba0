"""Placement: each flow, in the order of the text, at the earliest cycle that nothing forbids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from lpuasm.asm.alone import check_claims
from lpuasm.asm.body import Body
from lpuasm.asm.claims import Claim, Track, claims, describe, queue_of
from lpuasm.asm.occupancy import Occupancy
from lpuasm.asm.order import Record
from lpuasm.asm.rows import MAX_CYCLE
from lpuasm.asm.spare import spare
from lpuasm.asm.syntax import After, At, With
from lpuasm.isa.errors import AssemblyError, Diagnostic, Related, error
from lpuasm.isa.suggest import did_you_mean
from lpuasm.isa.target import Target


@dataclass(frozen=True, slots=True)
class Placed:
    """A flow with its start: the cycle of its earliest dispatch."""

    body: Body
    start: int


@dataclass(slots=True)
class Placement:
    """The chip as the flows placed so far leave it. ``wanted``: what bodies of a form claim."""

    target: Target
    occupancy: Occupancy
    record: Record
    placed: list[Placed] = field(default_factory=list)
    lines: list[Placed] = field(default_factory=list)
    number: dict[str, int] = field(default_factory=dict)
    wanted: dict[int, tuple[Claim, ...]] = field(default_factory=dict)

    @classmethod
    def empty(cls, target: Target) -> Placement:
        return cls(target, Occupancy(), Record(target))

    def place(self, body: Body) -> Placed:
        """Places a body.

        Raises:
            AssemblyError: LPU1109 where its pin cannot be, LPU1111 where the flow that it refers to is not known.
        """
        wanted = self._wanted(body)
        self._hold_order(body)
        pin = self._pin(body)
        if pin is None:
            start = self.occupancy.earliest(wanted, self._least(body))
        else:
            start = pin
            self._hold_pin(body, wanted, start)
        self.occupancy.take(wanted, start)
        self.record.add(body, start, len(self.placed))
        placed = Placed(body, start)
        self.number[body.flow.name] = len(self.placed)
        self.placed.append(placed)
        return placed

    def _wanted(self, body: Body) -> tuple[Claim, ...]:
        """What a body claims. Raises AssemblyError where two of its claims meet."""
        known = self.wanted.get(body.form)
        if known is None:
            found = claims(body, self.target)
            check_claims(body, found, self.target)
            known = self.occupancy.shared(found)
            if body.form >= 0:
                self.wanted[body.form] = known
        return known

    def hold(self, body: Body, start: int) -> None:
        """Takes what a schedule line claims."""
        self.occupancy.take(claims(body, self.target), start)
        self.lines.append(Placed(body, start))

    def line(self, body: Body, start: int) -> None:
        """Records a schedule line, where it stands in the text, for the flows after it.

        Raises:
            AssemblyError: LPU1109 where it would come before what it depends on of a flow.
        """
        bound = next((b for b in self.record.bounds(body) if b.flow >= 0), None)
        if bound is not None and bound.start > start:
            other = self.placed[bound.flow]
            what = f"flow '{other.body.flow.name}', which starts at cycle {other.start}"
            raise AssemblyError(
                error(
                    "LPU1109",
                    f"this line cannot dispatch at cycle {start}: {bound.what}",
                    body.flow.span,
                    related=(Related(f"by {what}", other.body.flow.span),),
                    help=f"the earliest cycle that the flows before it allow is {bound.start}",
                )
            )
        self.record.add(body, start, -1)

    def _least(self, body: Body) -> int:
        """The least start that dependences allow. A `sync` comes after all that its queue dispatches before it."""
        least = self.record.bound(body).start
        for word in body.words:
            if word.definition.mnemonic == "sync":
                least = max(least, self.occupancy.end(queue_of(word)) - word.time)
        return least

    def _hold_order(self, body: Body) -> None:
        """Refuses what would wait for something that comes after it in the text."""
        for use in self.record.wires.missing(body):
            message = f"fewer vectors were sent to {use.resource} before this than it receives up to here"
            other = self.target.c2c.loopback.index(use.link)
            help = f"in the flows before it, `send … link {other}` as many: that is where {use.resource} gets them from"
            raise AssemblyError(body.statement_of("receive").error("LPU1114", message, help=help))
        for word in self.record.barriers.closed(body):
            message = f"{word.queue.name} waits at a `sync`, and nothing before this releases it"
            help = "write a flow with a `notify`, of any other queue, between the two"
            raise AssemblyError(body.statements[body.words.index(word)].error("LPU1114", message, help=help))

    def _pin(self, body: Body) -> int | None:
        where = body.flow.start
        match where:
            case None:
                return None
            case At(cycle):
                start = cycle
            case After() | With():
                if where.flow not in self.number:
                    raise AssemblyError(_no_flow(where, self.number))
                other = self.placed[self.number[where.flow]]
                start = other.start + where.offset + (other.body.length if isinstance(where, After) else 0)
        if not 0 <= start <= MAX_CYCLE:
            message = f"flow '{body.flow.name}' would start at cycle {start}"
            raise AssemblyError(_at(body, "LPU1109", message, f"cycles are 0 … {MAX_CYCLE}"))
        return start

    def _hold_pin(self, body: Body, wanted: Sequence[Claim], start: int) -> None:
        """Refuses a pin that something is in the way of, and says what."""
        bound = self.record.bound(body)
        blocking = self.occupancy.blocking(wanted, start)
        if bound.start <= start and not blocking:
            return
        free = self.occupancy.earliest(wanted, max(bound.start, start))
        free_track = ""
        if bound.start > start:
            why = bound.what
            other = self.placed[bound.flow] if bound.flow >= 0 else None
        else:
            why, other = f"{describe(blocking[0].track)} is taken", self._owner(blocking[0], start)
            free_track = self._elsewhere(wanted, blocking, start)
        related = () if other is None else (Related(_party(other), other.body.flow.span),)
        assert body.flow.start is not None
        raise AssemblyError(
            error(
                "LPU1109",
                f"flow '{body.flow.name}' cannot start at cycle {start}: {why}",
                body.flow.start.span,
                related=related,
                help=f"the earliest cycle from there on that nothing forbids is {free}{free_track}",
            )
        )

    def _elsewhere(self, wanted: Sequence[Claim], blocking: list[Claim], start: int) -> str:
        """A stream, bank or slice that is free instead of the one that is in the way, if that is all there is."""
        tracks = {claim.track for claim in blocking}
        kind, one, two = blocking[0].track
        if len(tracks) > 1 or kind not in ("stream", "bank"):
            return self._other_slice(wanted, tracks, start)
        own = {claim.track for claim in wanted}
        for other in range(self.target.geometry.streams if kind == "stream" else self.target.geometry.banks):
            track = (kind, one, other)
            moved = [replace(claim, track=track) for claim in wanted if claim.track == blocking[0].track]
            if other != two and track not in own and not self.occupancy.blocking(moved, start):
                return f"; {describe(track)} is free then"
        return self._other_slice(wanted, tracks, start)

    def _other_slice(self, wanted: Sequence[Claim], tracks: set[Track], start: int) -> str:
        """A slice of the same quad, which hears and drives in the same cycles, that is free instead of one."""
        names = {one for kind, one, _ in tracks if kind in ("queue", "generator", "bank")}
        if len(names) != 1 or any(kind in ("stream", "link") for kind, *_ in tracks):
            return ""
        own = {claim.track[1] for claim in wanted}

        def free(name: str) -> bool:
            moved = [replace(c, track=(c.track[0], name, c.track[2])) for c in wanted if c.track[1] in names]
            return name not in own and not self.occupancy.blocking(moved, start)

        other = spare(self.target, str(next(iter(names))), free)
        return f"; slice {other} is free then" if other else ""

    def _owner(self, claim: Claim, start: int) -> Placed | None:
        """The flow, latest first, or the line, whose cells meet those of ``claim`` at shift ``start``."""
        for placed in (*reversed(self.placed), *self.lines):
            other = [c for c in claims(placed.body, self.target) if c.track == claim.track and c.mask & claim.mask]
            if not other:
                continue
            alone = Occupancy()
            alone.take(other, placed.start)
            if alone.blocking([claim], start):
                return placed
        return None


def _party(placed: Placed) -> str:
    name = placed.body.flow.name
    return f"by flow '{name}', which starts at cycle {placed.start}" if name else f"by this line, at {placed.start}"


def _at(body: Body, code: str, message: str, help: str) -> Diagnostic:
    where = body.flow.start
    return error(code, message, where.span if where is not None else body.flow.span, help=help)


def _no_flow(where: After | With, known: Mapping[str, int]) -> Diagnostic:
    help = did_you_mean(where.flow, list(known)) or "a flow can refer to those that stand before it"
    return error("LPU1111", f"there is no flow '{where.flow}' before this one", where.span, help=help)
