"""lpuasm build: text to object file."""

from __future__ import annotations

from pathlib import PurePath

import click

from lpuasm.answer import Answer
from lpuasm.files import STANDARD, Writer, check_distinct, check_writable, write_all
from lpuasm.options import Assembly, as_json, assembling, common, one_document


@click.command("build")
@click.argument("file", metavar="FILE.s", type=click.Path())
@click.option(
    "-o",
    "output",
    metavar="OUT.lpu",
    type=click.Path(),
    help="The object file; - for standard output.  [default: the source's stem + .lpu, in the working directory]",
)
@click.option(
    "--listing", metavar="FILE", type=click.Path(), help="Write every word with its cycle and its source line."
)
@assembling
@common
def command(file: str, output: str | None, listing: str | None, assembly: Assembly) -> Answer:
    """Assemble a source into an object file.

    With `-` the source is read from standard input; -o is needed then.
    """  # fmt: skip
    if output is None:
        if file == STANDARD:
            raise click.UsageError("name the object file with -o where the source is standard input")
        output = f"{PurePath(file).stem}.lpu"
    one_document(output, listing)
    outputs = [output, *([listing] if listing is not None else [])]
    from lpuasm.programs import open_program

    opened = open_program(file, assembly)
    check_distinct(outputs, [file])
    for name in outputs:
        check_writable(name)
    from lpuasm.facts import facts, time
    from lpuasm.isa.objectfile import to_bytes

    program = opened.program
    contents: dict[str, bytes | Writer] = {output: to_bytes(program)}
    if listing is not None:
        from lpuasm.asm.listing import listing as list_words

        contents[listing] = list_words(program).encode()
    write_all(contents)
    cycles = "" if program.cycles is None else time(program.cycles, program.target.geometry.clock_mhz)
    note = f"{output}: {cycles or 'scalar code, cycles are known when it runs'}"
    document = {
        "output": output,
        "listing": listing,
        "digest": program.digest if as_json() else None,
        **facts(program, as_json()),
    }
    return Answer(document, notes="" if output == STANDARD else note)
