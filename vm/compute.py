"""What each kind of step computes, over many vectors at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.casts import DTYPES
from lpuasm.isa.core import table
from lpuasm.isa.dot import PreparedF16, dot_prepared, prepare_f16
from lpuasm.isa.meaning import meaning
from lpuasm.isa.operands import Immediate
from lpuasm.isa.program import Program
from lpuasm.isa.target import Target
from lpuasm.vm.collect import Place, blank, collect
from lpuasm.vm.fault import Finding
from lpuasm.vm.fetch import fetch, repeated
from lpuasm.vm.kept import Prepared
from lpuasm.vm.lanes import widened
from lpuasm.vm.multiply import multiply_i8
from lpuasm.vm.net import cycles
from lpuasm.vm.nodes import operand_type
from lpuasm.vm.state import identity
from lpuasm.vm.steps import Step
from lpuasm.vm.switch import OPERATIONS, evenly, spread, turned
from lpuasm.vm.values import Array, Pool


@dataclass
class Work:
    """A run under way. ``values``: by node; ``found``: faults that depend on data.

    ``prepared``: weights in the form that products take, and ``preparations`` the keys there of each of their nodes;
    ``fixed``: nodes of weights whose prepared form may outlive the run, which is what ``lasting`` is for; ``sinks``:
    nodes that are computed in their output.
    """

    program: Program
    target: Target
    values: dict[int, Any]
    lasting: dict[tuple[tuple[int, ...], ...], Prepared] = field(default_factory=dict)
    fixed: Collection[int] = ()
    sinks: Mapping[int, tuple[str, Place]] = field(default_factory=dict)
    prepared: dict[tuple[tuple[int, ...], ...], Prepared] = field(default_factory=dict)
    preparations: dict[int, list[tuple[tuple[int, ...], ...]]] = field(default_factory=dict)
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


def vector(work: Work, step: Step) -> None:
    """An ALU operation."""
    code = step.node.code
    assert code is not None
    values = code.values
    operands: dict[str, Any] = {name: values[name] for name in ("type", "to") if name in values}
    lanes = work.target.lanes
    for name in ("a", "b"):
        value = values.get(name)
        if isinstance(value, Immediate):
            dtype = DTYPES[operand_type(code, name)]
            one = np.array([[value.bits]], np.uint32).astype(f"u{dtype.itemsize}").view(dtype)
            operands[name] = one if len(step.fetches) else np.broadcast_to(one, (step.high - step.low, lanes))
    for k, operand in enumerate(step.node.inputs):
        operands[operand.name] = work.take(step, k)
    work.put(step, meaning(code.definition, bool(values.get("sat")))(operands))


def wide(work: Work, step: Step) -> None:
    """The 32 bits that links and latches carry."""
    code = step.node.code
    assert code is not None
    if step.fetches:
        rows = np.ascontiguousarray(work.take(step, 0))
    else:
        value = code.values[step.node.name]
        assert isinstance(value, Immediate)
        dtype = DTYPES[operand_type(code, step.node.name)]
        one = np.array([value.bits], np.uint32).astype(f"u{dtype.itemsize}").view(dtype)
        rows = np.broadcast_to(one, (step.high - step.low, work.target.lanes)).copy()
    work.put(step, widened(rows).view(np.int32))


def weights(work: Work, step: Step) -> None:
    """The rows of an array."""
    work.values[step.node.number] = work.take(step, 0)


def product(work: Work, step: Step) -> None:
    """A run of activations on one state of an array."""
    rows, out = work.take(step, 0), work.room(step, DTYPES[step.node.kept])
    code = step.node.code
    assert code is not None
    if step.node.kept == "i32":
        multiply_i8(work, [rows], ((step.holder,),), {}, [out])
    else:
        half, width = code.values["half"], work.target.lanes // 2
        assert isinstance(half, int)
        lanes = slice(half * width, (half + 1) * width)
        key = ((step.holder,), (half,))
        held = work.kept(key, (step.holder,), lambda: prepare_f16(work.values[step.holder][:, lanes]))
        assert isinstance(held, PreparedF16)
        dot_prepared(rows[:, lanes], held, out)
    if step.whole:
        work.values[step.node.number] = out


def products(work: Work, step: Step) -> None:
    """Sums of products of the same activations, each with weights of its own."""
    room = [work.room_of(n, step.node.count, DTYPES["i32"]) for n in step.targets]
    multiply_i8(work, [work.take(step, k) for k in range(len(step.fetches))], step.holders, step.held, room)
    work.values.update(zip(step.targets, room, strict=True))


def partial_sum(work: Work, step: Step) -> None:
    """What ACC adds."""
    result, partial = work.take(step, 0), work.take(step, 1)
    out = result if step.takes >= 0 else work.room(step, DTYPES[step.node.kept])
    with np.errstate(all="ignore"):
        np.add(result, partial, out=out)
    if step.node.kept == "f32":
        nan = np.isnan(out)
        if nan.any():
            out[nan] = np.nan
    if step.whole:
        work.values[step.node.number] = out


def switch(work: Work, step: Step) -> None:
    """An instruction of the switch unit."""
    code = step.node.code
    assert code is not None

    def wrong(k: int, number: str, message: str) -> None:
        note(work, step, step.low + k, number, message)

    if step.node.kept and code.mnemonic == "transpose":
        work.put(step, turned([work.take(step, k) for k in range(len(step.fetches))]))
        return
    if step.node.kept and code.mnemonic == "distribute" and (found := _spread(work, step)) is not None:
        work.put(step, found)
        return
    # Lanes are moved like bytes, as one stream.
    operands = {}
    for k, i in enumerate(step.node.inputs):
        rows = work.take(step, k)
        operands[i.name] = rows[:, None] if i.kind else rows
    result = OPERATIONS[code.mnemonic](operands, code, wrong)
    work.put(step, result[:, 0] if step.node.kept else result)


def _spread(work: Work, step: Step) -> Array | None:
    """A distribution of a few vectors that are taken again and again, without laying them out for each time."""
    (data, octets) = (repeated(work.values, f) for f in step.fetches)
    if data is None or octets is None or not evenly(octets[0]):
        return None
    return spread(data[0][:, None], data[1], octets[0][octets[1], 0])[:, 0]


def words(work: Work, step: Step) -> None:
    """All words of a slice in one cycle."""
    work.put(step, work.take(step, 0))


def gather(work: Work, step: Step) -> None:
    """Vectors whose superlanes are at addresses of their own."""
    table, at = work.values[step.holder], _addresses(work, step, work.take(step, 0), step.low)
    lanes = np.arange(work.target.lanes)
    width = work.target.geometry.lanes_per_superlane
    if (at == at[:, :1]).all():
        work.put(step, table[at[:, 0]])
    else:
        work.put(step, table[at.repeat(width, axis=1), lanes])


def scatter(work: Work, step: Step) -> None:
    """A slice, after vectors were put at addresses of their own."""
    assert step.node.code is not None
    data = work.take(step, 1)
    at = _addresses(work, step, work.take(step, 2), int(step.node.name))
    after = work.take(step, 0).copy()
    width = work.target.geometry.lanes_per_superlane
    shape = (-1, work.target.geometry.superlanes, width)
    superlanes = np.arange(shape[1])
    out = after.reshape(shape)
    rows = data.reshape(shape)
    for k in range(len(rows)):
        out[at[k], superlanes] = rows[k]
    work.values[step.node.number] = after


def _addresses(work: Work, step: Step, rows: Array, first: int) -> NDArray[np.intp]:
    """The address for each superlane, from bytes 0 and 1 of the map [vectors, lanes]; zeros for those outside."""
    width = work.target.geometry.lanes_per_superlane
    octets = rows.reshape(len(rows), -1, width)
    at = octets[:, :, 0].astype(np.intp) + 256 * octets[:, :, 1].astype(np.intp)
    outside = at >= work.target.words
    if outside.any():
        last = work.target.words - 1
        for k in np.flatnonzero(outside.any(axis=1)).tolist():
            lane = int(outside[k].argmax())
            message = f"superlane {lane} of the map has address {at[k, lane]}; the slice has words 0 … {last}"
            note(work, step, first + k, "LPU0701", message)
        at[outside] = 0
    return at


def note(work: Work, step: Step, issue: int, code: str, message: str) -> None:
    """Notes a fault of an issue of the step's family."""
    node, issue = step.node.member(issue)
    timeline, family = work.program.timeline, node.family
    cycle = cycles(timeline, family)[issue] + table(work.target).by_opcode[int(timeline.opcode[family])].timing.skew
    word = identity(int(timeline.queue[family]), int(timeline.word[family]))
    work.found.append(Finding(int(cycle), word, code, message))


def output(work: Work, step: Step) -> None:
    """A tensor, from the vectors that lie in SRAM at the end."""
    name = step.node.name
    layout = work.program.tensor[name].layout
    assert layout is not None
    out = work.output(name)
    work.outputs[name] = collect(out, work.values, step.fetches[0], layout, work.target.lanes, work.sinks)


def probe(work: Work, step: Step) -> None:
    """Bytes that were asked for."""
    work.outputs[step.node.name] = work.take(step, 0)


COMPUTE: Mapping[str, Callable[[Work, Step], None]] = {
    "vxm": vector,
    "wide": wide,
    "weights": weights,
    "abc": product,
    "products": products,
    "acc": partial_sum,
    "sxm": switch,
    "words": words,
    "gather": gather,
    "scatter": scatter,
    "output": output,
    "probe": probe,
}
