"""A run of a plan under way: the values of nodes, and what of them is kept for steps to come."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lpuasm.isa.dot import RowsF16, rows_f16
from lpuasm.isa.program import Program
from lpuasm.isa.target import Target
from lpuasm.vm.collect import Place, blank
from lpuasm.vm.fault import Finding
from lpuasm.vm.fetch import fetch
from lpuasm.vm.kept import Prepared
from lpuasm.vm.steps import Step
from lpuasm.vm.values import Array, Pool

_MEASURED = 16 << 20  # bytes of vectors kept for later products


@dataclass
class Work:
    """A run under way. ``values``: by node; ``found``: faults that depend on data.

    ``prepared``: weights in the form that products take, and ``preparations`` the keys there of each of their nodes;
    ``fixed``: nodes of weights whose prepared form may outlive the run, which is what ``lasting`` is for; ``sinks``:
    nodes that are computed in their output; ``measured``: vectors that products to come will take again.
    """

    program: Program
    target: Target
    values: dict[int, Any]
    lasting: dict[tuple[tuple[int, ...], ...], Prepared] = field(default_factory=dict)
    fixed: Collection[int] = ()
    sinks: Mapping[int, tuple[str, Place]] = field(default_factory=dict)
    prepared: dict[tuple[tuple[int, ...], ...], Prepared] = field(default_factory=dict)
    preparations: dict[int, list[tuple[tuple[int, ...], ...]]] = field(default_factory=dict)
    measured: dict[int, RowsF16] = field(default_factory=dict)
    outputs: dict[str, Array] = field(default_factory=dict)
    found: list[Finding] = field(default_factory=list)
    pool: Pool = field(default_factory=Pool)

    def take(self, step: Step, k: int) -> Array:
        """Input ``k`` of a step."""
        return fetch(self.values, step.fetches[k], self.target.lanes)

    def output(self, name: str) -> Array:
        """An output [rows, columns], which may have been begun."""
        if name not in self.outputs:
            layout = self.program.tensor[name].layout
            assert layout is not None
            self.outputs[name] = blank(layout)
        return self.outputs[name]

    def kept(self, key: tuple[tuple[int, ...], ...], nodes: Collection[int], make: Callable[[], Prepared]) -> Prepared:
        """Prepared weights of ``nodes``, made once."""
        if all(n in self.fixed for n in nodes):
            found = self.lasting.get(key)
            if found is None:
                found = self.lasting[key] = make()
            return found
        found = self.prepared.get(key)
        if found is None:
            found = self.prepared[key] = make()
            for n in nodes:
                self.preparations.setdefault(n, []).append(key)
        return found

    def again(self, step: Step, lanes: slice, depth: int) -> RowsF16:
        """The vectors of a product, which other ones take too, measured once for all of them if there is room."""
        assert step.again is not None
        number, later = step.again
        found = self.measured.pop(number, None)
        if found is None or found.wide.shape[1] != depth:
            found = rows_f16(self.take(step, 0)[:, lanes], depth)
        if later and found.wide.nbytes + sum(m.wide.nbytes for m in self.measured.values()) <= _MEASURED:
            self.measured[number] = found
        return found

    def room(self, step: Step, dtype: np.dtype[Any]) -> Array:
        """Where the vectors of a step go: [vectors, lanes] of its node's value."""
        value = self.values.get(step.node.number)
        if value is None:
            value = self.room_of(step.node.number, step.node.count, dtype)
            if not step.whole:
                self.values[step.node.number] = value
        return value if step.whole else value[step.low : step.high]

    def room_of(self, number: int, count: int, dtype: np.dtype[Any]) -> Array:
        """Room for all vectors of a node; in an output, if they go there as they are."""
        if number in self.sinks:
            name, place = self.sinks[number]
            return self.output(name)[place]
        return self.pool.take(count, self.target.lanes, dtype)

    def forget(self, node: int) -> None:
        """Gives up the value of a node that nobody needs any more."""
        self.values.pop(node, None)
        for key in self.preparations.pop(node, ()):
            self.prepared.pop(key, None)

    def put(self, step: Step, result: Array) -> None:
        """Keeps the vectors of a step as the value of its node, or as a part of it."""
        number = step.node.number
        if step.whole:
            self.values[number] = result
            return
        value = self.values.get(number)
        if value is None:
            value = self.values[number] = np.empty((step.node.count, *result.shape[1:]), result.dtype)
        value[step.low : step.high] = result
