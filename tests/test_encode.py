"""Statements to words: operands by name, types that follow, queues that must suit."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import in_queue, instructions

from lpuasm.asm.build import assemble
from lpuasm.asm.rules import alus, broken
from lpuasm.isa.core import Definition, table
from lpuasm.isa.errors import AssemblyError
from lpuasm.isa.legality import verdict
from lpuasm.isa.operands import OperandError, Streams
from lpuasm.isa.program import Program
from lpuasm.isa.target import load_target

MINI, TSP1 = load_target("mini"), load_target("tsp1")
STREAMING = [d for d in table() if d.unit != "seq"]


def texts(program: Program) -> dict[str, list[str]]:
    decode = table(program.target).decode
    return {q: [str(decode(program.word(q, k))) for k in range(len(w))] for q, w in program.queues.items()}


def words(queue: str, *lines: str) -> list[str]:
    return texts(assemble("\n".join((f".queue {queue}", *lines)), strict=False))[queue]


@pytest.mark.parametrize(
    ("queue", "written", "meant"),
    [
        ("mxm.e0.abc", "abc s5.e", "abc.i8 s5.e"),
        ("mxm.e0.abc", "abc sg2.e[3] half 1", "abc.f16 sg2.e[3] half 1"),
        ("mxm.e0.lw", "lw sg16.e[0]", "lw.i8 sg16.e[0]"),
        ("mxm.e0.lw", "lw sg32.e[0]", "lw.f16 sg32.e[0]"),
        ("mxm.e0.iw", "iw", "iw.i8"),
        ("sxm.e.acc0", "acc -> s1.w low8", "acc.i32 -> s1.w low8"),
        ("vxm.alu0", "exp sg4.e[0] -> sg4.w[0]", "exp.f32 sg4.e[0] -> sg4.w[0]"),
        ("vxm.alu0", "identity sg2.e[0] -> sg2.w[0] @vxm.alu0", ""),
        ("vxm.alu0", "cast.f16 sg2.e[0] -> sg4.w[0]", ""),
        ("vxm.alu0", "cast.i8 s0.e -> sg2.w[0]", ""),
        ("vxm.alu0", "cast.sat.f32.i8 sg4.e[0] -> s1.w", "cast.f32.i8.sat sg4.e[0] -> s1.w"),
        ("vxm.alu0", "add.i8 s0.e, 255 -> s1.w", "add.i8 s0.e, -1 -> s1.w"),
        ("vxm.alu0", "max.f32 sg4.e[0], -inf -> sg4.w[0], sg4.e[1]", "max.f32 sg4.e[0], -inf -> sg4.w[0], sg4.e[1]"),
        ("vxm.alu0", "mask.f32 latch, s9.e -> sg4.w[0]", "mask.f32 latch, s9.e -> sg4.w[0]"),
        ("mem.w0", "read 0 -> s5.e repeat 4 repeat 3", "read 0x0 -> s5.e repeat 4 repeat 3 every 4"),
        ("mem.w0", "read 0 -> s5.e repeat 1 repeat 3 every 2", "read 0x0 -> s5.e repeat 3 every 2"),
        ("mem.w0", "gather s1.e -> s5.e repeat 4", "gather s1.e -> s5.e repeat 4"),
    ],
)
def test_what_is_left_out_follows(queue: str, written: str, meant: str) -> None:
    if meant:
        assert words(queue, written) == words(queue, meant) == [meant]
    else:
        with pytest.raises(AssemblyError):
            words(queue, written)


def test_a_repeat_word_states_its_dimensions() -> None:
    assert words("mxm.e0.lw", "lw.i8 sg16.e[0]", "repeat 20 step 1") == ["lw.i8 sg16.e[0]", "repeat 20 step 1"]
    assert (
        words("mxm.e0.lw", "repeat 4 every 2 repeat 3 every 9 step -1")[0]
        == "repeat 4 every 2 repeat 3 every 9 step -1"
    )


@pytest.mark.parametrize("definition", STREAMING, ids=lambda d: f"{d.unit}.{d.mnemonic}")
@settings(max_examples=15, deadline=None)
@given(st.data())
def test_every_instruction_in_a_schedule(definition: Definition, data: st.DataObject) -> None:
    """Lines with a cycle give the word, in the queue that their unit and pin say."""
    if definition.mnemonic in ("repeat", "sync", "deskew"):
        return
    instruction = data.draw(instructions(definition))
    queue = next(q for q in TSP1.queues if q.kind in definition.queues)
    program = assemble(f".unit {queue.name}\n7: {instruction} @{queue.name}", strict=False)
    assert texts(program) == {queue.name: ["nop 7", str(instruction)]}


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([q for q in MINI.queues if q.kind != "mem"]).flatmap(lambda q: st.tuples(st.just(q), in_queue(q)))
)
def test_rules_of_queues_are_those_of_the_verdict(placed: tuple) -> None:  # type: ignore[type-arg]
    """Where the assembler refuses a word in its queue, so does the verdict on the program; and the other way round."""
    queue, instruction = placed
    if instruction.definition.unit == "icu" or instruction.mnemonic in ("distribute", "broadcast", "lw", "iw"):
        return
    program = assemble(f".target mini\n.queue {queue.name}\n{instruction}", strict=False)
    refused = broken(MINI, queue, instruction.definition, instruction.values)
    told = {v.code for v in verdict(program)} & {"LPU0306", "LPU0308", "LPU0311"}
    assert bool(refused) == bool(told), (refused, told)


def test_alus_that_reach_a_stream() -> None:
    definition = table().find("vxm", "add")
    assert definition is not None
    values = {"type": "i8", "a": Streams("e", 30), "b": Streams("e", 0), "out": Streams("w", 29)}
    assert alus(definition, values, 16) == [12, 13, 14, 15]


@settings(max_examples=300, deadline=None)
@given(st.integers(0, (1 << 128) - 1), st.sampled_from(sorted(table().by_opcode)))
def test_any_word_decodes_to_itself_or_not_at_all(word: int, opcode: int) -> None:
    definition = table().by_opcode[opcode]
    for candidate in (word, word & ~0xFF | opcode, word & definition.mask & ~0xFF | opcode):
        try:
            instruction = table().decode(candidate)
        except OperandError:
            continue
        assert instruction.word == candidate
