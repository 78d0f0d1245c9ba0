"""From a net to what each node hears: inputs followed to their ends, and joined to lanes where they are one value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lpuasm.isa.distinct import indices
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
    out: dict[tuple[int, int], list[Piece]] = {}
    kept = ~joined | (byte == 0)
    node, slot = node_of(rows.port[kept]).tolist(), slot_of(rows.port[kept]).tolist()
    pieces = map(
        Piece, np.where(joined, -1, byte)[kept].tolist(), rows.issue[kept].tolist(), rows.hop[kept].tolist(),
        rows.count[kept].tolist(), node_of(rows.source[kept]).tolist(), byte_of(rows.source[kept]).tolist(),
        rows.at[kept].tolist(), rows.pace[kept].tolist(),
    )  # fmt: skip
    for key, piece in zip(zip(node, slot, strict=True), pieces, strict=True):
        out.setdefault(key, []).append(piece)
    return out


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
    width = np.zeros(net.size, np.int64)
    for number, node in net.nodes.items():
        width[number] = node.width if node.kept else 0
    sizes = {one_port(n, i.slot): i.size if i.kind else 0 for n, node in net.nodes.items() for i in node.inputs}
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
