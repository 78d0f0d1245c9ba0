"""The listing of a program: every word with its cycle, its encoding and the place it comes from.

Like everything that is read off a program, it needs the program alone, not its
sources.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lpuasm.isa.address import address_text
from lpuasm.isa.core import table
from lpuasm.isa.program import SCALAR_QUEUE, Program
from lpuasm.isa.values import Address


def listing(program: Program) -> str:
    """A table of all words in the order of queues; cycles are those of superlane 0, of a word's first dispatch."""
    cycles = "" if program.cycles is None else f", {program.cycles:,} cycles"
    parts = [f"; {program.target.name}, {len(program.queues)} queues{cycles}\n"]
    flows = _starts(program)
    if flows:
        parts += ["\n; flows\n", f";{'start':>9}  flow\n"]
        parts += [f"{start:>10}  {name}\n" for name, start in flows.items()]
    names = [q.name for q in program.target.queues] + [SCALAR_QUEUE]
    for name in names:
        if name in program.queues:
            parts += ["\n", f".queue {name}\n"]
            parts += _queue(program, name, flows)
    return "".join(parts)


def _starts(program: Program) -> dict[str, int]:
    """The earliest dispatch of each flow."""
    if program.scalar:
        return {}
    starts: dict[str, int] = {}
    timeline = program.timeline
    names = {q.number: q.name for q in program.target.queues}
    for number, word, start in zip(timeline.queue, timeline.word, timeline.start, strict=True):
        flow = program.flow(names[int(number)], int(word))
        if flow is not None:
            starts[flow] = min(int(start), starts.get(flow, int(start)))
    return {name: starts[name] for name in program.flows if name in starts}


def _queue(program: Program, name: str, flows: dict[str, int]) -> Iterator[str]:
    cycles: dict[int, int] = {}
    if name != SCALAR_QUEUE:
        timeline = program.timeline
        rows = np.flatnonzero(timeline.queue == program.target.queue[name].number)
        cycles = {int(timeline.word[r]): int(timeline.start[r]) for r in rows}
    yield f";{'word':>5} {'cycle':>9}  {'encoding':32}  {'source':24}  {'flow':16}  instruction\n"
    for word in range(len(program.queues[name])):
        place, flow = program.span(name, word), program.flow(name, word)
        source = f"{place.file}:{place.line}" if place else ""
        began = f"{flow} @ {flows[flow]}" if flow in flows else flow or ""
        yield (
            f"{word:>6} {cycles.get(word, ''):>9}  {program.word(name, word):032x}  {source:24}  {began:16}  "
            f"{word_text(program, name, word)}\n"
        )


def word_text(program: Program, queue: str, word: int) -> str:
    """A word of a queue as text; scalar addresses with the program's names."""
    instruction = table(program.target).decode(program.word(queue, word))
    text = str(instruction)
    address = instruction.values.get("address")
    if isinstance(address, Address):
        return text.replace(address_text(address), address_text(address, program.names))
    return text
