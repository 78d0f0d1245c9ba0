"""Operands as the specification declares them. The values they take are handed on from ``values``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lpuasm.isa.immediates import float_text, immediate_bits, immediate_text
from lpuasm.isa.kinds import KINDS, Kind, Number, check_nest
from lpuasm.isa.values import (
    TYPE_BYTES,
    TYPES,
    Address,
    Context,
    Dim,
    Factor,
    Immediate,
    Latch,
    Link,
    OperandError,
    Streams,
    Value,
)

__all__ = [
    "KINDS", "TYPES", "TYPE_BYTES", "Address", "Context", "Dim", "Factor", "Immediate", "Kind", "Latch", "Link",
    "Number", "Operand", "OperandError", "Streams", "Value",
    "check_nest", "float_text", "immediate_bits", "immediate_text",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Operand:
    """An operand of an instruction as the specification declares it.

    ``role``: "in", "out", "clause" (a keyword after the operands), "suffix" (after the mnemonic), "hidden" (never
    written). ``at``: the lowest bit. ``attributes`` are the kind's own.
    """

    name: str
    kind: str
    role: str
    at: int
    optional: bool
    attributes: Mapping[str, object]
    doc: str = ""

    @property
    def parts(self) -> tuple[tuple[str, int], ...]:
        """The bit fields of this operand, lowest first: (name, width)."""
        own = KINDS[self.kind].parts(self.attributes)
        named = tuple((f"{self.name}.{part}" if part else self.name, width) for part, width in own)
        return (*named, (f"{self.name}.given", 1)) if self.optional else named

    def pack(self, value: Value, context: Context) -> tuple[int, ...]:
        """The parts of ``value``. Raises OperandError where it does not fit."""
        if self.optional and value is None:
            return (0,) * len(self.parts)
        if value is None:
            raise OperandError(self.name, f"{self.name} is missing")
        try:
            packed = KINDS[self.kind].pack(value, self.attributes, context)
        except ValueError as e:
            raise OperandError(self.name, str(e)) from None
        return (*packed, 1) if self.optional else packed

    def unpack(self, parts: Sequence[int], context: Context) -> Value:
        """The value of ``parts``. Raises OperandError where no value has them."""
        try:
            if self.optional:
                if not parts[-1]:
                    if any(parts):
                        raise ValueError("bits are set in an operand that is absent")
                    return None
                parts = parts[:-1]
            return KINDS[self.kind].unpack(tuple(parts), self.attributes, context)
        except ValueError as e:
            raise OperandError(self.name, str(e)) from None

    def text(self, value: Value) -> str:
        """The operand as it is written, without the name of a clause."""
        return KINDS[self.kind].text(value, self.attributes)
