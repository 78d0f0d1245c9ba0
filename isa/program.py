"""A program: queue images, tensors, what its operands were meant to be, and where its words come from.

``Program`` is what the assembler makes and the engines run. In memory the
words of a queue are an array [n, 2] of 64-bit halves, low half first; the file
form is in ``objectfile.py``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.errors import Span
from lpuasm.isa.layout import Layout
from lpuasm.isa.target import Target
from lpuasm.isa.timeline import Image, Timeline, Words, image, unfold

SCALAR_QUEUE = "seq"
TENSOR_KINDS = ("input", "weight", "output", "const", "temp")


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of a program. ``data`` holds the elements of a ``const``, row-major and little-endian.

    The tensors of scalar programs are extern: their layout is None until they are bound.
    """

    name: str
    kind: str
    layout: Layout | None
    data: bytes = b""

    @property
    def bound(self) -> bool:
        """Whether the caller provides its elements."""
        return self.kind in ("input", "weight")


@dataclass(frozen=True, slots=True)
class Symbol:
    """A named number of a program, for `nm`: a parameter, a label (word of a queue), a flow (its start)."""

    name: str
    kind: str
    value: int
    queue: str = ""


#: Columns of the intent table: reader queue, word and operand (index into its definition), number of the stream that it
#: reads, writer queue and word. Queues are numbers. A reader operand with no row may hear anything; with rows, any of
#: the writers.
INTENT_COLUMNS = ("reader_queue", "reader_word", "operand", "stream", "writer_queue", "writer_word")
#: Columns of the source map, a row a word: file, line, column, flow; −1 where there is none.
PLACE_COLUMNS = ("file", "line", "column", "flow")


@dataclass(frozen=True, eq=False)
class Program:
    """An assembled program. Two are equal that have the same file form.

    ``queues``: words by queue name, only queues that hold any; a scalar program has the one queue "seq".
    ``defines``: the values of parameters (and, in scalar programs, of dimensions) that were fixed when it was built.
    ``names``: the names that scalar addresses refer to by index. ``intent`` is [n, 6], ``places[queue]`` is [words, 4].
    """

    target: Target
    queues: Mapping[str, Words]
    tensors: tuple[Tensor, ...] = ()
    symbols: tuple[Symbol, ...] = ()
    names: tuple[str, ...] = ()
    defines: Mapping[str, int | float] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    flows: tuple[str, ...] = ()
    places: Mapping[str, NDArray[np.int32]] = field(default_factory=dict)
    intent: NDArray[np.int32] = field(default_factory=lambda: np.zeros((0, len(INTENT_COLUMNS)), np.int32))

    @property
    def scalar(self) -> bool:
        return SCALAR_QUEUE in self.queues

    @cached_property
    def tensor(self) -> Mapping[str, Tensor]:
        return {t.name: t for t in self.tensors}

    @cached_property
    def image(self) -> Image:
        """The words of all queues of a streaming program as one table; none of a scalar one."""
        return image(self.target, {} if self.scalar else self.queues)

    @cached_property
    def timeline(self) -> Timeline:
        """When every word dispatches; of streaming programs."""
        return unfold(self.target, self.image)

    @cached_property
    def cycles(self) -> int | None:
        """Cycles from 0 to the last commit in the last superlane, that one included; None where only a run can tell."""
        return None if self.scalar else self.timeline.cycles()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the program's file form, in hex."""
        from lpuasm.isa.objectfile import digest

        return digest(self)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Program) and self.digest == other.digest)

    def __hash__(self) -> int:
        return hash(self.digest)

    def span(self, queue: str, word: int) -> Span | None:
        """The place in the source that a word comes from."""
        places = self.places.get(queue)
        if places is None or word >= len(places) or places[word, 0] < 0:
            return None
        file, line, column, _ = (int(v) for v in places[word])
        return Span(self.files[file], line, max(column, 1))

    def flow(self, queue: str, word: int) -> str | None:
        """The flow that a word belongs to."""
        places = self.places.get(queue)
        if places is None or word >= len(places) or places[word, 3] < 0:
            return None
        return self.flows[int(places[word, 3])]

    def word(self, queue: str, index: int) -> int:
        """A word of a queue as one 128-bit number."""
        low, high = self.queues[queue][index]
        return int(low) | int(high) << 64

    def _repr_html_(self) -> str:
        """How a notebook shows it: its cycles and its tensors."""
        from lpuasm.isa.notebook import grid

        rows = [
            (t.name, t.kind, t.layout.dtype if t.layout else "", list(t.layout.shape) if t.layout else "")
            for t in self.tensors
        ]
        return grid(self._title(), ("tensor", "kind", "type", "shape"), rows)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """How IPython shows it on a terminal."""
        printer.text(f"<{self._title()}>")

    def _title(self) -> str:
        length = "scalar code" if self.cycles is None else f"{self.cycles:,} cycles"
        return f"program for {self.target.name}, {length}"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the object file, whole or not at all. Raises ObjectError where it cannot be written."""
        from lpuasm.isa.objectfile import save

        save(self, path)
