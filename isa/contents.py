"""Checks of the words and tables of a program that comes from outside. All raise Malformed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.core import Definition, Table
from lpuasm.isa.definition import Instruction
from lpuasm.isa.operands import Address, OperandError
from lpuasm.isa.program import SCALAR_QUEUE
from lpuasm.isa.section import Malformed, need
from lpuasm.isa.target import Target
from lpuasm.isa.timeline import Words

_LOW = (1 << 64) - 1


def check_words(queue: str, kind: str, words: Words, table: Table, names: int) -> None:
    """Every word is an instruction of queues of ``kind``; of scalar code, jumps and names are within bounds."""
    opcodes = (words[:, 0] & np.uint64(0xFF)).astype(np.uint8)
    for opcode in np.unique(opcodes):
        definition = table.by_opcode.get(int(opcode))
        need(
            definition is not None and kind in definition.queues,
            f"{queue} has a word with opcode {int(opcode):#04x}, which is no instruction of it",
        )
        assert definition is not None
        own = words[opcodes == opcode]
        unused = np.array([~definition.mask & _LOW, ~(definition.mask >> 64) & _LOW], np.uint64)
        need(not (own & unused).any(), f"{queue} has a `{definition.mnemonic}` with bits that it does not use")
        keep = ~np.array(_free(definition), np.uint64)
        for low, high in np.unique(own & keep, axis=0):
            instruction = _decoded(queue, definition, int(low) | int(high) << 64)
            if kind == SCALAR_QUEUE:
                _check_scalar(instruction, len(words), names)


def _free(definition: Definition) -> tuple[int, int]:
    """The halves of the bits that may have any value whatever the others are: those of an address."""
    operand = definition.operand.get(definition.steps)
    if operand is None or definition.rules or operand.name != "address" or operand.optional:
        return 0, 0
    bits = ((1 << sum(width for _, width in operand.parts)) - 1) << operand.at
    return bits & _LOW, bits >> 64


def _decoded(queue: str, definition: Definition, word: int) -> Instruction:
    try:
        return definition.decode(word)
    except OperandError as e:
        raise Malformed(f"{queue} has an impossible `{definition.mnemonic}`: {e.message}") from None


def _check_scalar(instruction: Instruction, words: int, names: int) -> None:
    for operand in instruction.definition.operands:
        value = instruction.values[operand.name]
        if isinstance(value, Address):
            used = [*([] if value.name is None else [value.name]), *(n for p in value.products for n in p.names)]
            need(max(used, default=-1) < names, "an address uses a name that the program does not have")
        elif operand.attributes.get("label"):
            need(isinstance(value, int) and value <= words, "a jump leads out of the program")


def check_intent(intent: NDArray[np.int32], queues: Mapping[str, Words], target: Target, table: Table) -> None:
    """Every row names words that are there, and a stream operand of the reader."""
    length = np.zeros(len(target.queues) + 1, np.int64)
    for name, words in queues.items():
        length[target.queue[name].number] = len(words)
    for what, queue, word in (("reader", intent[:, 0], intent[:, 1]), ("writer", intent[:, 4], intent[:, 5])):
        need(bool(((queue >= 0) & (queue < len(target.queues))).all()), f"the {what} of an intent is in no queue")
        need(bool(((word >= 0) & (word < length[queue])).all()), f"the {what} of an intent is no word of its queue")
    opcodes = np.zeros(len(intent), np.uint8)
    for name, words in queues.items():
        rows = intent[:, 0] == target.queue[name].number
        opcodes[rows] = (words[intent[rows, 1], 0] & np.uint64(0xFF)).astype(np.uint8)
    hears = np.zeros((256, 32), bool)
    for definition in table:
        for k, operand in enumerate(definition.operands):
            hears[definition.opcode, k] = operand.role == "in" and operand.kind in ("streams", "source")
    number, stream = intent[:, 2], intent[:, 3]
    inside = (number >= 0) & (number < hears.shape[1]) & (stream >= 0) & (stream < target.geometry.streams)
    need(bool(inside.all()) and bool(hears[opcodes, number].all()), "an intent is of no stream operand")


def check_places(places: NDArray[np.int32], files: int, flows: int) -> None:
    """Every row names a file and a flow that are there, or none."""
    file, line, column, flow = places.T
    need(bool(((file >= -1) & (file < files)).all()), "a place is in a file that the program does not name")
    somewhere = file >= 0
    need(bool((line[somewhere] > 0).all()) and bool((column[somewhere] > 0).all()), "a place has no line or column")
    need(bool((places[~somewhere, 1:3] == -1).all()), "a place without a file has a line")
    need(bool(((flow >= -1) & (flow < flows)).all()), "a place is in a flow that the program does not have")
