"""lpuasm run: tensors in, tensors out."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from lpuasm.answer import Answer, to_stderr
from lpuasm.options import Assembly, Named, assembling, common, one_document, tensors


@click.command("run")
@click.argument("file", metavar="FILE", type=click.Path())
@tensors("-i", "inputs", help="Read a tensor from a .npy, .npz or raw .bin file.")
@tensors("-o", "outputs", help="Write a tensor to a .npy, .npz or raw .bin file; - for standard output, as .npy.")
@tensors("--check", "checks", help="Compare an output with the tensor in a file.")
@click.option(
    "--ulp",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Units in the last place that floats may differ by in --check.",
)
@click.option(
    "--engine", type=click.Choice(["fast", "reference"]), help="Which engine runs it.  [default: the best there is]"
)
@click.option(
    "--trace", metavar="FILE", type=click.Path(), help="Write when each instruction dispatched, for ui.perfetto.dev."
)
@assembling
@common
def command(
    file: str,
    inputs: tuple[Named, ...],
    outputs: tuple[Named, ...],
    checks: tuple[Named, ...],
    ulp: int,
    engine: str | None,
    trace: str | None,
    assembly: Assembly,
) -> Answer:
    """Run a program on tensors from files.

    FILE is a source or an object file. NAME= may be left out where the program has one input, or one output; it is the
    key in an .npz file. A .bin file is row-major and little-endian. Files are written whole or not at all, and only
    after a run without faults; also where --check finds a difference, so that it can be looked at (exit status 1).
    """  # fmt: skip
    one_document(*(o.file for o in outputs), trace)
    from lpuasm.runs import Order, execute

    return execute(Order(file, inputs, outputs, checks, ulp, engine, trace), assembly, _progress())


def _progress() -> Callable[[int], None] | None:
    """Shows how far a run has come; on a terminal only. Engines call it once a second, so short runs show nothing."""
    if sys.stderr is None or not sys.stderr.isatty():
        return None
    return lambda done: to_stderr(f"\r{done:,} …\x1b[K")
