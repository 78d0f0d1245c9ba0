"""Who wrote an element: compared with listing every issue of every word."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from words import program

from lpuasm.isa.layout import Layout, scatter_rows
from lpuasm.isa.operands import Dim
from lpuasm.isa.program import Program
from lpuasm.origin import Place, place, writer


@st.composite
def nests(draw: st.DrawFn) -> tuple[Dim, ...]:
    dims, span = [], 0
    for _ in range(draw(st.integers(0, 3))):
        count, every = draw(st.integers(2, 4)), span + draw(st.integers(1, 3))
        dims.append(Dim(count, every, draw(st.integers(-3, 3))))
        span += (count - 1) * every
    return tuple(dims)


def issues(program: Program, queue: int) -> list[tuple[int, int, int]]:
    """(cycle, address, word) of every write of a slice."""
    t, out = program.timeline, []
    for row in np.flatnonzero(t.queue == queue):
        base = int(t.low[row]) >> 8 & 0x1FFF
        for i in product(*(range(int(n)) for n in t.count[row])):
            cycle = int(t.start[row]) + sum(a * int(b) for a, b in zip(i, t.every[row], strict=True))
            address = base + sum(a * int(b) for a, b in zip(i, t.step[row], strict=True))
            out.append((cycle, address, int(t.word[row])))
    return out


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), nests()), min_size=1, max_size=4), st.integers(0, 80))
def test_the_last_write_of_a_word(families: list[tuple[int, tuple[Dim, ...]]], address: int) -> None:
    lines, cycle = [], 0
    for base, dims in families:
        lines.append((cycle, "write", {"address": base + 40, "data": "s0.e", "repeat": dims}))
        cycle += 1 + sum((d.count - 1) * d.every for d in dims)
    made = program("mini", {"mem.w1": lines})
    queue = made.target.queue["mem.w1"].number
    hits = [(c, w) for c, a, w in issues(made, queue) if a == address]
    found = writer(made, Place(0, queue, address))
    assert (found and (found.cycle, found.word)) == (max(hits) if hits else None)


def test_a_scatter_after_the_last_write_is_named() -> None:
    lines = [
        (5, "write", {"address": 3, "data": "s0.e"}),
        (9, "scatter", {"data": "s0.e", "map": "s1.e", "repeat": (Dim(2, 1, 0),)}),
    ]
    made = program("mini", {"mem.e2": lines})
    found = writer(made, Place(0, made.target.queue["mem.e2"].number, 3))
    assert found and found.cycle == 10 and found.instruction.startswith("scatter")


@given(st.data())
def test_the_place_of_an_element_is_where_binding_puts_it(data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    rows = int(np.prod(shape[:-1]))
    layout = Layout(
        "i16", shape, (0, 1, 2, 3), 7, data.draw(st.integers(1, rows)), data.draw(st.integers(1, 5)), 0, 256
    )
    values = np.arange(int(np.prod(shape)), dtype=np.int16).reshape(shape) + 300
    vectors = scatter_rows(layout, values, 32)
    index = tuple(data.draw(st.integers(0, n - 1)) for n in shape)
    for byte in range(2):
        found = place(layout, index, byte)
        at = [(v, int(q), int(a)) for v in range(layout.vectors) for q, a in [layout.locate(v, byte)]]
        (vector,) = [v for v, q, a in at if (q, a) == (found.queue, found.address)]
        assert vectors[byte, vector, found.lane] == int(values[index]) >> 8 * byte & 0xFF
