"""lpuasm diff."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np


def test_diff(lpu: Any, add: Path) -> None:
    Path("other.s").write_text(Path("kernel.s").read_text().replace("9: write", "9 + 0: write"))
    document = lpu("diff", "kernel.s", "other.s", "--json").json
    assert document["same"] and document["first"] is None and document["programs"][0]["cycles"] == 17
    Path("other.s").write_text(Path("kernel.s").read_text().replace("add.i8", "sub.i8"))
    said = lpu("diff", "kernel.s", "other.s")
    assert said.status == 0 and "they part in cycle 3 at vxm.alu0" in said.out.decode()
    first = lpu("diff", "kernel.s", "other.s", "--json").json["first"]
    assert first["before"]["instruction"].startswith("add.i8") and first["after"]["line"] == 9


def test_where_two_runs_part(lpu: Any, add: Path) -> None:
    Path("other.s").write_text(Path("kernel.s").read_text().replace("add.i8", "sub.i8"))
    assert lpu("diff", "kernel.s", "other.s", "--json").json["runs"] is None
    found = lpu("diff", "kernel.s", "other.s", "-i", "A.npy", "--json").json["runs"]
    assert found["first"]["element"] == "B[0, 0]" and found["first"]["lanes"] == 32
    assert [found["first"][side]["value"] for side in ("before", "after")] == [1, -1]
    assert found["outputs"] == {"B": {"differ": 128, "elements": 128}}
    assert "both store the same values" in lpu("diff", "kernel.s", "kernel.s", "-i", "A.npy").out.decode()


def test_how_far_an_input_reaches(lpu: Any, add: Path) -> None:
    a = np.load("A.npy")
    a[2, 5] += 1
    np.save("A2.npy", a)
    said = lpu("diff", "kernel.s", "kernel.s", "-i", "A.npy", "--second", "A=A2.npy").out.decode()
    assert "the runs part at B[2, 5], in word 0x2" in said and "B: 1 of 128 elements differ" in said
    assert "no input 'Q'" in lpu("diff", "kernel.s", "kernel.s", "-i", "A.npy", "--second", "Q=A2.npy").err
