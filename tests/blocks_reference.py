"""The blocks in float64 from the formulas of their networks, with bounds on what the chip may be off."""

from __future__ import annotations

from typing import Any

import numpy as np
from near import Near
from numpy.typing import NDArray


def silu(g: Near) -> Near:
    """½g · (1 + tanh ½g): the sum with 1 is rounded to 2⁻²⁴, tanh to as much, and so is ½g's product."""
    value = g.value / (1 + np.exp(-g.value))
    return g.through(value, 1.1, 2.0**-23 * g.most)


def swiglu(x: Near, gate: NDArray[Any], up: NDArray[Any], down: NDArray[Any]) -> Near:
    return (silu(x.product(gate)) * x.product(up)).half().product(down)
