"""lpuasm profile: where the cycles go."""

from __future__ import annotations

import click

from lpuasm.answer import Answer
from lpuasm.options import Assembly, assembling, common


@click.command("profile")
@click.argument("file", metavar="FILE", type=click.Path())
@assembling
@common
def command(file: str, assembly: Assembly) -> Answer:
    """Say where the cycles of a program go; nothing runs.

    How busy each part of the chip is, over the whole program and over time; the work at the peaks of the chip; the
    flows by what they cost; and what bounds the program.
    """
    from lpuasm.facts import facts
    from lpuasm.profiling.report import profile
    from lpuasm.programs import open_program, pointing_into

    opened = open_program(file, assembly)
    with pointing_into(opened.texts.get):
        found = profile(opened.program)
    return Answer({**facts(opened.program, explained=False), **found.to_json()}, str(found))
