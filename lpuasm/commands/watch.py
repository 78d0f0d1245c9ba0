"""lpuasm watch: build on every save."""

from __future__ import annotations

import click

from lpuasm.answer import Answer, emit
from lpuasm.options import Assembly, Named, as_json, assembling, common, tensors


@click.command("watch")
@click.argument("file", metavar="FILE", type=click.Path())
@tensors("-i", "inputs", help="Run it too, with this tensor.")
@tensors("--check", "checks", help="Compare an output with the tensor in a file.")
@click.option("--ulp", metavar="N", type=click.IntRange(min=0), default=0, help="What floats may be off by in --check.")
@click.option("--once", is_flag=True, help="Look once, and end.")
@assembling
@common
def command(
    file: str, inputs: tuple[Named, ...], checks: tuple[Named, ...], ulp: int, once: bool, assembly: Assembly
) -> Answer:
    """Build a source on every save, run its check, and show what changed.

    Each time the cycles and the floor are shown with what they were before. Where -i or --check are given the program
    runs too, as `lpuasm run` runs it. Ctrl-C ends it. With --json it looks once.
    """
    if file == "-":
        raise click.UsageError("standard input is never saved; name a file")
    from lpuasm.profiling.watching import look, looks
    from lpuasm.runs import Order

    order = Order(file, inputs, (), checks, ulp, None, None)
    if once or as_json():
        return look(order, assembly).answer
    for seen in looks(order, assembly):
        emit(seen.answer, command="watch", as_json=False, color="auto")
    raise AssertionError
