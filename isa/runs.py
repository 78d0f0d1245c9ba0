"""Runs: what families claim, as arithmetic progressions on channels.

A *channel* is a line of cells that can hold one thing each: a stream's
diagonals, a bank's cycles, an ALU's results. A *run* claims the cells start,
start + stride, …, count of them. A family is a nest of up to three dimensions;
its longest dimension stays a run, the others become several runs.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.distinct import indices
from lpuasm.isa.errors import AssemblyError, error

#: How many parts the claims of a program may come to.
MOST_PARTS = 1 << 24

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Lines:
    """Nests as lines, in the order of their families: the family, the cycle of the first issue, cycles apart, how many;
    the index of the first issue in its family, and how many issues of the family lie between two of the line; by how
    much the stepped operand has moved at the first, and its step."""

    family: Ints
    start: Ints
    stride: Ints
    count: Ints
    issue: Ints
    hop: Ints
    moved: Ints
    step: Ints

    def where(self, families: Ints) -> tuple[Ints, Ints]:
        """The rows of the lines of ``families``, which may repeat, and of each its index in ``families``."""
        if len(self.family) == 0 or (len(self.family) == int(self.family[-1]) + 1 and self.family[0] == 0):
            return families, np.arange(len(families))
        first = self.family.searchsorted(families)
        number = self.family.searchsorted(families, "right") - first
        index, inside = spread(number)
        return first[index] + inside, index

    def of(self, families: Ints) -> Lines:
        """The lines of ``families``; their ``family`` is the index in ``families``."""
        rows, index = self.where(families)
        return Lines(index, *(c[rows] for c in list(vars(self).values())[1:]))


def spread(number: Ints) -> tuple[Ints, Ints]:
    """(index of the element, index inside it) of ``number[i]`` copies of each element i, in order.

    Raises:
        AssemblyError: they are more than can be looked at.
    """
    if int(number.sum()) > MOST_PARTS:
        raise AssemblyError(
            error(
                "LPU0315",
                "the program is in too many pieces for the proof that it is legal",
                help="cut it into several programs",
            )
        )
    index = np.repeat(np.arange(len(number)), number)
    first = number.cumsum() - number
    return index, np.arange(len(index)) - first[index]


_OTHERS = np.array([[1, 2], [0, 2], [0, 1]])


def lines(start: Ints, count: Ints, every: Ints, step: Ints | None = None) -> Lines:
    """The lines of nests, ``count``, ``every`` and ``step`` [n, 3]. Without ``step``, the stepped operand is left at 0
    and dimensions that follow each other without a gap are one."""
    n = len(start)
    zero = np.zeros(n, np.int64)
    stride = np.where(count[:, 0] > 1, every[:, 0], 1)
    simple = Lines(
        np.arange(n), start, stride, count[:, 0], zero, np.ones(n, np.int64), zero, zero if step is None else step[:, 0]
    )
    deep = indices(count[:, 1] > 1)
    if not len(deep):
        return simple
    one = _one_line(
        count.T.take(deep, axis=1), every.T.take(deep, axis=1), None if step is None else step.T.take(deep, axis=1)
    )
    if one is not None:
        number = count[:, 0].copy()
        number[deep] = one
        return replace(simple, count=number)
    nested = _nested(start[deep], count[deep], every[deep], None if step is None else step[deep])
    nested = Lines(deep[nested.family], *(getattr(nested, f.name) for f in fields(nested)[1:]))
    flat = count[:, 1] == 1
    columns = {f.name: np.concatenate((getattr(simple, f.name)[flat], getattr(nested, f.name))) for f in fields(simple)}
    order = np.argsort(columns["family"], kind="stable")
    return Lines(**{name: column[order] for name, column in columns.items()})


def _one_line(count: Ints, every: Ints, step: Ints | None) -> Ints | None:
    """How many issues nests [3, n] have that each are one line, dimension after dimension; None if any is not."""
    length, two, three = count[0], count[1] > 1, count[2] > 1
    good = (length > 1) & two & (every[1] == every[0] * length)
    good &= ~three | (every[2] == every[1] * count[1])
    if step is not None:
        good &= (step[1] == step[0] * length) & (~three | (step[2] == step[1] * count[1]))
    return np.asarray(length * count[1] * count[2]) if good.all() else None


def _nested(start: Ints, count: Ints, every: Ints, step: Ints | None) -> Lines:
    c, e = count.T.copy(), every.T.copy()
    s = np.zeros_like(c) if step is None else step.T.copy()
    hop = np.stack((np.ones_like(c[0]), c[0], c[0] * c[1]))
    for inner, outer in ((0, 1), (0, 1), (1, 2)):
        join = (c[outer] > 1) & (e[outer] == e[inner] * c[inner]) & (s[outer] == s[inner] * c[inner])
        c[inner] = np.where(join, c[inner] * c[outer], c[inner])
        c[outer] = np.where(join, 1, c[outer])
        if outer == 1:
            for column in (c, e, s, hop):
                column[1], column[2] = np.where(join, column[2], column[1]), np.where(join, column[1], column[2])
    main = c.argmax(axis=0)
    row = np.arange(len(start))
    p, q = _OTHERS[main].T
    family, inside = spread(c[p, row] * c[q, row])
    main, p, q = main[family], p[family], q[family]
    ip, iq = inside % c[p, family], inside // c[p, family]

    def at(a: Ints) -> Ints:
        return np.asarray(ip * a[p, family] + iq * a[q, family])

    n = c[main, family]
    return Lines(
        family,
        start[family] + at(e),
        np.where(n > 1, e[main, family], 1),
        n,
        at(hop),
        hop[main, family],
        at(s),
        s[main, family],
    )


@dataclass(frozen=True)
class Runs:
    """Claims on channels, a row each.

    ``rank``: on channels of streams the SR, else 0; a reader hears the writer of the greatest rank that is not above
    its own. ``writes``: whether it puts something there. ``family``, ``operand``, ``byte``: whose claim it is;
    ``issue`` and ``hop``: the issues of the family that the cells belong to.
    """

    channel: Ints
    rank: Ints
    start: Ints
    stride: Ints
    count: Ints
    writes: Bools
    family: Ints
    operand: Ints
    byte: Ints
    issue: Ints
    hop: Ints


def claim(
    lines: Lines,
    family: Ints,
    channel: Ints,
    offset: Ints | int,
    *,
    writes: bool,
    rank: Ints | None = None,
    operand: Ints | None = None,
    size: Ints | None = None,
    at: tuple[Ints, Ints] | None = None,
) -> Runs:
    """Runs of the lines of ``family`` on ``channel`` and the ``size`` − 1 next ones, ``offset`` cells after each issue.

    ``at``: rows of ``lines`` and of ``family``, ``channel``, ``offset``, ``rank``, ``operand`` and ``size``, where they
    are not those of the families.
    """
    line, row = lines.where(family) if at is None else at
    none = np.zeros(len(row), np.int64)
    byte = none
    if size is not None:
        copy, byte = spread(size.take(row))
        line, row = line.take(copy), row.take(copy)
        none = np.zeros(len(row), np.int64)
    return Runs(
        channel.take(row) + byte,
        none if rank is None else rank.take(row),
        lines.start.take(line) + (offset if isinstance(offset, int) else offset.take(row)),
        lines.stride.take(line),
        lines.count.take(line),
        np.full(len(row), writes),
        family.take(row),
        none - 1 if operand is None else operand.take(row),
        byte,
        lines.issue.take(line),
        lines.hop.take(line),
    )


def stack(parts: list[Runs]) -> Runs:
    """All runs of ``parts``."""
    return Runs(*map(np.concatenate, zip(*(vars(p).values() for p in parts), strict=True)))
