"""The instruction set: the table of all instructions, read from the TOML files of the units.

An instruction is one entry of one file; encoder, decoder and text are derived
from it. The table checks itself when it is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from lpuasm.isa.definition import OPCODE_BITS, WORD_BITS, Bits, Definition, Instruction, Timing
from lpuasm.isa.errors import SpecError, error
from lpuasm.isa.operands import OperandError
from lpuasm.isa.spec import FILES, QUEUE_KINDS, parse_unit, standard, vxm_reach
from lpuasm.isa.target import Target

__all__ = [
    "FILES", "OPCODE_BITS", "QUEUE_KINDS", "WORD_BITS", "Bits", "Definition", "Instruction", "Table", "Timing",
    "assemble_table", "parse_unit", "table", "vxm_reach",
]  # fmt: skip


class Table:
    """All instructions, by opcode and by the queue and mnemonic that name them."""

    def __init__(self, definitions: Iterable[Definition]) -> None:
        self.definitions: tuple[Definition, ...] = tuple(definitions)
        self.by_opcode: Mapping[int, Definition] = {d.opcode: d for d in self.definitions}
        self.by_name: dict[tuple[str, str], Definition] = {
            (kind, d.mnemonic): d for d in self.definitions for kind in d.queues
        }
        self._named: dict[str, tuple[Definition, ...]] = {}
        for d in self.definitions:
            self._named[d.mnemonic] = (*self._named.get(d.mnemonic, ()), d)

    def __iter__(self) -> Iterator[Definition]:
        return iter(self.definitions)

    def find(self, kind: str, mnemonic: str) -> Definition | None:
        """The instruction of that name in queues of ``kind``."""
        return self.by_name.get((kind, mnemonic))

    def named(self, mnemonic: str) -> tuple[Definition, ...]:
        """Every instruction of that name, of whatever unit."""
        return self._named.get(mnemonic, ())

    def decode(self, word: int, kind: str | None = None) -> Instruction:
        """The instruction of a 128-bit word, for queues of ``kind`` if it is given.

        Raises:
            OperandError: an unknown opcode, one that the queue does not take, or bits that mean nothing.
        """
        definition = self.by_opcode.get(word & 0xFF)
        if definition is None:
            raise OperandError("opcode", f"there is no opcode {word & 0xFF:#04x}")
        if kind is not None and kind not in definition.queues:
            raise OperandError("opcode", f"{definition.mnemonic} is not an instruction of {kind} queues")
        return definition.decode(word)


def assemble_table(definitions: Iterable[Definition]) -> Table:
    """A table of ``definitions``. Raises SpecError where two have one opcode, or one name in one queue."""
    opcodes: dict[int, Definition] = {}
    names: dict[tuple[str, str], Definition] = {}
    problems = []
    for d in definitions:
        first = opcodes.setdefault(d.opcode, d)
        if first is not d:
            message = f"instruction {d.mnemonic}: opcode {d.opcode:#04x} is that of {first.mnemonic}"
            problems.append(error("LPU0804", message, d.span))
        for kind in d.queues:
            other = names.setdefault((kind, d.mnemonic), d)
            if other is not d:
                problems.append(error("LPU0804", f"instruction {d.mnemonic}: defined twice for {kind} queues", d.span))
    if problems:
        raise SpecError(*problems)
    return Table(opcodes.values())


@cache
def _table(digest: str, overrides: tuple[tuple[str, tuple[tuple[str, Any], ...]], ...]) -> Table:
    changes = {name: dict(items) for name, items in overrides}
    definitions = [
        replace(d, timing=replace(d.timing, **changes[key])) if (key := f"{d.unit}.{d.mnemonic}") in changes else d
        for d in standard()
    ]
    return assemble_table(definitions)


def table(target: Target | None = None) -> Table:
    """The instruction set, with the timing that ``target`` may state for itself (``[timing."vxm.add"]``)."""
    if target is None or not target.timing:
        return _table("", ())
    return _table(
        target.digest, tuple((name, tuple(sorted(entry.items()))) for name, entry in sorted(target.timing.items()))
    )
