"""lpuasm fmt: one canonical layout."""

from __future__ import annotations

from typing import Any

import click

from lpuasm.answer import GOOD, WRONG, Answer
from lpuasm.files import STANDARD, read, write_all
from lpuasm.isa.errors import Diagnostic, LpuError, Span, error
from lpuasm.options import common


@click.command("fmt")
@click.argument("files", metavar="FILE.s...", nargs=-1, required=True, type=click.Path())
@click.option("--check", is_flag=True, help="Change nothing; fail where a source would change.")
@common
def command(files: tuple[str, ...], check: bool) -> Answer:
    """Give sources the one canonical layout, in place.

    Only blanks change. With `-` the source is read from standard input and written to standard output. Where a source
    has errors of syntax, no file is changed.
    """
    from lpuasm.asm.fmt import fmt
    from lpuasm.asm.parser import decode

    diagnostics: list[Diagnostic] = []
    rows: list[dict[str, Any]] = []
    changed: dict[str, bytes | Any] = {}
    sources: dict[str, str] = {}
    text = ""
    for file in dict.fromkeys(files):
        name = "<stdin>" if file == STANDARD else file
        try:
            octets = read(file)
            sources[name] = decode(octets, name)
            new = fmt(sources[name], name)
        except LpuError as e:
            diagnostics += e.diagnostics
            rows.append({"file": file, "changed": None})
            continue
        differs = new.encode() != octets
        rows.append({"file": file, "changed": differs})
        if differs and check:
            diagnostics.append(_layout(name, sources[name], new))
        elif file == STANDARD and not check:
            text = new
            rows[-1]["text"] = new
        elif differs:
            changed[file] = new.encode()
    if not diagnostics:
        write_all(changed)
    written = "" if diagnostics else "".join(f"{name}: changed\n" for name in changed)
    return Answer(
        {"files": rows}, "" if diagnostics else text, written, tuple(diagnostics), WRONG if diagnostics else GOOD,
        sources.get,
    )  # fmt: skip


def _layout(name: str, old: str, new: str) -> Diagnostic:
    """The first line that would change."""
    pairs = zip(old.split("\n"), new.split("\n"), strict=False)
    line = next((n for n, (a, b) in enumerate(pairs, 1) if a != b), 1)
    return error("LPU0914", f"{name} is not in canonical layout", Span(name, line), help="run lpuasm fmt on it")
