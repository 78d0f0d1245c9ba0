"""The tutorial, word for word: its files are saved, its commands print what it says, its Python runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
BLOCKS = re.findall(r"^```([^\n]+)\n(.*?)^```$", TUTORIAL, re.MULTILINE | re.DOTALL)


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


def test_the_tutorial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "NO_COLOR": "1"}
    for info, body in BLOCKS:
        kind, _, name = info.partition(" ")
        if kind == "asm":
            Path(name).write_text(body)
        elif kind == "python":
            exec(compile(body, "tutorial.md", "exec"), {})
        else:
            assert kind == "console"
            for command, expected in commands(body):
                done = subprocess.run(command, shell=True, env=environment, capture_output=True, text=True, check=False)
                assert done.stdout + done.stderr == expected, command


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", TUTORIAL):
        assert (ROOT / "docs" / target).exists(), target
