"""The vector unit in the net: an operation is a node; links and latches say which ports are the same."""

from __future__ import annotations

import numpy as np

from lpuasm.isa.distinct import indices
from lpuasm.isa.operands import TYPE_BYTES, Immediate, Latch, Link, Streams
from lpuasm.vm.nests import Nests
from lpuasm.vm.net import Net, stores
from lpuasm.vm.nodes import RESULT, Input, Node, one_port, operand_type, slot
from lpuasm.vm.segments import segments

#: An operand that a latch is asked for, or that is kept there: family, slot, bytes.
_Use = tuple[int, int, int]
_NOTHING_TO_DO = "identity(a)"


def vector(net: Net) -> None:
    """Adds what the queues of ALUs do."""
    rows = net.families_of("vxm")
    kept: dict[int, list[_Use]] = {}
    asked: dict[int, list[_Use]] = {}
    linked: dict[tuple[int, int], int] = {}
    for family, code in zip(rows.tolist(), net.codes(rows), strict=True):
        definition, n = code.definition, int(net.issues[family])
        alu = net.target.queues[int(net.timeline.queue[family])].index
        inputs = []
        for name in ("a", "b"):
            value = code.values.get(name)
            if value is None or isinstance(value, Immediate):
                continue
            own, kind = slot(definition, name), operand_type(code, name)
            inputs.append(Input(own, name, kind, TYPE_BYTES[kind], n))
            if isinstance(value, Latch):
                asked.setdefault(alu, []).append((family, own, TYPE_BYTES[kind]))
            elif isinstance(value, Link):
                linked[family, own - 1] = TYPE_BYTES[kind]
        keep = code.values["keep"]
        assert isinstance(keep, int)
        if keep:
            name = "ab"[keep - 1]
            kept.setdefault(alu, []).append((family, slot(definition, name), TYPE_BYTES[operand_type(code, name)]))
        result = definition.result_type(code.values)
        if definition.meaning == _NOTHING_TO_DO and isinstance(code.values["a"], Streams | Latch):
            size = TYPE_BYTES[result]
            net.alias(
                (one_port(family, RESULT, b) for b in range(size)),
                n,
                (one_port(family, inputs[0].slot, b) for b in range(size)),
            )
        else:
            start = int(net.timeline.start[family])
            net.add(Node(family, "vxm", family, n, tuple(inputs), result, start, code=code))
    _links(net, linked)
    _latches(net, asked, kept)


def _links(net: Net, linked: dict[tuple[int, int], int]) -> None:
    """Operands that are results of other ALUs: their low bytes, or more of them than the result has."""
    j = net.joined
    rows = indices((j.operand >= 0) & (j.writer >= 0) & (j.writer_operand < 0))
    wide: dict[int, int] = {}
    sizes: dict[int, int] = {}
    columns: list[tuple[int, ...]] = []
    for k in rows.tolist():
        reader, operand, writer = int(j.reader[k]), int(j.operand[k]), int(j.writer[k])
        size = linked[reader, operand]
        if writer not in sizes:
            code = net.code(writer)
            sizes[writer] = TYPE_BYTES[code.definition.result_type(code.values)]
        source = writer
        if size > sizes[writer]:
            if writer not in wide:
                wide[writer] = _widened(net, writer, RESULT)
            source = wide[writer]
        line = (int(j.issue[k]), int(j.hop[k]), int(j.count[k]))
        from_ = (int(j.writer_issue[k]), int(j.writer_hop[k]))
        for byte in range(size):
            columns.append((one_port(reader, operand + 1, byte), *line, one_port(source, RESULT, byte), *from_))
    if columns:
        net.same.append(segments(*np.array(columns, np.int64).T.copy()))


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
        net.alias(
            (one_port(node.number, 1, b) for b in range(size)), n, (one_port(family, taken, b) for b in range(size))
        )
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
