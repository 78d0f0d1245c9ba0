"""Steps that are alike made one: what the program does to sixteen vectors here and to the next sixteen there.

A chip that works on tasks side by side says the same thing many times over, of a few vectors each time. To a computer
every time costs as much as a hundred vectors. So nodes that do the same to vectors of one node become one node. Its
vectors follow each other, or take turns, as those that it takes do: then its operands are still views.

Nodes are made one only within a level, which is how many steps values are away from tensors: so none can need
another one. And they are made no larger than what stays in the cache: beyond, time goes to memory and not to calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from lpuasm.isa.values import Latch, Link, Streams
from lpuasm.vm.net import Net
from lpuasm.vm.nodes import Input, Node, Part
from lpuasm.vm.resolve import Piece, Resolved

_MOST = 256  # vectors of a node that was made of several
_SHORT = 16  # nodes of at most so many are made one even if their operands must be laid together
_START = 1 << 42  # more than a cycle

Pieces = dict[tuple[int, int], list[Piece]]
#: Vector v of a node is vector ``first`` + v · ``step`` of another one: (node, first, step).
Place = tuple[int, int, int]


def twins(net: Net, resolved: Resolved) -> None:
    """Makes nodes of ``net`` one where that can be done."""
    likes = _likes(net)
    if not likes:
        return
    pieces = resolved.pieces
    heard = _heard(net, pieces)
    level = _levels(net, heard)
    if level is None:
        return
    by_level: dict[int, list[int]] = {}
    for n in level:
        by_level.setdefault(level[n], []).append(n)
    inputs: dict[int, list[tuple[int, int]]] = {}
    for key in pieces:
        inputs.setdefault(key[0], []).append(key)
    places: dict[int, Place] = {}
    for depth in sorted(by_level):
        groups: dict[object, list[Node]] = {}
        for n in by_level[depth]:
            if not places.keys().isdisjoint(heard[n]):
                for key in inputs.get(n, ()):
                    _move(pieces[key], places)
            if n in likes:
                node = net.nodes[n]
                first = pieces.get((n, node.inputs[0].slot))
                if first is not None and all(p.node == first[0].node for p in first):
                    groups.setdefault((likes[n], first[0].node), []).append(node)
        for alike in groups.values():
            if len(alike) > 1:
                _join(net, pieces, alike, places)
    for n, node in net.nodes.items():
        depth = level.get(node.members[0].number if node.members else n, 0)
        node.start = depth * _START + max(0, node.start)
    net.wanted[:] = dict.fromkeys(places[n][0] if n in places else n for n in net.wanted)


def _likes(net: Net) -> dict[int, object]:
    """What says of nodes that they do the same, of those that others are like."""
    found: dict[object, list[int]] = {}
    for number, node in net.nodes.items():
        if node.count <= _MOST // 2 and node.inputs and node.at is None and (like := _like(node)) is not None:
            found.setdefault(like, []).append(number)
    return {n: like for like, numbers in found.items() if len(numbers) > 1 for n in numbers}


def _like(node: Node) -> object | None:
    code = node.code
    if len(node.parts) != 1 or not node.kept or any(not i.kind and i.name != "map" for i in node.inputs):
        return None
    operands = tuple((i.name, i.kind, i.size) for i in node.inputs)
    holder = node.parts[0].holder
    if node.kind == "acc":
        return None if node.kept == "i32" else (node.kind, node.kept, operands, node.count)
    if node.kind == "abc":
        assert code is not None
        return None if node.kept == "i32" else (node.kind, operands, holder, code.values["half"], node.count)
    if node.kind not in ("vxm", "sxm") or code is None or holder >= 0:
        return None
    # Where an operand comes from is its input, and where a result goes, or a latch is kept, is up to those who hear it.
    fixed = tuple(
        (name, v) for name, v in code.values.items() if not isinstance(v, Streams | Link | Latch) and name != "keep"
    )
    return (node.kind, code.mnemonic, fixed, operands, node.kept, node.count)


def _heard(net: Net, pieces: Pieces) -> dict[int, set[int]]:
    """Whom every node hears, with what holds its weights."""
    heard: dict[int, set[int]] = {n: set() for n in net.nodes}
    for (number, _), row in pieces.items():
        heard[number].update([p.node for p in row])
    for number, node in net.nodes.items():
        heard[number].update([p.holder for p in node.parts if p.holder >= 0])
    return heard


def _levels(net: Net, heard: dict[int, set[int]]) -> dict[int, int] | None:
    """How many nodes are before each one that is needed, at most; None if they hear one another in a circle."""
    needed, work = set(net.wanted), list(net.wanted)
    while work:
        fresh = heard[work.pop()] - needed
        needed |= fresh
        work += fresh
    level: dict[int, int] = {}
    for n in sorted(needed, key=lambda n: net.nodes[n].start):
        if not heard[n] <= level.keys():
            return None
        level[n] = 1 + max([level[s] for s in heard[n]], default=-1)
    return level


def _move(row: Iterable[Piece], places: dict[int, Place]) -> None:
    """Lets pieces come from the nodes that theirs are part of."""
    for p in row:
        if (place := places.get(p.node)) is not None:
            p.node, first, step = place
            p.at, p.pace = first + step * p.at, step * p.pace


def _runs(alike: list[Node], pieces: Pieces, free: bool) -> Iterator[tuple[list[Node], int]]:
    """Nodes that are fit to be one, and how many take turns in it: 1 if one follows the other."""
    slot, n = alike[0].inputs[0].slot, alike[0].count
    alike = sorted(alike, key=lambda node: (pieces[node.number, slot][0].at, node.start))
    lines = [pieces[node.number, slot] for node in alike]
    k = 0
    while k < len(alike):
        one = lines[k][0]
        apart = lines[k + 1][0].at - one.at if k + 1 < len(alike) else 0
        turns = one.pace // apart if apart > 0 and one.pace % apart == 0 and not free else 0
        if 1 < turns <= min(len(alike) - k, _MOST // n) and lines[k + turns - 1][0].at == one.at + (turns - 1) * apart:
            yield alike[k : k + turns], turns
            k += turns
            continue
        end = k + 1
        while (
            end < len(alike)
            and (end + 1 - k) * n <= _MOST
            and (free or n <= _SHORT or lines[end][0].at == lines[end - 1][0].at + n * one.pace)
        ):
            end += 1
        yield alike[k:end], 1
        k = end


def _join(net: Net, pieces: Pieces, alike: list[Node], places: dict[int, Place]) -> None:
    """Makes nodes that take vectors of one node one node, or several."""
    n = alike[0].count
    # Few vectors are distributed to many: they need not be laid together for it.
    free = alike[0].code is not None and alike[0].code.mnemonic == "distribute"
    for some, turns in _runs(alike, pieces, free):
        if len(some) == 1:
            continue
        inputs = some[0].inputs
        heard = [_together([pieces.get((node.number, i.slot), []) for node in some], n, turns) for i in inputs]
        if n > _SHORT and not free and any(len(row) > 1 for row in heard):
            continue
        first, count = some[0], n * len(some)
        node = net.add(
            replace(
                first,
                number=-1,
                count=count,
                inputs=tuple(Input(i.slot, i.name, i.kind, i.size, count) for i in inputs),
                parts=[Part(0, count, first.parts[0].holder)],
                members=tuple(some),
                turns=turns,
            )
        )
        for i, row in zip(inputs, heard, strict=True):
            pieces[node.number, i.slot] = row
            for member in some:
                pieces.pop((member.number, i.slot), None)
        for k, member in enumerate(some):
            places[member.number] = (node.number, k, turns) if turns > 1 else (node.number, k * n, 1)
            del net.nodes[member.number]


def _together(rows: Sequence[Sequence[Piece]], n: int, turns: int) -> list[Piece]:
    """The pieces of an input of nodes of ``n`` vectors as those of one: a single piece where that is what they are."""
    many = len(rows)
    if all(len(row) == 1 for row in rows):
        p = rows[0][0]
        if all((q.byte, q.count, q.node, q.source) == (-1, n, p.node, p.source) for (q,) in rows):
            at = [q.at for (q,) in rows]
            apart = at[1] - at[0]
            pace = apart if turns > 1 or n == 1 else p.pace
            even = apart if turns > 1 or n == 1 else n * p.pace
            fits = n == 1 or all(q.pace == (pace * many if turns > 1 else pace) for (q,) in rows)
            if fits and all(a == at[0] + k * even for k, a in enumerate(at)):
                return [Piece(-1, 0, 1, n * many, p.node, p.source, at[0], pace)]
    out = []
    for k, row in enumerate(rows):
        base = k if turns > 1 else k * n
        out += [
            Piece(q.byte, base + turns * q.issue, turns * q.hop, q.count, q.node, q.source, q.at, q.pace) for q in row
        ]
    return sorted(out, key=lambda q: (q.byte, q.issue))
