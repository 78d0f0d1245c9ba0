"""Disassembly: text that assembles back to the same bytes, for every program."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import instructions, scalar, streaming

from lpuasm.asm.build import assemble
from lpuasm.asm.disasm import disassemble
from lpuasm.isa.core import Definition, table
from lpuasm.isa.errors import AssemblyError
from lpuasm.isa.objectfile import to_bytes
from lpuasm.isa.program import Program
from lpuasm.isa.target import load_target, parse_target

STREAMING = [d for d in table() if d.unit != "seq"]


@settings(max_examples=60, deadline=None)
@given(st.one_of(streaming(), scalar()))
def test_text_of_a_program_assembles_to_its_bytes(program: Program) -> None:
    text = disassemble(program)
    again = assemble(text, "listing.s", strict=False)
    assert to_bytes(again) == to_bytes(program)
    assert disassemble(again) == text


@pytest.mark.parametrize("definition", STREAMING, ids=lambda d: f"{d.unit}.{d.mnemonic}")
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_text_of_every_instruction_assembles_to_its_word(definition: Definition, data: st.DataObject) -> None:
    instruction = data.draw(instructions(definition))
    target = load_target("tsp1")
    queue = next(q for q in target.queues if q.kind in definition.queues)
    program = assemble(f".queue {queue.name}\n{instruction}", strict=False)
    assert program.word(queue.name, 0) == instruction.word


def test_a_target_of_its_own_is_part_of_the_text() -> None:
    text = load_target("mini").text.replace("latency = 35", "latency = 36").replace('"mini"', '"midi"')
    words = np.array([(0x01 | 4 << 8, 0)], np.uint64)
    program = Program(parse_target(text, "midi.toml"), {"mem.w0": words})
    again = assemble(disassemble(program))
    assert to_bytes(again) == to_bytes(program)
    with pytest.raises(AssemblyError) as caught:
        assemble(disassemble(program), target="mini")
    assert caught.value.code == "LPU0214"


LISTING = """\
.object
.target mini
.file "k.s"
.places mem.w0, 1, 0, 3, 1, -1
.queue mem.w0
    nop 4
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("nop 4", "nop 4\n    nop 5"),
        (".places mem.w0, 1, 0", ".places mem.w0, 1, 7"),
        (".places mem.w0, 1, 0", ".places mem.w0, 1"),
        (".places mem.w0, 1, 0", ".places mem.w0, 1, 0, 0"),
        ('"k.s"', "7"),
        ('"k.s"', '"k.s", 1'),
        (".object\n", ""),
        (".queue", ".intent mem.w0, 0, data, 0, mem.w0, 0\n.queue"),
        (".queue", ".intent mem.w0, 0, count, 0, mem.w0, 0\n.queue"),
        (".object\n", '.object\n.label "x", mem.w0, 9\n'),
        (".object\n", '.object\n.define "x", "y"\n'),
        (".object\n", '.object\n.chip "name = 1"\n'),
    ],
)
def test_listings_that_contradict_themselves(old: str, new: str) -> None:
    assert assemble(LISTING).files == ("k.s",)
    with pytest.raises(Exception) as caught:
        assemble(LISTING.replace(old, new, 1))
    assert getattr(caught.value, "code", "") in ("LPU0608", "LPU0801", "LPU0802")


def test_words_that_are_added_to_a_listing_need_no_places() -> None:
    text = LISTING.replace(".places mem.w0, 1, 0, 3, 1, -1\n", "").replace("nop 4", "nop 4\n    nop 5")
    program = assemble(text)
    assert len(program.queues["mem.w0"]) == 2 and program.span("mem.w0", 0) is None


def test_cycles_stand_beside_words() -> None:
    program = assemble(".unit mem.w0\n45: read 0x10 -> s5.e repeat 320\n46: write s6.e -> 7", strict=False)
    lines = disassemble(program).splitlines()
    assert [line.partition(";")[2].strip() for line in lines if line.startswith("    ")] == ["", "45", "46"]
    assert replace(program, places={}).places == {}
