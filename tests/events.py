"""Every event of a program in dictionaries: what is legal in time, the slow and plain way.

Only the cycles of dispatches come from the timeline. Takes words apart with the decoder, one issue at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

from lpuasm.isa.core import Instruction, table, vxm_reach
from lpuasm.isa.operands import Link, Streams
from lpuasm.isa.program import Program

Fault = tuple[int, int, str]  # cycle, queue number, code


@dataclass
class Events:
    """``faults``: all, as (cycle, queue, code). ``joins``: (reader family, operand, byte, issue) to (writer family,
    issue) or None; of an `acc` the operand is −1."""

    faults: set[Fault] = field(default_factory=set)
    joins: dict[tuple[int, int, int, int], tuple[int, int] | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Issue:
    cycle: int
    family: int
    issue: int
    step: int
    queue: int
    word: int
    instruction: Instruction


def issues(program: Program) -> Iterator[Issue]:
    """Every dispatch, in the order of words."""
    line, target = program.timeline, program.target
    for f in range(len(line.start)):
        queue = target.queues[line.queue[f]]
        instruction = table(target).decode(int(line.low[f]) | int(line.high[f]) << 64, queue.kind)
        nest = list(zip(line.count[f].tolist(), line.every[f].tolist(), line.step[f].tolist(), strict=True))[::-1]
        for n, at in enumerate(product(*(range(count) for count, _, _ in nest))):
            offset = sum(i * every for i, (_, every, _) in zip(at, nest, strict=True))
            step = sum(i * step for i, (_, _, step) in zip(at, nest, strict=True))
            yield Issue(int(line.start[f]) + offset, f, n, step, queue.number, int(line.word[f]), instruction)


def events(program: Program) -> Events:
    """All faults and joins of ``program``."""
    out = Events()
    every = list(issues(program))
    _streams(program, every, out)
    _alus(program, every, out)
    _planes(program, every, out)
    _memory(program, every, out)
    _links(program, every, out)
    for stuck in program.timeline.stuck:
        out.faults.add((stuck.cycle, stuck.queue.number, stuck.code))
    return out


def _streams(program: Program, every: list[Issue], out: Events) -> None:
    target = program.target
    cells: dict[tuple[str, int, int], dict[int, list[Issue]]] = {}
    reads = []
    for e in every:
        queue = target.queues[e.queue]
        for index, operand in enumerate(e.instruction.definition.operands):
            group = e.instruction[operand.name]
            if not isinstance(group, Streams):
                continue
            find = target.drive_tap if operand.role == "out" else target.read_tap
            tap = find(queue, group.direction)
            distant = e.instruction.definition.unit == "vxm" and group.base // 4 not in vxm_reach()[0][queue.index // 4]
            alien = queue.kind == "distribute" and group.size == 8 and group.base != 8 * queue.index
            if tap is None or distant or (alien and e.instruction.mnemonic == "distribute"):
                out.faults.add((e.cycle, e.queue, "LPU0311"))
            if tap is None:
                continue
            for byte in range(group.size):
                if operand.role == "out":
                    cycle = e.cycle + e.instruction.definition.timing.func
                    cell = cells.setdefault((group.direction, group.base + byte, cycle - tap), {})
                    cell.setdefault(tap, []).append(e)
                else:
                    reads.append((e, index, byte, group.base + byte, group.direction, tap))
    for (_, _, diagonal), cell in cells.items():
        for tap, writers in cell.items():
            for late in writers[1:]:
                out.faults.add((diagonal + tap, late.queue, "LPU0301"))
    meant: dict[tuple[int, ...], set[tuple[int, int]]] = {}
    for row in program.intent.tolist():
        meant.setdefault(tuple(row[:4]), set()).add((row[4], row[5]))
    for e, index, byte, stream, direction, tap in reads:
        cell = cells.get((direction, stream, e.cycle - tap), {})
        upstream = [t for t in cell if t <= tap]
        heard = cell[max(upstream)][-1] if upstream else None
        out.joins[e.family, index, byte, e.issue] = (heard.family, heard.issue) if heard else None
        if heard is None:
            out.faults.add((e.cycle, e.queue, "LPU0302"))
        elif (heard.queue, heard.word) not in meant.get((e.queue, e.word, index, stream), {(heard.queue, heard.word)}):
            out.faults.add((e.cycle, e.queue, "LPU0314"))


def _alus(program: Program, every: list[Issue], out: Events) -> None:
    target = program.target
    rows, large = vxm_reach()
    results: dict[tuple[int, int], Issue] = {}
    ways: dict[tuple[int, int], set[int]] = {}
    for e in every:
        definition, here = e.instruction.definition, target.queues[e.queue].index
        if definition.unit == "vxm":
            assert definition.timing.link is not None
            results[here, e.cycle + definition.timing.link] = e
            if definition.large and here not in large:
                out.faults.add((e.cycle, e.queue, "LPU0311"))
    for e in every:
        here = target.queues[e.queue].index
        for index, operand in enumerate(e.instruction.definition.operands):
            named = e.instruction[operand.name]
            if not isinstance(named, Link):
                continue
            found = results.get((named.alu, e.cycle))
            out.joins[e.family, index, 0, e.issue] = (found.family, found.issue) if found else None
            if found is None:
                out.faults.add((e.cycle, e.queue, "LPU0307"))
            lead = (here % 4 > named.alu % 4) - (here % 4 < named.alu % 4)
            ways.setdefault((e.family, e.issue), set()).add(lead)
            if not set(rows[here // 4]) & set(rows[named.alu // 4]):
                out.faults.add((e.cycle, e.queue, "LPU0308"))
    for e in every:
        own = ways.get((e.family, e.issue), set())
        before = set()
        for index in range(len(e.instruction.definition.operands)):
            source = out.joins.get((e.family, index, 0, e.issue))
            if source and isinstance(e.instruction[e.instruction.definition.operands[index].name], Link):
                before |= ways.get(source, set())
        if own and (len(own | before) > 1 or 0 in own):
            out.faults.add((e.cycle, e.queue, "LPU0308"))


def _planes(program: Program, every: list[Issue], out: Events) -> None:
    target = program.target
    results: dict[tuple[str, int, bool, int], Issue] = {}
    dispatches = {(e.queue, e.cycle) for e in every}
    number = {(q.kind, q.hemisphere, q.index): q.number for q in target.queues}
    for e in every:
        queue, pair = target.queues[e.queue], e.instruction.paired
        if e.instruction.mnemonic == "abc":
            way = e.instruction.definition.timing.func + target.taps.acc_result - target.taps.mxm_result
            results[queue.hemisphere, 0 if pair else queue.index, pair, e.cycle + way] = e
        if pair and queue.index:
            out.faults.add((e.cycle, e.queue, "LPU0306"))
        if pair and not queue.index and (number[queue.kind, queue.hemisphere, 1], e.cycle) in dispatches:
            out.faults.add((e.cycle, number[queue.kind, queue.hemisphere, 1], "LPU0306"))
        rows = e.instruction.values.get("rows")
        if isinstance(rows, Streams):
            group = _number(e, "group") + e.step
            height = rows.size // (2 if pair else 1)
            if not 0 <= group * height < target.lanes:
                out.faults.add((e.cycle, e.queue, "LPU0310"))
        if e.instruction.mnemonic == "broadcast" and _number(e, "lane") >= target.lanes:
            out.faults.add((e.cycle, e.queue, "LPU0310"))
    for e in every:
        queue, pair = target.queues[e.queue], e.instruction.paired
        if e.instruction.mnemonic == "acc":
            found = results.get((queue.hemisphere, 0 if pair else queue.index, pair, e.cycle))
            out.joins[e.family, -1, 0, e.issue] = (found.family, found.issue) if found else None
            if found is None:
                out.faults.add((e.cycle, e.queue, "LPU0307"))


def _number(e: Issue, operand: str) -> int:
    value = e.instruction[operand]
    assert isinstance(value, int)
    return value


def _memory(program: Program, every: list[Issue], out: Events) -> None:
    target = program.target
    banks, size = target.geometry.banks, target.geometry.words_per_bank
    held: set[tuple[int, int, int]] = set()
    busy: dict[tuple[int, bool], int] = {}
    for e in every:
        definition = e.instruction.definition
        if definition.unit != "mem":
            continue
        generator = e.queue, definition.mnemonic in ("read", "gather")
        if e.issue == 0 and busy.get(generator, -1) >= e.cycle:
            out.faults.add((e.cycle, e.queue, "LPU0304"))
        busy[generator] = max(busy.get(generator, -1), e.cycle)
        offset = 3 if definition.mnemonic in ("write", "scatter") else 0
        used = range(banks)
        if "address" in e.instruction.values:
            address = _number(e, "address") + e.step
            used = range(address // size, address // size + 1)
            if not 0 <= address < target.words:
                out.faults.add((e.cycle, e.queue, "LPU0310"))
                continue
        for bank in used:
            if (e.queue, bank, e.cycle + offset) in held:
                out.faults.add((e.cycle + offset, e.queue, "LPU0303"))
            held.add((e.queue, bank, e.cycle + offset))


def _links(program: Program, every: list[Issue], out: Events) -> None:
    target = program.target
    order = sorted(every, key=lambda e: (e.cycle, e.queue, e.word))
    sent: dict[int, int] = {}
    arrivals: dict[int, list[int]] = {}
    for e in order:
        link = e.instruction.values.get("link")
        if isinstance(link, int) and link >= target.geometry.links:
            out.faults.add((e.cycle, e.queue, "LPU0311"))
            continue
        if e.instruction.mnemonic == "send":
            assert isinstance(link, int)
            if e.cycle < sent.get(link, -1000) + target.c2c.packet_cycles:
                out.faults.add((e.cycle, e.queue, "LPU0312"))
            sent[link] = e.cycle
            arrivals.setdefault(target.c2c.loopback[link], []).append(e.cycle + target.c2c.latency)
        if e.instruction.mnemonic == "receive":
            assert isinstance(link, int)
            waiting = arrivals.get(link, [])
            if not waiting or waiting[0] > e.cycle:
                out.faults.add((e.cycle, e.queue, "LPU0313"))
            else:
                waiting.pop(0)
