"""Formats: the operands that instructions of one shape share, and where they lie in the word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lpuasm.isa.attributes import ROLES, TYPE_OPERANDS, attribute_problems, identifier, problems_of, truth, whole, words
from lpuasm.isa.definition import OPCODE_BITS, WORD_BITS, Bits
from lpuasm.isa.operands import KINDS, Operand
from lpuasm.isa.rules import RULES

_FORMAT = {"*name": identifier, "*operand": lambda v: isinstance(v, list), "rules": words}
_OPERAND = {
    "*name": identifier, "*kind": lambda v: isinstance(v, str) and v in KINDS,
    "*role": lambda v: isinstance(v, str) and v in ROLES, "*at": whole(OPCODE_BITS, WORD_BITS - 1), "optional": truth,
    "*doc": words,
}  # fmt: skip
_OPERAND_KEYS = {key.lstrip("*") for key in _OPERAND}


@dataclass(frozen=True, slots=True)
class Format:
    """The operands of a format, in the order of the text, and the names of the rules between them."""

    operands: tuple[Operand, ...]
    rules: tuple[str, ...]


def parse_format(entry: Mapping[str, Any]) -> Format:
    """The format of an entry in which :func:`format_problems` finds nothing."""
    return Format(tuple(map(_operand, entry["operand"])), tuple(entry.get("rules", "").split()))


def format_problems(entry: object) -> list[str]:
    """What is wrong with the entry of a format."""
    if not isinstance(entry, dict):
        return ["it is not a table"]
    problems = problems_of(entry, _FORMAT, "a format")
    if problems:
        return problems
    rules = entry.get("rules", "").split()
    problems += [f"there is no rule '{rule}'" for rule in rules if rule not in RULES]
    for o in entry["operand"]:
        problems += _operand_problems(o)
    if problems:
        return problems
    operands = parse_format(entry).operands
    return [*_order_problems(operands), *_overlaps(operands)]


def _operand(o: Mapping[str, Any]) -> Operand:
    attributes = {k: v for k, v in o.items() if k not in _OPERAND_KEYS}
    return Operand(o["name"], o["kind"], o["role"], o["at"], o.get("optional", False), attributes, o["doc"])


def _operand_problems(o: object) -> list[str]:
    """What is wrong with one operand by itself."""
    if not isinstance(o, dict):
        return ["an operand is not a table"]
    what = f"operand '{o.get('name', '?')}'"
    problems = problems_of({k: v for k, v in o.items() if k in _OPERAND_KEYS}, _OPERAND, what)
    if problems:
        return [p if p.startswith(what) else f"{what}: {p}" for p in problems]
    operand = _operand(o)
    problems = attribute_problems(operand.kind, operand.attributes)
    if operand.kind not in ROLES[operand.role]:
        problems.append(f"a {operand.kind} cannot stand in the role '{operand.role}'")
    if operand.kind == "type" and operand.name not in TYPE_OPERANDS:
        problems.append("an operand of kind type is called type or to")
    if operand.optional and (operand.role not in ("in", "out") or operand.kind != "streams"):
        problems.append("only streams that go in or out are optional; anything else has a neutral value")
    if operand.role in ("clause", "hidden") and operand.attributes.get("least", 0):
        problems.append("an operand that may be left out is 0 then, so its 'least' is 0")
    if operand.role == "hidden" and (operand.name != "immediate" or operand.attributes.get("width") != 32):
        problems.append("the one hidden operand is the immediate, of 32 bits")
    return [f"{what}: {p}" for p in problems]


def _order_problems(operands: tuple[Operand, ...]) -> list[str]:
    """What the operands of a format say against each other."""
    problems: list[str] = []
    before: list[Operand] = []
    for o in operands:
        if o.name in (b.name for b in before):
            problems.append(f"there are two operands '{o.name}'")
        size = o.attributes.get("size")
        if isinstance(size, str) and size not in (b.name for b in before if b.kind == "type"):
            problems.append(f"operand '{o.name}': its size names '{size}', which is no type operand before it")
        if not o.optional and any(b.role == o.role and b.optional for b in before):
            problems.append(f"operand '{o.name}': it must be given, and stands after an optional one")
        before.append(o)
    kinds, roles = [o.kind for o in operands], [o.role for o in operands]
    if ("source" in kinds) != ("hidden" in roles):
        problems.append("operands of kind source and the hidden immediate go together")
    return problems


def _overlaps(operands: tuple[Operand, ...]) -> list[str]:
    problems: list[str] = []
    taken = [Bits("opcode", 0, OPCODE_BITS)]
    for operand in operands:
        low = operand.at
        for name, width in operand.parts:
            if low + width > WORD_BITS:
                problems.append(f"field '{name}' does not fit {WORD_BITS} bits")
            clash = [b.name for b in taken if low < b.low + b.width and b.low < low + width]
            problems += [f"field '{name}' overlaps field '{other}'" for other in clash]
            taken.append(Bits(name, low, width))
            low += width
    return problems
