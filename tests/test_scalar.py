"""Scalar code: matmul_scalar.s against numpy, jumps, what dimensions follow from, and the numbers."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lpuasm.asm.expand import expand
from lpuasm.asm.scalar import lower_scalar
from lpuasm.isa.program import Program
from lpuasm.isa.target import load_target
from lpuasm.vm.result import Run
from lpuasm.vm.scalar import run_scalar

MATMUL = """
ld r0, [n]
ld r1, [m]
ld r2, [k]
mov r3, 0
mov r4, 0
loop_i:
mov r5, 0
loop_j:
mov r6, 0
mov r7, 0
loop_k:
ld r8, [A + r4 * m + r7]
ld r9, [B + r7 * k + r5]
mul r10, r8, r9
add r6, r6, r10
add r7, r7, 1
cmp r7, r1
jlt loop_k
st [C + r4 * k + r5], r6
add r5, r5, 1
cmp r5, r2
jlt loop_j
add r4, r4, 1
cmp r4, r0
jlt loop_i
"""
GIVEN = MATMUL.replace("cmp r7, r1", "cmp r7, r2")
TARGET = load_target("mini")


def build(text: str, **defines: int) -> Program:
    return lower_scalar(expand(text, "test.s", defines=defines), TARGET)


def both(program: Program | str, inputs: Mapping[str, Any] | None = None, **defines: int) -> Run:
    """The run of the fast engine, once the reference engine has given the same bits and cycles."""
    made = build(program) if isinstance(program, str) else program
    fast, literal = (run_scalar(made, inputs or {}, defines, engine) for engine in ("fast", "reference"))
    assert (fast.cycles, fast.instructions) == (literal.cycles, literal.instructions)
    assert fast.outputs.keys() == literal.outputs.keys()
    for name, value in fast.outputs.items():
        assert (value.dtype, value.shape) == (literal[name].dtype, literal[name].shape)
        assert value.tobytes() == literal[name].tobytes()
    return fast


def registers(text: str, many: int = 1, inputs: Mapping[str, Any] | None = None) -> NDArray[Any]:
    """r0 … as a text leaves them."""
    return both(text + "".join(f"\nst [out + {k}], r{k}" for k in range(many)), inputs)["out"]


def f32_product(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float32]:
    """The product as the program computes it, an f32 operation at a time."""
    c = np.zeros((a.shape[0], b.shape[1]), np.float32)
    with np.errstate(all="ignore"):
        for k in range(a.shape[1]):
            c = c + a[:, k : k + 1].astype(np.float32) * b[k : k + 1].astype(np.float32)
    return c


def test_the_given_file_is_the_one_tested() -> None:
    given = (Path(__file__).parents[1] / "examples" / "01_matmul_scalar.s").read_text("utf-8")
    assert build(given).queues["seq"].tolist() == build(GIVEN).queues["seq"].tolist()


@settings(deadline=None, max_examples=60)
@given(*[st.integers(1, 8)] * 3, st.sampled_from(["i1", "u1", "i2", "i4"]), st.booleans(), st.data())
def test_integer_product(n: int, m: int, k: int, dtype: str, given_dims: bool, data: st.DataObject) -> None:
    random = np.random.default_rng(data.draw(st.integers(0, 1000)))
    info = np.iinfo(dtype)
    a = random.integers(info.min, info.max, (n, m), dtype, endpoint=True)
    b = random.integers(info.min, info.max, (m, k), dtype, endpoint=True)
    run = both(build(MATMUL), {"A": a, "B": b}, **({"n": n, "m": m, "k": k} if given_dims else {}))
    with np.errstate(over="ignore"):
        wanted = a.astype(np.int32) @ b.astype(np.int32)
    assert run["C"].dtype == np.int32 and np.array_equal(run["C"], wanted)


@settings(deadline=None, max_examples=60)
@given(*[st.integers(1, 8)] * 3, st.sampled_from(["f2", "f4"]), st.booleans(), st.integers(0, 1000))
def test_float_product(n: int, m: int, k: int, dtype: str, huge: bool, seed: int) -> None:
    random = np.random.default_rng(seed)
    scale = 1e20 if huge and dtype == "f4" else 1
    a, b = ((random.standard_normal(s) * scale).astype(dtype) for s in ((n, m), (m, k)))
    run = both(build(MATMUL), {"A": a, "B": b})
    wanted = f32_product(a, b)
    assert run["C"].dtype == np.float32 and np.array_equal(run["C"], wanted, equal_nan=True)


@pytest.mark.parametrize("dtype", ["i1", "i4", "f4"])
@pytest.mark.parametrize("defines", [{}, {"n": 7, "m": 5, "k": 5}])
def test_given_file(dtype: str, defines: dict[str, int]) -> None:
    a = np.arange(35).reshape(7, 5).astype(dtype)
    b = np.arange(25).reshape(5, 5).astype(dtype) - np.array(9, dtype)
    assert np.array_equal(both(build(GIVEN, **defines), {"A": a, "B": b})["C"], a.astype("f8") @ b.astype("f8"))


def test_cycles() -> None:
    text = "mov r0, 0\nloop:\nld r1, [A + r0]\nadd r0, r0, 1\ncmp r0, 3\njlt loop\nst [B], r1\nhalt\nmov r0, 9"
    run = both(text, {"A": np.arange(3, dtype=np.int32)})
    assert run.instructions == 1 + 3 * 4 + 2
    assert run.cycles == 1 + 3 * (4 + 1 + 1 + 1) + 2 * 1 + 1 + 1


@pytest.mark.parametrize(
    ("name", "less", "equal", "greater", "nan"),
    [
        ("jlt", 1, 0, 0, 0),
        ("jle", 1, 1, 0, 0),
        ("jgt", 0, 0, 1, 0),
        ("jge", 0, 1, 1, 0),
        ("jeq", 0, 1, 0, 0),
        ("jne", 1, 0, 1, 1),
    ],
)
def test_conditional_jumps(name: str, less: int, equal: int, greater: int, nan: int) -> None:
    for a, b, wanted in (
        ("-3", "4", less), ("4", "4", equal), ("5", "4", greater), ("nan", "1.5", nan), ("0.5", "1", less),
        ("16777217", "16777216.0", equal), ("-0.0", "0", equal),
    ):  # fmt: skip
        near = f"mov r1, {a}\nmov r0, 1\ncmp r1, {b}\n{name} over\nmov r0, 0\nover:\n"
        assert registers(near)[0] == wanted, (name, a, b)
        far = f"mov r1, {a}\ncmp r1, {b}\nmov r1, 0\nmov r0, 1\njmp on\nmov r0, 7\non:\n{name} over\nmov r0, 0\nover:\n"
        assert registers(far)[0] == wanted, (name, a, b)


def test_integers_wrap() -> None:
    text = "mov r0, 0x7fffffff\nadd r0, r0, 1\nmov r1, -0x80000000\nsub r1, r1, 1\nmov r2, 65537\nmul r2, r2, r2\n"
    assert registers(text, 3).tolist() == [-(1 << 31), (1 << 31) - 1, (65537**2 + (1 << 31)) % (1 << 32) - (1 << 31)]
    assert registers("mov r0, 0xffffffff\n").tolist() == [-1]


@settings(deadline=None, max_examples=200)
@given(*[st.floats(width=32)] * 2)
def test_float_arithmetic_is_that_of_numpy(a: float, b: float) -> None:
    x, y = np.float32(a), np.float32(b)
    text = "ld r3, [X]\nld r4, [X + 1]\nadd r0, r3, r4\nsub r1, r3, r4\nmul r2, r3, r4\n"
    found = registers(text, 3, {"X": np.array([x, y])})
    with np.errstate(all="ignore"):
        wanted = np.array([x + y, x - y, x * y], np.float32)
    wanted[np.isnan(wanted)] = np.nan
    assert found.tobytes() == wanted.tobytes()


def test_mixed_operands_are_f32() -> None:
    found = registers("mov r3, 16777217\nadd r0, r3, 0.0\nmul r1, 3, 0.5\nmov r2, 2\nsub r2, r2, 0.25\n", 3)
    assert found.dtype == np.float32 and found.tolist() == [16777216.0, 1.5, 1.75]


def test_an_integer_goes_into_an_output_of_floats_as_a_float() -> None:
    assert registers("mov r0, 7\nmov r1, 0.5\n", 2).tolist() == [7.0, 0.5]


STORES = [
    ("i1", "300", 44), ("i1", "-129", 127), ("u1", "-1", 255), ("i2", "40000", -25536), ("i4", "2.5", 2),
    ("i1", "1000.0", 127), ("u1", "-3.5", 0), ("i4", "nan", 0), ("i4", "inf", (1 << 31) - 1), ("i2", "-1e9", -32768),
    ("f4", "16777217", 16777216.0), ("f2", "1e6", np.inf), ("f2", "2049", 2048.0),
    ("f2", "0.1", float(np.float16(0.1))),
]  # fmt: skip


@pytest.mark.parametrize(("dtype", "value", "wanted"), STORES)
def test_stores_convert(dtype: str, value: str, wanted: float) -> None:
    before = np.array([5, 6], dtype)
    run = both(f"mov r0, {value}\nst [X + 1], r0\nld r1, [X]\nst [Y], r1\n", {"X": before})
    assert run["X"].dtype == before.dtype and run["X"].tolist() == [5, wanted] and before.tolist() == [5, 6]
    assert run["Y"].tolist() == [5]


def test_stored_nan_is_canonical() -> None:
    strange = np.array([0xFFC12345, 0x7F800001], np.uint32).view(np.float32)
    run = both("ld r0, [X]\nst [Y], r0\nsub r0, r0, r0\nst [Y + 1], r0\n", {"X": strange})
    assert run["Y"].view(np.uint32).tolist() == [0x7FC00000] * 2


def test_outputs_take_shape_from_stores() -> None:
    row = "mov r4, 2\nmov r5, 1\nmov r6, 9\n"
    assert both(build(row + "st [C + r4 * k + r5], r6\n", k=3))["C"].tolist() == [[0] * 3, [0] * 3, [0, 9, 0]]
    assert both(build(row + "st [C + r4 * m * k + r5 * k], r6\n", m=2, k=3))["C"].shape == (3, 2, 3)
    assert both(row + "st [C + r4 + 1], r6\n")["C"].tolist() == [0, 0, 0, 9]
    assert both(row + "st [C + (r4 + 1) * 4], r6\n")["C"].shape == (4, 4)
    assert both("mov r0, 1\ncmp r0, 1\njeq end\nst [C + r0 * k], r0\nend:\n", {}, k=5)["C"].shape == (0, 5)
    assert both("mov r0, 1\ncmp r0, 1\njeq end\nst [C + r0], r0\nend:\n")["C"].shape == (0,)


def test_output_can_be_loaded() -> None:
    text = "mov r0, 40\nst [C + 2], r0\nld r1, [C + 2]\nld r2, [C + 1000]\nadd r1, r1, r2\nadd r1, r1, 2\nst [C], r1\n"
    assert both(text)["C"].tolist() == [42, 0, 40]


def test_declared_tensors() -> None:
    text = """
.const T : i8 [4] = 3, -1, 4, 1
.input X : i16 [2, 2]
.output Y : f16 [2, 2]
.temp Z : i32 [1]
.output U : i8 [3]
.input V : i8 [3]
ld r0, [T + 2]
ld r1, [X + 3]
mul r0, r0, r1
st [Z], r0
ld r2, [Z]
st [Y + 1], r2
"""
    run = both(text, {"X": np.array([[1, 2], [3, 1000]], np.int16), "V": np.zeros(3, np.int8)})
    assert run.outputs.keys() == {"Y", "U"} and run["U"].tolist() == [0] * 3 and run["Y"].dtype == np.float16
    assert run["Y"].tolist() == [[0, 4000], [0, 0]]


def test_parameters_are_dimensions() -> None:
    text = ".param n = 3\nld r0, [n]\nmov r1, 2\nst [C + r1 * n], r0\n"
    assert both(text)["C"].tolist() == [[0] * 3, [0] * 3, [3, 0, 0]]


def test_a_large_tensor() -> None:
    values = (np.arange(1_100_000) % 251).astype(np.uint8)
    text = "mov r1, 1_000_000\nld r0, [X + r1]\nst [X + r1 + 1], r0\nst [Y], r0\n"
    run = both(lower_scalar(expand(text, "test.s"), load_target("tsp1")), {"X": values})
    assert run["Y"][0] == values[1_000_000] == run["X"][1_000_001] and np.array_equal(run["X"][:1000], values[:1000])


def test_an_empty_program_and_labels_at_the_end() -> None:
    assert both("end:\n").cycles == 0
    assert both("jmp end\nmov r0, 1\nend:\n").cycles == 2


def test_progress_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lpuasm.vm.scalar.monotonic", count().__next__)
    program = build("mov r0, 0\nloop:\nadd r0, r0, 1\ncmp r0, 200000\njlt loop\n")
    for engine in ("fast", "reference"):
        told: list[int] = []
        run = run_scalar(program, {}, {}, engine, told.append)
        assert run.instructions == 600_001
        assert told and told == sorted(told) and all(0 < n < 600_001 for n in told)


def test_an_interrupt_ends_an_endless_program() -> None:
    program = build("loop:\njmp loop\n")
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    for engine in ("fast", "reference"):
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyboardInterrupt):
            run_scalar(program, {}, {}, engine)
