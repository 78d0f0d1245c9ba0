"""Queues, tensors and names put together as a program."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from lpuasm.asm.draft import Draft
from lpuasm.asm.rows import Row, Run
from lpuasm.isa.meta import LONGEST_NAME
from lpuasm.isa.program import INTENT_COLUMNS, Program, Symbol
from lpuasm.isa.timeline import Words


def link(draft: Draft) -> None:
    """Makes the program."""
    names = _file_names(draft)
    queues: dict[str, Words] = {}
    places: dict[str, NDArray[np.int32]] = {}
    for name, written in draft.written.items():
        queues[name] = written.words
        places[name] = _places(written.places, written.files, names)
    for filled in draft.filled:
        queues[filled.queue.name] = filled.words
        places[filled.queue.name] = _places(filled.places, filled.files, names)[filled.row]
    order = sorted(queues, key=lambda name: draft.target.queue[name].number)
    draft.program = Program(
        draft.target,
        {name: queues[name] for name in order},
        draft.tensors,
        _symbols(draft),
        (),
        {name: param.value for name, param in draft.source.params.items()},
        tuple(names.values()),
        tuple(draft.flows),
        {name: places[name] for name in order},
        _intent(draft),
    )


def _file_names(draft: Draft) -> dict[str, str]:
    """The files that words come from, by their names in spans: a program does not say where its main file lay."""
    used = {file for written in draft.written.values() for file in written.files}
    used |= {file for filled in draft.filled for file in filled.files}
    first = next(iter(draft.sources), "")
    return {name: file_name(name, first) for name in draft.sources if name in used}


def file_name(name: str, main: str) -> str:
    """What a program calls a file: the main one by its last name alone, all in characters that can be printed."""
    own = PurePath(name).name if name == main else name
    return "".join(c if c.isprintable() else "?" for c in own)[-LONGEST_NAME:] or "<text>"


def _places(places: NDArray[np.int32], files: Sequence[str], names: dict[str, str]) -> NDArray[np.int32]:
    """The places of a queue, their files by the numbers that they have in the program."""
    number = {name: k for k, name in enumerate(names)}
    places = places.copy()
    places[:, 0] = np.array([number[file] for file in files], np.int32)[places[:, 0]]
    return places


def _symbols(draft: Draft) -> tuple[Symbol, ...]:
    """Labels as words of their queues, flows as their starts, in the order of the object file."""
    labels = [
        Symbol(label, "label", k, name)
        for name, image in draft.images.items()
        for k, item in zip(accumulate((_length(item) for item in image.items), initial=0), image.items, strict=False)
        if isinstance(item, Row)
        for label in item.statement.labels
    ]
    flows = [Symbol(name, "flow", start) for name, start in zip(draft.flows, draft.starts, strict=True)]
    return tuple(sorted([*labels, *flows], key=lambda s: (s.kind, s.queue, s.value, s.name)))


def _length(item: Row | Run) -> int:
    return 1 if isinstance(item, Row) else len(item)


def _intent(draft: Draft) -> NDArray[np.int32]:
    at: dict[int, tuple[int, int]] = {}
    if draft.meant:
        for filled in draft.filled:
            at.update(
                (id(row), (filled.queue.number, int(word))) for row, word in zip(filled.rows, filled.at, strict=True)
            )
    rows = [(*at[id(m.reader)], m.operand, m.stream, *at[id(m.writer)]) for m in draft.meant]
    return np.array(sorted(set(rows)), np.int32).reshape(-1, len(INTENT_COLUMNS))
