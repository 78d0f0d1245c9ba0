"""The fast engine against the reference engine: bits, cycles and faults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from agreement import differences, mnemonics
from programs import random_inputs, random_program
from words import Line, program

from lpuasm.asm.build import assemble
from lpuasm.isa.casts import DTYPES
from lpuasm.isa.core import table
from lpuasm.isa.layout import Layout
from lpuasm.isa.operands import Dim
from lpuasm.isa.program import Program, Tensor
from lpuasm.isa.target import load_target
from lpuasm.vm import observe
from lpuasm.vm.fast import run_fast
from lpuasm.vm.plan import make
from lpuasm.vm.reference import Machine

MINI = load_target("mini")


def tensor(name: str, kind: str, dtype: str, rows: int, slices: Iterable[str], address: int = 0) -> Tensor:
    places = tuple(MINI.queue[s].number for s in slices)
    layout = Layout(dtype, (rows, MINI.lanes), places, address, rows, MINI.lanes, 0, MINI.geometry.words_per_bank)
    return Tensor(name, kind, layout)


def agree(made: Program, **inputs: Any) -> None:
    assert differences(made, inputs) == []


@pytest.mark.parametrize("block", range(8))
def test_random_programs_on_mini(block: int) -> None:
    for seed in range(25 * block, 25 * (block + 1)):
        made = random_program("mini", seed)
        if made is not None:
            assert differences(made, random_inputs(made, seed)) == [], f"seed {seed}"


def test_random_programs_on_tsp1() -> None:
    for seed in range(4):
        made = random_program("tsp1", seed)
        if made is not None:
            assert differences(made, random_inputs(made, seed)) == [], f"seed {seed}"


def test_programs_as_they_were_drawn_end_in_the_same_faults() -> None:
    for seed in range(1000, 1120):
        made = random_program("mini", seed, legal=False)
        assert made is not None
        assert differences(made, random_inputs(made, seed)) == [], f"seed {seed}"


def test_every_instruction_occurs_in_random_programs() -> None:
    missing = {d.mnemonic for d in table() if d.unit != "seq"}
    for seed in range(400):
        if not missing:
            break
        made = random_program("mini", seed)
        missing -= mnemonics(made) if made else set()
    assert not missing


def scan(n: int, every: int) -> dict[str, list[Line]]:
    """x[i] = x[i−1] + y[i], one i32 word of mem.e0 … e3 after the other; y in mem.w0 … w3. The VXM is at SR 12."""
    queues: dict[str, list[Line]] = {}
    for k in range(4):
        queues[f"mem.w{k}"] = [(60, "read", {"address": 0, "out": f"s{k}.e", "repeat": (Dim(n, every, 1),)})]
        queues[f"mem.e{k}"] = [
            (60, "read", {"address": 0, "out": f"s{4 + k}.w", "repeat": (Dim(n, every, 1),)}),
            (69, "write", {"address": 1, "data": f"s{4 + k}.e", "repeat": (Dim(n, every, 1),)}),
        ]
    add = {"type": "i32", "a": "sg4.e[0]", "b": "sg4.w[1]", "out": "sg4.e[1]", "repeat": (Dim(n, every),)}
    queues["vxm.alu0"] = [(63, "add", add)]
    return queues


@pytest.mark.parametrize("every", [13, 14, 40])
def test_a_sum_that_is_added_to_its_own_result(every: int) -> None:
    tensors = [
        tensor("Y", "input", "i32", 30, [f"mem.w{k}" for k in range(4)]),
        tensor("X", "input", "i32", 1, [f"mem.e{k}" for k in range(4)]),
        tensor("S", "output", "i32", 31, [f"mem.e{k}" for k in range(4)]),
    ]
    made = program("mini", scan(30, every), tensors)
    rng = np.random.default_rng(0)
    y, x = (rng.integers(-(1 << 31), 1 << 31, (n, MINI.lanes)).astype(np.int32) for n in (30, 1))
    agree(made, Y=y, X=x)
    found = run_fast(made, {"Y": y, "X": x})["S"]
    assert np.array_equal(found, np.cumsum(np.concatenate((x, y)), axis=0, dtype=np.int32))


def test_a_recurrence_is_cut_no_finer_than_it_is_long() -> None:
    """Each word is added to the one eight before it, so eight of them go at once."""
    n = 64
    queues = scan(n, 2)
    for k in range(4):
        write = {"address": 8, "data": f"s{4 + k}.e", "repeat": (Dim(n, 2, 1),)}
        queues[f"mem.e{k}"][1] = (72, "write", write)
    repeat = (Dim(n, 2),)
    queues["vxm.alu0"] = [(63, "add", {"type": "i32", "a": "sg4.e[0]", "b": "sg4.w[1]", "repeat": repeat})]
    passed = {"type": "i32", "a": "vxm.alu0", "out": "sg4.e[1]", "repeat": repeat}
    queues["vxm.alu1"] = [(66, "identity", passed)]
    tensors = [
        tensor("Y", "input", "i32", n, [f"mem.w{k}" for k in range(4)]),
        tensor("S", "output", "i32", 72, [f"mem.e{k}" for k in range(4)]),
    ]
    made = program("mini", queues, tensors)
    agree(made, Y=np.random.default_rng(0).integers(0, 1000, (n, MINI.lanes)).astype(np.int32))
    adds = [s for s in make(made).steps if s.node.code and s.node.code.mnemonic == "add"]
    assert len(adds) == n // 8


def pieces(values: Mapping[int, str]) -> dict[str, list[Line]]:
    """Streams 0 … 3 eastward from the slices named, to an add, to mem.e0 … e3."""
    queues: dict[str, list[Line]] = {
        name: [(60 - (int(name[-1]) // 4), "read", {"address": 2, "out": f"s{k}.e", "repeat": (Dim(6, 1, 1),)})]
        for k, name in values.items()
    }
    queues["vxm.alu0"] = [(63, "add", {"type": "i32", "a": "sg4.e[0]", "b": 1, "out": "sg4.e[1]", "repeat": (Dim(6),)})]
    for k in range(4):
        queues[f"mem.e{k}"] = [(69, "write", {"address": 0, "data": f"s{4 + k}.e", "repeat": (Dim(6, 1, 1),)})]
    return queues


def test_bytes_of_one_value_from_several_places() -> None:
    """Three bytes of an i32 tensor, and one of another."""
    queues = pieces({0: "mem.w0", 1: "mem.w1", 2: "mem.w5", 3: "mem.w3"})
    tensors = [
        tensor("A", "input", "i32", 8, ["mem.w0", "mem.w1", "mem.w2", "mem.w3"]),
        tensor("B", "input", "i16", 8, ["mem.w4", "mem.w5"]),
        tensor("C", "output", "i32", 6, ["mem.e0", "mem.e1", "mem.e2", "mem.e3"]),
    ]
    rng = np.random.default_rng(0)
    a = rng.integers(-(1 << 31), 1 << 31, (8, MINI.lanes)).astype(np.int32)
    b = rng.integers(-(1 << 15), 1 << 15, (8, MINI.lanes)).astype(np.int16)
    made = program("mini", queues, tensors)
    agree(made, A=a, B=b)
    wanted = (a & ~0xFF0000) | ((b.view(np.uint16) >> 8).astype(np.int32) << 16)
    assert np.array_equal(run_fast(made, {"A": a, "B": b})["C"], wanted[2:] + 1)


def test_a_stream_and_a_word_are_found_again() -> None:
    made = random_program("mini", 7)
    assert made is not None
    inputs = random_inputs(made, 7)
    machine = Machine(made, inputs)
    state, seen = machine.state, 0
    while machine.step() and seen < 40:
        cycle = machine.cycle
        if cycle % 7:
            continue
        for way, direction in enumerate("ew"):
            for stream in range(0, 32, 5):
                for register in (3, 13, 20):
                    slot = (way, (cycle - register) & (state.ring - 1), stream)
                    there = state.diagonal[slot] == cycle - register and state.register[slot] <= register
                    if there or (cycle + stream) % 16 == 0:
                        found = observe.stream(made, inputs, direction, stream, register, cycle)
                        assert (found is not None) == bool(there)
                        assert found is None or np.array_equal(found, state.vectors[slot])
                        seen += bool(there)
        for number, words in state.memory.items():
            name = MINI.queues[number].name
            assert np.array_equal(observe.word(made, inputs, name, 3, cycle), words[3])
    assert seen


EXAMPLES = sorted((Path(__file__).parents[1] / "examples").rglob("*.s"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_examples(path: Path) -> None:
    made = assemble(path.read_text("utf-8"), str(path))
    if made.scalar or (made.cycles or 0) > 2000:
        pytest.skip("scalar code has engines of its own, and long programs are for the benchmarks")
    rng, given = np.random.default_rng(0), {}
    for x in made.tensors:
        if x.bound and x.layout is not None:
            dtype = DTYPES[x.layout.dtype]
            given[x.name] = rng.integers(0, 100, x.layout.shape).astype(dtype)
    agree(made, **given)
