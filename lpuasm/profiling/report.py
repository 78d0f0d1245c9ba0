"""A profile: the measures of a program with what `explain` says of it, for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpuasm.asm.explain import Explanation, FlowReport, explain
from lpuasm.facts import time
from lpuasm.isa.errors import AssemblyError, error
from lpuasm.isa.program import Program
from lpuasm.profiling.measure import KINDS, Busy, Cost, Measured, Work, measure

#: Words above which a profile does not ask why each flow starts when it does.
MOST_EXPLAINED = 50_000
#: Columns of a small terminal, and of a name in a table.
WIDTH = 80
LONGEST = 32
_SHOWN = 12
_SHADES = "·░▒▓█"


@dataclass(frozen=True)
class Profile:
    """Where the cycles of a program go. ``explanation`` is None for programs of very many words."""

    program: Program
    measured: Measured
    explanation: Explanation | None

    @property
    def intensity(self) -> float | None:
        """Multiply-accumulates a byte of SRAM that is read or written; None where no byte is."""
        mxm, sram, _ = self.measured.work
        return mxm.amount / sram.amount if sram.amount else None

    @property
    def ridge(self) -> float:
        """The intensity from which on the MXM limits a program and no longer the SRAM."""
        mxm, sram, _ = self.measured.work
        return mxm.peak / sram.peak

    @property
    def limit(self) -> Work:
        """The work that takes longest where everything runs at its peak."""
        return max(self.measured.work, key=lambda w: w.cycles)

    def to_json(self) -> dict[str, Any]:
        """The keys of `lpuasm profile --json` beside those that every program has."""
        m = self.measured
        why = self.explanation.to_json() if self.explanation else {}
        return {
            **{key: why[key] for key in ("floor", "gap", "binding", "floors", "parts", "flows") if key in why},
            "dispatches": m.dispatches,
            "edges": m.edges.tolist(),
            "units": [_unit_json(u) for u in m.units],
            "work": [
                {"name": w.name, "unit": w.unit, "amount": w.amount, "peak": w.peak, "cycles": w.cycles} for w in m.work
            ],
            "intensity": self.intensity,
            "ridge": self.ridge,
            "limit": self.limit.name,
            "costs": [
                {"flow": c.flow, "start": c.start, "busy": dict(zip(KINDS, c.busy, strict=True)), "macs": c.macs,
                 "bytes": c.bytes}
                for c in m.costs
            ],
        }  # fmt: skip

    def _repr_html_(self) -> str:
        """How a notebook shows it: the page of `lpuasm profile --html`, in a frame."""
        from html import escape

        from lpuasm.profiling.page import View, page

        shown = page([View(self.program.target.name, self, lambda name: None)]).decode()
        return f'<iframe srcdoc="{escape(shown)}" style="width:100%;height:640px;border:0"></iframe>'

    def __str__(self) -> str:
        parts = [_head(self), strips(self.measured), _roofline(self), _costs(self), _bounds(self)]
        return "\n\n".join("\n".join(lines) for part in parts if (lines := list(part))) + "\n"


def profile(program: Program) -> Profile:
    """Profiles a streaming program, from the program alone: nothing runs.

    Raises:
        AssemblyError: LPU1113, scalar code has no schedule.
    """
    if program.scalar:
        raise AssemblyError(
            error("LPU1113", "scalar code has no schedule to profile", help="`lpuasm run` counts its cycles")
        )
    few = len(program.timeline.start) <= MOST_EXPLAINED
    return Profile(program, measure(program), explain(program) if few else None)


def _unit_json(unit: Busy) -> dict[str, Any]:
    return {
        "name": unit.row.name,
        "kind": unit.row.kind,
        "slots": unit.row.slots,
        "busy": unit.busy,
        "share": round(unit.share, 6),
        "strip": [round(float(v), 4) for v in unit.strip],
    }


def _head(p: Profile) -> Iterator[str]:
    m = p.measured
    many = "" if m.dispatches == 1 else "es"
    yield f"{time(m.cycles, p.program.target.geometry.clock_mhz)}, {m.dispatches:,} dispatch{many}"


def strips(m: Measured) -> Iterator[str]:
    """A line for each part of the chip that works, west to east; then the names of those that do not."""
    used = [u for u in m.units if u.busy]
    if not used:
        return
    width = max(len(u.row.name) for u in used)
    columns = len(m.edges) - 1
    ends = f"0{m.cycles:>{max(columns - 1, len(f'{m.cycles:,}') + 1)},}"
    yield f"{'unit':<{width}}    busy  {ends}"
    for unit in used:
        yield f"{unit.row.name:<{width}}  {_percent(unit.share):>6}  {heat(unit.strip)}".rstrip()
    idle = [u.row.name for u in m.units if not u.busy]
    if idle:
        names = ", ".join(name.replace(" ", "\xa0") for name in _quads(idle))  # a name stays on its line
        yield from (line.replace("\xa0", " ") for line in wrap(f"idle: {names}", WIDTH, subsequent_indent=" " * 6))


def heat(strip: NDArray[np.float64]) -> str:
    """A character a bucket: blank where nothing happens, and fuller the busier it is."""
    marks = np.minimum((strip * len(_SHADES)).astype(int), len(_SHADES) - 1)
    return "".join(_SHADES[k] if share else " " for k, share in zip(marks, strip, strict=True))


def _quads(names: Sequence[str]) -> list[str]:
    """The names, with neighbouring quads of slices as one."""
    out: list[str] = []
    for name in names:
        hemisphere, bracket, rest = name.partition("[")
        before, _, old = out[-1].partition("[") if out else ("", "", "")
        if bracket and before == hemisphere:
            ends = [int(n) for part in (old, rest) for n in part.rstrip("]").split("..")]
            if max(ends[:2]) + 1 == min(ends[2:]) or max(ends[2:]) + 1 == min(ends[:2]):
                out[-1] = f"{hemisphere}[{min(ends)}..{max(ends)}]"
                continue
        out.append(name)
    return out


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _roofline(p: Profile) -> Iterator[str]:
    m = p.measured
    if not any(w.amount for w in m.work):
        return
    of = f"of {m.cycles:,}"
    yield f"{'work':<6}{'amount':>16}  {'':<10}{'peak a cycle':>12}  {'cycles at peak':>14}  {of:>10}"
    for w in m.work:
        if w.amount:
            share = _percent(w.cycles / m.cycles)
            yield f"{w.name:<6}{w.amount:>16,}  {w.unit:<10}{w.peak:>12,}  {w.cycles:>14,.1f}  {share:>10}"
    if p.intensity is not None and m.work[0].amount:
        side = "beyond" if p.intensity >= p.ridge else "before"
        yield f"intensity {p.intensity:,.2f} MAC a byte, {side} the ridge at {p.ridge:,.2f}"
    if m.cycles and p.limit.amount:
        share = _percent(p.limit.cycles / m.cycles)
        yield f"{p.limit.name} would limit it, were every unit at its peak: {share} of that roof"


def _costs(p: Profile) -> Iterator[str]:
    costs, total = p.measured.costs, p.measured
    if not costs:
        return
    every = sum(c.total for c in total.costs)
    shown = costs[:_SHOWN]
    used = [k for k in range(len(KINDS)) if any(c.busy[k] for c in costs)]
    width = max(4, *(len(short(c.flow or "(lines)")) for c in shown))
    yield f"{'flow':<{width}}  {'start':>8}  {'share':>7}" + "".join(f"{KINDS[k]:>10}" for k in used)
    for c in shown:
        yield _cost_line(c, short(c.flow or "(lines)"), width, every, used)
    if len(costs) > _SHOWN:
        rest = [sum(c.busy[k] for c in costs[_SHOWN:]) for k in range(len(KINDS))]
        name = f"{len(costs) - _SHOWN:,} more"
        yield f"{name:<{width}}  {'':>8}  {_percent(sum(rest) / every):>7}" + "".join(f"{rest[k]:>10,}" for k in used)


def short(name: str) -> str:
    """A name for a column: of a long one its two ends."""
    half = LONGEST // 2
    return name if len(name) <= LONGEST else f"{name[:half]}…{name[-half + 1 :]}"


def _cost_line(c: Cost, name: str, width: int, every: int, used: Sequence[int]) -> str:
    head = f"{name:<{width}}  {c.start:>8,}  {_percent(c.total / every):>7}"
    return head + "".join(f"{c.busy[k]:>10,}" for k in used)


def _bounds(p: Profile) -> Iterator[str]:
    e = p.explanation
    if e is None:
        yield "too many words to say why each flow waits; `lpuasm explain` does, with time"
        return
    binding = e.floors[0].resource if e.floors else ""
    yield f"floor {e.floor:,}, by {binding}; gap {e.gap:,}" + (f" ({_percent(e.gap / e.floor)})" if e.floor else "")
    for cause, cycles in sorted(e.parts, key=lambda part: -part[1])[:_SHOWN]:
        yield f"  {cycles:>8,}  {cause}"
    for f in _critical(e, {f.name: f for f in e.flows}):
        yield f"  {f.name} starts at {f.start:,}{reason(f)}"


def _critical(e: Explanation, flows: dict[str, FlowReport]) -> list[FlowReport]:
    """The flow that ends last, and what it waits for, one behind the other, at most a screenful."""
    chain: list[FlowReport] = []
    at = max(e.flows, key=lambda f: f.start + f.length, default=None)
    while at is not None and at not in chain and len(chain) < _SHOWN:
        chain.append(at)
        at = flows.get(at.waits_for.flow or "")
    return chain


def reason(f: FlowReport) -> str:
    """What a flow waits for, behind a colon; nothing of one that starts at cycle 0."""
    wait = f.waits_for
    if wait.kind == "start":
        return ""
    text = f": {wait.what}"
    if wait.flow is not None:
        text += f", by {wait.flow}"
    return text + (f"; without it {wait.gain:,} sooner" if wait.gain else "")
