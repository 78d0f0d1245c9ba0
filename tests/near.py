"""Running error analysis: values in float64, each with a bound on how far the chip's result may be from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
#: Half a unit in the last place of 1 in f32 and in f16, and half the smallest f16.
SINGLE, HALF, TINY = 2.0**-24, 2.0**-11, 2.0**-25


@dataclass(frozen=True)
class Near:
    """What a value would be without rounding, and the most that it may be off."""

    value: F64
    error: F64

    @classmethod
    def exact(cls, x: NDArray[Any]) -> Near:
        return cls(x.astype(np.float64), np.zeros(x.shape))

    @property
    def most(self) -> F64:
        """The largest magnitude that it may have."""
        return np.abs(self.value) + self.error

    def rounded(self, times: float = 1) -> Near:
        """After ``times`` roundings to f32."""
        return Near(self.value, self.error + times * SINGLE * self.most)

    def half(self) -> Near:
        """Rounded to f16."""
        return Near(self.value, self.error + HALF * self.most + TINY)

    def __add__(self, other: Near) -> Near:
        return Near(self.value + other.value, self.error + other.error).rounded()

    def __mul__(self, other: Near) -> Near:
        error = np.abs(self.value) * other.error + self.error * other.most
        return Near(self.value * other.value, error).rounded()

    def product(self, weights: NDArray[Any]) -> Near:
        """With weights [N, K]: each half tile of 160 is exact and rounded once, so is each addition of such sums."""
        w = weights.astype(np.float64).T
        steps = 2 * -(-len(w) // 160)
        return Near(self.value @ w, self.error @ np.abs(w) + steps * SINGLE * (self.most @ np.abs(w)))

    def through(self, value: F64, slope: float, more: F64) -> Near:
        """Of a function of this: its value, the steepest slope it has, and what its own evaluation adds."""
        return Near(value, slope * self.error + more)

    def holds(self, result: NDArray[Any]) -> bool:
        return bool((np.abs(result.astype(np.float64) - self.value) <= self.error).all())
