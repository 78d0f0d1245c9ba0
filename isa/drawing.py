"""Drawings of the manual in plain text: instruction words as bits, and the way of a stream across the chip."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from lpuasm.isa.chip import Queue, Target
from lpuasm.isa.definition import WORD_BITS, Bits, Definition

ROW_BITS = 32


def draw_word(definition: Definition) -> str:
    """The instruction word, 32 bits a row, the highest bit of a row at its left.

    Above each field stand the numbers of its highest and lowest bit. A field that has no room for its name bears the
    last part of it, or a dot.
    """
    cells = list(_cells(definition))
    lines: list[str] = []
    for first in range(0, WORD_BITS, ROW_BITS):
        row = sorted((c for c in cells if c.low // ROW_BITS == first // ROW_BITS), key=lambda c: -c.low)
        rule = "+" + "".join("-" * (2 * c.width - 1) + "+" for c in row)
        numbers = " " + " ".join(_ends(c) for c in row)
        names = "|" + "".join(_centred(c, definition) + "|" for c in row)
        lines += [numbers.rstrip(), rule, names, rule]
    return "\n".join(lines)


def _cells(definition: Definition) -> Iterator[Bits]:
    """The word as fields and gaps (without a name), cut where a row ends."""
    fields = sorted(definition.bits, key=lambda b: b.low)
    at = 0
    for field in [*fields, Bits("", WORD_BITS, 0)]:
        yield from _cut(Bits("", at, field.low - at))
        yield from _cut(field)
        at = field.low + field.width


def _cut(bits: Bits) -> Iterator[Bits]:
    low, end = bits.low, bits.low + bits.width
    while low < end:
        width = min(end, (low // ROW_BITS + 1) * ROW_BITS) - low
        yield Bits(bits.name, low, width)
        low += width


def _ends(cell: Bits) -> str:
    room = 2 * cell.width - 1
    high, low = str(cell.low + cell.width - 1), str(cell.low)
    if cell.width == 1 and len(low) <= room:
        return low
    gap = room - len(high) - len(low)
    return high + " " * gap + low if gap > 0 and cell.width > 1 else " " * room


def _centred(cell: Bits, definition: Definition) -> str:
    room = 2 * cell.width - 1
    name = f"{definition.opcode:#04x}" if cell.name == "opcode" else cell.name
    fitting = (text for text in (name, name.rpartition(".")[2], ".") if len(text) <= room)
    return next(fitting).center(room)


def draw_map(target: Target, direction: str = "e", width: int = 100) -> str:
    """The registers that a stream going in ``direction`` passes, and the units on its way.

    ``[unit]`` reads the register before it and drives the one after; ``unit>`` only reads the register before it,
    ``<unit`` only drives the one after.
    """
    lines = [""]
    for token in _tokens(target, direction):
        if len(lines[-1]) + len(token) + 1 > width:
            lines.append("")
        lines[-1] += f"{token} " if lines[-1] or len(lines) == 1 else f"    {token} "
    return "\n".join(line.rstrip() for line in lines)


def _tokens(target: Target, direction: str) -> Iterator[str]:
    across: dict[int, list[Queue]] = {}
    reads: dict[int, list[Queue]] = {}
    drives: dict[int, list[Queue]] = {}
    for queue in target.queues:
        read, drive = target.read_tap(queue, direction), target.drive_tap(queue, direction)
        if read is not None and drive == read + 1:
            across.setdefault(read, []).append(queue)
        else:
            if read is not None:
                reads.setdefault(read, []).append(queue)
            if drive is not None:
                drives.setdefault(drive, []).append(queue)
    hemisphere = "w" if direction == "e" else "e"
    for register in range(target.registers):
        if register == target.taps.mxm_result:
            yield f"<mxm.{hemisphere} results"
        if drives.get(register):
            yield f"<{queue_names(drives[register])}"
        yield str(register)
        # ACC meets the results that travel here, and drives the next register: it reads no stream of this direction.
        if reads.get(register):
            yield f"{queue_names(reads[register])}>"
        if across.get(register):
            yield f"[{queue_names(across[register])}]"


def queue_names(queues: Iterable[Queue]) -> str:
    """Names of queues, numbers in a row drawn together: ``mem.w40..43``, ``sxm.e.select0..1``."""
    parts = []
    names = [q.unit if q.kind in ("lw", "iw", "abc") else q.name for q in queues]
    for stem, group in groupby(names, key=lambda name: name.rstrip("0123456789")):
        numbers = [int(name[len(stem) :]) for name in group]
        low, high = min(numbers), max(numbers)
        parts.append(f"{stem}{low}" if low == high else f"{stem}{low}..{high}")
    return " ".join(parts)


def draw_reach(rows: tuple[tuple[int, ...], ...], large: frozenset[int]) -> str:
    """Which SG4 indices each ALU reaches; large ALUs bear a star."""
    lines = ["| row | ALUs (* large) | " + " | ".join(f"SG4[{i}]" for i in range(8)) + " |"]
    lines.append("|---|---|" + "---|" * 8)
    for number, row in enumerate(rows):
        alus = " ".join(f"{a}*" if a in large else str(a) for a in range(4 * number, 4 * number + 4))
        marks = " | ".join("x" if i in row else " " for i in range(8))
        lines.append(f"| {number} | {alus} | {marks} |")
    return "\n".join(lines)
