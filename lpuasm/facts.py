"""What is said of a program in every command's JSON document and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpuasm.answer import NO_PROGRAM

if TYPE_CHECKING:
    from lpuasm.isa.program import Program


def facts(program: Program, explained: bool) -> dict[str, Any]:
    """The keys of ``answer.NO_PROGRAM`` for a program.

    ``floor``, ``gap`` and ``flows`` take some time to find out, and are blank unless ``explained``.
    """
    return {
        **NO_PROGRAM,
        "target": program.target.name,
        "scalar": program.scalar,
        "cycles": program.cycles,
        **(_schedule(program) if explained and not program.scalar else {}),
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


def _schedule(program: Program) -> dict[str, Any]:
    from lpuasm.asm.explain import explain

    document = explain(program).to_json()
    return {key: document[key] for key in ("floor", "gap", "flows")}


def time(cycles: int, clock_mhz: int) -> str:
    """Cycles as people read them, with the time at the target's clock: `1,234 cycles, 1.371 µs at 900 MHz`."""
    seconds = cycles / (clock_mhz * 1e6)
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)):
        if seconds >= scale or unit == "ns":
            return f"{cycles:,} cycle{'' if cycles == 1 else 's'}, {seconds / scale:.4g} {unit} at {clock_mhz} MHz"
    raise AssertionError
