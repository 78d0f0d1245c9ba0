"""Chunks as words: the lines of one kind share a word, in which only the address differs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lpuasm.asm.chunk import Chunk, Meaning
from lpuasm.asm.encode import Site
from lpuasm.asm.rows import MAX_CYCLE, Row, Run
from lpuasm.asm.scan import Ints
from lpuasm.asm.syntax import Statement, Timed
from lpuasm.isa.core import Definition
from lpuasm.isa.distinct import distinct
from lpuasm.isa.errors import AssemblyError
from lpuasm.isa.kinds import Number
from lpuasm.isa.target import Queue

#: The row of a statement at cycle 0, if it is one in any case; raises AssemblyError.
Encode = Callable[[Statement], Row | None]
_LOW = (1 << 64) - 1
#: Instructions that signal to other queues or wait for them.
_WAITING = ("sync", "deskew", "notify", "transmit")


class Chunks:
    """The chunks so far, as runs."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.runs: list[Run] = []
        self._forms: dict[tuple[str, Meaning], _Forms] = {}

    def take(self, chunk: Timed, unit: str, queues: Sequence[Queue], order: int, encode: Encode) -> bool:
        """Makes runs of a chunk in a unit with such queues, behind ``order`` rows, if it can be.

        It can be if each line is one row, and nothing is wrong with any.
        """
        if not isinstance(chunk, Chunk):
            return False
        alone = queues[0] if len(queues) == 1 else None
        alike = alone is not None and alone.kind == "mem" and chunk.meaning.portable
        key = "mem" if alike else unit, chunk.meaning
        forms = self._forms.get(key)
        if forms is None:
            forms = self._forms[key] = _Forms(chunk.meaning, self.site)
        lines = chunk.block.rows
        kind, cycle, address = chunk.columns()
        if int(cycle.min()) < 0 or int(cycle.max()) > MAX_CYCLE or not forms.learn(kind, encode):
            return False
        if ((address < forms.least[kind]) | (address > forms.most[kind])).any():
            return False
        words, repeats, hold = forms.words[kind], forms.repeats[kind], forms.hold[kind]
        words[:, 0] |= address.astype(np.uint64) << forms.shift[kind]
        if alone is not None:
            self.runs.append(Run(alone, cycle, words, repeats, hold, lines, chunk, order))
            return True
        number = forms.queue[kind]
        for n in distinct(number).tolist():
            own = number == n
            queue = self.site.target.queues[n]
            self.runs.append(Run(queue, cycle[own], words[own], repeats[own], hold[own], lines[own], chunk, order))
        return True


class _Forms:
    """The words of the kinds of lines of a text in one unit, or in all units that are alike: by kind the word without
    its address, the lowest bit of that, the least and the greatest value that it may have."""

    def __init__(self, meaning: Meaning, site: Site) -> None:
        kinds = len(meaning.kinds.sample)
        self.meaning, self.site = meaning, site
        self._known = np.zeros(kinds, bool)
        self.words, self.repeats = np.zeros((kinds, 2), np.uint64), np.zeros((kinds, 2), np.uint64)
        self.hold, self.queue = np.zeros(kinds, np.int64), np.zeros(kinds, np.int64)
        self.shift = np.zeros(kinds, np.uint64)
        self.least, self.most = np.zeros(kinds, np.int64), np.zeros(kinds, np.int64)

    def learn(self, kind: Ints, encode: Encode) -> bool:
        """Makes the words of kinds that are new; whether each is one word in one queue."""
        kinds = self.meaning.kinds
        for new in distinct(kind[~self._known[kind]]).tolist():
            statement = self.meaning.sample[new]
            try:
                row = encode(statement)
            except AssemblyError:
                return False
            if row is None or statement.mnemonic in _WAITING:
                return False
            word = row.word
            if kinds.varies[new]:
                field = _address(row, int(kinds.free[kinds.sample[new]]), self.site)
                if field is None:
                    return False
                word &= ~field.mask
                self.shift[new], self.least[new], self.most[new] = field.shift, field.least, field.most
            self.words[new], self.repeats[new] = (word & _LOW, word >> 64), (row.repeat & _LOW, row.repeat >> 64)
            self.hold[new], self.queue[new], self._known[new] = row.hold, row.queue.number, True
        return True


@dataclass(frozen=True, slots=True)
class _Field:
    mask: int
    shift: int
    least: int
    most: int


def _address(row: Row, value: int, site: Site) -> _Field | None:
    """Where the address of a row lies, and the values that it may have beside the other operands."""
    instruction = site.table.decode(row.word)
    definition: Definition = instruction.definition
    operand = definition.operand.get("address")
    if operand is None or operand.kind != "number" or operand.optional or definition.rules:
        return None
    if operand.attributes.get("scale", 1) != 1 or operand.attributes.get("least", 0) != 0:
        return None
    least, most = Number().range(operand.attributes)
    width = operand.parts[0][1]
    if instruction.values["address"] != value or least != 0 or operand.at + width > 64:
        return None
    if site.strict:
        dims = instruction.values.get("repeat") or ()
        assert isinstance(dims, tuple)
        moves = [(dim.count - 1) * dim.step for dim in dims]
        least = max(least, -sum(m for m in moves if m < 0))
        most = min(most, site.target.words - 1 - sum(m for m in moves if m > 0))
    return _Field(((1 << width) - 1) << operand.at, operand.at, least, most)
