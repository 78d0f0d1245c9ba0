"""The command line: the list of commands, and every way out of it.

Commands are imported when they are called, and import what is heavy when they
run, so that `lpuasm --help` stays instant.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from lpuasm.answer import GOOD, INTERRUPTED, OURS, USAGE, WRONG, Answer, emit, to_stderr
from lpuasm.isa.errors import Diagnostic, LpuError, error

#: Every command with its line of help; each is the `command` of lpuasm.commands.NAME.
COMMANDS = {
    "build": "Assemble a source into an object file.",
    "check": "Validate sources; write nothing.",
    "run": "Run a program on tensors from files.",
    "dis": "Print a program as words that assemble back.",
    "explain": "Say why every flow starts when it does.",
    "profile": "Say where the cycles of a program go.",
    "lint": "Say what a program does for nothing.",
    "diff": "Say where two programs part.",
    "watch": "Build on every save, and show what changed.",
    "isa": "Show the reference of an instruction or unit.",
    "fmt": "Give sources the one canonical layout.",
    "repl": "Write, run and debug a program in a conversation.",
    "debug": "Stop a run, go forward and back in it, ask why.",
    "completion": "Print the completion script of a shell.",
}


#: The variable by which a shell asks for completions.
COMPLETE = "_LPUASM_COMPLETE"


class Commands(click.Group):
    """The group of commands, each imported when it is first needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"lpuasm.commands.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            from lpuasm.isa.suggest import did_you_mean

            ask = did_you_mean(name, COMMANDS, f"the commands are {', '.join(COMMANDS)}")
            raise click.UsageError(f"there is no command '{name}'; {ask}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        found = [CompletionItem(n, help=h) for n, h in COMMANDS.items() if n.startswith(incomplete)]
        return found + click.Command.shell_complete(self, ctx, incomplete)


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    from lpuasm.version import version_line

    click.echo(version_line())
    ctx.exit()


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit status: 0 good, 1 the program or its input is wrong, 2 the command line is wrong, "
    "70 a fault of lpuasm, 130 interrupted.",
)
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version,
    help="Print the version, and the hash of the instruction set.",
)  # fmt: skip
def cli() -> None:
    """Program a Groq-class LPU by hand, exact to the cycle.

    Every command has --help, and answers one JSON document with --json.
    """


def run(args: Sequence[str]) -> int:
    """Does what the command line says; returns the exit status. Raises nothing."""
    options = list(args)
    said = options[: options.index("--")] if "--" in options else options
    first = next((a for a in said if not a.startswith("-")), None)
    command = first if first in COMMANDS else None
    as_json, color = "--json" in said, color_of(said)
    try:
        answer = _answer(options)
        if isinstance(answer, int):
            return answer
        return _say(answer, command, as_json, color)
    except KeyboardInterrupt:
        return _say(_interrupted(), command, as_json, color)


def color_of(said: Sequence[str]) -> str:
    """The choice of `--color`, also on a command line that is wrong elsewhere."""
    for k, arg in enumerate(said):
        value = arg.partition("=")[2] if arg.startswith("--color=") else "".join(said[k + 1 : k + 2])
        if arg.startswith("--color") and value in ("always", "never"):
            return value
    return "auto"


def _answer(args: list[str]) -> Answer | int:
    """What the command says, or the exit status of one that has already said it."""
    try:
        result = cli.main(args, prog_name="lpuasm", complete_var=COMPLETE, standalone_mode=False)
        return result if isinstance(result, Answer | int) else GOOD
    except click.exceptions.NoArgsIsHelpError as e:
        return Answer(notes=e.ctx.get_help() if e.ctx else "", diagnostics=(), status=USAGE)
    except click.UsageError as e:
        hint = f"{e.ctx.command_path} --help says what it takes" if e.ctx else ""
        return Answer(diagnostics=(error("LPU0990", _sentence(e.format_message()), help=hint),), status=USAGE)
    except (click.Abort, KeyboardInterrupt):
        return _interrupted()
    except LpuError as e:
        return Answer(diagnostics=e.diagnostics, status=WRONG, sources=getattr(e, "sources", lambda name: None))
    except SystemExit as e:  # click leaves so after completion, and when the reader of its help has gone
        return int(e.code or GOOD) if COMPLETE in os.environ else GOOD
    except Exception as e:
        if isinstance(e, OSError) and e.filename is None:  # click's help and version
            return Answer(diagnostics=(_stdout(e),), status=WRONG)
        return _fault(e)


def _stdout(e: OSError) -> Diagnostic:
    return error("LPU0902", f"cannot write standard output: {(e.strerror or 'error').lower()}")


def _sentence(text: str) -> str:
    return text[:1].lower() + text[1:].rstrip(".")


def _interrupted() -> Answer:
    return Answer(diagnostics=(error("LPU0991", "interrupted"),), status=INTERRUPTED)


def _fault(e: Exception) -> Answer:
    if os.environ.get("LPUASM_DEBUG"):
        import traceback

        to_stderr("".join(traceback.format_exception(e)))
    text = str(e).partition("\n")[0][:200]
    return Answer(diagnostics=(_report(f"{type(e).__name__}: {text}" if text else type(e).__name__),), status=OURS)


def _report(what: str) -> Diagnostic:
    return error(
        "LPU0999",
        f"lpuasm itself failed: {what}",
        help="this is not your program's fault; please report it with the output of `lpuasm --version`, the command "
        "and its files; LPUASM_DEBUG=1 shows where it happened",
    )


def _say(answer: Answer, command: str | None, as_json: bool, color: str) -> int:
    try:
        emit(answer, command=command, as_json=as_json, color=color)
    except OSError as e:
        d = _stdout(e)
        to_stderr(f"error[{d.code}]: {d.message}\n")
        return max(answer.status, WRONG)
    except Exception as e:  # the answer could not be said: say that much, by the shortest way
        if os.environ.get("LPUASM_DEBUG"):
            raise
        d = _report(f"{type(e).__name__}: {e}")
        to_stderr(f"error[{d.code}]: {d.message}\n   help: {d.help}\n")
        return OURS
    return answer.status


__all__ = ["COMMANDS", "cli", "run"]

if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
