"""Where elements lie: the layout against a loop over elements."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpuasm.isa.layout import Layout, default_tile, gather_rows, scatter_rows
from lpuasm.isa.operands import TYPE_BYTES

LANES, BANK = 16, 4096
DTYPES = {"i8": np.int8, "u8": np.uint8, "i16": np.int16, "i32": np.int32, "f16": np.float16, "f32": np.float32}


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    dtype = draw(st.sampled_from(sorted(TYPE_BYTES)))
    shape = tuple(draw(st.lists(st.integers(0, 5), max_size=2))) + tuple(draw(st.lists(st.integers(0, 40), max_size=1)))
    groups = draw(st.integers(1, 4))
    slices = draw(st.permutations(range(20)))[: groups * TYPE_BYTES[dtype]]
    tile = draw(st.tuples(st.integers(1, 7), st.integers(1, LANES)) | st.just(default_tile(shape, LANES)))
    return Layout(
        dtype, shape, tuple(slices), draw(st.integers(0, 5)), *tile, run=draw(st.integers(0, 5)), bank_words=BANK
    )


def values_of(layout: Layout) -> np.ndarray:
    """Elements all of whose bytes differ from zero and from one another's where that is possible."""
    bits = np.arange(1, prod(layout.shape) + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    octets = (bits.view(np.uint8).reshape(-1, 8)[:, : layout.planes] | 1).copy()
    return octets.view(DTYPES[layout.dtype]).reshape(layout.shape)


def naive(layout: Layout, row: int, column: int, plane: int) -> tuple[int, int, int, int]:
    """(vector, lane, slice, address) of a byte of an element, as the module says it, step by step."""
    across = -(-layout.columns // layout.tile_columns)
    vector = 0
    for down in range(row // layout.tile_rows + 1):  # tiles are walked row by row, each from its first row to its last
        for side in range(across):
            for inside in range(layout.tile_rows):
                if (down, side, inside) == (
                    row // layout.tile_rows,
                    column // layout.tile_columns,
                    row % layout.tile_rows,
                ):
                    found = vector
                vector += 1
    groups = len(layout.slices) // TYPE_BYTES[layout.dtype]
    word, group = found // groups, found % groups
    address, bank = layout.address, 0
    if layout.run:
        for k in range(word):  # the bank changes after each run; each bank is filled from the base up
            if (k + 1) % layout.run == 0:
                bank ^= 1
        address += (word // (2 * layout.run)) * layout.run + word % layout.run + bank * layout.bank_words
    else:
        address += word
    return found, column % layout.tile_columns, layout.slices[group * TYPE_BYTES[layout.dtype] + plane], address


@settings(max_examples=150, deadline=None)
@given(layouts())
def test_scatter_and_locate_agree_with_a_loop_over_elements(layout: Layout) -> None:
    values = values_of(layout)
    vectors = scatter_rows(layout, values, LANES)
    assert vectors.shape == (layout.planes, layout.vectors, LANES)
    octets = values.reshape(-1).view(np.uint8).reshape(layout.rows, layout.columns, layout.planes)
    expected = np.zeros_like(vectors)
    for row in range(layout.rows):
        for column in range(layout.columns):
            for plane in range(layout.planes):
                vector, lane, home, address = naive(layout, row, column, plane)
                expected[plane, vector, lane] = octets[row, column, plane]
                assert int(layout.vector(row, column // layout.tile_columns)) == vector
                assert tuple(map(int, layout.locate(vector, plane))) == (home, address)
    assert np.array_equal(vectors, expected)


@settings(max_examples=150, deadline=None)
@given(layouts())
def test_gather_is_the_inverse_of_scatter(layout: Layout) -> None:
    values = values_of(layout)
    back = gather_rows(layout, scatter_rows(layout, values, LANES), values.dtype)
    assert back.shape == values.shape and back.dtype == values.dtype
    assert back.tobytes() == values.tobytes()


@settings(max_examples=150, deadline=None)
@given(layouts())
def test_no_two_vectors_share_a_word(layout: Layout) -> None:
    places = [
        (int(home), int(address))
        for plane in range(layout.planes)
        for home, address in zip(*layout.locate(np.arange(layout.vectors), plane), strict=True)
    ]
    assert len(set(places)) == len(places) == layout.vectors * layout.planes
    assert {home for home, _ in places} <= set(layout.slices)
    highest = max((address for _, address in places), default=layout.address)
    assert layout.last_address() == highest
    assert min((address for _, address in places), default=layout.address) == layout.address


def test_runs_alternate_between_the_banks() -> None:
    layout = Layout("i8", (10, 8), (3,), 4, 10, 8, run=3, bank_words=64)
    assert layout.word_address(np.arange(10)).tolist() == [4, 5, 6, 68, 69, 70, 7, 8, 9, 71]
    assert layout.last_address() == 71


def test_byte_planes_are_little_endian() -> None:
    layout = Layout("i32", (1, 2), (9, 2, 5, 7), 0, 1, 2, run=0, bank_words=BANK)
    vectors = scatter_rows(layout, np.array([[0x04030201, -2]], np.int32), LANES)
    assert vectors[:, 0, :3].tolist() == [[1, 0xFE, 0], [2, 0xFF, 0], [3, 0xFF, 0], [4, 0xFF, 0]]
    assert [int(layout.locate(0, plane)[0]) for plane in range(4)] == [9, 2, 5, 7]


def test_big_endian_values_lie_in_the_same_way() -> None:
    layout = Layout("i16", (2, 3), (0, 1), 0, 2, 3, run=0, bank_words=BANK)
    values = np.arange(6, dtype=np.int16).reshape(2, 3)
    assert np.array_equal(scatter_rows(layout, values.astype(">i2"), LANES), scatter_rows(layout, values, LANES))


@pytest.mark.parametrize(
    ("shape", "tile"),
    [((), (1, 1)), ((5,), (1, 5)), ((3, 40), (3, 16)), ((2, 3, 4), (6, 4)), ((0, 4), (1, 4)), ((4, 0), (4, 1))],
)
def test_default_tile(shape: tuple[int, ...], tile: tuple[int, int]) -> None:
    assert default_tile(shape, LANES) == tile
