"""What a run of a program gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from lpuasm.isa.errors import WrongName, error
from lpuasm.isa.suggest import did_you_mean


@dataclass(frozen=True)
class Run:
    """The outputs of a run by name, its cycles, the engine that made it; for scalar code the instructions executed."""

    outputs: Mapping[str, NDArray[Any]]
    cycles: int
    engine: str
    instructions: int | None = None

    def _repr_html_(self) -> str:
        """How a notebook shows it: its cycles, and the type and shape of each output."""
        from lpuasm.isa.notebook import grid

        rows = [(name, array.dtype, list(array.shape)) for name, array in self.outputs.items()]
        return grid(f"{self.cycles:,} cycles ({self.engine} engine)", ("output", "type", "shape"), rows)

    def __getitem__(self, name: str) -> NDArray[Any]:
        """An output. Raises WrongName, LPU0558, where there is none of that name."""
        if name not in self.outputs:
            help = did_you_mean(str(name), self.outputs, f"there is {', '.join(self.outputs) or 'none'}")
            raise WrongName(error("LPU0558", f"the program has no output '{name}'", help=help))
        return self.outputs[name]
