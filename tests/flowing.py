"""Programs of flows for tests: built, held to the verdict, run on the reference engine, cycles compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpuasm.asm.build import assemble
from lpuasm.isa.errors import AssemblyError
from lpuasm.isa.legality import verdict
from lpuasm.isa.program import Program
from lpuasm.isa.target import load_target
from lpuasm.vm.result import Run
from lpuasm.vm.run import run

Array = NDArray[Any]
CHIPS = ("mini", "tsp1")


def built(text: str, chip: str = "mini", **defines: int | float) -> Program:
    """The program of a text, which must be legal."""
    program = assemble(text, "test.s", target=chip, defines=defines)
    assert verdict(program) == ()
    return program


def done(text: str, inputs: Mapping[str, Array], chip: str = "mini", **defines: int | float) -> Run:
    """A run of a text; the cycles that were known beforehand are those that it took."""
    program = built(text, chip, **defines)
    result = run(program, inputs, engine="reference")
    assert result.cycles == program.cycles
    return result


def refused(text: str, chip: str = "mini", **defines: int | float) -> AssemblyError:
    """What is wrong with a text."""
    try:
        assemble(text, "test.s", target=chip, defines=defines)
    except AssemblyError as e:
        return e
    raise AssertionError("it assembles")


def starts(program: Program) -> dict[str, int]:
    """The start of each flow."""
    return {s.name: s.value for s in program.symbols if s.kind == "flow"}


def integers(seed: int, shape: tuple[int, ...], dtype: str = "int8") -> Array:
    """Random integers of all values."""
    info = np.iinfo(dtype)
    return np.random.default_rng(seed).integers(info.min, int(info.max) + 1, shape).astype(dtype)


def floats(seed: int, shape: tuple[int, ...], dtype: str = "float32") -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def lanes(chip: str) -> int:
    return load_target(chip).lanes


def flow(body: str, *declarations: str) -> str:
    """A source of one flow."""
    lines = "\n".join(f"    {line.strip()}" for line in body.strip().splitlines())
    return "\n".join([*declarations, "flow one:", lines]) + "\n"
