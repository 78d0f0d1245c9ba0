"""What is wrong with scalar code, its tensors and its dimensions: every diagnostic, where it points, what it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_scalar import GIVEN, MATMUL, TARGET, both, build

from lpuasm.asm.expand import expand
from lpuasm.asm.scalar import lower_scalar
from lpuasm.isa.errors import AssemblyError, BindError, Diagnostic, Fault, ObjectError, catalogue, is_session
from lpuasm.isa.program import Program
from lpuasm.vm.scalar import run_scalar

A = np.arange(35, dtype=np.int8).reshape(7, 5)
B = np.arange(15, dtype=np.int8).reshape(5, 3)


def refused(text: str, **defines: int) -> Diagnostic:
    with pytest.raises(AssemblyError) as e:
        build(text, **defines)
    assert len(e.value.diagnostics) == 1
    return e.value.diagnostics[0]


def unbound(program: Program | str, inputs: dict[str, Any], **defines: int) -> Diagnostic:
    with pytest.raises(BindError) as e:
        both(build(program) if isinstance(program, str) else program, inputs, **defines)
    return e.value.diagnostics[0]


def faults(text: str, inputs: dict[str, Any] | None = None, **defines: int) -> Diagnostic:
    """The fault of a program, the same of both engines."""
    program, found = build(text), []
    for engine in ("fast", "reference"):
        with pytest.raises(Fault) as e:
            run_scalar(program, inputs or {}, defines, engine)
        found.append(e.value.diagnostics)
    assert found[0] == found[1]
    return found[0][0]


@pytest.mark.parametrize(
    ("line", "code", "column", "text"),
    [
        ("mve r1, 2", "LPU1001", 1, "did you mean `mov`?"),
        ("gather s0.e", "LPU1001", 1, "section"),
        ("frobnicate r1", "LPU1001", 1, "scalar code has"),
        ("add r0, r1", "LPU1002", 1, "write `add into, a, b`"),
        ("halt r0", "LPU1002", 1, "halt takes no operands"),
        ("mov.i8 r0, 1", "LPU1002", 1, "mov takes 2 operands"),
        ("mov r0 -> r1", "LPU1002", 11, "nothing else"),
        ("mov 3, r0", "LPU1002", 5, "a register, r0 … r31"),
        ("mov r0, s5.e", "LPU1002", 9, "a register or a number"),
        ("mov r0, 0x1_0000_0000", "LPU1002", 9, "does not fit 32 bits"),
        ("mov r0, 1e39", "LPU1002", 9, "beyond the largest f32"),
        ("ld r0, r1", "LPU1002", 8, "an address"),
        ("jmp r0", "LPU1002", 5, "a label"),
        ("jmp 9", "LPU1002", 5, "no word 9"),
        ("jmp strt", "LPU1003", 5, "did you mean `start`?"),
        ("ld r0, [r1 + 4]", "LPU1004", 8, "begins with a tensor"),
        ("st [4], r0", "LPU1004", 4, "begins with a tensor"),
        ("ld r0, [A + r0*n*m*r1 + r2*r3*n*k + r4*m]", "LPU1004", 8, "11 places"),
        ("ld r0, [A + m + r1 * A]", "LPU1005", 8, "A is a tensor"),
    ],
)
def test_source(line: str, code: str, column: int, text: str) -> None:
    found = refused(f"start:\n{line}\n")
    assert found.code == code and found.span is not None
    assert (found.span.line, found.span.column) == (2, column)
    assert text in found.message + found.help


def test_several_errors_in_one_run() -> None:
    with pytest.raises(AssemblyError) as e:
        build("mvo r1, 2\njmp lop\nadd r0, 1\n")
    assert [d.code for d in e.value.diagnostics] == ["LPU1001", "LPU1003", "LPU1002"]


def test_one_name_for_a_tensor_and_a_dimension() -> None:
    assert refused("st [m], r1\nld r0, [A + r1 * m]").code == "LPU1005"
    assert refused(".input m : i8 [4]\nld r0, [A + r1 * m]").code == "LPU1005"
    assert refused("ld r0, [A + r1]", A=4).code == "LPU1005"
    assert unbound("ld r0, [A + r1 * m]", {"A": A, "m": A}).code == "LPU1008"


def test_names_given_with_d() -> None:
    found = refused(MATMUL, nn=4)
    assert found.code == "LPU0211" and found.help == "did you mean `n`?"
    with pytest.raises(AssemblyError) as e:
        lower_scalar(expand(MATMUL, "test.s", defines={"n": 1.5}), TARGET)
    assert e.value.code == "LPU0206"
    assert unbound(MATMUL, {"A": A, "B": B}, nn=4).code == "LPU1012"
    assert unbound(build(MATMUL, n=7), {"A": A, "B": B}, n=8).code == "LPU1011"
    assert unbound("ld r0, [n]", {}, n=-1).code == "LPU1011"


def test_dimensions_from_shapes() -> None:
    assert both(build(MATMUL), {"A": A, "B": B})["C"].tolist() == (A.astype(int) @ B).tolist()
    cube = np.arange(24, dtype=np.int32).reshape(2, 3, 4)
    text = "ld r0, [X + r1*n*m + r2*m + r3]\nld r4, [n]\nst [D], r4\nld r4, [m]\nst [D + 1], r4\n"
    assert both(build(text), {"X": cube})["D"].tolist() == [3, 4]
    text = "ld r1, [n]\nmov r2, 0\nagain:\nld r0, [X + r2]\nadd r2, r2, 1\ncmp r1, r2\njgt again\nst [Y], r1\n"
    assert both(build(text), {"X": np.zeros(9, np.int8)})["Y"].tolist() == [9]


def test_dimensions_that_contradict() -> None:
    for name, value in (("n", 8), ("n", 6), ("m", 4), ("k", 4)):
        for program, given in ((build(MATMUL, **{name: value}), {}), (build(MATMUL), {name: value})):
            found = unbound(program, {"A": A, "B": B}, **given)
            assert found.code == "LPU1011" and f"{name} is" in found.message and found.span is not None
    two = "ld r0, [A + r1 * m + r2]\nld r0, [B + r1 * m + r2]\n"
    assert unbound(two, {"A": A, "B": B}).code == "LPU1011"
    cube = "ld r0, [X + r1 * n * m + r2 * m]\nld r0, [A + r1 * m]\n"
    assert unbound(cube, {"X": np.zeros((2, 3, 4), np.int8), "A": A}).code == "LPU1011"
    assert "no multiple" in unbound("ld r0, [X + r1 * n * m]", {"X": np.zeros((2, 3, 3), np.int8)}, m=2).message


def test_dimensions_that_nothing_determines() -> None:
    found = unbound("ld r0, [n]\nld r1, [A + r1 * stride]\n", {"A": A.ravel()})
    assert found.code == "LPU1010" and "-D n=" in found.help and found.span is not None and found.span.line == 1
    ambiguous = "ld r0, [n]\nld r1, [A + r2 * m + r3]\ncmp r2, r0\ncmp r3, r0\n"
    found = unbound(ambiguous, {"A": A})
    assert found.code == "LPU1010" and [r.message[0] for r in found.related] == ["7", "5"]
    assert both(build(ambiguous), {"A": A}, n=6).outputs == {}
    two = "ld r1, [A + r2 * n + r3 * m]\n"
    assert unbound(two, {"A": A}).code == "LPU1010"


def test_tensors() -> None:
    assert unbound(MATMUL, {"A": A}).code == "LPU1007"
    assert "did you mean `B`?" in unbound(MATMUL, {"A": A, "B": B, "Bb": B}).help
    for values in (A.astype(np.int64), A.astype(np.float64), A > 3, A.astype(complex)):
        found = unbound(MATMUL, {"A": values, "B": B})
        assert found.code == "LPU1008" and "astype" in found.help
    declared = ".input A : i8 [7, 5]\n.const T : i8 [1] = 3\nld r0, [A + r1]\nld r0, [T]"
    assert unbound(declared, {}).code == "LPU1007"
    assert "i8 [5, 3]" in unbound(declared, {"A": B}).message
    assert unbound(declared, {"A": A, "T": B}).code == "LPU1008"
    assert unbound("ld r0, [A + r1]", {"A": np.zeros(TARGET.memory_bytes + 1, np.int8)}).code == "LPU1009"
    assert unbound("st [C + r1 * n], r0\nst [C + r1 * m], r0", {}, n=3, m=4).code == "LPU1013"
    assert unbound("st [C + r1 * n + r2 * m], r0", {}, n=3, m=2).code == "LPU1013"


def test_elements_outside() -> None:
    found = faults("mov r1, 3\nld r0, [A + r1 * m + 20]", {"A": A})
    assert found.code == "LPU1014" and found.span is not None and found.span.line == 2
    assert found.message == "ld [A + r1 * m + 20] is element 35 of A, which has 35, shape [7, 5]"
    for text in ("mov r1, -1\nld r0, [A + r1]", "ld r0, [A - 1]", "st [A + 35], r0", "st [C - 1], r0"):
        assert faults(text, {"A": A} if "A" in text else {}).code == "LPU1014"
    assert faults(f"mov r1, {TARGET.memory_bytes // 4}\nst [C + r1], r0").code == "LPU1014"
    assert faults("ld r0, [E + r1]", {"E": A[:0]}).code == "LPU1014"


def test_the_given_file_beyond_a_row() -> None:
    """It is bounded by k where the shapes ask for m."""
    assert faults(GIVEN, {"A": A[:, :2], "B": np.ones((2, 5), np.int8)}).code == "LPU1014"


def test_floats_in_addresses() -> None:
    found = faults("mov r1, 1.5\nld r0, [A + r1]", {"A": A})
    assert found.code == "LPU1015" and "r1 holds the f32 1.5" in found.message


def test_jumps_without_comparison() -> None:
    assert faults("end:\njlt end\n").code == "LPU1016"
    assert faults("jmp a\ncmp r0, 0\na:\nadd r0, r0, 1\njne a\n").code == "LPU1016"


def test_words_that_no_assembler_made() -> None:
    good = build("jmp end\nld r0, [A + r1]\nend:\n")
    for word, change in ((0, 9 << 8), (0, 1 << 60), (1, 0xFF)):
        words = good.queues["seq"].copy()
        words[word, 0] |= change
        with pytest.raises(ObjectError) as e:
            run_scalar(Program(TARGET, {"seq": words}, names=good.names), {})
        assert e.value.code == "LPU0602"
    with pytest.raises(ObjectError):
        run_scalar(Program(TARGET, {"seq": good.queues["seq"]}), {})


@pytest.mark.parametrize("code", sorted(c for c in catalogue() if c.startswith("LPU10")))
def test_examples_of_the_catalogue(code: str) -> None:
    entry = catalogue()[code]
    if not is_session(entry.bad):
        assert refused(entry.bad).code == code
        build(entry.good)
