"""An instruction as its entry defines it; its encoding, decoding and text are derived from that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from lpuasm.isa.attributes import ROLES, TYPE_OPERANDS
from lpuasm.isa.errors import Span
from lpuasm.isa.operands import TYPE_BYTES, Context, Immediate, Operand, OperandError, Value, immediate_text
from lpuasm.isa.rules import RULES

WORD_BITS = 128
OPCODE_BITS = 8
MOST_PACKED = 1 << 16
"""Operands of an instruction whose bits are remembered."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Cycles from dispatch: ``skew`` until operands are sampled, ``func`` until the result stands in its register or
    the state has changed, ``link`` until another ALU can take the result. ``holds`` names the banks and the cycle."""

    skew: int
    func: int
    source: str
    link: int | None = None
    holds: str = ""

    @property
    def banks(self) -> tuple[bool, int] | None:
        """(whether both banks are held, the cycle after dispatch), for instructions that hold banks."""
        if not self.holds:
            return None
        what, _, offset = self.holds.partition("+")
        return what == "banks", int(offset)


@dataclass(frozen=True, slots=True)
class Bits:
    """A bit field of the word."""

    name: str
    low: int
    width: int

    def of(self, word: int) -> int:
        return word >> self.low & ((1 << self.width) - 1)


@dataclass(frozen=True)
class Definition:
    """An instruction as its entry defines it.

    ``types``: those of its operands; ``saturates``: those of its results that take ``.sat``; ``pair``: the type that
    claims both planes of a hemisphere; ``steps``: the operand that a nest of issues moves; ``state``: what it uses that
    is no stream, each as (`reads` or `writes`, what, the operand with which it does not); ``rules``: names in RULES.
    """

    mnemonic: str
    opcode: int
    unit: str
    queues: tuple[str, ...]
    format: str
    operands: tuple[Operand, ...]
    timing: Timing
    summary: str
    meaning: str
    source: str
    types: tuple[str, ...] = ()
    saturates: tuple[str, ...] = ()
    saturating: str = ""
    large: bool = False
    pair: str = ""
    steps: str = ""
    state: tuple[tuple[str, str, str], ...] = ()
    rules: tuple[str, ...] = ()
    span: Span = field(default=Span("", 1), compare=False)

    def uses(self, verb: str, what: str) -> bool:
        """Whether it ``reads`` or ``writes`` a kind of state, with some operands at least."""
        return any(use[:2] == (verb, what) for use in self.state)

    @cached_property
    def operand(self) -> Mapping[str, Operand]:
        return {o.name: o for o in self.operands}

    @cached_property
    def bits(self) -> tuple[Bits, ...]:
        """All bit fields, the opcode first, then in the order of the operands."""
        fields = [Bits("opcode", 0, OPCODE_BITS)]
        for operand in self.operands:
            low = operand.at
            for name, width in operand.parts:
                fields.append(Bits(name, low, width))
                low += width
        return tuple(fields)

    @cached_property
    def _places(self) -> tuple[tuple[Operand, tuple[tuple[int, int], ...]], ...]:
        """Each operand with the lowest bit and the width of its fields."""
        found = []
        for operand in self.operands:
            places, low = [], operand.at
            for _, width in operand.parts:
                places.append((low, width))
                low += width
            found.append((operand, tuple(places)))
        return tuple(found)

    @cached_property
    def _packed(self) -> dict[tuple[str, tuple[int, ...], Value], int]:
        """The bits of operands that were packed before, by name, widths of the types, and value."""
        return {}

    @cached_property
    def by_role(self) -> Mapping[str, tuple[Operand, ...]]:
        """The operands of each role."""
        return {role: tuple(o for o in self.operands if o.role == role) for role in ROLES}

    @cached_property
    def mask(self) -> int:
        """The bits of the word that have a meaning."""
        return sum(((1 << b.width) - 1) << b.low for b in self.bits)

    def context(self, values: Mapping[str, Value]) -> Context:
        return Context({n: TYPE_BYTES[str(v)] for n, v in values.items() if n in TYPE_OPERANDS and v is not None})

    def result_type(self, values: Mapping[str, Value]) -> str:
        """The type of the result of an ALU operation."""
        if self.format == "compare":
            return "u8"
        return str(values.get("to", values.get("type")))

    def encode(self, values: Mapping[str, Value]) -> int:
        """The instruction word of ``values``; operands that are left out take their neutral value.

        Raises:
            OperandError: a value is missing, out of its range, or contradicts another.
        """
        full = self.complete(values)
        self.check(full)
        context = self.context(full)
        types = tuple(context.bytes.values())
        word, known = self.opcode, self._packed
        for operand, places in self._places:
            value = full[operand.name]
            key = operand.name, types, value
            bits = known.get(key)
            if bits is None:
                bits = 0
                for (low, _), part in zip(places, operand.pack(value, context), strict=True):
                    bits |= part << low
                if len(known) < MOST_PACKED:
                    known[key] = bits
            word |= bits
        return word

    def complete(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """``values`` with the neutral value of every operand that was left out, and the immediate in its field."""
        full: dict[str, Value] = {}
        for operand in self.operands:
            full[operand.name] = values.get(operand.name, _neutral(operand))
        if "immediate" in self.operand:
            bits = {v.bits for v in full.values() if isinstance(v, Immediate)}
            if len(bits) > 1:
                raise OperandError("b", "an instruction has one immediate; the two numbers differ")
            full["immediate"] = bits.pop() if bits else 0
        return full

    def check(self, values: Mapping[str, Value]) -> None:
        """Holds ``values`` to the rules that concern more than one operand. Raises OperandError."""
        kind = values.get("type")
        if self.types and kind is None:
            raise OperandError("type", f"the type is missing: {self.mnemonic}.{self.types[0]}, for example")
        if self.types and kind not in self.types:
            raise OperandError("type", f"{self.mnemonic} has no type {kind}; it takes {', '.join(self.types)}")
        if "to" in values and values["to"] not in self.types:
            raise OperandError("to", f"{self.mnemonic} makes no {values['to']}; it makes {', '.join(self.types)}")
        if "to" in values and values["to"] == kind:
            raise OperandError("to", f"{self.mnemonic} from {kind} to {kind} changes nothing")
        if values.get("sat") and self.result_type(values) not in self.saturates:
            raise OperandError("sat", f"{self.mnemonic} does not saturate in {self.result_type(values)}")
        for rule in self.rules:
            RULES[rule].check(values)

    def decode(self, word: int) -> Instruction:
        """The instruction of a word. Raises OperandError unless encoding it gives the same word."""
        if word & ~self.mask or word & 0xFF != self.opcode:
            raise OperandError("opcode", f"bits are set that {self.mnemonic} does not use")
        values: dict[str, Value] = {}
        context = Context({})
        for operand, places in self._places:
            parts = [word >> low & ((1 << width) - 1) for low, width in places]
            values[operand.name] = operand.unpack(parts, context)
            if operand.name in ("type", "to"):
                context = self.context(values)
        if "immediate" in values:
            shared = values["immediate"]
            assert isinstance(shared, int)
            names = [n for n, v in values.items() if isinstance(v, Immediate)]
            values.update({n: Immediate(shared) for n in names})
            if shared and not names:
                raise OperandError("immediate", "an immediate that no operand uses")
        self.check(values)
        return Instruction(self, values)


def _neutral(operand: Operand) -> Value:
    """What an operand is when it is left out; None where it must be given."""
    if operand.optional or operand.role in ("in", "out"):
        return None
    if operand.kind == "dims":
        return ()
    if operand.kind == "flag":
        return False
    return 0 if operand.kind == "number" else None


@dataclass(frozen=True)
class Instruction:
    """An instruction with its operands. Its text assembles to its word."""

    definition: Definition
    values: Mapping[str, Value]

    def __getitem__(self, name: str) -> Value:
        return self.values[name]

    @property
    def mnemonic(self) -> str:
        return self.definition.mnemonic

    @property
    def word(self) -> int:
        return self.definition.encode({n: v for n, v in self.values.items() if n != "immediate"})

    @property
    def paired(self) -> bool:
        """Whether it claims the same queue of the hemisphere's other plane."""
        return bool(self.definition.pair) and self.values["type"] == self.definition.pair

    def __str__(self) -> str:
        definition, values = self.definition, self.values
        suffixes = "".join(
            f".{o.name if o.kind == 'flag' else values[o.name]}"
            for o in definition.operands
            if o.role == "suffix" and (o.kind != "flag" or values[o.name])
        )
        inputs = ", ".join(self._operands("in"))
        outputs = ", ".join(self._operands("out"))
        clauses = " ".join(self._clauses())
        text = f"{definition.mnemonic}{suffixes} {inputs}".rstrip()
        if outputs:
            text += f" -> {outputs}"
        return f"{text} {clauses}".rstrip()

    def _operands(self, role: str) -> Iterator[str]:
        for operand in self.definition.operands:
            value = self.values[operand.name]
            if operand.role != role or value is None:
                continue
            if isinstance(value, Immediate):
                masked = self.definition.format == "masked" and operand.name == "b"
                yield immediate_text(value.bits, "u8" if masked else str(self.values["type"]))
            else:
                yield operand.text(value)

    def _clauses(self) -> Iterator[str]:
        for operand in self.definition.operands:
            value = self.values[operand.name]
            if operand.role == "clause" and (value or operand.attributes.get("always")):
                yield f"{operand.name} {operand.text(value)}".rstrip()
