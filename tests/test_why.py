"""Why an element is what it is: the instructions that `why` names are those that change it when they are spoiled."""

from __future__ import annotations

from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from tainted import events, spoiled

from lpuasm.front import build
from lpuasm.isa.casts import DTYPES
from lpuasm.isa.core import table
from lpuasm.isa.errors import LpuError
from lpuasm.isa.operands import Streams
from lpuasm.isa.program import Program
from lpuasm.vm.debug import Debugger
from lpuasm.vm.demand import demand
from lpuasm.vm.locate import where
from lpuasm.vm.places import places
from lpuasm.vm.sxm import OPERATIONS
from lpuasm.vm.why import why

EXAMPLES = Path(__file__).parent.parent / "examples"
#: Issues that are spoiled for one element, besides all that `why` names.
OTHERS = 12

SWITCHES = """\
.target mini
.input  A : i8 [16, 32] at mem.e[0..7]
.input  B : i8 [8, 32] at mem.e0
.output T : i8 [16, 32] at mem.e[0..7]
.output R : i8 [8, 32] at mem.e1
.output L : i32 [8, 32] at mem.e[4..7]
flow turn:
    read        B -> s0.e
    shift_wide  s0.e, 16 -> s0.w
    write       s0.w -> R
flow keep:
    read  B -> s0.w
    cast.i8.i32 s0.w -> sg4.w[1]  @alu0
    write sg4.w[1] -> mem.w[4..7][0x40]  repeat 8
flow again:
    read  mem.w[4..7][0x40] -> sg4.e[0]  repeat 8
    mul.i32 sg4.e[0], 3 -> sg4.e[1]
    write sg4.e[1] -> L
"""


def given(program: Program) -> dict[str, Any]:
    """Inputs without zeros, so that no product hides its other operand; addresses stay in their tables."""
    random, found = np.random.default_rng(3), {}
    for tensor in program.tensors:
        if tensor.bound and tensor.layout is not None:
            dtype, shape = DTYPES[tensor.layout.dtype], tensor.layout.shape
            if dtype.kind == "f":
                found[tensor.name] = (random.uniform(0.5, 2, shape)).astype(dtype)
            else:
                found[tensor.name] = random.integers(1, 100, shape).astype(dtype)
    return found


def map_of(rows: int, count: int) -> np.ndarray:
    """A map for gather: 16 bits a superlane, in lanes 0 and 1 of it."""
    out = np.zeros((count, 320), np.uint8)
    out[:, ::16] = np.random.default_rng(1).integers(0, rows // 2, (count, 20)) * 2 % 256
    return out


CASES = [
    ("02_add.s", {"M": 4}, "Z", True),
    ("03_matmul.s", {"M": 6}, "C", True),
    ("04_matmul_f16.s", {"M": 3}, "C", True),
    ("05_transpose.s", {"B": 1}, "Y", True),
    ("06_gather.s", {"V": 64, "M": 8}, "Y", True),
    ("07_matmul_tiled.s", {"M": 4, "K": 640, "N": 640}, "C", True),
    # A value that is rounded to fewer bits may come out as it was.
    ("08_linear.s", {"M": 4}, "Y", False),
    ("09_layer_norm.s", {"M": 4}, "Y", False),
]


@pytest.mark.parametrize(("name", "defines", "tensor", "exact"), CASES, ids=[c[0] for c in CASES])
def test_why_names_what_brute_force_finds(name: str, defines: dict[str, int], tensor: str, exact: bool) -> None:
    program = build(EXAMPLES / name, defines=defines)
    inputs = given(program)
    if name == "06_gather.s":
        layout = program.tensor["Map"].layout
        assert layout is not None
        inputs["Map"] = map_of(64, layout.shape[0]).astype(DTYPES[layout.dtype])[:, : layout.shape[1]]
    hold(program, inputs, tensor, exact, Random(name))


@pytest.mark.parametrize("tensor", ["R", "L"])
def test_why_through_units_and_memory(tensor: str) -> None:
    program = build(text=SWITCHES)
    hold(program, given(program), tensor, True, Random(tensor))


def hold(program: Program, inputs: dict[str, Any], tensor: str, exact: bool, random: Random) -> None:
    layout = program.tensor[tensor].layout
    assert layout is not None
    debugger = Debugger(program, inputs)
    debugger.go()
    end = debugger.cycle
    every = events(program, inputs)
    for _ in range(2):
        index = tuple(random.randrange(n) for n in layout.shape)
        found = {(made.code.identity, made.cycle) for made in why(debugger, tensor, index).made}
        assert debugger.cycle == end and found <= set(every)
        named = random.sample(sorted(found), min(len(found), OTHERS))
        others = random.sample(sorted(set(every) - found), min(len(every) - len(found), OTHERS))
        for event in others:
            assert not spoiled(program, inputs, event, tensor)[index], (index, event)
        changed = [bool(spoiled(program, inputs, event, tensor)[index]) for event in named]
        assert all(changed) if exact else any(changed), (index, named)


MOVES = [
    ("shift", {"lanes": 5}, (4, 4)),
    ("shift", {"lanes": -16}, (1, 1)),
    ("shift_wide", {"lanes": 16}, (2, 2)),
    ("select", {}, (2, 2)),
    ("permute", {}, (4, 4)),
    ("distribute", {"bypass": 0b101}, (8, 8)),
    ("rotate", {"n": 3}, (1, 16)),
    ("rotate", {"n": 4}, (1, 16)),
    ("transpose", {}, (16, 16)),
    ("transpose_null", {"order": 0x0123456789ABCD0F}, (16, 16)),
    ("broadcast", {"lane": 9}, (2, 2)),
]


@pytest.mark.parametrize(("mnemonic", "numbers", "sizes"), MOVES, ids=[f"{m} {n}" for m, n, _ in MOVES])
def test_a_byte_needs_the_bytes_that_change_it(mnemonic: str, numbers: dict[str, int], sizes: tuple[int, int]) -> None:
    """Of the bytes that the switch moves: exactly those are needed whose change changes the result."""
    random = np.random.default_rng(5)
    lanes, (size, made) = 32, sizes
    operands = {"in": size} if mnemonic != "select" else {"north": size, "south": size, "mask": 1}
    inputs = {name: random.integers(1, 255, (n, lanes)).astype(np.uint8) for name, n in operands.items()}
    if mnemonic == "select":
        inputs["mask"] = random.choice([0, 255], (1, lanes)).astype(np.uint8)
        inputs["south"] = inputs["north"] ^ 0x55
    if mnemonic == "permute":
        inputs["map"] = np.stack([random.permutation(lanes), np.zeros(lanes, int)]).astype(np.uint8)
    if mnemonic == "distribute":
        inputs["map"] = random.integers(0, 17, (1, lanes)).astype(np.uint8)

    def result(values: dict[str, Any]) -> np.ndarray:
        out: list[np.ndarray] = []
        chip = SimpleNamespace(
            sample=lambda issue, name: values[name], drive=lambda issue, name, rows: out.append(rows)
        )
        OPERATIONS[mnemonic](cast(Any, chip), cast(Any, SimpleNamespace(code=code)))
        return out[0]

    definition = table().named(mnemonic)[0]
    groups = {**operands, "map": len(inputs.get("map", ())), "out": made}
    streams = [o.name for o in definition.operands if o.kind == "streams"]
    ports = {name: SimpleNamespace(streams=Streams("e", 0, groups[name])) for name in streams}
    code = cast(Any, SimpleNamespace(definition=definition, ports=ports, number=numbers.__getitem__))
    good = result(inputs)
    assert good.shape == (made, lanes)
    changes = {}
    for name, count in operands.items():
        for k, lane in np.ndindex(count, lanes):
            other = {**inputs, name: inputs[name].copy()}
            other[name][k, lane] ^= 255
            changes[name, k, lane] = result(other) != good
    for k, lane in [(random.integers(made), random.integers(lanes)) for _ in range(12)]:
        wanted = np.zeros((made, lanes), np.bool_)
        wanted[k, lane] = True
        needed = demand(code, wanted, inputs.__getitem__)
        for (name, stream, at), changed in changes.items():
            mask = needed.get(name)
            assert (mask is not None and bool(mask[stream, at])) == bool(changed[k, lane]), (name, stream, at)


def test_a_chain_is_told_with_hops_values_and_what_was_given() -> None:
    program = build(EXAMPLES / "03_matmul.s", defines={"M": 6})
    inputs = given(program)
    debugger = Debugger(program, inputs)
    debugger.go()
    chain = why(debugger, "C", (3, 7))
    names = [m.code.definition.mnemonic for m in chain.made]
    assert names[:7] == [*["write"] * 4, "acc", "abc", "iw"] and sorted(names[7:]) == ["lw", "read", "read"]
    total = int(inputs["A"][3].astype(int) @ inputs["W"][7].astype(int))
    acc = next(m for m in chain.made if m.code.definition.mnemonic == "acc")
    assert np.ascontiguousarray(acc.value[:, 7]).view("<i4")[0] == total
    for made in chain.made:
        for hop in made.hops:
            assert hop.heard > hop.driven and hop.cycle == made.cycle + made.code.func + hop.heard - hop.driven
    assert {(q, a) for q, a, _ in chain.given} == {
        (p.queue, p.address) for p in (places(program, "A", (3, 0))[0], places(program, "W", (7, 0))[0])
    }


def test_where_follows_an_element_across_the_chip() -> None:
    """At each cycle an element of the input is in SRAM, and on its stream one register further than before."""
    program = build(EXAMPLES / "02_add.s", defines={"M": 4})
    inputs = given(program)
    debugger = Debugger(program, inputs)
    seen = {}
    octets = inputs["X"][2, 5].tobytes()
    while debugger.step().reason != "end":
        for s in where(debugger, "X", (2, 5)):
            assert s.value == octets[s.place.byte]
            if s.kind == "stream":
                seen.setdefault(s.place.byte, []).append((debugger.cycle, s.register))
    for path in seen.values():
        assert [r - path[0][1] for _, r in path] == [c - path[0][0] for c, _ in path] == list(range(len(path)))
    assert set(seen) == {0, 1, 2, 3}


def test_where_says_what_will_be_stored_and_when() -> None:
    program = build(EXAMPLES / "02_add.s", defines={"M": 4})
    debugger = Debugger(program, given(program))
    kinds = []
    while debugger.step().reason != "end":
        found = [s for s in where(debugger, "Z", (2, 5)) if s.place.byte == 0]
        kinds.append([s.kind for s in found][-1])
    assert list(dict.fromkeys(kinds)) == ["later", "coming", "memory"]


@pytest.mark.parametrize(("name", "index"), [("Q", (0, 0)), ("C", (0,)), ("C", (6, 0)), ("C", (-1, 0))])
def test_what_is_no_element_is_said(name: str, index: tuple[int, ...]) -> None:
    program = build(EXAMPLES / "03_matmul.s", defines={"M": 6})
    debugger = Debugger(program, given(program))
    for ask in (why, where):
        with pytest.raises(LpuError) as caught:
            ask(debugger, name, index)
        assert caught.value.code == "LPU1210"
