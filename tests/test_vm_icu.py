"""Queues in time: what dispatches when, by running; links; and the table of functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from chips import Octets, inject, peek, seen, vector
from words import Line, program

from lpuasm.isa.core import table
from lpuasm.isa.operands import Dim
from lpuasm.isa.target import load_target
from lpuasm.vm import icu
from lpuasm.vm.code import Code
from lpuasm.vm.reference import Machine
from lpuasm.vm.units import operation

MINI = load_target("mini")
BARRIER, PERIOD = MINI.barrier.latency, MINI.c2c.hac_period
IMMEDIATE = {"type": "i8", "a": 1}


def dispatches(queues: dict[str, list[Line]]) -> list[tuple[int, str, str]]:
    """(cycle, queue, mnemonic) of every dispatch, which must also be what the timeline says."""
    seen: list[tuple[int, str, str]] = []
    given = program(MINI, queues)

    def trace(cycle: int, code: Code) -> None:
        seen.append((cycle, code.queue.name, code.definition.mnemonic))

    machine = Machine(given, trace=trace)
    machine.run()
    assert machine.cycles == given.cycles
    return sorted(seen)


def test_every_instruction_has_a_function() -> None:
    for definition in table(MINI):
        if definition.unit != "seq" and definition.mnemonic not in icu.CONTROL:
            assert callable(operation(definition))
    assert icu.CONTROL.keys() <= {d.mnemonic for d in table(MINI)}


def test_nop_idles_the_queue() -> None:
    seen = dispatches({"vxm.alu0": [(0, "identity", IMMEDIATE), (1, "nop", {"count": 7}), (8, "identity", IMMEDIATE)]})
    assert seen == [(0, "vxm.alu0", "identity"), (8, "vxm.alu0", "identity")]


def test_repeat_holds_the_queue_and_nests() -> None:
    nest = (Dim(3, 2), Dim(2, 10))
    seen = dispatches({"vxm.alu0": [(4, "identity", {**IMMEDIATE, "repeat": nest}), (19, "identity", IMMEDIATE)]})
    assert [cycle for cycle, _, _ in seen] == [4, 6, 8, 14, 16, 18, 19]


def test_config_has_no_effect() -> None:
    assert dispatches({"sxm.e.acc1": [(3, "config", {"superlanes": 1})]}) == [(3, "sxm.e.acc1", "config")]


@pytest.mark.parametrize(
    ("queue", "tap"), [("mem.e0", MINI.taps.mem_outbound[0]), ("mxm.e0.lw", MINI.taps.mxm), ("sxm.e.acc0", 21)]
)
def test_ifetch_samples_two_streams(queue: str, tap: int) -> None:
    machine = Machine(program(MINI, {queue: [(30, "ifetch", {"text": "sg2.e[3]"})]}))
    inject(machine, "sg2.e[3]", tap, 30, np.zeros((2, MINI.lanes), np.uint8))
    machine.run()
    assert machine.cycles == 30 + 1 + 1


def test_notify_releases_every_sync_that_was_there_before() -> None:
    seen = dispatches(
        {
            "mem.w0": [(5, "notify", {})],
            "vxm.alu0": [(0, "sync", {}), (None, "identity", IMMEDIATE)],
            "vxm.alu1": [(4 + BARRIER, "sync", {}), (None, "identity", IMMEDIATE)],
            "vxm.alu2": [(5 + BARRIER, "sync", {}), (None, "identity", IMMEDIATE)],
            "vxm.alu3": [(20, "notify", {})],
        }
    )
    released = {queue: cycle for cycle, queue, mnemonic in seen if mnemonic == "identity"}
    assert released == {"vxm.alu0": 5 + BARRIER, "vxm.alu1": 5 + BARRIER, "vxm.alu2": 20 + BARRIER}


def test_a_released_queue_may_release_others() -> None:
    seen = dispatches(
        {
            "mem.w0": [(0, "notify", {})],
            "mem.w1": [(0, "sync", {}), (None, "notify", {})],
            "mem.w2": [(0, "sync", {}), (None, "sync", {}), (None, "config", {"superlanes": 2})],
        }
    )
    assert seen[-1] == (2 * BARRIER, "mem.w2", "config")


def test_deskew_waits_for_the_counter() -> None:
    seen = dispatches({"c2c.0": [(PERIOD, "deskew", {"link": 0}), (None, "config", {"superlanes": 2})]})
    assert seen == [(PERIOD, "c2c.0", "deskew"), (2 * PERIOD, "c2c.0", "config")]


def test_transmit_notifies_over_a_link() -> None:
    seen = dispatches(
        {"c2c.0": [(3, "transmit", {"link": 5})], "mem.e7": [(0, "sync", {}), (None, "config", {"superlanes": 2})]}
    )
    assert seen[-1] == (3 + MINI.c2c.latency + BARRIER, "mem.e7", "config")


def linked(sends: list[tuple[int, Octets]], receives: list[int]) -> list[Octets]:
    """What a loop of links 2 → 3 hands over."""
    lines: dict[str, list[Line]] = {
        "c2c.3": [(t, "send", {"data": "s4.e", "link": 2}) for t, _ in sends],
        "c2c.4": [(t, "receive", {"out": "s5.w", "link": 3}) for t in receives],
    }
    machine = Machine(program(MINI, lines))
    for t, row in sends:
        inject(machine, "s4.e", MINI.taps.send, t, row)
    out: list[Octets] = []
    for t in receives:
        machine.run(until=t + 1)
        out.append(seen(machine, "s5.w", MINI.taps.receive))
    return out


def test_vectors_go_over_a_link_in_order() -> None:
    rng = np.random.default_rng(1)
    rows: list[Any] = [vector(rng, 1, MINI.lanes) for _ in range(2)]
    busy, latency = MINI.c2c.packet_cycles, MINI.c2c.latency
    got = linked([(30, rows[0]), (30 + busy, rows[1])], [30 + latency + 40, 30 + latency + 41])
    assert np.array_equal(got[0], rows[0])
    assert np.array_equal(got[1], rows[1])
    got = linked([(30, rows[0])], [30 + latency])
    assert np.array_equal(got[0], rows[0])


def test_a_machine_stops_in_any_cycle() -> None:
    lines: list[Line] = [(5, "identity", {**IMMEDIATE, "out": "s0.e"})]
    machine = Machine(program(MINI, {"vxm.alu0": lines}))
    machine.run(until=7)
    assert (machine.cycle, machine.done) == (7, False)
    assert machine.step()
    assert machine.cycle == 9
    assert peek(machine, "s0.e", MINI.taps.vxm + 1) is not None
    assert not machine.step()
    assert machine.done


def test_progress_is_told_about_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(np.arange(0, 100, 0.4))
    monkeypatch.setattr("lpuasm.vm.reference.time.monotonic", lambda: next(clock))
    ticks: list[int] = []
    lines: list[Line] = [(0, "identity", {**IMMEDIATE, "repeat": (Dim(9),)})]
    Machine(program(MINI, {"vxm.alu0": lines})).run(progress=ticks.append)
    assert ticks == [2, 5, 8]
