"""What is done to a plan so that it runs fast: bits, cycles and faults are those of a plan to which it was not done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from agreement import differences
from numpy.typing import NDArray
from programs import random_inputs, random_program

from lpuasm import stdlib
from lpuasm.asm.build import assemble
from lpuasm.isa.errors import Fault
from lpuasm.isa.program import Program
from lpuasm.vm import plan as planning
from lpuasm.vm.bind import bind
from lpuasm.vm.fast import execute, run_fast
from lpuasm.vm.plan import make
from lpuasm.vm.steps import Step
from lpuasm.vm.twins import _MOST

Given = Mapping[str, NDArray[Any]]
OPERATIONS = ("add", "sub", "mul", "max")


def plainly(program: Program, given: Given, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """The outputs of the plan as it is resolved."""
    with monkeypatch.context() as patch:
        patch.setattr(planning, "whole", lambda net, resolved: None)
        patch.setattr(planning, "twins", lambda net, resolved: None)
        patch.setattr(planning, "soon", list)
        made = make(program)
    assert not any(s.node.members or (s.node.kind == "sxm" and s.node.kept) for s in made.steps)
    work = execute(program, made, bind(program, given))
    return {name: array.tobytes() for name, array in work.outputs.items()}


def outputs(program: Program, given: Given) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in run_fast(program, given).outputs.items()}


def joined(program: Program) -> list[Step]:
    return [s for s in make(program).steps if s.node.members]


def stage(rng: np.random.Generator, name: str, source: str, to: str, rows: int, members: int) -> list[str]:
    """Flows that do the same to a part of ``source`` each: to rows that follow one another, or to every so many."""
    n = rows // members

    def part(tensor: str, turns: bool) -> str:
        return f"{tensor}[i:{rows}:{members}, :]" if turns else f"{tensor}[{n} * i : +{n}, :]"

    ways = [bool(w) for w in rng.integers(0, 2, 3)]
    side, operation = "w" if source == "T" else "e", rng.choice(OPERATIONS)
    lines = [
        f".for i in 0..{members}",
        f"    flow {name}{{i}}:",
        f"        read {part(source, ways[0])} -> sg4.{side}[0]",
    ]
    if rng.integers(2):
        lines.append(f"        {operation} sg4.{side}[0], {rng.choice([1.5, -0.25])} -> sg4.{side}[2]")
    else:
        lines.append(f"        read {part('Y', ways[1])} -> sg4.w[1]")
        lines.append(f"        {operation} sg4.w[1], sg4.{side}[0] -> sg4.{side}[2]")
    return [*lines, f"        write sg4.{side}[2] -> {part(to, ways[2])}", ".endfor"]


def drawn(seed: int) -> tuple[Program, dict[str, NDArray[Any]]]:
    """Two stages of a few members each, one after the other."""
    rng = np.random.default_rng(seed)
    members = int(rng.choice([2, 4, 8]))
    rows = members * int(rng.choice([1, 2, 4, 6]))
    lines = [".target mini", *(f".input {x} : f32 [{rows}, LANES] at mem.{h}[0..3]" for x, h in ("Xw", "Ye"))]
    lines += [f".temp T : f32 [{rows}, LANES] at mem.e[4..7]", f".output Z : f32 [{rows}, LANES] at mem.w[4..7]"]
    lines += stage(rng, "a", "X", "T", rows, members) + stage(rng, "b", "T", "Z", rows, members)
    made = assemble("\n".join([*lines, ""]), "drawn.s")
    given = {x: rng.standard_normal((rows, made.target.lanes)).astype(np.float32) for x in "XY"}
    given["X"][rng.integers(rows)] = rng.choice([np.nan, np.inf, -0.0, 0.0])
    return made, given


@pytest.mark.parametrize("seed", range(30))
def test_stages_of_many_members(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made, given = drawn(seed)
    assert len(joined(made)) >= 2
    assert differences(made, given) == []
    assert outputs(made, given) == plainly(made, given, monkeypatch)


def test_members_that_follow_each_other_and_that_take_turns_occur() -> None:
    turns = {s.node.turns > 1 for seed in range(30) for s in joined(drawn(seed)[0])}
    assert turns == {True, False}


CHAIN = """
.target mini
.input  X : f32 [4, LANES] at mem.w[0..3]
.input  S : f32 [1, LANES] at mem.e[0..3]
.temp   A : f32 [5, LANES] at mem.e[4..7]
.output Z : f32 [4, LANES] at mem.w[4..7]
flow begin:
    read     S -> sg4.w[0]
    identity sg4.w[0] -> sg4.e[0]
    write    sg4.e[0] -> A[0, :]
.for i in 0..4
    flow sum{i}:
        read  X[i, :] -> sg4.e[0]
        read  A[i, :] -> sg4.w[1]
        add   sg4.e[0], sg4.w[1] -> sg4.e[2], sg4.w[2]
        write sg4.e[2] -> A[i + 1, :]
        write sg4.w[2] -> Z[i, :]
.endfor
"""


def test_what_needs_one_another_stays_apart() -> None:
    """All four take a vector of X, and each the sum before it: they are no twins."""
    made = assemble(CHAIN, "chain.s")
    rng = np.random.default_rng(0)
    given = {name: rng.standard_normal((n, made.target.lanes)).astype(np.float32) for name, n in (("X", 4), ("S", 1))}
    assert not joined(made)
    assert differences(made, given) == []


SPREAD = """
.target mini
.input  X : f32 [16, LANES] at mem.e[0..3]
.input  U : f32 [16, LANES] at mem.w[0..3]
.input  M : u8 [4, LANES] at mem.e4
.output Z : f32 [16, LANES] at mem.w[4..7]
.for i in 0..4
    flow spread{i}:
        read       X[4 * i : +4, :] -> sg4.e[0]
        read       U[4 * i : +4, :] -> sg4.e[1]
        read       M[i, :] -> s8.e repeat 4 step 0
        distribute sg8.e[0], s8.e -> sg8.e[0]
        shift      sg4.e[0], 0 -> sg4.w[0]
        write      sg4.w[0] -> Z[4 * i : +4, :]
.endfor
"""


@pytest.mark.parametrize("most", [1, 16, 17, 40])
def test_distributions_and_their_faults(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made = assemble(SPREAD, "spread.s")
    assert {s.node.code.mnemonic for s in joined(made) if s.node.code} == {"distribute", "shift"}
    for seed in range(6):
        rng = np.random.default_rng(seed)
        given: dict[str, Any] = {x: rng.standard_normal((16, made.target.lanes)).astype(np.float32) for x in "XU"}
        lanes = made.target.lanes if seed % 2 else 1
        given["M"] = np.zeros((4, made.target.lanes), np.uint8) + rng.integers(0, most, (4, lanes), np.uint8)
        assert differences(made, given) == []
        try:
            found = outputs(made, given)
        except Fault:
            assert given["M"].max() > 16
        else:
            assert found == plainly(made, given, monkeypatch)


def test_a_wrong_map_is_charged_to_the_word_that_took_it() -> None:
    made = assemble(SPREAD, "spread.s")
    given: dict[str, Any] = {x: np.zeros((16, made.target.lanes), np.float32) for x in "XU"}
    cycles = []
    for wrong in range(4):
        given["M"] = np.zeros((4, made.target.lanes), np.uint8)
        given["M"][wrong, 5] = 17
        with pytest.raises(Fault) as fault:
            run_fast(made, given)
        assert fault.value.code == "LPU0703"
        cycles.append(fault.value.cycle)
    assert cycles == sorted(set(cycles))


BYTES = """
.target mini
.input  X : f32 [8, LANES] at mem.e[0..3]
.output Z : f32 [8, LANES] at mem.e[4..7]
.output B : u8 [8, LANES] at mem.w0
flow one:
    read     X -> sg4.e[0]
    shift    sg4.e[0], {lanes} -> sg4.w[0]
    write    sg4.w[0] -> Z
    write.u8 s{byte}.w -> B
"""


@pytest.mark.parametrize(("lanes", "byte"), [(0, 0), (3, 1), (-5, 3)])
def test_bytes_of_what_is_moved_whole(lanes: int, byte: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made = assemble(BYTES.format(lanes=lanes, byte=byte), "bytes.s")
    given = {"X": np.random.default_rng(0).standard_normal((8, made.target.lanes)).astype(np.float32)}
    assert [s.node.kept for s in make(made).steps if s.node.kind == "sxm"] == ["i32"]
    assert differences(made, given) == []
    assert outputs(made, given) == plainly(made, given, monkeypatch)


SOME_STREAMS = """
.target mini
.input  X : f32 [8, LANES] at mem.e[0..3]
.input  Y : f32 [8, LANES] at mem.e[4..7]
.output Z : {kind} [8, LANES] at mem.w[0..{last}]
flow one:
    read  X -> sg4.e[0]
    read  Y -> sg4.e[1]
    shift sg8.e[0], 3 -> sg8.w[0]
    write{suffix} {streams} -> Z
"""


@pytest.mark.parametrize(("first", "size"), [(0, 4), (4, 4), (2, 1), (7, 1)])
def test_streams_that_nobody_hears_are_left_out(first: int, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, suffix = ("f32", "") if size == 4 else ("u8", ".u8")
    streams = f"sg{size}.w[{first // size}]" if size > 1 else f"s{first}.w"
    made = assemble(SOME_STREAMS.format(kind=kind, last=size - 1, suffix=suffix, streams=streams), "streams.s")
    x, y = np.random.default_rng(0).standard_normal((2, 8, made.target.lanes)).astype(np.float32)
    (step,) = (s for s in make(made).steps if s.node.kind == "sxm")
    assert step.node.kept == ("i32" if size == 4 else "u8")
    assert outputs(made, {"X": x, "Y": y}) == plainly(made, {"X": x, "Y": y}, monkeypatch)
    there = np.zeros((8, made.target.lanes, 4), np.uint8)
    there[:, 3:] = (y if first >= 4 else x).view(np.uint8).reshape(8, -1, 4)[:, :-3]
    assert outputs(made, {"X": x, "Y": y})["Z"] == there[:, :, first % 4 : first % 4 + size].tobytes()


def library() -> list[tuple[str, tuple[Any, ...]]]:
    rng = np.random.default_rng(0)
    f16, f32 = rng.standard_normal((2, 40, 330)).astype(np.float16), rng.standard_normal((70, 330)).astype(np.float32)
    heads = rng.standard_normal((2, 70, 16)).astype(np.float16)
    return [
        ("softmax", (f32,)),
        ("softmax", (f16[0],)),
        ("layer_norm", (f16[0], f16[0, 0], f16[0, 1])),
        ("attention", (heads, heads, heads)),
        ("reduce_max", (f16[0],)),
        ("matmul", (f16[0], f16[1].T)),
    ]


@pytest.mark.parametrize("index", range(len(library())), ids=[name for name, _ in library()])
def test_kernels(index: int, monkeypatch: pytest.MonkeyPatch) -> None:
    name, operands = library()[index]
    call = getattr(stdlib, name).prepare(*operands)
    program = getattr(stdlib, name).program(dtype=call.dtype, **call.dims)
    given = call.inputs(program)
    assert outputs(program, given) == plainly(program, given, monkeypatch)
    assert all(s.node.count <= _MOST for s in joined(program))


def test_transpositions_of_all_bytes_are_one() -> None:
    name, operands = library()[0]
    call = getattr(stdlib, name).prepare(*operands)
    program = getattr(stdlib, name).program(dtype=call.dtype, **call.dims)
    steps = make(program).steps
    turned = [s for s in steps if s.node.kept == "i32" and s.node.code and s.node.code.mnemonic == "transpose"]
    assert turned
    assert all(len(s.fetches) == 16 and s.node.count == 16 * s.fetches[0].count for s in turned)


def test_random_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(60):
        made = random_program("mini", seed)
        if made is None:
            continue
        given = random_inputs(made, seed)
        try:
            found = outputs(made, given)
        except Fault:
            continue
        assert found == plainly(made, given, monkeypatch), f"seed {seed}"


def test_steps_come_after_what_they_hear() -> None:
    name, operands = library()[3]
    call = getattr(stdlib, name).prepare(*operands)
    steps = make(getattr(stdlib, name).program(dtype=call.dtype, **call.dims)).steps
    maker = {n: k for k, s in enumerate(steps) for n in s.makes}
    assert all(maker[n] < k for k, s in enumerate(steps) for n in s.heard if n in maker)
    # What is made is taken soon: more often than not by the very next step.
    assert sum(steps[k].node.number in steps[k + 1].heard for k in range(len(steps) - 1)) > len(steps) / 2
