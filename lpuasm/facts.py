"""What is said of a program in every command's JSON document and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lpuasm.isa.program import Program


def facts(program: Program) -> dict[str, Any]:
    """The keys of ``answer.NO_PROGRAM`` for a program; ``floor`` and ``gap`` are null where they are not known."""
    return {
        "target": program.target.name,
        "scalar": program.scalar,
        "cycles": program.cycles,
        "floor": None,
        "gap": None,
        "flows": flows(program),
        "tensors": [
            {
                "name": t.name,
                "kind": t.kind,
                "dtype": t.layout.dtype if t.layout else None,
                "shape": list(t.layout.shape) if t.layout else None,
            }
            for t in program.tensors
        ],
    }


def flows(program: Program) -> list[dict[str, Any]]:
    """Every flow with its earliest dispatch, and the cycles from that to its last one."""
    if program.scalar or not program.flows:
        return []
    import numpy as np

    timeline = program.timeline
    of = np.full(len(timeline.word), -1)
    for queue in program.target.queues:
        places = program.places.get(queue.name)
        if places is not None:
            rows = timeline.queue == queue.number
            of[rows] = places[timeline.word[rows], 3]
    last = timeline.last
    return [
        {
            "name": name,
            "start": int(timeline.start[of == k].min()),
            "length": int(last[of == k].max() - timeline.start[of == k].min()) + 1,
            "waits_for": None,
        }
        for k, name in enumerate(program.flows)
        if (of == k).any()
    ]


def time(cycles: int, clock_mhz: int) -> str:
    """Cycles as people read them, with the time at the target's clock: `1,234 cycles, 1.371 µs at 900 MHz`."""
    seconds = cycles / (clock_mhz * 1e6)
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)):
        if seconds >= scale or unit == "ns":
            return f"{cycles:,} cycle{'' if cycles == 1 else 's'}, {seconds / scale:.4g} {unit} at {clock_mhz} MHz"
    raise AssertionError
