"""lpuasm diff: where two programs part, or two runs."""

from __future__ import annotations

from typing import Any

import click

from lpuasm.answer import Answer
from lpuasm.options import Assembly, Named, assembling, common, tensors


@click.command("diff")
@click.argument("first", metavar="A", type=click.Path())
@click.argument("second", metavar="B", type=click.Path())
@tensors("-i", "inputs", help="Run both, with a tensor from a .npy, .npz or raw .bin file.")
@tensors("--second", "others", help="Run both, and give this tensor to the second one in place of what -i gives.")
@click.option("--run", "wanted", is_flag=True, help="Run both; with -i or --second that goes without saying.")
@assembling
@common
def command(
    first: str,
    second: str,
    inputs: tuple[Named, ...],
    others: tuple[Named, ...],
    wanted: bool,
    assembly: Assembly,
) -> Answer:
    """Say where two programs part, and what became of each flow; with -i also where two runs do.

    A and B are sources or object files, and may be the same. They are compared dispatch by dispatch. Where they run,
    the first store of another value is named, by the cycle of the first run, with the element and both values, and how
    many elements of each output differ. The exit status is 0 whether they are the same or not.
    """
    from lpuasm.profiling.difference import compare
    from lpuasm.profiling.report import profile
    from lpuasm.programs import open_program, pointing_into

    profiles = []
    for file in (first, second):
        opened = open_program(file, assembly)
        with pointing_into(opened.texts.get):
            profiles.append(profile(opened.program))
    found = compare(*profiles)
    programs = [
        {
            "file": file,
            "target": p.program.target.name,
            "cycles": p.measured.cycles,
            "floor": p.explanation.floor if p.explanation else None,
            "dispatches": p.measured.dispatches,
        }
        for file, p in zip((first, second), profiles, strict=True)
    ]
    document: dict[str, Any] = {"programs": programs, **found.to_json(), "runs": None}
    if not (inputs or others or wanted):
        return Answer(document, str(found))
    from lpuasm.profiling.outcome import compare_runs
    from lpuasm.runs import bound

    one, other = (p.program for p in profiles)
    arrays = bound(one, "-i", inputs), {**bound(other, "-i", inputs), **bound(other, "--second", others)}
    outcome = compare_runs((one, other), arrays)
    return Answer({**document, "runs": outcome.to_json()}, f"{found}\n{outcome}")
