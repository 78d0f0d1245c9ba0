"""lpuasm profile: where the cycles go."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from lpuasm.answer import Answer
from lpuasm.files import STANDARD, Writer, check_distinct, check_writable, write_all
from lpuasm.options import Assembly, assembling, common, one_document

if TYPE_CHECKING:
    from lpuasm.isa.program import Program


@click.command("profile")
@click.argument("file", metavar="FILE", type=click.Path())
@click.option("--perfetto", metavar="FILE", type=click.Path(), help="Write a trace for ui.perfetto.dev.")
@click.option("--vcd", metavar="FILE", type=click.Path(), help="Write queues and streams for waveform viewers.")
@assembling
@common
def command(file: str, perfetto: str | None, vcd: str | None, assembly: Assembly) -> Answer:
    """Say where the cycles of a program go; nothing runs.

    How busy each part of the chip is, over the whole program and over time; the work at the peaks of the chip; the
    flows by what they cost; and what bounds the program.
    """
    one_document(perfetto, vcd)
    outputs = {name: f for name, f in (("perfetto", perfetto), ("vcd", vcd)) if f is not None}
    from lpuasm.facts import facts
    from lpuasm.profiling.report import profile
    from lpuasm.programs import open_program, pointing_into

    opened = open_program(file, assembly)
    check_distinct(list(outputs.values()), [file])
    for name in outputs.values():
        check_writable(name)
    with pointing_into(opened.texts.get):
        found = profile(opened.program)
    write_all({f: _writer(opened.program, kind) for kind, f in outputs.items()})
    written = {"perfetto": perfetto, "vcd": vcd}
    text = "" if STANDARD in outputs.values() else str(found)
    return Answer({**facts(opened.program, explained=False), **found.to_json(), **written}, text)


def _writer(program: Program, kind: str) -> Writer:
    if kind == "perfetto":
        from lpuasm.vm.trace import write_trace

        return partial(write_trace, program)
    from lpuasm.profiling.vcd import write_waves

    return partial(write_waves, program)
