"""Where two programs part: the first dispatch that only one of them has, and what became of each flow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.core import Definition, table
from lpuasm.isa.errors import AssemblyError, Span, error
from lpuasm.isa.program import Program
from lpuasm.isa.runs import lines, spread
from lpuasm.isa.timeline import Timeline, field
from lpuasm.profiling.report import Profile, short

Ints = NDArray[np.int64]
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Party:
    """What one program dispatches where the other does not: the instruction, its flow and its place."""

    instruction: str
    flow: str | None
    span: Span | None


@dataclass(frozen=True, slots=True)
class Parting:
    """The first cycle, and in it the first queue, in which two programs differ. A party is None where there is none."""

    cycle: int
    queue: str
    before: Party | None
    after: Party | None


@dataclass(frozen=True, slots=True)
class Change:
    """A flow in both programs: (start, length, cycles of queues), None in a program that does not have it."""

    flow: str
    before: tuple[int, int, int] | None
    after: tuple[int, int, int] | None


@dataclass(frozen=True)
class Difference:
    """Two programs compared. ``changes`` are the flows that are not the same, in the order of their starts."""

    before: Profile
    after: Profile
    first: Parting | None
    changes: tuple[Change, ...]

    def to_json(self) -> dict[str, Any]:
        """The keys of `lpuasm diff --json` beside the files."""
        first = self.first
        return {
            "same": first is None,
            "first": first
            and {
                "cycle": first.cycle,
                "queue": first.queue,
                "before": party_json(first.before),
                "after": party_json(first.after),
            },
            "changes": [
                {"flow": c.flow, "before": _flow_json(c.before), "after": _flow_json(c.after)} for c in self.changes
            ],
        }

    def __str__(self) -> str:
        return "\n".join(_lines(self)) + "\n"


def compare(before: Profile, after: Profile) -> Difference:
    """Compares two programs dispatch by dispatch. A repeated word and the words that it stands for are the same.

    Raises:
        AssemblyError: LPU1305, they are for different chips.
    """
    if before.program.target.digest != after.program.target.digest:
        names = f"{before.program.target.name} and {after.program.target.name}"
        raise AssemblyError(
            error("LPU1305", f"programs for two chips cannot be compared: {names}", help="build both for one --target")
        )
    return Difference(before, after, _first(before.program, after.program), tuple(_changes(before, after)))


def _first(before: Program, after: Program) -> Parting | None:
    rows = [_rows(p) for p in (before, after)]
    alone = [row[:, ~_common(row, other)] for row, other in (rows, rows[::-1])]
    events = [_events(row) for row in alone]
    parted = [event[:, ~_common(event, other)] for event, other in (events, events[::-1])]
    starts = [event[:2, np.lexsort((event[1], event[0]))[0]].tolist() for event in parted if event.shape[1]]
    if not starts:
        return None
    cycle, queue = min(starts)
    parties = [_party(p, event, cycle, queue) for p, event in zip((before, after), parted, strict=True)]
    return Parting(cycle, before.target.queues[queue].name, *parties)


#: Rows: queue, start, stride, count, what is dispatched (low and high half), the stepped operand and its step, family.
def _rows(program: Program) -> Ints:
    """The lines of a program, by columns; instructions without what says how often and where they are repeated."""
    timeline = program.timeline
    low, high, stepped = _bare(timeline)
    nests = lines(timeline.start, timeline.count, timeline.every, timeline.step)
    of = nests.family
    columns = (timeline.queue[of], nests.start, nests.stride, nests.count, low[of], high[of], stepped[of] + nests.moved)
    return np.stack([*columns, nests.step, of]).astype(np.int64)


def _bare(timeline: Timeline) -> tuple[NDArray[np.uint64], NDArray[np.uint64], Ints]:
    """(the instructions, low and high half, without their nests and stepped operands; those operands)."""
    words = np.stack((timeline.low, timeline.high), axis=1)
    stepped = np.zeros(len(words), np.int64)
    for code in np.unique(timeline.opcode).tolist():
        definition = table(timeline.target).by_opcode[code]
        rows = np.flatnonzero(timeline.opcode == code)
        if definition.steps:
            (place,) = [b for b in definition.bits if b.name == definition.steps]
            stepped[rows] = field(timeline.low[rows], timeline.high[rows], place.low, place.width)
        keep = ~np.uint64(0) & ~np.array(_nest(definition), np.uint64)
        words[rows] &= keep
    return words[:, 0], words[:, 1], stepped


def _nest(definition: Definition) -> tuple[int, int]:
    """The bits, of either half, of the nest and of the stepped operand of an instruction."""
    mask = 0
    for b in definition.bits:
        if b.name.startswith("repeat") or (definition.steps and b.name == definition.steps):
            mask |= ((1 << b.width) - 1) << b.low
    return mask & (1 << 64) - 1, mask >> 64


def _events(rows: Ints) -> Ints:
    """Every dispatch of rows: cycle, queue, instruction, stepped operand, family; a column each."""
    row, inside = spread(rows[3])
    queue, start, stride, _, low, high, stepped, step, family = rows[:, row]
    return np.stack((start + inside * stride, queue, low, high, stepped + inside * step, family))


def _common(one: Ints, other: Ints) -> NDArray[np.bool_]:
    """Which columns of ``one``, but for the family in the last row, are also in ``other``."""
    both = np.concatenate((one[:-1], other[:-1]), axis=1)
    order = np.lexsort(both[::-1])
    fresh = np.ones(both.shape[1], bool)
    fresh[1:] = (both[:, order][:, 1:] != both[:, order][:, :-1]).any(axis=0)
    number = np.empty(both.shape[1], np.int64)
    number[order] = np.cumsum(fresh)
    return np.isin(number[: one.shape[1]], number[one.shape[1] :])


def _party(program: Program, events: Ints, cycle: int, queue: int) -> Party | None:
    found = np.flatnonzero((events[0] == cycle) & (events[1] == queue))
    if not len(found):
        return None
    timeline, family = program.timeline, int(events[-1, found[0]])
    name, word = program.target.queues[queue].name, int(timeline.word[family])
    instruction = table(program.target).decode(int(timeline.low[family]) | int(timeline.high[family]) << 64)
    return Party(str(instruction), program.flow(name, word), program.span(name, word))


def _changes(before: Profile, after: Profile) -> Iterator[Change]:
    one, other = _flows(before), _flows(after)
    for flow in sorted({**one, **other}, key=lambda name: (one.get(name) or other[name])[0]):
        if one.get(flow) != other.get(flow):
            yield Change(flow, one.get(flow), other.get(flow))


def _flows(profile: Profile) -> dict[str, tuple[int, int, int]]:
    costs = {c.flow: c.total for c in profile.measured.costs}
    flows = profile.explanation.flows if profile.explanation else ()
    return {f.name: (f.start, f.length, costs.get(f.name, 0)) for f in flows}


def party_json(party: Party | None) -> dict[str, Any] | None:
    """A party as JSON has it."""
    if party is None:
        return None
    return {
        "instruction": party.instruction,
        "flow": party.flow,
        "file": party.span.file if party.span else None,
        "line": party.span.line if party.span else None,
    }


def _flow_json(numbers: tuple[int, int, int] | None) -> dict[str, int] | None:
    return None if numbers is None else dict(zip(("start", "length", "cost"), numbers, strict=True))


def change(before: int, after: int) -> str:
    """`440 -> 280 (-160, -36.4 %)`, or the number alone where it stays."""
    if before == after:
        return f"{after:,}"
    share = f", {100 * (after - before) / before:+.1f} %" if before else ""
    return f"{before:,} -> {after:,} ({after - before:+,}{share})"


def _lines(d: Difference) -> Iterator[str]:
    yield f"cycles  {change(d.before.measured.cycles, d.after.measured.cycles)}"
    if d.before.explanation and d.after.explanation:
        yield f"floor   {change(d.before.explanation.floor, d.after.explanation.floor)}"
    if d.first is None:
        yield "both dispatch the same in every cycle"
    else:
        yield f"they part in cycle {d.first.cycle:,} at {d.first.queue}"
        yield f"  first   {said(d.first.before)}"
        yield f"  second  {said(d.first.after)}"
    if d.changes:
        yield ""
        yield from _table([("flow", "start", "length", "busy"), *map(_row, d.changes[:_SHOWN])])
    if len(d.changes) > _SHOWN:
        yield f"{len(d.changes) - _SHOWN:,} more"


def _row(c: Change) -> tuple[str, ...]:
    if c.before is None or c.after is None:
        return short(c.flow), f"only in the {'second' if c.before is None else 'first'}", "", ""
    pairs = zip(c.before, c.after, strict=True)
    return short(c.flow), *(f"{b:,}" if a == b else f"{a:,} -> {b:,} ({b - a:+,})" for a, b in pairs)


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def said(party: Party | None) -> str:
    """A party in words."""
    if party is None:
        return "nothing"
    flow = f"  in {party.flow}" if party.flow else ""
    return party.instruction + flow + (f"  ({party.span.file}:{party.span.line})" if party.span else "")
