"""The instruction set: one definition an instruction, read from the TOML files of the units.

The table checks itself when it is loaded. Encoder, decoder and text of an
instruction are derived from its definition.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib import resources
from typing import Any

from lpuasm.isa.errors import Diagnostic, Span, SpecError, error
from lpuasm.isa.operands import (
    KINDS,
    TYPE_BYTES,
    TYPES,
    Context,
    Immediate,
    Operand,
    OperandError,
    Streams,
    Value,
    immediate_text,
)
from lpuasm.isa.target import Target

WORD_BITS = 128
OPCODE_BITS = 8
FILES = ("icu", "mem", "vxm", "mxm", "sxm", "c2c", "seq")
QUEUE_KINDS = ("mem", "lw", "iw", "abc", "vxm", "distribute", "transpose", "permute", "select", "acc", "c2c", "seq")
ROLES = ("suffix", "in", "out", "clause", "hidden")


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
    """An instruction as its entry defines it."""

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
    span: Span = field(default=Span("", 1), compare=False)

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
    def mask(self) -> int:
        """The bits of the word that have a meaning."""
        return sum(((1 << b.width) - 1) << b.low for b in self.bits)

    def context(self, values: Mapping[str, Value]) -> Context:
        return Context({n: TYPE_BYTES[str(v)] for n, v in values.items() if n in ("type", "to")})

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
        word = self.opcode
        for operand in self.operands:
            low = operand.at
            for (_, width), part in zip(operand.parts, operand.pack(full[operand.name], context), strict=True):
                word |= part << low
                low += width
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
        if self.types and kind not in self.types:
            raise OperandError("type", f"{self.mnemonic} has no type {kind}; it takes {', '.join(self.types)}")
        if "to" in values and values["to"] == kind:
            raise OperandError("to", f"{self.mnemonic} from {kind} to {kind} changes nothing")
        if values.get("sat") and self.result_type(values) not in self.saturates:
            raise OperandError("sat", f"{self.mnemonic} does not saturate in {self.result_type(values)}")
        if values.get("low8") is not None and bool(values["low8"]) != (_size(values["out"]) == 1):
            raise OperandError("out", "low8 drives one stream; without it the result takes four")
        if self.mnemonic in ("lw", "iw") and _size(values["rows"]) == 32 and kind != "f16":
            raise OperandError("rows", f"{self.mnemonic}.{kind} takes 16 streams")
        if self.mnemonic == "iw" and values["rows"] is None and values["group"]:
            raise OperandError("group", "a group goes with rows from streams")
        if self.mnemonic == "abc" and kind == "i8" and values["half"]:
            raise OperandError("half", "abc.i8 uses all lanes; half is for f16")
        if self.unit == "vxm":
            self._check_alu(values)
        if self.unit == "sxm":
            sizes = {_size(values[n]) for n in ("in", "north", "south", "out") if n in values}
            if len(sizes) > 1 and self.mnemonic != "rotate":
                raise OperandError("out", "operand and result groups must be of the same size")
        if self.mnemonic in ("gather", "scatter") and any(d.step for d in values["repeat"]):  # type: ignore
            raise OperandError("repeat", f"{self.mnemonic} takes its address from a stream; its step is 0")

    def _check_alu(self, values: Mapping[str, Value]) -> None:
        a, b = values["a"], values.get("b")
        if isinstance(a, Streams) and isinstance(b, Streams) and a.direction != b.direction and a.base // 4 == b.base // 4:
            raise OperandError("b", f"one ALU cannot take stream group {a.base // 4} from both directions")
        keep = values["keep"]
        if keep and values["a" if keep == 1 else "b"] is None:
            raise OperandError("keep", "there is no such operand to keep")
        if values["also"] is not None and values["out"] is None:
            raise OperandError("out", "a second place for the result without a first")
        if values["also"] is not None and values["also"] == values["out"]:
            raise OperandError("also", "both places for the result are the same")
        for name in ("a", "b"):
            value = values.get(name)
            if isinstance(value, Immediate):
                kind = "u8" if self.format == "masked" and name == "b" else str(values["type"])
                try:
                    immediate_text(value.bits, kind)
                except ValueError as e:
                    raise OperandError(name, str(e)) from None
        if self.format == "masked" and isinstance(a, Immediate) and isinstance(b, Immediate):
            raise OperandError("b", "an instruction has one immediate")

    def decode(self, word: int) -> Instruction:
        """The instruction of a word. Raises OperandError unless encoding it gives the same word."""
        if word & ~self.mask or word & 0xFF != self.opcode:
            raise OperandError("opcode", f"bits are set that {self.mnemonic} does not use")
        values: dict[str, Value] = {}
        context = Context({})
        for operand in self.operands:
            parts, low = [], operand.at
            for _, width in operand.parts:
                parts.append(word >> low & ((1 << width) - 1))
                low += width
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


def _size(value: Value) -> int:
    return value.size if isinstance(value, Streams) else 0


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


class Table:
    """All instructions, by opcode and by the queue and mnemonic that name them."""

    def __init__(self, definitions: Iterable[Definition]) -> None:
        self.definitions: tuple[Definition, ...] = tuple(definitions)
        self.by_opcode: Mapping[int, Definition] = {d.opcode: d for d in self.definitions}
        self.by_name: dict[tuple[str, str], Definition] = {
            (kind, d.mnemonic): d for d in self.definitions for kind in d.queues
        }

    def __iter__(self) -> Iterator[Definition]:
        return iter(self.definitions)

    def find(self, kind: str, mnemonic: str) -> Definition | None:
        """The instruction of that name in queues of ``kind``."""
        return self.by_name.get((kind, mnemonic))

    def named(self, mnemonic: str) -> tuple[Definition, ...]:
        """Every instruction of that name, of whatever unit."""
        return tuple(d for d in self.definitions if d.mnemonic == mnemonic)

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


_KEYS = {
    "mnemonic", "opcode", "format", "timing", "queues", "types", "saturates", "saturating", "large", "pair", "steps",
    "summary", "meaning", "source",
}  # fmt: skip
_REQUIRED = ("mnemonic", "opcode", "format", "timing", "summary", "meaning", "source")
_OPERAND_KEYS = {"name", "kind", "role", "at", "optional", "doc"}


def parse_unit(text: str, file: str) -> tuple[Definition, ...]:
    """The instructions of one unit's TOML text.

    Raises:
        SpecError: naming the file, line and entry of everything that is wrong.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        raise SpecError(error("LPU0801", f"not TOML: {e}", Span(file, 1))) from None
    problems: list[Diagnostic] = []
    lines = text.splitlines()

    def at(quoted: str) -> Span:
        wanted = f'"{quoted}"'
        for number, line in enumerate(lines, 1):
            if wanted in line and ("mnemonic" in line or "name" in line):
                return Span(file, number)
        return Span(file, next((n for n, line in enumerate(lines, 1) if line.startswith(quoted)), 1))

    def wrong(message: str, name: str) -> None:
        problems.append(error("LPU0804", f"{name}: {message}", at(name)))

    timings: dict[str, Timing] = {}
    for name, entry in data.get("timing", {}).items():
        if "source" not in entry:
            wrong("a latency without a source", name)
        elif not {"skew", "func"} <= entry.keys() <= {"skew", "func", "link", "holds", "source"}:
            wrong("timing has skew, func, source, and perhaps link and holds", name)
        else:
            timings[name] = Timing(**entry)
    formats: dict[str, tuple[Operand, ...]] = {}
    for entry in data.get("format", []):
        formats[entry["name"]] = _operands(entry, wrong)
    default = data.get("queues", "")
    definitions: list[Definition] = []
    for entry in data.get("instruction", []):
        name = entry.get("mnemonic", "?")
        unknown, missing = entry.keys() - _KEYS, [k for k in _REQUIRED if k not in entry]
        if unknown or missing:
            wrong(f"unknown keys {sorted(unknown)}, missing keys {missing}", name)
            continue
        kinds = _queue_kinds(entry.get("queues", default))
        bad = [k for k in kinds if k not in QUEUE_KINDS]
        if bad:
            wrong(f"no target has queues of kind {', '.join(bad)}", name)
        elif entry["format"] not in formats:
            wrong(f"there is no format '{entry['format']}'", name)
        elif entry["timing"] not in timings:
            wrong(f"there is no timing '{entry['timing']}'", name)
        elif not 0 < entry["opcode"] < 1 << OPCODE_BITS:
            wrong(f"opcode {entry['opcode']} does not fit {OPCODE_BITS} bits", name)
        else:
            fixed = {k: entry[k] for k in ("mnemonic", "opcode", "format", "summary", "meaning", "source")}
            extra = {k: entry[k] for k in ("saturating", "large", "pair", "steps") if k in entry}
            types, saturates = (tuple(entry.get(k, "").split()) for k in ("types", "saturates"))
            if any(t not in TYPES for t in (*types, *saturates)):
                wrong("a type that the machine does not have", name)
                continue
            definition = Definition(
                unit=data.get("unit", ""), queues=kinds, operands=formats[entry["format"]],
                timing=timings[entry["timing"]], types=types, saturates=saturates, span=at(name), **fixed, **extra,
            )  # fmt: skip
            if extra.get("steps") and extra["steps"] not in definition.operand:
                wrong(f"steps '{extra['steps']}', which is not an operand", name)
            definitions.append(definition)
    if problems:
        raise SpecError(*problems)
    return tuple(definitions)


def _queue_kinds(text: str) -> tuple[str, ...]:
    return tuple(k for k in QUEUE_KINDS if k != "seq") if text == "any" else tuple(text.split())


def _operands(entry: Mapping[str, Any], wrong: Any) -> tuple[Operand, ...]:
    """The operands of a format; complains of fields that overlap or do not fit the word."""
    name = entry["name"]
    operands: list[Operand] = []
    taken = [Bits("opcode", 0, OPCODE_BITS)]
    for o in entry["operand"]:
        if not {"name", "kind", "role", "at"} <= o.keys():
            wrong(f"operand '{o.get('name', '?')}' needs name, kind, role and at", name)
            continue
        if o["kind"] not in KINDS or o["role"] not in ROLES:
            wrong(f"operand '{o['name']}' has an unknown kind or role", name)
            continue
        attributes = {k: v for k, v in o.items() if k not in _OPERAND_KEYS}
        operand = Operand(
            o["name"], o["kind"], o["role"], o["at"], o.get("optional", False), attributes, o.get("doc", "")
        )
        low = operand.at
        for part, width in operand.parts:
            new = Bits(part, low, width)
            if low + width > WORD_BITS:
                wrong(f"field '{part}' does not fit {WORD_BITS} bits", name)
            for old in taken:
                if new.low < old.low + old.width and old.low < new.low + new.width:
                    wrong(f"field '{part}' overlaps field '{old.name}'", name)
            taken.append(new)
            low += width
        operands.append(operand)
    return tuple(operands)


def assemble_table(definitions: Iterable[Definition]) -> Table:
    """A table of ``definitions``. Raises SpecError where two have one opcode, or one name in one queue."""
    opcodes: dict[int, Definition] = {}
    names: dict[tuple[str, str], Definition] = {}
    problems = []
    for d in definitions:
        first = opcodes.setdefault(d.opcode, d)
        if first is not d:
            problems.append(error("LPU0804", f"{d.mnemonic}: opcode {d.opcode:#04x} is that of {first.mnemonic}", d.span))
        for kind in d.queues:
            other = names.setdefault((kind, d.mnemonic), d)
            if other is not d:
                problems.append(error("LPU0804", f"{d.mnemonic}: defined twice for {kind} queues", d.span))
    if problems:
        raise SpecError(*problems)
    return Table(opcodes.values())


@cache
def _standard() -> tuple[Definition, ...]:
    folder = resources.files("lpuasm.isa")
    return tuple(
        d for unit in FILES for d in parse_unit(folder.joinpath(f"{unit}.toml").read_text("utf-8"), f"{unit}.toml")
    )


@cache
def _table(digest: str, overrides: tuple[tuple[str, tuple[tuple[str, Any], ...]], ...]) -> Table:
    changes = {name: dict(items) for name, items in overrides}
    definitions = [
        replace(d, timing=replace(d.timing, **changes[key])) if (key := f"{d.unit}.{d.mnemonic}") in changes else d
        for d in _standard()
    ]
    return assemble_table(definitions)


def table(target: Target | None = None) -> Table:
    """The instruction set, with the timing that ``target`` may state for itself (``[timing."vxm.add"]``)."""
    overrides = target.timing if target is not None else {}
    return _table(
        target.digest if target is not None and overrides else "",
        tuple((name, tuple(sorted(entry.items()))) for name, entry in sorted(overrides.items())),
    )


@cache
def vxm_reach() -> tuple[tuple[tuple[int, ...], ...], frozenset[int]]:
    """(the SG4 indices that each row of ALUs reaches, the large ALUs), from ``vxm.toml``."""
    data = tomllib.loads(resources.files("lpuasm.isa").joinpath("vxm.toml").read_text("utf-8"))
    return tuple(tuple(row) for row in data["reach"]["rows"]), frozenset(data["reach"]["large"])
