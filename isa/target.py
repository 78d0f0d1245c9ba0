"""A chip: its geometry, its queues and where its units tap the streams.

A target is a TOML file; ``tsp1`` and ``mini`` come with the package. Cycles are
core clock cycles, stream registers (SR) are counted along the flow of their
direction, slices from the VXM outwards.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from lpuasm.isa.errors import LpuError, Span, SpecError, error

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


_SECTIONS = {"geometry": Geometry, "queues": Queues, "taps": Taps, "barrier": Barrier, "c2c": Links}


def parse_target(text: str, file: str) -> Target:
    """A target from its TOML text.

    Raises:
        SpecError: the text is not TOML, a number is missing, unknown, without a source, or out of its range.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        raise SpecError(error("LPU0801", f"not TOML: {e}", Span(file, 1))) from None
    problems: list[str] = []
    parts: dict[str, Any] = {}
    known = {*_SECTIONS, "name", "title", "source", "timing"}
    problems += [f"unknown section or key '{key}'" for key in data if key not in known]
    for key in ("name", "title"):
        if not isinstance(data.get(key), str):
            problems.append(f"'{key}' is missing or not a string")
    for section, cls in _SECTIONS.items():
        table = data.get(section)
        if not isinstance(table, dict):
            problems.append(f"section [{section}] is missing")
            continue
        names = [f.name for f in fields(cls)]
        problems += [f"unknown key '{section}.{key}'" for key in table if key not in names]
        values = {}
        for key in names:
            value = table.get(key)
            if isinstance(value, list) and all(_natural(v) for v in value):
                values[key] = tuple(value)
            elif _natural(value):
                values[key] = value
            else:
                problems.append(f"'{section}.{key}' is missing or not a whole number ≥ 0")
        if len(values) == len(names):
            parts[section] = cls(**values)
    sources = data.get("source", {})
    for section, cls in _SECTIONS.items():
        for f in fields(cls):
            if f"{section}.{f.name}" not in sources and "default" not in sources:
                problems.append(f"'{section}.{f.name}' has no source")
    if not problems:
        problems += _contradictions(parts["geometry"], parts["queues"], parts["taps"], parts["c2c"])
    if problems:
        line = _line_of(text, problems[0])
        raise SpecError(*(error("LPU0802", p, Span(file, _line_of(text, p) or line or 1)) for p in problems))
    return Target(
        name=data["name"],
        title=data["title"],
        geometry=parts["geometry"],
        queue_counts=parts["queues"],
        taps=parts["taps"],
        barrier=parts["barrier"],
        c2c=parts["c2c"],
        timing=data.get("timing", {}),
        source=sources,
        text=text,
    )


def _natural(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _line_of(text: str, problem: str) -> int:
    """The line of the key that a problem quotes, 0 if it is nowhere."""
    quoted = problem.partition("'")[2].partition("'")[0].rpartition(".")[2]
    for number, line in enumerate(text.splitlines(), 1):
        if quoted and line.strip().startswith(quoted):
            return number
    return 0


def _contradictions(g: Geometry, q: Queues, t: Taps, c: Links) -> list[str]:
    """What the numbers of a target say against each other and against the instruction words."""
    limits = {
        "geometry.superlanes": (g.superlanes, 1, 32),
        "geometry.lanes_per_superlane": (g.lanes_per_superlane, 16, 16),
        "geometry.slices": (g.slices, 1, 64),
        "geometry.slices_per_quad": (g.slices_per_quad, 1, 64),
        "geometry.banks": (g.banks, 1, 2),
        "geometry.words_per_bank": (g.words_per_bank, 1, 8192 // max(g.banks, 1)),
        "geometry.planes": (g.planes, 2, 2),
        "geometry.alus": (g.alus, 16, 16),
        "geometry.streams": (g.streams, 32, 32),
        "geometry.links": (g.links, 1, 16),
        "geometry.word_bytes": (g.word_bytes, 16, 16),
        "geometry.clock_mhz": (g.clock_mhz, 1, 100_000),
        "queues.distribute": (q.distribute, 4, 4),
        "queues.transpose": (q.transpose, 1, 16),
        "queues.permute": (q.permute, 1, 16),
        "queues.select": (q.select, 1, 16),
        "queues.c2c": (q.c2c, 1, 16),
        "taps.last": (t.last, 1, 1000),
        "c2c.packet_cycles": (c.packet_cycles, 1, 100_000),
        "c2c.hac_period": (c.hac_period, 1, 100_000),
        "c2c.latency": (c.latency, 1, 100_000),
    }
    problems = [
        f"'{key}' is {value}; it must be {low}" if low == high else f"'{key}' is {value}; it must be {low} … {high}"
        for key, (value, low, high) in limits.items()
        if not low <= value <= high
    ]
    if g.slices_per_quad and g.slices % g.slices_per_quad:
        problems.append("'geometry.slices' is not a whole number of quads")
    quads = g.slices // max(g.slices_per_quad, 1)
    for name in ("mem_inbound", "mem_outbound"):
        value = getattr(t, name)
        if not isinstance(value, tuple) or len(value) != quads:
            problems.append(f"'taps.{name}' needs one register for each of the {quads} quads")
    for f in fields(Taps):
        value = getattr(t, f.name)
        if f.name.startswith("mem_") != isinstance(value, tuple):
            problems.append(f"'taps.{f.name}' has the wrong shape")
        elif any(v > t.last for v in (value if isinstance(value, tuple) else (value,))):
            problems.append(f"'taps.{f.name}' lies beyond the last stream register, SR{t.last}")
    if not isinstance(c.loopback, tuple) or sorted(c.loopback) != list(range(g.links)):
        problems.append("'c2c.loopback' must name every link once")
    return problems


@cache
def load_target(name: str) -> Target:
    """The target called ``name``, or the one in the TOML file of that path.

    Raises:
        SpecError: there is no such target, or its file is not right.
    """
    if name.endswith(".toml"):
        try:
            text = Path(name).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as e:
            raise SpecError(error("LPU0803", f"cannot read target file {name}: {e}")) from None
        return parse_target(text, name)
    if name not in TARGETS:
        known = ", ".join(TARGETS)
        raise SpecError(
            error("LPU0803", f"there is no target '{name}'", help=f"known targets: {known}; or give a .toml file")
        )
    file = f"{name}.toml"
    return parse_target(resources.files("lpuasm.isa").joinpath(file).read_text("utf-8"), file)


TARGETS = ("tsp1", "mini")

__all__ = ["DIRECTIONS", "HEMISPHERES", "TARGETS", "LpuError", "Queue", "Target", "load_target", "parse_target"]
