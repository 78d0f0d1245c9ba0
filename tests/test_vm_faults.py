"""Every fault of the machine: what provokes it, in which cycle it happens, and who is charged with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from chips import START, blame, fault, inject, journey
from words import Line, program

import lpuasm
from lpuasm.isa.core import table
from lpuasm.isa.errors import AssemblyError, Entry, Fault, catalogue, is_session
from lpuasm.isa.operands import Dim
from lpuasm.isa.target import load_target
from lpuasm.vm.reference import Machine

MINI = load_target("mini")
TAP = MINI.taps.vxm
Queues = dict[str, list[Line]]


def read(cycle: int, stream: str, address: int = 0, *dims: Dim) -> Line:
    return cycle, "read", {"address": address, "out": stream, "repeat": dims}


def write(cycle: int, stream: str, address: int = 0, *dims: Dim) -> Line:
    return cycle, "write", {"address": address, "data": stream, "repeat": dims}


def alu(cycle: int, a: Any, **more: Any) -> Line:
    return cycle, "identity", {"type": "i8", "a": a, **more}


PASS, OVER = (journey(MINI, "mem.w0", "read", reader, "e") for reader in ("vxm.alu0", "mem.e0"))

#: (code, cycle, queue, the program)
CASES: list[tuple[str, int, str, Queues]] = [
    # Slices of a quad drive the same register; one of another quad meets the value a hop on.
    ("LPU0301", 8, "mem.w1", {"mem.w0": [read(7, "s5.e")], "mem.w1": [read(7, "s5.e")]}),
    ("LPU0302", PASS + 1, "vxm.alu0", {"mem.w0": [read(0, "s5.e")], "vxm.alu0": [alu(PASS + 1, "s5.e")]}),
    ("LPU0302", PASS, "vxm.alu0", {"mem.w0": [read(0, "s5.e")], "vxm.alu0": [alu(PASS, "s6.e")]}),
    ("LPU0302", 3, "mem.w0", {"vxm.alu0": [alu(9, 1, out="s5.e")], "mem.w0": [write(3, "s5.e")]}),
    (
        "LPU0303",
        OVER + 3,
        "mem.e0",
        {"mem.w0": [read(0, "s5.e")], "mem.e0": [write(OVER, "s5.e"), read(OVER + 3, "s1.e")]},
    ),
    ("LPU0304", 5, "mem.w0", {"mem.w0": [read(2, "s5.e", 0, Dim(2, 3)), read(5, "s6.e", 256)]}),
    ("LPU0305", 0, "mem.w0", {"mem.w0": [(0, "repeat", {"repeat": (Dim(2),)})]}),
    ("LPU0305", 1, "mem.w0", {"mem.w0": [read(0, "s5.e"), (1, "repeat", {"repeat": (Dim(2),)})]}),
    ("LPU0305", 3, "vxm.alu0", {"vxm.alu0": [(2, "notify", {}), (3, "repeat", {"repeat": (Dim(2),)})]}),
    ("LPU0305", 1, "vxm.alu0", {"vxm.alu0": [alu(0, 1), (1, "repeat", {"repeat": (Dim(2, 1, 1),)})]}),
    ("LPU0306", 4, "mxm.e1.iw", {"mxm.e0.iw": [(4, "clear", {"type": "f16"})], "mxm.e1.iw": [(4, "sync", {})]}),
    ("LPU0306", 4, "mxm.w1.iw", {"mxm.w1.iw": [(4, "clear", {"type": "f16"})]}),
    ("LPU0307", 6, "vxm.alu1", {"vxm.alu0": [alu(2, 1)], "vxm.alu1": [alu(6, "vxm.alu0")]}),
    ("LPU0307", 9, "sxm.e.acc0", {"sxm.e.acc0": [(9, "acc", {"type": "i32", "out": "sg4.w[0]"})]}),
    ("LPU0308", 3, "vxm.alu4", {"vxm.alu0": [alu(0, 1)], "vxm.alu4": [alu(3, "vxm.alu0")]}),
    ("LPU0308", 3, "vxm.alu9", {"vxm.alu0": [alu(0, 1)], "vxm.alu9": [alu(3, "vxm.alu0")]}),
    (
        "LPU0308",
        6,
        "vxm.alu2",
        {"vxm.alu1": [alu(0, 1)], "vxm.alu0": [alu(3, "vxm.alu1")], "vxm.alu2": [alu(6, "vxm.alu0")]},
    ),
    (
        "LPU0308",
        3,
        "vxm.alu1",
        {
            "vxm.alu0": [alu(0, 1)],
            "vxm.alu2": [alu(0, 1)],
            "vxm.alu1": [(3, "add", {"type": "i8", "a": "vxm.alu0", "b": "vxm.alu2"})],
        },
    ),
    ("LPU0309", 4, "mem.w3", {"mem.w3": [(4, "sync", {})], "mem.w4": [(4, "sync", {})]}),
    ("LPU0309", 40, "mem.w3", {"mem.w3": [(40, "sync", {})], "mem.w4": [(5, "notify", {})]}),
    ("LPU0310", 4, "mem.w3", {"mem.w3": [read(2, "s5.e", 510, Dim(9, 1, 1))]}),
    ("LPU0310", 3, "mem.w3", {"mem.w3": [read(2, "s5.e", 0, Dim(2, 1, -1))]}),
    ("LPU0311", 2, "mxm.e0.abc", {"mxm.e0.abc": [(2, "abc", {"type": "i8", "row": "s5.w"})]}),
    ("LPU0311", 2, "vxm.alu0", {"vxm.alu0": [alu(2, 1, out="s16.e")]}),
    ("LPU0311", 2, "vxm.alu1", {"vxm.alu1": [(2, "exp", {"type": "f32", "a": 1.0})]}),
    ("LPU0313", 2, "c2c.0", {"c2c.0": [(2, "receive", {"out": "s5.e", "link": 4})]}),
]


@pytest.mark.parametrize(("code", "cycle", "queue", "queues"), CASES)
def test_fault(code: str, cycle: int, queue: str, queues: Queues) -> None:
    assert blame(queues) == (cycle, queue, code)


def weights(group: int, repeat: tuple[Dim, ...] = ()) -> Machine:
    values: dict[str, Any] = {"type": "i8", "rows": "sg16.e[0]", "group": group}
    machine = Machine(program(MINI, {"mxm.e0.lw": [(3, "lw", values | ({"repeat": repeat} if repeat else {}))]}))
    for cycle in range(3, 8):
        inject(machine, "sg16.e[0]", MINI.taps.mxm, cycle, np.zeros((16, MINI.lanes), np.uint8))
    return machine


@pytest.mark.parametrize(("group", "repeat", "cycle"), [(2, (), 3), (0, (Dim(4, 1, 1),), 5), (1, (Dim(3, 1, -1),), 5)])
def test_a_group_of_weights_beyond_the_plane(group: int, repeat: tuple[Dim, ...], cycle: int) -> None:
    with pytest.raises(Fault, match="groups 0 … 1") as caught:
        weights(group, repeat).run()
    assert (caught.value.cycle, caught.value.code) == (cycle, "LPU0310")


def test_a_busy_link() -> None:
    lines: list[Line] = [(30, "send", {"data": "s4.e", "link": 2}), (52, "send", {"data": "s4.e", "link": 2})]
    machine = Machine(program(MINI, {"c2c.3": lines}))
    for cycle in (30, 52):
        inject(machine, "s4.e", MINI.taps.send, cycle, np.zeros((1, MINI.lanes), np.uint8))
    with pytest.raises(Fault, match="busy with the last vector until cycle 52") as caught:
        machine.run()
    assert (caught.value.cycle, caught.value.code) == (52, "LPU0312")


@pytest.mark.parametrize("mnemonic", ["gather", "scatter"])
def test_an_address_outside_the_slice(mnemonic: str) -> None:
    values = {"map": "s1.e", "out": "s2.e"} if mnemonic == "gather" else {"map": "s1.e", "data": "s1.e"}
    machine = Machine(program(MINI, {"mem.e0": [(START, mnemonic, values)]}))
    inject(machine, "s1.e", MINI.taps.mem_outbound[0], START, np.full((1, MINI.lanes), 2, np.uint8))
    with pytest.raises(Fault, match="superlane 0 of the map has address 514") as caught:
        machine.run()
    assert (caught.value.cycle, caught.value.code, caught.value.category) == (START, "LPU0701", "data")


def test_data_that_was_not_there_is_no_second_fault() -> None:
    found = fault({"sxm.e.permute0": [(40, "permute", {"in": "s0.e", "map": "sg2.e[1]", "out": "s0.e"})]})
    assert [d.code for d in found.diagnostics] == ["LPU0302", "LPU0302"]


def test_gather_and_read_of_one_slice() -> None:
    """A gather holds both banks in its cycle; a write lands in one of them three cycles after its dispatch."""
    lines = [write(PASS, "s3.e", 5), (PASS + 3, "gather", {"map": "s4.e", "out": "s5.e"})]
    machine = Machine(program(MINI, {"mem.e0": lines}))
    for stream, cycle in (("s3.e", PASS), ("s4.e", PASS + 3)):
        inject(machine, stream, MINI.taps.mem_outbound[0], cycle, np.zeros((1, MINI.lanes), np.uint8))
    with pytest.raises(Fault, match=r"bank 0 of mem\.e0") as caught:
        machine.run()
    assert (caught.value.cycle, caught.value.code) == (PASS + 3, "LPU0303")


# The order of faults: cycle, number of the queue, code.


def test_the_earliest_cycle_comes_first() -> None:
    assert blame({"mem.w0": [write(9, "s0.e")], "mem.e7": [write(8, "s0.e")]}) == (8, "mem.e7", "LPU0302")


def test_in_a_cycle_the_lowest_queue_comes_first() -> None:
    found = fault({"vxm.alu0": [alu(8, "s0.e")], "mem.e7": [write(8, "s0.e")], "mem.w2": [write(8, "s9.w")]})
    assert (found.cycle, found.queue) == (8, "mem.w2")
    assert len(found.diagnostics) == 3


def test_in_a_queue_the_lowest_code_comes_first() -> None:
    queues: Queues = {"mem.w0": [write(2, "s5.e", 600)], "mem.e0": [write(1, "s5.e")]}
    assert blame(queues) == (1, "mem.e0", "LPU0302")
    assert [d.code for d in fault({"mem.w0": [write(2, "s5.e", 600)]}).diagnostics] == ["LPU0302", "LPU0310"]


def test_a_drive_is_charged_in_the_cycle_in_which_it_lands() -> None:
    """Two drives of cycle 8, dispatched in cycles 4 and 7, against a read of cycle 8 in an earlier queue."""
    ours = MINI.drive_tap(MINI.queue["vxm.alu0"], "e")
    assert ours == TAP + 1
    queues: Queues = {
        "vxm.alu0": [alu(4, 1, out="s5.e")],
        "vxm.alu1": [alu(4, 1, out="s5.e")],
        "mem.e3": [write(8, "s0.e")],
    }
    assert blame(queues) == (8, "mem.e3", "LPU0302")
    del queues["mem.e3"]
    assert blame(queues) == (8, "vxm.alu1", "LPU0301")


@pytest.mark.parametrize(("released", "first"), [(False, (3, "mem.w0", "LPU0309")), (True, (50, "mem.e7", "LPU0302"))])
def test_a_sync_that_is_never_released_comes_first_if_it_was_reached_first(
    released: bool, first: tuple[int, str, str]
) -> None:
    """Whether it is, only what comes after the other fault can tell."""
    queues: Queues = {"mem.w0": [(3, "sync", {})], "mem.e7": [write(50, "s0.e")]}
    if released:
        queues["mem.w1"] = [(90, "notify", {})]
    assert blame(queues) == first


def test_a_machine_does_not_go_on_after_a_fault() -> None:
    machine = Machine(program(MINI, {"mem.e7": [write(8, "s0.e")]}))
    for _ in range(2):
        with pytest.raises(Fault):
            machine.run()
    assert machine.cycle == 8


@pytest.mark.parametrize(
    "entry", [e for e in catalogue().values() if e.code.startswith("LPU03") and not is_session(e.bad)]
)
def test_examples_of_the_catalogue(entry: Entry) -> None:
    """The assembler may refuse them before they run."""
    with pytest.raises((AssemblyError, Fault)) as caught:
        Machine(lpuasm.build(text=entry.bad)).run()
    assert caught.value.code == entry.code
    if entry.good:
        Machine(lpuasm.build(text=entry.good)).run()


# What a fault says.


def test_silence_says_when_the_value_is_there() -> None:
    found = fault({"mem.w0": [read(0, "s5.e")], "vxm.alu0": [alu(PASS + 2, "s5.e")]})
    (diagnostic,) = found.diagnostics
    assert diagnostic.message == f"cycle {PASS + 2}, vxm.alu0: nothing was driven on s5.e at SR{TAP}"
    assert diagnostic.label == "`identity.i8 s5.e`, word 1 of vxm.alu0"
    assert diagnostic.help == f"the nearest value of s5.e is there in cycle {PASS}, 2 cycles earlier"


def test_a_double_drive_names_the_other_party() -> None:
    (diagnostic,) = fault({"mem.w0": [read(7, "s5.e")], "mem.w1": [read(7, "s5.e")]}).diagnostics
    assert diagnostic.message == "cycle 8, mem.w1: s5.e is driven twice at SR10"
    assert [r.message for r in diagnostic.related] == ["the other is `read 0x0 -> s5.e`, word 1 of mem.w0"]


# What the programmer meant: rows of reader queue, word, operand, stream, writer queue, word.

W0, W4, ALU = (MINI.queue[name].number for name in ("mem.w0", "mem.w4", "vxm.alu0"))
OPERAND = [o.name for o in table(MINI).named("identity")[0].operands].index("a")
FAR = journey(MINI, "mem.w4", "read", "vxm.alu0", "e")
AT = 20  # when the value of mem.w0 is at the VXM


def hears(writer: int, others: int, at: int) -> Machine:
    """An ALU that listens in cycle ``at`` and is to hear ``writer``; mem.w4 is heard in cycle ``others``."""
    queues: Queues = {"mem.w0": [read(AT - PASS, "s5.e")], "mem.w4": [read(others - FAR, "s5.e")]}
    given = program(MINI, queues | {"vxm.alu0": [alu(at, "s5.e")]}, intent=[(ALU, 1, OPERAND, 5, writer, 1)])
    return Machine(given)


def test_what_was_meant_is_heard() -> None:
    hears(W0, AT + 1, AT).run()
    hears(W4, AT + 1, AT + 1).run()


@pytest.mark.parametrize(
    ("writer", "others", "at", "message", "help"),
    [
        (W0, AT - 1, AT - 1, "the value of s5.e is late", "there in cycle 20, 1 cycle later"),
        (W0, AT + 2, AT + 2, "the value of s5.e is early", "there in cycle 20, 2 cycles earlier"),
        (W4, AT, AT, "the value of s5.e was stolen: another word drove over it at SR10", ""),
        (ALU, AT + 1, AT, "s5.e at SR12 holds another word's value", ""),
    ],
)
def test_another_value_than_was_meant(writer: int, others: int, at: int, message: str, help: str) -> None:
    with pytest.raises(Fault) as caught:
        hears(writer, others, at).run()
    (diagnostic,) = caught.value.diagnostics
    assert (caught.value.cycle, caught.value.queue, diagnostic.code) == (at, "vxm.alu0", "LPU0314")
    assert message in diagnostic.message
    assert help in diagnostic.help
    assert diagnostic.related[0].message.startswith("the other is `read 0x0 -> s5.e`")


def test_any_of_the_writers_will_do() -> None:
    queues: Queues = {"mem.w0": [read(AT - PASS, "s5.e")], "vxm.alu0": [alu(AT, "s5.e")]}
    rows = [(ALU, 1, OPERAND, 5, W4, 0), (ALU, 1, OPERAND, 5, W0, 1)]
    Machine(program(MINI, queues, intent=rows)).run()
