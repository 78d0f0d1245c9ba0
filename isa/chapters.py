"""The chapters of the manual beside the instructions. Their prose is in ``manual.toml``; this fills in the numbers."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from functools import cache
from importlib import resources
from textwrap import fill

from lpuasm.isa.chip import HEMISPHERES, Target
from lpuasm.isa.core import table, vxm_reach
from lpuasm.isa.drawing import draw_map, draw_reach
from lpuasm.isa.operands import TYPE_BYTES
from lpuasm.isa.target import TARGETS, load_target
from lpuasm.isa.transcendental import MAX_ULP

#: What follows from the geometry of a chip: name, unit, function.
FACTS: tuple[tuple[str, str, Callable[[Target], int]], ...] = (
    ("lanes", "bytes of a vector", lambda t: t.lanes),
    ("instruction queues", "", lambda t: len(t.queues)),
    ("SRAM", "bytes", lambda t: t.memory_bytes),
    ("multipliers of the MXM", "int8", lambda t: len(HEMISPHERES) * t.geometry.planes * t.lanes**2),
    ("stream bandwidth", "bytes a cycle through a cross-section", lambda t: 2 * t.geometry.streams * t.lanes),
    ("SRAM bandwidth", "bytes a cycle", lambda t: len(HEMISPHERES) * t.geometry.slices * t.geometry.banks * t.lanes),
    ("instruction fetch", "bytes a cycle at most", lambda t: len(t.queues) * t.geometry.word_bytes),
    ("cycles to fill a plane", "16 rows a cycle", lambda t: t.lanes // 16),
)
_PARTS = (
    ("geometry", "geometry"), ("queues", "queue_counts"), ("taps", "taps"), ("barrier", "barrier"), ("c2c", "c2c"),
)  # fmt: skip


@cache
def chapters() -> Mapping[str, Mapping[str, str]]:
    """Title and text of each chapter, by the name that `lpuasm isa` takes."""
    return tomllib.loads(resources.files("lpuasm.isa").joinpath("manual.toml").read_text("utf-8"))


def chapter(name: str, target: Target) -> str:
    """The text of a chapter for ``target``, without its title."""
    return chapters()[name]["text"].strip().format_map(_Values(target))


class _Values(dict[str, str]):
    """What stands for the names in braces; tables and drawings are made when they are asked for."""

    def __init__(self, target: Target) -> None:
        super().__init__(_numbers(target))
        self.target = target

    def __missing__(self, name: str) -> str:
        return _DRAWN[name](self.target)


def _numbers(target: Target) -> dict[str, str]:
    g, queue = target.geometry, target.queue[f"mem.e{target.geometry.slices // 3}"]
    drive, beyond = target.drive_tap(queue, "e"), target.taps.mem_outbound[-1] + 1
    timing = {name: d.timing for name in ("read", "add") for d in table(target).named(name) if d.unit != "seq"}
    read = timing["read"].func
    assert drive is not None
    numbers = {
        "title": target.title, "last_slice": g.slices - 1, "queue_count": len(target.queues), "stream_count": g.streams,
        "registers": target.registers, "stagger": g.superlanes - 1, "quad": g.slices_per_quad, "read": read,
        "example_queue": queue, "example_drive": drive, "example_hops": read + beyond - drive, "beyond": beyond,
        "link": timing["add"].link, "ulps": ", ".join(f"{name} {ulp} ulp" for name, ulp in MAX_ULP.items()),
    }  # fmt: skip
    return {name: str(value) for name, value in numbers.items()}


def _table(*rows: list[str]) -> str:
    head, *body = rows
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *body))


def _chips(target: Target) -> list[Target]:
    """``target`` and the known chips, each once."""
    return [target, *(load_target(name) for name in TARGETS if name != target.name)]


def source_of(target: Target, name: str) -> str:
    """Where a number of the target is from."""
    return target.source.get(name) or target.source["default"]


def _geometry(target: Target) -> str:
    chips = _chips(target)
    rows = [["", *(f"`{chip.name}`" for chip in chips), f"source ({target.name})"]]
    for section, part in _PARTS:
        for f in fields(getattr(target, part)):
            values = [getattr(getattr(chip, part), f.name) for chip in chips]
            texts = [" ".join(map(str, v)) if isinstance(v, tuple) else str(v) for v in values]
            rows.append([f"{section}.{f.name}", *texts, source_of(target, f"{section}.{f.name}")])
    return _table(*rows)


def _facts(target: Target) -> str:
    chips = _chips(target)
    rows = [[name, *(f"{of(chip):,}" for chip in chips), unit] for name, unit, of in FACTS]
    return _table(["", *(f"`{chip.name}`" for chip in chips), ""], *rows)


def _queue_names(target: Target) -> str:
    kinds: dict[tuple[str, str], list[str]] = {}
    for queue in target.queues:
        kinds.setdefault((queue.kind, queue.hemisphere), []).append(queue.name)
    lines = [f"{len(names):3d}  {fill(' '.join(names), 100, subsequent_indent='     ')}" for names in kinds.values()]
    return "```\n" + "\n".join(lines) + "\n```"


def _maps(target: Target) -> str:
    return "\n\n".join(f"`{chip.name}`, eastward:\n\n```\n{draw_map(chip)}\n```" for chip in _chips(target))


def _latencies(target: Target) -> str:
    rows = [
        [name, str(value), source_of(target, key)]
        for name, value, key in (
            ("notify → sync", target.barrier.latency, "barrier.latency"),
            ("send → arrival", target.c2c.latency, "c2c.latency"),
            ("a packet on a link", target.c2c.packet_cycles, "c2c.packet_cycles"),
            ("counter for deskew", target.c2c.hac_period, "c2c.hac_period"),
        )
    ]
    return _table(["barrier and links", "cycles", "source"], *rows)


def _types(target: Target) -> str:
    rows = [[t, str(b), "one" if b == 1 else f"an aligned group of {b}"] for t, b in TYPE_BYTES.items()]
    return _table(["type", "bytes", "streams"], *rows)


def _ours(target: Target) -> str:
    return "\n".join(f"- {line}" for line in _our_lines(target))


def _our_lines(target: Target) -> Iterator[str]:
    shared: dict[tuple[str, str], list[str]] = {}
    for d in table(target):
        if "ours" in d.source:
            yield f"`{d.unit}.{d.mnemonic}`: {d.source}"
        if "ours" in d.timing.source:
            shared.setdefault((d.unit, d.timing.source), []).append(f"`{d.mnemonic}`")
    for (unit, source), names in shared.items():
        yield f"timing of {unit} {', '.join(names)}: {source}"
    for name, source in target.source.items():
        if "ours" in source:
            yield f"{target.name} {name}: {source}"


_DRAWN: Mapping[str, Callable[[Target], str]] = {
    "geometry": _geometry,
    "facts": _facts,
    "queue_names": _queue_names,
    "maps": _maps,
    "latencies": _latencies,
    "reach": lambda target: draw_reach(*vxm_reach()),
    "types": _types,
    "ours": _ours,
}
