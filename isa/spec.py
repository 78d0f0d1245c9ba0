"""Reads the instruction files of the units, and holds them to the rules of the specification."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache, cached_property
from importlib import resources
from typing import Any

from lpuasm.isa.attributes import identifier, problems_of, provenance, truth, use, uses, whole, words
from lpuasm.isa.definition import OPCODE_BITS, Definition, Timing
from lpuasm.isa.errors import Diagnostic, Span, SpecError, error
from lpuasm.isa.formats import Format, format_problems, parse_format
from lpuasm.isa.operands import TYPES
from lpuasm.isa.rules import RULES
from lpuasm.isa.snapshot import Snapshot, dump, load

#: The units; each has a file of that name.
FILES = ("icu", "mem", "vxm", "mxm", "sxm", "c2c", "seq")
QUEUE_KINDS = ("mem", "lw", "iw", "abc", "vxm", "distribute", "transpose", "permute", "select", "acc", "c2c", "seq")

_TOP = {
    "*unit": lambda v: v in FILES, "*queues": words, "*summary": words, "*timing": lambda v: isinstance(v, dict),
    "*format": lambda v: isinstance(v, list), "*instruction": lambda v: isinstance(v, list),
    "reach": lambda v: isinstance(v, dict),
}  # fmt: skip
_TIMING = {
    "*skew": whole(0, 10_000), "*func": whole(0, 10_000), "link": whole(1, 10_000),
    "holds": lambda v: isinstance(v, str) and re.fullmatch(r"banks?\+\d{1,3}", v) is not None, "*source": provenance,
}  # fmt: skip
_INSTRUCTION = {
    "*mnemonic": identifier, "*opcode": whole(1, (1 << OPCODE_BITS) - 1), "*format": words, "*timing": words,
    "queues": words, "types": words, "saturates": words, "saturating": words, "large": truth, "pair": words,
    "steps": words, "state": uses, "*summary": words, "*meaning": words, "*source": provenance,
}  # fmt: skip
_REACH = {
    "*rows": lambda v: isinstance(v, list) and len(v) == 4 and all(_distinct(row, 8) for row in v),
    "*large": lambda v: _distinct(v, 16),
}


def _distinct(value: object, limit: int) -> bool:
    """Whether ``value`` is a list of different whole numbers below ``limit``."""
    return isinstance(value, list) and all(map(whole(0, limit - 1), value)) and len(set(value)) == len(value) > 0


def timing_problems(entry: Mapping[str, object]) -> list[str]:
    """What is wrong with the keys and values of one timing; a target may state some of them for itself."""
    if "source" not in entry:
        return ["a latency without a source"]
    return problems_of(entry, _TIMING, "a timing")


_MNEMONIC = re.compile(r'mnemonic\s*=\s*"([^"]*)"')


class _Reader:
    """One unit's text while it is read: what is wrong with it so far, and where its entries stand."""

    def __init__(self, text: str, file: str) -> None:
        self.lines, self.file = text.splitlines(), file
        self.problems: list[Diagnostic] = []

    @cached_property
    def instructions(self) -> Mapping[str, int]:
        """The line of each mnemonic, the first where there are several."""
        found = ((n, _MNEMONIC.search(line)) for n, line in enumerate(self.lines, 1) if "mnemonic" in line)
        return dict(reversed([(match[1], n) for n, match in found if match]))

    def find(self, pattern: str, after: int = 0) -> int:
        """The number of the first line after ``after`` that ``pattern`` is found in; 0 for none."""
        found = (n for n, line in enumerate(self.lines[after:], after + 1) if re.search(pattern, line))
        return next(found, 0)

    def line(self, kind: str, name: str) -> int:
        quoted = re.escape(name)
        if kind == "instruction":
            return self.instructions.get(name, 0)
        if kind == "timing":
            return self.find(rf'^\s*"?{quoted}"?\s*=', self.find(r"^\s*\[timing\]"))
        if kind == "format":
            head = 0
            while head := self.find(r"^\s*\[\[format\]\]", head):
                line = self.find(r"^\s*name\s*=", head)
                if line and f'"{name}"' in self.lines[line - 1]:
                    return line
            return 0
        return self.find(rf'^\s*\[?"?{quoted}\b')

    def wrong(self, kind: str, name: str, *messages: str) -> None:
        span = Span(self.file, self.line(kind, name) or 1)
        self.problems += [error("LPU0804", f"{kind} {name}: {message}", span) for message in messages]

    def accept(self, kind: str, name: str, problems: list[str]) -> bool:
        """Notes ``problems``; whether there are none."""
        self.wrong(kind, name, *problems)
        return not problems


def parse_toml(text: str, file: str) -> dict[str, Any]:
    """The tables of a TOML text. Raises SpecError, LPU0801, at the line that is wrong."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        line = re.search(r"at line (\d+)", str(e))
        place = Span(file, int(line[1]) if line else text.count("\n") + 1)
        raise SpecError(error("LPU0801", f"not TOML: {e}", place)) from None
    except RecursionError:
        raise SpecError(error("LPU0801", "not TOML of ours: it is nested too deeply", Span(file, 1))) from None


def parse_unit(text: str, file: str) -> tuple[Definition, ...]:
    """The instructions of one unit's TOML text.

    Raises:
        SpecError: naming the file, line and entry of everything that is wrong.
    """
    data = parse_toml(text, file)
    reader = _Reader(text, file)
    for problem in problems_of(data, _TOP, "a unit"):
        reader.wrong("section", problem.partition("'")[2].partition("'")[0] or problem.split()[0], problem)
    if reader.problems:
        raise SpecError(*reader.problems)
    if "reach" in data:
        reader.accept("section", "reach", problems_of(data["reach"], _REACH, "the reach"))
    timings = _timings(data["timing"], reader)
    formats = _formats(data["format"], reader)
    kinds = _queue_kinds(data["queues"])
    if not reader.accept("section", "queues", _unknown_kinds(kinds)):
        raise SpecError(*reader.problems)
    definitions: list[Definition] = []
    for entry in data["instruction"]:
        definition = _instruction(entry, data["unit"], kinds, timings, formats, reader)
        definitions += [definition] if definition else []
    if not reader.problems:
        _unused("timing", timings, {entry["timing"] for entry in data["instruction"]}, reader)
        _unused("format", formats, {entry["format"] for entry in data["instruction"]}, reader)
    if reader.problems:
        raise SpecError(*reader.problems)
    return tuple(definitions)


def _unused(kind: str, entries: Mapping[str, object], used: set[str], reader: _Reader) -> None:
    for name in entries:
        if name not in used:
            reader.wrong(kind, name, "no instruction uses it")


def _queue_kinds(text: str) -> tuple[str, ...]:
    return tuple(k for k in QUEUE_KINDS if k != "seq") if text == "any" else tuple(text.split())


def _unknown_kinds(kinds: tuple[str, ...]) -> list[str]:
    problems = [f"no target has queues of kind {kind}" for kind in kinds if kind not in QUEUE_KINDS]
    return problems + (["a kind of queue is named twice"] if len(set(kinds)) < len(kinds) else [])


def _timings(table: Mapping[str, Any], reader: _Reader) -> dict[str, Timing]:
    timings: dict[str, Timing] = {}
    for name, entry in table.items():
        problems = timing_problems(entry) if isinstance(entry, dict) else ["it is not a table"]
        if reader.accept("timing", name, problems):
            timings[name] = Timing(**entry)
    return timings


def _formats(entries: list[Any], reader: _Reader) -> dict[str, Format]:
    formats: dict[str, Format] = {}
    for entry in entries:
        name = entry.get("name", "?") if isinstance(entry, dict) else "?"
        problems = format_problems(entry)
        if not problems and name in formats:
            problems = ["there are two formats of this name"]
        if reader.accept("format", str(name), problems):
            formats[name] = parse_format(entry)
    return formats


def _instruction(
    entry: Any,
    unit: str,
    default: tuple[str, ...],
    timings: Mapping[str, Timing],
    formats: Mapping[str, Format],
    reader: _Reader,
) -> Definition | None:
    """The definition that ``entry`` gives; None, and complaints to ``reader``, where it is wrong."""
    if not isinstance(entry, dict):
        reader.wrong("instruction", "?", "it is not a table")
        return None
    name = str(entry.get("mnemonic", "?"))
    if not reader.accept("instruction", name, problems_of(entry, _INSTRUCTION, "an instruction")):
        return None
    kinds = _queue_kinds(entry["queues"]) if "queues" in entry else default
    problems = _unknown_kinds(kinds)
    if "queues" in entry and not set(kinds) <= set(default):
        problems.append("it names queues that its unit does not")
    for key, known in (("format", formats), ("timing", timings)):
        if entry[key] not in known:
            problems.append(f"there is no {key} '{entry[key]}'")
    if not reader.accept("instruction", name, problems):
        return None
    layout = formats[entry["format"]]
    definition = Definition(
        unit=unit,
        queues=kinds,
        operands=layout.operands,
        rules=layout.rules,
        timing=timings[entry["timing"]],
        types=tuple(entry.get("types", "").split()),
        saturates=tuple(entry.get("saturates", "").split()),
        state=tuple(map(use, entry.get("state", ()))),
        span=Span(reader.file, reader.line("instruction", name) or 1),
        **{k: entry[k] for k in ("mnemonic", "opcode", "format", "summary", "meaning", "source")},
        **{k: entry[k] for k in ("saturating", "large", "pair", "steps") if k in entry},
    )
    return definition if reader.accept("instruction", name, _contradictions(definition)) else None


def _contradictions(d: Definition) -> list[str]:
    """What the entry of an instruction says against its format and its timing."""
    operand, problems = d.operand, []
    if any(t not in TYPES for t in (*d.types, *d.saturates)):
        problems.append("a type that the machine does not have")
    if len(set(d.types)) < len(d.types) or len(set(d.saturates)) < len(d.saturates):
        problems.append("a type is named twice")
    if bool(d.types) != ("type" in operand):
        problems.append("types and an operand of kind type go together")
    if not set(d.saturates) <= set(d.types):
        problems.append("it saturates in types that it does not have")
    if bool(d.saturates) != bool(d.saturating):
        problems.append("saturates and saturating go together")
    if d.saturates and "sat" not in operand:
        problems.append("it saturates, and its format has no 'sat'")
    if d.pair and d.pair not in d.types:
        problems.append(f"pair '{d.pair}' is not one of its types")
    if d.steps and (d.steps not in operand or operand[d.steps].kind != "number"):
        problems.append(f"steps '{d.steps}', which is not an operand that is a number")
    problems += [f"state: it has no operand '{unless}'" for _, _, unless in d.state if unless and unless not in operand]
    if (d.unit == "mem") != any(what == "sram" for _, what, _ in d.state):
        problems.append("instructions of MEM, and no others, use sram")
    if any(o.kind == "source" for o in d.operands) != (d.timing.link is not None):
        problems.append("operands of an ALU and a timing with 'link' go together")
    if (d.unit == "mem") != bool(d.timing.holds):
        problems.append("instructions of MEM, and no others, hold banks")
    for rule in d.rules:
        missing = [name for name in RULES[rule].needs if name not in operand]
        problems += [f"rule '{rule}' speaks of operand '{name}', which is not there" for name in missing]
    return problems


@cache
def unit_summaries() -> Mapping[str, str]:
    """What each unit is, in a sentence."""
    folder = resources.files("lpuasm.isa")
    return {unit: tomllib.loads(folder.joinpath(f"{unit}.toml").read_text("utf-8"))["summary"] for unit in FILES}


def _texts() -> list[str]:
    folder = resources.files("lpuasm.isa")
    return [folder.joinpath(f"{unit}.toml").read_text("utf-8") for unit in FILES]


@cache
def _standard() -> Snapshot:
    texts = _texts()
    return load(texts) or _parsed(texts)


def _parsed(texts: list[str]) -> Snapshot:
    definitions = tuple(d for unit, text in zip(FILES, texts, strict=True) for d in parse_unit(text, f"{unit}.toml"))
    return Snapshot(definitions, tomllib.loads(texts[FILES.index("vxm")])["reach"])


def snapshot() -> bytes:
    """The snapshot of the files that come with the package, made anew."""
    texts = _texts()
    return dump(*_parsed(texts), texts)


def standard() -> tuple[Definition, ...]:
    """Every instruction of the files that come with the package."""
    return _standard().definitions


@cache
def vxm_reach() -> tuple[tuple[tuple[int, ...], ...], frozenset[int]]:
    """(the SG4 indices that each row of ALUs reaches, the large ALUs), from ``vxm.toml``."""
    reach = _standard().reach
    return tuple(tuple(row) for row in reach["rows"]), frozenset(reach["large"])
