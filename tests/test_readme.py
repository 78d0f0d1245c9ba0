"""The README, word for word: its commands are run and print what it says; its Python runs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from consoles import commands, shell

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "examples", place / "examples")
    return place


def test_console_blocks(folder: Path) -> None:
    for block in _blocks("console"):
        for command, expected in commands(block):
            status, said = shell(command, folder)
            assert said.decode() == expected, command
            assert status == 0, command


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
