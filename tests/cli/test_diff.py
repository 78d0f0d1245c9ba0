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


def test_scalar_code(lpu: Any, tmp_path: Path) -> None:
    Path("one.s").write_text("ld r0, [A + 0]\nst [B], r0\n")
    Path("other.s").write_text("ld r0, [A + 0]\nadd r0, r0, 1\nst [B], r0\n")
    np.save("A.npy", np.array([4], np.int32))
    still = lpu("diff", "one.s", "other.s", "--json").json
    assert still["programs"][0]["cycles"] is None and still["runs"] is None and not still["same"]
    assert still["word"]["number"] == 1
    assert [still["word"][side]["instruction"] for side in ("before", "after")] == ["st [B], r0", "add r0, r0, 1"]
    ran = lpu("diff", "one.s", "other.s", "-i", "A=A.npy")
    assert ran.out.decode() == (
        "cycles        5 -> 6 (+1, +20.0 %)\ninstructions  2 -> 3 (+1, +50.0 %)\nthey part in word 1\n"
        "  first   st [B], r0  (one.s:2)\n  second  add r0, r0, 1  (other.s:2)\nB: 1 of 1 elements differ\n"
    )
    assert lpu("diff", "one.s", "one.s", "-i", "A=A.npy", "--json").json["runs"]["outputs"]["B"]["differ"] == 0
    assert "both are the same words" in lpu("diff", "one.s", "one.s").out.decode()
    assert lpu("diff", "one.s", "other.s", "--second", "A=A.npy", "--json").codes == ["LPU1010"]


def test_scalar_code_and_a_schedule(lpu: Any, add: Path) -> None:
    Path("scalar.s").write_text("ld r0, [A + 1]\nst [B], r0\n")
    document = lpu("diff", "scalar.s", "kernel.s", "-i", "A=A.npy", "--json").json
    assert [p["cycles"] for p in document["programs"]] == [5, 17] and document["word"] is None
    assert "one is scalar code, the other is not" in lpu("diff", "scalar.s", "kernel.s").out.decode()
