"""lpuasm diff: where two programs part."""

from __future__ import annotations

import click

from lpuasm.answer import Answer
from lpuasm.options import Assembly, assembling, common


@click.command("diff")
@click.argument("first", metavar="A", type=click.Path())
@click.argument("second", metavar="B", type=click.Path())
@assembling
@common
def command(first: str, second: str, assembly: Assembly) -> Answer:
    """Say where two programs part, and what became of each flow.

    A and B are sources or object files. They are compared dispatch by dispatch; nothing runs. The exit status is 0
    whether they are the same or not.
    """
    from lpuasm.profiling.difference import compare
    from lpuasm.profiling.report import profile
    from lpuasm.programs import open_program, pointing_into

    profiles = []
    for file in (first, second):
        opened = open_program(file, assembly)
        with pointing_into(opened.texts.get):
            profiles.append(profile(opened.program))
    found = compare(*profiles)
    programs = [
        {
            "file": file,
            "target": p.program.target.name,
            "cycles": p.measured.cycles,
            "floor": p.explanation.floor if p.explanation else None,
            "dispatches": p.measured.dispatches,
        }
        for file, p in zip((first, second), profiles, strict=True)
    ]
    return Answer({"programs": programs, **found.to_json()}, str(found))
