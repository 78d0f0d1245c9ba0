"""The published numbers of the chip, measured: programs run, and a watch is kept on registers and memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import anchors
import numpy as np
import pytest
from chips import START, Octets, inject, peek
from words import Line, program

from lpuasm.isa.errors import Fault
from lpuasm.isa.operands import Dim
from lpuasm.isa.target import load_target
from lpuasm.vm.reference import Machine
from lpuasm.vm.show import cell

TSP1 = load_target("tsp1")
TAPS = TSP1.taps
ONES: Octets = np.ones((1, TSP1.lanes), np.uint8)
LATE = START + 400


def machine_of(queues: Mapping[str, list[Line]]) -> Machine:
    return Machine(program(TSP1, queues))


def until(machine: Machine, what: Callable[[], bool]) -> int:
    """The first cycle at whose end ``what`` is so."""
    for cycle in range(LATE):
        machine.run(until=cycle)
        if what():
            return cycle
    raise AssertionError("it never happens")


def arrival(queues: Mapping[str, list[Line]], group: str, register: int, *given: tuple[str, int, int, Octets]) -> int:
    """The first cycle in which a value is at a register, when ``given`` (group, register, cycle, rows) are put in."""
    machine = machine_of(queues)
    for where in given:
        inject(machine, *where)
    return until(machine, lambda: peek(machine, group, register) is not None)


def read(cycle: int, stream: str) -> Line:
    return cycle, "read", {"address": 0, "out": stream}


def alu(cycle: int, a: str, out: str | None = None) -> Line:
    return cycle, "identity", {"type": "i8", "a": a, "out": out}


@pytest.mark.parametrize("number", [0, 3, 14, 25, 40])
@pytest.mark.parametrize("hemisphere", ["w", "e"])
def test_read_alu_write_takes_12_and_2_for_each_quad(hemisphere: str, number: int) -> None:
    there, back = ("e", "w") if hemisphere == "w" else ("w", "e")
    queue = f"mem.{hemisphere}{number}"
    queues = {queue: [read(START, f"s1.{there}")]}
    at_alu = arrival(queues, f"s1.{there}", TAPS.vxm)
    queues["vxm.alu0"] = [alu(at_alu, f"s1.{there}", f"s2.{back}")]
    tap = TSP1.read_tap(TSP1.queue[queue], back)
    assert tap is not None
    at_slice = arrival(queues, f"s2.{back}", tap)
    queues[queue].append((at_slice, "write", {"address": 4096, "data": f"s2.{back}"}))
    machine = machine_of(queues)
    words = machine.state.slice(TSP1.queue[queue].number)
    words[0] = 7
    commit = until(machine, lambda: bool(words[4096].any()))
    assert np.array_equal(words[4096], words[0])
    assert commit - START == 12 + 2 * (number // TSP1.geometry.slices_per_quad)
    if number == 40:
        assert commit - START == anchors.READ_ALU_WRITE_SLICE_40


def test_a_read_of_slice_14_reaches_the_last_register_of_memory() -> None:
    cycle = arrival({"mem.e14": [read(START, "s0.e")]}, "s0.e", 35)
    assert cycle - START == anchors.SLICE_14_TO_SR35


def test_slice_14_to_slice_41() -> None:
    tap = TSP1.read_tap(TSP1.queue["mem.e41"], "e")
    assert tap is not None
    assert arrival({"mem.e14": [read(START, "s0.e")]}, "s0.e", tap) - START == anchors.SLICE_14_TO_SLICE_41


def chain(begin: int, alus: range, a: str, out: str) -> dict[str, list[Line]]:
    """ALUs one after the other, from a stream to a stream."""
    names = [f"vxm.alu{k}" for k in alus]
    last = len(names) - 1
    return {
        name: [alu(begin + 3 * k, names[k - 1] if k else a, out if k == last else None)] for k, name in enumerate(names)
    }


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_a_chain_of_alus(n: int) -> None:
    cycle = arrival(chain(START, range(n), "s1.e", "s2.e"), "s2.e", 24, ("s1.e", 19, START - 2, ONES))
    assert cycle - (START - 2) == 5 + 3 * n


def test_transposer_to_distributor() -> None:
    """Out of the west transposer, through three ALUs, into an east distributor and out of it."""
    transposed = ("sg16.w[0]", TAPS.sxm, START, np.ones((16, TSP1.lanes), np.uint8))
    values = {"in": "sg16.w[0]", "out": "sg16.e[1]"}
    queues: dict[str, list[Line]] = {"sxm.w.transpose0": [(START, "transpose", values)]}
    at_alu = arrival(queues, "s16.e", TAPS.vxm, transposed)
    queues |= chain(at_alu, range(4, 7), "s16.e", "s8.e")
    at_distributor = arrival(queues, "s8.e", TAPS.distribute, transposed)
    values = {"in": "sg8.e[1]", "map": "s0.e", "out": "sg8.e[1]"}
    machine = machine_of({**queues, "sxm.e.distribute1": [(at_distributor, "distribute", values)]})
    inject(machine, *transposed)
    for k in (0, 9, 10, 11, 12, 13, 14, 15):
        inject(machine, f"s{k}.e", TAPS.distribute, at_distributor, ONES)

    def distributed() -> bool:
        found = cell(machine.state, machine.cycle, "e", 8, TAPS.distribute + 1)
        return found is not None and found.queue == "sxm.e.distribute1"

    assert until(machine, distributed) - START == anchors.TRANSPOSE_VXM_DISTRIBUTE


def test_activation_to_result() -> None:
    """From SR44 to SR3, 13 + 34 cycles."""
    queues: dict[str, list[Line]] = {"mxm.e0.abc": [(START, "abc", {"type": "i8", "row": "s0.e"})]}
    taken = [c for c in range(START + 40, START + 50) if accepted(queues, c)]
    assert taken == [START + 46]
    queues["sxm.e.acc0"] = [(taken[0], "acc", {"type": "i32", "out": "sg4.w[0]"})]
    assert arrival(queues, "s0.w", 3, ("s0.e", 44, START, ONES)) - START == 13 + 34


def accepted(queues: Mapping[str, list[Line]], cycle: int) -> bool:
    """Whether ACC finds a result in ``cycle``."""
    machine = machine_of({**queues, "sxm.e.acc0": [(cycle, "acc", {"type": "i32", "out": "sg4.w[0]"})]})
    inject(machine, "s0.e", TAPS.mxm, START, ONES)
    try:
        machine.run()
    except Fault as fault:
        assert fault.code == "LPU0307"
        return False
    return True


def test_installing_a_plane_takes_20_groups() -> None:
    repeat = (Dim(anchors.INSTALL_CYCLES, 1, 1),)
    machine = machine_of({"mxm.e0.iw": [(START, "iw", {"type": "i8", "rows": "sg16.e[0]", "repeat": repeat})]})
    rows = np.ones((16, TSP1.lanes), np.uint8)
    for cycle in range(START, START + anchors.INSTALL_CYCLES):
        inject(machine, "sg16.e[0]", TAPS.mxm, cycle, rows)
    array = machine.state.array["e", 0]
    full = until(machine, lambda: bool(array.all()))
    assert full == START + anchors.INSTALL_CYCLES - 1 + 3


def test_weight_read_to_vxm() -> None:
    """A row of weights from quad 6, installed from the stream, multiplied; the first result at the VXM."""
    begin, first = START, anchors.WEIGHT_QUADS[0] * TSP1.geometry.slices_per_quad
    queues: dict[str, list[Line]] = {f"mem.e{first}": [read(begin, "s0.e")]}
    at_mxm = arrival(queues, "s0.e", TAPS.mxm)
    queues["mxm.e0.iw"] = [(at_mxm, "iw", {"type": "i8", "rows": "sg16.e[0]"})]
    queues["mxm.e0.abc"] = [(at_mxm + 3, "abc", {"type": "i8", "row": "s31.e"})]
    queues["sxm.e.acc0"] = [(at_mxm + 3 + 46, "acc", {"type": "i32", "out": "sg4.w[0]"})]
    others = [(f"s{k}.e", TAPS.mxm, at_mxm, 0 * ONES) for k in range(1, 16)]
    cycle = arrival(queues, "s0.w", TAPS.vxm, *others, ("s31.e", TAPS.mxm, at_mxm + 3, ONES))
    assert cycle - begin - anchors.LATER_READ == anchors.WEIGHT_READ_TO_VXM


def test_barrier() -> None:
    seen: list[int] = []
    queues: dict[str, list[Line]] = {"mem.w0": [(START, "notify", {})]}
    for queue in TSP1.queues[1:]:
        queues[queue.name] = [(0, "sync", {}), (None, "config", {"superlanes": 1})]
    Machine(
        program(TSP1, queues),
        trace=lambda cycle, code: seen.append(cycle) if code.definition.mnemonic == "config" else None,
    ).run()
    assert seen == [START + anchors.BARRIER] * (anchors.QUEUES - 1)


def test_the_last_superlane_is_19_cycles_behind() -> None:
    machine = machine_of({"mem.w0": [read(START, "s0.e")]})
    machine.run()
    assert machine.cycles == START + 1 + anchors.STAGGER + 1
