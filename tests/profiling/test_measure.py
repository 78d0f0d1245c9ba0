"""Profiles against a count of every single dispatch and every single value."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lpuasm
from lpuasm.isa.errors import AssemblyError
from lpuasm.isa.join import traffic
from lpuasm.isa.ports import paired
from lpuasm.isa.program import Program
from lpuasm.isa.sweep import sweep
from lpuasm.profiling.families import chip_rows
from lpuasm.profiling.measure import fill, measure, partners
from lpuasm.profiling.report import profile
from lpuasm.profiling.streams import segments

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ["02_add", "03_matmul", "04_matmul_f16", "05_transpose", "06_gather", "08_linear", "09_layer_norm"]


@pytest.fixture(scope="module", params=NAMES)
def program(request: pytest.FixtureRequest) -> Program:
    return lpuasm.build(EXAMPLES / f"{request.param}.s")


def dispatches(program: Program) -> list[tuple[int, int]]:
    """(queue, cycle) of every dispatch, and of what a pair instruction claims beside it."""
    timeline, found = program.timeline, []
    partner, pairs = partners(program.target), paired(timeline)
    for k in range(len(timeline.start)):
        cycles = [int(timeline.start[k])]
        for count, every in zip(timeline.count[k].tolist(), timeline.every[k].tolist(), strict=True):
            cycles = [c + n * every for c in cycles for n in range(count)]
        queues = [int(timeline.queue[k])] + ([int(partner[timeline.queue[k]])] if pairs[k] else [])
        found += [(q, c) for q in queues for c in cycles]
    return found


def test_units_count_every_dispatch_in_its_bucket(program: Program) -> None:
    measured = measure(program)
    rows, of_queue = chip_rows(program.target)
    wanted = np.zeros((len(rows), len(measured.edges) - 1))
    for queue, cycle in dispatches(program):
        wanted[of_queue[queue], np.searchsorted(measured.edges, cycle, "right") - 1] += 1
    width = np.diff(measured.edges)
    for unit, cells in zip(measured.units, wanted, strict=False):
        assert unit.busy == cells.sum()
        assert np.allclose(unit.strip, cells / (unit.row.slots * width))
    assert sum(sum(c.busy) for c in measured.costs) == wanted.sum()


def test_every_operand_is_heard_within_a_segment(program: Program) -> None:
    runs = traffic(program.timeline).runs
    heard, _ = sweep(runs)
    farthest: dict[tuple[int, int, int], int] = {}
    for r, w, cell, pace, n in zip(
        heard.reader, heard.writer, heard.heard, heard.writer_pace, heard.count, strict=True
    ):
        if w >= 0 and runs.channel[w] < 64:
            for k in range(int(n)):
                diagonal = int(runs.start[w] + (cell + k * pace) * runs.stride[w])
                key = int(runs.channel[w]), int(runs.rank[w]), diagonal
                farthest[key] = max(farthest.get(key, -1), int(runs.rank[r]))
    alive = segments(program.timeline)
    found: dict[tuple[int, int, int], int] = {}
    for k in range(len(alive.count)):
        for n in range(int(alive.count[k])):
            diagonal = int(alive.diagonal[k] + n * alive.stride[k])
            key = int(alive.channel[k]), int(alive.first[k]), diagonal
            assert key not in found
            found[key] = int(alive.last[k])
    assert {key: last for key, last in found.items() if last >= 0} == farthest


def test_fill_against_a_count_of_cells() -> None:
    rng = np.random.default_rng(0)
    edges = np.unique(np.concatenate(([0, 400], rng.integers(0, 400, 20))))
    for _ in range(200):
        start, stride, count, length = (
            int(rng.integers(low, high)) for low, high in ((0, 90), (1, 9), (1, 30), (1, 50))
        )
        columns = [np.array([v]) for v in (0, start, stride, count, length)]
        cells = np.array([start + k * stride + d for k in range(count) for d in range(length)])
        table = fill(edges, columns[0], 1, *columns[1:])
        assert table[0].tolist() == [*np.histogram(cells, edges)[0].tolist()[:-1], int((cells >= edges[-2]).sum())]


def test_fill_of_points_and_lines_together() -> None:
    """Single cycles go a shorter way: alone, beside lines, and both ways say the same as one at a time."""
    rng, edges = np.random.default_rng(1), np.array([0, 7, 8, 50, 200])
    start, row, one = rng.integers(0, 200, 300), rng.integers(0, 3, 300), np.ones(300, np.int64)
    alone = fill(edges, row, 3, start, one, one, one)
    assert alone.tolist() == [np.histogram(start[row == k], edges)[0].tolist() for k in range(3)]
    count = rng.integers(1, 4, 300)
    mixed = fill(edges, row, 3, start // 4, 2 * one, count, one)
    each = [
        fill(edges, row[k : k + 1], 3, start[k : k + 1] // 4, 2 * one[:1], count[k : k + 1], one[:1])
        for k in range(300)
    ]
    assert (mixed == np.sum(each, axis=0)).all() and mixed.sum() == count.sum()


def test_the_work_of_a_matmul() -> None:
    found = profile(lpuasm.build(EXAMPLES / "03_matmul.s"))
    mxm, sram, vxm = found.measured.work
    assert mxm.amount == 320**3 and mxm.peak == 4 * 320**2 and mxm.cycles == 80
    assert sram.amount == (320 + 320 + 4 * 320) * 320 and sram.peak == 56_320 and vxm.amount == 0
    assert found.intensity == mxm.amount / sram.amount and found.limit is mxm
    f16 = profile(lpuasm.build(EXAMPLES / "04_matmul_f16.s")).measured.work[0]
    assert f16.peak == 4 * 320**2 // 4


def test_an_empty_program_and_scalar_code() -> None:
    assert "0 cycles" in str(profile(lpuasm.build(text=".target mini\n.queue mem.w0\n")))
    with pytest.raises(AssemblyError) as caught:
        profile(lpuasm.build(text="ld r0, [A + 1]\nst [B], r0\n"))
    assert caught.value.code == "LPU1113"
