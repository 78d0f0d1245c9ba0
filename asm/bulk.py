"""Reading a long text: runs of lines like each other become blocks, everything else lines."""

from __future__ import annotations

from functools import cache

import numpy as np

from lpuasm.asm.block import Block, Shape, kinds, shape_of
from lpuasm.asm.parser import MAX_ERRORS, Parser, RawLine, raw_lines
from lpuasm.asm.scan import Scan, scan
from lpuasm.asm.tree import Line
from lpuasm.isa.core import table
from lpuasm.isa.errors import Diagnostic

LEAST = 24
"""Lines that are worth a block."""


def read(parser: Parser, text: str, file: str) -> tuple[list[Line | Block], list[Diagnostic]]:
    """Every line that says something, and what is wrong with the others, as :meth:`Parser.parse` has them."""
    if text.count("\n") < LEAST or "\\" in text or text.startswith("\ufeff") or not parser.readable(text):
        lines, problems = parser.parse(text, file)
        return [*lines], problems
    found_lines = scan(text)
    shapes, blank = _shapes(parser, found_lines, file)

    def parse(row: int) -> Line:
        line = parser.line(_raw(found_lines, row), file)
        assert isinstance(line, Line)
        return line

    known = kinds(found_lines, file, shapes, parse)
    empty = np.array([*blank, False], bool)[found_lines.shape]
    others = np.concatenate(([-1], np.flatnonzero((known.kind < 0) & ~empty), [len(empty)]))
    gaps = np.flatnonzero(np.diff(others) > LEAST)
    items: list[Line | Block] = []
    problems = []
    done = 0
    for first, last in [*zip((others[gaps] + 1).tolist(), others[gaps + 1].tolist(), strict=True), (len(empty),) * 2]:
        if done < first:
            lines, wrong = parser.between(found_lines.text(done, first), file, done)
            items += lines
            problems += wrong
            if len(problems) >= MAX_ERRORS:
                return items, problems[:MAX_ERRORS]
        block = Block(known, first, last)
        if len(block.rows):
            items.append(block)
        done = last
    return items, problems


def _shapes(parser: Parser, found: Scan, file: str) -> tuple[list[Shape | None], list[bool]]:
    """The shapes of a scan, None for those of lines without a statement; and which of them say nothing."""
    shapes: list[Shape | None] = []
    blank: list[bool] = []
    for sample in found.sample.tolist():
        raw = _raw(found, sample) if sample >= 0 else None
        blank.append(raw is not None and not raw.code)
        line = parser.known(raw, file) if raw is not None and raw.code else None
        shapes.append(None if line is None else shape_of(line, _free))
    return shapes, blank


def _raw(found: Scan, row: int) -> RawLine:
    return next(raw_lines(found.text(row, row + 1), row))


def _free(mnemonic: str, timed: bool) -> bool:
    return mnemonic in _addressed() or (mnemonic == "nop" and not timed)


@cache
def _addressed() -> frozenset[str]:
    """Instructions with an address, the one operand that has mostly another value in each line."""
    return frozenset(d.mnemonic for d in table() if any(o.name == "address" and o.kind == "number" for o in d.operands))
