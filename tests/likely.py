"""Running error analysis by standard deviations: what a chain of many layers is really off by.

Bounds on the worst case grow by the square root of the width with every product, and say nothing after three. Here each
rounding counts as an error of its own, independent of the others and zero on average (Higham and Mary, SIAM J. Sci.
Comput. 41, 2019, show that sums behave so); a result is held to SIGMAS standard deviations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from near import HALF, SINGLE, TINY
from numpy.typing import NDArray

F64 = NDArray[np.float64]
#: Standard deviation of an error that is anywhere between -1 and 1.
EVEN = 3**-0.5
SIGMAS = 6.0


def root(*squares: F64) -> F64:
    return np.asarray(np.sqrt(sum(squares)))


@dataclass(frozen=True)
class Likely:
    """What a value would be without rounding, and the standard deviation of what it is off."""

    value: F64
    sigma: F64

    @classmethod
    def exact(cls, x: NDArray[Any]) -> Likely:
        return cls(x.astype(np.float64), np.zeros(x.shape))

    def off(self, *more: F64 | float) -> Likely:
        """With further errors, each given by its standard deviation."""
        return Likely(self.value, root(self.sigma**2, *(np.square(m) for m in more)))

    def rounded(self) -> Likely:
        """Rounded to f32."""
        return self.off(EVEN * SINGLE * np.abs(self.value))

    def half(self) -> Likely:
        """Rounded to f16."""
        return self.off(EVEN * np.maximum(HALF * np.abs(self.value), TINY))

    def __add__(self, other: Likely) -> Likely:
        return Likely(self.value + other.value, root(self.sigma**2, other.sigma**2)).rounded()

    def __mul__(self, other: Likely) -> Likely:
        squares = self.value**2 * other.sigma**2, self.sigma**2 * other.value**2, self.sigma**2 * other.sigma**2
        return Likely(self.value * other.value, root(*squares)).rounded()

    def product(self, weights: NDArray[Any]) -> Likely:
        """With weights [N, K]; sums of f32 are rounded once for each 160 of K, and once more when they are added."""
        w = weights.astype(np.float64).T
        steps = 2 * -(-len(w) // 160)
        sums = EVEN * SINGLE * np.sqrt(steps) * (np.abs(self.value) @ np.abs(w))
        return Likely(self.value @ w, root(self.sigma**2 @ w**2)).off(sums)

    def sigmas(self, result: NDArray[Any]) -> float:
        """How many standard deviations a result is off at most."""
        return float((np.abs(result.astype(np.float64) - self.value) / self.sigma).max())
