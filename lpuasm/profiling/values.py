"""The values of a run as the page of a profile shows them: what each dispatch drove on a stream or stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lpuasm.isa.casts import DTYPES
from lpuasm.isa.program import Program
from lpuasm.vm.chip import Issue
from lpuasm.vm.places import held
from lpuasm.vm.reference import Machine
from lpuasm.vm.state import Octets

#: Dispatches of which a page carries the values: 40 bytes each.
MOST = 100_000
SHOWN = 6
"""Lanes, the first ones, of which the values are shown."""


@dataclass(frozen=True, slots=True)
class Values:
    """What was driven or stored, as text, by the family and cycle of the dispatch; both columns sorted by these."""

    family: NDArray[np.int64]
    cycle: NDArray[np.int64]
    texts: tuple[str, ...]


def values(program: Program, inputs: Mapping[str, ArrayLike]) -> Values:
    """Runs a program on the reference engine, and says what each dispatch made.

    Raises:
        BindError, Fault: as :func:`lpuasm.run`.
    """
    machine = Machine(program, inputs)
    seen: dict[tuple[int, int], str] = {}
    family = {pair: k for k, pair in enumerate(zip(*_words(program), strict=True))}

    def note(issue: Issue, name: str, rows: Octets) -> None:
        code = issue.code
        stores = code.definition.uses("writes", "sram")
        if code.definition.operand[name].role == "out" if not stores else name == "data":
            key = family[code.queue.number, code.word], issue.cycle
            seen[key] = _text(program, issue, rows[:, :SHOWN])

    machine.chip.seen = note
    machine.run()
    keys = np.array(sorted(seen), np.int64).reshape(-1, 2)
    return Values(keys[:, 0], keys[:, 1], tuple(seen[int(f), int(c)] for f, c in keys))


def _words(program: Program) -> tuple[list[int], list[int]]:
    return program.timeline.queue.tolist(), program.timeline.word.tolist()


def _text(program: Program, issue: Issue, rows: Octets) -> str:
    """The first lanes of a vector, as numbers of its type; bytes of a plane in hex, with the elements they are of."""
    code, of = issue.code, ""
    if code.definition.unit == "mem" and code.definition.steps:
        known = held(program, code.queue.number, code.number("address") + issue.step)
        if known is not None:
            name, elements, plane = known
            layout = program.tensor[name].layout
            assert layout is not None
            of = f"{elements}: "
            if layout.planes == 1:
                return of + _numbers(rows, layout.dtype)
            of = f"{elements}, byte {plane}: "
    kind = code.definition.result_type(code.values) if code.definition.unit == "vxm" else str(code.values.get("type"))
    dtype = DTYPES.get(kind)
    if dtype is not None and dtype.itemsize == len(rows):
        return of + _numbers(rows, kind)
    return of + " | ".join(row.tobytes().hex(" ") for row in rows)


def _numbers(rows: Octets, kind: str) -> str:
    dtype = DTYPES[kind].newbyteorder("<")
    return " ".join(str(value) for value in np.ascontiguousarray(rows.T).view(dtype)[:, 0])
