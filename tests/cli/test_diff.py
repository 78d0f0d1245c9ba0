"""lpuasm diff."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def test_diff(lpu: Any, add: Path) -> None:
    Path("other.s").write_text(Path("kernel.s").read_text().replace("9: write", "9 + 0: write"))
    document = lpu("diff", "kernel.s", "other.s", "--json").json
    assert document["same"] and document["first"] is None and document["programs"][0]["cycles"] == 17
    Path("other.s").write_text(Path("kernel.s").read_text().replace("add.i8", "sub.i8"))
    said = lpu("diff", "kernel.s", "other.s")
    assert said.status == 0 and "they part in cycle 3 at vxm.alu0" in said.out.decode()
    first = lpu("diff", "kernel.s", "other.s", "--json").json["first"]
    assert first["before"]["instruction"].startswith("add.i8") and first["after"]["line"] == 9
