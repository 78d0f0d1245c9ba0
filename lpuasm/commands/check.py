"""lpuasm check: is it legal?"""

from __future__ import annotations

from typing import Any

import click

from lpuasm.answer import GOOD, NO_PROGRAM, WRONG, Answer, Lookup
from lpuasm.isa.errors import Diagnostic, LpuError
from lpuasm.options import Assembly, as_json, assembling, common


@click.command("check")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@assembling
@common
def command(files: tuple[str, ...], assembly: Assembly) -> Answer:
    """Validate sources and object files; write nothing.

    Every file is checked, also after one that is wrong.
    """
    from lpuasm.facts import facts, time
    from lpuasm.programs import PlacedError, open_program

    diagnostics: list[Diagnostic] = []
    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    lookups: list[Lookup] = []
    for file in files:
        try:
            program = open_program(file, assembly).program
            rows.append({"file": file, "good": True, **facts(program, as_json())})
        except LpuError as e:
            diagnostics += e.diagnostics
            rows.append({"file": file, "good": False, **NO_PROGRAM})
            lookups.append(e.sources if isinstance(e, PlacedError) else lambda name: None)
            continue
        cycles = program.cycles
        length = "scalar code" if cycles is None else time(cycles, program.target.geometry.clock_mhz)
        notes.append(f"{file}: legal, {length}")

    def sources(name: str) -> str | None:
        return next((text for lookup in lookups if (text := lookup(name)) is not None), None)

    alone = {k: v for k, v in rows[0].items() if k in NO_PROGRAM} if len(rows) == 1 else {}
    status = WRONG if any(not row["good"] for row in rows) else GOOD
    return Answer({"files": rows, **alone}, "", "\n".join(notes), tuple(diagnostics), status, sources)
