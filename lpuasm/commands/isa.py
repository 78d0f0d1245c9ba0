"""lpuasm isa: the reference, in the terminal."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from lpuasm.answer import Answer
from lpuasm.options import common, complete_target


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from lpuasm.isa.core import table

    found = {d.mnemonic: d.summary for d in table()}
    return [CompletionItem(name, help=summary) for name, summary in found.items() if name.startswith(incomplete)]


@click.command("isa")
@click.argument("name", metavar="[MNEMONIC|UNIT]", required=False, shell_complete=_complete)
@click.option(
    "--target",
    metavar="NAME|FILE.toml",
    default="tsp1",
    show_default=True,
    shell_complete=complete_target,
    help="The chip whose numbers it shows.",
)
@common
def command(name: str | None, target: str) -> Answer:
    """Show the reference of an instruction or unit; without a name, an overview.

    A queue, a type and the code of a diagnostic, such as LPU0301, have pages too.
    """  # fmt: skip
    from lpuasm.isa import manual
    from lpuasm.isa.target import load_target

    chip = load_target(target)
    text = manual.overview(chip) if name is None else manual.lookup(name, chip)
    return Answer({"name": name, "text": text}, text if text.endswith("\n") else text + "\n")
