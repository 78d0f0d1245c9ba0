"""Object files of programs: whole round trips, and one clear error for everything else."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import scalar, streaming

from lpuasm.isa import elf
from lpuasm.isa.digest import isa_digest
from lpuasm.isa.elf import Section
from lpuasm.isa.errors import ObjectError
from lpuasm.isa.objectfile import digest, from_bytes, load, save, to_bytes
from lpuasm.isa.program import Program
from lpuasm.isa.target import load_target, parse_target

PROGRAMS = st.one_of(streaming(), scalar())


@settings(max_examples=60, deadline=None)
@given(PROGRAMS)
def test_round_trip(program: Program) -> None:
    data = to_bytes(program)
    again = from_bytes(data)
    assert to_bytes(again) == data
    assert again.target is program.target
    assert (again.names, again.files, again.flows) == (program.names, program.files, program.flows)
    assert again.tensors == program.tensors and set(again.symbols) == set(program.symbols)
    assert repr(dict(again.defines)) == repr(dict(sorted(program.defines.items())))
    assert list(again.queues) == list(program.queues)
    for name, words in program.queues.items():
        assert np.array_equal(again.queues[name], words)
    assert np.array_equal(again.intent, program.intent)


@settings(max_examples=40, deadline=None)
@given(streaming(("mini",)), st.data())
def test_any_change_is_one_clear_error(program: Program, data: st.DataObject) -> None:
    whole = bytearray(to_bytes(program))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ObjectError) as caught:
        from_bytes(bytes(whole))
    assert len(caught.value.diagnostics) == 1


def sections_of(data: bytes) -> dict[str, bytes]:
    return {name: bytes(view) for name, view in elf.read(data).sections.items()}


def rewritten(data: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """A file with a right checksum and other contents."""
    contents = sections_of(data)
    change(contents)
    kinds = {".note.lpu.isa": elf.SectionKind.NOTE}
    made = [
        Section(n, d, kinds.get(n, elf.SectionKind.PROGBITS), align=4 if n in kinds else 16)
        for n, d in contents.items()
    ]
    return elf.write(made, [])


def refused(data: bytes, code: str = "LPU0606") -> str:
    with pytest.raises(ObjectError) as caught:
        from_bytes(data)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == code, diagnostic
    return diagnostic.message


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 70), 1 << 70) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def places_in(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) within a JSON value."""
    if isinstance(value, dict):
        return [(value, k) for k in value] + [p for v in value.values() for p in places_in(v)]
    if isinstance(value, list):
        return [(value, k) for k in range(len(value))] + [p for v in value for p in places_in(v)]
    return []


@settings(max_examples=150, deadline=None)
@given(streaming(("mini",)), st.data())
def test_names_that_are_changed_load_or_are_refused(program: Program, data: st.DataObject) -> None:
    def change(contents: dict[str, bytes]) -> None:
        meta = json.loads(contents[".lpu.meta"])
        container, key = data.draw(st.sampled_from(places_in(meta)))
        container[key] = data.draw(JUNK)
        contents[".lpu.meta"] = json.dumps(meta).encode()

    try:
        from_bytes(rewritten(to_bytes(program), change))
    except ObjectError as e:
        assert len(e.diagnostics) == 1 and e.code == "LPU0606"


@settings(max_examples=150, deadline=None)
@given(streaming(("mini",)), st.data())
def test_bytes_that_are_changed_load_or_are_refused(program: Program, data: st.DataObject) -> None:
    def change(contents: dict[str, bytes]) -> None:
        name = data.draw(st.sampled_from(sorted(n for n, d in contents.items() if d and n[:5] != ".note")))
        octets = bytearray(contents[name])
        for _ in range(data.draw(st.integers(1, 3))):
            octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
        keep = data.draw(st.just(len(octets)) | st.integers(0, len(octets)))
        contents[name] = bytes(octets[:keep])

    try:
        from_bytes(rewritten(to_bytes(program), change))
    except ObjectError as e:
        assert len(e.diagnostics) == 1 and e.code == "LPU0606"


def plain() -> Program:
    words = np.array([(0x01 | 4 << 8, 0)], np.uint64)
    return Program(load_target("mini"), {"mem.w0": words}, files=("k.s",), defines={"M": 4})


@pytest.mark.parametrize(
    ("section", "content", "message"),
    [
        (".text.mem.w0", b"\xee" + bytes(15), "opcode 0xee"),
        (".text.mem.w0", b"\x20" + bytes(15), "which is no instruction of it"),
        (".text.mem.w0", b"\x01" + bytes(14) + b"\x80", "bits that it does not use"),
        (".text.mem.w0", b"\x01\xff\xff" + bytes(13), "an impossible `nop`"),
        (".text.mem.w0", bytes(15), "not a whole number of rows"),
        (".text.mem.w9", b"\x01" + bytes(15), "no queue 'mem.w9'"),
        (".text.seq", b"\x8e" + bytes(15), "both scalar and streaming"),
        (".lpu.meta", b"[" * 100_000, "not JSON"),
        (".lpu.meta", b"{}", "other keys"),
        (".lpu.meta", b'{"defines":' + b"9" * 5000 + b"}", "not JSON"),
        (".lpu.target", b"name = 1", "its target is none"),
        (".lpu.target", b"a = " + b"[" * 100_000, "not TOML"),
        (".lpu.target", b"\xff", "not TOML"),
        (".lpu.target", b" " * (1 << 19), "too long"),
        (".lpu.intent", np.array([0, 0, 0, 0, 0, 9], "<i4").tobytes(), "no word of its queue"),
        (".lpu.intent", np.array([0, 0, 0, 0, -1, 0], "<i4").tobytes(), "in no queue"),
        (".lpu.intent", np.array([0, 0, 0, 0, 0, 0], "<i4").tobytes(), "no stream operand"),
        (".lpu.places", np.array([7, 1, 1, -1], "<i4").tobytes(), "a file that the program does not name"),
        (".lpu.places", np.array([0, 0, 1, -1], "<i4").tobytes(), "no line or column"),
        (".lpu.places", np.array([0, 1, 1, 0], "<i4").tobytes(), "a flow that the program does not have"),
        (".lpu.places", np.array([0, 1, 1, -1] * 2, "<i4").tobytes(), "one place for each word"),
        (".data.X", b"", "do not belong together"),
        (".other", b"", "of no use"),
    ],
)
def test_what_contents_are_refused(section: str, content: bytes, message: str) -> None:
    assert message in refused(rewritten(to_bytes(plain()), lambda contents: contents.update({section: content})))


def test_sections_that_are_missing() -> None:
    for name in (".lpu.meta", ".lpu.target", ".note.lpu.isa"):
        assert "missing" in refused(rewritten(to_bytes(plain()), lambda contents, name=name: contents.pop(name)))


def test_a_program_of_another_instruction_set() -> None:
    def change(contents: dict[str, bytes]) -> None:
        contents[".note.lpu.isa"] = contents[".note.lpu.isa"].replace(isa_digest().encode(), b"0" * 64)

    assert "another set" in refused(rewritten(to_bytes(plain()), change), "LPU0605")


def test_a_file_in_another_form_is_refused() -> None:
    def change(contents: dict[str, bytes]) -> None:
        contents[".lpu.meta"] = contents[".lpu.meta"].replace(b",", b", ")

    assert "not in the form" in refused(rewritten(to_bytes(plain()), change))


def test_a_target_of_its_own_comes_with_the_program() -> None:
    text = load_target("mini").text.replace("latency = 35", "latency = 36").replace('"mini"', '"midi"')
    program = replace(plain(), target=parse_target(text, "midi.toml"))
    again = from_bytes(to_bytes(program))
    assert again.target.name == "midi" and again.target.barrier.latency == 36
    assert again.target.digest == program.target.digest


def test_equal_programs_have_equal_digests() -> None:
    assert digest(plain()) == digest(plain()) == plain().digest
    assert digest(replace(plain(), defines={"M": 5})) != digest(plain())


def test_programs_are_equal_that_have_the_same_file_form(tmp_path: Path) -> None:
    plain().save(tmp_path / "k.lpu")
    again, other = load(tmp_path / "k.lpu"), replace(plain(), defines={"M": 5})
    assert again == plain() != other
    assert len({again, plain(), other}) == 2
    assert plain() != "k.lpu"


def test_files_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "k.lpu"
    save(plain(), path)
    assert digest(load(path)) == digest(plain()) and list(tmp_path.iterdir()) == [path]
    for bad in (tmp_path / "no" / "k.lpu", tmp_path):
        with pytest.raises(ObjectError) as caught:
            save(plain(), bad)
        assert caught.value.code == "LPU0607"
    for bad in (tmp_path / "none.lpu", tmp_path):
        with pytest.raises(ObjectError) as caught:
            load(bad)
        assert caught.value.code == "LPU0607"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(shutil.which("nm") is None, reason="no binutils")
def test_nm_shows_the_names(tmp_path: Path) -> None:
    path = tmp_path / "k.lpu"
    save(plain(), path)
    shown = subprocess.run(["nm", str(path)], capture_output=True, text=True, check=True).stdout
    assert shown.split() == ["0000000000000004", "a", "M"]
