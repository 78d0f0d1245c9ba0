"""Programs written as words, for tests of the engines: no assembler is needed.

program("mini", {
    "mem.w0": [(0, "read", {"address": 3, "out": "s5.e", "repeat": (Dim(4, 1, 1),)})],
    "vxm.alu0": [(11, "add", {"type": "i8", "a": "s5.e", "b": 1, "out": "s5.w", "repeat": (Dim(4),)})],
})
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from lpuasm.isa.core import Definition, table
from lpuasm.isa.operands import Dim, Immediate, Latch, Link, Streams, Value, immediate_bits
from lpuasm.isa.program import INTENT_COLUMNS, Program, Tensor
from lpuasm.isa.target import Target, load_target

#: (dispatch cycle, or None for the first in which the queue is free; mnemonic; operands by name)
Line = tuple[int | None, str, Mapping[str, Any]]

_STREAM = re.compile(r"s(\d+)\.([ew])|sg(\d+)\.([ew])\[(\d+)\]")


def streams(text: str) -> Streams:
    """``s5.e`` or ``sg4.w[2]`` as a value."""
    match = _STREAM.fullmatch(text)
    assert match, text
    one, direction, size, way, index = match.groups()
    return Streams(direction, int(one)) if one else Streams(way, int(size) * int(index), int(size))


def source(value: Any, type_name: str) -> Value:
    """An operand of an ALU from a stream's name, ``vxm.alu4``, ``latch`` or a number of type ``type_name``."""
    if value == "latch":
        return Latch()
    if isinstance(value, str):
        return Link(int(value[7:])) if value.startswith("vxm.alu") else streams(value)
    return Immediate(immediate_bits(value, type_name)) if isinstance(value, int | float) else value


def encode(definition: Definition, given: Mapping[str, Any]) -> int:
    """The word of an instruction; streams and ALU operands may be given as text and numbers."""
    values: dict[str, Any] = {}
    for name, value in given.items():
        kind = definition.operand[name].kind
        if kind == "streams" and isinstance(value, str):
            value = streams(value)
        elif kind == "source":
            masked = definition.format == "masked" and name == "b"
            value = source(value, "u8" if masked else given["type"])
        values[name] = value
    return definition.encode(values)


def words(target: Target, queue: str, lines: Iterable[Line]) -> list[int]:
    """The words of a queue: a line dispatches in its cycle; a ``repeat`` that is no operand becomes a word."""
    instructions, kind = table(target), target.queue[queue].kind

    def find(mnemonic: str) -> Definition:
        definition = instructions.find(kind, mnemonic)
        assert definition, f"{queue} has no {mnemonic}"
        return definition

    out: list[int] = []
    free = 0
    for cycle, mnemonic, given in lines:
        gap = 0 if cycle is None else cycle - free
        assert gap >= 0, f"{queue} is not free in cycle {cycle}"
        free += gap
        while gap:
            out.append(find("nop").encode({"count": min(gap, 65535)}))
            gap -= min(gap, 65535)
        definition = find(mnemonic)
        own = {n: v for n, v in given.items() if n != "repeat" or "repeat" in definition.operand}
        out.append(encode(definition, own))
        if mnemonic == "nop":
            free += given["count"]
        elif mnemonic == "repeat":
            free += _span(given["repeat"])
        else:
            free += 1
        if len(own) < len(given):
            out.append(find("repeat").encode({"repeat": given["repeat"]}))
            free += _span(given["repeat"])
    return out


def _span(dims: Iterable[Dim]) -> int:
    return sum((d.count - 1) * d.every for d in dims)


def program(
    target: Target | str,
    queues: Mapping[str, Iterable[Line]],
    tensors: Iterable[Tensor] = (),
    intent: Iterable[tuple[int, ...]] = (),
) -> Program:
    """A program of the lines of its queues; see :data:`Line`. ``intent`` has rows of ``INTENT_COLUMNS``."""
    chip = load_target(target) if isinstance(target, str) else target
    images = {}
    for queue, lines in queues.items():
        numbers = words(chip, queue, lines)
        halves = [(w & 0xFFFFFFFFFFFFFFFF, w >> 64) for w in numbers]
        if halves:
            images[queue] = np.array(halves, np.uint64)
    rows = np.array(list(intent), np.int32).reshape(-1, len(INTENT_COLUMNS))
    return Program(chip, images, tuple(tensors), intent=rows)
