"""lpuasm explain: why every flow starts when it does."""

from __future__ import annotations

import click

from lpuasm.answer import Answer
from lpuasm.options import Assembly, assembling, common


@click.command("explain")
@click.argument("file", metavar="FILE", type=click.Path())
@assembling
@common
def command(file: str, assembly: Assembly) -> Answer:
    """Say why every flow of a program starts when it does.

    For every flow its start, its length, and the one claim that keeps it from starting sooner. For the program its
    cycles, the floor that no schedule of the same flows can beat, and what the gap between the two is made of.
    """
    from lpuasm.asm.explain import explain
    from lpuasm.facts import facts
    from lpuasm.programs import open_program, pointing_into

    opened = open_program(file, assembly)
    with pointing_into(opened.texts.get):
        explanation = explain(opened.program)
    document = {**facts(opened.program, explained=False), **explanation.to_json()}
    return Answer(document, str(explanation))
