"""Running a program: arrays in, arrays and cycles out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from lpuasm.isa.errors import BindError, error
from lpuasm.isa.program import Program
from lpuasm.vm.bind import unload
from lpuasm.vm.reference import Machine, Progress, Trace
from lpuasm.vm.result import Run

#: The engines for streaming and for scalar programs; the first is used where none is named.
STREAMING = ("fast", "reference")
SCALAR = ("fast", "reference")


def run(
    program: Program,
    inputs: Mapping[str, ArrayLike] | None = None,
    *,
    engine: str | None = None,
    defines: Mapping[str, int] | None = None,
    trace: Trace | None = None,
    progress: Progress | None = None,
) -> Run:
    """Runs ``program`` on ``inputs``, arrays by the names of its inputs and weights, of exactly their types and shapes.

    ``defines`` are dimensions of scalar programs. ``progress`` is called about once a second with the cycle that the
    run has come to (of scalar code: the instruction), ``trace`` for every dispatch; of streaming programs only the
    reference engine does either, and it is the engine that runs where a ``trace`` is wanted and none is named.

    Raises:
        BindError: the inputs do not fit the program, or there is no such engine.
        Fault: the program broke a rule of the machine.
        ObjectError: a word of the program is not an instruction.
    """
    arrays = {name: np.asarray(values) for name, values in (inputs or {}).items()}
    chosen = _engine(program, engine or ("reference" if trace is not None else None))
    if program.scalar:
        from lpuasm.vm.scalar import run_scalar

        return run_scalar(program, arrays, defines, chosen, progress)
    if defines:
        names = ", ".join(defines)
        message = f"the parameters of a streaming program are fixed when it is built: {names}"
        raise BindError(error("LPU0556", message, help="give them to the build"))
    if chosen == "fast":
        from lpuasm.vm.fast import run_fast

        return run_fast(program, arrays)
    machine = Machine(program, arrays, trace=trace)
    machine.run(progress=progress)
    outputs = {t.name: unload(machine.state, program, t.name) for t in program.tensors if t.kind == "output"}
    return Run(outputs, machine.cycles, chosen)


def _engine(program: Program, wanted: str | None) -> str:
    """The engine that runs ``program``."""
    engines = SCALAR if program.scalar else STREAMING
    if wanted is None:
        return engines[0]
    if wanted not in engines:
        raise BindError(error("LPU0555", f"there is no engine '{wanted}'", help=f"engines: {', '.join(engines)}"))
    return wanted
