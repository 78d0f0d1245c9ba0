"""What can be typed next: by the place in the line, and by what the program has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lpuasm.isa.core import table
from lpuasm.isa.operands import TYPES
from lpuasm.isa.target import TARGETS, Target, load_target
from lpuasm.repl import commands
from lpuasm.repl.console import Console
from lpuasm.repl.free import streams
from lpuasm.repl.makers import FUNCTIONS

if TYPE_CHECKING:
    from lpuasm.isa.program import Program

_DIRECTIVES = (
    ".target", ".param", ".equ", ".def", ".input", ".weight", ".output", ".const", ".temp", ".macro", ".endm", ".for",
    ".endfor", ".if", ".elif", ".else", ".endif", ".include", ".import", ".unit", ".queue",
)  # fmt: skip
_WORD = re.compile(r"[.%]?[\w.]*$")
_STREAM = re.compile(r"s(g\d*)?\d*(\.[ew]?)?$")


def candidates(console: Console, before: str) -> Iterator[tuple[str, int, str]]:
    """What may stand at the end of ``before``: (text, how many characters of it are there, what it is)."""
    line = before.rpartition("\n")[2]
    typed = _WORD.search(line)
    word = typed.group() if typed else ""
    head = line[: len(line) - len(word)]
    program = console.session.program
    target = program.target if program else load_target("tsp1")
    if "\n" in before or line[:1].isspace() or head.lstrip().startswith((".", "flow")):
        found = _assembly(console, target, head, word, before[: len(before) - len(line)])
    elif not head.strip():
        names = {c.name: c.summary for group in commands.groups().values() for c in group}
        found = [*names.items(), ("flow", "a chain of instructions"), *((d, "") for d in _DIRECTIVES)]
        if program is not None:
            found += [(f"{t.name} = ", "give the tensor") for t in program.tensors if t.bound]
    else:
        found, word = _arguments(console, program, head, line, word)
    for text, meta in found:
        if text.startswith(word) and text != word:
            yield text, len(word), meta


def _assembly(console: Console, target: Target, head: str, word: str, typed: str) -> list[tuple[str, str]]:
    """A mnemonic where a statement begins; else streams, units, tensors, types. ``typed``: the lines before."""
    from lpuasm.asm.usage import syntax

    if not head.strip() or re.fullmatch(r"\s*\S+:\s*", head):
        mnemonics = [(d.mnemonic, syntax(d)) for d in table(target)]
        return [*dict(mnemonics).items(), *((d, "") for d in _DIRECTIVES if head == "")]
    found: list[tuple[str, str]] = []
    if head.strip() == ".target":
        return [(name, "") for name in TARGETS]
    hands_on = not word and head.rstrip().endswith("->") and console.session.program is not None
    if hands_on or _STREAM.fullmatch(word):
        size = int(match[1]) if (match := re.match(r"sg(\d+)", word)) else (4 if word.startswith("sg") else 1)
        if size in (1, 2, 4, 8, 16, 32):
            found += streams(console, target, size, typed if typed.startswith("flow") else "")
    program = console.session.program
    if program is not None:
        found += [(t.name, _tensor(t.kind, program, t.name)) for t in program.tensors]
    found += [(name, "unit") for name in _units(target)] if word else []
    found += [(kind, "type") for kind in TYPES]
    return found


def _tensor(kind: str, program: Program, name: str) -> str:
    layout = program.tensor[name].layout
    return f"{kind} {layout.dtype} {list(layout.shape)}" if layout else kind


def _units(target: Target) -> Iterable[str]:
    names = dict.fromkeys(part for q in target.queues for part in (q.unit, q.name))
    sides = [f"{unit}.{side}" for unit in ("mem", "mxm", "sxm") for side in "we"]
    return [*sides, *names]


def _arguments(
    console: Console, program: Program | None, head: str, line: str, word: str
) -> tuple[list[tuple[str, str]], str]:
    """What a command or a binding takes."""
    first = head.split()[0].lstrip("?") if head.split() else ""
    takes = "name" if line.startswith("?") else ""
    command = commands.find(first) if first else None
    if command is not None and not takes:
        takes = command.takes
    if re.search(r"(^|\s)load\s+\S*$", line) or takes == "file":
        partial = line.split()[-1] if not line.endswith(" ") else ""
        return [(name, "") for name in _files(partial)], partial
    if "=" in head:
        known = [(name, "tensor") for name in console.tensors]
        return [*((n, usage) for n, (_, usage) in FUNCTIONS.items()), *known, ("load ", "a file"),
                *((t, "type") for t in TYPES)], word  # fmt: skip
    target = program.target if program else load_target("tsp1")
    match takes:
        case "tensor":
            names = [t.name for t in program.tensors] if program else []
            return [(n, "tensor") for n in dict.fromkeys([*names, *console.tensors])], word
        case "flow" | "break":
            flows = program.flows if program else ()
            own = [item.name for item in console.session.version.items if item.kind == "flow"]
            found = [(n, "flow") for n in dict.fromkeys([*own, *flows])]
            return found + ([(n, "unit") for n in _units(target)] if takes == "break" else []), word
        case "unit":
            return [(n, "unit") for n in _units(target)], word
        case "target":
            return [(n, "") for n in TARGETS], word
        case "param":
            return [(f"{n} = ", str(v)) for n, v in (program.defines if program else {}).items()], word
        case "name":
            names_of = {d.mnemonic: d.summary for d in table(target)}
            return [*names_of.items(), *((n, "unit") for n in _units(target)), *((t, "type") for t in TYPES)], word
    return [], word


def _files(partial: str) -> list[str]:
    path = Path(partial)
    folder = path if partial.endswith("/") else path.parent
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return []
    prefix = partial if partial.endswith("/") else partial[: len(partial) - len(path.name)]
    return [f"{prefix}{e.name}{'/' if e.is_dir() else ''}" for e in entries if not e.name.startswith(".")]
