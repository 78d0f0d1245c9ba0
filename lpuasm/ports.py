"""Which tensors of a program a caller gives and gets, and which of them an option means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpuasm.files import FileError
from lpuasm.isa.errors import error
from lpuasm.isa.suggest import did_you_mean
from lpuasm.options import Named

if TYPE_CHECKING:
    from lpuasm.isa.program import Program


@dataclass(frozen=True, slots=True)
class Ports:
    """Names of the tensors that a program takes and makes."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def ports(program: Program) -> Ports:
    """The ports of a program: as declared; of scalar code what it loads from, and what it stores to."""
    inputs = {t.name: None for t in program.tensors if t.bound}
    outputs = {t.name: None for t in program.tensors if t.kind == "output"}
    if program.scalar:
        loaded, stored = _touched(program)
        own = {t.name for t in program.tensors if t.kind in ("const", "temp")}
        outputs |= {n: None for n in stored if n not in own}
        inputs |= {n: None for n in loaded if n not in own and n not in stored}
    return Ports(tuple(inputs), tuple(outputs))


def _touched(program: Program) -> tuple[dict[str, None], dict[str, None]]:
    """(names with an index that scalar code loads from, names that it stores to)."""
    from lpuasm.isa.core import table
    from lpuasm.isa.operands import Address
    from lpuasm.isa.program import SCALAR_QUEUE

    instructions = table(program.target)
    found: dict[str, dict[str, None]] = {"ld": {}, "st": {}}
    for word in range(len(program.queues[SCALAR_QUEUE])):
        instruction = instructions.decode(program.word(SCALAR_QUEUE, word))
        address = instruction.values.get("address")
        if not isinstance(address, Address) or address.name is None:
            continue
        if instruction.mnemonic == "st" or address.products or address.offset:
            found[instruction.mnemonic][program.names[address.name]] = None
    return found["ld"], found["st"]


def resolve(option: str, given: Sequence[Named], names: Sequence[str], also: Iterable[str] = ()) -> dict[str, str]:
    """The files of ``[NAME=]FILE`` values by tensor.

    ``names`` are those that may be meant, ``also`` others that are let pass.

    Raises:
        FileError: LPU0906 an unknown name, LPU0907 one that was left out and is not clear, LPU0908 one given twice.
    """
    what = "input" if option in ("-i", "--second") else "output"
    known = {*names, *also}
    problems = []
    files: dict[str, str] = {}
    for one in given:
        name = one.name
        if not name and len(names) == 1:
            name = names[0]
        if not name:
            listed = f"its {what}s are {', '.join(names)}" if names else f"it has no {what}"
            problems.append(
                error(
                    "LPU0907",
                    f"{option} {one.file}: the program has {len(names)} {what}s",
                    help=f"write NAME={one.file}; {listed}",
                )
            )
        elif name not in known:
            problems.append(error("LPU0906", f"the program has no {what} '{name}'", help=_near(name, names, what)))
        elif name in files:
            problems.append(error("LPU0908", f"{option} names '{name}' twice: {files[name]} and {one.file}"))
        else:
            files[name] = one.file
    if problems:
        raise FileError(*problems)
    return files


def _near(name: str, names: Sequence[str], what: str) -> str:
    return did_you_mean(name, names, f"its {what}s are {', '.join(names)}" if names else f"it has no {what}s")
