"""The catalogue of diagnostics as a page: what each means, an example of it, what is said, and the repair.

``python -m lpuasm.asm.catalogue`` rewrites ``docs/errors.md``.
"""

from __future__ import annotations

from pathlib import Path

from lpuasm.asm.build import assemble
from lpuasm.asm.render import render
from lpuasm.isa.errors import AssemblyError, Entry, LpuError, catalogue, fenced, is_session

FILE = Path(__file__).resolve().parent.parent / "docs" / "errors.md"
#: The first two digits of a code say what it is about.
SUBJECTS = {
    "01": "Syntax",
    "02": "Symbols, expressions and expansion",
    "03": "Legality in time",
    "04": "Instructions and operands",
    "05": "Tensors and binding",
    "06": "Object files",
    "07": "Data at run time",
    "08": "Specification and targets",
    "09": "Files and the host",
    "10": "Scalar code",
    "11": "Flows",
    "12": "The conversation",
    "13": "Lint",
}


def page() -> str:
    """The whole catalogue, in Markdown."""
    parts = [
        "# Diagnostics",
        "Every code that lpuasm can give, printed from `isa/errors.toml`; `python -m lpuasm.asm.catalogue` prints it "
        "again. `lpuasm isa LPU0301` shows one entry. The examples are held to what they show by the tests; "
        "commands (`$`) are typed in a folder that holds `examples/`.",
    ]
    for number, subject in SUBJECTS.items():
        own = [entry for entry in catalogue().values() if entry.code[3:5] == number]
        parts += [f"## {subject}", *(_entry(entry) for entry in own)]
    return "\n\n".join(parts) + "\n"


def _entry(entry: Entry) -> str:
    parts = [f"### {entry.code}: {entry.title}", entry.meaning]
    if entry.bad:
        parts.append(f"Wrong:\n\n{fenced(entry.bad)}")
        if said := what_is_said(entry):
            parts.append(f"What is said:\n\n```\n{said.strip()}\n```")
    if entry.good:
        parts.append(f"Right:\n\n{fenced(entry.good)}")
    return "\n\n".join(parts)


def what_is_said(entry: Entry) -> str:
    """The diagnostics of an entry's code that its bad example gives when it is assembled; "" where it assembles."""
    if is_session(entry.bad):
        return ""
    sources: dict[str, str] = {}
    try:
        assemble(entry.bad, "example.s", sources=sources)
    except AssemblyError as e:
        return render([d for d in e.diagnostics if d.code == entry.code], sources)
    except LpuError:
        return ""
    return ""


if __name__ == "__main__":
    FILE.write_text(page(), "utf-8")
