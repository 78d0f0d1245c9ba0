"""What lint finds: a program for each warning, and dead stores against a walk through every access."""

from __future__ import annotations

import numpy as np
import pytest
from programs import random_program

import lpuasm
from lpuasm.isa.core import table
from lpuasm.isa.errors import AssemblyError
from lpuasm.isa.program import Program
from lpuasm.profiling.lint import lint
from lpuasm.profiling.stores import _left, dead_stores

HEAD = """\
.target mini
.input  A : i8 [8, LANES] at mem.w0
.input  D : i8 [8, LANES] at mem.w1
.output C : i8 [8, LANES] at mem.e0
.output E : i8 [8, LANES] at mem.e1
"""


def codes(body: str) -> list[tuple[str, int]]:
    return [(d.code, d.span.line if d.span else 0) for d in lint(lpuasm.build(text=HEAD + body))]


def test_nothing_to_say() -> None:
    assert codes("flow copy:\n    read A -> s0.e\n    write s0.e -> C\n") == []


def test_streams_that_nothing_hears() -> None:
    body = "flow copy:\n    read A -> s0.e\n    write s0.e -> C\nflow lost:\n    read D -> s1.e\n"
    assert codes(body) == [("LPU1301", 10)]
    (found,) = lint(lpuasm.build(text=HEAD + body))
    assert found.message == "nothing hears 8 of the 8 values of `read`, on s1.e" and found.severity == "warning"
    cut = ".unit mem.w0\n    0: read A -> s0.e repeat 8\n.unit mem.e0\n    6: write s0.e -> C repeat 4\n"
    (found,) = lint(lpuasm.build(text=HEAD + cut))
    assert found.message.startswith("nothing hears 4 of the 8") and "only as often" in found.help


def test_stores_that_nothing_reads() -> None:
    again = "flow one:\n    read A -> s0.e\n    write s0.e -> C\nflow two:\n    read D -> s1.e\n    write s1.e -> C\n"
    assert codes(again)[0] == ("LPU1302", 8)
    temp = ".temp T : i8 [8, LANES] at mem.e3\n"
    temp += "flow one:\n    read A -> s0.e\n    write s0.e -> C\n    write s0.e -> T\n"
    assert codes(temp) == [("LPU1302", 10)]
    read = temp + "flow two:\n    read T -> s0.w\n    write s0.w -> D\n"
    assert ("LPU1302", 10) not in codes(read)


def test_a_wait_for_a_stream() -> None:
    body = "flow one:\n    read A -> s0.e\n    write s0.e -> C\nflow two:\n    read D -> {}.e\n    write {}.e -> E\n"
    (found,) = lint(lpuasm.build(text=HEAD + body.format("s0", "s0")))
    assert found.code == "LPU1303" and "stream s0.e" in found.message and "never used: s1.e" in found.help
    assert found.related[0].message == "one holds it"
    assert codes(body.format("s1", "s1")) == []


def test_idle_planes_beside_one_that_bounds() -> None:
    source = """\
.input  A : i8 [640, 320] at mem.w0
.weight W : i8 [320, 320] at mem.e[28..43]
.output C : i32 [640, 320] at mem.e[0..3]
flow all:
    read W -> sg16.e[0]
    lw   mxm.e0, sg16.e[0]
    iw   mxm.e0
    read A -> s16.e
    abc  mxm.e0, s16.e
    acc  mxm.e0 -> sg4.w[0]
    write sg4.w[0] -> C
"""
    (found,) = lint(lpuasm.build(text=source))
    assert found.code == "LPU1304" and found.span is not None and found.span.line == 9
    assert "mxm.e1, mxm.w0, mxm.w1" in found.message


def test_scalar_code_is_not_linted() -> None:
    with pytest.raises(AssemblyError):
        lint(lpuasm.build(text="ld r0, [A + 1]\nst [B], r0\n"))


def walked(program: Program) -> list[int]:
    """Dead vectors of each family, from every access in the order of time."""
    timeline, target = program.timeline, program.target
    dead = [0] * len(timeline.start)
    accesses = []
    by_data: set[int] = set()
    for k in range(len(dead)):
        instruction = table(target).decode(int(timeline.low[k]) | int(timeline.high[k]) << 64)
        if instruction.mnemonic in ("gather", "scatter"):
            by_data.add(int(timeline.queue[k]))
        if instruction.mnemonic not in ("read", "write"):
            continue
        address = instruction.values["address"]
        assert isinstance(address, int)
        issues = [(int(timeline.start[k]), address)]
        for count, every, step in zip(timeline.count[k], timeline.every[k], timeline.step[k], strict=True):
            issues = [(c + n * int(every), a + n * int(step)) for c, a in issues for n in range(int(count))]
        late = 3 if instruction.mnemonic == "write" else 0
        accesses += [(c + late, instruction.mnemonic == "write", int(timeline.queue[k]), a, k) for c, a in issues]
    pending: dict[tuple[int, int], int] = {}
    for _, writes, queue, address, k in sorted(accesses):
        if queue in by_data:
            continue
        before = pending.pop((queue, address), None)
        if writes:
            if before is not None:
                dead[before] += 1
            pending[queue, address] = k
    left = _left(program)
    for (queue, address), k in pending.items():
        dead[k] += not left[queue * target.words + address]
    return dead


@pytest.mark.parametrize("seed", range(40))
def test_dead_stores_of_random_programs(seed: int) -> None:
    program = random_program("mini", seed)
    if program is None:
        return
    assert dead_stores(program).tolist() == walked(program)
    lint(program)
    assert np.all(dead_stores(program) <= program.timeline.issues)
