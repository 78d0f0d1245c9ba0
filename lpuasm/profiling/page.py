"""A profile as one page of HTML that opens from disk: pictures of one program, or of two side by side.

What is drawn goes into the page as columns of integers: differences of
neighbours, byte plane by byte plane, deflated, in base64. A repeated dispatch
is one row of them, as it is everywhere here; the page does the arithmetic.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.core import table
from lpuasm.isa.ports import ports
from lpuasm.isa.program import Program
from lpuasm.isa.target import Queue, Target
from lpuasm.profiling.families import Families, families, kind_of
from lpuasm.profiling.report import MOST_EXPLAINED, Profile, reason
from lpuasm.profiling.streams import Segments, segments
from lpuasm.profiling.values import Values


@dataclass(frozen=True, slots=True)
class View:
    """A program as the page shows it: its name, its profile, what gives the texts of its sources, values of a run."""

    name: str
    profile: Profile
    source: Callable[[str], str | None]
    values: Values | None = None


_SCRIPTS = ("data.js", "density.js", "draw.js", "page.js")


def page(views: Sequence[View]) -> bytes:
    """The page of one program or two."""
    folder = resources.files("lpuasm.profiling")
    html = folder.joinpath("page.html").read_text("utf-8")
    programs = [_program(view) for view in views]
    title = " and ".join(view.name for view in views)
    parts = {
        "TITLE": title.replace("&", "&amp;").replace("<", "&lt;"),
        "DATA": json.dumps(programs, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
        "SCRIPT": "\n".join(folder.joinpath(name).read_text("utf-8") for name in _SCRIPTS),
    }
    before, _, rest = html.partition("{{TITLE}}")
    middle, _, rest = rest.partition("{{DATA}}")
    between, _, after = rest.partition("{{SCRIPT}}")
    return "".join((before, parts["TITLE"], middle, parts["DATA"], between, parts["SCRIPT"], after)).encode()


def _program(view: View) -> dict[str, Any]:
    profile = view.profile
    program, known = profile.program, families(profile.program)
    target = program.target
    explained = {f.name: f for f in profile.explanation.flows} if profile.explanation else {}
    costs = {c.flow: c for c in profile.measured.costs}
    texts, text_of = _texts(program)
    return {
        "name": view.name,
        "target": target.name,
        "cycles": profile.measured.cycles,
        "clock": target.geometry.clock_mhz,
        "dispatches": profile.measured.dispatches,
        "floor": profile.explanation.floor if profile.explanation else None,
        "binding": profile.explanation.floors[0].resource if profile.explanation and profile.explanation.floors else "",
        "parts": profile.explanation.parts if profile.explanation else (),
        "streams": target.geometry.streams,
        "mirror": 2 * target.taps.vxm + 1,
        "queues": [{"name": q.name, "kind": kind_of(q), "slot": slot(target, q)} for q in target.queues],
        "busy": {u.row.name: round(u.share, 5) for u in profile.measured.units},
        "flows": [
            {
                "name": flow,
                "start": explained[flow].start if flow in explained else None,
                "length": explained[flow].length if flow in explained else None,
                "waits": reason(explained[flow]) if flow in explained else "",
                "cost": costs[flow].total if flow in costs else 0,
            }
            for flow in program.flows
        ],
        "files": [{"name": file, "text": view.source(file)} for file in program.files],
        "texts": texts,
        "families": pack(_family_columns(known, text_of)),
        "lines": pack(_line_columns(known)),
        "segments": pack(_segment_columns(segments(program.timeline))),
        "values": _values(view.values),
    }


def _values(known: Values | None) -> dict[str, Any] | None:
    if known is None or not len(known.family):
        return None
    return {"made": pack({"family": known.family, "cycle": known.cycle}), "texts": known.texts}


def slot(target: Target, queue: Queue) -> int:
    """The gap between eastward registers, after the one of this number, in which a queue's unit stands."""
    taps = target.taps
    if queue.kind == "vxm":
        return taps.vxm
    quad = queue.index // target.geometry.slices_per_quad if queue.kind == "mem" else 0
    places = {
        "mem": taps.mem_outbound[quad], "acc": 2 * taps.vxm - taps.acc_result, "distribute": taps.distribute,
        "c2c": taps.send, "lw": taps.mxm, "iw": taps.mxm, "abc": taps.mxm,
    }  # fmt: skip
    east = places.get(queue.kind, taps.sxm)
    return east if queue.hemisphere == "e" else 2 * taps.vxm - east


def _texts(program: Program) -> tuple[list[str], NDArray[np.int64]]:
    """(instructions as text, which of them each family is); mnemonics alone where there are very many."""
    timeline, instructions = program.timeline, table(program.target)
    words = np.stack((timeline.low, timeline.high), axis=1)
    if len(words) > MOST_EXPLAINED:
        codes, index = np.unique(timeline.opcode, return_inverse=True)
        return [instructions.by_opcode[int(c)].mnemonic for c in codes], index
    unique, index = np.unique(words, axis=0, return_inverse=True)
    return [str(instructions.decode(int(low) | int(high) << 64)) for low, high in unique.tolist()], index.reshape(-1)


def _family_columns(known: Families, text: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    timeline = known.program.timeline
    writes = [d.opcode for d in table(known.program.target) if d.uses("writes", "sram")]
    return {
        "queue": timeline.queue.astype(np.int64),
        "word": timeline.word.astype(np.int64),
        "text": text,
        "flow": known.flow,
        "file": known.file,
        "line": known.line,
        "issues": timeline.issues,
        "write": np.isin(timeline.opcode, writes).astype(np.int64),
        "pair": known.pair.astype(np.int64),
        "func": ports(known.program.target).func[timeline.opcode].astype(np.int64),
    }


def _line_columns(known: Families) -> dict[str, NDArray[np.int64]]:
    order = np.lexsort((known.lines.start, known.queue[known.lines.family]))
    columns = ("family", "start", "stride", "count")
    return {name: getattr(known.lines, name)[order] for name in columns}


def _segment_columns(alive: Segments) -> dict[str, NDArray[np.int64]]:
    order = np.lexsort((alive.channel, alive.diagonal))
    columns = ("family", "channel", "first", "last", "diagonal", "stride", "count")
    return {name: getattr(alive, name)[order] for name in columns}


def pack(columns: dict[str, NDArray[np.int64]]) -> dict[str, Any]:
    """Columns of 32-bit integers of one length, as the page unpacks them."""
    count = len(next(iter(columns.values())))
    planes = [
        np.diff(column, prepend=0).astype("<i4").view(np.uint8).reshape(count, 4).T.tobytes()
        for column in columns.values()
    ]
    octets = zlib.compress(b"".join(planes), 4)
    return {"count": count, "columns": list(columns), "data": base64.b64encode(octets).decode()}
