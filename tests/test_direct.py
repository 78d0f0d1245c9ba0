"""Who hears whom where it is plain, against the sweep and against cells listed one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lpuasm.isa.direct import apart, hear
from lpuasm.isa.runs import Runs
from lpuasm.isa.sweep import Heard, Meetings, sweep


@st.composite
def claims(draw: st.DrawFn) -> Runs:
    """Runs on few channels; strides, starts and ranks of few kinds, so that many readers hear a whole writer."""
    strides = draw(st.sampled_from([[1], [1], [1, 2], [2, 3, 4]]))
    channels, far = draw(st.sampled_from([(0, 10), (2, 30)]))
    rows = [
        (
            draw(st.integers(0, channels)),
            draw(st.integers(0, 2)),
            draw(st.integers(-3, far)),
            draw(st.sampled_from(strides)),
            draw(st.sampled_from([1, 3, 5, 9, 20])),
            draw(st.booleans()),
        )
        for _ in range(draw(st.integers(1, 8)))
    ]
    channel, rank, start, stride, count, writes = (np.array(c, np.int64) for c in zip(*rows, strict=True))
    stride = np.where(count == 1, 1, stride)
    zero = np.zeros(len(rows), np.int64)
    return Runs(channel, rank, start, stride, count, writes == 1, np.arange(len(rows)), zero, zero, zero, zero + 1)


def cells(heard: Heard) -> dict[tuple[int, int], tuple[int, int] | None]:
    """What each cell of each reader hears: (writer, cell of it)."""
    out: dict[tuple[int, int], tuple[int, int] | None] = {}
    for reader, writer, first, at, pace, writer_pace, count in zip(
        *(c.tolist() for c in vars(heard).values()), strict=True
    ):
        for k in range(count):
            assert (reader, first + k * pace) not in out
            out[reader, first + k * pace] = (writer, at + k * writer_pace) if writer >= 0 else None
    return out


def first_cells(met: Meetings) -> dict[tuple[int, int], int]:
    """Of each two runs that meet, the first cell of the second in which they do; later ones may be told or not."""
    out: dict[tuple[int, int], int] = {}
    for first, second, cell in zip(met.first.tolist(), met.second.tolist(), met.cell.tolist(), strict=True):
        out[first, second] = min(cell, out.get((first, second), cell))
    return out


@settings(max_examples=500, deadline=None)
@given(claims())
def test_it_is_what_the_sweep_hears(runs: Runs) -> None:
    heard, meetings = hear(runs)
    wanted, met = sweep(runs)
    assert cells(heard) == cells(wanted)
    assert first_cells(meetings) == first_cells(met)


def test_a_nearer_writer_in_any_place() -> None:
    """A reader of cells 5 to 9, a writer of all cells, and one nearer to the reader, or behind it, of some of them."""
    for rank in (0, 1, 2):
        for start in range(15):
            for count in range(1, 10):
                zero, one = np.zeros(3, np.int64), np.ones(3, np.int64)
                begin, number = np.array([0, start, 5]), np.array([20, count, 5])
                ranks, writes = np.array([0, 1, rank]), np.array([True, True, False])
                runs = Runs(zero, ranks, begin, one, number, writes, np.arange(3), zero, zero, zero, one)
                assert cells(hear(runs)[0]) == cells(sweep(runs)[0]), (rank, start, count)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-5, 20), st.integers(0, 4)), max_size=6))
def test_stretches_that_are_apart(rows: list[tuple[int, int, int]]) -> None:
    channel, begin, length = np.array(rows, np.int64).reshape(-1, 3).T
    listed = [[c for k, b, n in rows if k == way for c in range(b, b + n + 1)] for way in range(3)]
    found = apart(channel, begin, begin + length)
    assert [len(c) == len(set(c)) for c in listed][: len(found)] == found.tolist()
