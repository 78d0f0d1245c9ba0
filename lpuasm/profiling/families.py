"""What the families of a timeline belong to: flows, places in the source, units of the chip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.ports import paired
from lpuasm.isa.program import Program
from lpuasm.isa.runs import Lines, lines
from lpuasm.isa.target import Queue, Target

Ints = NDArray[np.int64]
_MEMORY_READS = ("read", "gather")


@dataclass(frozen=True, slots=True)
class Row:
    """A part of the chip that works: its name, its kind, and how many things it can do in a cycle."""

    name: str
    kind: str
    slots: int


@dataclass(frozen=True)
class Families:
    """The families of a program, with the columns of its source map: ``file``, ``line`` and ``flow``, −1 for none.

    ``lines`` are the families as lines in time, ``pair`` says which claim a second queue as well.
    """

    program: Program
    lines: Lines
    file: Ints
    line: Ints
    flow: Ints
    pair: NDArray[np.bool_]

    @property
    def queue(self) -> NDArray[np.int32]:
        return self.program.timeline.queue


def families(program: Program) -> Families:
    """The families of a streaming program."""
    timeline = program.timeline
    place = np.full((len(timeline.queue), 4), -1, np.int64)
    for number in np.unique(timeline.queue).tolist():
        known = program.places.get(program.target.queues[number].name)
        if known is not None:
            rows = np.flatnonzero(timeline.queue == number)
            rows = rows[timeline.word[rows] < len(known)]
            place[rows] = known[timeline.word[rows]]
    nests = lines(timeline.start, timeline.count, timeline.every)
    return Families(program, nests, place[:, 0], place[:, 1], place[:, 3], paired(timeline))


def kind_of(queue: Queue) -> str:
    """The kind of work that a queue does; "mxm" computes, "load" brings weights."""
    kinds = {"abc": "mxm", "lw": "load", "iw": "load", "acc": "acc", "vxm": "vxm", "mem": "mem", "c2c": "c2c"}
    return kinds.get(queue.kind, "sxm")


def chip_rows(target: Target) -> tuple[list[Row], Ints]:
    """(the parts of the chip from west to east, the part that each queue feeds, by its number).

    Planes and their loading are told apart; memory slices are seen by the quad. A slice reads and writes once a cycle.
    """
    g, quad = target.geometry, target.geometry.slices_per_quad
    rows: dict[str, Row] = {}

    def add(name: str, kind: str, slots: int) -> None:
        rows[name] = Row(name, kind, slots)

    def end(h: str, planes: Sequence[int]) -> None:
        for p in planes:
            add(f"mxm.{h}{p}", "mxm", 1)
        for p in planes:
            add(f"mxm.{h}{p} load", "load", 1)

    def switch(h: str) -> None:
        count = target.queue_counts
        add(f"sxm.{h}", "sxm", count.distribute + count.transpose + count.permute + count.select)
        add(f"sxm.{h} acc", "acc", g.planes)

    end("w", range(g.planes))
    switch("w")
    for first in range(g.slices - quad, -1, -quad):
        add(f"mem.w[{first}..{first + quad - 1}]", "mem", quad * min(g.banks, 2))
    add("vxm", "vxm", g.alus)
    for first in range(0, g.slices, quad):
        add(f"mem.e[{first}..{first + quad - 1}]", "mem", quad * min(g.banks, 2))
    switch("e")
    end("e", range(g.planes))
    add("c2c", "c2c", 2 * target.queue_counts.c2c)
    number = {name: k for k, name in enumerate(rows)}
    return list(rows.values()), np.array([number[_row(q, quad)] for q in target.queues])


def _row(queue: Queue, quad: int) -> str:
    kind = kind_of(queue)
    if kind == "mem":
        first = queue.index // quad * quad
        return f"mem.{queue.hemisphere}[{first}..{first + quad - 1}]"
    if kind in ("vxm", "c2c"):
        return kind
    if kind in ("sxm", "acc"):
        return f"sxm.{queue.hemisphere}" + (" acc" if kind == "acc" else "")
    return queue.unit + (" load" if kind == "load" else "")
