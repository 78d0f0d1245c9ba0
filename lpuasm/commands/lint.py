"""lpuasm lint: what a program does for nothing."""

from __future__ import annotations

import click

from lpuasm.answer import GOOD, WRONG, Answer
from lpuasm.options import Assembly, assembling, common


@click.command("lint")
@click.argument("file", metavar="FILE", type=click.Path())
@assembling
@common
def command(file: str, assembly: Assembly) -> Answer:
    """Say what a program does for nothing, and what to write instead.

    Streams that nothing hears, stores that nothing reads, waits that another stream, bank or unit would avoid, planes
    that idle while others bound the program. The exit status is 1 if anything was found.
    """
    from lpuasm.facts import facts
    from lpuasm.profiling.lint import lint
    from lpuasm.programs import open_program, pointing_into

    opened = open_program(file, assembly)
    with pointing_into(opened.texts.get):
        found = lint(opened.program)
    notes = "" if found else f"{file}: nothing to say"
    status = WRONG if found else GOOD
    document = facts(opened.program, explained=False)
    return Answer(document, "", notes, tuple(found), status, lambda name: opened.text_of(name, file))
