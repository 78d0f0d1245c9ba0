"""The fast engine of scalar code: a program as one Python function, made once for its types and dimensions.

Every version of a block is a stretch of lines; loops are Python's, and where a jump has several places to go ``p``
holds the number of the version that is next. Each way out of a version has a counter, from which instructions and
cycles follow at the end.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from types import CodeType, TracebackType
from typing import Any, NoReturn

from lpuasm.isa.errors import Fault
from lpuasm.isa.program import SCALAR_QUEUE
from lpuasm.vm import scalar_values
from lpuasm.vm.scalar_code import CONDITIONS, live_comparison
from lpuasm.vm.scalar_emit import Lines
from lpuasm.vm.scalar_loops import Item, Loop, loops
from lpuasm.vm.scalar_reference import Outcome, Progress, grow, no_integer, not_compared, outside
from lpuasm.vm.scalar_tensors import Ready
from lpuasm.vm.scalar_versions import END, Version, versions

_KEPT = 32
_TICK = 0xFFFF
_compiled: OrderedDict[Hashable, Compiled] = OrderedDict()


@dataclass(frozen=True)
class Compiled:
    """The function of a program. ``words``: the word of each line; ``ways``: version and jump of each counter."""

    code: CodeType
    words: Sequence[int]
    found: Sequence[Version]
    ways: Sequence[tuple[int, bool]]


class _Fault(Exception):
    """A fault, before its place is known: the maker of its diagnostic and what that takes beside the place."""


class _End(Exception):
    """The program has ended."""


def execute(ready: Ready, progress: Progress | None = None) -> Outcome:
    """Runs a program; the same outcome and faults as :func:`lpuasm.vm.scalar_reference.interpret`."""
    elements = {k: t.elements() for k, t in ready.tensors.items()}
    if not ready.blocks:
        return Outcome(elements, dict.fromkeys(elements, -1), 0, 0)
    compiled = _compile_once(ready, progress is not None)
    sums = [ready.blocks[v.block] for v in compiled.found]
    size = [b.stop - b.start for b in sums]
    cost = [sum(op.cycles for op in ready.operations[b.start : b.stop]) for b in sums]

    def tick(names: dict[str, int]) -> None:
        assert progress is not None
        progress(sum(names[f"e{way}"] * size[version] for way, (version, _) in enumerate(compiled.ways)))

    scope: dict[str, Any] = {"tick": tick, **_scope()}
    exec(compiled.code, scope)
    try:
        counts, written = scope["run"](*(elements[k] for k in sorted(elements)))
    except (_Fault, IndexError) as e:
        raise _place(ready, compiled, e) from None
    return Outcome(
        elements,
        dict(zip(sorted(elements), written, strict=True)),
        sum(n * size[version] for n, (version, _) in zip(counts, compiled.ways, strict=True)),
        sum(n * (cost[version] + jump) for n, (version, jump) in zip(counts, compiled.ways, strict=True)),
    )


def _scope() -> dict[str, Any]:
    def fault_outside(index: int) -> NoReturn:
        raise _Fault(outside, index)

    def fault_integer(register: int, value: float) -> NoReturn:
        raise _Fault(no_integer, register, value)

    def fault_compared() -> NoReturn:
        raise _Fault(not_compared)

    own: dict[str, Any] = {name: getattr(scalar_values, name) for name in ("add", "sub", "mul", "pair", "f32")}
    stores = {f"to_{dtype}": convert for dtype, convert in scalar_values.STORED.items()}
    return {
        **own, **stores, "outside": fault_outside, "no_integer": fault_integer, "missing": fault_compared,
        "grow": grow, "End": _End, "NAN": math.nan, "INF": math.inf,
    }  # fmt: skip


def _place(ready: Ready, compiled: Compiled, e: Exception) -> Fault:
    """The diagnostic of what stopped the function; its line tells the word, and its ``i`` an index too large."""
    trace: TracebackType | None = e.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != compiled.code.co_filename:
        trace = trace.tb_next
    assert trace is not None
    word = compiled.words[trace.tb_lineno - 1]
    maker: Callable[..., Fault] = e.args[0] if isinstance(e, _Fault) else outside
    return maker(ready, word, *(e.args[1:] if isinstance(e, _Fault) else (trace.tb_frame.f_locals["i"],)))


def _compile_once(ready: Ready, ticks: bool) -> Compiled:
    tensors = tuple((k, t.dtype, t.shape) for k, t in sorted(ready.tensors.items()))
    words = ready.program.queues[SCALAR_QUEUE].tobytes()
    key = words, ready.places, tensors, tuple(sorted(ready.limits.items())), ticks
    if key in _compiled:
        _compiled.move_to_end(key)
    else:
        _compiled[key] = _Writer(ready, ticks).compile()
        if len(_compiled) > _KEPT:
            _compiled.popitem(last=False)
    return _compiled[key]


@dataclass
class _Frame:
    """A loop that is being written. ``guarded``: ``p`` must be set before its next turn; ``exits``: where it leads."""

    loop: Loop
    guarded: bool
    exits: set[int] = field(default_factory=set)


class _Writer:
    def __init__(self, ready: Ready, ticks: bool) -> None:
        self.ready = ready
        self.ticks = ticks
        self.found = versions(ready)
        self.ways: list[tuple[int, bool]] = []
        self.text: list[str] = []
        self.words: list[int] = []
        live = live_comparison(ready.operations, ready.blocks)
        self.unsure = live[0]
        self.kept = [any(live[b] for b in block.next) for block in ready.blocks]

    def compile(self) -> Compiled:
        """The whole function."""
        names = sorted(self.ready.tensors)
        self._write(0, f"def run({', '.join(f'T{k}' for k in names)}):")
        head = len(self.text)
        self._write(1, "try:")
        self._items(loops([v.next for v in self.found]), {0}, None, 2)
        self._write(1, "except End: pass")
        counters = "".join(f"e{way}, " for way in range(len(self.ways)))
        self._write(1, f"return ({counters}), ({''.join(f'h{k}, ' for k in names)})")
        start = [f"h{k} = -1" for k in names] + [f"r{r} = 0" for r, _ in self.found[0].types]
        start += [f"e{way} = 0" for way in range(len(self.ways))]
        start += ["x = y = None", "F = memoryview(bytearray(4)).cast('f')"]
        self.text[head:head] = [f" {line}" for line in start]
        self.words[head:head] = [-1] * len(start)
        code = compile("\n".join(self.text) + "\n", "<scalar code>", "exec")
        return Compiled(code, self.words, self.found, self.ways)

    def _write(self, depth: int, line: str, word: int = -1) -> None:
        self.text.append(" " * depth + line)
        self.words.append(word)

    def _items(self, items: Sequence[Item], pending: set[int], frame: _Frame | None, depth: int) -> None:
        """Writes ``items``; control comes in with ``p`` one of ``pending``, or just one that needs no ``p``."""
        for item in items:
            own = {item} if isinstance(item, int) else item.nodes
            here = pending & own
            if not here:
                continue
            inner = depth
            if pending - own:
                among = f"p == {min(here)}" if len(here) == 1 else f"p in {tuple(sorted(here))}"
                self._write(depth, f"if {among}:")
                inner += 1
            if frame is None or not frame.loop.flat:
                pending = pending - own
            if isinstance(item, int):
                pending |= self._version(item, frame, inner)
            else:
                pending |= self._loop(item, here, frame, inner)

    def _loop(self, loop: Loop, here: set[int], outer: _Frame | None, depth: int) -> set[int]:
        """Writes a loop; returns where control may be after it, within the loop ``outer``."""
        top = set(loop.nodes) if loop.flat else here | {loop.header}
        frame = _Frame(loop, len(top) > 1)
        self._write(depth, "while True:")
        self._items(loop.items, top, frame, depth + 1)
        if outer is None:
            return frame.exits
        back, out = frame.exits & {outer.loop.header}, frame.exits - outer.loop.nodes
        inside = frame.exits - back - out
        for leave, targets, others in (("continue", back, inside | out), ("break", out, inside)):
            if targets:
                among = f"p in {tuple(sorted(targets))}" if len(targets) > 1 else f"p == {min(targets)}"
                self._write(depth, f"if {among}: {leave}" if others else leave)
        outer.exits |= out
        return inside

    def _version(self, number: int, frame: _Frame | None, depth: int) -> set[int]:
        """Writes a version and its ways out; returns where control may be after it."""
        version = self.found[number]
        block = self.ready.blocks[version.block]
        made = Lines(self.ready, version, self.unsure, self.kept[version.block])
        for word, line in made.lines:
            self._write(depth, line, word)
        last = block.stop - 1
        after: set[int] = set()
        if self.ready.operations[last].name in CONDITIONS:
            self._write(depth, f"if {made.condition}:", last)
            after |= self._way(number, True, version.taken, frame, depth + 1)
            self._write(depth, "else:")
            after |= self._way(number, False, version.fall, frame, depth + 1)
        else:
            jump = version.taken is not None
            after |= self._way(number, jump, version.taken if jump else version.fall, frame, depth)
        return after

    def _way(self, number: int, jump: bool, to: int | None, frame: _Frame | None, depth: int) -> set[int]:
        way = len(self.ways)
        self.ways.append((number, jump))
        self._write(depth, f"e{way} += 1")
        assert to is not None
        if to == END:
            self._write(depth, "raise End")
            return set()
        if frame is None:
            self._write(depth, f"p = {to}")
            return {to}
        loop = frame.loop
        back = to == loop.header or (loop.flat and to <= number and to in loop.nodes)
        if frame.guarded or not back:
            self._write(depth, f"p = {to}")
        if back:
            if self.ticks:
                self._write(depth, f"if not e{way} & {_TICK}: tick(locals())")
            self._write(depth, "continue")
            return set()
        if to in loop.nodes:
            return {to}
        frame.exits.add(to)
        self._write(depth, "break")
        return set()
