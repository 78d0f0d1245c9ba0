"""Chunks as words: the lines of one kind share a word, in which only the address differs."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass

import numpy as np

from lpuasm.asm.chunk import Chunk, Meaning
from lpuasm.asm.encode import Site
from lpuasm.asm.rows import MAX_CYCLE, Row, Run
from lpuasm.asm.scan import Ints
from lpuasm.asm.settle import Loose
from lpuasm.asm.syntax import Statement, Unread
from lpuasm.isa.core import Definition
from lpuasm.isa.distinct import distinct
from lpuasm.isa.errors import AssemblyError
from lpuasm.isa.kinds import Number
from lpuasm.isa.target import Queue
from lpuasm.isa.timeline import Words

#: The rows of a statement at cycle 0; raises AssemblyError.
Encode = Callable[[Statement], Sequence[Row | Loose]]
#: No numbers of queues.
_LOOSE, _NOT_THERE = -1, -2
_LOW = (1 << 64) - 1
#: Instructions that signal to other queues or wait for them.
_WAITING = ("sync", "deskew", "notify", "transmit")


class Chunks:
    """The chunks so far, as runs."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.runs: list[Run] = []
        self._forms: dict[tuple[str, Meaning], _Forms] = {}

    def take(
        self, chunk: Unread, unit: str, queues: Sequence[Queue], placed: Sized, waiting: list[Loose], encode: Encode
    ) -> bool:
        """Makes runs of a chunk in a unit with such queues, behind the rows ``placed``, if nothing is wrong with any of
        its lines; those that have a choice of queues go to ``waiting``."""
        if not isinstance(chunk, Chunk):
            return False
        alone = queues[0] if len(queues) == 1 else None
        alike = alone is not None and alone.kind == "mem" and chunk.meaning.portable
        key = "mem" if alike else unit, chunk.meaning
        forms = self._forms.get(key)
        if forms is None:
            forms = self._forms[key] = _Forms(chunk.meaning, self.site, _WAITING)
        lines = chunk.block.rows
        kind, cycle, number = chunk.columns()
        if int(cycle.min()) < 0 or int(cycle.max()) > MAX_CYCLE or not forms.take(kind, number, encode):
            return False
        for layer in forms.layers:
            words, repeats, hold = layer.filled(kind, number), layer.repeats[kind], layer.hold[kind]
            if alone is not None:
                self.runs.append(Run(alone, cycle, words, repeats, hold, lines, chunk, len(placed)))
                continue
            in_queue = layer.queue[kind]
            for n in distinct(in_queue).tolist():
                own = in_queue == n
                if n >= 0:
                    columns = cycle[own], words[own], repeats[own], hold[own], lines[own]
                    self.runs.append(Run(self.site.target.queues[n], *columns, chunk, len(placed)))
                elif n == _LOOSE:
                    for k, at, line in zip(kind[own].tolist(), cycle[own].tolist(), lines[own].tolist(), strict=True):
                        one = forms.loose[k]
                        waiting.append(Loose(at, one.queues, one.word, one.repeat, one.hold, None, chunk, line))
        return True

    def words(self, chunk: Unread, queue: Queue, encode: Encode) -> Run | None:
        """A chunk without cycles as words of a queue; None where anything may be wrong with one of its lines."""
        if not isinstance(chunk, Chunk):
            return None
        key = f"words of {'mem' if queue.kind == 'mem' and chunk.meaning.portable else queue.name}", chunk.meaning
        forms = self._forms.get(key)
        if forms is None:
            forms = self._forms[key] = _Forms(chunk.meaning, self.site, ())
        kind, cycle, number = chunk.columns()
        if not forms.take(kind, number, encode):
            return None
        (layer,) = forms.layers
        words = layer.filled(kind, number)
        return Run(queue, cycle, words, layer.repeats[kind], layer.hold[kind], chunk.block.rows, chunk, 0)


class _Layer:
    """A row of each line, by its kind: the word without its number that varies, the lowest bit of that, the least and
    the greatest value that it may have, and what it is counted from; and its queue, or whether it has a choice of them
    or is not there."""

    def __init__(self, kinds: int) -> None:
        self.words, self.repeats = np.zeros((kinds, 2), np.uint64), np.zeros((kinds, 2), np.uint64)
        self.hold, self.queue = np.zeros(kinds, np.int64), np.full(kinds, _NOT_THERE, np.int64)
        self.shift = np.zeros(kinds, np.uint64)
        self.least, self.most = np.zeros(kinds, np.int64), np.zeros(kinds, np.int64)
        self.base = np.zeros(kinds, np.int64)

    def filled(self, kind: Ints, number: Ints) -> Words:
        """The words of lines of these kinds with these numbers."""
        words = self.words[kind]
        words[:, 0] |= (number - self.base[kind]).astype(np.uint64) << self.shift[kind]
        return words


class _Forms:
    """The rows of the kinds of lines of a text in one unit, or in all units that are alike.

    A layer has the first row of each kind, the next one the second of those that have two, and so on. ``loose``: those
    with a choice of queues. ``refused``: mnemonics of lines that have to be looked at one by one.
    """

    def __init__(self, meaning: Meaning, site: Site, refused: Sequence[str]) -> None:
        self.meaning, self.site, self.refused = meaning, site, refused
        self.layers = [_Layer(len(meaning.kinds.sample))]
        self.loose: dict[int, Loose] = {}
        self._known = np.zeros(len(meaning.kinds.sample), bool)

    def take(self, kind: Ints, number: Ints, encode: Encode) -> bool:
        """Makes the rows of kinds that are new; whether nothing is wrong with any line."""
        if not self._learn(kind, encode):
            return False
        first = self.layers[0]
        return not ((number < first.least[kind]) | (number > first.most[kind])).any()

    def _learn(self, kind: Ints, encode: Encode) -> bool:
        for new in distinct(kind[~self._known[kind]]).tolist():
            statement = self.meaning.sample[new]
            try:
                rows = encode(statement)
            except AssemblyError:
                return False
            queues = [row.queue if isinstance(row, Row) else None for row in rows]
            if len(set(queues)) < len(rows) or statement.mnemonic in self.refused:
                return False
            mask = 0
            if self.meaning.kinds.varies[new]:
                field = self._varying(new, rows)
                if field is None:
                    return False
                mask, first = field.mask, self.layers[0]
                first.shift[new], first.base[new] = field.shift, field.base
                first.least[new], first.most[new] = field.least, field.most
            for k, row in enumerate(rows):
                if k == len(self.layers):
                    self.layers.append(_Layer(len(self._known)))
                layer, word = self.layers[k], row.word & ~mask
                layer.words[new], layer.repeats[new] = (word & _LOW, word >> 64), (row.repeat & _LOW, row.repeat >> 64)
                layer.hold[new] = row.hold
                if isinstance(row, Row):
                    layer.queue[new] = row.queue.number
                else:
                    layer.queue[new], self.loose[new] = _LOOSE, row
            self._known[new] = True
        return True

    def _varying(self, kind: int, rows: Sequence[Row | Loose]) -> _Field | None:
        """Where the number lies that is another in each line; None where there is none, or several rows have one."""
        kinds = self.meaning.kinds
        if len(rows) != 1 or not isinstance(rows[0], Row):
            return None
        return _field(rows[0], int(kinds.free[kinds.sample[kind]]), self.site)


@dataclass(frozen=True, slots=True)
class _Field:
    mask: int
    shift: int
    base: int
    least: int
    most: int


def _field(row: Row, value: int, site: Site) -> _Field | None:
    """Where the address of a row lies, or the count of its `nop`, and the values that it may have beside the other
    operands."""
    instruction = site.table.decode(row.word)
    definition: Definition = instruction.definition
    operand = definition.operand.get("count" if definition.mnemonic == "nop" else "address")
    if operand is None or operand.kind != "number" or operand.optional or definition.rules:
        return None
    if operand.attributes.get("scale", 1) != 1 or operand.attributes.get("signed"):
        return None
    base, most = Number().range(operand.attributes)
    least, width = base, operand.parts[0][1]
    if instruction.values[operand.name] != value or operand.at + width > 64:
        return None
    if site.strict and operand.name == "address":
        dims = instruction.values.get("repeat") or ()
        assert isinstance(dims, tuple)
        moves = [(dim.count - 1) * dim.step for dim in dims]
        least = max(least, -sum(m for m in moves if m < 0))
        most = min(most, site.target.words - 1 - sum(m for m in moves if m > 0))
    return _Field(((1 << width) - 1) << operand.at, operand.at, base, least, most)
