"""lpuasm repl: the conversation."""

from __future__ import annotations

import click

from lpuasm.answer import Answer
from lpuasm.options import Assembly, as_json, assembling, common, complete_file


@click.command("repl")
@click.argument("file", metavar="[FILE]", required=False, type=click.Path(), shell_complete=complete_file)
@assembling
@common
def command(file: str | None, assembly: Assembly) -> Answer | int:
    """Write, run and debug a program in a conversation.

    Every flow is assembled as it is written, and you see when it starts, what it costs and what it collides with.
    FILE is loaded first. `help` lists the commands.

    Where standard input is no terminal its lines are taken as they come, without a prompt, answers go to standard
    output and errors to standard error; the exit status is 1 if any line was wrong.
    """
    if as_json():
        raise click.UsageError("the conversation has no JSON document; build, run and explain have")
    from lpuasm.repl.main import converse_about

    return converse_about(file, (), assembly, debugging=False)
