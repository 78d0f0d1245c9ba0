"""What families touch of what is stored: slices, weight buffers, arrays and latches, as nests of places and cycles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lpuasm.isa.distinct import indices
from lpuasm.isa.runs import Bools, Ints, lines, spread
from lpuasm.vm.storage import Claims, claims


@dataclass(frozen=True)
class Nests:
    """A row: issue k of a nest touches ``rows`` places of ``store`` in one cycle, one after the other from ``cell`` on
    at its first issue; vector ``issue`` + k · ``rows`` + r of ``port`` lies at place r of them.

    ``time``: the cycle of the first issue. ``count``, ``every``, ``step``: [3, n], innermost dimension first, how
    often, and cycles and places from one issue to the next; neutral (1, 0, 0). A write is there from its cycle on; a
    read in that cycle sees it.
    """

    store: Ints
    port: Ints
    issue: Ints
    cell: Ints
    rows: Ints
    time: Ints
    writes: Bools
    count: Ints
    every: Ints
    step: Ints

    def __len__(self) -> int:
        return len(self.store)

    def pick(self, rows: Ints | Bools) -> Nests:
        index = indices(rows) if rows.dtype == np.bool_ else rows
        return Nests(*(c.take(index, axis=-1) for c in vars(self).values()))


def single(store: Ints, port: Ints, cell: Ints, rows: Ints, time: Ints, writes: bool, issue: Ints) -> Nests:
    """Nests of one issue."""
    zero = np.zeros((3, len(store)), np.int64)
    return Nests(store, port, issue, cell, rows, time, np.full(len(store), writes), zero + 1, zero, zero)


def gather(parts: list[Nests]) -> Nests:
    """All rows of ``parts``."""
    if not parts:
        zero, deep = np.zeros(0, np.int64), np.zeros((3, 0), np.int64)
        return Nests(zero, zero, zero, zero, zero, zero, zero == 0, deep, deep, deep)
    columns = zip(*(vars(p).values() for p in parts), strict=True)
    return Nests(*(np.concatenate(c, axis=-1) for c in columns))


def as_lines(n: Nests) -> Claims:
    """The same as claims, a line each."""
    nest = lines(n.time, n.count.T, n.every.T, n.step.T)
    own, rows = nest.family, n.rows[nest.family]
    # The places of a lone issue are a line; of several issues, each place is one.
    lone = nest.count == 1
    line, inside = spread(np.where(lone, 1, rows))
    own, rows, lone = own[line], rows[line], lone[line]
    across = lone & (rows > 1)
    return claims(
        n.store[own],
        n.cell[own] + nest.moved[line] + inside,
        np.where(across, 1, nest.step[line]),
        np.where(across, rows, nest.count[line]),
        nest.start[line],
        np.where(across, 0, nest.stride[line]),
        n.writes[own],
        n.port[own],
        n.issue[own] + nest.issue[line] * rows + inside,
        np.where(across, 1, nest.hop[line] * rows),
    )


@dataclass(frozen=True)
class Paths:
    """Through which places of their stores nests go, in the order of their vectors: from ``cell`` on, ``count`` and
    ``step`` [3, n]; ``number`` of them in all. Vector ``issue`` of ``port`` is the first. ``arena``: see there."""

    store: Ints
    port: Ints
    issue: Ints
    arena: Ints
    number: Ints
    cell: Ints
    count: Ints
    step: Ints

    def __len__(self) -> int:
        return len(self.store)

    def pick(self, rows: Ints | Bools) -> Paths:
        index = indices(rows) if rows.dtype == np.bool_ else rows
        return Paths(*(c.take(index, axis=-1) for c in vars(self).values()))


def both(one: Paths, other: Paths) -> Paths:
    """All rows of two tables."""
    columns = zip(vars(one).values(), vars(other).values(), strict=True)
    return Paths(*(np.concatenate(c, axis=-1) for c in columns))


def bounds(cell: Ints, count: Ints, step: Ints) -> tuple[Ints, Ints]:
    """The least and the greatest number that nests come to that begin at ``cell``; ``count`` and ``step`` [3, n]."""
    low = high = cell
    for times, pace in zip(count, step, strict=True):
        move = (times - 1) * pace
        if not move.any():
            continue
        low, high = low + np.minimum(move, 0), high + np.maximum(move, 0)
    return low, high
