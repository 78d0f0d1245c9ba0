"""Who put what there that does not come by a stream: rows of weights, latches, results of planes, vectors on links.

All of it is known from the timeline alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np

from lpuasm.isa.target import Queue
from lpuasm.vm.code import Code
from lpuasm.vm.moments import Ints, Moments

#: An issue: the word, and the cycle of its dispatch.
Event = tuple[Code, int]


class Holders:
    """Answers for the words of one program."""

    def __init__(self, moments: Moments, codes: Iterable[Code]) -> None:
        self.moments = moments
        self.codes = list(codes)
        self.target = moments.timeline.target

    def row(self, code: Code) -> int:
        """The family of a word."""
        return self.moments.row[code.queue.number, code.word]

    def step(self, code: Code, cycle: int) -> int:
        """By how much the stepped operand of a word has moved at its issue in a cycle."""
        number = self.moments.issue(self.row(code), cycle)
        assert number is not None, f"{code.queue} word {code.word} does not issue in cycle {cycle}"
        return self.moments.step(self.row(code), number)

    @cached_property
    def _by_kind(self) -> dict[tuple[str, str], list[Code]]:
        found: dict[tuple[str, str], list[Code]] = {}
        for code in self.codes:
            if (code.queue.number, code.word) in self.moments.row:
                found.setdefault((code.queue.name, code.definition.mnemonic), []).append(code)
        return found

    def issues(self, code: Code) -> tuple[Ints, Ints]:
        """(by how much the stepped operand has moved, the cycle) of each issue of a word, in order."""
        t, family = self.moments.timeline, self.row(code)
        rest = np.arange(int(t.issues[family]))
        steps, cycles = np.zeros_like(rest), np.full_like(rest, t.start[family])
        for k in range(t.count.shape[1]):
            index = rest % t.count[family, k]
            rest = rest // t.count[family, k]
            steps, cycles = steps + index * t.step[family, k], cycles + index * t.every[family, k]
        return steps, cycles

    def words(self, queue: str, *mnemonics: str) -> list[Code]:
        return [code for name in mnemonics for code in self._by_kind.get((queue, name), [])]

    def _of_plane(self, hemisphere: str, plane: int, part: str, *mnemonics: str) -> list[Code]:
        """The words that act on a plane: those of its own queue, and those of a pair."""
        own = self.words(f"mxm.{hemisphere}{plane}.{part}", *mnemonics)
        pair = self.words(f"mxm.{hemisphere}0.{part}", *mnemonics)
        return [c for c in own if not c.instruction.paired] + [c for c in pair if c.instruction.paired]

    def _latest(self, code: Code, until: int, covers: tuple[int, int] | None) -> int | None:
        """The last dispatch at or before ``until``; with ``covers`` of a group (row, rows of a group) that has it."""
        if until < 0:
            return None
        last = self.moments.last_issue(self.row(code), until)
        if last is None or covers is None:
            return None if last is None else last[1]
        row, count = covers
        steps, cycles = (column[: last[0] + 1] for column in self.issues(code))
        hits = np.flatnonzero(code.number("group") + steps == row // count)
        return int(cycles[hits[-1]]) if len(hits) else None

    def installed(self, hemisphere: str, plane: int, row: int, cycle: int) -> Event | None:
        """Who put a row into the array that an `abc` dispatched in ``cycle`` uses; None: nobody, it is zeros."""
        return self._weights(hemisphere, plane, "iw", ("iw", "clear"), row, cycle)

    def loaded(self, hemisphere: str, plane: int, row: int, cycle: int) -> Event | None:
        """Who put a row into the buffer that an `iw` dispatched in ``cycle`` copies."""
        return self._weights(hemisphere, plane, "lw", ("lw",), row, cycle)

    def _weights(
        self, hemisphere: str, plane: int, part: str, mnemonics: tuple[str, ...], row: int, cycle: int
    ) -> Event | None:
        best: Event | None = None
        for code in self._of_plane(hemisphere, plane, part, *mnemonics):
            count = rows_of_group(code)
            at = self._latest(code, cycle - code.func, None if count == 0 else (row, count))
            if at is not None and (best is None or at > best[1]):
                best = code, at
        return best

    def kept(self, alu: Queue, cycle: int) -> Event | None:
        """Who put there what the latch of an ALU holds before ``cycle``."""
        best: Event | None = None
        for code in self.codes:
            if code.queue is alu and code.values.get("keep") and (code.queue.number, code.word) in self.moments.row:
                at = self._latest(code, cycle - 1, None)
                if at is not None and (best is None or at > best[1]):
                    best = code, at
        return best

    def dispatched(self, queue: str, cycle: int, *mnemonics: str) -> Event | None:
        """The word of a queue that dispatches in a cycle."""
        for (name, mnemonic), codes in self._by_kind.items():
            if name == queue and (not mnemonics or mnemonic in mnemonics):
                for code in codes:
                    if self.moments.issue(self.row(code), cycle) is not None:
                        return code, cycle
        return None

    def multiplied(self, acc: Code, cycle: int) -> Event | None:
        """The `abc` whose result an `acc` takes that is dispatched in ``cycle``."""
        taps = self.target.taps
        for code in self._of_plane(acc.queue.hemisphere, acc.queue.index, "abc", "abc"):
            at = cycle - code.func - taps.acc_result + taps.mxm_result
            if at >= 0 and self.moments.issue(self.row(code), at) is not None:
                return code, at
        return None

    def sent(self, receive: Code, cycle: int) -> Event | None:
        """The `send` whose vector a `receive` takes: on a link the n-th takes the n-th."""
        link = receive.number("link")
        taken = sorted(self._times("receive", link))
        source = self.target.c2c.loopback.index(link)
        sent = sorted(self._times("send", source))
        number = next(k for k, (at, _) in enumerate(taken) if at == cycle)
        if number >= len(sent):
            return None
        at, index = sent[number]
        return self.codes[index], at

    def _times(self, mnemonic: str, link: int) -> list[tuple[int, int]]:
        """(cycle, index of the word) of every issue of a kind on a link."""
        return [
            (int(cycle), index)
            for index, code in enumerate(self.codes)
            if code.definition.mnemonic == mnemonic and code.number("link") == link
            for cycle in self.issues(code)[1]
        ]


def rows_of_group(code: Code) -> int:
    """How many rows a word that loads or installs a group takes from streams; 0 where it takes no group."""
    if "rows" not in code.ports:
        return 0
    return code.ports["rows"].streams.size // (2 if code.instruction.paired else 1)
