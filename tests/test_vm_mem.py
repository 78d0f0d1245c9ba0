"""Memory slices: reads, writes, gathers, scatters and their address generators, against nested loops."""

from __future__ import annotations

import numpy as np
from chips import START, Octets, inject, journey, peek, seen, vector
from hypothesis import given, settings
from hypothesis import strategies as st
from words import program

from lpuasm.isa.operands import Dim
from lpuasm.isa.target import load_target
from lpuasm.vm.reference import Machine

MINI = load_target("mini")
LANES = MINI.lanes
RNG = np.random.default_rng(5)


def fill(machine: Machine, queue: str) -> Octets:
    """Puts random words in a slice; returns a copy."""
    words = machine.state.slice(MINI.queue[queue].number)
    words[:] = vector(RNG, *words.shape)
    return words.copy()


def test_a_read_stands_in_its_register_a_cycle_later() -> None:
    machine = Machine(program(MINI, {"mem.w3": [(START, "read", {"address": 300, "out": "s7.e"})]}))
    words = fill(machine, "mem.w3")
    tap = MINI.drive_tap(MINI.queue["mem.w3"], "e")
    assert tap is not None
    machine.run(until=START)
    assert peek(machine, "s7.e", tap) is None
    machine.run(until=START + 1)
    assert np.array_equal(seen(machine, "s7.e", tap), words[300:301])
    machine.run(until=START + 4)
    assert peek(machine, "s7.e", tap) is None
    assert np.array_equal(seen(machine, "s7.e", tap + 3), words[300:301])


def test_a_write_changes_its_word_three_cycles_later() -> None:
    machine = Machine(program(MINI, {"mem.e6": [(START, "write", {"address": 9, "data": "s7.w"})]}))
    row = vector(RNG, 1, LANES)
    tap = MINI.read_tap(MINI.queue["mem.e6"], "w")
    assert tap is not None
    inject(machine, "s7.w", tap, START, row)
    number = MINI.queue["mem.e6"].number
    machine.run(until=START + 2)
    assert not machine.state.slice(number).any()
    machine.run(until=START + 3)
    assert np.array_equal(machine.state.slice(number)[9], row[0])


def addressed(addresses: Octets) -> Octets:
    """A map: an address for each superlane, the other bytes 255."""
    out = np.full((len(addresses), 16), 255, np.uint8)
    out[:, 0], out[:, 1] = addresses & 255, addresses >> 8
    return out.reshape(1, -1)


def test_gather() -> None:
    values = {"map": "s1.w", "out": "s2.w"}
    machine = Machine(program(MINI, {"mem.e5": [(START, "gather", values)]}))
    words, addresses = fill(machine, "mem.e5"), np.array([511, 3])
    tap = MINI.read_tap(MINI.queue["mem.e5"], "w")
    assert tap is not None
    inject(machine, "s1.w", tap, START, addressed(addresses))
    machine.run(until=START + 2)
    wanted = np.concatenate([words[511, :16], words[3, 16:]])
    assert np.array_equal(seen(machine, "s2.w", tap + 1), wanted[None])


def test_scatter() -> None:
    values = {"data": "s2.w", "map": "s1.e"}
    machine = Machine(program(MINI, {"mem.e5": [(START, "scatter", values)]}))
    words, addresses, row = fill(machine, "mem.e5"), np.array([4, 256]), vector(RNG, 1, LANES)
    for stream, rows in (("s1.e", addressed(addresses)), ("s2.w", row)):
        tap = MINI.read_tap(MINI.queue["mem.e5"], stream[-1])
        assert tap is not None
        inject(machine, stream, tap, START, rows)
    machine.run(until=START + 3)
    words[4, :16], words[256, 16:] = row[0, :16], row[0, 16:]
    assert np.array_equal(machine.state.slice(MINI.queue["mem.e5"].number), words)


@st.composite
def nests(draw: st.DrawFn) -> tuple[tuple[Dim, ...], int]:
    """A nest of up to three dimensions, and an address from which it stays inside a slice of mini."""
    dims: list[Dim] = []
    span = 0
    for _ in range(draw(st.integers(0, 3))):
        dim = Dim(draw(st.integers(2, 4)), span + draw(st.integers(1, 5)), draw(st.integers(-20, 20)))
        dims.append(dim)
        span += (dim.count - 1) * dim.every
    low = sum(min(0, (d.count - 1) * d.step) for d in dims)
    high = sum(max(0, (d.count - 1) * d.step) for d in dims)
    return tuple(dims), draw(st.integers(-low, MINI.words - 1 - high))


def loops(dims: tuple[Dim, ...], base: int) -> list[tuple[int, int]]:
    """(cycles after the first, address) of every issue, by plain loops, the first dimension innermost."""
    inner, middle, outer = (*dims, *[Dim(1, 1, 0)] * (3 - len(dims)))
    return [
        (i * inner.every + j * middle.every + k * outer.every, base + i * inner.step + j * middle.step + k * outer.step)
        for k in range(outer.count)
        for j in range(middle.count)
        for i in range(inner.count)
    ]


@settings(max_examples=60, deadline=None)
@given(nest=nests())
def test_address_generators_are_nested_loops(nest: tuple[tuple[Dim, ...], int]) -> None:
    """What one slice reads in a nest, another stores word after word; a queue is free as soon as it has begun."""
    dims, base = nest
    issues = loops(dims, base)
    reader = [(5, "read", {"address": base, "out": "s0.e", "repeat": dims})]
    arrives = 5 + journey(MINI, "mem.w1", "read", "mem.e1", "e")
    writer = [(arrives + t, "write", {"address": k, "data": "s0.e"}) for k, (t, _) in enumerate(issues)]
    given_program = program(MINI, {"mem.w1": reader, "mem.e1": writer})
    machine = Machine(given_program)
    words = fill(machine, "mem.w1")
    machine.run()
    stored = machine.state.slice(MINI.queue["mem.e1"].number)[: len(issues)]
    assert np.array_equal(stored, words[[address for _, address in issues]])
    assert machine.cycles == given_program.cycles == arrives + issues[-1][0] + 3 + 1 + 1


def test_a_slice_reads_and_writes_in_every_cycle_in_different_banks() -> None:
    """A slice moves its own lower bank to its upper one: write generator behind read generator, both at full rate."""
    loop = journey(MINI, "mem.e4", "read", "vxm.alu0", "w") + journey(MINI, "vxm.alu0", "identity", "mem.e4", "e")
    nest = (Dim(200, 1, 1),)
    through = {"type": "i8", "a": "s3.w", "out": "s3.e", "repeat": (Dim(200),)}
    machine = Machine(
        program(
            MINI,
            {
                "mem.e4": [
                    (0, "read", {"address": 0, "out": "s3.w", "repeat": nest}),
                    (loop, "write", {"address": 256, "data": "s3.e", "repeat": nest}),
                ],
                "vxm.alu0": [(journey(MINI, "mem.e4", "read", "vxm.alu0", "w"), "identity", through)],
            },
        )
    )
    words = fill(machine, "mem.e4")
    machine.run()
    assert np.array_equal(machine.state.slice(MINI.queue["mem.e4"].number)[256:456], words[:200])
