"""Running scalar code: binds tensors and dimensions, and hands the program to one of the two engines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

from numpy.typing import NDArray

from lpuasm.isa.program import Program
from lpuasm.vm.result import Run
from lpuasm.vm.scalar_bind import bind
from lpuasm.vm.scalar_code import decode
from lpuasm.vm.scalar_compile import execute
from lpuasm.vm.scalar_dims import dimensions
from lpuasm.vm.scalar_reference import interpret
from lpuasm.vm.scalar_tensors import ready

ENGINES = {"fast": execute, "reference": interpret}


def run_scalar(
    program: Program,
    inputs: Mapping[str, NDArray[Any]],
    defines: Mapping[str, int] | None = None,
    engine: str = "fast",
    progress: Callable[[int], None] | None = None,
) -> Run:
    """Runs a scalar program; ``inputs`` are not changed, a tensor that the program stores to is an output.

    ``progress`` is called about once a second with the number of instructions executed so far.

    Raises:
        BindError: LPU1007 … LPU1013, tensors or dimensions that do not fit the program.
        Fault: LPU1014 … LPU1016, what went wrong while it ran.
    """
    operations = decode(program)
    values = defines or {}
    tensors = bind(program, operations, inputs, values)
    made = ready(program, operations, tensors, dimensions(program, operations, tensors, values))
    outcome = ENGINES[engine](made, None if progress is None else _each_second(progress))
    outputs = {
        tensor.name: made.result(k, outcome.elements[k], outcome.written[k])
        for k, tensor in made.tensors.items()
        if tensor.output
    }
    return Run(outputs, outcome.cycles, engine, outcome.instructions)


def _each_second(progress: Callable[[int], None]) -> Callable[[int], None]:
    last = monotonic()

    def call(instructions: int) -> None:
        nonlocal last
        now = monotonic()
        if now - last >= 1:
            last = now
            progress(instructions)

    return call
