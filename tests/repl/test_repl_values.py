"""Expressions that make tensors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transcripts import Conversation

from lpuasm.isa.errors import LpuError
from lpuasm.repl.errors import ReplError
from lpuasm.repl.makers import Context, generator
from lpuasm.repl.values import Expression


def value(talk: Conversation, text: str) -> np.ndarray:
    talk.good(f"Q = {text}")
    return talk.console.tensors["Q"].array


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("arange(4) i8", np.arange(4, dtype=np.int8)),
        ("zeros(2, 3) f16", np.zeros((2, 3), np.float16)),
        ("eye(3) f32", np.eye(3, dtype=np.float32)),
        ("full(1.5, 2) f16", np.array([1.5, 1.5], np.float16)),
        ("(1, 2, -3) i16", np.array([1, 2, -3], np.int16)),
        ("arange(6) i32", np.arange(6, dtype=np.int32)),
        ("reshape(arange(6), 2, 3) i8", np.arange(6, dtype=np.int8).reshape(2, 3)),
        ("reshape(arange(6), (2, 3)).T i8", np.arange(6, dtype=np.int8).reshape(2, 3).T),
        ("reshape(arange(6), 2, 3) @ ones(3, 2) i32", np.array([[3, 3], [12, 12]], np.int32)),
        ("2 * arange(3) + 1 - 3 u8", None),
        ("maximum(arange(4) - 2, 0) u8", np.array([0, 0, 0, 1], np.uint8)),
        ("arange(10)[2:8:3] i8", np.array([2, 5], np.int8)),
        ("-(1 + 2) * ones(2) i8", np.array([-3, -3], np.int8)),
        ("1 / 4 * ones(2) f32", np.array([0.25, 0.25], np.float32)),
        ("0x10 * ones(1) i8", np.array([16], np.int8)),
    ],
)
def test_values(talk: Conversation, text: str, wanted: np.ndarray | None) -> None:
    if wanted is None:
        assert "do not fit u8" in talk.wrong(f"Q = {text}")
        return
    got = value(talk, text)
    assert got.dtype == wanted.dtype and got.shape == wanted.shape and (got == wanted).all()


def test_random_numbers_depend_on_name_and_seed_only(talk: Conversation) -> None:
    first = value(talk, "randn(4, 8) f32")
    talk.good("R = randn(3) f32")
    assert (value(talk, "randn(4, 8) f32") == first).all()
    talk.good("seed 5")
    assert not (value(talk, "randn(4, 8) f32") == first).all()
    assert set(value(talk, "integers(-2, 2, 500) i8").tolist()) == {-2, -1, 0, 1}
    assert (np.abs(value(talk, "uniform(-1, 1, 100) f32")) <= 1).all()


def test_files_are_loaded(talk: Conversation, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(4, dtype=np.int8))
    assert value(talk, f"load {tmp_path / 'a.npy'}").tolist() == [0, 1, 2, 3]
    assert "LPU0901" in talk.wrong("Q = load none.npy")


@pytest.mark.parametrize(
    "text",
    [
        "", "randn", "randn(-1)", "randn(3", "foo", "foo(3)", "3 +", "(1, 2", "ones(2) + ones(3)", "ones(2) f64",
        "ones(2).Q", "arange(3)[9]", "arange(3)[x]", "integers(3, 3, 4)", "ones(99999, 99999)", "__import__('os')",
        "1 if 1 else 2", "load", "ones(2) i8 i8", "ones(1.5)", "'a'", "1e999 * ones(2) i8", "arange(1, 2, 0)", "-" * 99,
        "300 * ones(1) i8", "ones(2) @ ones(3)", "(1, 2) + 1", "reshape(arange(6), 4)", "[1]", "full()",
    ],
)  # fmt: skip
def test_what_is_no_tensor_is_said_with_a_place(talk: Conversation, text: str) -> None:
    assert "error[LPU1203]" in talk.wrong(f"Q = {text}")
    assert "Q" not in talk.console.tensors


@given(st.text(alphabet="abcdefTxrno0123456789()[],.:+-*/@ _", max_size=40))
def test_no_text_brings_down_the_parser(text: str) -> None:
    context = Context(lambda name: None, (2, 3), generator(0, "Q"), lambda file: np.zeros(1))
    try:
        Expression(text, context).value()
    except LpuError as e:
        assert isinstance(e, ReplError)
