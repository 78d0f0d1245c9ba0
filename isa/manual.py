"""The manual, printed from the specification: whole as Markdown, or a page of it in the terminal.

``python -m lpuasm.isa.manual`` rewrites ``docs/isa.md``.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

from lpuasm.isa.chapters import chapter, chapters
from lpuasm.isa.chip import HEMISPHERES, Queue, Target
from lpuasm.isa.core import FILES, Definition, table
from lpuasm.isa.errors import Entry, SpecError, catalogue, error, fenced
from lpuasm.isa.operands import TYPE_BYTES
from lpuasm.isa.page import page
from lpuasm.isa.spec import unit_summaries
from lpuasm.isa.target import load_target

__all__ = ["lookup", "manual", "overview", "page", "unit_page"]

FILE = Path(__file__).resolve().parent.parent / "docs" / "isa.md"


def manual(target: Target) -> str:
    """The whole manual of ``target``: the chapters, and a page for each instruction."""
    titles = [*(c["title"] for c in chapters().values()), *(f"Unit {unit}" for unit in FILES)]
    parts = [
        f"# The instruction set of {target.name}",
        "Printed from the specification in `isa/`; `make manual` prints it again. `lpuasm isa NAME` shows one page.",
        "\n".join(f"- [{title}](#{title.lower().replace(' ', '-')})" for title in titles),
        *(f"## {c['title']}\n\n{chapter(name, target)}" for name, c in chapters().items()),
    ]
    for unit in FILES:
        parts += [f"## Unit {unit}", _unit_text(unit, target)]
        parts += [page(d, target, 3) for d in table(target) if d.unit == unit]
    return "\n\n".join(parts) + "\n"


def overview(target: Target) -> str:
    """Units, queues, and a line for each instruction."""
    parts = [f"# {target.name}: {target.title}"]
    for unit, summary in unit_summaries().items():
        parts.append(f"## {unit}\n\n{summary}\n\n{_instruction_lines(unit, target)}")
    names = ", ".join(chapters())
    parts.append(f"`lpuasm isa NAME` has a page for each of these, for queues, types and error codes, and on: {names}.")
    return "\n\n".join(parts)


def unit_page(unit: str, target: Target) -> str:
    """A unit: what it is, its queues, where it taps the streams, its instructions."""
    return f"# {unit}\n\n{_unit_text(unit, target)}\n\n{_instruction_lines(unit, target)}"


def _instruction_lines(unit: str, target: Target) -> str:
    return _lines(d for d in table(target) if d.unit == unit)


def _lines(definitions: Iterable[Definition]) -> str:
    return "\n".join(f"    {d.mnemonic:15} {d.summary}" for d in definitions)


def _unit_text(unit: str, target: Target) -> str:
    kinds = {kind for d in table(target) if d.unit == unit for kind in d.queues}
    queues = [q for q in target.queues if q.kind in kinds and not (unit == "sxm" and q.kind == "acc")]
    text = unit_summaries()[unit]
    if not queues or len(queues) == len(target.queues):
        return text
    rows = "\n".join(f"| {' | '.join(row)} |" for row in _tap_rows(queues, target))
    return f"{text}\n\n{len(queues)} queues on {target.name}. SRs that they read and drive:\n\n{rows}"


def _tap_rows(queues: list[Queue], target: Target) -> Iterator[list[str]]:
    """A table of the taps of queues; queues that are alike but for their number share a row."""
    yield ["queues", *(f"{verb} {d}ward" for d in ("east", "west") for verb in ("reads", "drives"))]
    yield ["---"] * 5
    groups: dict[tuple[str, ...], list[str]] = {}
    for q in queues:
        taps = [tap(q, d) for d in ("e", "w") for tap in (target.read_tap, target.drive_tap)]
        groups.setdefault((q.kind, *("–" if t is None else f"SR{t}" for t in taps)), []).append(q.name)
    for (_, *cells), names in groups.items():
        yield [names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}", *cells]


def lookup(name: str, target: Target) -> str:
    """The page of what is called ``name``.

    That is an instruction (``read``, ``vxm.add``), a unit (``mem``, ``mxm.e0``), a queue (``mem.w17``), a type, an
    error code, or a chapter.

    Raises:
        SpecError: (LPU0805) nothing is called so; its help says what comes near.
    """
    wanted = name.strip().lower()
    found = [page(d, target) for d in table(target) if wanted in (d.mnemonic, f"{d.unit}.{d.mnemonic}")]
    pages = _pages(target)
    if wanted in pages:
        found.append(pages[wanted]())
    if found:
        return "\n\n".join(found)
    known = [*pages, *(n for d in table(target) for n in (d.mnemonic, f"{d.unit}.{d.mnemonic}"))]
    near = [n.upper() if n.startswith("lpu") else n for n in difflib.get_close_matches(wanted, dict.fromkeys(known))]
    help = f"did you mean {' or '.join(near)}?" if near else "`lpuasm isa` without a name lists what there is"
    raise SpecError(error("LPU0805", f"there is nothing called '{name}' in the manual of {target.name}", help=help))


def _pages(target: Target) -> Mapping[str, Callable[[], str]]:
    """Everything but instructions that has a page, by its name in lower case."""
    parts = [f"{unit}.{h}" for unit in ("mem", "mxm", "sxm") for h in HEMISPHERES]
    parts += [q.unit for q in target.queues if "." in q.unit]
    return {
        **{name: partial(_chapter_page, name, target) for name in chapters()},
        **{part: partial(_part_page, part, target) for part in parts},
        **{q.name: partial(_queue_page, q, target) for q in target.queues},
        **{unit: partial(unit_page, unit, target) for unit in FILES},
        **{name: partial(_type_page, name, target) for name in TYPE_BYTES},
        **{code.lower(): partial(_code_page, entry) for code, entry in catalogue().items()},
    }


def _chapter_page(name: str, target: Target) -> str:
    return f"# {chapters()[name]['title']}\n\n{chapter(name, target)}"


def _queue_page(queue: Queue, target: Target) -> str:
    rows = "\n".join(f"| {' | '.join(row)} |" for row in _tap_rows([queue], target))
    lines = _lines(d for d in table(target) if queue.kind in d.queues)
    return f"# {queue.name}\n\nQueue {queue.number} of {target.name}, of unit {queue.unit}.\n\n{rows}\n\n{lines}"


def _part_page(prefix: str, target: Target) -> str:
    """A part of a unit, such as mxm.e0, mxm.e or sxm.w: its queues."""
    unit = prefix.partition(".")[0]
    queues = [q for q in target.queues if q.name.startswith(prefix)]
    rows = "\n".join(f"| {' | '.join(row)} |" for row in _tap_rows(queues, target))
    return f"# {prefix}\n\n{unit_summaries()[unit]}\n\n{rows}\n\n{_instruction_lines(unit, target)}"


def _type_page(name: str, target: Target) -> str:
    width = TYPE_BYTES[name]
    where = "one stream" if width == 1 else f"an aligned group of {width} streams, the lowest byte on the lowest stream"
    own = [f"{d.unit}.{d.mnemonic}" for d in table(target) if name in d.types]
    return f"# {name}\n\n{8 * width} bits, on {where}.\n\nTaken by: {', '.join(own)}.\n\n{chapter('numbers', target)}"


def _code_page(entry: Entry) -> str:
    parts = [f"# {entry.code}: {entry.title}", entry.meaning]
    for title, text in (("Wrong", entry.bad), ("Right", entry.good)):
        if text:
            parts.append(f"{title}:\n\n{fenced(text)}")
    return "\n\n".join(parts)


if __name__ == "__main__":
    FILE.write_text(manual(load_target("tsp1")), "utf-8")
