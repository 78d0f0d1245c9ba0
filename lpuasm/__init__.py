"""lpuasm: program a Groq-class LPU by hand, exact to the cycle.

    prog = lpuasm.build("kernel.s", defines={"M": 640})
    run = lpuasm.run(prog, {"A": a, "W": w})
    run["C"], run.cycles

Importing lpuasm imports nothing else; what a name needs is imported when it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lpuasm.files import FileError
    from lpuasm.front import build, disassemble, explain, lint, load, plan, profile, run
    from lpuasm.isa.errors import (
        ArgumentError,
        AssemblyError,
        BindError,
        Diagnostic,
        Fault,
        LpuError,
        ObjectError,
        SpecError,
    )
    from lpuasm.isa.program import Program

__all__ = [
    "ArgumentError",
    "AssemblyError",
    "BindError",
    "Diagnostic",
    "Fault",
    "FileError",
    "LpuError",
    "ObjectError",
    "Program",
    "SpecError",
    "build",
    "disassemble",
    "explain",
    "lint",
    "load",
    "plan",
    "profile",
    "run",
]

_ERRORS = (
    "ArgumentError",
    "AssemblyError",
    "BindError",
    "Diagnostic",
    "Fault",
    "LpuError",
    "ObjectError",
    "SpecError",
)
_HOMES = {
    **dict.fromkeys(("build", "disassemble", "explain", "lint", "load", "plan", "profile", "run"), "lpuasm.front"),
    **dict.fromkeys(_ERRORS, "lpuasm.isa.errors"),
    "FileError": "lpuasm.files",
    "Program": "lpuasm.isa.program",
    "load_ipython_extension": "lpuasm.notebook",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'lpuasm' has no attribute '{name}'")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return __all__
