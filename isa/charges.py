"""Charges: everything that is wrong with a program in time, as columns, before the first of it is picked out."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from lpuasm.isa.distinct import indices
from lpuasm.isa.runs import Ints
from lpuasm.isa.timeline import Timeline


@dataclass(frozen=True)
class Charges:
    """A fault a row: its number (301 is LPU0301), the cycle, the word charged with it, the other party (−1: none).

    ``operand``: index in the charged word's definition; ``channel`` and ``rank``: where (see ``join.channels``);
    ``value``: the address, group, lane or link that the fault speaks of. −1 where there is none.
    """

    code: Ints
    cycle: Ints
    queue: Ints
    word: Ints
    other_queue: Ints
    other_word: Ints
    operand: Ints
    channel: Ints
    rank: Ints
    value: Ints

    def first(self, most: int) -> Charges:
        """The first ``most`` rows in order of cycle, queue, code and word; of equal parties only the first."""
        if not len(self.cycle):
            return self
        rows = np.arange(len(self.cycle))
        if len(rows) > 64 * most:
            # Whole cycles only, so that what is left out comes after all that is kept.
            rows = indices(self.cycle <= np.partition(self.cycle, 64 * most)[64 * most])
        order = rows[np.lexsort([c[rows] for c in (self.channel, self.word, self.code, self.queue, self.cycle)])]
        parties = np.stack([c[order] for c in (self.code, self.queue, self.word, self.other_queue, self.other_word)])
        _, kept = np.unique(parties, axis=1, return_index=True)
        picked = order[np.sort(kept)[:most]]
        return Charges(**{f.name: getattr(self, f.name)[picked] for f in fields(self)})


_NOTHING = Charges(*[np.zeros(0, np.int64)] * len(fields(Charges)))


def charges(
    timeline: Timeline,
    code: int,
    cycle: Ints,
    family: Ints,
    other: Ints | None = None,
    *,
    operand: Ints | None = None,
    channel: Ints | None = None,
    rank: Ints | None = None,
    value: Ints | None = None,
) -> Charges:
    """Charges of one code against words of families; ``other`` are families, −1 for none."""
    if not len(family):
        return _NOTHING
    none = np.full(len(family), -1, np.int64)
    there = none if other is None else other
    return Charges(
        np.full(len(family), code),
        cycle,
        timeline.queue[family].astype(np.int64),
        timeline.word[family].astype(np.int64),
        none if other is None else np.where(there < 0, -1, timeline.queue[there]),
        none if other is None else np.where(there < 0, -1, timeline.word[there]),
        *(none if column is None else column for column in (operand, channel, rank, value)),
    )


def gather(parts: list[Charges]) -> Charges:
    """All charges of ``parts``."""
    parts = [p for p in parts if len(p.cycle)]
    if not parts:
        return _NOTHING
    return Charges(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Charges)})
