"""Lines that any of several queues may take: the lowest that may and is free, in order of time."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from lpuasm.asm.chunk import Chunk
from lpuasm.asm.merge import halves
from lpuasm.asm.rows import Row, Run
from lpuasm.asm.syntax import Statement
from lpuasm.isa.target import Queue


@dataclass(frozen=True, slots=True)
class Loose:
    """A line that any of several queues may take. Its ``statement``; of a chunk, ``line``: its index in the text."""

    cycle: int
    queues: tuple[Queue, ...]
    word: int
    repeat: int
    hold: int
    statement: Statement | None
    chunk: Chunk | None = None
    line: int = -1


def settle(placed: list[Row], runs: list[Run], waiting: Sequence[Loose]) -> None:
    """Adds the lines that have a choice to ``placed`` and ``runs``: each in the lowest queue that is free, else the
    lowest."""
    taken: dict[int, list[tuple[int, int]]] = {queue.number: [] for line in waiting for queue in line.queues}
    for row in placed:
        if row.queue.number in taken:
            taken[row.queue.number].append((row.cycle, row.cycle + row.hold))
    for run in runs:
        if run.queue.number in taken:
            taken[run.queue.number] += zip(run.cycle.tolist(), (run.cycle + run.hold).tolist(), strict=True)
    for spans in taken.values():
        spans.sort()
    settled: dict[Queue, list[Loose]] = {}
    for line in sorted(waiting, key=lambda line: line.cycle):
        cycle, hold = line.cycle, line.hold
        queue = next((q for q in line.queues if _free(taken[q.number], cycle, hold)), line.queues[0])
        insort(taken[queue.number], (cycle, cycle + hold))
        settled.setdefault(queue, []).append(line)
    for queue, lines in settled.items():
        for chunk, group in groupby(lines, lambda line: line.chunk):
            if chunk is not None:
                runs.append(_run(queue, chunk, list(group), len(placed)))
                continue
            for line in group:
                assert line.statement is not None
                placed.append(Row(queue, line.cycle, line.word, line.repeat, line.hold, line.statement))


def _free(taken: list[tuple[int, int]], cycle: int, hold: int) -> bool:
    at = bisect_right(taken, (cycle, 1 << 62))
    return (at == 0 or taken[at - 1][1] <= cycle) and (at == len(taken) or taken[at][0] >= cycle + hold)


def _run(queue: Queue, chunk: Chunk, lines: list[Loose], order: int) -> Run:
    cycle, hold, line = np.array([(one.cycle, one.hold, one.line) for one in lines], np.int64).T
    words, repeats = halves([one.word for one in lines]), halves([one.repeat for one in lines])
    return Run(queue, cycle, words, repeats, hold, line, chunk, order)
