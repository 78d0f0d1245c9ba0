"""docs/repl.md, word for word: its session gives what it prints, its Python runs."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from transcripts import Conversation, replayed

PAGE = Path(__file__).parents[2] / "docs" / "repl.md"
_BLOCK = re.compile(r"^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_session_goes_as_printed(request: pytest.FixtureRequest) -> None:
    page = PAGE.read_text("utf-8")
    conversation = Conversation()
    real = _BLOCK.sub(lambda m: f"```text\n{replayed(m[1], conversation)}```", page)
    if request.config.getoption("--update"):
        PAGE.write_text(real, "utf-8")
        page = real
    assert page == real


def test_the_python_runs() -> None:
    page = PAGE.read_text("utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    conversation = Conversation()
    for block in _BLOCK.findall(page)[:2]:
        replayed(block, conversation)
    source = conversation.console.session.version.text
    a = np.asarray(conversation.console.tensors["A"].array)
    exec(compile(code, str(PAGE), "exec"), {"SOURCE": source, "a": a})
