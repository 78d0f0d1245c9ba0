"""lpuasm debug: the conversation about a run, which goes forward and back."""

from __future__ import annotations

import click

from lpuasm.answer import Answer
from lpuasm.options import Assembly, Named, as_json, assembling, common, tensors


@click.command("debug")
@click.argument("file", metavar="FILE", type=click.Path())
@tensors("-i", "inputs", help="Read a tensor from a .npy, .npz or raw .bin file.")
@assembling
@common
def command(file: str, inputs: tuple[Named, ...], assembly: Assembly) -> Answer | int:
    """Stop a run where you like, go forward and back in it, and ask why.

    The conversation of `lpuasm repl`, with FILE loaded, its inputs given, and the run before its first cycle: `break`,
    `continue`, `step`, `back`, `reverse`; `streams`, `where`, `who wrote`, `why`, `what-if`. `help` lists them. FILE is
    a source or an object file. Inputs may also be given in the conversation.

    Where standard input is no terminal its lines are taken as they come, without a prompt, answers go to standard
    output and errors to standard error; the exit status is 1 if any line was wrong.
    """
    if as_json():
        raise click.UsageError("the conversation has no JSON document; build, run and explain have")
    from lpuasm.repl.main import converse_about

    return converse_about(file, inputs, assembly, debugging=True)
