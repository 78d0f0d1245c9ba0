"""What a program does for nothing: values that nothing hears, stores that nothing reads, waits and planes to spare."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lpuasm.asm.explain import Explanation, FlowReport, Wait
from lpuasm.isa.core import table
from lpuasm.isa.errors import AssemblyError, Diagnostic, Related, Span, error
from lpuasm.isa.program import Program
from lpuasm.isa.target import HEMISPHERES
from lpuasm.profiling.report import Profile, profile
from lpuasm.profiling.stores import dead_stores
from lpuasm.profiling.streams import segments

Ints = NDArray[np.int64]
#: The share of its floor from which on a plane that bounds a program makes idle planes worth a word.
_BOUND = 0.5


def lint(program: Program) -> list[Diagnostic]:
    """Warnings about a streaming program, in the order of the source.

    Raises:
        AssemblyError: LPU1113, scalar code has no schedule.
    """
    if program.scalar:
        raise AssemblyError(
            error("LPU1113", "scalar code has no schedule to look into", help="lint is for streaming programs")
        )
    found = profile(program)
    warnings = [*_unheard(program), *_dead(program), *_waits(found), *_idle(found)]
    return sorted(warnings, key=lambda d: (d.span is None, d.span.file if d.span else "", d.span.line if d.span else 0))


def _warning(code: str, message: str, span: Span | None, help: str, *related: Related) -> Diagnostic:
    return error(code, message, span, help=help, related=related, severity="warning")


def _place(program: Program, family: int) -> Span | None:
    timeline = program.timeline
    return program.span(program.target.queues[int(timeline.queue[family])].name, int(timeline.word[family]))


def _by_place(program: Program, families: Ints) -> Iterator[tuple[Span | None, Ints]]:
    """Families by the place in the source that they come from; each without a place by itself."""
    places: dict[object, list[int]] = {}
    for family in families.tolist():
        span = _place(program, family)
        places.setdefault((span.file, span.line, span.column) if span else family, []).append(family)
    for rows in places.values():
        yield _place(program, rows[0]), np.array(rows)


def _mnemonic(program: Program, family: int) -> str:
    return table(program.target).by_opcode[int(program.timeline.opcode[family])].mnemonic


def _unheard(program: Program) -> Iterator[Diagnostic]:
    alive, streams = segments(program.timeline), program.target.geometry.streams
    unheard = np.flatnonzero(alive.last < 0)
    for span, families in _by_place(program, np.unique(alive.family[unheard])):
        own = np.isin(alive.family, families)
        lost = own & (alive.last < 0)
        names = sorted({(int(c) // streams, int(c) % streams) for c in alive.channel[lost]})
        text = ", ".join(f"s{s}.{'ew'[w]}" for w, s in names[:8]) + (", …" if len(names) > 8 else "")
        count, total = int(alive.count[lost].sum()), int(alive.count[own].sum())
        what = f"`{_mnemonic(program, int(families[0]))}`"
        if count == total:
            help = "leave the statement out, or read the stream where its values are wanted"
        elif set(alive.channel[own & (alive.last >= 0)]) & set(alive.channel[lost]):
            help = "let it issue only as often as it is heard"
        else:
            help = "give it a smaller group, or `low8` where only the lowest byte is wanted"
        yield _warning("LPU1301", f"nothing hears {count:,} of the {total:,} values of {what}, on {text}", span, help)


def _dead(program: Program) -> Iterator[Diagnostic]:
    dead = dead_stores(program)
    for span, families in _by_place(program, np.flatnonzero(dead)):
        count, total = int(dead[families].sum()), int(program.timeline.issues[families].sum())
        yield _warning(
            "LPU1302",
            f"nothing reads {count:,} of the {total:,} vectors that are written here",
            span,
            "leave them out, or declare what they make as .output",
        )


def _waits(found: Profile) -> Iterator[Diagnostic]:
    explanation = found.explanation
    for flow in explanation.flows if explanation else ():
        wait = flow.waits_for
        if wait.kind in ("queue", "stream", "bank", "generator", "link") and wait.gain > 0:
            related = (Related(f"{wait.flow} holds it", wait.span),) if wait.flow and wait.span else ()
            message = (
                f"flow {flow.name} waits for {wait.what.removesuffix(' is taken')}; without that {wait.gain:,} sooner"
            )
            yield _warning("LPU1303", message, flow.span, _way_out(found.program, flow, wait), *related)


def _way_out(program: Program, flow: FlowReport, wait: Wait) -> str:
    if wait.kind == "stream":
        direction = wait.what.removesuffix(" is taken")[-1]
        alive, streams = segments(program.timeline), program.target.geometry.streams
        used = set(alive.channel.tolist())
        base = streams if direction == "w" else 0
        free = [f"s{s}.{direction}" for s in range(streams) if base + s not in used]
        names = ", ".join(free[:6]) + (", …" if len(free) > 6 else "")
        return (
            f"never used: {names}" if free else f"send {flow.name} the other way, or by a stream that is free earlier"
        )
    return {
        "bank": "put one of the two tensors into the other bank, or into other slices",
        "generator": "put one of the two tensors into other slices, or a copy of what both read",
        "link": "use another link",
    }.get(wait.kind, "name another unit of the same kind, such as `@alu5` or another plane, if one is free")


def _idle(found: Profile) -> Iterator[Diagnostic]:
    explanation, program = found.explanation, found.program
    if explanation is None or not explanation.floors or not _bound_by_planes(explanation):
        return
    planes = {f"mxm.{h}{p}" for h in HEMISPHERES for p in range(program.target.geometry.planes)}
    shares = {u.row.name: u.busy for u in found.measured.units if u.row.name in planes}
    idle = sorted(name for name, busy in shares.items() if not busy)
    busiest = max(shares, key=lambda name: shares[name])
    if idle and shares[busiest]:
        span = _first_row(program, f"{busiest}.abc")
        message = f"{busiest} bounds the program and {', '.join(idle)} {'does' if len(idle) == 1 else 'do'} nothing"
        yield _warning("LPU1304", message, span, "deal the rows, or the tiles of weights, to all planes")


def _bound_by_planes(explanation: Explanation) -> bool:
    binding = explanation.floors[0]
    is_plane = binding.track is not None and binding.track[0] == "queue" and str(binding.track[1]).endswith(".abc")
    return is_plane and binding.busy >= _BOUND * explanation.cycles


def _first_row(program: Program, queue: str) -> Span | None:
    """The place of the first word of a queue that comes from one."""
    number = program.target.queue[queue].number
    rows = np.flatnonzero(program.timeline.queue == number)
    return next((span for row in rows.tolist() if (span := _place(program, row)) is not None), None)
