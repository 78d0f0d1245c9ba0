"""From a net to what each node hears: inputs followed to their ends, and joined to lanes where they are one value."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lpuasm.isa.distinct import indices
from lpuasm.isa.operands import TYPE_BYTES
from lpuasm.isa.runs import Bools, Ints
from lpuasm.vm import arenas, nests, segments
from lpuasm.vm.net import Net
from lpuasm.vm.nodes import byte_of, node_of, one_port, slot_of
from lpuasm.vm.segments import Follower, Segments


# Frozen ones take three times as long to make, and there are many.
@dataclass(slots=True, unsafe_hash=True)
class Piece:
    """Vectors of an input that are vectors of one node: ``issue`` + k · ``hop`` is ``at`` + k · ``pace`` of ``node``.

    ``byte``: which byte plane of the input this is, −1 for all of its lanes; ``source``: the first byte plane of the
    node's lanes that it takes.
    """

    byte: int
    issue: int
    hop: int
    count: int
    node: int
    source: int
    at: int
    pace: int


@dataclass(frozen=True)
class Resolved:
    """The ends of every input. ``rows``: sorted by port; ``pieces``: by node and slot."""

    rows: Segments
    pieces: dict[tuple[int, int], list[Piece]]


def resolve(net: Net) -> Resolved:
    """Follows every input of every node of ``net``."""
    table = [*net.same]
    if net.aliases:
        table.append(segments.whole(*np.array(net.aliases, np.int64).T.copy()))
    if net.touched or net.laid:
        table.append(arenas.join(nests.gather(net.touched), net.laid, net.target.geometry.words_per_bank, net.nothing))
    follower = Follower(segments.gather(table) if table else _none())
    ports = follower.table.port
    computed = np.zeros(net.size, bool)
    computed[list(net.nodes)] = True
    heard = computed[node_of(ports)] & (slot_of(ports) != 0)
    rows = follower.follow(follower.table.pick(heard))
    return Resolved(rows, _pieces(net, rows))


def _none() -> Segments:
    return Segments(*(np.zeros(0, np.int64) for _ in range(7)))


def _pieces(net: Net, rows: Segments) -> dict[tuple[int, int], list[Piece]]:
    """Rows of inputs as pieces; those whose bytes all come alike from one value's bytes are one piece for all."""
    if not len(rows):
        return {}
    byte = byte_of(rows.port)
    joined = _joined(net, rows, byte)
    kept = indices(~joined | (byte == 0))
    rows = rows.pick(kept)
    columns = (
        np.where(joined, -1, byte)[kept], rows.issue, rows.hop, rows.count, node_of(rows.source), byte_of(rows.source),
        rows.at, rows.pace,
    )  # fmt: skip
    pieces = list(map(Piece, *(c.tolist() for c in columns)))
    # Rows are sorted, so those of an input follow each other.
    node, slot = node_of(rows.port), slot_of(rows.port)
    fresh = np.ones(len(rows) + 1, bool)
    fresh[1:-1] = (node[1:] != node[:-1]) | (slot[1:] != slot[:-1])
    ends = indices(fresh)
    inputs = zip(node[ends[:-1]].tolist(), slot[ends[:-1]].tolist(), strict=True)
    return {key: pieces[low:high] for key, (low, high) in zip(inputs, pairwise(ends.tolist()), strict=True)}


def _joined(net: Net, rows: Segments, byte: Ints) -> Bools:
    """Of each row, whether it belongs to an input all of whose bytes are heard together as one value."""
    base = rows.port - byte
    fresh = np.ones(len(base), bool)
    fresh[1:] = base[1:] != base[:-1]
    first = indices(fresh)
    group = fresh.cumsum() - 1
    total = np.diff(np.append(first, len(base)))
    # Rows of byte 0 of each input; the rows of the other bytes are to be the same ones, in the same order.
    zero = np.bincount(group, byte == 0, len(first)).astype(np.int64)
    nodes = net.nodes
    width = np.zeros(net.size, np.int64)
    width[list(nodes)] = [TYPE_BYTES[node.kept] if node.kept else 0 for node in nodes.values()]
    sizes = {one_port(n, i.slot): i.size for n, node in nodes.items() for i in node.inputs if i.kind}
    size = np.array([sizes.get(b, 0) for b in base[first].tolist()], np.int64)
    fits: Bools = (size > 0) & (zero > 0) & (total == zero * size)
    if not fits.any():
        return np.zeros(len(group), bool)
    twin = first[group] + (np.arange(len(base)) - first[group]) % np.maximum(zero, 1)[group]
    alike = byte == (np.arange(len(base)) - first[group]) // np.maximum(zero, 1)[group]
    for column in (rows.issue, rows.hop, rows.count, rows.at, rows.pace):
        alike &= column == column[twin]
    source = node_of(rows.source)
    nothing = source == net.zero
    # Lanes of one byte may be any byte plane of their source.
    whole = (size[group] == width[source]) & (byte_of(rows.source) == byte) & (rows.source - byte == rows.source[twin])
    alike &= whole | (size[group] == 1) | (nothing & nothing[twin])
    fits &= np.logical_and.reduceat(alike, first)
    return np.asarray(fits[group], bool)
