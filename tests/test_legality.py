"""The verdict: every code, random programs against every event listed, against the reference engine, and at scale."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from events import Fault, events
from schedules import Line, build, programs
from words import program

from lpuasm.isa.errors import AssemblyError
from lpuasm.isa.errors import Fault as RunFault
from lpuasm.isa.faults import TELLINGS, describe
from lpuasm.isa.legality import MOST, check, verdict
from lpuasm.isa.operands import Dim
from lpuasm.isa.program import Program
from lpuasm.isa.target import load_target, parse_target
from lpuasm.vm.reference import Machine

MINI = load_target("mini")
NUMBER = {q.name: q.number for q in MINI.queues}
READ = {"address": 0, "out": "s5.e"}
WRITE = {"data": "s5.e", "address": 0}


def i8(a: Any, b: Any = "latch", **more: Any) -> dict[str, Any]:
    return {"type": "i8", "a": a, "b": b, **more}


#: Programs by code, with the cycle and the queue of the first fault. mem.e0 drives SR16, where mem.e4 … e7 listen.
PROVOKED: dict[str, list[tuple[dict[str, list[Any]], int, str]]] = {
    "LPU0301": [
        ({"mem.e0": [(4, "read", READ)], "mem.e1": [(4, "read", READ)]}, 5, "mem.e1"),
        ({"mem.e0": [(4, "read", READ)], "mem.e1": [(0, "read", {**READ, "repeat": (Dim(9, 2, 0),)})]}, 5, "mem.e1"),
        ({"vxm.alu0": [(4, "add", i8(1, out="s5.e"))], "vxm.alu1": [(4, "add", i8(1, out="s5.e"))]}, 8, "vxm.alu1"),
    ],
    "LPU0302": [
        ({"mem.e4": [(2, "write", WRITE)]}, 2, "mem.e4"),
        ({"mem.e0": [(0, "read", READ)], "mem.e4": [(1, "write", {**WRITE, "repeat": (Dim(2),)})]}, 2, "mem.e4"),
        ({"mem.e4": [(0, "read", READ)], "mem.e0": [(1, "write", WRITE)]}, 1, "mem.e0"),
        ({"mxm.e0.abc": [(3, "ifetch", {"text": "sg2.e[0]"})]}, 3, "mxm.e0.abc"),
    ],
    "LPU0303": [
        ({"mem.e0": [(0, "read", READ), (1, "gather", {"map": "s5.w", "out": "s6.w"})],
          "mem.e4": [(1, "write", WRITE), (4, "read", {"address": 255, "out": "s6.e"})]}, 1, "mem.e0"),
        ({"mem.e0": [(0, "read", READ)], "mem.e4": [(1, "write", WRITE), (4, "read", {"address": 9, "out": "s6.e"})]},
         4, "mem.e4"),
        ({"mem.e0": [(0, "read", {**READ, "repeat": (Dim(9),)})],
          "mem.e4": [(1, "write", {"data": "s5.e", "address": 254, "repeat": (Dim(4),)}),
                     (4, "read", {"address": 254, "out": "s6.w", "repeat": (Dim(4, 1, -1),)})]}, 4, "mem.e4"),
    ],
    "LPU0304": [
        ({"mem.e0": [(0, "read", {**READ, "repeat": (Dim(3, 2, 0),)}), (4, "read", {**READ, "address": 300})]},
         4, "mem.e0"),
    ],
    "LPU0305": [
        ({"mem.e0": [(0, "read", READ), (1, "repeat", {"repeat": (Dim(2),)})]}, 1, "mem.e0"),
        ({"vxm.alu3": [(7, "repeat", {"repeat": (Dim(2),)})]}, 7, "vxm.alu3"),
        ({"mxm.e0.iw": [(0, "clear", {"type": "i8", "repeat": (Dim(2, 1, 1),)})]}, 1, "mxm.e0.iw"),
    ],
    "LPU0306": [
        ({"mxm.e1.iw": [(2, "iw", {"type": "f16"})]}, 2, "mxm.e1.iw"),
        ({"mxm.e0.iw": [(0, "clear", {"type": "f16", "repeat": (Dim(5),)})],
          "mxm.e1.iw": [(3, "sync", {})], "mem.e0": [(9, "notify", {})]}, 3, "mxm.e1.iw"),
        ({"sxm.w.acc0": [(0, "acc", {"type": "f32", "out": "sg4.e[0]"})],
          "sxm.w.acc1": [(0, "config", {"superlanes": 1})]}, 0, "sxm.w.acc0"),
    ],
    "LPU0307": [
        ({"vxm.alu1": [(0, "add", i8("vxm.alu0"))]}, 0, "vxm.alu1"),
        ({"vxm.alu0": [(0, "add", {**i8(1), "repeat": (Dim(3),)})],
          "vxm.alu1": [(4, "add", {**i8("vxm.alu0"), "repeat": (Dim(3),)})]}, 6, "vxm.alu1"),
        ({"sxm.e.acc0": [(46, "acc", {"type": "i32", "out": "sg4.w[0]"})]}, 46, "sxm.e.acc0"),
    ],
    "LPU0308": [
        ({"vxm.alu0": [(0, "add", i8(1))], "vxm.alu4": [(3, "add", i8("vxm.alu0"))]}, 3, "vxm.alu4"),
        ({"vxm.alu0": [(0, "add", i8(1))], "vxm.alu9": [(3, "add", i8("vxm.alu0"))]}, 3, "vxm.alu9"),
        ({"vxm.alu0": [(0, "add", i8(1))], "vxm.alu1": [(3, "add", i8("vxm.alu0"))],
          "vxm.alu4": [(6, "add", i8("vxm.alu1"))]}, 6, "vxm.alu4"),
        ({"vxm.alu0": [(0, "add", i8(1))], "vxm.alu2": [(0, "add", i8(1))],
          "vxm.alu1": [(3, "add", i8("vxm.alu0", "vxm.alu2"))]}, 3, "vxm.alu1"),
    ],
    "LPU0309": [
        ({"mem.e0": [(5, "sync", {})], "mem.e1": [(0, "read", READ)]}, 5, "mem.e0"),
        ({"mem.e0": [(40, "sync", {})], "mem.e1": [(5, "notify", {})]}, 40, "mem.e0"),
    ],
    "LPU0310": [
        ({"mem.e0": [(0, "read", {**READ, "address": 500, "repeat": (Dim(3), Dim(3, 5, 6))})]}, 10, "mem.e0"),
        ({"mem.e0": [(0, "read", {"address": 5, "out": "s5.e", "repeat": (Dim(9, 2, -2),)})]}, 6, "mem.e0"),
        ({"mem.e0": [(0, "read", READ)],
          "sxm.e.select0": [(8, "broadcast", {"in": "s5.e", "lane": 32, "out": "s5.w"})]}, 8, "sxm.e.select0"),
    ],
    "LPU0311": [
        ({"sxm.e.acc0": [(0, "acc", {"type": "i32", "out": "sg4.e[0]"})]}, 0, "sxm.e.acc0"),
        ({"vxm.alu0": [(3, "add", i8(1, out="s16.e"))]}, 3, "vxm.alu0"),
        ({"vxm.alu1": [(3, "exp", {"type": "f32", "a": 1.0})]}, 3, "vxm.alu1"),
        ({"c2c.3": [(3, "receive", {"out": "s1.e", "link": 0})]}, 3, "c2c.3"),
    ],
    "LPU0312": [
        ({"mem.e0": [(0, "read", {"address": 0, "out": "s5.e", "repeat": (Dim(40),)})],
          "c2c.3": [(9, "send", {"data": "s5.e", "link": 1})], "c2c.4": [(31, "send", {"data": "s5.e", "link": 1})]},
         31, "c2c.4"),
    ],
    "LPU0313": [
        ({"mem.e0": [(0, "read", {"address": 0, "out": "s5.e", "repeat": (Dim(40),)})],
          "c2c.3": [(9, "send", {"data": "s5.e", "link": 1}), (226, "receive", {"out": "s1.w", "link": 0})],
          "c2c.4": [(300, "receive", {"out": "s1.w", "link": 0})]}, 300, "c2c.4"),
    ],
}  # fmt: skip


def first(made: Program) -> Fault | None:
    found = verdict(made)
    return (found[0].cycle, found[0].queue, found[0].code) if found else None


def by_running(made: Program) -> tuple[Fault | None, int]:
    """The first fault of the reference engine, and the cycles that it ran."""
    machine = Machine(made)
    try:
        machine.run()
    except RunFault as fault:
        return (fault.cycle, made.target.queue[fault.queue].number, fault.code), machine.cycles
    return None, machine.cycles


@pytest.mark.parametrize("code", PROVOKED)
def test_each_code_can_be_provoked(code: str) -> None:
    for queues, cycle, queue in PROVOKED[code]:
        made = program("mini", queues)
        faults = events(made).faults
        assert (cycle, NUMBER[queue]) == min(faults)[:2]
        assert first(made) == min(faults) == by_running(made)[0]
        assert any(v.code == code for v in verdict(made))


def test_the_provoked_faults_are_told() -> None:
    for code, cases in PROVOKED.items():
        for queues, _, _ in cases:
            made = program("mini", queues)
            with pytest.raises(AssemblyError) as caught:
                check(made)
            told = {d.code: d for d in caught.value.diagnostics}
            assert f"word {verdict(made)[0].word} of" in caught.value.diagnostics[0].message
            assert told[code].help
    assert set(PROVOKED) | {"LPU0314"} == set(TELLINGS)


def stolen(late: int) -> Program:
    """mem.e4 is to hear mem.w0, and mem.e0 is in between; ``late`` moves the write."""
    made = program("mini", {
        "mem.w0": [(0, "read", {"address": 0, "out": "s5.e", "repeat": (Dim(4),)})],
        "mem.e0": [(5, "read", {"address": 0, "out": "s5.e", "repeat": (Dim(4),)})],
        "mem.e4": [(7 + late, "write", {"data": "s5.e", "address": 0})],
    })  # fmt: skip
    return replace(made, intent=np.array([[NUMBER["mem.e4"], 1, 1, 5, NUMBER["mem.w0"], 0]], np.int32))


def test_another_value_than_was_meant_is_stolen_late_or_not_there() -> None:
    (fault,) = verdict(stolen(0))
    assert (fault.cycle, fault.code, fault.late_by, fault.other_queue) == (7, "LPU0314", 0, NUMBER["mem.e0"])
    assert "driven over" in describe(stolen(0), fault).message
    (fault,) = verdict(stolen(4))
    assert (fault.cycle, fault.code, fault.late_by) == (11, "LPU0302", 1)
    unmeant = replace(stolen(0), intent=np.zeros((0, 6), np.int32))
    assert verdict(unmeant) == ()


def test_a_late_operand_says_by_how_much() -> None:
    made = program("mini", {"mem.e0": [(4, "read", READ)], "mem.e4": [(8, "write", WRITE)]})
    (fault,) = verdict(made)
    assert (fault.place, fault.late_by) == ("s5.e at SR16", 3)
    assert "3 cycles earlier" in describe(made, fault).help


def test_faults_come_in_order_and_not_in_thousands() -> None:
    made = program("mini", {"mem.e4": [(2 * k, "write", WRITE) for k in range(500)]})
    found = verdict(made)
    assert len(found) == MOST
    assert [v.cycle for v in found] == [2 * k for k in range(MOST)]


@pytest.mark.parametrize("chip, seeds", [("mini", 80), ("tsp1", 10)])
def test_random_programs_against_every_event_listed(chip: str, seeds: int) -> None:
    target = load_target(chip)
    told: set[str] = set()
    for seed in range(seeds):
        for made in programs(target, seed, mutants=15):
            faults = events(made).faults
            found = verdict(made)
            assert first(made) == min(faults, default=None), seed
            assert {(v.cycle, v.queue, v.code) for v in found} <= faults, seed
            assert [v.order for v in found] == sorted(v.order for v in found)
            told |= {v.code for v in found}
    assert chip == "tsp1" or told == set(TELLINGS)


@pytest.mark.parametrize("chip, seeds", [("mini", 60), ("tsp1", 10)])
def test_random_programs_against_the_reference_engine(chip: str, seeds: int) -> None:
    target = load_target(chip)
    for seed in range(1000, 1000 + seeds):
        for made in programs(target, seed):
            ran, cycles = by_running(made)
            if ran and ran[2].startswith("LPU07"):
                continue
            assert first(made) == ran, seed
            assert ran or made.cycles == cycles, seed


def test_other_chips_have_other_times() -> None:
    """One bank a slice, two links, an ALU operation and a write with times of their own."""
    text = MINI.text
    for old, new in (
        ("banks               = 2", "banks = 1"),
        ("vxm          = 12", "vxm = 11"),
        ("links               = 16", "links = 2"),
        ("loopback      = [1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14]", "loopback = [1, 0]"),
    ):
        assert old in text
        text = text.replace(old, new)
    text += """
        [timing."vxm.add"]
        link = 5
        func = 7
        source = "ours"
        [timing."mem.write"]
        skew = 2
        func = 4
        source = "ours"
    """
    target = parse_target(text, "other.toml")
    for seed in range(30):
        for made in programs(target, seed):
            ran, cycles = by_running(made)
            if ran and ran[2].startswith("LPU07"):
                continue
            assert first(made) == ran, seed
            assert ran or made.cycles == cycles, seed


def test_programs_without_words_are_legal() -> None:
    assert verdict(Program(MINI, {})) == ()
    assert verdict(Program(MINI, {"seq": np.zeros((3, 2), np.uint64)})) == ()
    check(program("mini", {"mem.w0": [(0, "nop", {"count": 3})]}))


def test_repeats_are_taken_whole() -> None:
    """Billions of issues, at three intervals."""
    nest = (Dim(200, 1, 0), Dim(300, 201, 0), Dim(65536, 60301, 0))
    lines = [
        Line("vxm.alu0", 0, "add", i8(1, out="s5.e", repeat=nest)),
        Line("vxm.alu4", 0, "add", i8(1, out="s9.e", repeat=(Dim(65536, 60301, 0),))),
        Line("mxm.e0.abc", 4 + 26 - 13, "abc", {"type": "i8", "row": "s5.e", "repeat": nest}),
        Line("sxm.e.acc0", 4 + 26 - 13 + 46, "acc", {"type": "i32", "out": "sg4.w[0]", "repeat": nest}),
    ]
    made, placed = build(MINI, lines)
    assert len(placed) == 4
    begin = time.process_time()
    assert verdict(made) == ()
    shifted, _ = build(MINI, [lines[0], replace(lines[2], cycle=lines[2].cycle + 1)])
    assert first(shifted) == (4 + 26 - 13 + 200, NUMBER["mxm.e0.abc"], "LPU0302")
    assert time.process_time() - begin < 3


def test_many_that_collide_are_refused_at_once() -> None:
    lines = [Line(f"mem.w{k}", c, "read", {"address": 0, "out": "s5.w", "repeat": (Dim(4000, 1, 0),)})
             for k in range(8) for c in range(0, 4_000_000, 4000)]  # fmt: skip
    made, _ = build(MINI, lines)
    begin = time.process_time()
    assert first(made) == (1, NUMBER["mem.w1"], "LPU0301")
    assert time.process_time() - begin < 5
