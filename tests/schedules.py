"""Random programs that are nearly always legal, and mutants of them, for tests of the verdict and the engines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import numpy as np
from events import events
from words import encode, streams

from lpuasm.isa.core import table
from lpuasm.isa.operands import Dim, OperandError, Streams
from lpuasm.isa.program import INTENT_COLUMNS, Program
from lpuasm.isa.target import Queue, Target


@dataclass(frozen=True)
class Line:
    """An instruction that dispatches first in ``cycle``; a `sync` lets the queue go on in ``resume``."""

    queue: str
    cycle: int
    mnemonic: str
    given: dict[str, Any] = field(default_factory=dict)
    resume: int | None = None


def build(target: Target, lines: Iterable[Line]) -> tuple[Program, dict[int, tuple[int, int]]]:
    """The program of those of ``lines`` that fit, and the word, as (queue number, index), of each line that does."""
    images, placed = {}, {}
    by_queue: dict[str, list[tuple[int, Line]]] = {}
    for number, line in enumerate(lines):
        by_queue.setdefault(line.queue, []).append((number, line))
    for name, own in by_queue.items():
        queue, words, free = target.queue[name], [], 0
        for number, line in sorted(own, key=lambda pair: pair[1].cycle):
            definition = table(target).find(queue.kind, line.mnemonic)
            if line.cycle < free or definition is None:
                continue
            dims = line.given.get("repeat", ())
            outside = bool(dims) and "repeat" not in definition.operand
            given = {k: v for k, v in line.given.items() if k != "repeat" or not outside}
            try:
                new = [encode(definition, given)]
                if outside:
                    new.append(_find(target, queue, "repeat").encode({"repeat": dims}))
            except OperandError:
                continue
            if line.cycle > free:
                words.append(_find(target, queue, "nop").encode({"count": line.cycle - free}))
            placed[number] = queue.number, len(words)
            words += new
            span = sum((d.count - 1) * d.every for d in dims) if outside else 0
            free = line.cycle + span + 1 if line.resume is None else line.resume
        if words:
            images[name] = np.array([(w & (1 << 64) - 1, w >> 64) for w in words], np.uint64)
    return Program(target, images), placed


def _find(target: Target, queue: Queue, mnemonic: str) -> Any:
    return table(target).find(queue.kind, mnemonic)


class Schedule:
    """Lines that grow flow by flow; ``random`` decides everything."""

    def __init__(self, target: Target, random: Random) -> None:
        self.target, self.random, self.lines = target, random, list[Line]()
        self.slices = [q for q in target.queues if q.kind == "mem"]
        self.crowd = random.choice((4, 8, 32))

    def add(self, queue: str, cycle: int, mnemonic: str, **given: Any) -> None:
        self.lines.append(Line(queue, cycle, mnemonic, {k: v for k, v in given.items() if v is not None}))

    def nest(self) -> tuple[Dim, ...]:
        """A nest of issues, mostly simple."""
        r = self.random
        kind = r.randrange(8)
        every = r.choice((1, 1, 1, 2, 3))
        if kind < 2:
            return ()
        inner = Dim(r.randint(2, 6), every, 0)
        if kind < 6:
            return (inner,)
        span = inner.count * every
        dims = (inner, Dim(r.randint(2, 3), span + r.choice((0, 0, 1, 4)), 0))
        if kind == 7:
            dims += (Dim(2, dims[1].count * dims[1].every + r.choice((0, 3)), 0),)
        return dims

    def source(self, group: Streams, cycle: int, tap: int, nest: tuple[Dim, ...]) -> None:
        """Reads that bring a group of streams to the register ``tap`` in ``cycle``."""
        used: set[str] = set()
        for k in range(group.size):
            near = [
                (q, t)
                for q in self.slices
                if (t := self.target.drive_tap(q, group.direction)) is not None and t <= tap and q.name not in used
            ]
            queue, at = self.random.choice(near)
            used.add(queue.name)
            stream = Streams(group.direction, group.base + k)
            start = cycle - (tap - at) - 1
            self.add(queue.name, start, "read", address=self.address(nest), out=stream, repeat=self.steps(nest))

    def sink(self, group: Streams, cycle: int, register: int, nest: tuple[Dim, ...]) -> None:
        """Writes of some of a group of streams that enters ``register`` in ``cycle``."""
        for k in range(group.size):
            far = [
                (q, t)
                for q in self.slices
                if (t := self.target.read_tap(q, group.direction)) is not None and t >= register
            ]
            if far and self.random.random() < 0.8:
                queue, at = self.random.choice(far)
                stream = Streams(group.direction, group.base + k)
                start = cycle + at - register
                self.add(queue.name, start, "write", address=self.address(nest), data=stream, repeat=self.steps(nest))

    def address(self, nest: tuple[Dim, ...]) -> int:
        """A word of a slice, sometimes close to an edge of its banks."""
        edge = self.random.choice((0, self.target.geometry.words_per_bank, self.target.words))
        near = edge + self.random.randint(-12, 12)
        inside = self.random.randrange(40, self.target.words - 40)
        return min(max(near, 0), self.target.words - 1) if self.random.random() < 0.15 else inside

    def steps(self, nest: tuple[Dim, ...]) -> tuple[Dim, ...] | None:
        moved = tuple(replace(d, step=self.random.choice((0, 1, 1, -1, 5))) for d in nest)
        return moved or None

    def group(self, size: int, direction: str | None = None, near: tuple[int, ...] = ()) -> Streams:
        """A group of streams, of those whose groups of four are ``near``."""
        bases = [b for b in range(0, 32, size) if not near or b // 4 in near]
        bases = [b for b in bases if b < self.crowd] or bases
        return Streams(direction or self.random.choice("ew"), self.random.choice(bases), size)

    def copy(self, cycle: int) -> None:
        """From slice to slice."""
        nest, group = self.nest(), self.group(1)
        tap = self.target.taps.vxm + self.random.randint(-2, 4)
        self.source(group, cycle, tap, nest)
        self.sink(group, cycle, tap, nest)

    def compute(self, cycle: int) -> None:
        """Through one to three ALUs."""
        from lpuasm.isa.core import vxm_reach

        r, taps, nest = self.random, self.target.taps, self.nest()
        kind = r.choice(("i8", "i8", "i16", "f32"))
        size = {"i8": 1, "i16": 2, "f32": 4}[kind]
        row = r.randrange(4)
        column = r.randrange(2)
        linked = None
        way = r.choice((1, -1))
        depth = r.choice((1, 1, 2, 3))
        for k in range(depth):
            column = k if way > 0 else 3 - k
            alu, at = 4 * row + column, cycle + 3 * k
            a: Any = linked or self.group(size, "e", vxm_reach()[0][row])
            b: Any = self.group(size, "w", vxm_reach()[0][row]) if r.random() < 0.6 else "latch"
            if isinstance(a, Streams) and isinstance(b, Streams) and a.base // 4 == b.base // 4:
                b = "latch"
            for operand in (a, b):
                if isinstance(operand, Streams):
                    self.source(operand, at, taps.vxm, nest)
            out = self.group(size, None, vxm_reach()[0][row]) if k == depth - 1 or r.random() < 0.2 else None
            given = {"type": kind, "a": a, "b": b, "out": out, "repeat": nest or None}
            self.add(f"vxm.alu{alu}", at, "add", **given)
            if out:
                self.sink(out, at + 4, taps.vxm + 1, nest)
            linked = f"vxm.alu{alu}"

    def multiply(self, cycle: int) -> None:
        """Through a plane or a pair, with or without a partial sum."""
        r, taps, nest = self.random, self.target.taps, self.nest()
        wide, h = r.random() < 0.3, r.choice("we")
        plane = 0 if wide else r.randrange(2)
        row = self.group(2 if wide else 1, h)
        self.source(row, cycle, taps.mxm, nest)
        abc, acc = table(self.target).find("abc", "abc"), table(self.target).find("acc", "acc")
        assert abc is not None and acc is not None
        self.add(f"mxm.{h}{plane}.abc", cycle, "abc", type="f16" if wide else "i8", row=row, repeat=nest or None)
        at = cycle + abc.timing.func + taps.acc_result - taps.mxm_result
        partial = self.group(4, h) if r.random() < 0.4 else None
        if partial:
            self.source(partial, at, taps.acc_partial, nest)
        low = r.random() < 0.3
        out = self.group(1 if low else 4, "w" if h == "e" else "e")
        given = {"type": "f32" if wide else "i32", "partial": partial, "out": out, "low8": low, "repeat": nest or None}
        self.add(f"sxm.{h}.acc{plane}", at, "acc", **given)
        self.sink(out, at + acc.timing.func, taps.acc_result + 1, nest)

    def load(self, cycle: int) -> None:
        """Weights, from 16 slices or from the SXM."""
        r, taps = self.random, self.target.taps
        h, wide = r.choice("we"), r.random() < 0.3
        plane, rows = 0 if wide else r.randrange(2), self.group(16, h)
        nest = (Dim(2, 1, 0),) if r.random() < 0.6 else ()
        step = (Dim(2, 1, 1),) if nest else None
        kind = {"type": "f16" if wide else "i8"}
        if r.random() < 0.5 and len(self.slices) == 16:
            self.source(rows, cycle, taps.mxm, nest)
        else:
            rotate = table(self.target).find("transpose", "rotate")
            assert rotate is not None
            before = cycle - (taps.mxm - taps.sxm - 1) - rotate.timing.func
            group = self.group(1, h)
            self.source(group, before, taps.sxm, nest)
            self.add(f"sxm.{h}.transpose{r.randrange(2)}", before, "rotate", **{"in": group}, n=3, out=rows,
                     repeat=nest or None)  # fmt: skip
        where = r.choice(("lw", "iw"))
        self.add(f"mxm.{h}{plane}.{where}", cycle, where, **kind, rows=rows, group=0, repeat=step)
        if r.random() < 0.5:
            self.add(f"mxm.{h}{plane}.iw", cycle + 3, r.choice(("iw", "clear")), **kind)

    def switch(self, cycle: int) -> None:
        """Through the SXM, onwards or back."""
        r, taps, nest = self.random, self.target.taps, self.nest()
        h, size = r.choice("we"), r.choice((1, 2, 4))
        mnemonic, kind, given = r.choice(
            (("shift", "select", {"lanes": 3}), ("shift_wide", "select", {"lanes": 16}), ("select", "select", {}),
             ("broadcast", "select", {"lane": 5}), ("distribute", "distribute", {}))
        )  # fmt: skip
        index = r.randrange(2)
        tap = taps.distribute if kind == "distribute" else taps.sxm
        operands: dict[str, Any] = {"in": self.group(size, h)}
        if mnemonic == "select":
            operands = {"north": self.group(size, h), "south": self.group(size, h), "mask": self.group(1, h)}
        if mnemonic == "distribute":
            size = 8
            operands = {"in": Streams(h, 8 * index, 8), "map": self.group(1, h)}
        for operand in operands.values():
            self.source(operand, cycle, tap, nest)
        back = r.random() < 0.7 and mnemonic != "distribute"
        out = Streams(h, 8 * index, 8) if size == 8 else self.group(size, {"w": "e", "e": "w"}[h] if back else h)
        queue = f"sxm.{h}.{kind}{index}"
        self.add(queue, cycle, mnemonic, **operands, **given, out=out, repeat=nest or None)
        definition = table(self.target).find(kind, mnemonic)
        assert definition is not None
        if back:
            self.sink(out, cycle + definition.timing.func, taps.sxm_turn, nest)

    def table_look_up(self, cycle: int) -> None:
        """A gather or a scatter, by a map from another slice."""
        r, nest = self.random, self.nest()
        direction = r.choice("ew")
        queue = r.choice(self.slices)
        tap = self.target.read_tap(queue, direction)
        assert tap is not None
        near = [q for q in self.slices if (t := self.target.drive_tap(q, direction)) is not None and t <= tap]
        if not near:
            return
        group = Streams(direction, r.randrange(32))
        self.source(group, cycle, tap, nest)
        if r.random() < 0.5:
            out = Streams(direction, r.randrange(32))
            self.add(queue.name, cycle, "gather", map=group, out=out, repeat=nest or None)
            self.sink(out, cycle + 2, tap + 1, nest)
        else:
            self.add(queue.name, cycle, "scatter", data=group, map=group, repeat=nest or None)

    def packet(self, cycle: int) -> None:
        """Over a link and back."""
        r, taps, links = self.random, self.target.taps, self.target.c2c
        nest = (Dim(r.randint(2, 3), links.packet_cycles + r.randrange(4), 0),) if r.random() < 0.5 else ()
        h, link = r.choice("we"), r.randrange(min(3, len(links.loopback)))
        group = self.group(1, h)
        self.source(group, cycle, taps.send, nest)
        first = 0 if h == "w" else self.target.queue_counts.c2c
        self.add(f"c2c.{first + r.randrange(3)}", cycle, "send", data=group, link=link, repeat=nest or None)
        at, out = cycle + links.latency + r.randrange(6), self.group(1, "w")
        back = self.target.queue_counts.c2c + r.randrange(3)
        self.add(f"c2c.{back}", at, "receive", out=out, link=links.loopback[link], repeat=nest or None)
        self.sink(out, at + 1, taps.receive, nest)

    def barrier(self, cycle: int) -> None:
        """A queue that waits for another, and a copy after it."""
        waiting, speaking = self.random.sample(self.slices, 2)
        arrival = cycle + self.random.randint(1, 30) + self.target.barrier.latency
        self.lines.append(Line(waiting.name, cycle, "sync", resume=arrival))
        self.add(speaking.name, arrival - self.target.barrier.latency, "notify")
        self.copy(arrival + 5)

    def grow(self, flows: int, span: int) -> None:
        """Adds flows that begin within ``span`` cycles; of those that make a fault, few stay."""
        kinds = [self.copy, self.copy, self.compute, self.compute, self.multiply, self.load, self.switch,
                 self.table_look_up, self.packet, self.barrier]  # fmt: skip
        for _ in range(flows):
            before = len(self.lines)
            self.random.choice(kinds)(self.target.registers + 60 + self.random.randrange(span))
            if self.random.random() > 0.05 and events(build(self.target, self.lines)[0]).faults:
                del self.lines[before:]


def mutate(line: Line, target: Target, random: Random) -> Line:
    """``line`` with one thing changed: its cycle, its queue, an operand, a count, an interval."""
    given = dict(line.given)
    what = random.choice(("cycle", "cycle", "queue", "operand", "operand", "operand"))
    if what == "cycle":
        return replace(line, cycle=max(0, line.cycle + random.choice((-3, -2, -1, 1, 2, 3, 20))))
    if what == "queue":
        kind = target.queue[line.queue].kind
        return replace(line, queue=random.choice([q.name for q in target.queues if q.kind == kind]))
    name = random.choice([*given, "repeat"])
    value = given.get(name)
    if isinstance(value, str) and value[0] == "s" and value[1].isdigit():
        value = streams(value)
    if isinstance(value, Streams):
        base = value.size * random.randrange(random.choice((8, 32)) // value.size or 1)
        turned = "we"[value.direction == "w"]
        given[name] = replace(value, base=base) if random.random() < 0.7 else replace(value, direction=turned)
    elif isinstance(value, str) and value.startswith("vxm.alu"):
        given[name] = f"vxm.alu{random.randrange(16)}"
    elif name == "repeat":
        every = random.randint(1, 4)
        given[name] = (Dim(random.randint(2, 9), every, random.choice((0, 0, 1))), *(value or ())[1:])
    elif isinstance(value, int):
        given[name] = max(0, value + random.choice((-1, 1, 40, 256)))
    return replace(line, given=given)


def programs(target: Target, seed: int, mutants: int = 4) -> list[Program]:
    """A random program with some intent, and mutants of it that keep its intent."""
    random = Random(seed)
    schedule = Schedule(target, random)
    schedule.grow(random.randint(1, 8), random.choice((5, 60, 300)))
    program, placed = build(target, schedule.lines)
    of = {word: number for number, word in placed.items()}
    meant = _meant(program, of, random)
    out = [_with_intent(program, placed, meant)]
    for _ in range(mutants):
        lines = list(schedule.lines)
        for _ in range(random.choice((1, 1, 1, 2, 5)) if lines else 0):
            at = random.randrange(len(lines))
            mutant = mutate(lines[at], target, random)
            if random.random() < 0.3:
                lines.append(mutant)
            else:
                lines[at] = mutant
        out.append(_with_intent(*build(target, lines), meant))
    return out


Meant = list[tuple[int, int, int, int]]  # line of the reader, operand, stream, line of the writer


def _meant(program: Program, of: dict[tuple[int, int], int], random: Random) -> Meant:
    """What half of the operands hear in ``program``, by lines."""
    line, out = program.timeline, set()
    chance = random.choice((0, 0.5, 1))
    words = list(zip(line.queue.tolist(), line.word.tolist(), strict=True))
    for (family, operand, byte, _), heard in events(program).joins.items():
        if heard is None or operand < 0 or random.random() > chance:
            continue
        definition = table(program.target).by_opcode[int(line.low[family]) & 0xFF]
        instruction = definition.decode(int(line.low[family]) | int(line.high[family]) << 64)
        group = instruction[definition.operands[operand].name]
        if isinstance(group, Streams):
            out.add((of[words[family]], operand, group.base + byte, of[words[heard[0]]]))
    return sorted(out)


def _with_intent(program: Program, placed: dict[int, tuple[int, int]], meant: Meant) -> Program:
    rows = [(*placed[r], o, s, *placed[w]) for r, o, s, w in meant if r in placed and w in placed]
    return replace(program, intent=np.array(rows, np.int32).reshape(-1, len(INTENT_COLUMNS)))
