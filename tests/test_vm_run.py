"""Tensors in and out of SRAM, and running by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from words import Line, program

from lpuasm.isa.casts import DTYPES
from lpuasm.isa.errors import BindError, ObjectError
from lpuasm.isa.layout import Layout
from lpuasm.isa.operands import Dim
from lpuasm.isa.program import Program, Tensor
from lpuasm.isa.target import load_target
from lpuasm.vm.bind import load, unload
from lpuasm.vm.run import run
from lpuasm.vm.state import State

MINI = load_target("mini")


def tensor(
    name: str, kind: str, dtype: str, shape: tuple[int, ...], slices: str, address: int = 0, **more: Any
) -> Tensor:
    """A tensor of one tile; ``slices`` are names with blanks between."""
    numbers = tuple(MINI.queue[s].number for s in slices.split())
    columns = shape[-1] if shape else 1
    rows = int(np.prod(shape[:-1], dtype=int))
    tile = {"tile_rows": max(rows, 1), "tile_columns": max(min(columns, MINI.lanes), 1), "run": 0}
    data = more.pop("data", b"")
    layout = Layout(dtype, shape, numbers, address, **(tile | more), bank_words=MINI.geometry.words_per_bank)
    return Tensor(name, kind, layout, data)


A = tensor("A", "input", "i8", (4, 20), "mem.w0", 3)
B = tensor("B", "weight", "f32", (2, 2), "mem.w1 mem.w2 mem.w3 mem.w4")
K = tensor("K", "const", "i16", (3,), "mem.e1 mem.e2", 5, data=np.array([1, -2, 300], "<i2").tobytes())
C = tensor("C", "output", "i8", (4, 20), "mem.e0", 7)
COPIED = tensor("K2", "output", "i16", (3,), "mem.e1 mem.e2", 5)


def increment(*tensors: Tensor) -> Program:
    """C = A + 1."""
    lines: dict[str, list[Line]] = {
        "mem.w0": [(0, "read", {"address": 3, "out": "s5.e", "repeat": (Dim(4, 1, 1),)})],
        "vxm.alu0": [(3, "add", {"type": "i8", "a": "s5.e", "b": 1, "out": "s6.e", "repeat": (Dim(4),)})],
        "mem.e0": [(9, "write", {"address": 7, "data": "s6.e", "repeat": (Dim(4, 1, 1),)})],
    }
    return program(MINI, lines, tensors or (A, C))


def test_arrays_in_arrays_out() -> None:
    given_program = increment(A, K, C, COPIED)
    a = np.arange(80, dtype=np.int8).reshape(4, 20)
    ticks: list[int] = []
    done = run(given_program, {"A": a}, engine="reference", progress=ticks.append)
    assert done["C"].dtype == np.int8
    assert np.array_equal(done["C"], a + 1)
    assert done["K2"].tolist() == [1, -2, 300]
    assert done.cycles == given_program.cycles == 17
    assert done.engine == "reference"
    assert not ticks


def test_trace_sees_every_dispatch() -> None:
    seen: list[tuple[int, str]] = []
    run(
        increment(),
        {"A": np.zeros((4, 20), np.int8)},
        engine="reference",
        trace=lambda cycle, code: seen.append((cycle, code.queue.name)),
    )
    assert seen[:4] == [(0, "mem.w0"), (1, "mem.w0"), (2, "mem.w0"), (3, "mem.w0")]
    assert len(seen) == 12


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_elements_come_back_from_where_they_were_put(data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(list(DTYPES)))
    shape = tuple(data.draw(st.lists(st.integers(0, 9), min_size=1, max_size=3)))
    planes, groups = DTYPES[dtype].itemsize, data.draw(st.integers(1, 2))
    slices = " ".join(f"mem.{h}{k}" for h in "we" for k in range(8) if k < planes * groups / 2 or planes == 1)
    names = " ".join(slices.split()[: planes * groups])
    rows = data.draw(st.integers(1, 12))
    one = tensor(
        "T", "input", dtype, shape, names, 2, tile_rows=rows, tile_columns=data.draw(st.integers(1, 9)),
        run=data.draw(st.integers(0, 5)),
    )  # fmt: skip
    assert one.layout is not None
    assume(one.layout.last_address() < MINI.words)
    rng = np.random.default_rng(data.draw(st.integers(0, 1 << 30)))
    array = rng.integers(0, 256, (*shape, planes), np.uint8).view(DTYPES[dtype])[..., 0]
    state, given_program = State(MINI), program(MINI, {}, [one])
    load(state, given_program, {"T": array})
    assert unload(state, given_program, "T").tobytes() == array.tobytes()


def test_a_program_of_nothing() -> None:
    done = run(program(MINI, {}), {})
    assert (done.cycles, done.outputs) == (0, {})


GOOD: dict[str, Any] = {"A": np.zeros((4, 20), np.int8), "B": np.zeros((2, 2), np.float32)}


@pytest.mark.parametrize(
    ("inputs", "code", "says", "help"),
    [
        ({"A": GOOD["A"]}, "LPU0551", "weight B is missing: float32 of shape (2, 2)", "give it as B"),
        (GOOD | {"a": 1}, "LPU0552", "no input a", "did you mean `A`?"),
        (GOOD | {"AA": 1}, "LPU0552", "no input AA", "did you mean `A`?"),
        (GOOD | {"C": 1}, "LPU0552", "C is an output of the program, not an input", "leave it out"),
        (GOOD | {"B": np.zeros((2, 2))}, "LPU0553", "B is f32, which is float32 in numpy", "B.astype(numpy.float32)"),
        (GOOD | {"A": [[1] * 20] * 4}, "LPU0553", "the array given is int64", "A.astype(numpy.int8)"),
        (GOOD | {"A": np.zeros((20, 4), np.int8)}, "LPU0554", "the array given has (20, 4)", "A.T"),
        (GOOD | {"A": np.zeros(80, np.int8)}, "LPU0554", "the array given has (80,)", "A.reshape((4, 20))"),
        (GOOD | {"A": np.zeros((4, 21), np.int8)}, "LPU0554", "the shape (4, 20)", ""),
    ],
)
def test_what_does_not_fit_is_said(inputs: dict[str, Any], code: str, says: str, help: str) -> None:
    with pytest.raises(BindError) as caught:
        run(increment(A, B, C), inputs)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == code
    assert says in diagnostic.message
    assert help in diagnostic.help


def test_everything_that_does_not_fit_is_said_at_once() -> None:
    with pytest.raises(BindError) as caught:
        run(increment(A, B, C), {"X": 1, "A": 1.0})
    assert [d.code for d in caught.value.diagnostics] == ["LPU0552", "LPU0553", "LPU0551"]


def test_big_endian_arrays_are_taken() -> None:
    array = np.array([[1.5, 2.5], [3.5, 4.5]], ">f4")
    output = tensor("D", "output", "f32", (2, 2), "mem.w1 mem.w2 mem.w3 mem.w4")
    done = run(program(MINI, {}, [B, output]), {"B": array})
    assert np.array_equal(done["D"], array)


@pytest.mark.parametrize(("more", "code"), [({"engine": "magic"}, "LPU0555"), ({"defines": {"M": 4}}, "LPU0556")])
def test_what_cannot_be_asked_of_a_run(more: dict[str, Any], code: str) -> None:
    with pytest.raises(BindError) as caught:
        run(increment(), {"A": GOOD["A"]}, **more)
    assert caught.value.code == code


def test_words_that_are_no_instructions() -> None:
    bad = Program(MINI, {"mem.w0": np.array([[0xFF, 0]], np.uint64)})
    with pytest.raises(ObjectError, match=r"word 0 of mem\.w0 is not an instruction"):
        run(bad)
