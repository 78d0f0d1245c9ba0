"""What was on a stream or in SRAM in some cycle: computed again, from only what it depends on.

A fast run keeps nothing that nobody needs later. As a program always does the
same, any value of it can be had afterwards by asking for it as if it were an
output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lpuasm.isa.join import traffic
from lpuasm.isa.program import Program
from lpuasm.isa.runs import stack
from lpuasm.isa.sweep import sweep
from lpuasm.isa.target import DIRECTIONS
from lpuasm.vm.bind import bind
from lpuasm.vm.fast import execute
from lpuasm.vm.nests import single
from lpuasm.vm.net import Net
from lpuasm.vm.nodes import RESULT, Input, Node, one_port
from lpuasm.vm.plan import net_of, schedule
from lpuasm.vm.segments import runs
from lpuasm.vm.storage import END

Octets = NDArray[np.uint8]
Cells = NDArray[np.int64]


def stream(
    program: Program, inputs: Mapping[str, ArrayLike], direction: str, number: int, register: int, cycle: int
) -> Octets | None:
    """The bytes [lanes] in a stream register at the end of ``cycle``; None if nothing was driven there.

    ``program`` is one that runs without a fault. Raises BindError where the inputs do not fit it.
    """
    net = net_of(program)
    own = traffic(net.timeline).runs
    channel = DIRECTIONS.index(direction) * program.target.geometry.streams + number
    one = np.ones(1, np.int64)
    asked = runs(one * channel, one * (cycle - register), one, one, np.zeros(1, bool), one * register)
    both = stack([own, asked])
    heard, _ = sweep(both)
    row = int(np.flatnonzero(heard.reader == len(own.channel))[0])
    writer = int(heard.writer[row])
    if writer < 0:
        return None
    node = _probe(net, 1)
    issue = int(both.issue[writer] + heard.heard[row] * both.hop[writer])
    source = one_port(int(both.family[writer]), RESULT, int(both.byte[writer]))
    net.alias(one_port(node, 1), 1, 1, source, issue)
    return np.asarray(_asked(net, inputs)[0], np.uint8)


def words(
    program: Program, inputs: Mapping[str, ArrayLike], places: Sequence[tuple[str, int]], cycle: int | None = None
) -> Octets:
    """The bytes [places, lanes] of words of SRAM, as (slice, address), at the end of ``cycle``, or of the run.

    ``program`` is one that runs without a fault. Raises BindError where the inputs do not fit it.
    """
    slices = np.array([program.target.queue[name].number for name, _ in places], np.int64)
    addresses = np.array([address for _, address in places], np.int64)
    return cells(program, inputs, slices, addresses, np.full(len(places), END if cycle is None else cycle))


def cells(program: Program, inputs: Mapping[str, ArrayLike], slices: Cells, addresses: Cells, cycles: Cells) -> Octets:
    """The bytes [cells, lanes] of words of SRAM, each at the end of a cycle of its own; slices by number of queue.

    ``program`` is one that runs without a fault. Raises BindError where the inputs do not fit it.
    """
    net = net_of(program)
    zero = np.zeros(len(slices), np.int64)
    own = zero + one_port(_probe(net, len(slices)), 1)
    net.touched.append(single(slices, own, addresses, zero + 1, cycles, False, np.arange(len(slices))))
    return _asked(net, inputs)


def word(program: Program, inputs: Mapping[str, ArrayLike], queue: str, address: int, cycle: int) -> Octets:
    """The bytes [lanes] of a word of a slice at the end of ``cycle``. See :func:`words`."""
    return np.asarray(words(program, inputs, [(queue, address)], cycle)[0], np.uint8)


def _probe(net: Net, count: int) -> int:
    """A node that holds what is asked for, and nothing else is."""
    operand = Input(1, "asked", "u8", 1, count)
    node = net.add(Node(-1, "probe", -1, count, (operand,), "", END, at=END, name="asked"))
    net.wanted[:] = [node.number]
    return node.number


def _asked(net: Net, inputs: Mapping[str, ArrayLike]) -> Octets:
    work = execute(net.program, schedule(net), bind(net.program, inputs))
    return np.asarray(work.outputs["asked"], np.uint8)
