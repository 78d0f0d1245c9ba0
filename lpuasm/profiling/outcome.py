"""Where two runs part: the first store of a word of SRAM that is given another value, and what became of the outputs.

The n-th store to a word in one program is compared with the n-th store to that word in the other, whenever each of them
comes. Words that a scatter writes, at addresses that come from data, are compared in the outputs only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpuasm.checks import json_number
from lpuasm.isa.casts import DTYPES
from lpuasm.isa.core import Definition, table
from lpuasm.isa.program import Program
from lpuasm.isa.runs import lines, spread
from lpuasm.isa.timeline import field
from lpuasm.profiling.difference import Party, party_json, said
from lpuasm.vm.observe import cells
from lpuasm.vm.places import element, places
from lpuasm.vm.run import run

Ints = NDArray[np.int64]
Arrays = Mapping[str, NDArray[Any]]
_AT_ONCE = 1 << 16
"""Words that are looked at in one replay: 20 MB of each run of tsp1."""


@dataclass(frozen=True, slots=True)
class Store:
    """A store: the cycle of its dispatch, and the instruction with its flow and place."""

    cycle: int
    party: Party


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first pair of stores of different values, in the order of the first run.

    ``lane`` is the first that differs, of ``lanes``; ``element`` the element there, empty where no tensor lies; the
    values are those of the element, or of the byte.
    """

    slice: str
    address: int
    lane: int
    lanes: int
    element: str
    before: int | float
    after: int | float
    stores: tuple[Store, Store]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Two runs compared. ``outputs``: by name, (elements that differ in value or type, elements)."""

    first: Divergence | None
    outputs: Mapping[str, tuple[int, int]]

    def to_json(self) -> dict[str, Any]:
        """The value of `runs` in `lpuasm diff --json`."""
        first = self.first
        return {
            "first": first
            and {
                "slice": first.slice,
                "address": first.address,
                "lane": first.lane,
                "lanes": first.lanes,
                "element": first.element or None,
                "before": {"cycle": first.stores[0].cycle, "value": json_number(first.before), **_of(first.stores[0])},
                "after": {"cycle": first.stores[1].cycle, "value": json_number(first.after), **_of(first.stores[1])},
            },
            "outputs": counted(self.outputs),
        }

    def __str__(self) -> str:
        return "\n".join(_lines(self)) + "\n"


def compare_runs(programs: tuple[Program, Program], inputs: tuple[Arrays, Arrays]) -> Outcome:
    """Runs two programs for one target, and says where they part.

    Raises:
        BindError, Fault: as :func:`lpuasm.run`.
    """
    results = [run(program, given).outputs for program, given in zip(programs, inputs, strict=True)]
    return Outcome(_first(programs, inputs), differing(*results))


def counted(outputs: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    """Counts of outputs as JSON has them."""
    return {name: {"differ": differ, "elements": count} for name, (differ, count) in outputs.items()}


def differing(one: Arrays, other: Arrays) -> dict[str, tuple[int, int]]:
    """Of the outputs that both have in one shape, how many elements differ; all of them if their types do."""
    found = {}
    for name in (n for n in one if n in other and one[n].shape == other[n].shape):
        a, b = one[name], other[name]
        same = a.dtype == b.dtype
        found[name] = (int(_differ(a, b).sum()) if same else a.size, a.size)
    return found


def _differ(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.bool_]:
    """Elements with other bits."""
    bits = np.dtype(f"u{a.dtype.itemsize}")
    return np.asarray(np.ascontiguousarray(a).view(bits) != np.ascontiguousarray(b).view(bits))


def _first(programs: tuple[Program, Program], inputs: tuple[Arrays, Arrays]) -> Divergence | None:
    one, other = (_stores(program) for program in programs)
    _, left, right = np.intersect1d(_key(one), _key(other), assume_unique=True, return_indices=True)
    order = np.lexsort((one[1][left], one[0][left]))
    pairs = (one[:, left[order]], other[:, right[order]])
    for first in range(0, len(order), _AT_ONCE):
        part = [rows[:, first : first + _AT_ONCE] for rows in pairs]
        values = [
            cells(program, given, rows[1], rows[2], rows[0] + _settles(program))
            for program, given, rows in zip(programs, inputs, part, strict=True)
        ]
        apart = (values[0] != values[1]).any(axis=1)
        if apart.any():
            at = int(apart.argmax())
            lanes = np.flatnonzero(values[0][at] != values[1][at])
            return _told(programs, inputs, (part[0][:, at], part[1][:, at]), (values[0][at], values[1][at]), lanes)
    return None


def _stores(program: Program) -> Ints:
    """Every store with an address of its own: cycle, slice, address, how often before, family; a column each."""
    timeline, write = program.timeline, _write(program)
    (place,) = [b for b in write.bits if b.name == write.steps]
    rows = np.flatnonzero(timeline.opcode == write.opcode)
    first = field(timeline.low[rows], timeline.high[rows], place.low, place.width)
    nests = lines(timeline.start[rows], timeline.count[rows], timeline.every[rows], timeline.step[rows])
    row, inside = spread(nests.count)
    of = nests.family[row]
    cycle = nests.start[row] + inside * nests.stride[row]
    address = first[of] + nests.moved[row] + inside * nests.step[row]
    queue = timeline.queue[rows][of].astype(np.int64)
    order = np.lexsort((cycle, address, queue))
    word = queue[order] * program.target.words + address[order]
    begins = np.flatnonzero(np.concatenate(([True], word[1:] != word[:-1]))) if len(word) else word
    nth = np.arange(len(word)) - np.repeat(begins, np.diff(np.append(begins, len(word))))
    return np.stack((cycle[order], queue[order], address[order], nth, rows[of][order]))


def _key(stores: Ints) -> NDArray[np.void]:
    """The word of each store and how often it was written before."""
    columns = np.ascontiguousarray(stores[1:4].T)
    return columns.view([("queue", np.int64), ("address", np.int64), ("nth", np.int64)]).reshape(-1)


def _write(program: Program) -> Definition:
    found = table(program.target).find("mem", "write")
    assert found is not None
    return found


def _settles(program: Program) -> int:
    """Cycles from the dispatch of a store until the word has changed."""
    return _write(program).timing.func


def _told(
    programs: tuple[Program, Program],
    inputs: tuple[Arrays, Arrays],
    rows: tuple[Ints, Ints],
    values: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    lanes: Ints,
) -> Divergence:
    program = programs[0]
    _, queue, address = (int(n) for n in rows[0][:3])
    lane = int(lanes[0])
    held = element(program, queue, address, lane)
    text = ""
    shown: list[int | float] = [int(v[lane]) for v in values]
    if held is not None and held == element(programs[1], queue, address, lane):
        name, index = held
        text = f"{name}[{', '.join(map(str, index))}]" if index else name
        cycles = [int(row[0]) + _settles(p) for row, p in zip(rows, programs, strict=True)]
        shown = [_value(p, i, name, index, c) for p, i, c in zip(programs, inputs, cycles, strict=True)]
    stores = [_store(p, row) for p, row in zip(programs, rows, strict=True)]
    name = program.target.queues[queue].name
    return Divergence(name, address, lane, len(lanes), text, shown[0], shown[1], (stores[0], stores[1]))


def _value(program: Program, inputs: Arrays, name: str, index: tuple[int, ...], cycle: int) -> int | float:
    """An element at the end of a cycle, in as few digits as tell it from others of its type."""
    where = places(program, name, index)
    slices, addresses = (np.array([getattr(p, key) for p in where], np.int64) for key in ("queue", "address"))
    octets = cells(program, inputs, slices, addresses, np.full(len(where), cycle))
    layout = program.tensor[name].layout
    assert layout is not None
    raw = bytes(int(octets[k, p.lane]) for k, p in enumerate(where))
    value = np.frombuffer(raw, DTYPES[layout.dtype])[0]
    return float(str(value)) if value.dtype.kind == "f" else int(value)


def _store(program: Program, row: Ints) -> Store:
    cycle, queue, _, _, family = (int(n) for n in row)
    timeline, name = program.timeline, program.target.queues[queue].name
    word = int(timeline.word[family])
    text = str(table(program.target).decode(int(timeline.low[family]) | int(timeline.high[family]) << 64))
    return Store(cycle, Party(text, program.flow(name, word), program.span(name, word)))


def _of(store: Store) -> dict[str, Any]:
    return party_json(store.party) or {}


def _lines(o: Outcome) -> Iterator[str]:
    if o.first is None:
        yield "both store the same values"
    else:
        f = o.first
        lanes = f" and {f.lanes - 1} more of its lanes" if f.lanes > 1 else ""
        yield f"the runs part at {f.element or f'lane {f.lane}'}{lanes}, in word {f.address:#x} of {f.slice}"
        for which, value, store in zip(("first ", "second"), (f.before, f.after), f.stores, strict=True):
            yield f"  {which}  {value} in cycle {store.cycle:,}: {said(store.party)}"
    yield from outputs_in_words(o.outputs)


def outputs_in_words(outputs: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    """A line for each output."""
    for name, (differ, count) in outputs.items():
        yield f"{name}: {f'{differ:,} of {count:,} elements differ' if differ else 'the same'}"
