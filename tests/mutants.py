"""Mutants of placed programs: one word changed, in its cycle, unit, stream, slice, bank, address or repeat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
from schedules import Line, build

from lpuasm.isa.core import table
from lpuasm.isa.operands import Link, Streams
from lpuasm.isa.program import INTENT_COLUMNS, Program
from lpuasm.isa.values import Dim

KINDS = ("cycle", "stream", "slice", "bank", "address", "repeat", "unit")
#: A program as lines, and its intent as (line, operand, member, line).
Taken = tuple[list[Line], list[tuple[int, int, int, int]]]


def taken_apart(program: Program) -> Taken:
    """The words of a program as lines at their cycles."""
    timeline, target = program.timeline, program.target
    lines: list[Line] = []
    number: dict[tuple[int, int], int] = {}
    for k in range(len(timeline.start)):
        queue, word = target.queues[int(timeline.queue[k])], int(timeline.word[k])
        instruction = table(target).decode(program.word(queue.name, word), queue.kind)
        given: dict[str, Any] = {n: v for n, v in instruction.values.items() if n != "immediate" and v is not None}
        nest = zip(timeline.count[k].tolist(), timeline.every[k].tolist(), timeline.step[k].tolist(), strict=True)
        dims = tuple(Dim(*dim) for dim in nest if dim[0] > 1)
        if dims:
            given["repeat"] = dims
        number[queue.number, word] = len(lines)
        lines.append(Line(queue.name, int(timeline.start[k]), instruction.mnemonic, given))
    rows = program.intent.tolist()
    return lines, [(number[q, w], operand, member, number[p, v]) for q, w, operand, member, p, v in rows]


def put_together(program: Program, parts: Taken) -> Program:
    """A program of lines, with the intent of those that are in it."""
    lines, meant = parts
    made, placed = build(program.target, lines)
    rows = [
        (*placed[reader], operand, member, *placed[writer])
        for reader, operand, member, writer in meant
        if reader in placed and writer in placed
    ]
    return replace(made, intent=np.array(sorted(set(rows)), np.int32).reshape(-1, len(INTENT_COLUMNS)))


def mutants(program: Program, random: Random) -> Iterator[tuple[str, Program]]:
    """Mutants without end, each with what was done to it."""
    parts = taken_apart(program)
    while True:
        kind = random.choice(KINDS)
        number = random.randrange(len(parts[0]))
        changed = _changed(kind, parts[0][number], program, random)
        if changed is not None and changed != parts[0][number]:
            lines = [*parts[0][:number], changed, *parts[0][number + 1 :]]
            yield f"{kind}: {parts[0][number]} -> {changed}", put_together(program, (lines, parts[1]))


def _changed(kind: str, line: Line, program: Program, random: Random) -> Line | None:
    """A line with one thing of the kind changed; None where it has no such thing."""
    target, given = program.target, dict(line.given)
    queue = target.queue[line.queue]
    match kind:
        case "cycle":
            return replace(line, cycle=max(0, line.cycle + random.choice((-20, -3, -2, -1, 1, 2, 3, 20))))
        case "unit" | "slice":
            if (queue.kind == "mem") != (kind == "slice"):
                return None
            near = [q.name for q in target.queues if q.kind == queue.kind and abs(q.number - queue.number) < 6]
            return replace(line, queue=random.choice(near))
        case "stream":
            names = [n for n, v in given.items() if isinstance(v, Streams | Link)]
            if not names:
                return None
            name = random.choice(names)
            value = given[name]
            if isinstance(value, Link):
                given[name] = Link(random.randrange(16))
            elif random.random() < 0.2:
                given[name] = replace(value, direction="we"[value.direction == "w"])
            else:
                given[name] = replace(value, base=value.size * random.randrange(32 // value.size))
        case "bank" | "address":
            if not isinstance(given.get("address"), int):
                return None
            by = target.geometry.words_per_bank if kind == "bank" else random.choice((-2, -1, 1, 2, 16))
            given["address"] = (given["address"] + by) % target.words
        case _:
            dims = list(given.get("repeat", ()))
            if not dims:
                form = table(target).find(queue.kind, line.mnemonic)
                if form is None or form.unit == "icu":
                    return None
                given["repeat"] = (Dim(2, random.randint(1, 3)),)
                return replace(line, given=given)
            k = random.randrange(len(dims))
            dim = dims[k]
            dims[k] = random.choice(
                [
                    replace(dim, count=max(2, dim.count + random.choice((-1, 1)))),
                    replace(dim, every=dim.every + 1),
                    replace(dim, step=dim.step + random.choice((-1, 1)) if line.mnemonic in ("read", "write") else 0),
                ]
            )
            given["repeat"] = tuple(dims)
    return replace(line, given=given)
