"""Notebooks: `%load_ext lpuasm`, and then cells of assembly.

    %%lpuasm prog -D M=640
    .input A : i8 [M, LANES] at mem.w0
    …

assembles the cell into the variable ``prog`` and shows it. IPython is not needed for anything else.
"""

from __future__ import annotations

import shlex
import sys
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

import click

from lpuasm.isa.errors import LpuError
from lpuasm.options import Assembly, assembling

if TYPE_CHECKING:
    from lpuasm.isa.program import Program


@click.command("%%lpuasm", add_help_option=False)
@click.argument("name", default="prog")
@assembling
def _line(name: str, assembly: Assembly) -> tuple[str, Assembly]:
    return name, assembly


def assemble_cell(line: str, cell: str) -> tuple[str, Program | None]:
    """The variable that ``line`` names and the program of ``cell``; None where it is wrong, and that has been said."""
    from lpuasm.asm.render import render
    from lpuasm.front import build

    sources: dict[str, str] = {}
    try:
        name, assembly = _line.main(_words(line), standalone_mode=False)
        if not name.isidentifier() or iskeyword(name):
            raise click.UsageError(f"'{name}' is no name of a variable")
        return name, build(
            text=cell,
            name="<cell>",
            defines=assembly.defines,
            target=assembly.target,
            include=assembly.include,
            sources=sources,
        )
    except LpuError as e:
        sys.stderr.write(render(e.diagnostics, sources.get, False))
    except click.UsageError as e:
        sys.stderr.write(f"%%lpuasm [NAME] [-D NAME=VALUE]... [-I DIR]... [--target NAME]: {e.format_message()}\n")
    return "", None


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as e:
        raise click.UsageError(f"{e}") from None


def load_ipython_extension(ipython: Any) -> None:
    """Registers the cell magic; IPython calls it at `%load_ext lpuasm`."""

    def lpuasm(line: str, cell: str) -> Program | None:
        name, program = assemble_cell(line, cell)
        if program is not None:
            ipython.user_ns[name] = program
        return program

    ipython.register_magic_function(lpuasm, "cell", "lpuasm")
