"""lpuasm dis: words that assemble back to the same bytes."""

from __future__ import annotations

import click

from lpuasm.answer import Answer
from lpuasm.files import STANDARD, check_distinct, check_writable, write_all
from lpuasm.options import Assembly, as_json, assembling, common, one_document


@click.command("dis")
@click.argument("file", metavar="FILE", type=click.Path())
@click.option(
    "-o", "output", metavar="FILE.s", type=click.Path(), help="Write the text there.  [default: standard output]"
)
@assembling
@common
def command(file: str, output: str | None, assembly: Assembly) -> Answer:
    """Print a program as words, with what its operands are to hear.

    The text assembles back to the same bytes. FILE is an object file, or a source, which is assembled first.
    """
    one_document(output)
    from lpuasm.programs import open_program

    opened = open_program(file, assembly, legal=False)
    if output is not None:
        check_distinct([output], [file])
        check_writable(output)
    from lpuasm.asm.disasm import disassemble
    from lpuasm.facts import facts
    from lpuasm.isa.legality import verdict

    program = opened.program
    text = disassemble(program)
    explained = as_json() and (program.scalar or not verdict(program))
    document = {"digest": program.digest, **facts(program, explained)}
    if output is None or output == STANDARD:
        return Answer({"text": text, **document}, text)
    write_all({output: text.encode()})
    return Answer({"output": output, **document}, notes=f"{output}: written")
