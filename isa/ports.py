"""What instruction words read, drive and take from one another, decoded for a whole timeline at once.

An *access* is one operand of one family: a group of streams that it samples or
drives, or the ALU whose result it takes. Where the fields of operands lie
comes from the definitions; nothing here knows an instruction by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.core import Definition, table
from lpuasm.isa.distinct import indices
from lpuasm.isa.once import per_target
from lpuasm.isa.operands import TYPE_BYTES, TYPES, Operand
from lpuasm.isa.target import DIRECTIONS, Target
from lpuasm.isa.timeline import Timeline

Ints = NDArray[np.int64]
NONE = -1
_OPCODES = 256
_READ, _DRIVE, _SOURCE = 1, 2, 3
_STREAMS, _LINK = 0, 1  # codes of the kinds of ALU operands
_SIZES = np.array([*TYPE_BYTES.values(), *[0] * (8 - len(TYPES))])
_POWERS = 1 << np.arange(8)


@dataclass(frozen=True)
class Accesses:
    """Stream operands, a row each: the family (index in the timeline), the operand (index in its definition), the group
    (``west`` 0 or 1, lowest ``stream``, ``size``), and the SR where the unit meets it, −1 where it has no tap."""

    family: Ints
    operand: Ints
    west: Ints
    stream: Ints
    size: Ints
    tap: Ints


@dataclass(frozen=True)
class Links:
    """Operands that are results of ALUs, a row each: family, operand, number of the ALU."""

    family: Ints
    operand: Ints
    alu: Ints


@dataclass(frozen=True)
class Ports:
    """Tables of a target: by queue and direction the taps (−1: none), by opcode what its words hold and how long they
    take. ``form``, ``at``, … are [slots, opcodes], a slot an operand on streams. ``pair`` is the code of the type that
    claims two planes. ``low_half``: whether all that words say of streams is in their low halves. ``numbers``: by name
    of an operand that is a number, its lowest bit (−1: none) and its width."""

    read_tap: Ints
    drive_tap: Ints
    operand: Ints
    form: Ints
    at: Ints
    fixed: Ints
    sized: Ints
    typed: Ints
    given: Ints
    skew: Ints
    func: Ints
    link: Ints
    type_at: Ints
    pair: Ints
    low_half: bool
    numbers: Mapping[str, tuple[Ints, Ints]]


@per_target
def ports(target: Target) -> Ports:
    """The tables of ``target``."""
    definitions = [d for d in table(target) if d.unit != "seq"]
    slots = max(len(_stream_operands(d)) for d in definitions)
    by_slot = {
        name: np.full((slots, _OPCODES), NONE, np.int64)
        for name in ("operand", "at", "fixed", "sized", "typed", "given")
    }
    form = np.zeros((slots, _OPCODES), np.int64)
    by_opcode = {name: np.full(_OPCODES, NONE, np.int64) for name in ("skew", "func", "link", "type_at", "pair")}
    numbers: dict[str, tuple[Ints, Ints]] = {}
    for d in definitions:
        code, low = d.opcode, {b.name: b.low for b in d.bits}
        by_opcode["skew"][code], by_opcode["func"][code] = d.timing.skew, d.timing.func
        by_opcode["link"][code] = NONE if d.timing.link is None else d.timing.link
        by_opcode["type_at"][code] = low.get("type", NONE)
        by_opcode["pair"][code] = TYPES.index(d.pair) if d.pair else NONE
        for operand in d.operands:
            if operand.kind == "number":
                where, width = numbers.setdefault(operand.name, (np.full(_OPCODES, NONE), np.ones(_OPCODES, np.int64)))
                where[code], width[code] = operand.at, operand.parts[0][1]
        for k, (index, operand) in enumerate(_stream_operands(d)):
            size = operand.attributes["size"]
            form[k, code] = _SOURCE if operand.kind == "source" else _DRIVE if operand.role == "out" else _READ
            entry: dict[str, int] = {
                "operand": index,
                "at": operand.at,
                "fixed": size if isinstance(size, int) else NONE,
                "sized": low.get(f"{operand.name}.size", NONE),
                "typed": low[size] if isinstance(size, str) else NONE,
                "given": low.get(f"{operand.name}.given", NONE),
            }
            for name, value in entry.items():
                by_slot[name][k, code] = value
    taps = [
        np.array([[NONE if (t := find(q, d)) is None else t for d in DIRECTIONS] for q in target.queues], np.int64)
        for find in (target.read_tap, target.drive_tap)
    ]
    low_half = max(int(by_slot[name].max()) for name in ("at", "sized", "typed", "given")) + 8 <= 64
    return Ports(
        read_tap=taps[0], drive_tap=taps[1], form=form, low_half=low_half, numbers=numbers, **by_slot, **by_opcode
    )


def _stream_operands(definition: Definition) -> list[tuple[int, Operand]]:
    return [(i, o) for i, o in enumerate(definition.operands) if o.kind in ("streams", "source")]


def bits(timeline: Timeline, rows: Ints, at: Ints, width: Ints | int, low_half: bool = False) -> Ints:
    """The fields of ``width`` < 64 bits at the bits ``at`` of the words of families ``rows``.

    ``low_half``: whether it is known that they all are in the low half.
    """
    low, shift = timeline.low[rows], (at & 63).astype(np.uint64)
    if not low_half and int((at + width).max(initial=0)) > 64:
        high = timeline.high[rows]
        over = (high << np.uint64(1)) << (np.uint64(63) - shift)
        value = np.where(at < 64, low >> shift | over, high >> shift)
    else:
        value = low >> shift
    return value.astype(np.int64) & ((1 << width) - 1)


def number(timeline: Timeline, name: str, rows: Ints | None = None) -> tuple[Ints, Ints]:
    """The families, of ``rows`` or of all, that have a number operand ``name``, and its fields, without sign."""
    tables, opcode = ports(timeline.target), timeline.opcode
    at, width = tables.numbers[name]
    rows = indices(at[opcode] != NONE) if rows is None else rows[at[opcode[rows]] != NONE]
    return rows, bits(timeline, rows, at[opcode[rows]], width[opcode[rows]])


def paired(timeline: Timeline) -> NDArray[np.bool_]:
    """Of each family, whether it claims the same queue of the hemisphere's other plane."""
    tables = ports(timeline.target)
    opcode = timeline.opcode
    rows = indices(tables.pair[opcode] != NONE)
    out = np.zeros(len(opcode), bool)
    out[rows] = bits(timeline, rows, tables.type_at[opcode[rows]], 3) == tables.pair[opcode[rows]]
    return out


def accesses(timeline: Timeline) -> tuple[Accesses, Accesses, Links]:
    """What the families sample, what they drive, and what they take from ALUs."""
    tables = ports(timeline.target)
    opcode = timeline.opcode
    forms = tables.form.take(opcode, axis=1)
    k, rows = forms.nonzero()
    # One index for tables by slot and opcode: two of them take several times as long.
    entry = k * _OPCODES + opcode[rows]
    form = tables.form.take(entry)
    chunk = bits(timeline, rows, tables.at.take(entry), 8, tables.low_half)
    stream = chunk & 31
    columns = rows, tables.operand.take(entry), chunk >> 5 & 1, stream, _sizes(timeline, rows, entry)
    kind = np.where(form == _SOURCE, chunk >> 6, _STREAMS)
    heard = _present(timeline, rows, tables.given.take(entry)) & (kind == _STREAMS)
    driven = form == _DRIVE
    links = indices(kind == _LINK)
    return (
        _with_tap(timeline, columns, heard & ~driven, tables.read_tap),
        _with_tap(timeline, columns, heard & driven, tables.drive_tap),
        Links(rows[links], columns[1][links], stream[links]),
    )


def _sizes(timeline: Timeline, rows: Ints, entry: Ints) -> Ints:
    """How many streams operands of the families ``rows`` take; ``entry``: where tables have these operands."""
    tables = ports(timeline.target)
    size = tables.fixed.take(entry)
    for positions, sizes in ((tables.sized, _POWERS), (tables.typed, _SIZES)):
        where = positions.take(entry)
        some = indices(where != NONE)
        if len(some):
            size[some] = sizes[bits(timeline, rows[some], where[some], 3, tables.low_half)]
    return size


def _present(timeline: Timeline, rows: Ints, given: Ints) -> NDArray[np.bool_]:
    """Whether an operand is there, where a bit at ``given`` says so."""
    present: NDArray[np.bool_] = given == NONE
    some = indices(~present)
    if len(some):
        present[some] = bits(timeline, rows[some], given[some], 1, ports(timeline.target).low_half) == 1
    return present


def _with_tap(timeline: Timeline, columns: tuple[Ints, ...], mask: NDArray[np.bool_], taps: Ints) -> Accesses:
    some = indices(mask)
    family, operand, west, stream, size = [c[some] for c in columns]
    return Accesses(family, operand, west, stream, size, taps.take(timeline.queue[family] * len(DIRECTIONS) + west))
