"""Console blocks of documents: the commands in them, and a shell that calls `lpuasm` and `python` without a process."""

from __future__ import annotations

import io
import os
import shlex
import subprocess
import sys
import traceback
import warnings
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

from lpuasm.cli import run

ENVIRONMENT = {"PATH": f"{Path(sys.executable).parent}:{os.defpath}", "NO_COLOR": "1"}


def commands(block: str) -> list[tuple[str, str]]:
    """(command, what it prints); lines with `> ` go on with the command."""
    found: list[tuple[str, str]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], ""))
        elif line.startswith("> "):
            found[-1] = (f"{found[-1][0]}\n{line[2:]}", "")
        else:
            found[-1] = (found[-1][0], f"{found[-1][1]}{line}\n")
    return found


def shell(command: str, folder: Path) -> tuple[int, bytes]:
    """The exit status of a command in a shell of its own, and what it prints on both outputs."""
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode, done.stdout


def here(command: str, folder: Path) -> tuple[int, bytes]:
    """What :func:`shell` answers; `lpuasm`, alone or behind a pipe, and `python` alone are called in this process."""
    source, pipe, piped = command.rpartition(" | lpuasm ")
    line = f"lpuasm {piped}" if pipe else command
    words = shlex.split(line, comments=True)
    if words[0] not in ("lpuasm", "python") or {"|", ">", ">>"} & set(words):
        return shell(command, folder)
    answer = io.BytesIO()
    said = io.TextIOWrapper(answer, write_through=True)
    typed = io.TextIOWrapper(io.BytesIO(shell(source, folder)[1] if pipe else b""))
    with (
        chdir(folder),
        redirect_stdout(said),
        redirect_stderr(said),
        mock.patch.object(sys, "stdin", typed),
        mock.patch.dict(os.environ, {"NO_COLOR": "1"}),
    ):
        status = run(words[1:]) if words[0] == "lpuasm" else _python(words[1:])
    said.flush()
    return status, answer.getvalue()


def _python(words: list[str]) -> int:
    code = words[1] if words[0] == "-c" else Path(words[0]).read_text("utf-8")
    try:
        with warnings.catch_warnings(action="ignore", category=ResourceWarning):  # as Python does that is called so
            exec(compile(code, words[0], "exec"), {"__name__": "__main__"})
    except Exception:
        traceback.print_exc()
        return 1
    return 0
