"""Where an element is, and why it is what it is, in lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.casts import DTYPES
from lpuasm.repl.moving import origin
from lpuasm.repl.paper import columns
from lpuasm.vm.code import Code
from lpuasm.vm.debug import Debugger
from lpuasm.vm.locate import Sighting
from lpuasm.vm.locate import where as located
from lpuasm.vm.places import held, places
from lpuasm.vm.why import Made
from lpuasm.vm.why import why as explained

#: Lines of a chain that are shown.
_MOST = 60


def sightings(debugger: Debugger, name: str, index: tuple[int, ...]) -> Iterator[str]:
    """Where the bytes of an element are at the present cycle. Bytes that are alike share a line."""
    found = located(debugger, name, index)
    groups: dict[tuple[object, ...], list[Sighting]] = {}
    for s in found:
        groups.setdefault((s.kind, s.cycle, s.register, s.stream[-1:], s.place.address), []).append(s)
    yield f"{_element(name, index)} at cycle {debugger.cycle:,}:"
    for group in groups.values():
        yield f"    {_sighting(debugger, group)}"


def _sighting(debugger: Debugger, group: Sequence[Sighting]) -> str:
    first, last = group[0], group[-1]
    queues = debugger.program.target.queues
    names = _span(queues[first.place.queue].name, queues[last.place.queue].name)
    octets = " ".join(f"{s.value:02x}" for s in group)
    by = ""
    if first.code is not None:
        by = f", in cycle {first.cycle:,}, by `{first.code.instruction}`{origin(debugger, first.code)}"
    way = {"e": "moving east", "w": "moving west"}.get(first.stream[-1:], "")
    stream = f"{_span(first.stream, last.stream)} at SR{first.register}, {way}"
    match first.kind:
        case "memory":
            stored = f", stored{by[1:]}" if by else ", as it was given" if _given(debugger, first) else ""
            return f"in {names}[{first.place.address:#06x}], lane {first.place.lane}: {octets}{stored}"
        case "stream":
            return f"on {stream}: {octets}, read{by[1:]}"
        case "weights":
            return f"in {_span(first.stream, last.stream)}, row {first.register}, lane {first.place.lane}: {octets}{by}"
        case "coming":
            return f"on {stream}: {octets}, to be stored{by[1:]}"
    return f"to be stored to {names}[{first.place.address:#06x}]{by[1:]}"


def _given(debugger: Debugger, s: Sighting) -> bool:
    known = held(debugger.program, s.place.queue, s.place.address)
    return known is not None and debugger.program.tensor[known[0]].kind in ("input", "weight", "const")


def _span(first: str, last: str) -> str:
    return first if first == last else f"{first} … {last}"


def _element(name: str, index: tuple[int, ...]) -> str:
    return f"{name}[{', '.join(map(str, index))}]"


def chain(debugger: Debugger, name: str, index: tuple[int, ...], width: int | None = None) -> Iterator[str]:
    """The instructions that made an element, the last first, with their cycles, hops and values.

    Where ``width`` characters are too few for a line each they take two.
    """
    found = explained(debugger, name, index)
    layout = debugger.program.tensor[name].layout
    assert layout is not None
    at = places(debugger.program, name, index)
    octets = np.array([debugger.state.slice(p.queue)[p.address, p.lane] for p in at], np.uint8)
    value = octets.view(DTYPES[layout.dtype].newbyteorder("<"))[0]
    yield f"{_element(name, index)} = {value!s} at cycle {debugger.cycle:,}"
    words: dict[tuple[int, ...], list[list[Made]]] = {}
    for group in _grouped(found.made):
        words.setdefault(tuple(made.code.identity for made in group), []).append(group)
    rows = []
    for issues in list(words.values())[:_MOST]:
        more = f"; {len(issues)} issues, the first in cycle {issues[-1][0].cycle:,}" if len(issues) > 1 else ""
        cycle, place, text, notes = _made(debugger, issues[0])
        rows.append((cycle, place, text, notes + more))
    yield from _laid_out(rows, width)
    if len(words) > _MOST:
        yield f"    and {len(words) - _MOST} more"
    given = []
    for queue, address, _ in found.given:
        known = held(debugger.program, queue, address)
        word = f"{debugger.program.target.queues[queue].name}[{address:#06x}]"
        given.append(known[1] if known else f"{word}, which nothing wrote")
    if given:
        parts = list(dict.fromkeys(given))
        yield "given: " + ", ".join(parts[:12]) + (f" and {len(parts) - 12} more" if len(parts) > 12 else "")


def _laid_out(rows: Sequence[tuple[str, str, str, str]], width: int | None) -> Iterator[str]:
    if not rows:
        return
    lines = columns(rows)
    if width is None or max(map(len, lines)) <= width:
        yield from lines
        return
    for line, (cycle, _, _, notes) in zip(columns([row[:3] for row in rows]), rows, strict=True):
        yield line
        yield " " * (len(cycle) + 2) + notes


def _grouped(made: Sequence[Made]) -> list[list[Made]]:
    """Issues of one cycle and kind, in neighbouring slices: byte planes and rows that go together."""
    groups: list[list[Made]] = []
    for one in made:
        last = groups[-1][-1] if groups else None
        if (
            last is not None
            and (last.cycle, last.code.queue.kind, last.address) == (one.cycle, one.code.queue.kind, one.address)
            and last.code.queue.number + 1 == one.code.queue.number
            and last.code.queue.kind == "mem"
            and last.code.definition is one.code.definition
        ):
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _made(debugger: Debugger, group: Sequence[Made]) -> tuple[str, str, str, str]:
    first, last = group[0], group[-1]
    queues = _span(first.code.queue.name, last.code.queue.name)
    place = f"[{first.address:#06x}]" if first.address is not None else ""
    parts = [text] if (text := origin(debugger, first.code).removeprefix(" of ")) else []
    parts += [text] if (text := _value(debugger, group)) else []
    parts += _hops(group)
    return f"{first.cycle:7,}", queues + place, str(first.code.instruction), "; ".join(parts)


def _hops(group: Sequence[Made]) -> list[str]:
    hops = [hop for made in group for hop in made.hops]
    if not hops:
        return []
    first, last = hops[0], hops[-1]
    distance = first.heard - first.driven
    many = "" if distance == 1 else "s"
    return [f"{_span(first.stream, last.stream)} SR{first.driven} -> SR{first.heard}, {distance} hop{many}"]


def _value(debugger: Debugger, group: Sequence[Made]) -> str:
    """The value that was needed, where it is that of one lane; else how many lanes."""
    first = group[0]
    if first.code.definition.mnemonic in ("abc", "lw", "iw", "clear"):
        return ""
    lanes = np.flatnonzero(np.any([made.wanted.any(axis=0) for made in group], axis=0))
    if len(lanes) != 1:
        return f"{len(lanes)} lanes"
    if not any(made.hops for made in group) and first.address is None:
        return ""
    octets = np.concatenate([made.value[:, lanes[0]] for made in group])
    return f"= {_typed(octets, _type(debugger, first, first.code))}"


def _type(debugger: Debugger, made: Made, code: Code) -> str:
    if code.definition.unit == "vxm":
        return code.definition.result_type(code.values)
    if code.definition.mnemonic == "acc":
        return str(code.values["type"])
    known = held(debugger.program, code.queue.number, made.address) if made.address is not None else None
    layout = debugger.program.tensor[known[0]].layout if known else None
    return layout.dtype if layout else "u8"


def _typed(octets: NDArray[np.uint8], kind: str) -> str:
    dtype = DTYPES[kind]
    if len(octets) == dtype.itemsize:
        return str(np.ascontiguousarray(octets).view(dtype.newbyteorder("<"))[0])
    return " ".join(f"{int(o):02x}" for o in octets)
