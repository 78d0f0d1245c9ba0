"""Stepping against arithmetic: the reference engine finds by itself what the timeline says, dispatch for dispatch."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from words import Line, program

from lpuasm.isa.errors import Fault
from lpuasm.isa.operands import Dim
from lpuasm.isa.program import Program
from lpuasm.isa.target import load_target
from lpuasm.vm.code import Code
from lpuasm.vm.reference import Machine

MINI = load_target("mini")
#: Queues in which something can be dispatched that touches no stream.
QUEUES = ("mem.w0", "mxm.e1.iw", "vxm.alu0", "vxm.alu3", "sxm.w.acc1", "c2c.2", "c2c.5")


@st.composite
def repeats(draw: st.DrawFn, steps: bool) -> tuple[Dim, ...]:
    dims: list[Dim] = []
    span = 0
    for _ in range(draw(st.integers(1, 3))):
        step = draw(st.integers(-1, 1)) if steps and draw(st.integers(0, 9)) == 0 else 0
        dims.append(Dim(draw(st.integers(2, 3)), span + draw(st.integers(1, 4)), step))
        span += (dims[-1].count - 1) * dims[-1].every
    return tuple(dims)


@st.composite
def lines(draw: st.DrawFn, queue: str) -> list[Line]:
    """Words of a queue, in any order that may or may not be right."""
    kind = MINI.queue[queue].kind
    own: dict[str, tuple[str, dict[str, Any]]] = {
        "vxm": ("identity", {"type": "i8", "a": 1}),
        "iw": ("clear", {"type": "i8"}),
    }
    choices = ["nop", "config", "config", "notify", "sync", "repeat", *(["own"] * 3 if kind in own else [])]
    if kind == "c2c":
        choices += ["deskew", "transmit"]
    out: list[Line] = []
    for choice in draw(st.lists(st.sampled_from(choices), max_size=9)):
        if choice == "nop":
            out.append((None, "nop", {"count": draw(st.integers(1, 60))}))
        elif choice == "own":
            mnemonic, values = own[kind]
            out.append((None, mnemonic, values))
            if draw(st.booleans()):
                out.append((None, "repeat", {"repeat": draw(repeats(steps=True))}))
        elif choice == "repeat":
            # Mostly there is nothing before it that can be repeated.
            if draw(st.integers(0, 3)) == 0:
                out.append((None, "repeat", {"repeat": draw(repeats(steps=False))}))
        else:
            values = {"config": {"superlanes": 2}, "deskew": {"link": 1}, "transmit": {"link": 0}}.get(choice, {})
            out.append((None, choice, values))
    return out


def executed(given_program: Program) -> tuple[list[tuple[int, int, int]], tuple[int, str, str] | None, int]:
    """Every dispatch as (cycle, queue, word), the fault if there was one, and the cycles."""
    seen: list[tuple[int, int, int]] = []

    def trace(cycle: int, code: Code) -> None:
        seen.append((cycle, code.queue.number, code.word))

    machine = Machine(given_program, trace=trace)
    try:
        machine.run()
    except Fault as fault:
        return seen, (fault.cycle, fault.queue, fault.code), machine.cycles
    return seen, None, machine.cycles


def stated(given_program: Program) -> list[tuple[int, int, int]]:
    """The same from the timeline."""
    timeline = given_program.timeline
    out = []
    for row in range(len(timeline.queue)):
        for i in range(timeline.count[row, 0]):
            for j in range(timeline.count[row, 1]):
                for k in range(timeline.count[row, 2]):
                    offset = int(timeline.every[row] @ (i, j, k))
                    out.append((int(timeline.start[row]) + offset, int(timeline.queue[row]), int(timeline.word[row])))
    return sorted(out)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_what_is_executed_is_what_the_timeline_states(data: st.DataObject) -> None:
    given_program = program(MINI, {queue: data.draw(lines(queue), queue) for queue in QUEUES})
    seen, fault, cycles = executed(given_program)
    stuck = sorted((s.cycle, s.queue.number, s.code) for s in given_program.timeline.stuck)
    if stuck:
        cycle, queue, code = stuck[0]
        assert fault == (cycle, MINI.queues[queue].name, code)
    else:
        assert fault is None
        assert sorted(seen) == stated(given_program)
        assert cycles == given_program.cycles


@pytest.mark.parametrize("sync", [0, 4])
def test_a_repeat_that_cannot_be_after_a_sync(sync: int) -> None:
    """It comes to the head of its queue when the sync is released."""
    queues: dict[str, list[Line]] = {
        "mem.w0": [(sync, "sync", {}), (None, "repeat", {"repeat": (Dim(2),)})],
        "mem.w1": [(9, "notify", {})],
    }
    given_program = program(MINI, queues)
    release = 9 + MINI.barrier.latency
    assert executed(given_program)[1] == (release, "mem.w0", "LPU0305")
    assert [s.cycle for s in given_program.timeline.stuck] == [release]
