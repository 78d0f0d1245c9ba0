"""Why every flow starts when it does, how far the program is from its floor, and what lies between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lpuasm.asm.claims import Claim, claims, describe, queue_of
from lpuasm.asm.floors import Floor, floors
from lpuasm.asm.occupancy import Occupancy
from lpuasm.asm.order import Record
from lpuasm.asm.recover import Recovered, recover
from lpuasm.isa.errors import AssemblyError, Span, error
from lpuasm.isa.program import Program

#: Lower bounds that are printed.
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Wait:
    """The one claim that keeps a flow from starting sooner.

    ``kind``: "start" (it starts at cycle 0), "pin", "data", or that of a track ("queue", "stream", "bank",
    "generator", "link"). ``flow`` is the flow that holds what is wanted, None where none does; ``gain`` the cycles by
    which this flow could start sooner if that were gone.
    """

    kind: str
    what: str
    flow: str | None
    span: Span | None
    gain: int


@dataclass(frozen=True, slots=True)
class FlowReport:
    """A flow in time: ``start`` is the cycle of its earliest dispatch, ``length`` runs to its last change of state."""

    name: str
    start: int
    length: int
    waits_for: Wait
    span: Span


@dataclass(frozen=True)
class Explanation:
    """What there is to know of a program's time. ``gap`` = ``cycles`` − ``floor``, and ``parts`` add up to it."""

    cycles: int
    floor: int
    floors: tuple[Floor, ...]
    parts: tuple[tuple[str, int], ...]
    flows: tuple[FlowReport, ...]
    clock_mhz: int

    @property
    def gap(self) -> int:
        return self.cycles - self.floor

    def to_json(self) -> dict[str, Any]:
        """The form of `lpuasm explain --json`."""
        return {
            "cycles": self.cycles,
            "floor": self.floor,
            "gap": self.gap,
            "binding": self.floors[0].resource if self.floors else None,
            "floors": [
                {"resource": f.resource, "cycles": f.cycles, "busy": f.busy, "head": f.head, "tail": f.tail}
                for f in _distinct(self.floors)
            ],
            "parts": [{"cause": cause, "cycles": cycles} for cause, cycles in self.parts],
            "flows": [
                {"name": f.name, "start": f.start, "length": f.length, "waits_for": _wait_json(f.waits_for)}
                for f in self.flows
            ],
        }

    def _repr_html_(self) -> str:
        """How a notebook shows it: the flows, and what the gap is made of."""
        from lpuasm.isa.notebook import grid

        binding = f" by {self.floors[0].resource}" if self.floors else ""
        title = f"{self.cycles:,} cycles, floor {self.floor:,}{binding}, gap {self.gap:,}"
        rows = [(f.name, f"{f.start:,}", f"{f.length:,}", _waits(f.waits_for)) for f in self.flows]
        parts = grid("the gap", ("cycles", "cause"), [(f"{n:,}", cause) for cause, n in self.parts]) if self.gap else ""
        return grid(title, ("flow", "start", "length", "waits for"), rows) + parts

    def __str__(self) -> str:
        flows = [*_flow_lines(self), ""] if self.flows else []
        return "\n".join([*flows, *_program_lines(self)]) + "\n"


def explain(program: Program) -> Explanation:
    """Explains a streaming program, from the program alone.

    Raises:
        AssemblyError: LPU1113, scalar code has no schedule.
    """
    if program.scalar:
        raise AssemblyError(
            error("LPU1113", "scalar code has no schedule to explain", help="`lpuasm run` counts its cycles")
        )
    flows, lines = recover(program)
    bounds = floors([f.body for f in flows], [line.body for line in lines], program.target)
    cycles = program.cycles or 0
    binding = bounds[0]
    floor = binding.cycles
    reports, data = _reports(program, flows, lines)
    if binding.track is None:
        parts = _path([*flows, *lines], reports, data, cycles - floor)
    else:
        parts = _parts(program, [*flows, *lines], reports, binding, cycles - floor)
    return Explanation(cycles, floor, tuple(bounds), parts, tuple(reports), program.target.geometry.clock_mhz)


def _reports(
    program: Program, flows: Sequence[Recovered], lines: Sequence[Recovered]
) -> tuple[list[FlowReport], list[tuple[int, int]]]:
    """Places the flows again among the lines, one after the other, and asks of each why not a cycle sooner.

    Besides, for each flow the start that its dependences allow, and the flow that it would then wait for, −1 for none.
    """
    occupancy, record = Occupancy(), Record(program.target)
    for line in lines:
        occupancy.take(claims(line.body, program.target), line.start)
    held: list[list[Claim]] = []
    reports = []
    data = []
    for number, flow in enumerate(flows):
        wanted = claims(flow.body, program.target)
        bound = record.bound(flow.body)
        data.append((bound.start, bound.flow))
        wait = _wait(flows, held, occupancy, record, flow, wanted)
        occupancy.take(wanted, flow.start)
        record.add(flow.body, flow.start, number)
        held.append(wanted)
        syntax = flow.body.flow
        reports.append(FlowReport(syntax.name, flow.start, flow.body.length, wait, syntax.span))
    return reports, data


def _wait(
    flows: Sequence[Recovered],
    held: list[list[Claim]],
    occupancy: Occupancy,
    record: Record,
    flow: Recovered,
    wanted: list[Claim],
) -> Wait:
    if flow.start == 0:
        return Wait("start", "it starts at cycle 0", None, None, 0)
    bounds = record.bounds(flow.body)
    if bounds and flow.start <= bounds[0].start:
        first = bounds[0]
        second = next((b.start for b in bounds if b.flow != first.flow), 0)
        gain = flow.start - occupancy.earliest(wanted, max(second, 0))
        return _wait_for(flows, "data", first.what, first.flow, gain)
    blocking = occupancy.blocking(wanted, flow.start - 1)
    if not blocking:
        for word in flow.body.words:
            if word.definition.mnemonic == "sync" and occupancy.end(queue_of(word)) == flow.start + word.time:
                return Wait("queue", f"{word.queue.name} first dispatches what comes before the sync", None, None, 0)
        return Wait("pin", "its start is pinned", None, None, 0)
    track = blocking[0].track
    others = [c for c in wanted if c.track != track]
    least = max(bounds[0].start, 0) if bounds else 0
    gain = flow.start - occupancy.earliest(others, least)
    owner = _owner(flows, held, occupancy, blocking[0], flow.start - 1)
    return _wait_for(flows, track[0], f"{describe(track)} is taken", owner, gain)


def _wait_for(flows: Sequence[Recovered], kind: str, what: str, owner: int, gain: int) -> Wait:
    if owner < 0:
        return Wait(kind, what, None, None, gain)
    flow = flows[owner].body.flow
    return Wait(kind, what, flow.name, flow.span, gain)


def _owner(flows: Sequence[Recovered], held: list[list[Claim]], occupancy: Occupancy, claim: Claim, start: int) -> int:
    """The flow, latest first, whose cells meet those of ``claim`` at shift ``start``; −1 where none does."""
    first, last = claim.first + start, claim.first + claim.span + start
    for number in range(len(held) - 1, -1, -1):
        shift = flows[number].start
        near = [
            c
            for c in held[number]
            if c.track == claim.track and c.mask & claim.mask and c.first + shift <= last
            and first <= c.first + c.span + shift
        ]  # fmt: skip
        if near:
            alone = Occupancy()
            alone.take(near, shift)
            if alone.blocking([claim], start):
                return number
    return -1


def _parts(
    program: Program, flows: Sequence[Recovered], reports: Sequence[FlowReport], binding: Floor, gap: int
) -> tuple[tuple[str, int], ...]:
    """What the gap is made of, on the binding resource: before its first cell, between its cells, after its last."""
    if not gap:
        return ()
    causes: dict[str, int] = {}
    cells = []
    for number, flow in enumerate(flows):
        for claim in claims(flow.body, program.target):
            if claim.track == binding.track and claim.mask >> binding.register & 1:
                times = np.zeros(1, np.int64)
                for dim in claim.dims:
                    times = (np.arange(dim.count)[:, None] * dim.every + times).reshape(-1)
                cells.append(np.stack([times + claim.first + flow.start, np.full(len(times), number)], 1))
    table = np.concatenate(cells)
    table = table[np.argsort(table[:, 0], kind="stable")]
    idle = np.diff(table[:, 0]) - 1
    first = int(table[0, 1])
    pinned = first < len(reports) and reports[first].waits_for.kind == "pin"
    causes[_cause(reports, first) if pinned else "fill"] = int(table[0, 0]) - binding.head
    for k in np.flatnonzero(idle).tolist():
        before, after = int(table[k, 1]), int(table[k + 1, 1])
        cause = "issues further apart than a cycle" if before == after else _cause(reports, after)
        causes[cause] = causes.get(cause, 0) + int(idle[k])
    causes["drain"] = gap - sum(causes.values())
    return tuple((cause, cycles) for cause, cycles in causes.items() if cycles)


def _path(
    flows: Sequence[Recovered], reports: Sequence[FlowReport], data: Sequence[tuple[int, int]], gap: int
) -> tuple[tuple[str, int], ...]:
    """What the gap to the critical path is made of: from the last flow back along dependences, what came on top."""
    causes: dict[str, int] = {}
    number = max(range(len(flows)), key=lambda k: flows[k].start + flows[k].body.length) if flows else -1
    while gap and 0 <= number < len(reports):
        allowed, owner = data[number]
        waited = min(flows[number].start - allowed, gap)
        if waited > 0:
            cause = _cause(reports, number)
            causes[cause] = causes.get(cause, 0) + waited
            gap -= waited
        number = owner
    if gap:
        causes["lines at their cycles"] = gap
    return tuple(causes.items())


def _cause(reports: Sequence[FlowReport], number: int) -> str:
    if number >= len(reports):
        return "lines at their cycles"
    report, wait = reports[number], reports[number].waits_for
    if wait.kind in ("start", "pin"):
        return f"flow {report.name}: {wait.what}"
    return f"waits for {'data' if wait.kind == 'data' else wait.what.removesuffix(' is taken')}"


def _distinct(bounds: Sequence[Floor]) -> list[Floor]:
    """Each resource once, with its highest bound: the first of it."""
    first: dict[str, Floor] = {}
    for bound in bounds:
        first.setdefault(bound.resource, bound)
    return list(first.values())


def _wait_json(wait: Wait) -> dict[str, Any] | None:
    if wait.kind == "start":
        return None
    return {
        "kind": wait.kind,
        "what": wait.what,
        "flow": wait.flow,
        "file": wait.span.file if wait.span else None,
        "line": wait.span.line if wait.span else None,
        "gain": wait.gain,
    }


def _flow_lines(e: Explanation) -> list[str]:
    width = max((len(f.name) for f in e.flows), default=4)
    lines = [f"{'flow':<{width}}  {'start':>8}  {'length':>8}  waits for"]
    for f in e.flows:
        lines.append(f"{f.name:<{width}}  {f.start:>8,}  {f.length:>8,}  {_waits(f.waits_for)}")
    return lines


def _waits(wait: Wait) -> str:
    text = wait.what
    if wait.flow is not None and wait.span is not None:
        text += f", by {wait.flow} ({wait.span.file}:{wait.span.line})"
    return text + (f"; without it {wait.gain:,} sooner" if wait.gain else "")


def _program_lines(e: Explanation) -> list[str]:
    percent = f" ({100 * e.gap / e.floor:.1f} %)" if e.floor else ""
    lines = [
        f"cycles {e.cycles:>10,}   {e.cycles / e.clock_mhz:,.3f} µs at {e.clock_mhz} MHz",
        f"floor  {e.floor:>10,}   {e.floors[0].resource if e.floors else ''}",
        f"gap    {e.gap:>10,}{percent}",
    ]
    lines += [f"    {cycles:>8,}  {cause}" for cause, cycles in e.parts]
    lines += ["", "lower bounds"]
    lines += [
        f"    {f.cycles:>8,}  {f.resource}" + (f", busy {f.busy:,}" if f.busy else "") for f in _distinct(e.floors)[:8]
    ]
    return lines
