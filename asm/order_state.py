"""Dependences through state: weights, arrays, latches, vectors on their way over links, queues at a `sync`."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lpuasm.asm.body import Body, StateUse, Word
from lpuasm.asm.fold import times_of
from lpuasm.isa.core import table
from lpuasm.isa.target import Queue, Target

NEVER = -(1 << 40)


@dataclass(frozen=True, slots=True)
class Bound:
    """The least start that a dependence allows: on what, and the flow (by number) that it waits for."""

    start: int
    what: str
    flow: int


@dataclass(slots=True)
class Use:
    """When a piece of state was last read and changed, and by which flows."""

    read: int = NEVER
    write: int = NEVER
    reader: int = -1
    writer: int = -1


class States:
    """When each piece of state was last read and changed."""

    def __init__(self, target: Target) -> None:
        self.uses: dict[str, Use] = {}
        # An `iw` in the cycle of an `lw` still copies the buffer as it was; an array settles some cycles after `iw`; a
        # latch changes with the dispatch that keeps, seen from the next cycle on.
        self.settle = {"latch": 1} | {
            what: max(d.timing.func for d in table(target) if d.uses("writes", what)) for what in ("buffer", "array")
        }

    def bound(self, use: StateUse) -> Bound:
        known = self.uses.get(use.resource)
        if known is None:
            return Bound(0, "", -1)
        settle = self.settle[use.resource.rpartition(".")[2]]
        name = use.resource
        if use.use == "reads":
            return Bound(known.write + settle - use.first, f"{name} is changed before it is used", known.writer)
        twice = f"{name} is changed twice, in the order of the text"
        after_write = Bound(known.write + 1 - use.first, twice, known.writer)
        used = f"{name} is used before it is changed"
        after_read = Bound(known.read + 1 - settle - use.first, used, known.reader)
        return max(after_write, after_read, key=lambda b: b.start)

    def add(self, use: StateUse, start: int, flow: int) -> None:
        state = self.uses.setdefault(use.resource, Use())
        if use.use == "reads" and use.last + start > state.read:
            state.read, state.reader = use.last + start, flow
        elif use.use == "writes" and use.last + start > state.write:
            state.write, state.writer = use.last + start, flow


@dataclass(slots=True)
class _Wire:
    """What goes over a link: the cycles in which vectors arrive, by whom they were sent, how many were taken."""

    arrivals: list[NDArray[np.int64]] = field(default_factory=list)
    senders: list[int] = field(default_factory=list)
    sent: int = NEVER
    taken: int = 0
    last: int = NEVER
    taker: int = -1

    def after(self, count: int) -> tuple[NDArray[np.int64], int]:
        """(arrivals of the next ``count`` vectors, fewer if there are fewer; who sent the last of them)."""
        found = np.concatenate([*self.arrivals, np.zeros(0, np.int64)])[self.taken : self.taken + count]
        ends = np.cumsum([len(a) for a in self.arrivals])
        sender = int(np.searchsorted(ends, self.taken + len(found))) if len(ends) else -1
        return found, self.senders[min(sender, len(self.senders) - 1)] if self.senders else -1


class Wires:
    """Vectors on links: the n-th `receive` of a link takes the n-th vector that was sent on its other end."""

    def __init__(self, target: Target) -> None:
        self.latency = target.c2c.latency
        self.wires: dict[int, _Wire] = {}

    def missing(self, body: Body) -> list[StateUse]:
        """The receives of a body that would find nothing, since nothing before it sends so much."""
        wanted: dict[int, int] = {}
        short = []
        for use in body.state:
            if use.link >= 0 and use.use == "reads":
                wanted[use.link] = wanted.get(use.link, 0) + len(times_of(use.dims))
                wire = self.wires.get(use.link, _Wire())
                if wanted[use.link] + wire.taken > sum(map(len, wire.arrivals)):
                    short.append(use)
        return short

    def bounds(self, body: Body) -> list[Bound]:
        found = []
        skipped: dict[int, int] = {}
        for use in body.state:
            wire = self.wires.get(use.link) if use.link >= 0 else None
            if wire is None:
                continue
            name = f"link {use.link}"
            if use.use == "writes":
                sender = wire.senders[-1] if wire.senders else -1
                found.append(Bound(wire.sent + 1 - use.first, f"vectors go over {name} in order", sender))
                continue
            times = use.first + times_of(use.dims)
            skip = skipped.get(use.link, 0)
            arrivals, sender = wire.after(skip + len(times))
            arrivals = arrivals[skip:]
            skipped[use.link] = skip + len(times)
            if len(arrivals):
                start = int((arrivals - times[: len(arrivals)]).max())
                found.append(Bound(start, f"a vector comes over {name}", sender))
            found.append(Bound(wire.last + 1 - use.first, f"vectors are taken from {name} in order", wire.taker))
        return found

    def add(self, use: StateUse, start: int, flow: int) -> None:
        wire = self.wires.setdefault(use.link, _Wire())
        times = start + use.first + times_of(use.dims)
        if use.use == "writes":
            wire.arrivals.append(times + self.latency)
            wire.senders.append(flow)
            wire.sent = max(wire.sent, use.last + start)
        else:
            wire.taken += len(times)
            wire.last, wire.taker = max(wire.last, use.last + start), flow


class Barriers:
    """Queues at a `sync`, and the notifications that release them.

    A `sync` waits for the first notification after it in the text: those before it have arrived. Words of its queue
    that come later in the text are dispatched from the release on.
    """

    def __init__(self, target: Target) -> None:
        self.latency = target.barrier.latency
        self.waiting: dict[str, tuple[int, int]] = {}
        self.released: dict[str, tuple[int, int]] = {}
        self.arrived, self.notifier = NEVER, -1

    def closed(self, body: Body) -> list[Word]:
        """The words of a body whose queue waits, and nothing before them releases it."""
        return [w for w in body.words if self.waiting and any(q.name in self.waiting for q in _queues(w))]

    def bounds(self, body: Body) -> list[Bound]:
        found = []
        for word in body.words if self.released else ():
            for queue in _queues(word):
                if queue.name in self.released:
                    cycle, flow = self.released[queue.name]
                    found.append(Bound(cycle - word.time, f"{queue.name} waits at a sync until cycle {cycle}", flow))
        for word in body.words:
            mnemonic = word.definition.mnemonic
            if mnemonic == "sync" and self.arrived > NEVER:
                what = "the notification before it must not release this sync"
                found.append(Bound(self.arrived - word.time, what, self.notifier))
            elif mnemonic == "notify":
                sends = word.time + self.latency
                found.append(Bound(self.arrived + 1 - sends, "notifications arrive in order", self.notifier))
                for name, (head, flow) in self.waiting.items():
                    found.append(Bound(head + 1 - sends, f"{name} comes to its sync first", flow))
        return found

    def add(self, body: Body, start: int, flow: int) -> None:
        for word in body.words:
            mnemonic, cycle = word.definition.mnemonic, word.time + start
            if mnemonic == "sync":
                self.waiting[word.queue.name] = cycle, flow
            elif mnemonic == "notify":
                arrives = cycle + self.latency
                for name, (head, _) in list(self.waiting.items()):
                    if head < arrives:
                        del self.waiting[name]
                        self.released[name] = arrives, flow
                if arrives > self.arrived:
                    self.arrived, self.notifier = arrives, flow


def _queues(word: Word) -> tuple[Queue, ...]:
    return (word.queue,) if word.also is None else (word.queue, word.also)
