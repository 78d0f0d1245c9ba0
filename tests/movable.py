"""Flows moved in time: whether a program is legal, and means the same, when its flows start at other cycles.

Every dispatch is expanded into dictionaries; nothing here knows claims, folds or occupancy. Only what
:data:`flowdraws.SIMPLE` draws is held to its rules.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import product
from typing import Any

from events import issues

from lpuasm.isa.core import table
from lpuasm.isa.operands import Streams
from lpuasm.isa.program import Program
from lpuasm.isa.target import load_target

MINI = load_target("mini")


def flow_of(program: Program) -> dict[tuple[int, int], int]:
    """The number of the flow of each word."""
    names = {q.name: q.number for q in program.target.queues}
    return {
        (names[queue], word): int(place[3])
        for queue, places in program.places.items()
        for word, place in enumerate(places)
    }


def moved(program: Program, by: dict[int, int]) -> list[Any]:
    """Every dispatch of the flows in ``by``, later by so many cycles, as (issue, flow, cycle)."""
    flows = flow_of(program)
    return [
        (issue, flow, issue.cycle + by[flow])
        for issue in issues(program)
        if (flow := flows[issue.queue, issue.word]) in by
    ]


def legal(program: Program, by: dict[int, int], order: dict[tuple[int, int], set[tuple[int, int]]]) -> bool:
    """Whether the flows in ``by``, moved so, neither meet nor differ from running one after another."""
    slots: set[object] = set()
    banks: set[object] = set()
    generators: dict[object, list[tuple[int, int]]] = defaultdict(list)
    driven: dict[tuple[str, int, int], dict[int, tuple[int, int]]] = defaultdict(dict)
    heard: list[tuple[str, int, int, int, tuple[int, int]]] = []
    memory: dict[tuple[int, int], list[tuple[int, bool, int, int]]] = defaultdict(list)
    arrays: list[tuple[int, bool, int]] = []
    spans: dict[tuple[int, int], list[int]] = defaultdict(list)
    for issue, flow, cycle in moved(program, by):
        queue, definition = MINI.queues[issue.queue], issue.instruction.definition
        values = issue.instruction.values
        word = (issue.queue, issue.word)
        spans[word].append(cycle)
        if definition.unit == "mem":
            reads = definition.mnemonic == "read"
            address = values["address"] + issue.step
            at = cycle if reads else cycle + 3
            cell = (issue.queue, address // MINI.geometry.words_per_bank, at)
            if cell in banks:
                return False
            banks.add(cell)
            memory[issue.queue, address].append((at, not reads, flow, cycle))
        if definition.mnemonic in ("iw", "abc"):
            arrays.append((cycle + (3 if definition.mnemonic == "iw" else 0), definition.mnemonic == "iw", flow))
        for operand in definition.operands:
            value = values.get(operand.name)
            if not isinstance(value, Streams):
                continue
            for k in range(value.size):
                if operand.role == "out":
                    register = MINI.drive_tap(queue, value.direction)
                    diagonal = cycle + definition.timing.func - register
                    there = driven[value.direction, value.base + k, diagonal]
                    if register in there:
                        return False
                    there[register] = word
                else:
                    register = MINI.read_tap(queue, value.direction)
                    diagonal = cycle + definition.timing.skew - register
                    heard.append((value.direction, value.base + k, diagonal, register, word))
    for word, cycles in spans.items():
        queue, first, last = MINI.queues[word[0]], min(cycles), max(cycles)
        definition = table(MINI).decode(program.word(queue.name, word[1])).definition
        held = range(first, first + 1 if definition.unit == "mem" else last + 1)
        if any((queue.name, cycle) in slots for cycle in held):
            return False
        slots.update((queue.name, cycle) for cycle in held)
        if definition.unit == "mem":
            own = generators[queue.name, definition.mnemonic]
            if any(first <= end and begin <= last for begin, end in own):
                return False
            own.append((first, last))
    for direction, stream, diagonal, register, word in heard:
        upstream = [r for r in driven[direction, stream, diagonal] if r <= register]
        if not upstream or driven[direction, stream, diagonal][max(upstream)] not in order[word]:
            return False
    for uses in memory.values():
        for (one, writes, flow, _), (two, also, later, _) in product(uses, repeat=2):
            if flow < later and (writes or also) and one >= two:
                return False
    return all(
        not (flow < later and (writes or also)) or (one <= two if writes and not also else one < two)
        for (one, writes, flow), (two, also, later) in product(arrays, repeat=2)
    )


def writers(program: Program) -> dict[tuple[int, int], set[tuple[int, int]]]:
    """The words that each word is meant to hear."""
    found: dict[tuple[int, int], set[tuple[int, int]]] = defaultdict(set)
    for reader_queue, reader, _, _, queue, word in program.intent.tolist():
        found[reader_queue, reader].add((queue, word))
    return found
