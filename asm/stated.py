"""What a listing states of its object file: the directives that disassembly writes beside the words.

    .object                               everything below is stated, nothing of it follows from this text
    .chip "…"                             a line of the target's own file, where it is none of the package's
    .define "M", 640                      a parameter
    .name "A"                             a name of scalar addresses, in order
    .data K, 0x3fc00000                   the data of a constant, 32 bits each, the last ones padded
    .file "kernel.s"    .flow "install"   names that places refer to by number
    .label "loop.3", mem.w0, 12           a label that cannot be written as one
    .start "install", 45                  the start of a flow
    .places mem.w0, 2, 0, 17, 5, -1       two words of the queue: file, line, column, flow
    .intent mxm.e0.lw, 3, rows, 0, mem.e28, 0    reader word, operand, number of the stream; writer word

Text in quotes has every character that a line of source cannot hold written as %XX.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import quote, unquote

import numpy as np

from lpuasm.asm.problems import Problems
from lpuasm.asm.syntax import Note, Number, Operand, Symbol, TensorRef, Text, UnitRef
from lpuasm.isa.contents import check_intent, check_places
from lpuasm.isa.core import table
from lpuasm.isa.errors import AssemblyError, Span, error
from lpuasm.isa.meta import symbol_order
from lpuasm.isa.program import INTENT_COLUMNS, PLACE_COLUMNS, Program
from lpuasm.isa.program import Symbol as Named
from lpuasm.isa.section import Malformed

_PLAIN = " !#$&'()*+,-./:;<=>?@[]^_`{|}~"


def quoted(text: str) -> str:
    """Text as a listing writes it, in quotes."""
    return f'"{quote(text, safe=_PLAIN)}"'


def unquoted(text: str) -> str:
    """The text that :func:`quoted` wrote between the quotes."""
    return unquote(text)


@dataclass(slots=True)
class Stated:
    """The statements of a listing, of those kinds that need no program to be understood."""

    span: Span
    defines: dict[str, int | float] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    data: dict[str, list[int]] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    flows: list[str] = field(default_factory=list)
    symbols: list[Named] = field(default_factory=list)
    places: dict[str, list[tuple[int, ...]]] = field(default_factory=dict)
    intent: list[tuple[Span, str, int, str, int, str, int]] = field(default_factory=list)


def stated(notes: Sequence[Note], problems: Problems) -> Stated | None:
    """What the notes of a source state; None where the source is no listing."""
    if not notes:
        return None
    found = Stated(notes[0].span)
    if notes[0].kind != "object":
        problems.add(error("LPU0608", f"`.{notes[0].kind}` stands behind `.object`", notes[0].span))
    for note in notes:
        with problems:
            _READERS[note.kind](found, _Operands(note))
    return found


class _Operands:
    """The operands of a note, taken one by one."""

    def __init__(self, note: Note) -> None:
        self.note = note
        self.left = list(note.operands)

    def wrong(self, message: str) -> AssemblyError:
        return AssemblyError(error("LPU0608", f"`.{self.note.kind}`: {message}", self.note.span))

    def _next(self) -> Operand | None:
        return self.left.pop(0) if self.left else None

    def text(self) -> str:
        operand = self._next()
        if not isinstance(operand, Text):
            raise self.wrong("a text in quotes is wanted")
        return unquoted(operand.value)

    def name(self) -> str:
        operand = self._next()
        if not isinstance(operand, (UnitRef, Symbol, TensorRef)):
            raise self.wrong("a name is wanted")
        return operand.name

    def number(self) -> int | float:
        operand = self._next()
        if not isinstance(operand, Number):
            raise self.wrong("a number is wanted")
        return operand.value

    def whole(self, bits: int = 31) -> int:
        value = self.number()
        if isinstance(value, float) or not -(1 << bits) <= value < 1 << bits:
            raise self.wrong("a whole number is wanted")
        return value

    def end(self) -> None:
        if self.left:
            raise self.wrong("too much is stated")


def _chip(found: Stated, o: _Operands) -> None:
    """The target is read from the text itself, before the rest is understood (build.py)."""
    o.text()
    o.end()


def _define(found: Stated, o: _Operands) -> None:
    name = o.text()
    found.defines[name] = o.number()
    o.end()


def _data(found: Stated, o: _Operands) -> None:
    words = found.data.setdefault(o.name(), [])
    while o.left:
        words.append(o.whole(32) & 0xFFFFFFFF)


def _label(found: Stated, o: _Operands) -> None:
    name, queue = o.text(), o.name()
    found.symbols.append(Named(name, "label", o.whole(), queue))
    o.end()


def _start(found: Stated, o: _Operands) -> None:
    found.symbols.append(Named(o.text(), "flow", o.whole(63)))
    o.end()


def _places(found: Stated, o: _Operands) -> None:
    runs = found.places.setdefault(o.name(), [])
    runs.append(tuple(o.whole() for _ in range(1 + len(PLACE_COLUMNS))))
    o.end()


def _intent(found: Stated, o: _Operands) -> None:
    found.intent.append((o.note.span, o.name(), o.whole(), o.name(), o.whole(), o.name(), o.whole()))
    o.end()


def _texts(of: Callable[[Stated], list[str]]) -> Callable[[Stated, _Operands], None]:
    def read(found: Stated, o: _Operands) -> None:
        of(found).append(o.text())
        o.end()

    return read


_READERS: dict[str, Callable[[Stated, _Operands], None]] = {
    "object": lambda found, o: o.end(),
    "chip": _chip,
    "define": _define,
    "name": _texts(lambda found: found.names),
    "data": _data,
    "file": _texts(lambda found: found.files),
    "flow": _texts(lambda found: found.flows),
    "label": _label,
    "start": _start,
    "places": _places,
    "intent": _intent,
}


def hold_to(program: Program, found: Stated, problems: Problems) -> Program:
    """``program`` with everything that its listing states of it."""
    words = {name: len(image) for name, image in program.queues.items()}
    rows: dict[str, list[tuple[int, ...]]] = {}
    for queue, runs in found.places.items():
        rows[queue] = [run[1:] for run in runs for _ in range(min(run[0], words.get(queue, 0) + 1))]
        if len(rows[queue]) != words.get(queue, 0):
            message = f"places are stated for {len(rows[queue])} words of {queue}, and it has {words.get(queue, 0)}"
            problems.add(error("LPU0608", message, found.span, help="delete the .places of a listing that was changed"))
            return program
    places = {
        name: np.array(rows.get(name) or [(-1,) * len(PLACE_COLUMNS)] * words[name], np.int32).reshape(words[name], -1)
        for name in program.queues
    }
    meant = _meant(program, found, problems)
    symbols = tuple(sorted({*(s for s in program.symbols if s.kind == "label"), *found.symbols}, key=symbol_order))
    try:
        for image in places.values():
            check_places(image, len(found.files), len(found.flows))
        for symbol in symbols:
            if symbol.kind == "label" and not 0 <= symbol.value <= words.get(symbol.queue, -1):
                raise Malformed(f"the label {symbol.name} is not in its queue")
        if len(meant):
            check_intent(meant, program.queues, program.target, table(program.target))
    except Malformed as fault:
        problems.add(error("LPU0608", f"the listing contradicts itself: {fault}", found.span))
    return replace(
        program,
        symbols=symbols,
        defines={**program.defines, **found.defines},
        files=tuple(found.files),
        flows=tuple(found.flows),
        places=places if found.places else {},
        intent=meant,
    )


def _meant(program: Program, found: Stated, problems: Problems) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    """The intent table, operands as numbers of their definition."""
    instructions, queue = table(program.target), program.target.queue
    rows = []
    for span, reader, word, name, stream, writer, at in found.intent:
        image = program.queues.get(reader)
        definition = None
        if image is not None and reader in queue and writer in queue and 0 <= word < len(image):
            definition = instructions.by_opcode.get(int(image[word, 0]) & 0xFF)
        if definition is None or name not in definition.operand:
            problems.add(error("LPU0608", f"there is no operand {name} in word {word} of {reader}", span))
            continue
        operand = definition.operands.index(definition.operand[name])
        rows.append((queue[reader].number, word, operand, stream, queue[writer].number, at))
    return np.array(rows, np.int32).reshape(-1, len(INTENT_COLUMNS))
