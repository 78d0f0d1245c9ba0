"""Opens a conversation, on a terminal or with a script."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from lpuasm.answer import GOOD, WRONG, colored, to_stderr, to_stdout
from lpuasm.options import Assembly, Named
from lpuasm.repl.console import Console
from lpuasm.repl.session import Session


def converse_about(file: str | None, inputs: Sequence[Named], assembly: Assembly, debugging: bool) -> int:
    """Loads ``file``, gives ``inputs`` to it, and converses; the exit status. ``debugging``: a run has begun."""
    from lpuasm.repl import commands

    ctx = click.get_current_context(silent=True)
    choice = str(ctx.params.get("color", "auto")) if ctx else "auto"
    console = Console(
        Session(assembly.defines, assembly.target, assembly.include),
        lambda text: to_stdout(text + "\n"),
        lambda text: to_stderr(text + "\n"),
        colored(choice, sys.stderr),
    )
    good = True
    if file is not None:
        good = console.execute(f"load {file}")
    for one in inputs:
        good = console.execute(f"{one.name} = load {one.file}") and good
    if debugging and good:
        good = console.execute("start")
    if sys.stdin is not None and sys.stdin.isatty():
        from lpuasm.repl.terminal import converse

        converse(console)
        return GOOD
    from lpuasm.repl.plain import converse as read_script

    assert commands.table()
    return GOOD if read_script(console, sys.stdin or ()) and good else WRONG
