"""Weights kept from one run of a plan to the next, as long as the tensors they come from are the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.dot import PreparedF16
from lpuasm.vm.multiply import Beside

Prepared = Beside | PreparedF16
_MOST = 32 << 20  # bytes of tensors whose weights are kept


@dataclass
class Kept:
    """``tensors``: copies of the tensors that weights were made from; ``prepared``: the weights, by their nodes."""

    tensors: dict[str, NDArray[Any]] = field(default_factory=dict)
    prepared: dict[tuple[tuple[int, ...], ...], Prepared] = field(default_factory=dict)

    def clear(self) -> None:
        """Forgets everything."""
        self.tensors.clear()
        self.prepared.clear()

    def renew(self, names: Iterable[str], arrays: Mapping[str, NDArray[Any]]) -> bool:
        """Forgets the weights unless the tensors ``names`` are as they were; whether weights may be kept at all."""
        given = {name: arrays[name] for name in names}
        if sum(a.nbytes for a in given.values()) > _MOST:
            self.clear()
            return False
        if given.keys() != self.tensors.keys() or not all(_same(a, self.tensors[n]) for n, a in given.items()):
            self.prepared.clear()
            self.tensors = {name: np.array(a, order="C") for name, a in given.items()}
        return True


def _same(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Whether two arrays of one shape and type hold the same bytes."""
    if not a.flags.c_contiguous:
        a = np.ascontiguousarray(a)
    one, other = (x.reshape(-1).view(np.uint8) for x in (a, b))
    n = len(one) // 8 * 8
    words = np.array_equal(one[:n].view(np.uint64), other[:n].view(np.uint64))
    return words and np.array_equal(one[n:], other[n:])
