"""What a body claims of the chip: slots of queues, generators, bank ports, and stretches of streams.

A claim is a nest of cells on the time axis of one track. The time of a stream
is the diagonal, and a cell of it is a set of stream registers (a bit each):
two values may share a diagonal where their registers do not overlap.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lpuasm.asm.body import Access, Body, Word
from lpuasm.asm.fold import Widths, fold
from lpuasm.isa.target import Target
from lpuasm.isa.values import Dim

Track = tuple[str, int | str, int | str]
WIDE: Widths = ((40, 40, 40),) * 3


@dataclass(frozen=True, slots=True)
class Claim:
    """Cells of ``track`` from ``first`` on (relative to the flow's start), a nest of ``dims``, in the bits ``mask``.

    ``word`` is the word of the body that claims them. ``span``: from the first cell to the last.
    """

    track: Track
    first: int
    dims: tuple[Dim, ...]
    mask: int
    word: int = field(default=-1, compare=False)
    span: int = field(init=False, compare=False)
    bits: np.uint64 = field(init=False, compare=False, repr=False)
    _hash: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Works out what is asked for again and again, for a loop makes many bodies that share their claims."""
        object.__setattr__(self, "span", sum([(d.count - 1) * d.every for d in self.dims]))
        object.__setattr__(self, "bits", np.uint64(self.mask))
        object.__setattr__(self, "_hash", hash((self.track, self.first, self.dims, self.mask)))

    def __hash__(self) -> int:
        return self._hash


def queue_of(word: Word) -> Track:
    """The track of the slots of a word's queue."""
    return ("queue", word.queue.name, "")


def describe(track: Track) -> str:
    """A track in words."""
    kind, one, two = track
    if kind == "stream":
        return f"stream s{two}.{one}"
    if kind == "bank":
        return f"bank {two} of {one}"
    if kind == "link":
        return f"link {one}"
    return f"the {two} generator of {one}" if kind == "generator" else f"queue {one}"


def claims(body: Body, target: Target) -> list[Claim]:
    """Everything that a body claims, in a fixed order: queues, generators, links, banks, streams."""
    out: list[Claim] = []
    for number, word in enumerate(body.words):
        out += _queue_claims(word, number)
        link = word.values.get("link")
        if word.definition.uses("writes", "link") and isinstance(link, int):
            out.append(Claim(("link", link, "send"), word.time, (Dim(target.c2c.packet_cycles), *word.dims), 1, number))
    names = [q.name for q in target.queues]
    for access in body.accesses:
        out += _bank_claims(access, body.words[access.word], names[access.slice], target)
    for segment in body.segments:
        mask = (1 << (segment.last + 1)) - (1 << segment.first)
        track: Track = ("stream", segment.channel.direction, segment.channel.stream)
        out.append(Claim(track, segment.diagonal, segment.dims, mask, segment.word))
    return out


def _queue_claims(word: Word, number: int) -> list[Claim]:
    name = word.queue.name
    held = (Dim(word.last - word.time + 1),) if word.last > word.time else ()
    if word.definition.unit != "mem":
        own = [Claim(("queue", name, ""), word.time, held, 1, number)]
        if word.also is not None:
            own.append(Claim(("queue", word.also.name, ""), word.time, word.dims, 1, number))
        return own
    generator = "read" if word.definition.uses("reads", "sram") else "write"
    return [
        Claim(("queue", name, ""), word.time, (), 1, number),
        Claim(("generator", name, generator), word.time, held, 1, number),
    ]


def _bank_claims(access: Access, word: Word, name: str, target: Target) -> list[Claim]:
    """All banks in each cycle where data decides on the word; else the bank of each address."""
    later = access.addresses >= target.geometry.words_per_bank
    if access.addresses[0] < 0 or not later.any() or later.all():
        banks = range(target.geometry.banks) if access.addresses[0] < 0 else (int(later[0]),)
        first, dims = int(access.cycles[0]), tuple(Dim(d.count, d.every) for d in word.dims)
        return [Claim(("bank", name, bank), first, dims, 1, access.word) for bank in banks]
    cells = [_cells(("bank", name, bank), access.cycles[later == bool(bank)], access.word) for bank in (0, 1)]
    return cells[0] + cells[1]


def _cells(track: Track, times: np.ndarray[tuple[int, ...], np.dtype[np.int64]], word: int) -> list[Claim]:
    return [Claim(track, int(times[n.first]), n.dims, 1, word) for n in fold(times, None, WIDE)]
