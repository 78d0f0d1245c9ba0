"""The two engines of scalar code agree on random programs: bits, shapes, cycles, instructions and faults."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpuasm.asm.expand import expand
from lpuasm.asm.scalar import lower_scalar
from lpuasm.isa.address import address_text
from lpuasm.isa.core import table
from lpuasm.isa.errors import LpuError
from lpuasm.isa.operands import OperandError
from lpuasm.isa.program import Program
from lpuasm.isa.target import load_target
from lpuasm.vm import scalar_loops
from lpuasm.vm.scalar import run_scalar

TARGET = load_target("mini")
CONDITIONAL = ["jlt", "jle", "jgt", "jge", "jeq", "jne"]
FUEL = 40


def build(text: str) -> Program:
    return lower_scalar(expand(text, "random.s"), TARGET)


def agree(text: str, inputs: dict[str, Any]) -> str:
    """What both engines say of a program: "ran", or the code of its fault."""
    program = build(text)
    used = {name: value for name, value in inputs.items() if name in program.names}
    results: list[Any] = []
    for engine in ("fast", "reference"):
        try:
            run = run_scalar(program, used, {"n": 3} if "n" in program.names else {}, engine)
            outputs = {k: (v.dtype, v.shape, v.tobytes()) for k, v in run.outputs.items()}
            results.append(("ran", run.cycles, run.instructions, outputs))
        except LpuError as e:
            results.append((e.code, str(e)))
    assert results[0] == results[1], text
    return str(results[0][0])


register = st.integers(0, 5).map("r{}".format)
number = st.one_of(
    st.integers(-3, 9).map(str),
    st.sampled_from(["0x7fffffff", "-2147483648", "65537", "0.5", "-1.75", "inf", "nan", "3e38", "1e-40", "-0.0"]),
)
scalar = st.one_of(register, register, number)
address = st.one_of(
    st.sampled_from(["I", "F", "H", "C", "D"]).flatmap(
        lambda t: st.one_of(
            st.integers(0, 5).map(lambda k: f"[{t} + {k}]"),
            st.integers(0, 3).map(lambda k: f"[{t} + r{k}]"),
            st.just(f"[{t} + r1 * n + r2]"),
        )
    )
)
plain = st.one_of(
    st.tuples(st.sampled_from(["add", "sub", "mul"]), register, scalar, scalar).map(
        lambda p: f"{p[0]} {p[1]}, {p[2]}, {p[3]}"
    ),
    st.tuples(register, scalar).map(lambda p: f"mov {p[0]}, {p[1]}"),
    st.tuples(scalar, scalar).map(lambda p: f"cmp {p[0]}, {p[1]}"),
    st.tuples(register, address).map(lambda p: f"ld {p[0]}, {p[1]}"),
    st.tuples(address, register).map(lambda p: f"st {p[0]}, {p[1]}"),
    register.map("ld {}, [n]".format),
)


@st.composite
def programs(draw: Callable[[Any], Any], most: int = 9) -> str:
    """Blocks with jumps between any two; a jump that leads back burns fuel first, so that every program ends."""
    count = draw(st.integers(1, most))
    lines = ["mov r31, 0", *draw(st.lists(st.just("cmp r31, 0"), max_size=1))]
    for block in range(count):
        lines += [f"b{block}:", *draw(st.lists(plain, max_size=4))]
        for _ in range(draw(st.integers(0, 2))):
            to = draw(st.integers(0, count))
            if to <= block:
                lines += ["add r31, r31, 1", f"cmp r31, {FUEL}", f"jge b{count}"]
                lines += draw(st.lists(plain, max_size=1))
            lines.append(f"{draw(st.sampled_from([*CONDITIONAL, 'jmp']))} b{to}")
        if draw(st.integers(0, 19)) == 0:
            lines.append("halt")
    return "\n".join([*lines, f"b{count}:", "st [C + 9], r0", *(f"st [D + {k}], r{k}" for k in range(6))])


INPUTS = {
    "I": np.array([3, -128, 127, 0, 1, 2], np.int8),
    "F": np.array([[0.1, -2.5, 3e38], [np.nan, np.inf, 1e-42]], np.float32),
    "H": np.array([1.5, 65504, -0.0, 2**-24, np.nan], np.float16),
}


@settings(deadline=None, max_examples=600)
@given(programs())
def test_engines_agree(text: str) -> None:
    agree(text, INPUTS)


@settings(deadline=None, max_examples=200)
@given(programs())
def test_engines_agree_without_analysis_of_loops(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scalar_loops, "DEEPEST", 0)
        # Another word makes another program for the cache of compiled ones.
        agree("mov r30, 77\n" + text, INPUTS)


def test_deep_loops() -> None:
    """Deeper than Python's own blocks may be."""
    depth = 30
    lines = []
    for k in range(depth):
        lines += [f"mov r{k}, 0", f"l{k}:"]
    lines += ["add r31, r31, 1"]
    for k in reversed(range(depth)):
        lines += [f"add r{k}, r{k}, 1", f"cmp r{k}, {2 if k < 10 else 1}", f"jlt l{k}"]
    assert agree("\n".join([*lines, "st [C], r31"]), {}) == "ran"


def test_many_types() -> None:
    """More combinations of types than a block gets versions."""
    lines = ["mov r9, 0", "again:"]
    for k in range(6):
        lines += [f"ld r8, [I + {k}]", f"cmp r8, {k}", f"jlt o{k}", f"mov r{k}, 0.5", f"o{k}:", f"add r{k}, r{k}, r8"]
    lines += ["add r9, r9, 1", "cmp r9, 5", "jlt again"]
    lines += [f"st [C + {k}], r{k}" for k in range(6)]
    for seed in range(5):
        random = np.random.default_rng(seed)
        assert agree("\n".join(lines), {"I": random.integers(-3, 8, 6).astype(np.int8)}) == "ran"


def test_long_programs() -> None:
    lines = [f"add r1, r1, {k}\ncmp r1, {k}\njlt o{k}\nadd r2, r2, 1\no{k}:" for k in range(3000)]
    assert agree("\n".join([*lines, "st [C], r1", "st [C + 1], r2"]), {}) == "ran"


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(["ld", "st", "add", "cmp", "jmp"]), st.integers(0, (1 << 120) - 1))
def test_random_words(mnemonic: str, bits: int) -> None:
    """A word is refused, or it is the one word of what it says."""
    definition = table(TARGET).find("seq", mnemonic)
    assert definition is not None
    for word in (definition.opcode | bits << 8, (definition.opcode | bits << 8) & definition.mask):
        with suppress(OperandError):
            assert table(TARGET).decode(word, "seq").word == word


terms = st.lists(
    st.tuples(
        st.sampled_from(["", "-"]),
        st.integers(0, 1 << 33),
        st.lists(st.sampled_from(["r3", "r31", "n", "m"]), max_size=3),
    ),
    max_size=3,
)


@settings(deadline=None, max_examples=300)
@given(terms)
def test_addresses_are_written_as_they_are_read(found: list[tuple[str, int, list[str]]]) -> None:
    text = "[A" + "".join(f" {s or '+'} {' * '.join([str(k), *f])}" for s, k, f in found) + "]"
    try:
        program = build(f"ld r1, {text}")
    except LpuError as e:
        assert e.code == "LPU1004"
        return
    address: Any = table(TARGET).decode(program.word("seq", 0))["address"]
    again = build(f"ld r1, {address_text(address, program.names)}")
    assert again.queues["seq"].tolist() == program.queues["seq"].tolist() and again.names == program.names
