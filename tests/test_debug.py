"""Going forward and back: at the same cycle there is always the state of a straight run, however it was come by."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from schedules import programs

from lpuasm.front import build
from lpuasm.isa.errors import Fault, LpuError
from lpuasm.isa.program import Program
from lpuasm.isa.target import load_target
from lpuasm.vm.debug import Debugger
from lpuasm.vm.reference import Machine
from lpuasm.vm.show import cells

MINI = load_target("mini")
SOURCE = """\
.target mini
.input  A : f32 [12, 32] at mem.w[0..3]
.input  S : f32 [12, 32] at mem.e[0..3]
.output B : f32 [12, 32] at mem.e[4..7]
flow first:
    read  A -> sg4.e[0]
    read  S -> sg4.w[1]
    add   sg4.e[0], sg4.w[1] -> sg4.e[2]
    write sg4.e[2] -> B
flow second:
    read  B -> sg4.w[0]
    mul   sg4.w[0], 2.0 -> sg4.w[3]
    write sg4.w[3] -> mem.w[4..7][0x80]  repeat 12
"""


def state_of(machine: Machine, cycle: int) -> Any:
    """Everything that is in a chip at the end of a cycle, to be compared."""
    s = machine.state
    return (
        [(c.direction, c.stream, c.register, c.queue, c.word, c.value.tobytes()) for c in cells(s, cycle)],
        {number: words.tobytes() for number, words in s.memory.items() if words.any()},
        {plane: rows.tobytes() for plane, rows in (*s.buffer.items(), *s.array.items())},
        {plane: rows.tobytes() for plane, rows in s.array.items()},
        {plane: [(c, k, r.tobytes()) for c, k, r in queue] for plane, queue in s.results.items()},
        s.latch.tobytes(),
        [[(c, wide.tobytes(), way) for c, wide, way in queue] for queue in s.passing],
        [[(c, row.tobytes()) for c, row in queue] for queue in s.links],
        list(s.sent),
        [(q.at, q.waiting, q.due) for q in machine.queues],
        machine.chip.last,
    )


class Straight:
    """What a run that never turns round has in each cycle, and where it ends."""

    def __init__(self, program: Program, inputs: Mapping[str, Any] | None) -> None:
        machine = Machine(program, inputs)
        self.states = {-1: state_of(machine, -1)}
        self.fault: Fault | None = None
        cycle = 0
        while not machine.done:
            try:
                machine.run(until=cycle)
            except Fault as fault:
                self.fault = fault
                break
            self.states[cycle] = state_of(machine, cycle)
            cycle += 1
        self.last = machine.cycle


def inputs_for(program: Program) -> dict[str, Any]:
    random = np.random.default_rng(7)
    shapes = {t.name: t.layout for t in program.tensors if t.bound}
    return {n: random.standard_normal(x.shape).astype(np.float32) for n, x in shapes.items() if x is not None}


@cache
def subject(number: int) -> tuple[Program, dict[str, Any] | None, Straight]:
    """A program with its straight run: the flows above, then random schedules."""
    if number == 0:
        program = build(text=SOURCE)
        inputs = inputs_for(program)
        return program, inputs, Straight(program, inputs)
    program = programs(MINI, number)[0]
    return program, None, Straight(program, None)


MOVES = st.one_of(
    st.tuples(st.just("goto"), st.integers(-1, 400)),
    st.tuples(st.sampled_from(["step", "back"]), st.integers(1, 40)),
    st.tuples(st.sampled_from(["dispatch", "undispatch", "flow", "unflow"]), st.integers(1, 5)),
    st.tuples(st.sampled_from(["end", "reverse"]), st.just(0)),
)


def move(d: Debugger, what: str, count: int) -> str:
    match what:
        case "goto":
            return d.goto(count).reason
        case "step":
            return d.step(count).reason
        case "back":
            return d.back(count).reason
        case "dispatch" | "flow":
            return d.step(count, what).reason
        case "undispatch" | "unflow":
            return d.back(count, what.removeprefix("un")).reason
        case "end":
            return d.go().reason
    return d.go(backward=True).reason


@settings(max_examples=60, deadline=None)
@given(number=st.integers(0, 8), moves=st.lists(MOVES, max_size=25))
def test_a_walk_shows_what_a_straight_run_has(number: int, moves: list[tuple[str, int]]) -> None:
    program, inputs, straight = subject(number)
    d = Debugger(program, inputs, spacing=0.0005, budget=200_000)
    for what, count in moves:
        reason = move(d, what, count)
        if reason == "fault":
            assert straight.fault is not None and d.cycle == straight.last and d.fault is not None
            assert (d.fault.code, d.fault.cycle) == (straight.fault.code, straight.fault.cycle)
        else:
            assert state_of(d.machine, d.cycle) == straight.states[d.cycle]


def test_every_cycle_backward() -> None:
    program, inputs, straight = subject(0)
    d = Debugger(program, inputs, spacing=0.0)
    d.go()
    for cycle in range(d.cycle, -2, -1):
        assert d.cycle == cycle and state_of(d.machine, cycle) == straight.states[cycle]
        d.back()


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("cycle 9", lambda d, before: d.cycle == 9),
        ("mem.e4[0x3]", lambda d, before: not np.array_equal(before, d.state.slice(MINI.queue["mem.e4"].number)[3])),
        ("B > 1.5", None),
        ("vxm", None),
        ("flow second", None),
        ("line 8", None),
    ],
)
def test_stops_forward_and_backward_are_the_same(text: str, holds: Any) -> None:
    """The stops of a run to its end, and in the other order those of the way back."""
    program, inputs, _ = subject(0)
    for spacing in (0.0, 10.0):
        d = Debugger(program, inputs, spacing=spacing)
        d.add(text)
        forward = []
        while (stop := d.go()).reason == "break":
            assert stop.breaks == (1,)
            forward.append(stop.cycle)
        assert forward and stop.reason == "end"
        backward = []
        while (stop := d.go(backward=True)).reason == "break":
            backward.append(stop.cycle)
        assert backward[::-1] == [c for c in forward if c < d.moments.last + 100] and stop.reason == "begin"


def test_a_value_is_stopped_at_when_it_is_stored_whole() -> None:
    program, inputs, _ = subject(0)
    assert inputs is not None
    whole = inputs["A"] + inputs["S"]
    d = Debugger(program, inputs)
    d.add("B > 1.5")
    rows = 0
    while d.go().reason == "break":
        stored = d.tensor("B")
        assert ((stored == 0) | (stored == whole)).all(), "no element is seen half stored"
        rows += 1
    assert rows == int((whole > 1.5).any(axis=1).sum())


def test_a_fault_is_a_stop_that_can_be_gone_back_from() -> None:
    program = _faulty()
    d = Debugger(program)
    assert d.go().reason == "fault" and d.fault is not None
    at = d.cycle
    assert d.back().reason == "" and d.cycle == at - 1 and d.fault is None
    assert d.step().reason == "fault" and d.cycle == at


def _faulty() -> Program:
    for seed in range(1, 60):
        for program in programs(MINI, seed):
            try:
                Machine(program).run()
            except Fault:
                return program
    raise AssertionError


def test_interrupting_keeps_the_cycle_whole() -> None:
    program, inputs, straight = subject(0)
    d = Debugger(program, inputs)
    d.interrupted = lambda: d.cycle >= 10
    assert d.go().reason == "interrupted"
    assert state_of(d.machine, d.cycle) == straight.states[d.cycle]
    d.interrupted = lambda: False
    assert d.go().reason == "end"


@pytest.mark.parametrize("text", ["frob", "mem.w99[0]", "line 900", "C > 1", "B > x", "cycle x", "mem.w0[999999]", ""])
def test_what_is_nothing_to_stop_at_is_said(text: str) -> None:
    d = Debugger(subject(0)[0], subject(0)[1])
    with pytest.raises(LpuError) as caught:
        d.add(text)
    assert caught.value.code == "LPU1208" and not d.breaks


def test_scalar_code_is_not_stopped() -> None:
    with pytest.raises(LpuError) as caught:
        Debugger(build(text="mov r0, 1\n"))
    assert caught.value.code == "LPU1209"


def test_who_wrote_a_word_is_who_changed_it() -> None:
    program, inputs, _ = subject(0)
    queue = MINI.queue["mem.e4"].number
    d = Debugger(program, inputs)
    d.go()
    found = d.stamp(queue, 3, 0)
    assert found is not None
    code, cycle = found
    after = d.state.slice(queue)[3].copy()
    d.goto(cycle + code.func - 1)
    assert d.stamp(queue, 3, 0) is None and not np.array_equal(d.state.slice(queue)[3], after)
    d.step()
    assert d.stamp(queue, 3, 0) == found and np.array_equal(d.state.slice(queue)[3], after)
