"""Running a program: arrays in, arrays and cycles out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lpuasm.isa.errors import BindError, error
from lpuasm.isa.program import Program
from lpuasm.vm.bind import bind, load, unload
from lpuasm.vm.code import Code
from lpuasm.vm.reference import Machine, Progress
from lpuasm.vm.state import parties

#: Called for every dispatch with its cycle and word.
Trace = Callable[[int, Code], None]
ENGINES = ("reference",)


@dataclass(frozen=True)
class Origin:
    """Where an element of an output comes from: its lane, its word of SRAM, and the word of a queue that wrote that last.

    ``cycle`` is None, and ``queue`` empty, where no word did.
    """

    lane: int
    slice: str
    address: int
    cycle: int | None
    queue: str
    word: int


@dataclass(frozen=True)
class Run:
    """What a run gave: ``outputs`` by name, and ``cycles`` from 0 to the last commit in the last superlane, inclusive.

    ``written``: for each word of SRAM, as (slice, address), the cycle and the identity of the word that wrote it last.
    """

    program: Program
    engine: str
    outputs: Mapping[str, NDArray[Any]]
    cycles: int
    written: Mapping[tuple[int, int], tuple[int, int]] = field(default_factory=dict, repr=False)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.outputs[name]

    def origin(self, name: str, index: tuple[int, ...]) -> Origin | None:
        """Where the element ``index`` of an output (its lowest byte) comes from; None for scalar programs."""
        layout = self.program.tensor[name].layout
        if layout is None or self.program.scalar:
            return None
        *outer, column = index if index else (0,)
        row = int(np.ravel_multi_index(tuple(outer), layout.shape[:-1])) if outer else 0
        across, lane = divmod(column, layout.tile_columns)
        slices, addresses = layout.locate(layout.vector(row, across))
        number, address = int(slices), int(addresses)
        cycle, writer = self.written.get((number, address), (None, -1))
        queues = self.program.target.queues
        queue, word = parties(writer)
        return Origin(lane, queues[number].name, address, cycle, queues[queue].name if cycle is not None else "", word)


def run(
    program: Program,
    inputs: Mapping[str, ArrayLike] | None = None,
    *,
    engine: str = "reference",
    trace: Trace | None = None,
    progress: Progress | None = None,
) -> Run:
    """Runs ``program`` on ``inputs``, arrays by the names of its inputs and weights, of exactly their types and shapes.

    ``progress`` is called about once a second with the cycle that the run has come to, ``trace`` for every dispatch.

    Raises:
        BindError: the inputs do not fit the program, or there is no such engine.
        Fault: the program broke a rule of the machine.
        ObjectError: a word of the program is not an instruction.
    """
    if engine not in ENGINES:
        raise BindError(error("LPU0555", f"there is no engine '{engine}'", help=f"engines: {', '.join(ENGINES)}"))
    if program.scalar:
        from lpuasm.vm.scalar import run_scalar

        return run_scalar(program, inputs or {})
    machine = Machine(program, trace)
    load(machine.state, program, bind(program, inputs or {}))
    machine.run(progress=progress)
    outputs = {t.name: unload(machine.state, program, t.name) for t in program.tensors if t.kind == "output"}
    return Run(program, engine, outputs, machine.cycles, machine.chip.written)
