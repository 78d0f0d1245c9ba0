"""The switch unit and the links to other chips in the net."""

from __future__ import annotations

import numpy as np

from lpuasm.isa.operands import Streams
from lpuasm.isa.ports import number
from lpuasm.isa.runs import Ints, spread
from lpuasm.vm import segments
from lpuasm.vm.net import Net
from lpuasm.vm.nodes import RESULT, Input, Node, one_port, port, slot

#: Instructions whose operands can be wrong in a way that only a run shows.
CHECKED = ("permute", "distribute")


def switch(net: Net) -> None:
    """Adds what the queues of the switch unit do."""
    rows = net.families_of("sxm")
    for family, code in zip(rows.tolist(), net.codes(rows), strict=True):
        n = int(net.issues[family])
        definition, out = code.definition, code["out"]
        assert isinstance(out, Streams)
        inputs = tuple(
            Input(slot(definition, o.name), o.name, "", v.size, n)
            for o in definition.operands
            if o.role == "in" and isinstance(v := code.values[o.name], Streams)
        )
        if definition.mnemonic == "transpose_null":
            order = code["order"]
            assert isinstance(order, int)
            for k in range(out.size):
                net.alias(one_port(family, RESULT, k), 1, n, one_port(family, inputs[0].slot, order >> 4 * k & 15))
            continue
        start = int(net.timeline.start[family])
        net.add(Node(family, "sxm", family, n, inputs, "", start, streams=out.size, code=code))
        if definition.mnemonic in CHECKED:
            net.wanted.append(family)


def links(net: Net) -> None:
    """Says of every vector received which one it is that was sent."""
    if not len(net.families("receive")):
        return
    sent, received = (_packets(net, mnemonic) for mnemonic in ("send", "receive"))
    loopback = net.target.c2c.loopback
    own = slot(net.definition("send"), "data")
    for link in sorted(set(received[2].tolist())):
        there = received[2] == link
        # A chip by itself has its links wired to one another.
        of = sent[2] == loopback.index(link)
        k = min(int(there.sum()), int(of.sum()))
        family, issue = (c[there][:k] for c in received[:2])
        source, at = (c[of][:k] for c in sent[:2])
        one = np.ones(k, np.int64)
        net.same.append(segments.segments(port(family, RESULT), issue, one, one, port(source, own), at, one))


def _packets(net: Net, mnemonic: str) -> tuple[Ints, Ints, Ints]:
    """(family, issue, link) of every `send` or `receive`, in the order of their cycles."""
    rows, link = number(net.timeline, "link", net.families(mnemonic))
    known = link < net.target.geometry.links
    rows, link = rows[known], link[known]
    own, issue = spread(net.issues[rows])
    cycle = np.concatenate([np.zeros(0, np.int64), *(net.times(f) for f in rows.tolist())])
    order = np.lexsort((rows[own], cycle))
    return rows[own][order], issue[order], link[own][order]
