"""lpuasm profile: where the cycles go."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import click

from lpuasm.answer import Answer
from lpuasm.files import STANDARD, Writer, check_distinct, check_writable, write_all
from lpuasm.options import Assembly, Named, assembling, common, one_document, tensors

if TYPE_CHECKING:
    from lpuasm.profiling.page import View
    from lpuasm.profiling.report import Profile
    from lpuasm.profiling.values import Values


@click.command("profile")
@click.argument("file", metavar="FILE", type=click.Path())
@click.option("--html", metavar="FILE", type=click.Path(), help="Write one page with pictures; it needs no network.")
@click.option(
    "--against", metavar="FILE", type=click.Path(), help="Another program, beside this one in the page of --html."
)
@tensors("-i", "inputs", help="Run it with this tensor, and show in the page of --html what each dispatch made.")
@click.option("--perfetto", metavar="FILE", type=click.Path(), help="Write a trace for ui.perfetto.dev.")
@click.option("--vcd", metavar="FILE", type=click.Path(), help="Write queues and streams for waveform viewers.")
@assembling
@common
def command(
    file: str,
    html: str | None,
    against: str | None,
    inputs: tuple[Named, ...],
    perfetto: str | None,
    vcd: str | None,
    assembly: Assembly,
) -> Answer:
    """Say where the cycles of a program go; without -i nothing runs.

    How busy each part of the chip is, over the whole program and over time; the work at the peaks of the chip; the
    flows by what they cost; and what bounds the program.
    """
    one_document(html, perfetto, vcd)
    if against is not None and html is None:
        raise click.UsageError("--against is for the page of --html; `lpuasm diff` compares in words")
    if inputs and html is None:
        raise click.UsageError("-i is for the page of --html; `lpuasm run` gives the outputs")
    from lpuasm.facts import facts
    from lpuasm.profiling.page import View
    from lpuasm.profiling.report import profile
    from lpuasm.profiling.values import MOST
    from lpuasm.programs import open_program, pointing_into

    written = {"html": html, "perfetto": perfetto, "vcd": vcd}
    outputs = [name for name in written.values() if name is not None]
    files = [file] if against is None else [file, against]
    check_distinct(outputs, files)
    for name in outputs:
        check_writable(name)
    views: list[View] = []
    for name in files:
        opened = open_program(name, assembly)
        with pointing_into(opened.texts.get):
            known = profile(opened.program)
            made = _values(known, inputs) if inputs else None
            views.append(View(name, known, partial(opened.text_of, file=name), made))
    write_all({name: _writer(kind, views) for kind, name in written.items() if name is not None})
    found = views[0].profile
    text = "" if STANDARD in outputs else str(found)
    if inputs and any(view.values is None for view in views):
        text += f"the page has no values: it carries those of {MOST:,} dispatches at most\n" if text else ""
    return Answer({**facts(found.program, explained=False), **found.to_json(), **written}, text)


def _values(known: Profile, inputs: Sequence[Named]) -> Values | None:
    """What a run with inputs makes; None if it makes too much for a page."""
    from lpuasm.profiling.values import MOST, values
    from lpuasm.runs import bound

    arrays = bound(known.program, "-i", inputs)
    return values(known.program, arrays) if known.measured.dispatches <= MOST else None


def _writer(kind: str, views: Sequence[View]) -> Writer | bytes:
    program = views[0].profile.program
    if kind == "html":
        from lpuasm.profiling.page import page

        return page(views)
    if kind == "perfetto":
        from lpuasm.vm.trace import write_trace

        return partial(write_trace, program)
    from lpuasm.profiling.vcd import write_waves

    return partial(write_waves, program)
