"""What a command answers with, and how it is said: to people, or as one JSON document.

Data goes to standard output, everything else to standard error. A reader of
standard output that has had enough (EPIPE) is no error.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from lpuasm.isa.errors import Diagnostic

GOOD, WRONG, USAGE, OURS, INTERRUPTED = 0, 1, 2, 70, 130

#: What is said of a program, as far as it is known; the keys are fixed (design, interfaces).
NO_PROGRAM: Mapping[str, Any] = {
    "target": None,
    "scalar": None,
    "cycles": None,
    "floor": None,
    "gap": None,
    "flows": [],
    "tensors": [],
}
#: The keys of each command's document beside `command`, `status` and `diagnostics`, as they stand when it fails.
BLANK: Mapping[str, Mapping[str, Any]] = {
    "build": {"output": None, "listing": None, "digest": None, **NO_PROGRAM},
    "check": {"files": [], **NO_PROGRAM},
    "run": {"engine": None, "seconds": None, "trace": None, "outputs": {}, "checks": {}, **NO_PROGRAM},
    "dis": {"output": None, "text": None, "digest": None, **NO_PROGRAM},
    "explain": {"binding": None, "floors": [], "parts": [], **NO_PROGRAM},
    "profile": {
        "binding": None,
        "floors": [],
        "parts": [],
        "dispatches": None,
        "edges": [],
        "units": [],
        "work": [],
        "intensity": None,
        "ridge": None,
        "limit": None,
        "costs": [],
        "html": None,
        "perfetto": None,
        "vcd": None,
        **NO_PROGRAM,
    },
    "lint": NO_PROGRAM,
    "diff": {"programs": [], "same": None, "first": None, "changes": [], "runs": None, "word": None},
    "watch": {"cycles": None, "floor": None, "before": {"cycles": None, "floor": None}, "checks": {}},
    "isa": {"name": None, "text": None},
    "fmt": {"files": []},
    "repl": {},
    "debug": {},
    "completion": {"shell": None, "text": None},
}

#: Gives the text of a source by its name in diagnostics, None where there is none.
Lookup = Callable[[str], str | None]


@dataclass(frozen=True)
class Answer:
    """What a command found: a JSON document, and the same for people.

    ``text`` is data for standard output, ``notes`` what is said about it on standard error; ``document`` holds the
    keys that differ from the command's blank ones.
    """

    document: Mapping[str, Any] = field(default_factory=dict)
    text: str | bytes = ""
    notes: str = ""
    diagnostics: tuple[Diagnostic, ...] = ()
    status: int = GOOD
    sources: Lookup = lambda name: None


def emit(answer: Answer, *, command: str | None, as_json: bool, color: str) -> None:
    """Says ``answer`` on standard output and standard error. Raises OSError where output cannot be written."""
    if as_json:
        document = {
            "command": command,
            "status": answer.status,
            **BLANK.get(command or "", {}),
            **answer.document,
            "diagnostics": [d.to_json() for d in answer.diagnostics],
        }
        to_stdout(json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2) + "\n")
        return
    if answer.text:
        to_stdout(answer.text)
    if answer.notes:
        to_stderr(answer.notes if answer.notes.endswith("\n") else answer.notes + "\n")
    if answer.diagnostics:
        from lpuasm.asm.render import render

        to_stderr(render(answer.diagnostics, answer.sources, colored(color, sys.stderr)))


def colored(choice: str, stream: IO[str]) -> bool:
    """Whether to paint: as ``--color`` says; by itself on a terminal, unless NO_COLOR is set or it is a dumb one."""
    if choice != "auto":
        return choice == "always"
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return not plain and stream is not None and stream.isatty()


def to_stdout(data: str | bytes) -> None:
    """Writes all of ``data``, text as UTF-8. A closed pipe is quiet."""
    octets = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
    try:
        sys.stdout.flush()
        stream = getattr(sys.stdout, "buffer", None)
        if stream is None:
            sys.stdout.write(octets.decode("utf-8", "replace"))
        else:
            stream.write(octets)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is left in the buffer must go somewhere when the interpreter ends.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def to_stderr(text: str) -> None:
    """Says ``text``; what the terminal's encoding lacks is replaced, and a closed standard error is no error."""
    try:
        encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
        sys.stderr.write(text.encode(encoding, "replace").decode(encoding))
        sys.stderr.flush()
    except OSError:
        pass
