"""A chip: its geometry, its queues and where its units tap the streams.

Cycles are core clock cycles, stream registers (SR) are counted along the flow
of their direction, slices from the VXM outwards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

HEMISPHERES = ("w", "e")
#: The direction, "e" or "w", that leads away from the VXM in each hemisphere is the hemisphere's own name.
DIRECTIONS = ("e", "w")


@dataclass(frozen=True, slots=True)
class Queue:
    """One instruction queue: its dotted name, its kind, and the unit that it feeds."""

    name: str
    kind: str
    hemisphere: str
    index: int
    number: int
    unit: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Geometry:
    superlanes: int
    lanes_per_superlane: int
    slices: int
    slices_per_quad: int
    banks: int
    words_per_bank: int
    planes: int
    alus: int
    streams: int
    links: int
    word_bytes: int
    clock_mhz: int


@dataclass(frozen=True, slots=True)
class Queues:
    distribute: int
    transpose: int
    permute: int
    select: int
    c2c: int


@dataclass(frozen=True, slots=True)
class Taps:
    last: int
    mem_inbound: tuple[int, ...]
    mem_outbound: tuple[int, ...]
    vxm: int
    mxm: int
    mxm_result: int
    acc_result: int
    acc_partial: int
    distribute: int
    sxm: int
    sxm_turn: int
    send: int
    receive: int


@dataclass(frozen=True, slots=True)
class Barrier:
    latency: int


@dataclass(frozen=True, slots=True)
class Links:
    latency: int
    packet_cycles: int
    hac_period: int
    loopback: tuple[int, ...]


@dataclass(frozen=True)
class Target:
    """A chip as its TOML file describes it; everything else here is derived."""

    name: str
    title: str
    geometry: Geometry
    queue_counts: Queues
    taps: Taps
    barrier: Barrier
    c2c: Links
    timing: Mapping[str, Mapping[str, Any]] = field(repr=False)
    source: Mapping[str, str] = field(repr=False)
    text: str = field(repr=False, compare=False)

    @cached_property
    def lanes(self) -> int:
        return self.geometry.superlanes * self.geometry.lanes_per_superlane

    @cached_property
    def words(self) -> int:
        """Vectors in a slice, over all its banks."""
        return self.geometry.banks * self.geometry.words_per_bank

    @cached_property
    def quads(self) -> int:
        return self.geometry.slices // self.geometry.slices_per_quad

    @cached_property
    def registers(self) -> int:
        """Stream registers a direction."""
        return self.taps.last + 1

    @cached_property
    def memory_bytes(self) -> int:
        return len(HEMISPHERES) * self.geometry.slices * self.words * self.lanes

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the target's text, in hex: programs name the chip they were made for by it."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @cached_property
    def queues(self) -> tuple[Queue, ...]:
        """Every instruction queue, in the fixed order that ties between queues are settled by."""
        rows: list[tuple[str, str, str, int, str]] = []
        for h in HEMISPHERES:
            rows += [(f"mem.{h}{i}", "mem", h, i, f"mem.{h}{i}") for i in range(self.geometry.slices)]
        for h in HEMISPHERES:
            for p in range(self.geometry.planes):
                rows += [(f"mxm.{h}{p}.{part}", part, h, p, f"mxm.{h}{p}") for part in ("lw", "iw", "abc")]
        rows += [(f"vxm.alu{i}", "vxm", "", i, "vxm") for i in range(self.geometry.alus)]
        counts = self.queue_counts
        for h in HEMISPHERES:
            for kind, count in (
                ("distribute", counts.distribute),
                ("transpose", counts.transpose),
                ("permute", counts.permute),
                ("select", counts.select),
                ("acc", self.geometry.planes),
            ):
                rows += [(f"sxm.{h}.{kind}{i}", kind, h, i, f"sxm.{h}") for i in range(count)]
        rows += [
            (f"c2c.{k * counts.c2c + i}", "c2c", h, i, "c2c")
            for k, h in enumerate(HEMISPHERES)
            for i in range(counts.c2c)
        ]
        return tuple(Queue(n, k, h, i, number, unit) for number, (n, k, h, i, unit) in enumerate(rows))

    @cached_property
    def queue(self) -> Mapping[str, Queue]:
        """The queues by name."""
        return {q.name: q for q in self.queues}

    @cached_property
    def symbols(self) -> Mapping[str, int]:
        """The target's numbers, as sources see them."""
        g = self.geometry
        return {
            "LANES": self.lanes,
            "SUPERLANES": g.superlanes,
            "SUPERLANE": g.lanes_per_superlane,
            "SLICES": g.slices,
            "QUADS": self.quads,
            "BANKS": g.banks,
            "BANK_WORDS": g.words_per_bank,
            "WORDS": self.words,
            "PLANES": g.planes,
            "ALUS": g.alus,
            "STREAMS": g.streams,
            "LINKS": g.links,
        }

    def outbound(self, hemisphere: str, direction: str) -> bool:
        """Whether ``direction`` leads away from the VXM in ``hemisphere``."""
        return hemisphere == direction

    def read_tap(self, queue: Queue, direction: str) -> int | None:
        """The SR at which a unit reads stream operands that travel in ``direction``; None where it has no tap."""
        taps = self.taps
        if queue.kind == "vxm":
            return taps.vxm
        out = queue.hemisphere == direction
        if queue.kind == "mem":
            quad = queue.index // self.geometry.slices_per_quad
            return (taps.mem_outbound if out else taps.mem_inbound)[quad]
        outbound_only = {
            "lw": taps.mxm,
            "iw": taps.mxm,
            "abc": taps.mxm,
            "acc": taps.acc_partial,
            "distribute": taps.distribute,
            "c2c": taps.send,
        }
        return outbound_only.get(queue.kind, taps.sxm) if out else None

    def drive_tap(self, queue: Queue, direction: str) -> int | None:
        """The SR that a unit drives with results that travel in ``direction``; None where it has no tap."""
        taps = self.taps
        if queue.kind in ("vxm", "mem"):
            tap = self.read_tap(queue, direction)
            return None if tap is None else tap + 1
        out = queue.hemisphere == direction
        table: dict[str, tuple[int | None, int | None]] = {
            "acc": (None, taps.acc_result + 1),
            "distribute": (taps.distribute + 1, None),
            "c2c": (None, taps.receive),
            "lw": (None, None),
            "iw": (None, None),
            "abc": (None, None),
        }
        outbound, inbound = table.get(queue.kind, (taps.sxm + 1, taps.sxm_turn))
        return outbound if out else inbound
