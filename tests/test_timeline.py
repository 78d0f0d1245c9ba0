"""When words dispatch: the timeline against queues that are stepped cycle by cycle."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpuasm.isa.core import table
from lpuasm.isa.operands import Dim, Streams
from lpuasm.isa.target import load_target
from lpuasm.isa.timeline import Timeline, Words, expand

MINI = load_target("mini")
TABLE = table(MINI)
PERIOD, BARRIER, LINK = MINI.c2c.hac_period, MINI.barrier.latency, MINI.c2c.latency
#: A queue with instructions that are repeated, one with a generator of its own, one that has links.
QUEUES = {"mxm.w0.lw": "lw", "mem.w0": "mem", "c2c.0": "c2c", "vxm.alu3": "vxm"}

Op = tuple[str, dict[str, object]]


def images(program: dict[str, list[Op]]) -> dict[str, Words]:
    out = {}
    for queue, ops in program.items():
        words = []
        for mnemonic, values in ops:
            definition = TABLE.find(QUEUES[queue], mnemonic)
            assert definition is not None
            word = definition.encode(values)  # type: ignore[arg-type]
            words.append((word & (1 << 64) - 1, word >> 64))
        out[queue] = np.array(words, np.uint64).reshape(-1, 2)
    return out


def nest(dims: tuple[Dim, ...]) -> list[tuple[int, int]]:
    """(cycle, step) of every issue of a nest, in order, from cycle 0."""
    issues = [(0, 0)]
    for dim in dims:
        issues = [(t + k * dim.every, a + k * dim.step) for k in range(dim.count) for t, a in issues]
    return sorted(issues)


def step(
    program: dict[str, list[Op]], limit: int
) -> tuple[dict[tuple[str, int], list[int]], dict[str, tuple[int, int]]]:
    """Steps the queues cycle by cycle, as the manual says. Returns the dispatch cycles of each word, and for each queue
    that is not at its end after ``limit`` cycles its word and the cycle in which that came to the head."""
    at = dict.fromkeys(program, 0)
    free = dict.fromkeys(program, 0)
    head: dict[str, int] = {}
    dispatched: dict[tuple[str, int], list[int]] = {}
    arrivals: set[int] = set()
    for cycle in range(limit):
        for queue, ops in program.items():
            while at[queue] < len(ops) and free[queue] <= cycle:
                mnemonic, values = ops[at[queue]]
                came = head.setdefault(queue, cycle)
                if mnemonic == "sync":
                    dispatched[queue, at[queue]] = [came]
                    if cycle not in arrivals or cycle == came:
                        break
                    at[queue] += 1  # the next word dispatches in this very cycle
                    del head[queue]
                    continue
                if mnemonic == "deskew":
                    dispatched[queue, at[queue]] = [came]
                    if cycle == came or cycle % PERIOD:
                        break
                    at[queue] += 1
                    del head[queue]
                    continue
                busy = 1
                if mnemonic == "nop":
                    busy = values["count"]  # type: ignore[assignment]
                elif mnemonic == "repeat":
                    issues = nest(values["repeat"])  # type: ignore[arg-type]
                    first = cycle - 1
                    dispatched[queue, at[queue] - 1] = [first + t for t, _ in issues]
                    busy = first + issues[-1][0] + 1 - cycle
                elif mnemonic == "read":
                    dispatched[queue, at[queue]] = [cycle + t for t, _ in nest(values["repeat"])]  # type: ignore[arg-type]
                else:
                    dispatched[queue, at[queue]] = [cycle]
                    if mnemonic == "notify":
                        arrivals.add(cycle + BARRIER)
                    if mnemonic == "transmit":
                        arrivals.add(cycle + LINK + BARRIER)
                free[queue] = cycle + busy
                at[queue] += 1
                del head[queue]
    stuck = {q: (at[q], head[q]) for q, ops in program.items() if at[q] < len(ops)}
    return dispatched, stuck


def dispatches(timeline: Timeline) -> Iterator[tuple[tuple[str, int], list[int]]]:
    for row in range(len(timeline.start)):
        dims = tuple(
            Dim(int(c), int(e), int(s))
            for c, e, s in zip(timeline.count[row], timeline.every[row], timeline.step[row], strict=True)
        )
        start = int(timeline.start[row])
        key = (MINI.queues[timeline.queue[row]].name, int(timeline.word[row]))
        yield key, [start + t for t, _ in nest(dims)]


@st.composite
def nests(draw: st.DrawFn, least: int) -> tuple[Dim, ...]:
    dims: list[Dim] = []
    span = 0
    for _ in range(draw(st.integers(least, 3))):
        every = draw(st.integers(span + 1, span + 4))
        count = draw(st.integers(2, 3))
        dims.append(Dim(count, every, draw(st.integers(0, 1))))
        span += (count - 1) * every
    return tuple(dims)


@st.composite
def ops(draw: st.DrawFn, queue: str) -> list[Op]:
    out: list[Op] = []
    for _ in range(draw(st.integers(1, 8))):
        kind = draw(st.sampled_from(("own", "own", "nop", "nop", "sync", "notify", "deskew", "transmit")))
        if kind == "nop":
            out.append(("nop", {"count": draw(st.integers(1, 60))}))
        elif kind in ("sync", "notify"):
            out.append((kind, {}))
        elif kind in ("deskew", "transmit") and QUEUES[queue] == "c2c":
            out.append((kind, {"link": 0}))
        elif QUEUES[queue] == "mem":
            out.append(("read", {"address": 0, "out": Streams("e", 0), "repeat": draw(nests(0))}))
        elif QUEUES[queue] == "lw":
            out.append(("lw", {"type": "i8", "rows": Streams("w", 0, 16)}))
            if draw(st.booleans()):
                out.append(("repeat", {"repeat": draw(nests(1))}))
        elif QUEUES[queue] == "vxm":
            out.append(("add", {"type": "i8", "a": Streams("w", 0), "b": Streams("w", 1)}))
        else:
            out.append(("send", {"data": Streams("w", 0), "link": 0}))
    return out


@given(st.fixed_dictionaries({queue: ops(queue) for queue in QUEUES}))
@settings(max_examples=60, deadline=None)
def test_timeline_is_what_stepping_gives(program: dict[str, list[Op]]) -> None:
    timeline = expand(MINI, images(program))
    dispatched, stuck = step(program, 3500)
    assert dict(dispatches(timeline)) == dispatched
    assert {s.queue.name: (s.word, s.cycle) for s in timeline.stuck} == stuck
    assert all(s.code == "LPU0309" for s in timeline.stuck)
    assert list(timeline.queue) == sorted(timeline.queue)
    assert list(timeline.last) == [max(c) for _, c in dispatches(timeline)]
    assert list(timeline.issues) == [len(c) for _, c in dispatches(timeline)]


LW: Op = ("lw", {"type": "i8", "rows": Streams("w", 0, 16)})


def repeat(*dims: Dim) -> Op:
    return ("repeat", {"repeat": dims})


@pytest.mark.parametrize(
    ("queue", "ops", "word", "cycle"),
    [
        ("mxm.w0.lw", [repeat(Dim(2))], 0, 0),
        ("mxm.w0.lw", [("nop", {"count": 7}), repeat(Dim(2))], 1, 7),
        ("mxm.w0.lw", [LW, repeat(Dim(2)), repeat(Dim(2))], 2, 2),
        ("mxm.w0.lw", [("notify", {}), repeat(Dim(2))], 1, 1),
        ("mxm.w0.lw", [("notify", {}), ("sync", {}), repeat(Dim(2))], 2, BARRIER),
        ("vxm.alu3", [("add", {"type": "i8", "a": Streams("w", 0), "b": Streams("w", 1)}), repeat(Dim(2, 1, 1))], 1, 1),
        ("mem.w0", [("read", {"address": 0, "out": Streams("e", 0)}), repeat(Dim(2))], 1, 1),
        ("c2c.0", [("deskew", {"link": 0}), repeat(Dim(2))], 1, PERIOD),
    ],
)
def test_a_repeat_with_nothing_to_repeat(queue: str, ops: list[Op], word: int, cycle: int) -> None:
    (stuck,) = expand(MINI, images({queue: ops})).stuck
    assert (stuck.code, stuck.queue.name, stuck.word, stuck.cycle) == ("LPU0305", queue, word, cycle)


def test_a_queue_that_waits_for_ever_says_only_that() -> None:
    timeline = expand(MINI, images({"mxm.w0.lw": [("sync", {}), LW, repeat(Dim(2)), repeat(Dim(2))]}))
    assert [(s.code, s.word, s.cycle) for s in timeline.stuck] == [("LPU0309", 0, 0)]
    assert len(timeline.start) == 1


def test_a_notification_in_the_cycle_of_arrival_is_lost() -> None:
    program: dict[str, list[Op]] = {
        "mem.w0": [("notify", {}), ("notify", {})],
        "c2c.0": [("nop", {"count": BARRIER}), ("sync", {}), ("notify", {})],
    }
    timeline = expand(MINI, images(program))
    assert not timeline.stuck
    assert int(timeline.start[-1]) == BARRIER + 1


def test_cycles() -> None:
    add: Op = ("add", {"type": "i8", "a": Streams("w", 0), "b": Streams("w", 1)})
    func = TABLE.named("add")[0].timing.func
    stagger = MINI.geometry.superlanes - 1
    assert expand(MINI, {}).cycles() == 0
    assert expand(MINI, images({"vxm.alu3": [("nop", {"count": 9})]})).cycles() == 0
    assert expand(MINI, images({"vxm.alu3": [("nop", {"count": 9}), add]})).cycles() == 9 + func + 1 + stagger
    write: Op = ("write", {"address": 0, "data": Streams("e", 0), "repeat": (Dim(4, 2, 1),)})
    late = expand(MINI, images({"vxm.alu3": [add], "mem.w0": [write]})).cycles()
    assert late == 6 + TABLE.named("write")[0].timing.func + 1 + stagger


def test_many_waits_take_linear_time() -> None:
    deskew = TABLE.named("deskew")[0].encode({"link": 0})
    words = np.full((30_000, 2), (deskew, 0), np.uint64)
    timeline = expand(MINI, {"c2c.0": words})
    assert int(timeline.start[-1]) == (len(words) - 1) * PERIOD
