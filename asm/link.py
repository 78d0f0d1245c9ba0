"""Queues, tensors and names put together as a program."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from lpuasm.asm.draft import Draft
from lpuasm.asm.merge import halves
from lpuasm.asm.syntax import Statement
from lpuasm.isa.meta import LONGEST_NAME
from lpuasm.isa.program import INTENT_COLUMNS, PLACE_COLUMNS, Program, Symbol
from lpuasm.isa.timeline import Words


def link(draft: Draft) -> None:
    """Makes the program."""
    names = _file_names(draft)
    queues: dict[str, Words] = {}
    places: dict[str, NDArray[np.int32]] = {}
    for image in draft.images.values():
        if image.words:
            queues[image.queue.name] = halves(image.words)
            places[image.queue.name] = _places(image.statements, names)
    for filled in draft.filled:
        number = {name: k for k, name in enumerate(names)}
        where = filled.places.copy()
        where[:, 0] = np.array([number[file] for file in filled.files], np.int32)[where[:, 0]]
        queues[filled.queue.name] = filled.words
        places[filled.queue.name] = where[filled.row]
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
    used = {s.span.file for image in draft.images.values() for s in image.statements}
    used |= {file for filled in draft.filled for file in filled.files}
    first = next(iter(draft.sources), "")
    return {name: file_name(name, first) for name in draft.sources if name in used}


def file_name(name: str, main: str) -> str:
    """What a program calls a file: the main one by its last name alone, all in characters that can be printed."""
    own = PurePath(name).name if name == main else name
    return "".join(c if c.isprintable() else "?" for c in own)[-LONGEST_NAME:] or "<text>"


def _places(statements: Sequence[Statement], names: dict[str, str]) -> NDArray[np.int32]:
    number = {name: k for k, name in enumerate(names)}
    rows = [(number[s.span.file], s.span.line, s.span.column, -1) for s in statements]
    return np.array(rows, np.int32).reshape(-1, len(PLACE_COLUMNS))


def _symbols(draft: Draft) -> tuple[Symbol, ...]:
    """Labels as words of their queues, flows as their starts, in the order of the object file."""
    labels = [
        Symbol(label, "label", k, image.queue.name)
        for image in draft.images.values()
        for k, statement in enumerate(image.statements)
        for label in statement.labels
    ]
    flows = [Symbol(name, "flow", start) for name, start in zip(draft.flows, draft.starts, strict=True)]
    return tuple(sorted([*labels, *flows], key=lambda s: (s.kind, s.queue, s.value, s.name)))


def _intent(draft: Draft) -> NDArray[np.int32]:
    at: dict[int, tuple[int, int]] = {}
    if draft.meant:
        for filled in draft.filled:
            at.update(
                (id(row), (filled.queue.number, int(word))) for row, word in zip(filled.rows, filled.at, strict=True)
            )
    rows = [(*at[id(m.reader)], m.operand, m.stream, *at[id(m.writer)]) for m in draft.meant]
    return np.array(sorted(set(rows)), np.int32).reshape(-1, len(INTENT_COLUMNS))
