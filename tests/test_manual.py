"""The manual says what the specification says, and the committed one is not stale."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lpuasm.isa.chapters import chapters
from lpuasm.isa.core import FILES, table
from lpuasm.isa.drawing import draw_map, draw_word
from lpuasm.isa.errors import SpecError, catalogue
from lpuasm.isa.export import export, text
from lpuasm.isa.manual import lookup, manual, overview, unit_page
from lpuasm.isa.operands import TYPES
from lpuasm.isa.page import HEADINGS, page
from lpuasm.isa.target import TARGETS, load_target, parse_target
from lpuasm.isa.transcendental import MAX_ULP

TSP1, MINI = load_target("tsp1"), load_target("mini")
MANUAL = manual(TSP1)
COMMITTED = Path(__file__).resolve().parent.parent / "docs" / "isa.md"


def test_the_committed_manual_is_not_stale() -> None:
    assert COMMITTED.read_text("utf-8") == MANUAL, "run: make manual"


def test_every_page_has_the_same_headings() -> None:
    for definition in table(TSP1):
        headings = re.findall(r"^#+ (.*)", page(definition, TSP1), re.MULTILINE)
        assert headings == [f"{definition.unit}.{definition.mnemonic}", *HEADINGS]
        assert page(definition, TSP1, 3) in MANUAL


def test_the_manual_has_what_the_chips_have() -> None:
    for name in (q.name for q in TSP1.queues):
        assert re.search(rf"\b{re.escape(name)}\b", MANUAL)
    for target in (TSP1, MINI):
        assert draw_map(target) in MANUAL
    for name, bound in MAX_ULP.items():
        assert f"{name} {bound} ulp" in MANUAL
    assert "230,686,720" in MANUAL and "Queues start filled" in MANUAL
    assert "{" not in re.sub(r"```.*?```", "", MANUAL, flags=re.DOTALL)


def test_everything_ours_is_listed() -> None:
    listed = MANUAL.partition("## What is ours")[2].partition("\n## ")[0]
    for definition in table(TSP1):
        for source in (definition.source, definition.timing.source):
            assert ("ours" not in source) or f": {source}\n" in listed
    assert all(f"tsp1 {n}: {s}" in listed for n, s in TSP1.source.items() if "ours" in s)


def test_a_word_is_drawn_with_all_its_bits() -> None:
    (read,) = (d for d in table(TSP1) if d.mnemonic == "read")
    assert draw_word(read).splitlines()[:4] == [
        " 31     27   25     21 20                      8 7             0",
        "+---------+-+---------+-------------------------+---------------+",
        "|  count0 |.|  stream |         address         |      0x10     |",
        "+---------+-+---------+-------------------------+---------------+",
    ]
    for definition in table(TSP1):
        lines = draw_word(definition).splitlines()
        assert len(lines) == 16
        assert {len(line) for line in lines if line[0] in "+|"} == {65}
        highest = {
            32 * row + 31 - column // 2
            for row in range(4)
            for column, char in enumerate(lines[4 * row + 1])
            if char == "+"
        }
        assert all(b.low - 1 in highest and b.low + b.width - 1 in highest for b in definition.bits if b.low % 32)


def test_the_map_of_mini() -> None:
    assert draw_map(MINI, "w").startswith("<mxm.e results 0 1 2 <sxm.e.acc0..1 3 4 <sxm.e.transpose0..1")
    assert "8 [mem.e4..7] 9 [mem.e0..3] 10 11 12 [vxm.alu0..15] 13" in draw_map(MINI, "w")


def test_overview_and_units() -> None:
    for target in (TSP1, MINI):
        lines = overview(target)
        for definition in table(target):
            assert re.search(rf"^ +{definition.mnemonic} +{re.escape(definition.summary)}$", lines, re.MULTILINE)
        for unit in FILES:
            assert unit_page(unit, target).startswith(f"# {unit}\n")


@pytest.mark.parametrize(
    ("name", "title", "part"),
    [
        ("read", "# mem.read", "d_func"),
        ("READ", "# mem.read", "d_func"),
        ("vxm.add", "# vxm.add", "add(a, b)"),
        ("add", "# vxm.add", "# seq.add"),
        ("mem", "# mem", "gather"),
        ("mem.w17", "# mem.w17", "Queue 17 of tsp1"),
        ("vxm.alu3", "# vxm.alu3", "rsqrt"),
        ("mxm.e0", "# mxm.e0", "mxm.e0.lw"),
        ("mxm.e", "# mxm.e", "mxm.e1.abc"),
        ("sxm.w", "# sxm.w", "SR40"),
        ("c2c.3", "# c2c.3", "receive"),
        ("icu", "# icu", "notify"),
        ("i16", "# i16", "16 bits"),
        ("LPU0804", "# LPU0804", catalogue()["LPU0804"].meaning),
        ("time", "# Time", "d_skew"),
    ],
)
def test_lookup(name: str, title: str, part: str) -> None:
    found = lookup(name, TSP1)
    assert found.startswith(title)
    assert part in found


def test_everything_listed_can_be_looked_up() -> None:
    for target in (TSP1, MINI):
        names = [
            *FILES,
            *TYPES,
            *chapters(),
            *catalogue(),
            *(q.name for q in target.queues),
            *(q.unit for q in target.queues),
        ]
        for name in (*names, *(d.mnemonic for d in table(target))):
            assert lookup(name, target)


@pytest.mark.parametrize(("name", "near"), [("raed", "read"), ("mem.w99", "mem.w"), ("LPU8004", "LPU"), ("i61", "i16")])
def test_lookup_of_nothing_says_what_is_near(name: str, near: str) -> None:
    with pytest.raises(SpecError) as caught:
        lookup(name, TSP1)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "LPU0805"
    assert f"did you mean {near}" in diagnostic.help


def test_lookup_of_nothing_near() -> None:
    with pytest.raises(SpecError) as caught:
        lookup("§§§", TSP1)
    assert "lpuasm isa" in caught.value.diagnostics[0].help


def test_a_page_shows_the_timing_of_its_target() -> None:
    changed = parse_target(MINI.text + '\n[timing]\n"vxm.add" = { func = 9, source = "ours: a test" }\n', "own.toml")
    assert "| 0 | 9 | 3 | none | ours: a test |" in lookup("vxm.add", changed)
    assert "| 0 | 4 | 3 | none |" in lookup("vxm.add", MINI)


def test_the_export_has_everything_in_a_stable_order() -> None:
    data = export(TSP1)
    assert json.loads(text(TSP1)) == data
    assert text(TSP1) == text(load_target("tsp1"))
    assert [i["mnemonic"] for i in data["instructions"]] == [d.mnemonic for d in table(TSP1)]
    assert list(data["targets"]) == list(TARGETS)
    assert [q["name"] for q in data["targets"]["tsp1"]["queues"]] == [q.name for q in TSP1.queues]
    assert set(data["diagnostics"]) == set(catalogue())
