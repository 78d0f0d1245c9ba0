"""Where the elements of a tensor lie in SRAM, and which element a word and lane of SRAM hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lpuasm.isa.layout import Layout
from lpuasm.isa.program import Program
from lpuasm.vm.breaks import wrong


@dataclass(frozen=True, slots=True)
class Place:
    """A byte of an element: which, the number of its slice, the address of its word, its lane."""

    byte: int
    queue: int
    address: int
    lane: int


def places(program: Program, name: str, index: tuple[int, ...]) -> list[Place]:
    """The bytes of an element, lowest first. Raises DebugError (LPU1210) where the program has no such element."""
    tensor = program.tensor.get(name)
    if tensor is None or tensor.layout is None:
        known = ", ".join(t.name for t in program.tensors)
        raise wrong("LPU1210", f"the program has no tensor '{name}'", f"its tensors are {known}" if known else "")
    layout = tensor.layout
    if len(index) != len(layout.shape) or any(not 0 <= i < n for i, n in zip(index, layout.shape, strict=False)):
        shape = ", ".join(map(str, layout.shape))
        raise wrong("LPU1210", f"{name}[{', '.join(map(str, index))}] is no element of {name}, which has [{shape}]")
    flat = int(np.ravel_multi_index(index, layout.shape)) if index else 0
    row, column = divmod(flat, layout.columns)
    across, lane = divmod(column, layout.tile_columns)
    vector = layout.vector(row, across)
    found = []
    for byte in range(layout.planes):
        queue, address = layout.locate(vector, byte)
        found.append(Place(byte, int(queue), int(address), lane))
    return found


def vectors(layout: Layout, queue: int, address: int) -> list[tuple[int, int]]:
    """(vector, byte plane) of a tensor that a word of SRAM holds."""
    found = []
    for place in (k for k, s in enumerate(layout.slices) if s == queue):
        group, plane = divmod(place, layout.planes)
        word = address - layout.address
        if layout.run:
            bank, inside = divmod(word, layout.bank_words)
            pair, rest = divmod(inside, layout.run)
            word = (2 * pair + bank) * layout.run + rest
        vector = word * layout.groups + group
        if word >= 0 and 0 <= vector < layout.vectors and int(layout.word_address(word)) == address:
            found.append((vector, plane))
    return found


def held(program: Program, queue: int, address: int) -> tuple[str, str, int] | None:
    """(tensor, its elements as text: ``A[3, 0:320]``, byte plane) of a word of SRAM; None where none lies there."""
    for name, layout, vector, plane in _holding(program, queue, address):
        row, column = _corner(layout, vector)
        if row < layout.rows:
            last = min(column + layout.tile_columns, layout.columns)
            index = [*map(str, _leading(layout, row)), f"{column}:{last}"]
            return name, f"{name}[{', '.join(index)}]", plane
    return None


def element(program: Program, queue: int, address: int, lane: int) -> tuple[str, tuple[int, ...]] | None:
    """(tensor, index) of the element that a lane of a word of SRAM holds a byte of; None where there is none."""
    for name, layout, vector, _ in _holding(program, queue, address):
        row, column = _corner(layout, vector)
        if row < layout.rows and lane < layout.tile_columns and column + lane < layout.columns:
            return name, (*_leading(layout, row), column + lane) if layout.shape else ()
    return None


def _holding(program: Program, queue: int, address: int) -> Iterator[tuple[str, Layout, int, int]]:
    """(tensor, layout, vector, byte plane) of what a word of SRAM holds."""
    for tensor in program.tensors:
        if tensor.layout is not None:
            for vector, plane in vectors(tensor.layout, queue, address):
                yield tensor.name, tensor.layout, vector, plane


def _corner(layout: Layout, vector: int) -> tuple[int, int]:
    """Row and column of the element in the first lane of a vector."""
    tile, inside = divmod(vector, layout.tile_rows)
    down, across = divmod(tile, layout.tiles[1])
    return down * layout.tile_rows + inside, across * layout.tile_columns


def _leading(layout: Layout, row: int) -> tuple[int, ...]:
    """The indices of a row, without that of its column."""
    return tuple(int(i) for i in np.unravel_index(row, layout.shape[:-1])) if len(layout.shape) > 1 else ()
