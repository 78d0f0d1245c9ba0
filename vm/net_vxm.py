"""The vector unit in the net: an operation is a node; links and latches say which ports are the same."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lpuasm.isa.core import Instruction
from lpuasm.isa.distinct import indices
from lpuasm.isa.operands import TYPE_BYTES, Immediate, Latch, Link, Streams
from lpuasm.isa.runs import spread
from lpuasm.vm.nests import Nests
from lpuasm.vm.net import Net, stores
from lpuasm.vm.nodes import RESULT, Input, Node, decoded, one_port, operand_type, port, slot
from lpuasm.vm.segments import segments

#: An operand that a latch is asked for, or that is kept there: family, slot, bytes.
_Use = tuple[int, int, int]
_NOTHING_TO_DO = "identity(a)"


@dataclass(frozen=True, slots=True)
class _Operation:
    """What an ALU word does, whichever family has it. ``inputs``: slot, name, type and bytes of each operand that is no
    constant; ``linked``, ``asked``: those of them that come by a link, or from the latch; ``kept``: slot and bytes of
    the operand that goes to the latch; ``moves``: whether its result is its operand."""

    code: Instruction
    inputs: tuple[tuple[int, str, str, int], ...]
    linked: tuple[tuple[int, int], ...]
    asked: tuple[tuple[int, int], ...]
    kept: tuple[int, int] | None
    result: str
    moves: bool


@lru_cache(maxsize=1 << 16)
def _operation(low: int, high: int) -> _Operation:
    code = decoded(low, high)
    definition, values = code.definition, code.values
    own = {name: (slot(definition, name), name, kind := operand_type(code, name), TYPE_BYTES[kind]) for name in "ab"
           if values.get(name) is not None}  # fmt: skip
    keep = values["keep"]
    assert isinstance(keep, int)
    return _Operation(
        code,
        tuple(o for n, o in own.items() if not isinstance(values[n], Immediate)),
        tuple((o[0] - 1, o[3]) for n, o in own.items() if isinstance(values[n], Link)),
        tuple((o[0], o[3]) for n, o in own.items() if isinstance(values[n], Latch)),
        own["ab"[keep - 1]][::3] if keep else None,
        definition.result_type(values),
        definition.meaning == _NOTHING_TO_DO and isinstance(values["a"], Streams | Latch),
    )


def vector(net: Net) -> None:
    """Adds what the queues of ALUs do."""
    rows, t = net.families_of("vxm"), net.timeline
    kept: dict[int, list[_Use]] = {}
    asked: dict[int, list[_Use]] = {}
    linked: dict[tuple[int, int], int] = {}
    results: dict[int, str] = {}
    words = map(_operation, t.low[rows].tolist(), t.high[rows].tolist())
    columns = (c[rows].tolist() for c in (t.queue, net.issues, t.start))
    for family, one, queue, n, start in zip(rows.tolist(), words, *columns, strict=True):
        results[family] = one.result
        for operand, size in one.linked:
            linked[family, operand] = size
        if one.asked or one.kept:
            alu = net.target.queues[queue].index
            for own, size in one.asked:
                asked.setdefault(alu, []).append((family, own, size))
            if one.kept:
                kept.setdefault(alu, []).append((family, *one.kept))
        if one.moves:
            own, _, _, size = one.inputs[0]
            net.alias(one_port(family, RESULT), size, n, one_port(family, own))
        else:
            inputs = tuple([Input(own, name, kind, size, n) for own, name, kind, size in one.inputs])
            net.add(Node(family, "vxm", family, n, inputs, one.result, start, code=one.code))
    _links(net, linked, results)
    _latches(net, asked, kept)


def _links(net: Net, linked: dict[tuple[int, int], int], results: dict[int, str]) -> None:
    """Operands that are results of other ALUs: their low bytes, or more of them than the result has."""
    j = net.joined
    rows = indices((j.operand >= 0) & (j.writer >= 0) & (j.writer_operand < 0))
    if not len(rows):
        return
    reader, operand, writer = j.reader[rows], j.operand[rows], j.writer[rows]
    wide: dict[int, int] = {}
    sizes, sources = [], []
    for key, made in zip(zip(reader.tolist(), operand.tolist(), strict=True), writer.tolist(), strict=True):
        size = linked[key]
        if short := size > TYPE_BYTES[results[made]]:
            wide[made] = wide.get(made) or _widened(net, made, RESULT)
        sizes.append(size)
        sources.append(wide[made] if short else made)
    line, byte = spread(np.array(sizes, np.int64))
    rows = rows[line]
    net.same.append(
        segments(
            port(reader[line], operand[line] + 1, byte), j.issue[rows], j.hop[rows], j.count[rows],
            port(np.array(sources, np.int64)[line], RESULT, byte), j.writer_issue[rows], j.writer_hop[rows],
        )
    )  # fmt: skip


def _widened(net: Net, family: int, taken: int) -> int:
    """A node that holds the 32 bits that links or the latch carry of a slot of an ALU word."""
    code, n = net.code(family), int(net.issues[family])
    if taken == RESULT:
        kind, name = code.definition.result_type(code.values), ""
    else:
        name = code.definition.operands[taken - 1].name
        kind = operand_type(code, name)
    size = TYPE_BYTES[kind]
    constant = name and isinstance(code.values[name], Immediate)
    inputs = () if constant else (Input(1, "value", kind, size, n),)
    node = net.add(Node(-1, "wide", family, n, inputs, "i32", int(net.timeline.start[family]), code=code, name=name))
    if not constant:
        net.alias(one_port(node.number, 1), size, n, one_port(family, taken))
    return node.number


def _latches(net: Net, asked: dict[int, list[_Use]], kept: dict[int, list[_Use]]) -> None:
    """Latches: a store of one place, for each of their bytes that anybody asks for."""
    timing, first = net.definition("identity").timing, stores(net)["latch"]
    rows: list[tuple[int, int, int, int, bool]] = []
    for alu, readers in asked.items():
        widest = max(size for _, _, size in readers)
        for family, own, size in kept.get(alu, ()):
            code = net.code(family)
            direct = size >= widest and not isinstance(code.values[code.definition.operands[own - 1].name], Immediate)
            node, taken = (family, own) if direct else (_widened(net, family, own), RESULT)
            at = first + 4 * alu
            rows += [(at + b, one_port(node, taken, b), family, timing.skew + 1, True) for b in range(widest)]
        for family, own, size in readers:
            at = first + 4 * alu
            rows += [(at + b, one_port(family, own, b), family, timing.skew, False) for b in range(size)]
    if rows:
        store, ports, families, delay, writes = np.array(rows, np.int64).T.copy()
        zero, time = np.zeros(len(rows), np.int64), net.timeline.start[families] + delay
        nest = net.nest(families, False)
        net.touched.append(Nests(store, ports, zero, zero, zero + 1, time, writes == 1, *nest))
