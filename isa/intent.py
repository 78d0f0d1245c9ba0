"""What operands were meant to hear, against what they hear."""

from __future__ import annotations

import numpy as np

from lpuasm.isa.charges import Charges, charges
from lpuasm.isa.distinct import indices
from lpuasm.isa.join import Traffic, channels
from lpuasm.isa.program import Program
from lpuasm.isa.runs import Bools, Ints, Runs
from lpuasm.isa.sweep import Heard
from lpuasm.isa.timeline import Timeline

_OPERANDS = 64


def misheard(program: Program, moves: Traffic, runs: Runs, heard: Heard) -> Charges:
    """LPU0314: stream operands with rows in the intent table that hear a word other than those."""
    timeline, streams = moves.timeline, moves.timeline.target.geometry.streams
    if not len(program.intent):
        none = np.zeros(0, np.int64)
        return charges(timeline, 314, none, none)
    rows = indices((runs.channel[heard.reader] < channels(timeline.target).alus) & (heard.writer >= 0))
    reader, writer = heard.reader[rows], heard.writer[rows]
    stream = runs.channel[reader] % streams
    wanted = program.intent.T.astype(np.int64, order="C")
    known = (wanted[2] >= 0) & (wanted[2] < _OPERANDS) & (wanted[3] >= 0) & (wanted[3] < streams)
    wanted = wanted if known.all() else wanted[:, known]
    of, by = _family(timeline, wanted[0], wanted[1]), _family(timeline, wanted[4], wanted[5])
    asked = (of * _OPERANDS + wanted[2]) * streams + wanted[3]
    got = (runs.family[reader] * _OPERANDS + runs.operand[reader]) * streams + stream
    families = len(timeline.start) + 1
    order = asked.argsort()
    asked, by = asked[order], by[order]
    at = np.minimum(asked.searchsorted(got), len(asked) - 1) if len(asked) else got[:0]
    # What hears the first word that is named for it is right; the others may hear another one that is.
    doubtful = indices((asked[at] == got) & (by[at] != runs.family[writer])) if len(asked) else at
    heard_by = got[doubtful] * families + runs.family[writer[doubtful]]
    bad = rows[doubtful[~_among(heard_by, asked * families + by)]]
    reader, writer = heard.reader[bad], heard.writer[bad]
    diagonal = runs.start[reader] + heard.first[bad] * runs.stride[reader]
    return charges(
        timeline, 314, diagonal + runs.rank[reader], runs.family[reader], runs.family[writer],
        operand=runs.operand[reader], channel=runs.channel[reader], rank=runs.rank[reader],
    )  # fmt: skip


def meant(program: Program, queue: int, word: int, operand: int, stream: int) -> list[tuple[int, int]]:
    """The words, as (queue, word), that a stream of an operand is to hear."""
    table = program.intent
    rows = (table[:, :4] == (queue, word, operand, stream)).all(axis=1)
    return [(int(q), int(w)) for q, w in table[rows, 4:]]


def _family(timeline: Timeline, queue: Ints, word: Ints) -> Ints:
    """The families of words; one beyond the last for words that have none."""
    none, queues = len(timeline.start), len(timeline.target.queues)
    width = int(timeline.word.max(initial=0)) + 1
    of = np.full(queues * width + 1, none)
    of[timeline.queue.astype(np.int64) * width + timeline.word] = np.arange(none)
    known = (queue >= 0) & (queue < queues) & (word >= 0) & (word < width)
    return np.asarray(of[np.where(known, queue * width + word, queues * width)])


def _among(values: Ints, of: Ints) -> Bools:
    """Of each value whether it is in ``of``."""
    if not len(of):
        return np.zeros(len(values), bool)
    of = np.sort(of)
    return np.asarray(of[np.minimum(of.searchsorted(values), len(of) - 1)] == values)
