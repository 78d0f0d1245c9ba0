"""Targets are strict: a chip's file is right in every number, or it is refused with the line of what is wrong."""

from __future__ import annotations

import tomllib
from copy import deepcopy
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_spec import JUNK, document

from lpuasm.isa.chip import Taps
from lpuasm.isa.core import table
from lpuasm.isa.errors import SpecError
from lpuasm.isa.manual import manual
from lpuasm.isa.target import TARGETS, load_target, parse_target

TSP1, MINI = load_target("tsp1"), load_target("mini")


def line_of(text: str, start: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if line.startswith(start))


def test_known_targets() -> None:
    assert TARGETS == ("tsp1", "mini")
    assert (TSP1.lanes, TSP1.words, TSP1.quads, TSP1.registers) == (320, 8192, 11, 45)
    assert (MINI.lanes, MINI.words, MINI.quads, MINI.registers) == (32, 512, 2, 27)
    assert TSP1.symbols["SLICES"] == 44 and MINI.symbols["WORDS"] == 512
    assert TSP1.digest != MINI.digest


def test_mini_is_tsp1_without_the_missing_quads() -> None:
    missing = TSP1.quads - MINI.quads
    for f in fields(Taps):
        big, small = getattr(TSP1.taps, f.name), getattr(MINI.taps, f.name)
        if isinstance(big, tuple):
            assert [b - missing for b in big[: MINI.quads]] == list(small)
        else:
            beyond = sum(big > side for side in (TSP1.taps.mem_inbound[0], TSP1.taps.mem_outbound[-1]))
            assert big - missing * beyond == small


def test_taps_of_units() -> None:
    def taps(name: str) -> tuple[int | None, ...]:
        q = TSP1.queue[name]
        return (
            TSP1.read_tap(q, "e"), TSP1.drive_tap(q, "e"), TSP1.read_tap(q, "w"), TSP1.drive_tap(q, "w"),
        )  # fmt: skip

    assert taps("mem.e14") == (27, 28, 15, 16)
    assert taps("mem.w14") == (15, 16, 27, 28)
    assert taps("vxm.alu3") == (21, 22, 21, 22)
    assert taps("mxm.e0.abc") == (44, None, None, None)
    assert taps("sxm.e.acc1") == (39, None, None, 3)
    assert taps("sxm.w.acc1") == (None, 3, 39, None)
    assert taps("sxm.e.transpose0") == (40, 41, None, 5)
    assert taps("sxm.e.distribute0") == (39, 40, None, None)
    assert taps("c2c.0") == (None, 6, 38, None)
    assert taps("c2c.3") == (38, None, None, 6)


def changed(old: str, new: str, text: str = TSP1.text) -> str:
    assert old in text
    return text.replace(old, new, 1)


BAD = [  # (old, new, start of the line of the complaint, a part of it)
    ("slices              = 44", "slices              = 43", "slices ", "not a whole number of quads"),
    ("slices              = 44", "slices              = 40", "mem_inbound", "one register for each of the 10 quads"),
    ("slices              = 44", "slices              = 0", "slices ", "it must be a whole number in 1 … 64"),
    ("slices              = 44", 'slices              = "44"', "slices ", "it must be a whole number in 1 … 64"),
    ("slices              = 44", "slices              = [44]", "slices ", "it must be a whole number in 1 … 64"),
    ("slices              = 44", "slides              = 44", "slides", "unknown key 'geometry.slides'"),
    ("slices              = 44", "slides              = 44", "[geometry]", "'geometry.slices' is missing"),
    ("banks               = 2 ", "banks               = true ", "banks ", "'geometry.banks' is True"),
    ("streams             = 32", "streams             = 64", "streams ", "it must be 32"),
    ("words_per_bank      = 4096", "words_per_bank      = 4097", "words_per_bank", "more than the 8192"),
    ("vxm          = 21", "vxm          = -1", "vxm ", "'taps.vxm' is -1"),
    ("vxm          = 21", "vxm          = 44", "vxm ", "beyond the last stream register, SR44"),
    ("mxm          = 44", "mxm          = 45", "mxm ", "beyond the last stream register, SR44"),
    ("mem_inbound  = [18,", "mem_inbound  = [true,", "mem_inbound", "not a list of whole numbers"),
    ("send         = 38", "send         = [38]", "send ", "'taps.send' is [38]"),
    ("latency = 35", "latency = 0", "latency = 0", "'barrier.latency' is 0"),
    ("loopback      = [1, 0,", "loopback      = [1, 1,", "loopback", "must name every link once"),
    ('name  = "tsp1"', 'name  = "a b"', "name ", "'name' is missing or not a name"),
    ("[barrier]\n", "[barier]\n", "[barier]", "unknown section or key 'barier'"),
    ("[barrier]\n", "[barier]\n", "# The published", "section [barrier] is missing"),
    (
        '"taps.vxm"                     = "P: str',
        '"taps.vxn" = "P: str',
        '"taps.vxn"',
        "which is no number of a target",
    ),
    ('"taps.vxm"                     = "P: str', '"taps.vxn" = "P: str', "vxm ", "'taps.vxm' has no source"),
    ('"P: product clock"', '"somebody"', '"geometry.clock_mhz"', "must be a text that begins with P"),
    ('"P: product clock"', "9", '"geometry.clock_mhz"', "must be a text that begins with P"),
]


@pytest.mark.parametrize(("old", "new", "start", "message"), BAD, ids=[f"{b[1][:12]} {b[3][:20]}" for b in BAD])
def test_what_is_wrong_is_named_with_its_line(old: str, new: str, start: str, message: str) -> None:
    text = changed(old, new)
    with pytest.raises(SpecError) as caught:
        parse_target(text, "own.toml")
    found = [(d.code, d.span.file, d.span.line) for d in caught.value.diagnostics if d.span and message in d.message]
    assert ("LPU0802", "own.toml", line_of(text, start)) in found, str(caught.value)


def test_what_is_not_toml() -> None:
    with pytest.raises(SpecError) as caught:
        parse_target('name = "x"\ntitle = = 3\n', "own.toml")
    assert caught.value.code == "LPU0801"
    assert caught.value.diagnostics[0].span is not None and caught.value.diagnostics[0].span.line == 2


@pytest.mark.parametrize("text", ["a = " + "[" * 100_000, "a = " + "{b = " * 100_000])
def test_toml_that_is_nested_without_end(text: str) -> None:
    """It was a RecursionError."""
    with pytest.raises(SpecError) as caught:
        parse_target(text, "own.toml")
    assert caught.value.code == "LPU0801"


def test_a_chip_of_other_geometry(tmp_path: Path) -> None:
    text = MINI.text.replace('"mini"', '"wide"').replace("superlanes          = 2\n", "superlanes          = 32\n")
    text = text.replace("slices_per_quad     = 4", "slices_per_quad     = 2").replace("[9, 8]", "[11, 10, 9, 8]")
    text = text.replace("[15, 16]", "[15, 16, 17, 18]")
    file = tmp_path / "wide.toml"
    file.write_text(text, "utf-8")
    target = load_target(str(file))
    assert (target.name, target.lanes, target.quads) == ("wide", 512, 4)
    assert target.drive_tap(target.queue["mem.e7"], "e") == 19
    assert "`wide`" in manual(target)
    file.write_text(text.replace('"wide"', '"wider"'), "utf-8")
    assert load_target(str(file)).name == "wider"


def test_targets_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder.toml").mkdir()
    for name in (
        "tsp2",
        str(tmp_path / "none.toml"),
        str(tmp_path / "binary.toml"),
        str(tmp_path / "folder.toml"),
        "\0.toml",
    ):
        with pytest.raises(SpecError) as caught:
            load_target(name)
        assert caught.value.code == "LPU0803"
        assert caught.value.diagnostics[0].help and "Errno" not in str(caught.value)


# --- timing of a chip's own


def own_timing(*lines: str) -> str:
    return MINI.text + "\n[timing]\n" + "\n".join(lines) + "\n"


def test_a_chip_has_timing_of_its_own() -> None:
    target = parse_target(
        own_timing(
            '"vxm.add" = { func = 6, link = 5, source = "ours: a slower adder" }',
            '"mem.write" = { func = 4, holds = "bank+4", source = "ours" }',
        ),
        "own.toml",
    )
    add, sub = (table(target).find("vxm", m) for m in ("add", "sub"))
    assert add is not None and sub is not None
    assert (add.timing.skew, add.timing.func, add.timing.link) == (0, 6, 5)
    assert add.timing.source == "ours: a slower adder"
    assert (sub.timing.func, sub.timing.link) == (4, 3)
    assert table(target).named("write")[0].timing.banks == (False, 4)
    assert table(MINI).find("vxm", "add") is not add
    base = table(MINI).find("vxm", "add")
    assert base is not None and base.timing.func == 4


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ('"vxm.ad" = { func = 6, source = "ours" }', "there is no instruction 'vxm.ad'"),
        ('add = { func = 6, source = "ours" }', "there is no instruction 'add'"),
        ('"vxm.add" = { fun = 6, source = "ours" }', "'fun' is not a key of a timing"),
        ('"vxm.add" = { func = 6 }', "a latency without a source"),
        ('"vxm.add" = { func = "6", source = "ours" }', "func = '6' is not possible"),
        ('"vxm.add" = { func = 6, source = "me" }', "source = 'me' is not possible"),
        ('"vxm.add" = 6', "is not a table"),
        ('"mem.read" = { link = 6, source = "ours" }', "it has no 'link'"),
        ('"vxm.add" = { holds = "bank+1", source = "ours" }', "it has no 'holds'"),
    ],
)
def test_timing_of_its_own_is_checked(entry: str, message: str) -> None:
    text = own_timing(entry)
    with pytest.raises(SpecError) as caught:
        parse_target(text, "own.toml")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "LPU0802" and message in diagnostic.message
    assert diagnostic.span is not None and diagnostic.span.line == text.splitlines().index(entry) + 1


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_changed_files_give_a_target_or_a_spec_error(data: st.DataObject) -> None:
    root = tomllib.loads(own_timing('"vxm.add" = { func = 6, link = 5, source = "ours" }'))
    for _ in range(data.draw(st.integers(1, 2))):
        node: Any = root
        key = data.draw(st.sampled_from(list(node)))
        if isinstance(node[key], dict) and node[key] and data.draw(st.integers(0, 8)):
            node = node[key]
            key = data.draw(st.sampled_from(list(node)))
        if data.draw(st.booleans()):
            del node[key]
        else:
            node[key] = deepcopy(data.draw(JUNK))
        if not root:
            break
    try:
        target = parse_target(document(root), "changed.toml")
    except SpecError as e:
        assert all(d.code == "LPU0802" and d.span and d.span.file == "changed.toml" for d in e.diagnostics)
        return
    for q in target.queues:
        for d in "ew":
            taps = (target.read_tap(q, d), target.drive_tap(q, d))
            assert all(t is None or 0 <= t <= target.taps.last for t in taps)
    assert len(table(target).definitions) == len(table().definitions)
