"""The rigid bodies of a program's flows, read back from its words and its intent.

What the assembler knew when it placed a flow is all in the program: so a
program that was loaded from a file can be explained as well as one just built.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lpuasm.asm.body import Access, Body, Channel, Segment, Word
from lpuasm.asm.claims import WIDE
from lpuasm.asm.fold import fold, times_of
from lpuasm.asm.lines import accesses as word_accesses
from lpuasm.asm.syntax import Flow
from lpuasm.asm.uses import length, state_uses
from lpuasm.isa.core import table
from lpuasm.isa.errors import Span
from lpuasm.isa.program import Program
from lpuasm.isa.values import Dim, Streams

Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Recovered:
    """A flow of a program as it was placed; ``start`` is the cycle of its earliest dispatch."""

    body: Body
    start: int


def recover(program: Program) -> tuple[list[Recovered], list[Recovered]]:
    """(the flows of a program, in the order of the text; each word that stands outside flows, as if it were one)."""
    words = _words(program)
    readers: dict[Key, list[tuple[Key, int, int]]] = {}
    for queue, word, operand, stream, writer_queue, writer_word in program.intent.tolist():
        readers.setdefault((writer_queue, writer_word), []).append(((queue, word), operand, stream))
    flows: dict[int, list[Key]] = {}
    alone: list[Key] = []
    for key in words:
        places = program.places.get(program.target.queues[key[0]].name)
        if places is not None and places[key[1], 3] >= 0:
            flows.setdefault(int(places[key[1], 3]), []).append(key)
        else:
            alone.append(key)
    return (
        [_body(program, program.flows[number], flows[number], words, readers) for number in sorted(flows)],
        [_body(program, "", [key], words, readers) for key in alone],
    )


def _words(program: Program) -> dict[Key, Word]:
    """Every dispatched word by queue number and index, at its absolute time."""
    timeline, target = program.timeline, program.target
    instructions = table(target)
    words: dict[Key, Word] = {}
    for k in range(len(timeline.start)):
        queue = target.queues[int(timeline.queue[k])]
        index = int(timeline.word[k])
        instruction = instructions.decode(program.word(queue.name, index), queue.kind)
        dims = tuple(
            Dim(int(c), int(e), int(s))
            for c, e, s in zip(timeline.count[k], timeline.every[k], timeline.step[k], strict=True)
            if c > 1
        )
        also = None
        if instruction.paired:
            also = next(
                q for q in target.queues if (q.kind, q.hemisphere, q.index) == (queue.kind, queue.hemisphere, 1)
            )
        start = int(timeline.start[k])
        words[queue.number, index] = Word(queue, instruction.definition, instruction.values, start, dims, also)
    return words


def _body(
    program: Program,
    name: str,
    keys: list[Key],
    words: dict[Key, Word],
    readers: dict[Key, list[tuple[Key, int, int]]],
) -> Recovered:
    start = min(words[key].time for key in keys)
    own: list[Word] = []
    segments: list[Segment] = []
    accesses: list[Access] = []
    for key in keys:
        word = words[key]
        segments += _segments(program, key, words, readers.get(key, []), start, len(own))
        placed = Word(word.queue, word.definition, word.values, word.time - start, word.dims, word.also)
        accesses += word_accesses(placed, len(own))
        own.append(placed)
    span = program.span(program.target.queues[keys[0][0]].name, keys[0][1]) or Span("", 1)
    flow = Flow(name, None, (), span)
    return Recovered(Body(flow, own, [], [], segments, accesses, state_uses(own, program.target), length(own)), start)


def _diagonals(word: Word, register: int, delay: int) -> NDArray[np.int64]:
    return word.time + delay - register + times_of(word.dims)


def _channels(word: Word, role: str) -> dict[tuple[int, int], Channel]:
    """The channels of a word's stream operands of a role, by operand and number of the stream."""
    channels: dict[tuple[int, int], Channel] = {}
    for k, operand in enumerate(word.definition.operands):
        value = word.values.get(operand.name)
        if operand.role != role or not isinstance(value, Streams):
            continue
        streams = range(value.base, value.base + value.size)
        channels.update({(k, stream): Channel(value.direction, stream) for stream in streams})
    return channels


def _segments(
    program: Program,
    key: Key,
    words: dict[Key, Word],
    readers: list[tuple[Key, int, int]],
    start: int,
    number: int,
) -> list[Segment]:
    """What a word, ``number`` of its body, keeps alive on streams, until the last word that is meant to hear it."""
    word, target = words[key], program.target
    segments: list[Segment] = []
    for channel in _channels(word, "out").values():
        register = target.drive_tap(word.queue, channel.direction)
        assert register is not None
        diagonals = _diagonals(word, register, word.definition.timing.func)
        ends = np.full(len(diagonals), register, np.int64)
        for reader_key, operand, stream in readers:
            reader = words[reader_key]
            if _channels(reader, "in").get((operand, stream)) != channel:
                continue
            tap = target.read_tap(reader.queue, channel.direction)
            assert tap is not None
            heard = np.isin(diagonals, _diagonals(reader, tap, reader.definition.timing.skew))
            ends[heard] = np.maximum(ends[heard], tap)
        for last in np.unique(ends):
            times = np.sort(diagonals[ends == last]) - start
            segments += [
                Segment(channel, int(times[n.first]), n.dims, register, int(last), number)
                for n in fold(times, None, WIDE)
            ]
    return segments
