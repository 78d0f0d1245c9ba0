"""Mutants of the examples: the verdict is what a run of the reference engine ends in, for every one.

`python bench/mutants.py` makes thousands; here are some of each example.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice
from random import Random

import pytest
from mutants import mutants, put_together, taken_apart
from test_floors import example
from test_vm_verdict import agree, by_arithmetic

from lpuasm.asm.build import assemble
from lpuasm.isa.program import Program

#: The examples in sizes that run in a blink; flows on mini that use what they leave out.
FAST = {"02_add": 60, "05_transpose": 50, "06_gather": 60}
SLOW = {"03_matmul": 20, "04_matmul_f16": 8, "07_matmul_tiled": 8, "08_linear": 20, "09_layer_norm": 20}

MINI = """
.target mini
.input  A : i8 [6, LANES] at mem.w0
.input  B : i8 [2, LANES] at mem.w1
.weight W : i8 [32, LANES] at mem.w[0..7] mem.e[0..7]
.output C : i8 [6, LANES] at mem.e0 banks run 1
.output D : i32 [6, LANES] at mem.e[4..7]
flow install:
    read  W -> sg16.e[0]
    lw    mxm.e0, sg16.e[0]
    iw    mxm.e0
flow multiply:
    read  A -> s16.e
    abc   mxm.e0, s16.e
    acc   mxm.e0 -> sg4.w[0]
    write sg4.w[0] -> D
flow keep:
    read     B[0:1, :] -> s8.e
    identity s8.e  keep 1  @alu0
flow chain:
    read  A -> s0.e  repeat 6 every 2
    add   s0.e, latch -> %x  @alu0
    mul   %x, 3 -> %y, s1.e
    sub   %y, 1 -> s2.e
    write s1.e -> C
    write s2.e -> mem.e2[0]  repeat 6 every 2
flow over:
    read B -> s4.e  repeat 2 every 23
    send s4.e link 0
flow back:
    receive -> s5.w link 1  repeat 2 every 5
    write   s5.w -> mem.w6[0]  repeat 2 every 5
flow again:
    read  C -> s6.w
    write s6.w -> mem.w4[0x20]  repeat 6
"""


def program_of(name: str) -> Program:
    return assemble(MINI) if name == "mini" else example(name)


@pytest.mark.parametrize("name", ["mini", *FAST, *SLOW])
def test_what_is_taken_apart_is_put_together_again(name: str) -> None:
    program = program_of(name)
    again = put_together(program, taken_apart(program))
    assert by_arithmetic(again) is None
    assert again.cycles == program.cycles
    assert len(again.intent) == len(program.intent)


@pytest.mark.parametrize(("name", "count"), [("mini", 200), *FAST.items(), *SLOW.items()])
def test_mutants(name: str, count: int) -> None:
    codes: Counter[str] = Counter()
    for what, mutant in islice(mutants(program_of(name), Random(name)), count):
        try:
            agree(mutant)
        except AssertionError as e:
            raise AssertionError(what) from e
        found = by_arithmetic(mutant)
        codes["legal" if found is None else found[2]] += 1
    if count >= 50:
        assert len(codes) > 2, "mutants that are all alike test little"
