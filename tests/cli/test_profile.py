"""lpuasm profile."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def test_a_profile_in_words(lpu: Any, add: Path) -> None:
    said = lpu("profile", "kernel.s")
    text = said.out.decode()
    assert said.status == 0 and text.startswith("17 cycles, 18.89 ns at 900 MHz, 12 dispatches\n")
    assert "vxm" in text and "idle: mxm.w0" in text and "MXM" not in text


def test_a_profile_as_json(lpu: Any, add: Path) -> None:
    document = lpu("profile", "kernel.s", "--json").json
    units = {u["name"]: u for u in document["units"]}
    assert units["vxm"]["busy"] == 4 and units["mem.w[0..3]"]["busy"] == 4 and document["dispatches"] == 12
    assert document["limit"] == "SRAM" and document["intensity"] == 0 and document["costs"][0]["flow"] is None


def test_a_profile_fits_a_small_terminal(lpu: Any, add: Path) -> None:
    long = "a_flow_with_a_name_that_is_longer_than_a_column_of_a_table"
    Path("long.s").write_text(f".target tsp1\n.input A : i8 [999, 320] at mem.w0\nflow {long}:\n    read A -> s0.e\n")
    table = lpu("profile", "long.s").out.decode().partition("\nfloor")[0]
    assert max(map(len, table.split("\n"))) <= 80 and "…" in table and "mxm.w0 load" in table


def test_a_profile_of_nothing(lpu: Any, tmp_path: Path) -> None:
    Path("empty.s").write_text(".target mini\n")
    assert lpu("profile", "empty.s").out.decode() == (
        "0 cycles, 0 ns at 900 MHz, 0 dispatches\n\nfloor 0, by the critical path; gap 0\n"
    )


def test_scalar_code_has_no_profile(lpu: Any, tmp_path: Path) -> None:
    (tmp_path / "scalar.s").write_text("ld r0, [A + 1]\nst [B], r0\n")
    assert lpu("profile", "scalar.s", "--json").codes == ["LPU1113"]


def test_traces_of_a_profile(lpu: Any, add: Path) -> None:
    document = lpu("profile", "kernel.s", "--perfetto", "k.pftrace", "--vcd", "k.vcd", "--json").json
    assert document["perfetto"] == "k.pftrace" and document["vcd"] == "k.vcd"
    assert Path("k.pftrace").read_bytes() and Path("k.vcd").read_text().startswith("$timescale 1 ns $end")
    assert lpu("profile", "kernel.s", "--vcd", "-").out.startswith(b"$timescale")
    assert lpu("profile", "kernel.s", "--vcd", "-", "--json").status == 2
    assert lpu("profile", "kernel.s", "--vcd", "kernel.s", "--json").codes == ["LPU0909"]
