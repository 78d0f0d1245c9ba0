"""The words of a rigid body, what each reader is meant to hear, and what the body claims of the chip."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from lpuasm.asm.alus import choose
from lpuasm.asm.body import Access, Body, Channel, Node, Part, Segment, Times, Word
from lpuasm.asm.flows import Lowering, find
from lpuasm.asm.fold import Widths, fold
from lpuasm.asm.syntax import Statement
from lpuasm.asm.uses import length, state_uses
from lpuasm.isa.core import table
from lpuasm.isa.errors import AssemblyError, Diagnostic, Related
from lpuasm.isa.operands import Link
from lpuasm.isa.values import Dim

#: One word of a group of issues: its number in the body, and which issues of its statement it makes.
Made = tuple[int, Times]


def emit(lowering: Lowering) -> Body:
    """The body of a lowered flow. Raises AssemblyError where a value never reaches its reader."""
    _choose_alus(lowering)
    nodes = lowering.nodes
    starts = [_start(node) + part.rel + int(node.times[part.issues[0]]) for node in nodes for part in node.parts]
    origin = min(starts, default=0)
    words: list[Word] = []
    statements: list[Statement] = []
    made: list[list[list[Made]]] = []
    for node in nodes:
        made.append([_words(node, part, _start(node) - origin, words) for part in node.parts])
        statements += [node.statement] * (len(words) - len(statements))
    owners = _owners(nodes, made)
    intent, ends = _intent(lowering, made, owners)
    return Body(
        lowering.flow,
        words,
        statements,
        intent,
        _segments(lowering, words, made, ends, origin),
        _accesses(lowering, made, origin),
        state_uses(words, lowering.target),
        length(words),
    )


def _start(node: Node) -> int:
    leader, t = find(node)
    return t + leader.t


def _choose_alus(lowering: Lowering) -> None:
    chosen = choose(lowering.nodes, lowering.target)
    for node in lowering.nodes:
        if node.number in chosen:
            part = node.parts[0]
            part.queue = lowering.target.queue[f"vxm.alu{chosen[node.number]}"]
            part.values.update({name: Link(chosen[source.number]) for name, source in node.links.items()})


@cache
def _widths(mnemonic: str, kind: str) -> Widths:
    """The bits of the dimensions of an instruction: its own, or those of the `repeat` word that follows it."""
    definition, repeat = table().find(kind, mnemonic), table().find(kind, "repeat")
    assert definition is not None and repeat is not None
    own = definition.operand.get("repeat") or repeat.operand["repeat"]
    widths = own.attributes["widths"]
    assert isinstance(widths, list)
    return tuple((w[0], w[1], w[2]) for w in widths)


def _words(node: Node, part: Part, base: int, words: list[Word]) -> list[Made]:
    """Appends the words of a part; the issues of each."""
    assert part.queue is not None
    times = node.times[part.issues]
    made: list[Made] = []
    for nest in fold(times, part.steps, _widths(part.definition.mnemonic, part.queue.kind)):
        values = dict(part.values)
        if part.steps is not None:
            values[part.definition.steps] = int(part.steps[nest.first])
        time = base + part.rel + int(times[nest.first])
        made.append((len(words), part.issues[nest.first : nest.first + nest.length]))
        words.append(Word(part.queue, part.definition, values, time, nest.dims, part.also))
    return made


def _owners(nodes: list[Node], made: list[list[list[Made]]]) -> dict[tuple[int, Channel], NDArray[np.int32]]:
    """For each channel that a node drives, the word that makes each issue."""
    owners: dict[tuple[int, Channel], NDArray[np.int32]] = {}
    for node, parts in zip(nodes, made, strict=True):
        for part, words in zip(node.parts, parts, strict=True):
            for tap in part.drives:
                key = (node.number, tap.channel)
                owner = owners.setdefault(key, np.full(len(node.times), -1, np.int32))
                for word, issues in words:
                    owner[issues] = word
    return owners


def _registers(node: Node, channel: Channel) -> Times:
    """The register that each issue of a node drives on a channel."""
    registers = np.zeros(len(node.times), np.int64)
    for part in node.parts:
        for tap in part.drives:
            if tap.channel == channel:
                registers[part.issues] = tap.register
    return registers


def _intent(
    lowering: Lowering, made: list[list[list[Made]]], owners: dict[tuple[int, Channel], NDArray[np.int32]]
) -> tuple[list[tuple[int, int, int, int]], dict[tuple[int, Channel], Times]]:
    """(intent rows, for each driven channel the register at which each issue is last read)."""
    rows: list[tuple[int, int, int, int]] = []
    ends = {key: _registers(lowering.nodes[key[0]], key[1]) for key in owners}
    drives = {key: end.copy() for key, end in ends.items()}
    for node, parts in zip(lowering.nodes, made, strict=True):
        for part, words in zip(node.parts, parts, strict=True):
            for tap in part.reads:
                source = node.heard[tap.channel].node
                key = (source.number, tap.channel)
                for word, issues in words:
                    heard = owners[key][issues]
                    one = int(heard[0])
                    writers = [one] if (heard == one).all() else np.unique(heard).tolist()
                    rows += [(word, tap.operand, tap.channel.stream, writer) for writer in writers]
                    if (drives[key][issues] > tap.register).any():
                        raise AssemblyError(_upstream(node.statement, source.statement, tap.channel))
                    ends[key][issues] = np.maximum(ends[key][issues], tap.register)
    return rows, ends


def _upstream(reader: Statement, writer: Statement, channel: Channel) -> Diagnostic:
    way = "east" if channel.direction == "e" else "west"
    return reader.error(
        "LPU1105",
        f"{channel} is driven {way} of here, and travels {way}: the value never passes",
        related=(Related("it is driven here", writer.span),),
        help="use a stream of the other direction, or a slice on the other side",
    )


def _segments(
    lowering: Lowering,
    all_words: list[Word],
    made: list[list[list[Made]]],
    ends: dict[tuple[int, Channel], Times],
    origin: int,
) -> list[Segment]:
    """What lives on streams: each word's values, from the register it drives to the last reader of each issue."""
    wide: Widths = ((40, 40, 40),) * 3
    segments: list[Segment] = []
    for node, parts in zip(lowering.nodes, made, strict=True):
        for part, words in zip(node.parts, parts, strict=True):
            for tap in part.drives:
                end = ends[node.number, tap.channel]
                diagonal = _start(node) - origin + part.rel + tap.delay - tap.register
                for word, issues in words:
                    ends_here, one = end[issues], int(end[issues[0]])
                    if (ends_here == one).all():
                        first = diagonal + int(node.times[issues[0]])
                        dims = tuple(Dim(d.count, d.every) for d in all_words[word].dims)
                        segments.append(Segment(tap.channel, first, dims, tap.register, one, word))
                        continue
                    for last in np.unique(ends_here):
                        times = node.times[issues[end[issues] == last]]
                        segments += [
                            Segment(tap.channel, diagonal + int(times[n.first]), n.dims, tap.register, int(last), word)
                            for n in fold(times, None, wide)
                        ]
    return segments


def _accesses(lowering: Lowering, made: list[list[list[Made]]], origin: int) -> list[Access]:
    """The SRAM words that the body reads and changes, and when."""
    accesses: list[Access] = []
    for node, parts in zip(lowering.nodes, made, strict=True):
        for part, words in zip(node.parts, parts, strict=True):
            banks = part.definition.timing.banks
            if banks is None:
                continue
            assert part.queue is not None
            write = part.definition.uses("writes", "sram")
            first = 0
            for word, issues in words:
                cycles = _start(node) - origin + part.rel + banks[1] + node.times[issues]
                if part.steps is None:
                    addresses = np.full(len(issues), -1, np.int64)
                else:
                    addresses = part.steps[first : first + len(issues)]
                first += len(issues)
                accesses.append(Access(part.queue.number, write, addresses, cycles, word))
    return accesses
