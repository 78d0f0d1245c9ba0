"""The tutorial, word for word: its files are saved, its commands print what it says, its Python runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from consoles import commands, shell

ROOT = Path(__file__).parent.parent
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
BLOCKS = re.findall(r"^```([^\n]+)\n(.*?)^```$", TUTORIAL, re.MULTILINE | re.DOTALL)


def test_the_tutorial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for info, body in BLOCKS:
        kind, _, name = info.partition(" ")
        if kind == "asm":
            Path(name).write_text(body)
        elif kind == "python":
            exec(compile(body, "tutorial.md", "exec"), {})
        else:
            assert kind == "console"
            for command, expected in commands(body):
                assert shell(command, tmp_path)[1].decode() == expected, command


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", TUTORIAL):
        assert (ROOT / "docs" / target).exists(), target
