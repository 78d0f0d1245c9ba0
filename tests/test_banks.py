"""Banks: slices of which nothing more is to be shown, against every cycle of every word."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lpuasm.isa.banks import crowded, holds
from lpuasm.isa.core import table
from lpuasm.isa.target import load_target
from lpuasm.isa.timeline import Timeline

MINI = load_target("mini")
BANK = MINI.geometry.words_per_bank
OPCODES = [table(MINI).named(name)[0].opcode for name in ("read", "write", "gather")]

#: (opcode, address, start, [(count, every, step) of each dimension])
Word = tuple[int, int, int, list[tuple[int, int, int]]]


@st.composite
def words(draw: st.DrawFn) -> list[Word]:
    """Words of a slice; most that repeat go from bank to bank, at one pace, a few cycles apart."""
    run, every = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    found: list[Word] = []
    for _ in range(draw(st.integers(1, 4))):
        far, first = draw(st.integers(1, 4)), draw(st.sampled_from([0, 0, BANK, BANK - 2, 2 * BANK - 1, -1]))
        over = BANK if first < BANK - 2 else draw(st.sampled_from([BANK, -BANK, 1]))
        turn = run * every + draw(st.sampled_from([0, 0, 0, 1]))
        dims = [(run, every, 1), (draw(st.sampled_from([2, 2, 2, 3])), turn, over), (far, 2 * turn, run)]
        if draw(st.booleans()):
            dims = [(far, every, draw(st.sampled_from([1, 0, BANK]))), (1, 0, 0), (1, 0, 0)]
        found.append((draw(st.sampled_from([0, 0, 0, 1, 1, 2])), first, draw(st.integers(0, 20)), dims))
    return found


def timeline(words: list[Word]) -> Timeline:
    """The words as families of one slice, whatever else forbids them."""
    nest = np.array([w[3] for w in words], np.int64).transpose(2, 0, 1)
    # A gather has no address and no nest of its own.
    for k, word in enumerate(words):
        if word[0] == 2:
            nest[2, k] = 0
    low = np.array([OPCODES[w[0]] | ((w[1] % 8192) << 8 if w[0] < 2 else 0) for w in words], np.uint64)
    zero = np.zeros(len(words), np.int32)
    start = np.array([w[2] for w in words], np.int64)
    return Timeline(MINI, zero, zero, low, low * np.uint64(0), start, nest[0], nest[1], nest[2], ())


def clashes(t: Timeline) -> bool:
    """Whether any bank is held twice in a cycle; addresses outside hold nothing."""
    held, found = holds(t), Counter[tuple[int, int]]()
    for k in range(len(held.family)):
        issues = [(int(held.begin[k]), int(held.address[k]))]
        for d in range(3):
            count, every, step = (int(c[k, d]) for c in (t.count, t.every, t.step))
            issues = [(c + i * every, a + i * step) for i in range(count) for c, a in issues]
        for cycle, address in issues:
            inside = 0 <= address < 2 * BANK
            found.update((cycle, bank) for bank in ((0, 1) if held.both[k] else (address // BANK,)[:inside]))
    return any(n > 1 for n in found.values())


@settings(max_examples=500, deadline=None)
@given(words())
def test_where_nothing_is_to_be_shown_nothing_is_wrong(words: list[Word]) -> None:
    t = timeline(words)
    assert crowded(t, holds(t)).all() or not clashes(t)


def test_opposite_turns() -> None:
    """A read and a write that go from bank to bank in runs of two, the write two cycles later: they never meet."""
    turns = [(2, 1, 1), (2, 2, BANK), (10, 4, 2)]
    for later, meet in ((1, True), (2, False), (3, True), (4, True), (6, False)):
        # The word that a write changes is held three cycles after its dispatch.
        t = timeline([(0, 0, 10, turns), (1, 0, 10 + later - 3, turns)])
        assert crowded(t, holds(t)).all() == meet == clashes(t)
