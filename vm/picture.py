"""The chip as text: units from west to east, and what is on every stream, where, moving which way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from string import ascii_letters

from lpuasm.isa.core import table
from lpuasm.isa.program import Program
from lpuasm.isa.target import DIRECTIONS, Target
from lpuasm.vm.show import cells
from lpuasm.vm.state import State

#: Characters of a stream register.
_WIDE = 2
_LABEL = 11
#: Words that have a letter of their own; values of others are drawn as `*`.
_LETTERS = ascii_letters


@dataclass(frozen=True, slots=True)
class _Row:
    """A stream with anything on it: by place from the west the word that drove what is there."""

    direction: str
    stream: int
    values: Mapping[int, tuple[str, int]]


def place(target: Target, direction: str, register: int) -> int:
    """Where a stream register is, counted from the west: SRs count along the flow of their direction."""
    return register if direction == "e" else target.registers - 1 - register


def picture(program: Program, state: State, cycle: int, width: int | None = None) -> str:
    """The streams at the end of a cycle.

    A line for each stream, or for neighbours that carry the same words; a letter stands for the word that drove a
    value, `>` and `<` for the way that it moves. Below them is what the letters mean. Where lines of ``width``
    characters are too short for that, a register is one character, and the way stands before the first.
    """
    wide = 1 if width is not None and _LABEL + _WIDE * program.target.registers > width else _WIDE
    groups = list(_groups(list(_rows(state, cycle))))
    shown: dict[tuple[str, int], str] = {}
    for group in groups:
        for at, word in group[0].values.items():
            shown.setdefault(word, group[-1].values[at][0])
    letters = {word: _LETTERS[k] if k < len(_LETTERS) else "*" for k, word in enumerate(shown)}
    lines = list(_header(program.target, wide))
    lines += [_line(program.target, group, letters, wide) for group in groups]
    if not groups:
        lines.append("nothing is on the streams".center(_LABEL + wide * program.target.registers).rstrip())
    names = {word: word[0] if last == word[0] else f"{word[0]} … {last}" for word, last in shown.items()}
    most = max(map(len, names.values()), default=0)
    for word, name in names.items():
        if letters[word] != "*":
            lines.append(f"  {letters[word]}  {name.ljust(most)}  {_word(program, *word)}".rstrip())
    return "\n".join(lines)


def _rows(state: State, cycle: int) -> Iterator[_Row]:
    found: dict[tuple[str, int], dict[int, tuple[str, int]]] = {}
    for cell in cells(state, cycle):
        at = place(state.target, cell.direction, cell.register)
        found.setdefault((cell.direction, cell.stream), {})[at] = (cell.queue, cell.word)
    for direction in DIRECTIONS:
        for (way, stream), values in sorted(found.items()):
            if way == direction:
                yield _Row(way, stream, values)


def _groups(rows: list[_Row]) -> Iterator[list[_Row]]:
    """Neighbouring streams with values in the same places."""
    group: list[_Row] = []
    for row in rows:
        last = group[-1] if group else None
        same = (
            last is not None
            and (last.direction, last.stream + 1) == (row.direction, row.stream)
            and last.values.keys() == row.values.keys()
            and _alike(last, row)
        )
        if group and not same:
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def _alike(one: _Row, other: _Row) -> bool:
    """Whether the words change in the same places: byte planes of one value, or rows that move together."""
    places = sorted(one.values)
    return all((one.values[a] == one.values[b]) == (other.values[a] == other.values[b]) for a, b in pairwise(places))


def _line(target: Target, group: list[_Row], letters: Mapping[tuple[str, int], str], wide: int) -> str:
    first, last = group[0], group[-1]
    name = f"s{first.stream}" if len(group) == 1 else f"s{first.stream}-{last.stream}"
    sign = ">" if first.direction == "e" else "<"
    text = []
    for at in range(target.registers):
        letter = letters[first.values[at]] if at in first.values else ""
        if wide == 1:
            text.append(letter or "·")
        else:
            text.append("· " if not letter else f"{letter}{sign}" if sign == ">" else f"{sign}{letter}")
    way = sign if wide == 1 else " "
    return f"{name + '.' + first.direction:>{_LABEL - 2}}{way} {''.join(text)}".rstrip()


def _header(target: Target, wide: int) -> Iterator[str]:
    """Units over the registers where they take values from the streams: quads of memory by their first slice."""
    units: dict[str, list[int]] = {}
    for queue in target.queues:
        kind = "mem" if queue.kind == "mem" else "mxm" if queue.kind == "abc" else queue.unit
        if kind == "c2c" or queue.kind in ("lw", "iw", "acc", "distribute"):
            continue
        outward = queue.hemisphere or "e"
        tap = target.read_tap(queue, outward)
        if tap is None:
            continue
        name = f"{queue.index}" if kind == "mem" else kind.partition(".")[0].upper()
        if kind == "mem" and queue.index % target.geometry.slices_per_quad:
            continue
        shift = wide // 2 if kind in ("mem", "vxm") else 0
        units.setdefault(name, [])
        at = place(target, outward, tap) * wide + (shift if outward == "e" else -shift)
        if at not in units[name]:
            units[name].append(at)
    width = target.registers * wide
    top, bottom = [" "] * (width + 4), [" "] * (width + 4)
    for name, places in units.items():
        for at in places:
            row = bottom if name.isdigit() else top
            start = max(0, min(at, width - len(name)))
            if not "".join(row[max(start - 1, 0) : start + len(name) + 1]).strip():
                row[start : start + len(name)] = name
    for at in _memory(target, wide):
        if not "".join(top[at - 1 : at + 4]).strip():
            top[at : at + 3] = "MEM"
    yield (" " * _LABEL + "".join(top)).rstrip()
    yield (" " * _LABEL + "".join(bottom)).rstrip()


def _memory(target: Target, wide: int) -> list[int]:
    """Where MEM stands over the quads of each hemisphere."""
    out = target.taps.mem_outbound
    middle = (out[0] + out[-1]) // 2
    return [place(target, "w", middle) * wide - 2, middle * wide + 1]


def _word(program: Program, queue: str, word: int) -> str:
    if not queue:
        return "driven from outside"
    instruction = table(program.target).decode(program.word(queue, word))
    flow, span = program.flow(queue, word), program.span(queue, word)
    where = f"   flow {flow}" if flow else ""
    return f"{instruction}{where}{f', line {span.line}' if span else ''}"
