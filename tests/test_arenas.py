"""Stored and read again: what arenas say is what the sweep over lines says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpuasm.asm.build import assemble
from lpuasm.isa.layout import Layout
from lpuasm.vm import arenas, nests, storage
from lpuasm.vm.nests import Nests
from lpuasm.vm.placed import Laid, as_claims
from lpuasm.vm.plan import make
from lpuasm.vm.segments import Segments
from lpuasm.vm.storage import BEGIN, END

BANK = 64
NOTHING = 1 << 30


def port(number: int) -> int:
    return 1024 * number


def every_vector(s: Segments) -> dict[tuple[int, int], tuple[int, int]]:
    """What each vector of each port is."""
    out = {}
    for p, issue, hop, count, source, at, pace in zip(*(c.tolist() for c in vars(s).values()), strict=True):
        for k in range(count):
            assert (p, issue + k * hop) not in out
            out[p, issue + k * hop] = (source, at + k * pace)
    return out


def dims(draw: st.DrawFn, steps: list[int]) -> list[tuple[int, int, int]]:
    """Dimensions (count, every, step), innermost first."""
    size = draw(st.integers(1, 3))
    found, every = [], draw(st.integers(1, 2))
    for _ in range(size):
        count = draw(st.integers(2, 4)) if found else draw(st.integers(1, 6))
        found.append((count, every, draw(st.sampled_from(steps))))
        every = every * count + draw(st.integers(0, 1))
        if count == 1:
            break
    return found + [(1, 0, 0)] * (3 - len(found))


@st.composite
def touched(draw: st.DrawFn) -> Nests:
    """Nests of few shapes and places, so that they often meet; half of the time of one shape and at two places."""
    alike = draw(st.booleans())
    shapes = [dims(draw, [1, 1, 2, 4, BANK, -1, 0]) for _ in range(1 if alike else 2)]
    cells = [10] if alike else draw(st.lists(st.integers(6, 30), min_size=1, max_size=3))
    heights, paces = [1] if alike else [1, 1, 1, 4], draw(st.sampled_from([[1], [1, 2]]))
    rows = []
    for k in range(draw(st.integers(1, 7))):
        count, every, step = zip(*draw(st.sampled_from(shapes)), strict=True)
        height, pace = draw(st.sampled_from(heights)), draw(st.sampled_from(paces))
        step, every = [height * s if height > 1 else s for s in step], [pace * e for e in every]
        time, writes = draw(st.integers(0, 10 if alike else 40)), draw(st.booleans())
        store = 0 if alike else draw(st.integers(0, 1))
        rows.append(([store, port(k), 0, draw(st.sampled_from(cells)), height, time], count, every, step, writes))
    one = np.array([r[0] for r in rows], np.int64).T
    deep = [np.array([r[k] for r in rows], np.int64).T for k in (1, 2, 3)]
    return Nests(*one, np.array([r[4] for r in rows]), *deep)


def written_twice(n: Nests) -> bool:
    c = nests.as_lines(n.pick(n.writes))
    seen = [
        (store, cell + k * step, time + k * every)
        for store, cell, step, time, every, count in zip(
            *(a.tolist() for a in (c.store, c.cell, c.step, c.time, c.every, c.count)), strict=True
        )
        for k in range(count)
    ]
    return len(seen) != len(set(seen))


@st.composite
def tensors(draw: st.DrawFn) -> list[Laid]:
    """Tensors that are there before, perhaps one over the other, and one that is taken after; in runs or not."""
    out = []
    for k, (time, writes) in enumerate(((BEGIN, True), (END, False), (BEGIN + 1, True))):
        vectors, groups = draw(st.integers(1, 40)), draw(st.integers(1, 2))
        run = draw(st.sampled_from([0, 0, 1, 2]))
        layout = Layout("i8", (vectors, 1), tuple(range(groups)), draw(st.integers(0, 20)), vectors, 1, run, BANK)
        out.append(Laid(layout, 100 + k, 1 - writes, time, writes))
    return out[: draw(st.integers(0, 3))]


@settings(max_examples=400, deadline=None)
@given(touched(), tensors())
def test_arenas_say_what_lines_say(n: Nests, laid: list[Laid]) -> None:
    if written_twice(n):
        return
    lines = storage.gather([nests.as_lines(n), *as_claims(laid, np.ones(8, bool))])
    assert every_vector(arenas.join(n, laid, BANK, NOTHING)) == every_vector(storage.join(lines, NOTHING))


@st.composite
def in_parts(draw: st.DrawFn) -> Nests:
    """Writes of parts of twelve places of one store, reads of parts and of all, often in steps, some again and again;
    most begin when what came before has ended."""
    unit, rows, time = draw(st.sampled_from([1, 1, 3, BANK])), [], 0
    for k in range(draw(st.integers(2, 9))):
        low = draw(st.integers(0, 11))
        count, back, writes = draw(st.integers(1, 12 - low)), draw(st.booleans()), draw(st.booleans())
        stride = 1 if writes else draw(st.sampled_from([1, 1, 2]))
        count = -(-count // stride)
        every, place = draw(st.integers(1, 2)), low + (count - 1) * stride * back
        shape = [(count, every, -stride * unit if back else stride * unit), (1, 0, 0), (1, 0, 0)]
        if not writes and draw(st.integers(0, 3)) == 0:
            shape.insert(draw(st.integers(0, 1)), (draw(st.integers(2, 3)), every * count + 1, 0))
        rows.append(([0, port(k), draw(st.integers(0, 2)), 5 + place * unit, 1, time], shape[:3], writes))
        ends = time + sum((c - 1) * e for c, e, _ in shape)
        time = draw(st.sampled_from([ends + 1, ends + 1, ends + 1, time + 1, time + 4]))
    one = np.array([r[0] for r in rows], np.int64).T
    deep = np.array([r[1] for r in rows], np.int64).T
    return Nests(*one, np.array([r[2] for r in rows]), *deep)


@settings(max_examples=400, deadline=None)
@given(in_parts(), tensors())
def test_parts_say_what_lines_say(n: Nests, laid: list[Laid]) -> None:
    if written_twice(n):
        return
    lines = storage.gather([nests.as_lines(n), *as_claims(laid, np.ones(8, bool))])
    assert every_vector(arenas.join(n, laid, BANK, NOTHING)) == every_vector(storage.join(lines, NOTHING))


def test_parts_need_no_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three writes of parts of sixteen places, one of them back to front; then a read of twelve, and one of the same
    place four times over, both while nobody writes."""
    rows = [(0, 8, 1, 0, 1), (15, 8, -1, 10, 1), (4, 2, 1, 20, 1), (2, 12, 1, 30, 0), (15, 4, 0, 30, 0)]
    cell, count, step, time, writes = np.array(rows, np.int64).T
    one, zero, ports = np.ones(5, np.int64), np.zeros(5, np.int64), 1024 * np.arange(5)
    dims = [np.stack((c, neutral, neutral)) for c, neutral in ((count, one), (one, zero), (step, zero))]
    n = Nests(zero, ports, zero, cell, one, time, writes == 1, *dims)
    monkeypatch.delattr(storage, "join")
    found = every_vector(arenas.join(n, [], BANK, NOTHING))
    heard = [(0, 2), (0, 3), (2, 0), (2, 1), (0, 6), (0, 7), *((1, 7 - k) for k in range(6))]
    assert found == {
        **{(port(3), k): (port(w), v) for k, (w, v) in enumerate(heard)},
        **{(port(4), k): (port(1), 0) for k in range(4)},
    }


@pytest.mark.parametrize(
    "write_time, write_every, read_time, read_every",
    [(0, 1, 4, 1), (4, 1, 4, 1), (5, 1, 4, 1), (3, 1, 0, 2), (5, 1, 0, 2), (10, 1, 0, 2), (0, 2, 9, 1), (0, 2, 10, 1)],
)
def test_one_that_overtakes_another(write_time: int, write_every: int, read_time: int, read_every: int) -> None:
    """A write and a read of six places, at one pace or not, before or after or through each other."""
    one, six = np.ones(2, np.int64), np.array([[6, 6], [1, 1], [1, 1]])
    time, every = np.array([write_time, read_time]), np.array([[write_every, read_every], [0, 0], [0, 0]])
    n = Nests(0 * one, np.array([port(0), port(1)]), 0 * one, one, one, time, one == [1, 0], six, every, six // 6)
    wanted = every_vector(storage.join(nests.as_lines(n), NOTHING))
    assert every_vector(arenas.join(n, [], BANK, NOTHING)) == wanted


def test_a_tensor_within_another() -> None:
    """The words behind the inner one are those of the outer one."""
    laid = [
        Laid(Layout("i8", (vectors, 1), (0,), address, vectors, 1, 0, BANK), 100 + address, 0, BEGIN + address, True)
        for address, vectors in ((0, 40), (8, 4))
    ]
    one = np.ones(1, np.int64)
    n = nests.single(0 * one, one * port(1), 20 * one, one, one, False, 0 * one)
    assert every_vector(arenas.join(n, laid, BANK, NOTHING)) == {(port(1), 0): (port(100), 20)}


def test_a_product_has_only_arenas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums that go through SRAM in runs of banks, weights that go through buffers: none of it needs the sweep."""
    text = (Path(__file__).parents[1] / "examples" / "07_matmul_tiled.s").read_text("utf-8")
    program = assemble(text, "matmul.s", defines={"M": 64, "K": 640, "N": 640})
    monkeypatch.delattr(storage, "join")
    assert len(make(program).steps) == 5
