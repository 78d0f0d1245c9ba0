"""What a run of a program gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True)
class Run:
    """The outputs of a run by name, its cycles, the engine that made it; for scalar code the instructions executed."""

    outputs: Mapping[str, NDArray[Any]]
    cycles: int
    engine: str
    instructions: int | None = None

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.outputs[name]
