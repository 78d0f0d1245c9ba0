"""Random programs that are legal more often than not, in which every instruction can occur.

They are built backwards: a sink (a write, a load of weights, …) wants vectors at
its tap in some cycle, and a source that is free then is put upstream of it at
the right distance; sources that have operands want vectors themselves. What is
still in each other's way is found by the verdict, and taken out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from words import Line, words

from lpuasm.isa.core import table, vxm_reach
from lpuasm.isa.layout import Layout
from lpuasm.isa.legality import verdict
from lpuasm.isa.operands import TYPE_BYTES, Dim, Immediate, Latch, Link, Streams
from lpuasm.isa.program import Program, Tensor
from lpuasm.isa.target import Queue, Target, load_target

Array = np.ndarray
#: Slices whose words are addresses, maps of permutations (low and high bytes), maps of distributors.
ADDRESSES, LOW, HIGH, ENTRIES = 1, 2, 3, 4
DEPTH = 24


class Full(Exception):
    """There is no room for what was wanted."""


@dataclass
class Draft:
    """A program in the making. ``lines``: (cycle, mnemonic, operands, what it belongs to) of each queue."""

    target: Target
    rng: np.random.Generator
    lines: dict[str, list[tuple[int, str, dict[str, Any], int]]] = field(default_factory=dict)
    busy: dict[str, set[int]] = field(default_factory=dict)
    chain: int = 0
    n: int = 1
    every: int = 1

    def pick(self, *choices: Any) -> Any:
        return choices[int(self.rng.integers(len(choices)))]

    def some(self, chance: float) -> bool:
        return bool(self.rng.random() < chance)

    def put(self, queue: Queue, cycle: int, mnemonic: str, values: dict[str, Any]) -> None:
        """Dispatches a word ``n`` times from ``cycle`` on. Raises Full where the queue is not free."""
        definition = table(self.target).find(queue.kind, mnemonic)
        assert definition is not None
        last = (self.n - 1) * self.every
        memory = definition.unit == "mem"
        taken = {cycle} if memory else set(range(cycle, cycle + last + 1))
        generator = f"{queue}.{'out' if mnemonic in ('read', 'gather') else 'in'}"
        if cycle < 40 or taken & self.busy.get(queue.name, set()):
            raise Full
        if memory:
            span = set(range(cycle, cycle + last + 1))
            if span & self.busy.get(generator, set()):
                raise Full
            self.busy.setdefault(generator, set()).update(span)
        self.busy.setdefault(queue.name, set()).update(taken)
        if self.n > 1 and "repeat" not in values:
            values = {**values, "repeat": (Dim(self.n, self.every),)}
        self.lines.setdefault(queue.name, []).append((cycle, mnemonic, values, self.chain))

    def kinds(self, *kinds: str) -> list[Queue]:
        found = [q for q in self.target.queues if q.kind in kinds]
        self.rng.shuffle(found)  # type: ignore[arg-type]
        return found

    def room(self) -> int:
        """A cycle to begin with."""
        return int(self.rng.integers(320, 900))


def want(d: Draft, s: Streams, tap: int, cycle: int, depth: int, only: int | None = None) -> None:
    """Puts a source upstream of ``tap`` so that the streams ``s`` are there in ``cycle``."""
    diagonal = cycle - tap
    makers: list[Callable[[Draft, Streams, int, int, int], None]] = []
    if depth and only is None:
        makers = [d.pick(alu, alu, alu, switch, switch, result, gather, received) for _ in range(3)]
    for maker in makers if d.some(0.8) else []:
        saved = {q: list(v) for q, v in d.lines.items()}, {q: set(v) for q, v in d.busy.items()}
        try:
            maker(d, s, tap, diagonal, depth - 1)
            return
        except Full:
            d.lines, d.busy = saved
    for k in range(s.size):
        read(d, Streams(s.direction, s.base + k), tap, diagonal, only)


def sources(d: Draft, direction: str, tap: int, *kinds: str) -> list[tuple[Queue, int]]:
    """Queues upstream of ``tap``, with the register that they drive."""
    found = ((q, d.target.drive_tap(q, direction)) for q in d.kinds(*kinds))
    return [(q, t) for q, t in found if t is not None and t <= tap]


def func(d: Draft, queue: Queue, mnemonic: str) -> int:
    definition = table(d.target).find(queue.kind, mnemonic)
    assert definition is not None
    return definition.timing.func


def addresses(d: Draft, most: int) -> dict[str, Any]:
    """An address and a nest of the chain's issues."""
    step = d.pick(1, 1, 1, 2, -1, 0, 3)
    if d.n == 1:
        return {"address": int(d.rng.integers(most))}
    if d.n % 2 == 0 and d.n > 2 and d.some(0.4):
        outer = d.pick(d.n // 2 * step, 1, 0, 5)
        dims = (Dim(d.n // 2, d.every, step), Dim(2, d.every * (d.n // 2), outer))
    else:
        dims = (Dim(d.n, d.every, step),)
    low = sum(min(0, (x.count - 1) * x.step) for x in dims)
    high = sum(max(0, (x.count - 1) * x.step) for x in dims)
    bank = d.pick(0, 0, d.target.geometry.words_per_bank)
    return {"address": bank + int(d.rng.integers(-low, max(most - high, 1 - low))), "repeat": dims}


def read(d: Draft, s: Streams, tap: int, diagonal: int, only: int | None) -> None:
    for queue, at in sources(d, s.direction, tap, "mem"):
        if only is None or queue.index == only:
            try:
                d.put(queue, diagonal + at - 1, "read", {**addresses(d, DEPTH), "out": s})
                return
            except Full:
                continue
    raise Full


def gather(d: Draft, s: Streams, tap: int, diagonal: int, depth: int) -> None:
    if s.size > 1:
        raise Full
    queue, at = d.pick(*sources(d, s.direction, tap, "mem") or [(None, 0)])
    if queue is None:
        raise Full
    cycle, way = diagonal + at - func(d, queue, "gather"), d.pick("e", "w")
    where = Streams(way, int(d.rng.integers(32)))
    values: dict[str, Any] = {"map": where, "out": s}
    d.put(queue, cycle, "gather", values if d.n == 1 else {**values, "repeat": (Dim(d.n, d.every, 0),)})
    want(d, where, d.target.read_tap(queue, way) or 0, cycle, 0, ADDRESSES)


def received(d: Draft, s: Streams, tap: int, diagonal: int, depth: int) -> None:
    if s.size > 1 or d.n > 1:
        raise Full
    queue, at = d.pick(*sources(d, s.direction, tap, "c2c") or [(None, 0)])
    if queue is None:
        raise Full
    cycle, link = diagonal + at - 1, int(d.rng.integers(d.target.geometry.links))
    d.put(queue, cycle, "receive", {"out": s, "link": link})
    sender = d.kinds("c2c")[0]
    send(d, sender, cycle - d.target.c2c.latency - int(d.rng.integers(5)), d.target.c2c.loopback.index(link), depth)


def send(d: Draft, queue: Queue, cycle: int, link: int, depth: int) -> None:
    s = Streams(queue.hemisphere, int(d.rng.integers(32)))
    d.put(queue, cycle, "send", {"data": s, "link": link})
    want(d, s, d.target.taps.send, cycle, depth)


def result(d: Draft, s: Streams, tap: int, diagonal: int, depth: int) -> None:
    """A product, perhaps with a partial sum."""
    found = [q for q, _ in sources(d, s.direction, tap, "acc")]
    if not found or s.size not in (1, 4):
        raise Full
    queue = found[0]
    kind = d.pick("i32", "f32") if queue.index == 0 else "i32"
    cycle = diagonal + (d.target.drive_tap(queue, s.direction) or 0) - 1
    values: dict[str, Any] = {"type": kind, "out": s, "low8": s.size == 1}
    partial = Streams(queue.hemisphere, 4 * int(d.rng.integers(8)), 4) if d.some(0.5) else None
    d.put(queue, cycle, "acc", {**values, **({"partial": partial} if partial else {})})
    if partial:
        want(d, partial, d.target.taps.acc_partial, cycle, depth)
    begin = cycle - 46
    size = 2 if kind == "f32" else 1
    row = Streams(queue.hemisphere, size * int(d.rng.integers(32 // size)), size)
    own = d.target.queue[f"mxm.{queue.hemisphere}{queue.index}.abc"]
    half = {"half": int(d.rng.integers(2))} if kind == "f32" else {}
    d.put(own, begin, "abc", {"type": "f16" if kind == "f32" else "i8", "row": row, **half})
    want(d, row, d.target.taps.mxm, begin, depth)


def switch(d: Draft, s: Streams, tap: int, diagonal: int, depth: int) -> None:
    mnemonic = d.pick(
        "shift", "shift_wide", "select", "permute", "distribute", "rotate", "transpose", "transpose_null", "broadcast"
    )
    definition = table(d.target).named(mnemonic)[0]
    found = sources(d, s.direction, tap, *definition.queues)
    if not found:
        raise Full
    queue, at = found[0]
    cycle, out, own = diagonal + at - definition.timing.func, s, queue.hemisphere
    wide = {"distribute": 8, "rotate": 16, "transpose": 16, "transpose_null": 16}.get(mnemonic)
    if wide:
        if s.size > wide:
            raise Full
        out = Streams(s.direction, s.base // wide * wide, wide)
    if s.size > (4 if mnemonic == "permute" else 16):
        raise Full
    if mnemonic == "distribute":
        queue = d.target.queue[f"sxm.{own}.distribute{out.base // 8}"]

    def group(size: int, base: int | None = None) -> Streams:
        return Streams(own, size * int(d.rng.integers(32 // size)) if base is None else base, size)

    values: dict[str, Any] = {"out": out}
    asked: list[tuple[Streams, int | None]] = []
    if mnemonic == "select":
        values |= {"north": group(out.size), "south": group(out.size), "mask": group(1)}
        asked = [(values["north"], None), (values["south"], None), (values["mask"], d.pick(None, ADDRESSES))]
    else:
        size = 1 if mnemonic == "rotate" else out.size
        values["in"] = group(size, out.base if mnemonic == "distribute" else None)
        asked = [(values["in"], None)]
    if mnemonic == "permute":
        values["map"] = group(2)
        asked += [(Streams(own, values["map"].base), LOW), (Streams(own, values["map"].base + 1), HIGH)]
    if mnemonic == "distribute":
        values |= {"map": group(1), "bypass": int(d.rng.integers(256))}
        asked.append((values["map"], ENTRIES))
    values |= {
        "shift": {"lanes": int(d.rng.integers(-16, 17))},
        "shift_wide": {"lanes": 16 * int(d.rng.integers(-3, 4))},
        "rotate": {"n": int(d.rng.integers(3, 5))},
        "transpose_null": {"order": int(d.rng.integers(1 << 62))},
        "broadcast": {"lane": int(d.rng.integers(d.target.lanes))},
    }.get(mnemonic, {})
    d.put(queue, cycle, mnemonic, values)
    # Two maps in one place would fall over each other.
    for wanted, only in asked:
        want(d, wanted, d.target.read_tap(queue, own) or 0, cycle, depth if only is None and out.size < 8 else 0, only)


def alu(d: Draft, s: Streams, tap: int, diagonal: int, depth: int, also: Streams | None = None) -> None:
    if s.size > 4 or tap <= d.target.taps.vxm:
        raise Full
    rows, large = vxm_reach()
    definition = d.pick(*(x for x in table(d.target) if x.unit == "vxm"))
    kinds = [(k, to) for k in definition.types for to in (definition.types if definition.format == "convert" else (k,))]
    kinds = [(k, to) for k, to in kinds if definition.format != "convert" or k != to]
    kinds = [c for c in kinds if (1 if definition.format == "compare" else TYPE_BYTES[c[1]]) == s.size]
    reach = [a for a in (sorted(large) if definition.large else range(16)) if s.base // 4 in rows[a // 4]]
    if not kinds or not reach:
        raise Full
    kind, to = d.pick(*kinds)
    queue = d.target.queue[f"vxm.alu{d.pick(*reach)}"]
    cycle = diagonal + d.target.taps.vxm + 1 - definition.timing.func
    operate(d, queue, definition.mnemonic, kind, to, cycle, {"out": s}, depth)


def operate(
    d: Draft, queue: Queue, mnemonic: str, kind: str, to: str, cycle: int, values: dict[str, Any], depth: int
) -> None:
    """An ALU operation with operands of any kind."""
    definition = table(d.target).find("vxm", mnemonic)
    assert definition is not None
    rows, _ = vxm_reach()
    row = rows[queue.index // 4]
    asked: list[Streams] = []
    links: list[int] = []
    values = {"type": kind, **values}
    if definition.format == "convert":
        values["to"] = to
    if definition.format != "compare" and "sat" in definition.operand and to in definition.saturates and d.some(0.5):
        values["sat"] = True
    names = [n for n in ("a", "b") if n in definition.operand]
    for name in names:
        own = "u8" if definition.format == "masked" and name == "b" else kind
        size = TYPE_BYTES[own]
        other = [q for q in range(16) if q % 4 != queue.index % 4 and set(rows[q // 4]) & set(row)]
        choice = d.pick("streams", "streams", "streams", "immediate", "latch", "link")
        if choice == "immediate" and (own == "f16" or any(isinstance(values.get(n), Immediate) for n in names)):
            choice = "streams"
        if choice == "link" and (links or not depth):
            choice = "streams"
        if choice == "immediate":
            bits = int(d.rng.integers(0, 100))
            values[name] = Immediate(0x3F800000 + (bits << 16) if own == "f32" else bits)
        elif choice == "latch":
            values[name] = Latch()
        elif choice == "link":
            links.append(d.pick(*other))
            values[name] = Link(links[-1])
        else:
            group = d.pick(*row)
            base = 4 * group + size * int(d.rng.integers(4 // size))
            way = d.pick("e", "w")
            before = values.get("a")
            if isinstance(before, Streams) and before.base // 4 == group:
                way = before.direction
            values[name] = Streams(way, base, size)
            asked.append(values[name])
    if d.some(0.3):
        values["keep"] = int(d.rng.integers(1, len(names) + 1))
    d.put(queue, cycle, mnemonic, values)
    for s in asked:
        want(d, s, d.target.taps.vxm, cycle, depth)
    for number in links:
        plain = [
            x
            for x in table(d.target)
            if x.unit == "vxm" and not x.large and x.format in ("binary", "unary", "masked", "compare")
        ]
        other_definition = d.pick(*plain)
        type_name = d.pick(*other_definition.types)
        operate(
            d, d.target.queue[f"vxm.alu{number}"], other_definition.mnemonic, type_name, type_name, cycle - 3, {}, 0
        )


def sink(d: Draft) -> None:
    """Something that takes vectors off the streams."""
    d.chain += 1
    d.n, d.every = (1, 1) if d.some(0.3) else (int(d.rng.integers(2, 9)), d.pick(1, 1, 1, 2, 3, 40))
    cycle = d.room()
    what = d.pick(
        "write", "write", "write", "write", "scatter", "lw", "lw", "iw", "copy", "clear", "send", "ifetch", "config"
    )
    if what in ("write", "scatter"):
        size = d.pick(1, 1, 2, 4) if what == "write" else 1
        way = d.pick("e", "w")
        s = Streams(way, size * int(d.rng.integers(32 // size)), size)
        for k, queue in enumerate(d.kinds("mem")[:size]):
            tap = d.target.read_tap(queue, way) or 0
            one = Streams(way, s.base + k)
            if what == "write":
                d.put(queue, cycle + tap, "write", {**addresses(d, DEPTH), "data": one})
            else:
                where = Streams(d.pick("e", "w"), int(d.rng.integers(32)))
                values: dict[str, Any] = {"data": one, "map": where}
                d.put(
                    queue, cycle + tap, "scatter", values if d.n == 1 else {**values, "repeat": (Dim(d.n, d.every, 0),)}
                )
                want(d, where, d.target.read_tap(queue, where.direction) or 0, cycle + tap, 0, ADDRESSES)
        want(
            d,
            s,
            0 if size == 0 else max(d.target.read_tap(q, way) or 0 for q in [queue]),
            cycle + tap,
            int(d.rng.integers(1, 4)),
        )
        return
    h, plane = d.pick("e", "w"), int(d.rng.integers(2))
    queue = d.target.queue[f"mxm.{h}{plane}.{'lw' if what == 'lw' else 'iw'}"]
    if what in ("lw", "iw"):
        kind = d.pick("i8", "f16") if plane == 0 else "i8"
        size = d.pick(16, 32) if kind == "f16" else 16
        s = Streams(h, d.pick(*range(0, 32, size)), size)
        height = size // 2 if kind == "f16" else size
        groups = d.target.lanes // height
        d.n = min(d.n, groups)
        values = {"type": kind, "rows": s, "group": int(d.rng.integers(groups - d.n + 1))}
        d.put(queue, cycle, what, values if d.n == 1 else {**values, "repeat": (Dim(d.n, d.every, 1),)})
        for k in range(0, size, 16):
            want(d, Streams(h, s.base + k, 16), d.target.taps.mxm, cycle, 1)
    elif what in ("copy", "clear"):
        d.put(queue, cycle, "iw" if what == "copy" else what, {"type": d.pick("i8", "f16") if plane == 0 else "i8"})
    elif what == "send":
        d.n = 1
        send(d, d.kinds("c2c")[0], cycle, int(d.rng.integers(d.target.geometry.links)), 2)
    elif what == "ifetch":
        queue = d.kinds("mem", "vxm", "c2c", "select")[0]
        way = d.pick("e", "w")
        tap = d.target.read_tap(queue, way)
        if tap is not None:
            d.n = 1
            s = Streams(way, 2 * int(d.rng.integers(16)), 2)
            d.put(queue, cycle, "ifetch", {"text": s})
            want(d, s, tap, cycle, 1)
    else:
        d.n = 1
        d.put(d.kinds("mem", "vxm", "acc")[0], cycle, "config", {"superlanes": 1})


def random_program(target: str | Target, seed: int, sinks: int = 24, legal: bool = True) -> Program | None:
    """A program, or None where what was drawn cannot be made legal. Unless ``legal``, it is as it was drawn."""
    chip = load_target(target) if isinstance(target, str) else target
    d = Draft(chip, np.random.default_rng(seed))
    for _ in range(int(d.rng.integers(1, sinks + 1))):
        saved = {q: list(v) for q, v in d.lines.items()}, {q: set(v) for q, v in d.busy.items()}
        try:
            sink(d)
        except Full:
            d.lines, d.busy = saved
    starts = _starts(d)
    tensors = _tensors(d)
    for _ in range(6):
        made, owners = _program(d, starts, tensors)
        found = verdict(made)
        if not found or not legal:
            return made
        names = {q.number: q.name for q in chip.queues}
        guilty = {owners[names[v.queue]].get(v.word, 0) for v in found}
        guilty |= {
            owners[names[v.other_queue]].get(v.other_word, 0)
            for v in found
            if v.other_queue >= 0 and v.code != "LPU0302"
        }
        d.lines = {q: kept for q, v in d.lines.items() if (kept := [x for x in v if x[3] not in guilty])}
    return None


def _starts(d: Draft) -> dict[str, str]:
    """How queues begin: some wait for a notification, or for the aligned counter."""
    return {
        q: d.pick("sync", "deskew", "", "", "") if q.startswith("c2c") else d.pick("sync", "", "", "") for q in d.lines
    }


def _program(d: Draft, starts: dict[str, str], tensors: list[Tensor]) -> tuple[Program, dict[str, dict[int, int]]]:
    images, owners = {}, {}
    t = d.target
    notifier = next(q.name for q in t.queues if q.kind == "c2c" and starts.get(q.name, "") == "")
    link = {"link": 0}
    for name in {*d.lines, notifier}:
        lines = sorted(d.lines.get(name, []), key=lambda x: x[0])
        begin, prefix = 0, []
        first = lines[0][0] if lines else 10**6
        if name == notifier:
            prefix = words(t, name, [(0, "notify", {}), (1, "transmit", link)])
            begin = 2
        elif starts.get(name) == "sync":
            prefix, begin = words(t, name, [(0, "sync", {})]), t.barrier.latency
        elif starts.get(name) == "deskew" and first >= t.c2c.hac_period:
            prefix, begin = words(t, name, [(0, "deskew", link)]), t.c2c.hac_period
        shifted: list[Line] = [(cycle - begin, m, v) for cycle, m, v, _ in lines]
        numbers = [*prefix, *words(t, name, shifted)]
        images[name] = np.array([(w & (1 << 64) - 1, w >> 64) for w in numbers], np.uint64)
        codes = table(t)
        own = [
            k
            for k, w in enumerate(numbers)
            if codes.by_opcode[w & 255].mnemonic not in ("nop", "repeat", "sync", "notify", "transmit", "deskew")
        ]
        owners[name] = {k: x[3] for k, x in zip(own, lines, strict=True)}
        for k in list(owners[name]):
            owners[name][k + 1] = owners[name].get(k + 1, owners[name][k])
    return Program(t, images, tuple(tensors)), owners


def _tensors(d: Draft) -> list[Tensor]:
    """What is in SRAM before, and what is taken from it after: laid out in all the ways there are."""
    t, out = d.target, []
    per_bank = t.geometry.words_per_bank
    for q in t.queues:
        if q.kind == "mem" and q.name in d.lines:
            for bank in range(2):
                shape = (DEPTH, t.lanes)
                out.append(
                    Tensor(
                        f"B{bank}_{q.name}",
                        "input",
                        Layout("u8", shape, (q.number,), bank * per_bank, DEPTH, t.lanes, 0, per_bank),
                    )
                )
    slices = [q.number for q in d.kinds("mem")]
    for k in range(2):
        kind = d.pick("i8", "i16", "i32", "f16", "f32")
        size, groups = TYPE_BYTES[kind], d.pick(1, 2)
        if size * groups > len(slices):
            groups = 1
        rows, columns = int(d.rng.integers(1, 12)), int(d.rng.integers(1, 2 * t.lanes))
        tile_columns = d.pick(t.lanes, min(columns, t.lanes), 7)
        tile = int(d.rng.integers(1, rows + 1))
        own = tuple(slices[: size * groups])
        plain = {ADDRESSES, LOW, HIGH, ENTRIES}
        if k == 0 and any(t.queues[s].index in plain for s in own):
            continue
        run = d.pick(0, 1, 2, 3)
        layout = Layout(kind, (rows, columns), own, int(d.rng.integers(4)), tile, tile_columns, run, per_bank)
        if layout.last_address() < t.words:
            out.append(Tensor(f"T{k}", ("input", "output")[k], layout))
    return out


def random_inputs(program: Program, seed: int) -> dict[str, Array]:
    """Arrays for the inputs of a random program: bytes of any value, and maps that are right."""
    rng, t = np.random.default_rng(seed), program.target
    out = {}
    for x in program.tensors:
        if not x.bound or x.layout is None:
            continue
        shape = x.layout.shape
        if not x.name.startswith("B"):
            kind = {"f16": np.float16, "f32": np.float32, "i8": np.int8, "i16": np.int16, "i32": np.int32}[
                x.layout.dtype
            ]
            out[x.name] = rng.integers(0, 256, (*shape, np.dtype(kind).itemsize), np.uint8).view(kind)[..., 0]
            continue
        index = int(x.name.partition(".")[2][1:])
        order = np.random.default_rng(seed + 1).permutation(t.lanes)
        most = {ADDRESSES: 2, ENTRIES: 17}.get(index, 256)
        values = rng.integers(0, most, shape, np.uint8)
        if index in (LOW, HIGH):
            values[:] = order & 255 if index == LOW else order >> 8
        out[x.name] = values
    return out
