"""lpuasm diff: where two programs part, or two runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from lpuasm.answer import Answer
from lpuasm.options import Assembly, Named, assembling, common, tensors

if TYPE_CHECKING:
    from lpuasm.isa.program import Program
    from lpuasm.programs import Opened


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
    many elements of each output differ. Scalar code is compared word by word, and once it ran by its cycles and
    outputs. The exit status is 0 whether they are the same or not.
    """
    from lpuasm.programs import open_program, pointing_into

    opened = [open_program(file, assembly) for file in (first, second)]
    runs = bool(inputs or others or wanted)
    if any(o.program.scalar for o in opened):
        return _scalar((first, second), opened, (inputs, others) if runs else None)
    from lpuasm.profiling.difference import compare
    from lpuasm.profiling.report import profile

    profiles = []
    for one in opened:
        with pointing_into(one.texts.get):
            profiles.append(profile(one.program))
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
    document: dict[str, Any] = {"programs": programs, **found.to_json(), "runs": None, "word": None}
    if not runs:
        return Answer(document, str(found))
    from lpuasm.profiling.outcome import compare_runs

    before, after = (o.program for o in opened)
    outcome = compare_runs((before, after), _arrays((before, after), inputs, others))
    return Answer({**document, "runs": outcome.to_json()}, f"{found}\n{outcome}")


def _arrays(
    programs: tuple[Program, Program], inputs: tuple[Named, ...], others: tuple[Named, ...]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The tensors of each program."""
    from lpuasm.runs import bound

    one, other = programs
    return bound(one, "-i", inputs), {**bound(other, "-i", inputs), **bound(other, "--second", others)}


def _scalar(
    files: tuple[str, str], opened: Sequence[Opened], tensors: tuple[tuple[Named, ...], tuple[Named, ...]] | None
) -> Answer:
    """Two programs of which one at least is scalar code, and so has no schedule."""
    from lpuasm.profiling.scalar import compare_scalar
    from lpuasm.programs import pointing_into
    from lpuasm.vm.run import run

    one, other = (o.program for o in opened)
    runs = None
    if tensors is not None:
        results = []
        for given, arrays in zip(opened, _arrays((one, other), *tensors), strict=True):
            with pointing_into(given.source):
                results.append(run(given.program, arrays, defines=given.late))
        runs = results[0], results[1]
    programs = [
        {
            "file": file,
            "target": o.program.target.name,
            "cycles": runs[k].cycles if runs else o.program.cycles,
            "floor": None,
            "dispatches": runs[k].instructions if runs and o.program.scalar else None,
        }
        for k, (file, o) in enumerate(zip(files, opened, strict=True))
    ]
    found = compare_scalar((one, other), runs)
    return Answer({"programs": programs, **found.to_json()}, str(found))
