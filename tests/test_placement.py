"""Placement is exact: each flow, in the order of the text, starts at the first cycle at which the program is legal.

What is legal is asked of :mod:`events`, which expands every dispatch into dictionaries, and of a plain check of values
alive on streams and of dependences by address; neither knows claims, folds or occupancy.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product as combinations
from typing import Any

import numpy as np
from events import events
from flowdraws import sources
from flowing import Array, built, starts
from hypothesis import given, settings
from hypothesis import strategies as st
from movable import legal, writers

from lpuasm.asm.body import Node, Part
from lpuasm.asm.claims import Claim
from lpuasm.asm.fold import fold, times_of
from lpuasm.asm.occupancy import Occupancy
from lpuasm.asm.regions import vectors
from lpuasm.asm.syntax import Index, Slice, TensorRef
from lpuasm.isa.core import table, vxm_reach
from lpuasm.isa.errors import AssemblyError, Span
from lpuasm.isa.kinds import Dims
from lpuasm.isa.layout import Layout
from lpuasm.isa.target import load_target
from lpuasm.isa.values import Context, Dim

MINI = load_target("mini")
HERE = Span("test.s", 1)


# Starts


@settings(max_examples=60, deadline=None)
@given(sources())
def test_no_flow_could_start_sooner(text: str) -> None:
    program = built(text)
    assert not events(program).faults
    order, placed = writers(program), starts(program)
    first = [placed[name] for name in program.flows]
    for number in range(len(first)):
        before = dict.fromkeys(range(number), 0)
        assert legal(program, {**before, number: 0}, order), "what was placed is legal"
        for start in range(first[number]):
            by = {**before, number: start - first[number]}
            assert not legal(program, by, order), f"f{number} could start at {start}, not {first[number]}"


# Folding


@st.composite
def nests(draw: st.DrawFn) -> tuple[Dim, ...]:
    """Nests whose issues do not run into each other."""
    dims: list[Dim] = []
    span = 0
    for _ in range(draw(st.integers(0, 3))):
        every = span + draw(st.integers(1, 5))
        dims.append(Dim(draw(st.integers(2, 5)), every, draw(st.integers(-3, 3))))
        span += (dims[-1].count - 1) * every
    return tuple(dims)


def unfolded(dims: tuple[Dim, ...]) -> tuple[Array, Array]:
    return times_of(dims), times_of(tuple(Dim(d.count, d.step) for d in dims))


NARROW = ((2, 3, 3), (2, 4, 4), (2, 6, 4))
WIDE = ((12, 7, 14), (9, 11, 14), (8, 12, 14))


@given(st.lists(nests(), min_size=1, max_size=3), st.sampled_from([NARROW, WIDE]), st.booleans())
def test_folding_keeps_every_issue(parts: list[tuple[Dim, ...]], widths: Any, stepped: bool) -> None:
    times, steps, end = [], [], 0
    for dims in parts:
        own = unfolded(dims)
        times.append(own[0] + end)
        steps.append(own[1] + 7 * len(times))
        end = int(times[-1][-1]) + 2
    all_times, all_steps = np.concatenate(times), np.concatenate(steps)
    found = fold(all_times, all_steps if stepped else None, widths)
    at = 0
    for nest in found:
        assert nest.first == at
        assert Dims().pack(nest.dims, {"widths": [list(w) for w in widths]}, Context({})), "a word holds it"
        own = unfolded(nest.dims)
        assert np.array_equal(own[0] + all_times[at], all_times[at : at + nest.length])
        if stepped:
            assert np.array_equal(own[1] + all_steps[at], all_steps[at : at + nest.length])
        at += nest.length
    assert at == len(all_times)


@given(nests())
def test_a_nest_is_one_word(dims: tuple[Dim, ...]) -> None:
    times, steps = unfolded(dims)
    assert len(fold(times, steps, WIDE)) == 1


# Occupancy


@st.composite
def claim_lists(draw: st.DrawFn) -> list[Claim]:
    found = []
    for _ in range(draw(st.integers(1, 4))):
        dims = tuple(Dim(d.count, d.every) for d in draw(nests()))
        track = ("stream", "e", draw(st.integers(0, 1)))
        low = draw(st.integers(0, 6))
        mask = (1 << low + draw(st.integers(1, 4))) - (1 << low)
        far = draw(st.sampled_from([0, 0, 16_380, 40_000]))
        found.append(Claim(track, draw(st.integers(-20, 20)) + far, dims, mask))
    return found


def cells(claims: list[Claim], start: int) -> set[tuple[object, int, int]]:
    return {
        (c.track, int(t) + c.first + start, bit)
        for c in claims
        for t in times_of(c.dims)
        for bit in range(c.mask.bit_length())
        if c.mask >> bit & 1
    }


@settings(deadline=None)
@given(st.lists(st.tuples(claim_lists(), st.integers(0, 30)), min_size=1, max_size=8))
def test_occupancy_against_sets(requests: list[tuple[list[Claim], int]]) -> None:
    occupancy, taken = Occupancy(), set[tuple[object, int, int]]()
    for claims, least in requests:
        expected = least
        while cells(claims, expected) & taken:
            expected += 1
        assert occupancy.earliest(claims, least) == expected
        assert occupancy.earliest(claims, least) == expected, "asked again"
        for start in (least, expected):
            blocking = [c for c in claims if cells([c], start) & taken]
            assert occupancy.blocking(claims, start) == blocking
        occupancy.take(claims, expected)
        taken |= cells(claims, expected)


# Regions


@settings(deadline=None)
@given(st.data())
def test_regions_against_numpy(data: st.DataObject) -> None:
    draw = data.draw
    shape = tuple(draw(st.lists(st.integers(1, 6), min_size=1, max_size=3)))
    columns = draw(st.integers(1, 40))
    tile_rows = draw(st.sampled_from([max(int(np.prod(shape)), 1), 2, 3, 4]))
    layout = Layout("i8", (*shape, columns), (0, 1), 0, tile_rows, 16, 0, 256)
    down, across = layout.tiles
    index = np.arange(layout.vectors).reshape(down, across, tile_rows).transpose(0, 2, 1).reshape(-1, across)
    index = index[: layout.rows].reshape(*shape, across)
    subscripts: list[Index | Slice] = []
    keys: list[Any] = []
    for size in shape:
        if draw(st.booleans()):
            k = draw(st.integers(-size, size - 1))
            subscripts.append(Index(k, HERE))
            keys.append(slice(k % size, k % size + 1))
        else:
            low = draw(st.integers(0, size))
            high, step = draw(st.integers(low, size)), draw(st.integers(1, 3))
            subscripts.append(
                Slice(low, high, None, step, HERE) if draw(st.booleans()) else Slice(low, None, high - low, step, HERE)
            )
            keys.append(slice(low, high, step))
    first = draw(st.integers(0, across - 1))
    last = draw(st.integers(first, across))
    subscripts.append(Slice(16 * first, min(16 * last, columns), None, None, HERE))
    if min(16 * last, columns) < 16 * first:
        return
    expected = index[tuple(keys)].reshape(-1, across)[:, first:last].T.reshape(-1)
    assert vectors(layout, TensorRef("A", tuple(subscripts), HERE)).tolist() == expected.tolist()


# ALUs


OPS = st.lists(
    st.tuples(
        st.sets(st.integers(0, 7), max_size=2),
        st.booleans(),
        st.lists(st.integers(0, 9), max_size=2),
        st.one_of(st.none(), st.none(), st.none(), st.integers(0, 15)),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=300, deadline=None)
@given(OPS)
def test_alus_against_all_choices(drawn: list[tuple[set[int], bool, list[int], int | None]]) -> None:
    from lpuasm.asm.alus import choose

    rows, large = vxm_reach()
    nodes = [node(k, *operation) for k, operation in enumerate(drawn)]
    for k, (_, _, links, _) in enumerate(drawn):
        nodes[k].links = {name: nodes[s % k] for name, s in zip("ab", links, strict=False) if k}
    fitting = [
        [alu for alu in range(16) if groups <= set(rows[alu // 4]) and (alu in large or not big) and pin in (None, alu)]
        for groups, big, _, pin in drawn
    ]

    def good(chosen: tuple[int, ...]) -> bool:
        ways: list[int] = []
        for k, alu in enumerate(chosen):
            if any(alu == chosen[j] and (drawn[j][3] is None or drawn[k][3] is None) for j in range(k)):
                return False
            steps = [
                (alu % 4 > chosen[s.number] % 4) - (alu % 4 < chosen[s.number] % 4) for s in nodes[k].links.values()
            ]
            near = [set(rows[alu // 4]) & set(rows[chosen[s.number] // 4]) for s in nodes[k].links.values()]
            if 0 in steps or len(set(steps)) > 1 or not all(near):
                return False
            way = steps[0] if steps else 0
            if any(ways[s.number] not in (0, way) for s in nodes[k].links.values()):
                return False
            ways.append(way)
        return True

    expected = next((c for c in combinations(*fitting) if good(c)), None)
    try:
        found = tuple(choose(nodes, MINI).values())
    except AssemblyError as e:
        assert e.code == "LPU1108"
        found = None
    assert found == expected


def node(number: int, groups: set[int], big: bool, links: list[int], pin: int | None) -> Node:
    """An operation that hears the first stream of each group."""
    from lpuasm.asm.body import Channel, Tap
    from lpuasm.asm.syntax import Statement, UnitRef

    mnemonic = "exp" if big else "add"
    definition = table(MINI).find("vxm", mnemonic)
    assert definition is not None
    pinned = None if pin is None else UnitRef(f"alu{pin}", None, None, HERE)
    statement = Statement(mnemonic, (), (), (), (), pinned, HERE, HERE)
    reads = tuple(Tap(Channel("e", 4 * group), 12, 0, 0, 0) for group in sorted(groups))
    part = Part(None, replace(definition), {}, 0, np.zeros(1, np.int64), None, reads)
    return Node(number, statement, np.zeros(1, np.int64), [part])
