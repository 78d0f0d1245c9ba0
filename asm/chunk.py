"""Blocks in a section: what their lines say, with every name looked up, each kind of line once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from lpuasm.asm.block import Block, Kinds
from lpuasm.asm.expressions import Evaluator
from lpuasm.asm.frames import Frame
from lpuasm.asm.problems import Problem
from lpuasm.asm.scan import Ints
from lpuasm.asm.scope import Names, Scope
from lpuasm.asm.statements import statement
from lpuasm.asm.syntax import Statement, TensorRef
from lpuasm.asm.tree import StatementLine
from lpuasm.isa.distinct import distinct

_FARTHEST = 1 << 40
"""The largest difference of a cycle from the number that it moves with."""


class Meaning:
    """What the kinds of lines of a text say, for as long as no name changes its meaning.

    ``sample``: the statement of the first line of each kind that was asked for; ``offset``: by kind, by how much its
    cycles exceed the numbers that they move with; ``portable``: whether all of them would say the same of any slice.
    """

    def __init__(self, kinds: Kinds, scope: Scope, names: Names, frames: tuple[Frame, ...]) -> None:
        self.kinds, self.frames = kinds, frames
        self._scope = Scope(None, scope.macro, dict(scope.names), dict(scope.places))
        self._names = Names(names.symbols_of, dict(names.tensors))
        self.sample: dict[int, Statement] = {}
        self.offset: Ints = np.zeros(len(kinds.sample), np.int64)
        self._known = np.zeros(len(kinds.sample), bool)
        self.portable = True

    def learn(self, block: Block, macros: Collection[str]) -> bool:
        """Makes the samples of a block; whether all its lines are statements, calls of ``macros`` not among them."""
        kind = self.kinds.kind[block.rows]
        for new in distinct(kind[~self._known[kind]]).tolist():
            row = int(self.kinds.sample[new])
            try:
                name, cycle, made = self._line(row)
            except Problem:
                return False
            offset = cycle - int(self.kinds.cycle[row])
            if name in macros or abs(offset) > _FARTHEST:
                return False
            self.sample[new], self.offset[new], self._known[new] = made, offset, True
            if made.pin is not None or any(isinstance(o, TensorRef) for o in (*made.inputs, *made.outputs)):
                self.portable = False
        return True

    def line(self, row: int) -> tuple[int, Statement]:
        """The cycle and the statement of a line, by its index in the text."""
        return self._line(row)[1:]

    def _line(self, row: int) -> tuple[str, int, Statement]:
        line = self.kinds.parse(row)
        evaluator = Evaluator(line, self._scope, self._names)
        prefix, body = line.template.prefix, line.template.body
        assert isinstance(body, StatementLine)
        cycle = 0 if prefix is None else evaluator.integer(prefix)
        name = evaluator.text(body.mnemonic)
        return name, cycle, statement(evaluator, body, name, self.frames, ())


@dataclass(frozen=True, eq=False)
class Chunk:
    """A block that stands in a ``.unit`` section, or without cycles in a ``.queue`` section."""

    block: Block
    meaning: Meaning

    def columns(self) -> tuple[Ints, Ints, Ints]:
        """The kind of each line, its cycle, and its free number."""
        kinds, rows = self.block.kinds, self.block.rows
        kind = kinds.kind[rows]
        return kind, kinds.cycle[rows] + self.meaning.offset[kind], kinds.free[rows]

    def lines(self) -> list[tuple[int, Statement]]:
        """Cycles and statements, line by line."""
        return [self.meaning.line(row) for row in self.block.rows.tolist()]
