"""How an instruction is written, in one line, and which names are near one that is not known."""

from __future__ import annotations

from collections.abc import Iterable

from lpuasm.isa.core import Definition, Table
from lpuasm.isa.operands import Operand

_REPEAT = "repeat n [every d] [step s]"


def syntax(definition: Definition) -> str:
    """The instruction's line, optional parts in brackets: ``read address -> out [repeat n [every d] [step s]]``."""
    parts = {role: [o for o in definition.operands if o.role == role] for role in ("suffix", "in", "out", "clause")}
    text = definition.mnemonic + "".join(_suffix(o) for o in parts["suffix"])
    if parts["in"]:
        text += f" {_list(parts['in'])}"
    if parts["out"]:
        text += f" -> {_list(parts['out'])}"
    return " ".join([text, *(_clause(o) for o in parts["clause"])])


def _suffix(operand: Operand) -> str:
    return f"[.{operand.name}]"


def _list(operands: list[Operand]) -> str:
    text = ""
    for k, operand in enumerate(operands):
        name = _REPEAT.removeprefix("repeat ") if operand.kind == "dims" else operand.name
        name = f", {name}" if k else name
        text += f"[{name}]" if operand.optional else name
    return text


def _clause(operand: Operand) -> str:
    if operand.kind == "dims":
        return f"[{_REPEAT}]"
    text = operand.name if operand.kind == "flag" else f"{operand.name} n"
    return text if operand.attributes.get("always") else f"[{text}]"


def unit_names(definition: Definition) -> str:
    """The queues that take an instruction, in words."""
    names = {
        "mem": "mem.*", "vxm": "vxm.alu*", "c2c": "c2c.*", "seq": "scalar code", "acc": "sxm.*.acc*",
        "lw": "mxm.*.lw", "iw": "mxm.*.iw", "abc": "mxm.*.abc",
    }  # fmt: skip
    return ", ".join(names.get(kind, f"sxm.*.{kind}*") for kind in definition.queues)


def mnemonics(table: Table, kinds: Iterable[str]) -> list[str]:
    """The instructions of queues of ``kinds``."""
    wanted = set(kinds)
    return sorted({d.mnemonic for d in table if wanted & set(d.queues)})
