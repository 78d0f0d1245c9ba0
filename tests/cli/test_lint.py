"""lpuasm lint."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def test_lint(lpu: Any, add: Path) -> None:
    said = lpu("lint", "kernel.s")
    assert said.status == 0 and said.err == "kernel.s: nothing to say\n"
    Path("lost.s").write_text(Path("kernel.s").read_text() + ".unit mem.w1\n    0: read 0 -> s9.e repeat 4\n")
    said = lpu("lint", "lost.s")
    assert said.status == 1 and "warning[LPU1301]" in said.err and "lost.s:13" in said.err
    assert lpu("lint", "lost.s", "--json").json["diagnostics"][0]["severity"] == "warning"
