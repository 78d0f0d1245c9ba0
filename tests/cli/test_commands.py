"""lpuasm build, check, dis, isa and fmt."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import lpuasm
from lpuasm.asm.build import assemble
from lpuasm.facts import time
from lpuasm.isa.objectfile import save

WRONG = ".target mini\n.queue mem.w0\nnop 1\nnopp 2\nread 0 -> s99.e\n"
SCALAR = "ld r0, [A + 1]\nst [B], r0\n"


def test_build_writes_stem_dot_lpu_in_the_working_directory(lpu: Any, add: Path, monkeypatch: Any) -> None:
    (add / "elsewhere").mkdir()
    monkeypatch.chdir(add / "elsewhere")
    said = lpu("build", "../kernel.s")
    assert said.status == 0 and said.err == "kernel.lpu: 17 cycles, 18.89 ns at 900 MHz\n"
    assert Path("kernel.lpu").read_bytes().startswith(b"\x7fELF")
    assert lpu("check", "kernel.lpu").status == 0


def test_build_as_json(lpu: Any, add: Path) -> None:
    document = lpu("build", "kernel.s", "-o", "out.lpu", "--listing", "out.lst", "--json").json
    assert document["output"] == "out.lpu" and document["listing"] == "out.lst" and document["cycles"] == 17
    assert document["tensors"][0] == {"name": "A", "kind": "input", "dtype": "i8", "shape": [4, 32]}
    assert document["digest"] == lpu("dis", "out.lpu", "--json").json["digest"]


def test_the_listing_has_words_cycles_encodings_and_places(lpu: Any, add: Path) -> None:
    text = lpu("build", "kernel.s", "-o", "k.lpu", "--listing", "-").out.decode()
    (row,) = (line for line in text.splitlines() if "write s0.e" in line)
    word, cycle, encoding, source, *_ = row.split()
    assert (word, cycle, source) == ("1", "9", "kernel.s:11") and int(encoding, 16) & 0xFF == 0x11


def test_build_from_standard_input_to_standard_output(lpu: Any, add: Path) -> None:
    lpu("build", "kernel.s")
    said = lpu("build", "-", "-o", "-", stdin=Path("kernel.s").read_bytes())
    assert said.status == 0 and said.out.startswith(b"\x7fELF") and said.err == ""


def test_nothing_is_written_for_a_wrong_source(lpu: Any, tmp_path: Path) -> None:
    (tmp_path / "bad.s").write_text(WRONG)
    said = lpu("build", "bad.s", "--listing", "x.lst", "--json")
    assert said.status == 1 and len(said.codes) >= 2 and [p.name for p in Path().iterdir()] == ["bad.s"]
    places = [(d["file"], d["line"]) for d in said.json["diagnostics"]]
    assert places[:2] == [("bad.s", 4), ("bad.s", 5)]
    said = lpu("build", "bad.s")
    assert "bad.s:4:1" in said.err and "^" in said.err


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("-o", "kernel.s"), "LPU0909"),
        (("-o", "nix/x.lpu"), "LPU0902"),
        (("-o", "."), "LPU0902"),
        (("--listing", "kernel.lpu"), "LPU0908"),
    ],
)
def test_where_build_cannot_write(lpu: Any, add: Path, args: tuple[str, ...], code: str) -> None:
    said = lpu("build", "kernel.s", *args, "--json")
    assert said.status == 1 and said.codes == [code] and not Path("kernel.lpu").exists()


def test_check_goes_on_after_a_wrong_file(lpu: Any, add: Path) -> None:
    Path("bad.s").write_text(WRONG)
    Path("scalar.s").write_text(SCALAR)
    document = lpu("check", "bad.s", "nix.s", "kernel.s", "scalar.s", "--json").json
    assert [f["good"] for f in document["files"]] == [False, False, True, True]
    assert [f["cycles"] for f in document["files"]] == [None, None, 17, None]
    assert document["cycles"] is None
    said = lpu("check", "bad.s", "kernel.s")
    assert said.status == 1 and "kernel.s: legal, 17 cycles" in said.err and "bad.s:4:1" in said.err
    assert lpu("check", "kernel.s", "--json").json["cycles"] == 17


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00", b"nop \xc3\x28\n", b"\x00" * 10, b"\x7fELF", b"\x7fELF" + b"\0" * 60]
)
@pytest.mark.parametrize("name", ["x.s", "x.lpu"])
def test_the_content_decides_what_a_file_is(lpu: Any, tmp_path: Path, content: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(content)
    for command in ("check", "build", "dis", "run"):
        said = lpu(command, name, "--json")
        assert said.status == 1 and said.codes[0][:5] == ("LPU06" if content.startswith(b"\x7fELF") else "LPU01")


def test_a_source_called_lpu_and_an_object_called_s(lpu: Any, add: Path) -> None:
    lpu("build", "kernel.s", "-o", "object.s")
    Path("source.lpu").write_bytes(Path("kernel.s").read_bytes())
    assert lpu("check", "object.s", "source.lpu").status == 0


@pytest.mark.parametrize("file", ["nix.s", ".", ""])
@pytest.mark.parametrize("command", ["build", "check", "run", "dis", "fmt"])
def test_files_that_cannot_be_read(lpu: Any, tmp_path: Path, command: str, file: str) -> None:
    said = lpu(command, file, "--json")
    assert said.status == 1 and said.codes == ["LPU0901"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read(lpu: Any, add: Path) -> None:
    Path("kernel.s").chmod(0)
    assert lpu("check", "kernel.s", "--json").codes == ["LPU0901"]


def test_include_folders(lpu: Any, add: Path) -> None:
    (add / "lib").mkdir()
    (add / "lib" / "part.s").write_text("nop 3\n")
    Path("main.s").write_text('.target mini\n.queue mem.w0\n.include "part.s"\n')
    assert lpu("check", "main.s", "--json").codes == ["LPU0213"]
    assert lpu("check", "main.s", "-I", "lib").status == 0


def test_an_object_file_keeps_what_it_was_built_with(lpu: Any, add: Path) -> None:
    lpu("build", "kernel.s", "-D", "K=2")
    assert lpu("check", "kernel.lpu", "-D", "K=2", "--target", "mini").status == 0
    assert lpu("check", "kernel.lpu", "-D", "K=3", "--json").codes == ["LPU0211"]
    assert lpu("check", "kernel.lpu", "--target", "tsp1", "--json").codes == ["LPU0214"]


def test_dis_assembles_back(lpu: Any, add: Path) -> None:
    lpu("build", "kernel.s")
    lpu("dis", "kernel.lpu", "-o", "words.s")
    assert lpu("build", "words.s", "-o", "again.lpu").status == 0
    assert Path("again.lpu").read_bytes() == Path("kernel.lpu").read_bytes()
    assert lpu("dis", "kernel.s").out == Path("words.s").read_bytes()
    document = lpu("dis", "kernel.s", "--json").json
    assert document["text"].encode() == Path("words.s").read_bytes() and document["output"] is None


@pytest.mark.parametrize("command", ["check", "explain", "build", "profile", "run"])
def test_an_object_file_that_breaks_a_rule_of_time_is_not_called_legal(lpu: Any, tmp_path: Path, command: str) -> None:
    """`check` said that it is legal, and `explain` failed where an address lies beyond the slice."""
    text = ".target mini\n.unit mem.w0\n0: read {} -> s0.e\n.unit mem.e0\n1: write s0.e -> 3\n"
    for address, code in ((0, "LPU0302"), (2049, "LPU0310")):
        save(assemble(text.format(address), "bad.s", strict=False), "bad.lpu")
        said = lpu(command, "bad.lpu", *(["-o", "other.lpu"] if command == "build" else []), "--json")
        assert said.status == 1 and said.codes[0] == code and not Path("other.lpu").exists()
        assert "read 0x" in lpu("dis", "bad.lpu", "--json").json["text"]
        with pytest.raises(lpuasm.LpuError, match=code):
            lpuasm.explain(lpuasm.load("bad.lpu"))


def test_isa(lpu: Any) -> None:
    assert b"read" in lpu("isa").out and b"# mem.read" in lpu("isa", "read").out
    assert lpu("isa", "--json").json["name"] is None
    assert lpu("isa", "LPU0301", "--json").json["text"]
    assert b"mini" in lpu("isa", "mem", "--target", "mini").out
    said = lpu("isa", "raed", "--json")
    assert said.status == 1 and "read" in said.json["diagnostics"][0]["help"]


def test_fmt_in_place_and_as_a_filter(lpu: Any, tmp_path: Path) -> None:
    ugly = ".target   mini\n.queue mem.w0\nnop    1 ;x\n"
    Path("a.s").write_text(ugly)
    said = lpu("fmt", "a.s", "--check", "--json")
    assert said.status == 1 and said.codes == ["LPU0914"] and Path("a.s").read_text() == ugly
    assert (
        lpu("fmt", "-", stdin=ugly.encode()).out.decode()
        == (lpu("fmt", "-", "--json", stdin=ugly.encode()).json["files"][0]["text"])
    )
    said = lpu("fmt", "a.s", "--json")
    assert said.status == 0 and said.json["files"] == [{"file": "a.s", "changed": True}]
    assert lpu("fmt", "a.s", "--check").status == 0
    assert lpu("fmt", "a.s", "--json").json["files"] == [{"file": "a.s", "changed": False}]


def test_fmt_changes_no_file_where_one_is_wrong(lpu: Any, tmp_path: Path) -> None:
    Path("a.s").write_text(".target   mini\n")
    Path("b.s").write_text(".for\n")
    assert lpu("fmt", "a.s", "b.s").status == 1
    assert Path("a.s").read_text() == ".target   mini\n"


@pytest.mark.parametrize(
    ("cycles", "text"),
    [
        (0, "0 cycles, 0 ns at 900 MHz"),
        (1, "1 cycle, 1.111 ns at 900 MHz"),
        (1234, "1,234 cycles, 1.371 µs at 900 MHz"),
        (1_800_000, "1,800,000 cycles, 2 ms at 900 MHz"),
        (900_000_000, "900,000,000 cycles, 1 s at 900 MHz"),
    ],
)
def test_time(cycles: int, text: str) -> None:
    assert time(cycles, 900) == text


FLOWS = """\
.target mini
.input  A : i8 [4, 32] at mem.w0
.output B : i8 [4, 32] at mem.e0
.output C : i8 [4, 32] at mem.e1

flow first:
    read A -> s0.e
    write s0.e -> B

flow second:
    read A -> s1.e
    write s1.e -> C
"""


def test_flows_with_their_starts_and_lengths(lpu: Any, tmp_path: Path) -> None:
    Path("flows.s").write_text(FLOWS)
    document = lpu("check", "flows.s", "--json").json
    first, second = document["flows"]
    assert (first["name"], second["name"]) == ("first", "second")
    # a read is heard by the slice beyond the VXM some cycles later, and the last of four issues three after the first
    assert first["start"] == 0 and second["start"] >= 1
    assert first["length"] == second["length"] < document["cycles"]
    lines = lpu("build", "flows.s", "--listing", "-").out.decode().splitlines()
    reads = [line.split() for line in lines if "read 0x0" in line]
    assert [int(cycle) for _, cycle, *_ in reads] == [first["start"], second["start"]]
