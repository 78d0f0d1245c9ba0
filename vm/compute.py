"""What each kind of step computes, over many vectors at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.casts import DTYPES
from lpuasm.isa.core import table
from lpuasm.isa.dot import PreparedF16, dot_prepared, dot_rows, prepare_f16
from lpuasm.isa.maps import address_beyond
from lpuasm.isa.meaning import Meaning, meaning
from lpuasm.isa.operands import Immediate
from lpuasm.vm.collect import collect
from lpuasm.vm.fault import Finding
from lpuasm.vm.fetch import repeated
from lpuasm.vm.lanes import widened
from lpuasm.vm.multiply import multiply_i8
from lpuasm.vm.net import cycles
from lpuasm.vm.nodes import operand_type
from lpuasm.vm.state import identity
from lpuasm.vm.steps import Step
from lpuasm.vm.switch import OPERATIONS, evenly, spread, turned
from lpuasm.vm.values import Array
from lpuasm.vm.work import Work


def vector(work: Work, step: Step) -> None:
    """An ALU operation."""
    if step.ready is None:
        step.ready = _ready(step, work.target.lanes)
    function, known = step.ready
    operands = dict(known)
    for k, operand in enumerate(step.node.inputs):
        operands[operand.name] = work.take(step, k)
    work.put(step, function(operands))


def _ready(step: Step, lanes: int) -> tuple[Meaning, dict[str, Any]]:
    """What an ALU operation computes, and what it takes in every run."""
    code = step.node.code
    assert code is not None
    values = code.values
    known: dict[str, Any] = {name: values[name] for name in ("type", "to") if name in values}
    for name in ("a", "b"):
        value = values.get(name)
        if isinstance(value, Immediate):
            dtype = DTYPES[operand_type(code, name)]
            one = np.array([[value.bits]], np.uint32).astype(f"u{dtype.itemsize}").view(dtype)
            known[name] = one if len(step.fetches) else np.broadcast_to(one, (step.high - step.low, lanes))
    return meaning(code.definition, bool(values.get("sat"))), known


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
    out = work.room(step, DTYPES[step.node.kept])
    code = step.node.code
    assert code is not None
    if step.node.kept == "i32":
        multiply_i8(work, [work.take(step, 0)], ((step.holder,),), {}, [out])
    else:
        half, width = code.values["half"], work.target.lanes // 2
        assert isinstance(half, int)
        lanes = slice(half * width, (half + 1) * width)
        key = ((step.holder,), (half,))
        held = work.kept(key, (step.holder,), lambda: prepare_f16(work.values[step.holder][:, lanes]))
        assert isinstance(held, PreparedF16)
        if step.again is None:
            dot_prepared(work.take(step, 0)[:, lanes], held, out)
        else:
            dot_rows(work.again(step, lanes, len(held.columns)), held, out)
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
        for k in np.flatnonzero(outside.any(axis=1)).tolist():
            lane = int(outside[k].argmax())
            note(work, step, first + k, "LPU0701", address_beyond(lane, int(at[k, lane]), work.target.words))
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
