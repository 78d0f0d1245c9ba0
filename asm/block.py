"""Runs of lines that are handled as one: their numbers stay in arrays, and each kind of line is understood once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lpuasm.asm.scan import Ints, Scan
from lpuasm.asm.tree import Binary, Expr, Line, Num, StatementLine, Template

_NONE = -1


@dataclass(frozen=True, slots=True)
class Shape:
    """What lines of one shape, `cycle: statement` or a statement alone, have in common.

    ``timed``: whether there is a cycle; ``cycle`` is the slot of the number that it moves with (−1: none), ``free``
    that of an operand which is a number alone; the numbers in ``fixed`` slots take part in what kind of line it is. The
    statement begins ``gap`` columns behind the end of the number in slot ``before`` (−1: behind the beginning of the
    line).
    """

    template: Template
    timed: bool
    cycle: int
    free: int
    fixed: tuple[int, ...]
    before: int
    gap: int


def shape_of(line: Line, free: Callable[[str, bool], bool]) -> Shape | None:
    """The shape of a line with a statement; None for any other. ``free``: whether the number of a mnemonic may vary
    freely, with a cycle or without one."""
    template = line.template
    prefix, body = template.prefix, template.body
    if not isinstance(body, StatementLine):
        return None
    timed = prefix is not None
    cycle = _NONE if prefix is None else _moved_by(prefix)
    numbers = [node.slot for node in (*body.inputs, *body.outputs) if isinstance(node, Num)]
    alone = numbers[0] if len(numbers) == 1 and free(body.mnemonic.text.partition(".")[0], timed) else _NONE
    fixed = tuple(slot for slot in range(len(template.runs)) if slot not in (cycle, alone))
    before = sum(end <= body.start for _, end in template.runs) - 1
    gap = body.start - template.runs[before][1] if before >= 0 else body.start + line.indent
    return Shape(template, timed, cycle, alone, fixed, before, gap)


def _moved_by(node: Expr) -> int:
    """The slot of the only number in an expression, which goes into it as a summand; −1 if there is none such."""
    slots = _slots(node)
    while isinstance(node, Binary) and node.operator in ("+", "-"):
        if _slots(node.left):
            node = node.left
        elif node.operator == "+":
            node = node.right
        else:
            return _NONE
    return node.slot if isinstance(node, Num) and len(slots) == 1 else _NONE


def _slots(node: object) -> list[int]:
    if isinstance(node, Num):
        return [node.slot]
    if isinstance(node, tuple):
        return [slot for part in node for slot in _slots(part)]
    return []


@dataclass(frozen=True, eq=False)
class Kinds:
    """The lines of a text, by kind: lines of one kind are the same but for cycle and free number.

    For each line: ``kind`` (−1: none), ``cycle`` and ``free``, the numbers in these slots (0 where there are none), and
    ``column``, where its statement begins. For each kind: ``sample``, its first line, whether it has a free number
    (``varies``), and whether it has a cycle (``timed``).
    """

    scan: Scan
    file: str
    parse: Callable[[int], Line]
    kind: Ints
    cycle: Ints
    free: Ints
    column: Ints
    sample: Ints
    varies: NDArray[np.bool_]
    timed: NDArray[np.bool_]


def kinds(scan: Scan, file: str, shapes: Sequence[Shape | None], parse: Callable[[int], Line]) -> Kinds:
    """The kinds of the lines of a scan whose shapes are known."""
    known = np.array([shape is not None for shape in shapes] + [False], bool)
    lines = np.flatnonzero(known[scan.shape])
    shape, first = scan.shape[lines], scan.first[lines]

    def numbers(of_shapes: list[int]) -> Ints:
        """The number in a slot of each line, 0 where its shape has none."""
        slots = np.array(of_shapes, np.int64)[shape]
        return np.where(slots < 0, 0, scan.value[np.minimum(first + slots, len(scan.value) - 1)])

    code, size = shape, len(shapes)
    for k in range(max((len(s.fixed) for s in shapes if s is not None), default=0)):
        value = numbers([_NONE if s is None or k >= len(s.fixed) else s.fixed[k] for s in shapes])
        if (int(value.max(initial=0)) + 1) * size >= 1 << 62:
            size, code = _ranked(code)
            value = _ranked(value)[1]
        code = code * (int(value.max(initial=0)) + 1) + value
        size *= int(value.max(initial=0)) + 1
    count, code = _ranked(code)
    sample = np.zeros(count, np.int64)
    sample[code[::-1]] = lines[::-1]

    def spread(values: Ints, nothing: int) -> Ints:
        whole = np.full(len(scan.shape), nothing, np.int64)
        whole[lines] = values
        return whole

    before = np.array([_NONE if s is None else s.before for s in shapes], np.int64)[shape]
    gap = np.array([0 if s is None else s.gap for s in shapes], np.int64)[shape]
    stop = scan.stop[np.minimum(first + before, len(scan.stop) - 1)] - scan.begin[lines]
    return Kinds(
        scan,
        file,
        parse,
        kind=spread(code, _NONE),
        cycle=spread(numbers([_NONE if s is None else s.cycle for s in shapes]), 0),
        free=spread(numbers([_NONE if s is None else s.free for s in shapes]), 0),
        column=spread(gap + np.where(before < 0, 0, stop) + 1, 0),
        sample=sample,
        varies=np.array([s is not None and s.free >= 0 for s in shapes], bool)[scan.shape[sample]],
        timed=np.array([s is not None and s.timed for s in shapes], bool)[scan.shape[sample]],
    )


def _ranked(code: Ints) -> tuple[int, Ints]:
    """(how many different values there are, the rank of each)."""
    most = int(code.max(initial=0))
    if most > 8 * len(code) + 1024:
        values, rank = np.unique(code, return_inverse=True)
        return len(values), rank
    there = np.zeros(most + 1, bool)
    there[code] = True
    return int(there.sum()), (np.cumsum(there) - 1)[code]


@dataclass(frozen=True, eq=False)
class Block:
    """Lines ``first`` … ``last`` − 1 of a text: blank ones, and such as have a kind."""

    kinds: Kinds
    first: int
    last: int

    @cached_property
    def rows(self) -> Ints:
        """The lines that have a kind, from 0."""
        return np.flatnonzero(self.kinds.kind[self.first : self.last] >= 0) + self.first

    def lines(self) -> list[Line]:
        """The same, line by line."""
        return [self.kinds.parse(int(row)) for row in self.rows]
