"""Programs as text: words by queue, and what the object file holds beside them. It assembles to the same bytes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

import numpy as np

from lpuasm.asm.stated import quoted
from lpuasm.isa.address import address_text
from lpuasm.isa.core import Instruction, Table, table
from lpuasm.isa.layout import Layout
from lpuasm.isa.meta import symbol_order
from lpuasm.isa.operands import Address
from lpuasm.isa.program import SCALAR_QUEUE, Program, Tensor
from lpuasm.isa.target import TARGETS, Target, load_target

_COMMENT = 56
"""The column of the cycles."""
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_TAKEN = re.compile(r"r\d+|latch|inf|nan", re.ASCII)
_DATA_WORDS = 8
"""Numbers in a line of data."""


def disassemble(program: Program) -> str:
    """The listing of a program. ``assemble`` makes the same object file of it, byte for byte."""
    lines = [
        *_head(program),
        *_tensors(program),
        *(_scalar(program) if program.scalar else _streaming(program)),
        *_meant(program),
        *_origin(program),
    ]
    return "\n".join(lines) + "\n"


def _head(program: Program) -> Iterator[str]:
    cycles = "" if program.cycles is None else f", {program.cycles} cycles"
    words = sum(map(len, program.queues.values()))
    yield f"; {program.target.name}: {words} words, queues: {len(program.queues)}{cycles}"
    yield ".object"
    yield from _chip(program.target)
    for name in sorted(program.defines):
        yield f".define {quoted(name)}, {_number(program.defines[name])}"
    for name in program.names:
        yield f".name {quoted(name)}"


def _chip(target: Target) -> Iterator[str]:
    if target.name not in TARGETS or load_target(target.name).text != target.text:
        for line in target.text.split("\n"):
            yield f".chip {quoted(line)}"
    else:
        yield f".target {target.name}"


def _number(value: int | float) -> str:
    if isinstance(value, int) or math.isfinite(value):
        return repr(value)
    return "nan" if value != value else "inf" if value > 0 else "-inf"


# Tensors


def _tensors(program: Program) -> Iterator[str]:
    if program.tensors:
        yield ""
    for tensor in program.tensors:
        yield _declaration(tensor, program.target)
        if tensor.data:
            padded = tensor.data + bytes(-len(tensor.data) % 4)
            words = np.frombuffer(padded, "<u4")
            for first in range(0, len(words), _DATA_WORDS):
                numbers = ", ".join(f"{int(w):#010x}" for w in words[first : first + _DATA_WORDS])
                yield f".data {tensor.name}, {numbers}"


def _declaration(tensor: Tensor, target: Target) -> str:
    layout = tensor.layout
    assert layout is not None, "every tensor of a program has a layout"
    shape = ", ".join(map(str, layout.shape))
    text = f".{tensor.kind} {tensor.name} : {layout.dtype} [{shape}] at {' '.join(_slices(layout, target))}"
    text += f" address {layout.address:#x} tile {layout.tile_rows}x{layout.tile_columns}"
    return f"{text} banks run {layout.run}" if layout.run else text


def _slices(layout: Layout, target: Target) -> Iterator[str]:
    """The slices in order, runs of neighbours as ranges."""
    queues = [target.queues[s] for s in layout.slices]
    first = 0
    while first < len(queues):
        last, way = first, 0
        while last + 1 < len(queues) and queues[last + 1].hemisphere == queues[first].hemisphere:
            step = queues[last + 1].index - queues[last].index
            if step not in (1, -1) or way not in (0, step):
                break
            last, way = last + 1, step
        one, other = queues[first], queues[last]
        yield one.name if first == last else f"mem.{one.hemisphere}[{one.index}..{other.index}]"
        first = last + 1


# Words


def _streaming(program: Program) -> Iterator[str]:
    instructions = table(program.target)
    timeline = program.timeline
    cycles: dict[tuple[int, int], int] = {
        (int(queue), int(word)): int(start)
        for queue, word, start in zip(timeline.queue, timeline.word, timeline.start, strict=True)
    }
    labels = _labels(program)
    for queue in program.target.queues:
        if queue.name not in program.queues:
            continue
        yield ""
        yield f".queue {queue.name}"
        own = {word: names for (name, word), names in labels.items() if name == queue.name}
        for word, instruction in enumerate(_decoded(program, queue.name, instructions)):
            yield from (f"{label}:" for label in own.get(word, ()))
            cycle = cycles.get((queue.number, word))
            text = f"    {instruction}"
            yield text if cycle is None else f"{text:<{_COMMENT}}; {cycle}"


def _decoded(program: Program, queue: str, instructions: Table) -> Iterator[Instruction]:
    known: dict[int, Instruction] = {}
    for low, high in program.queues[queue].tolist():
        word = low | high << 64
        if word not in known:
            known[word] = instructions.decode(word)
        yield known[word]


def _labels(program: Program) -> dict[tuple[str, int], list[str]]:
    """The labels that can be written as such, by their words."""
    found: dict[tuple[str, int], list[str]] = {}
    reserved = {*program.tensor, *program.names, *program.defines, *program.target.symbols}
    seen: set[str] = set()
    for symbol in sorted(program.symbols, key=symbol_order):
        words = len(program.queues.get(symbol.queue, ()))
        end = words + program.scalar
        plain = _LABEL.fullmatch(symbol.name) and not _TAKEN.fullmatch(symbol.name) and symbol.name not in reserved
        if symbol.kind == "label" and plain and symbol.name not in seen and symbol.value < end:
            seen.add(symbol.name)
            found.setdefault((symbol.queue, symbol.value), []).append(symbol.name)
    return found


def _scalar(program: Program) -> Iterator[str]:
    labels = {word: names for (_, word), names in _labels(program).items()}
    yield ""
    count = 0
    for word, instruction in enumerate(_decoded(program, SCALAR_QUEUE, table(program.target))):
        yield from (f"{label}:" for label in labels.get(word, ()))
        yield f"    {_scalar_text(program, instruction, labels)}"
        count = word + 1
    yield from (f"{label}:" for label in labels.get(count, ()))


def _scalar_text(program: Program, instruction: Instruction, labels: Mapping[int, list[str]]) -> str:
    parts = []
    for operand in instruction.definition.operands:
        value = instruction[operand.name]
        if isinstance(value, Address):
            parts.append(address_text(value, program.names))
        elif operand.attributes.get("label") and isinstance(value, int) and value in labels:
            parts.append(labels[value][0])
        else:
            parts.append(operand.text(value))
    return f"{instruction.mnemonic} {', '.join(parts)}".rstrip()


# What stands beside the words


def _meant(program: Program) -> Iterator[str]:
    if not len(program.intent):
        return
    yield ""
    yield "; what operands are to hear: reader, word, operand, number of the stream, writer, word"
    instructions, queues = table(program.target), program.target.queues
    for reader, word, operand, stream, writer, at in program.intent.tolist():
        definition = instructions.by_opcode[int(program.queues[queues[reader].name][word, 0]) & 0xFF]
        name = definition.operands[operand].name
        yield f".intent {queues[reader].name}, {word}, {name}, {stream}, {queues[writer].name}, {at}"


def _origin(program: Program) -> Iterator[str]:
    labels = {name for names in _labels(program).values() for name in names}
    rest = [s for s in sorted(program.symbols, key=symbol_order) if s.kind != "label" or s.name not in labels]
    places = {name: rows for name, rows in program.places.items() if len(rows) and (rows != -1).any()}
    if rest or places or program.files or program.flows:
        yield ""
        yield "; where words come from: queue, words, file, line, column, flow"
    yield from (f".file {quoted(name)}" for name in program.files)
    yield from (f".flow {quoted(name)}" for name in program.flows)
    for symbol in rest:
        if symbol.kind == "flow":
            yield f".start {quoted(symbol.name)}, {symbol.value}"
        else:
            yield f".label {quoted(symbol.name)}, {symbol.queue}, {symbol.value}"
    for name, rows in places.items():
        begins = np.flatnonzero(np.r_[True, (rows[1:] != rows[:-1]).any(axis=1)])
        for first, end in zip(begins, np.r_[begins[1:], len(rows)], strict=True):
            yield f".places {name}, {end - first}, {', '.join(map(str, rows[first].tolist()))}"
