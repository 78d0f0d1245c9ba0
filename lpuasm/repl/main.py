"""Opens a conversation, on a terminal or with a script."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from lpuasm.answer import GOOD, WRONG, colored, to_stderr, to_stdout
from lpuasm.isa.errors import LpuError
from lpuasm.options import Assembly, Named
from lpuasm.repl.console import Console
from lpuasm.repl.session import Session


def converse_about(file: str | None, inputs: Sequence[Named], assembly: Assembly, debugging: bool) -> int:
    """Loads ``file``, gives ``inputs`` to it, and converses; the exit status. ``debugging``: a run has begun."""
    terminal = sys.stdin is not None and sys.stdin.isatty()

    def fitted(text: str) -> str:
        if console.width is None:
            return text
        from lpuasm.repl.paper import folded

        return folded(text, console.width)

    console = Console(
        Session(assembly.defines, assembly.target, assembly.include),
        lambda text: to_stdout(fitted(text) + "\n"),
        lambda text: to_stderr(fitted(text) + "\n"),
        colored(_choice(), sys.stderr),
        interactive=terminal,
    )
    good = file is None or console.execute(f"load {file}")
    if debugging:
        if not (good and _give(console, inputs)):
            return WRONG
        missing = _missing(console)
        if missing:
            console.say(f"give {', '.join(missing)}, for example {missing[0]} = randn, then `start`")
        elif not console.execute("start"):
            return WRONG
    if terminal:
        from lpuasm.repl.terminal import converse

        converse(console)
        return GOOD
    from lpuasm.repl.plain import converse as read_script

    return GOOD if read_script(console, sys.stdin or ()) and good else WRONG


def _choice() -> str:
    """The value of --color, which is acted on by whoever paints."""
    from lpuasm.cli import color_of

    return color_of(sys.argv[1:])


def _give(console: Console, inputs: Sequence[Named]) -> bool:
    """Gives the tensors of -i; whether that was right."""
    from lpuasm.ports import ports, resolve

    program = console.session.program
    assert program is not None
    known = ports(program)
    try:
        files = resolve("-i", inputs, known.inputs, known.outputs + program.names)
    except LpuError as e:
        console.fail(e.diagnostics)
        return False
    given = [console.execute(f"{name} = load {file}") for name, file in files.items()]
    return all(given)


def _missing(console: Console) -> list[str]:
    program = console.session.program
    assert program is not None
    return [t.name for t in program.tensors if t.bound and t.name not in console.tensors]
