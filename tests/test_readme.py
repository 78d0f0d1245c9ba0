"""The README, word for word: its commands are run and print what it says; its Python runs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def _commands(block: str) -> list[tuple[str, str]]:
    """(command, what it prints) of a console block; lines with `> ` go on with the command."""
    found: list[tuple[str, str]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], ""))
        elif line.startswith("> "):
            found[-1] = (f"{found[-1][0]}\n{line[2:]}", "")
        else:
            found[-1] = (found[-1][0], f"{found[-1][1]}{line}\n")
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "examples", place / "examples")
    return place


def test_console_blocks(folder: Path) -> None:
    bin_folder = Path(sys.executable).parent
    for block in _blocks("console"):
        for command, expected in _commands(block):
            done = subprocess.run(
                command,
                shell=True,
                cwd=folder,
                env={"PATH": f"{bin_folder}:/usr/bin:/bin", "NO_COLOR": "1"},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.stdout + done.stderr == expected, command
            assert done.returncode == 0, command


def test_python_blocks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    for block in _blocks("python"):
        exec(compile(block, "README.md", "exec"), {})


def test_the_kernel_shown_is_the_example() -> None:
    source = (ROOT / "examples" / "03_matmul.s").read_text("utf-8")
    assert source[source.index(".target") :] in README


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
