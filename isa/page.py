"""The page of one instruction: always the same headings, printed from its definition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lpuasm.isa.attributes import TYPE_OPERANDS
from lpuasm.isa.chip import Queue, Target
from lpuasm.isa.definition import Definition, Instruction
from lpuasm.isa.drawing import draw_word
from lpuasm.isa.operands import TYPE_BYTES, Dim, Number, Operand, Streams, Value
from lpuasm.isa.rules import RULES

HEADINGS = ("Summary", "Syntax", "Operands", "Encoding", "Meaning", "Timing", "Provenance")
#: What stands in an example for the operands of scalar instructions.
_SCALAR_TEXTS = {
    "register": ("r0", "r1"),
    "scalar": ("r1", "4"),
    "memory": ("[A + r4 * m + r7]",),
    "number": ("again",),
}


def page(definition: Definition, target: Target, depth: int = 1) -> str:
    """The page of ``definition`` in Markdown, its title a heading of level ``depth``."""
    texts = {
        "Summary": definition.summary,
        "Syntax": f"```\n{syntax(definition)}\n{example(definition, target)}\n```\n\n{_issued_by(definition, target)}",
        "Operands": _operands(definition),
        "Encoding": f"```\n{draw_word(definition)}\n```\n\n{_fields(definition)}",
        "Meaning": _meaning(definition),
        "Timing": _timing(definition),
        "Provenance": definition.source,
    }
    title = f"{'#' * depth} {definition.unit}.{definition.mnemonic}"
    return "\n\n".join([title, *(f"{'#' * (depth + 1)} {head}\n\n{texts[head]}" for head in HEADINGS)])


def syntax(definition: Definition) -> str:
    """The shape of the statement; brackets enclose what may be left out."""
    suffixes = "".join(_suffix(o) for o in definition.operands if o.role == "suffix" and not _useless(o, definition))
    inputs, outputs = (", ".join(_placed(definition, role)).replace(", [", " [, ") for role in ("in", "out"))
    text = f"{definition.mnemonic}{suffixes} {inputs}".rstrip()
    if outputs:
        only_optional = all(o.optional for o in definition.operands if o.role == "out")
        text += f" [-> {outputs}]" if only_optional else f" -> {outputs}"
    return " ".join([text, *(_clause(o) for o in definition.operands if o.role == "clause")])


def _useless(operand: Operand, definition: Definition) -> bool:
    """Whether ``.sat`` stands in the format only for other instructions."""
    return operand.name == "sat" and not definition.saturates


def _suffix(operand: Operand) -> str:
    return f".{operand.name.upper()}" if operand.kind == "type" else f"[.{operand.name}]"


def _placed(definition: Definition, role: str) -> Iterator[str]:
    first = True
    for o in definition.operands:
        if o.role == role:
            name = "count [every d] [step s] [repeat …]" if o.kind == "dims" else o.name
            yield name if not o.optional or (first and role == "out") else f"[{name}]"
            first = False


def _clause(operand: Operand) -> str:
    if operand.kind == "dims":
        return f"[{operand.name} count [every d] [step s]]…"
    text = operand.name if operand.kind == "flag" else f"{operand.name} n"
    return text if operand.attributes.get("always") else f"[{text}]"


def example(definition: Definition, target: Target) -> str:
    """A statement that assembles, made from the definition."""
    if definition.unit == "seq":
        texts: dict[str, Iterator[str]] = {kind: iter(texts) for kind, texts in _SCALAR_TEXTS.items()}
        placed = ", ".join(next(texts[o.kind]) for o in definition.operands)
        return f"{definition.mnemonic} {placed}".rstrip()
    return str(Instruction(definition, example_values(definition, target)))


def example_values(definition: Definition, target: Target) -> dict[str, Value]:
    """Operands of a legal instance of an instruction of the streaming units, on queues of the east."""
    queue = next(q for q in reversed(target.queues) if q.kind in definition.queues)
    values: dict[str, Value] = {}
    for o in definition.operands:
        values[o.name] = _example_value(o, definition, queue, target, values)
    return definition.complete(values)


def _example_value(
    o: Operand, definition: Definition, queue: Queue, target: Target, before: Mapping[str, Value]
) -> Value:
    if o.kind == "type":
        return definition.types[-1 if o.name == "to" else 0]
    if o.kind == "flag":
        return False
    if o.kind == "dims":
        return () if o.role == "clause" and not definition.steps else (Dim(4, 1, 1 if definition.steps else 0),)
    if o.kind == "number":
        return max(Number().range(o.attributes)[0], 0)
    if o.optional and o.name in ("also", "rows"):
        return None
    tap = target.drive_tap if o.role == "out" else target.read_tap
    direction = next(d for d in ("e", "w") if tap(queue, d) is not None)
    types = {name: TYPE_BYTES[str(before[name])] for name in TYPE_OPERANDS if name in before}
    sizes = definition.context({name: before[name] for name in types}).size(o.attributes["size"])
    index = sum(isinstance(v, Streams) and v.direction == direction for v in before.values())
    if "low8" in definition.operand and o.name == "out":
        return Streams(direction, 0, sizes[-1])
    if "same_group" in definition.rules:
        index = 0 if o.name != "map" else sizes[0] * 8
    return Streams(direction, index * sizes[0] % 32, sizes[0])


def _issued_by(definition: Definition, target: Target) -> str:
    if definition.unit == "seq":
        return "Scalar code; it stands in no queue."
    queues = [q for q in target.queues if q.kind in definition.queues]
    if len(queues) == len(target.queues):
        return "Every queue takes it."
    names = [q.name for q in queues]
    if len(names) > 8:
        return f"Queues: `{names[0]}` … `{names[-1]}`, {len(names)} on {target.name}."
    return f"Queues: {', '.join(f'`{n}`' for n in names)}."


def _operands(definition: Definition) -> str:
    if not definition.operands:
        return "None."
    lines = ["| name | role | kind | values | |", "|---|---|---|---|---|"]
    for o in definition.operands:
        if not _useless(o, definition):
            doc = f"{o.doc}{'; may be left out' if o.optional else ''}"
            lines.append(f"| `{o.name}` | {o.role} | {o.kind} | {values_of(o, definition)} | {doc} |")
    lines += [""] if definition.rules else []
    return "\n".join([*lines, *(f"- {RULES[rule].text}" for rule in definition.rules)])


def values_of(o: Operand, definition: Definition) -> str:
    """What values an operand takes, in words."""
    a = o.attributes
    if o.kind == "number":
        low, high = Number().range(a)
        text = f"{low:#x} … {high:#x}" if a.get("hex") else f"{low} … {high}"
        return f"{text}, multiples of {a['scale']}" if "scale" in a else text
    if o.kind == "type":
        return " ".join(definition.types)
    if o.kind == "streams":
        return _streams(a["size"])
    if o.kind == "source":
        return f"{_streams(a['size'])}, or `vxm.aluN`, a number, `latch`"
    if o.kind == "dims":
        assert isinstance(a["widths"], list)
        places = (f"count ≤ {1 << c}, every ≤ {(1 << e) - 1}, step ±{1 << (s - 1)}" for c, e, s in a["widths"])
        return "innermost first: " + "; ".join(places)
    fixed = {
        "flag": "there, or left out", "register": "`r0` … `r31`", "scalar": "a register, a 32-bit integer, or an f32",
        "memory": "`[name + products + offset]`",
    }  # fmt: skip
    return fixed[o.kind]


def _streams(size: object) -> str:
    if isinstance(size, str):
        return f"streams for the type `{size}`"
    sizes = size if isinstance(size, list) else [size]
    return f"{', '.join(map(str, sizes))} stream{'s' if sizes != [1] else ''}"


def _fields(definition: Definition) -> str:
    lines = ["| bits | field |", "|---|---|"]
    for b in sorted(definition.bits, key=lambda b: b.low):
        name = f"opcode = `{definition.opcode:#04x}`" if b.name == "opcode" else f"`{b.name}`"
        lines.append(f"| {b.low}{f' … {b.low + b.width - 1}' if b.width > 1 else ''} | {name} |")
    return "\n".join([*lines, "", "All other bits are 0."])


def _meaning(definition: Definition) -> str:
    if definition.unit != "vxm":
        return definition.meaning
    lines = [f"In every lane: `{definition.meaning}`."]
    if definition.saturates:
        lines.append(f"With `.sat` ({', '.join(definition.saturates)}): `{definition.saturating}`.")
    if definition.large:
        lines.append("On the large ALUs only.")
    return " ".join(lines)


def _timing(definition: Definition) -> str:
    t = definition.timing
    banks = "none"
    if t.banks is not None:
        both, offset = t.banks
        banks = f"{'both' if both else 'one'}, at dispatch + {offset}"
    lines = [
        "| d_skew | d_func | link | banks held | from |",
        "|---|---|---|---|---|",
        f"| {t.skew} | {t.func} | {'–' if t.link is None else t.link} | {banks} | {t.source} |",
    ]
    if definition.pair:
        lines += ["", f"Of type {definition.pair} it claims the same queue of plane 1 in each cycle of dispatch."]
    if definition.state:
        uses = [f"{verb} {what}" + f" (unless it has {u})" * bool(u) for verb, what, u in definition.state]
        lines += ["", f"State that it uses: {', '.join(uses)}."]
    return "\n".join(lines)
