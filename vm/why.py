"""Why an element is what it is: the issues that made it, followed back from cycle to cycle.

What an instruction heard in a cycle is asked of the machine in that cycle: the
value of a stream register names the word that drove it and, by its diagonal,
when. A word of SRAM names who stored to it. Weights, latches and the results
of planes are known from the timeline.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.operands import Latch, Link
from lpuasm.vm.breaks import wrong
from lpuasm.vm.code import Code
from lpuasm.vm.debug import Debugger
from lpuasm.vm.demand import Mask, any_of, demand, outputs
from lpuasm.vm.holders import Event, Holders, rows_of_group
from lpuasm.vm.places import Place, places
from lpuasm.vm.state import NOBODY, Octets

#: Issues that a chain may have.
MOST = 20_000
_Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Hop:
    """A value on its way: on which stream, from the SR where it was driven to the SR where it was heard, and when."""

    stream: str
    driven: int
    heard: int
    cycle: int


@dataclass
class Made:
    """An issue that has a part in a value: the word, the cycle of its dispatch, what of its result was needed.

    ``value``: the bytes that it drove or stored, as far as they were heard, [streams, lanes]; ``needs`` are the issues
    whose results it took, by the cycle and identity that name them in the chain. ``address`` is that of SRAM.
    """

    code: Code
    cycle: int
    wanted: Mask
    value: Octets
    needs: list[_Key] = field(default_factory=list)
    hops: list[Hop] = field(default_factory=list)
    address: int | None = None

    @property
    def key(self) -> _Key:
        return self.cycle, self.code.identity


@dataclass
class Chain:
    """The issues that made an element, the latest first; ``given`` are the words of SRAM that nothing stored to."""

    made: list[Made]
    given: list[tuple[int, int, Mask]]


def why(debugger: Debugger, name: str, index: tuple[int, ...]) -> Chain:
    """The chain of an element of a tensor as it is in SRAM at the present cycle. The debugger stays where it is.

    Raises:
        DebugError: LPU1210, there is no such element, or the chain has more than MOST issues.
    """
    here = debugger.cycle
    found = places(debugger.program, name, index)
    try:
        return _Search(debugger).run(found)
    finally:
        debugger.goto(here)


class _Search:
    def __init__(self, debugger: Debugger) -> None:
        self.debugger = debugger
        self.codes = {c.identity: c for q in debugger.machine.queues for c in q.codes}
        self.holders = Holders(debugger.moments, self.codes.values())
        self.made: dict[_Key, Made] = {}
        self.given: dict[tuple[int, int], Mask] = {}
        self.heap: list[tuple[int, int]] = []
        self.lanes = debugger.program.target.lanes

    def run(self, found: list[Place]) -> Chain:
        for place in found:
            mask = np.zeros(self.lanes, np.bool_)
            mask[place.lane] = True
            self._stored(None, place.queue, place.address, mask)
        done: set[_Key] = set()
        while self.heap:
            negative, identity = heapq.heappop(self.heap)
            key = -negative, identity
            if key in done:
                continue
            done.add(key)
            if len(done) > MOST:
                raise wrong("LPU1210", f"more than {MOST:,} instructions have a part in it")
            self._visit(self.made[key])
        ordered = sorted(self.made.values(), key=lambda m: (-m.cycle, m.code.identity))
        return Chain(ordered, [(q, a, mask) for (q, a), mask in sorted(self.given.items())])

    def _want(self, by: Made | None, event: Event, wanted: Mask) -> Made:
        """Notes that an issue's result is needed."""
        code, cycle = event
        key = cycle, code.identity
        made = self.made.get(key)
        if made is None:
            made = self.made[key] = Made(code, cycle, wanted.copy(), np.zeros(wanted.shape, np.uint8))
            heapq.heappush(self.heap, (-cycle, code.identity))
        else:
            made.wanted |= wanted
        if by is not None and key not in by.needs:
            by.needs.append(key)
        return made

    def _stored(self, by: Made | None, queue: int, address: int, lanes: NDArray[np.bool_]) -> None:
        """The issues that stored lanes of a word of SRAM, as the machine stands."""
        width = self.debugger.program.target.geometry.lanes_per_superlane
        octets = self.debugger.state.slice(queue)[address]
        for superlane in np.unique(np.flatnonzero(lanes) // width).tolist():
            part = np.zeros((1, self.lanes), np.bool_)
            part[0, superlane * width : (superlane + 1) * width] = lanes[superlane * width : (superlane + 1) * width]
            event = self.debugger.stamp(queue, address, superlane * width)
            if event is None:
                known = self.given.setdefault((queue, address), np.zeros((1, self.lanes), np.bool_))
                known |= part
                continue
            made = self._want(by, event, part)
            made.address = address
            made.value[part] = octets[part[0]]

    def _visit(self, made: Made) -> None:
        """Finds what an issue needed, in the cycle in which it heard it."""
        code, cycle = made.code, made.cycle
        self.debugger.goto(cycle + code.skew)
        for name, mask in self._needs(made).items():
            self._heard(made, name, mask)
        match code.definition.mnemonic:
            case "read":
                made.address = code.number("address") + self.holders.step(code, cycle)
                self._stored(made, code.queue.number, made.address, made.wanted[0])
            case "gather":
                self._gathered(made)
            case "acc":
                event = self.holders.multiplied(code, cycle)
                if event is not None:
                    self._want(made, event, any_of(made.wanted, 0)[None])
            case "abc":
                self._weights(made)
            case "iw" if not rows_of_group(code):
                self._buffer(made)
            case "receive":
                event = self.holders.sent(code, cycle)
                if event is not None:
                    self._want(made, event, made.wanted)
        if code.definition.unit == "vxm":
            self._passed(made)

    def _needs(self, made: Made) -> dict[str, Mask]:
        code = made.code
        match code.definition.mnemonic:
            case "abc":
                size = code.ports["row"].streams.size
                mask = np.ones((size, self.lanes), np.bool_)
                if code.instruction.paired:
                    mask[:] = False
                    mask[:, self._half(code)] = True
                return {"row": mask}
            case "lw" | "iw" | "clear":
                return self._rows(made)
        return demand(code, made.wanted, lambda name: self._octets(code, name))

    def _half(self, code: Code) -> slice:
        width = self.lanes // 2
        return slice(code.number("half") * width, (code.number("half") + 1) * width)

    def _rows(self, made: Made) -> dict[str, Mask]:
        """Of a group of weights: the streams of the rows that are wanted; ``wanted`` is [rows of the plane, lanes]."""
        code, count = made.code, rows_of_group(made.code)
        if not count:
            return {}
        first = (code.number("group") + self.holders.step(code, made.cycle)) * count
        rows = made.wanted[first : first + count]
        return {"rows": rows.repeat(2, axis=0) if code.instruction.paired else rows}

    def _octets(self, code: Code, name: str) -> Octets:
        """What an operand hears in the present cycle."""
        port, state = code.ports[name], self.debugger.state
        assert port.tap is not None
        slot = (self.debugger.cycle - port.tap) & (state.ring - 1)
        return state.vectors[port.way, slot, port.streams.base : port.streams.base + port.streams.size]

    def _heard(self, made: Made, name: str, mask: Mask) -> None:
        """The issues that drove what an operand heard in the present cycle."""
        port, state, now = made.code.ports[name], self.debugger.state, self.debugger.cycle
        assert port.tap is not None
        slot = (now - port.tap) & (state.ring - 1)
        for k in np.flatnonzero(any_of(mask, 1)).tolist():
            stream = port.streams.base + k
            writer, register = int(state.writer[port.way, slot, stream]), int(state.register[port.way, slot, stream])
            if state.diagonal[port.way, slot, stream] != now - port.tap or writer == NOBODY:
                continue
            code = self.codes[writer]
            driven = now - port.tap + register
            for _, streams in outputs(code):
                if streams.direction == port.streams.direction and 0 <= stream - streams.base < streams.size:
                    wanted = np.zeros((streams.size, self.lanes), np.bool_)
                    wanted[stream - streams.base] = mask[k]
                    other = self._want(made, (code, driven - code.func), wanted)
                    other.value[stream - streams.base] = state.vectors[port.way, slot, stream]
                    hop = Hop(f"s{stream}.{port.streams.direction}", register, port.tap, now)
                    if hop not in other.hops:
                        other.hops.append(hop)
                    break

    def _gathered(self, made: Made) -> None:
        code = made.code
        width = self.debugger.program.target.geometry.lanes_per_superlane
        octets = self._octets(code, "map")[0].reshape(-1, width).astype(np.intp)
        addresses = octets[:, 0] + 256 * octets[:, 1]
        for lane in np.flatnonzero(made.wanted[0]).tolist():
            lanes = np.zeros(self.lanes, np.bool_)
            lanes[lane] = True
            self._stored(made, code.queue.number, int(addresses[lane // octets.shape[1]]), lanes)

    def _weights(self, made: Made) -> None:
        """Row n of the array makes lane n of the result."""
        code = made.code
        planes = (0, 1) if code.instruction.paired else (code.queue.index,)
        columns = self._half(code) if code.instruction.paired else slice(None)
        for row in np.flatnonzero(made.wanted[0]).tolist():
            wanted = np.zeros((self.lanes, self.lanes), np.bool_)
            wanted[row, columns] = True
            for plane in planes:
                event = self.holders.installed(code.queue.hemisphere, plane, row, made.cycle)
                if event is not None:
                    self._want(made, event, wanted)

    def _buffer(self, made: Made) -> None:
        code = made.code
        if code.definition.mnemonic != "iw":
            return
        planes = (0, 1) if code.instruction.paired else (code.queue.index,)
        for row in np.flatnonzero(any_of(made.wanted, 1)).tolist():
            wanted = np.zeros_like(made.wanted)
            wanted[row] = made.wanted[row]
            for plane in planes:
                event = self.holders.loaded(code.queue.hemisphere, plane, row, made.cycle)
                if event is not None:
                    self._want(made, event, wanted)

    def _passed(self, made: Made) -> None:
        """What an ALU took from other ALUs and from its latch."""
        code = made.code
        link = code.definition.timing.link
        assert link is not None
        lanes = any_of(made.wanted, 0)
        for name in ("a", "b"):
            source = code.values.get(name)
            event: Event | None = None
            if isinstance(source, Link):
                event = self.holders.dispatched(f"vxm.alu{source.alu}", made.cycle - link)
            elif isinstance(source, Latch):
                event = self.holders.kept(code.queue, made.cycle)
            if event is not None:
                size = max((s.size for _, s in outputs(event[0])), default=1)
                self._want(made, event, np.repeat(lanes[None], size, axis=0))
