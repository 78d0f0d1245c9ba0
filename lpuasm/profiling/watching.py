"""Watching a source: on every save it is built, its check is run, and what changed is said."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lpuasm.answer import Answer
from lpuasm.isa.errors import LpuError
from lpuasm.options import Assembly
from lpuasm.profiling.difference import change
from lpuasm.profiling.report import MOST_EXPLAINED
from lpuasm.programs import PlacedError, open_program
from lpuasm.runs import Order, execute

#: Seconds between two looks at the files.
PERIOD = 0.2

Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Look:
    """What was found when a source was built: cycles and floor, None where it did not build or they are not known.

    ``files`` are those whose change asks for another look.
    """

    answer: Answer
    cycles: int | None
    floor: int | None
    files: frozenset[str]


def look(order: Order, assembly: Assembly, before: Look | None = None) -> Look:
    """Builds once, runs if anything is given to it, and says what changed since ``before``."""
    files = frozenset({order.file, *(o.file for o in (*order.inputs, *order.checks))})
    past = before or Look(Answer(), None, None, files)
    try:
        opened = open_program(order.file, assembly)
        cycles, floor = opened.program.cycles, _floor(opened.program)
        ran = execute(order, assembly, None) if order.inputs or order.checks else Answer()
    except LpuError as e:
        sources = e.sources if isinstance(e, PlacedError) else lambda name: None
        answer = Answer(_document(past, None, None), diagnostics=e.diagnostics, status=1, sources=sources)
        return replace(past, answer=answer, files=past.files | files)
    document = {**_document(past, cycles, floor), "checks": ran.document.get("checks", {})}
    notes = [_line(order.file, past, cycles, floor), *([ran.notes] if ran.notes else [])]
    answer = Answer(document, "\n".join(notes) + "\n", "", ran.diagnostics, ran.status, ran.sources)
    return Look(answer, cycles, floor, files | opened.texts.keys())


def looks(order: Order, assembly: Assembly, wait: Callable[[], None] | None = None) -> Iterator[Look]:
    """A look now, and one after every change of a file; without an end."""
    pause = wait or (lambda: time.sleep(PERIOD))
    known: Look | None = None
    while True:
        seen = stamp(known.files if known else (order.file,))
        known = look(order, assembly, known)
        yield known
        if known.files != {name for name, _, _ in seen}:
            seen = stamp(known.files)
        while stamp(known.files) == seen:
            pause()


def stamp(files: Iterable[str]) -> Stamp:
    """When each file was changed last, and its size; zeros for one that is not there."""
    found = []
    for name in sorted(files):
        try:
            status = Path(name).stat()
            found.append((name, status.st_mtime_ns, status.st_size))
        except OSError:
            found.append((name, 0, 0))
    return tuple(found)


def _floor(program: Any) -> int | None:
    from lpuasm.asm.explain import explain

    if program.scalar or len(program.timeline.start) > MOST_EXPLAINED:
        return None
    return explain(program).floor


def _document(past: Look, cycles: int | None, floor: int | None) -> dict[str, Any]:
    return {"cycles": cycles, "floor": floor, "before": {"cycles": past.cycles, "floor": past.floor}}


def _line(file: str, past: Look, cycles: int | None, floor: int | None) -> str:
    if cycles is None:
        return f"{file}: scalar code, it builds"
    parts = [f"cycles {change(cycles if past.cycles is None else past.cycles, cycles)}"]
    if floor is not None:
        parts += [f"floor {change(floor if past.floor is None else past.floor, floor)}", f"gap {cycles - floor:,}"]
    return f"{file}: {', '.join(parts)}"
