"""Reads targets: a chip is a TOML file. ``tsp1`` and ``mini`` come with the package."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from lpuasm.isa.attributes import identifier, provenance, whole, words
from lpuasm.isa.chip import DIRECTIONS, HEMISPHERES, Barrier, Geometry, Links, Queue, Queues, Taps, Target
from lpuasm.isa.errors import LpuError, Span, SpecError, error
from lpuasm.isa.spec import parse_toml, standard, timing_problems
from lpuasm.isa.values import STREAMS

__all__ = ["DIRECTIONS", "HEMISPHERES", "TARGETS", "LpuError", "Queue", "Target", "load_target", "parse_target"]

TARGETS = ("tsp1", "mini")

_SECTIONS: Mapping[str, type] = {
    "geometry": Geometry, "queues": Queues, "taps": Taps, "barrier": Barrier, "c2c": Links,
}  # fmt: skip
_LISTS = ("mem_inbound", "mem_outbound", "loopback")
#: Least and greatest value of each number; what the instruction words and the units are made for sets the limits.
_LIMITS = {
    "geometry.superlanes": (1, 32), "geometry.lanes_per_superlane": (16, 16), "geometry.slices": (1, 64),
    "geometry.slices_per_quad": (1, 64), "geometry.banks": (1, 2), "geometry.words_per_bank": (1, 8192),
    "geometry.planes": (2, 2), "geometry.alus": (16, 16), "geometry.streams": (STREAMS, STREAMS),
    "geometry.links": (1, 16), "geometry.word_bytes": (16, 16), "geometry.clock_mhz": (1, 100_000),
    "queues.distribute": (4, 4), "queues.transpose": (1, 16), "queues.permute": (1, 16), "queues.select": (1, 16),
    "queues.c2c": (1, 16), "taps.last": (1, 1000), "barrier.latency": (1, 100_000),
    "c2c.latency": (1, 100_000), "c2c.packet_cycles": (1, 100_000), "c2c.hac_period": (1, 100_000),
}  # fmt: skip

#: A problem: the section and key that it is about ("" for none), and what is wrong.
_Problem = tuple[str, str, str]


def parse_target(text: str, file: str) -> Target:
    """A target from its TOML text.

    Raises:
        SpecError: the text is not TOML; a number is missing, unknown, without a source, or out of its range; a timing
            of the target's own is of no instruction.
    """
    data = parse_toml(text, file)
    problems = [*_form(data), *_sources(data)]
    parts: dict[str, Any] = {}
    if not problems:
        for section, cls in _SECTIONS.items():
            values = data[section].items()
            parts[section] = cls(**{key: tuple(v) if isinstance(v, list) else v for key, v in values})
        problems += _contradictions(parts["geometry"], parts["taps"], parts["c2c"])
    problems += _timings(data.get("timing", {}))
    if problems:
        lines = text.splitlines()
        raise SpecError(
            *(error("LPU0802", message, Span(file, _line(lines, section, key))) for section, key, message in problems)
        )
    return Target(
        name=data["name"],
        title=data["title"],
        geometry=parts["geometry"],
        queue_counts=parts["queues"],
        taps=parts["taps"],
        barrier=parts["barrier"],
        c2c=parts["c2c"],
        timing=data.get("timing", {}),
        source=data["source"],
        text=text,
    )


def _form(data: Mapping[str, Any]) -> Iterator[_Problem]:
    """Sections, keys and numbers, each by itself."""
    for key in data:
        if key not in {*_SECTIONS, "name", "title", "source", "timing"}:
            yield "", key, f"unknown section or key '{key}'"
    if not identifier(data.get("name")):
        yield "", "name", "'name' is missing or not a name"
    if not words(data.get("title")):
        yield "", "title", "'title' is missing or not a text"
    for section, cls in _SECTIONS.items():
        table = data.get(section)
        if not isinstance(table, dict):
            yield "", section, f"section [{section}] is missing"
            continue
        names = [f.name for f in fields(cls)]
        for key in table:
            if key not in names:
                yield section, key, f"unknown key '{section}.{key}'"
        for key in names:
            yield from _number(section, key, table.get(key))


def _number(section: str, key: str, value: object) -> Iterator[_Problem]:
    what = f"'{section}.{key}'"
    if value is None:
        yield section, key, f"{what} is missing"
    elif key in _LISTS:
        if not isinstance(value, list) or not all(map(whole(0, 1000), value)):
            yield section, key, f"{what} is not a list of whole numbers in 0 … 1000"
    else:
        low, high = _LIMITS.get(f"{section}.{key}", (0, 1000))
        if not whole(low, high)(value):
            wanted = f"{low}" if low == high else f"a whole number in {low} … {high}"
            yield section, key, f"{what} is {value!r}; it must be {wanted}"


def _sources(data: Mapping[str, Any]) -> Iterator[_Problem]:
    """Every number has a source, stated by its name or as the default of the file."""
    sources = data.get("source")
    if not isinstance(sources, dict):
        yield "", "source", "section [source] is missing"
        return
    known = [f"{section}.{f.name}" for section, cls in _SECTIONS.items() for f in fields(cls)]
    for name, text in sources.items():
        if name != "default" and name not in known:
            yield "source", name, f"a source of '{name}', which is no number of a target"
        if not provenance(text):
            yield "source", name, f"the source of '{name}' must be a text that begins with P, P*, H, I, W or ours"
    for name in known:
        if name not in sources and "default" not in sources:
            section, _, key = name.partition(".")
            yield section, key, f"'{name}' has no source"


def _contradictions(g: Geometry, t: Taps, c: Links) -> Iterator[_Problem]:
    """What the numbers of a target say against each other and against the instruction words."""
    words = g.banks * g.words_per_bank
    if words > 8192:
        yield "geometry", "words_per_bank", f"a slice of {words} vectors is more than the 8192 that an address names"
    if g.slices % g.slices_per_quad:
        yield "geometry", "slices", "'geometry.slices' is not a whole number of quads"
    quads = g.slices // g.slices_per_quad
    for key in ("mem_inbound", "mem_outbound"):
        if len(getattr(t, key)) != quads:
            yield "taps", key, f"'taps.{key}' needs one register for each of the {quads} quads"
    drivers = ("mem_inbound", "mem_outbound", "vxm", "acc_result", "distribute", "sxm")  # they drive the next register
    for f in fields(Taps):
        value = getattr(t, f.name)
        taps = value if isinstance(value, tuple) else (value,)
        if any(tap + (f.name in drivers) > t.last for tap in taps):
            yield "taps", f.name, f"'taps.{f.name}' leads beyond the last stream register, SR{t.last}"
    if sorted(c.loopback) != list(range(g.links)):
        yield "c2c", "loopback", "'c2c.loopback' must name every link once"


def _timings(timing: object) -> Iterator[_Problem]:
    """The timings that a target states for itself: ``[timing]`` with ``"vxm.add" = { func = 5, source = "…" }``."""
    if not isinstance(timing, dict):
        yield "", "timing", "'timing' is not a section"
        return
    known = {f"{d.unit}.{d.mnemonic}": d.timing for d in standard()} if timing else {}
    for name, entry in timing.items():
        if name not in known:
            yield "timing", name, f"there is no instruction '{name}'; a timing is named like \"vxm.add\""
        elif not isinstance(entry, dict):
            yield "timing", name, f"the timing of '{name}' is not a table"
        else:
            base = known[name]
            for problem in timing_problems({"skew": base.skew, "func": base.func, **entry}):
                yield "timing", name, f"the timing of '{name}': {problem}"
            for key, has in (("link", base.link is not None), ("holds", bool(base.holds))):
                if key in entry and not has:
                    yield "timing", name, f"the timing of '{name}': it has no '{key}'"


def _line(lines: list[str], section: str, key: str) -> int:
    """The line of ``key`` in ``[section]``; that of the section, or 1, where it is nowhere."""
    head = 0
    wanted = re.compile(rf'\s*\[?"?{re.escape(key)}"?\s*[]=]')
    headings = {n: m[1] for n, line in enumerate(lines, 1) if (m := re.match(r"\s*\[([\w.\"]+)\]", line))}
    inside = ""
    for number, line in enumerate(lines, 1):
        inside = headings.get(number, inside)
        if number in headings and inside == section:
            head = number
        if (inside == section or number in headings) and wanted.match(line):
            return number
        if inside.replace('"', "") == f"{section}.{key}":
            return number
    return head or 1


def load_target(name: str) -> Target:
    """The target called ``name``, or the one in the TOML file of that path.

    Raises:
        SpecError: there is no such target, or its file is not right.
    """
    if name.endswith(".toml"):
        return parse_target(_text(name), name)
    if name not in TARGETS:
        known = ", ".join(TARGETS)
        raise SpecError(
            error("LPU0803", f"there is no target '{name}'", help=f"known targets: {known}; or give a .toml file")
        )
    return _builtin(name)


def _text(file: str) -> str:
    try:
        return Path(file).read_text("utf-8")
    except UnicodeDecodeError:
        why, help = "it is not UTF-8", "save it as UTF-8"
    except (OSError, ValueError) as e:  # ValueError: a NUL in the name
        why = (getattr(e, "strerror", None) or str(e)).lower()
        help = "--target takes the name of a target, or the path of a .toml file"
    raise SpecError(error("LPU0803", f"cannot read the target file '{file}': {why}", help=help))


@cache
def _builtin(name: str) -> Target:
    file = f"{name}.toml"
    return parse_target(resources.files("lpuasm.isa").joinpath(file).read_text("utf-8"), file)
