"""Meanings of the table, compiled."""

from __future__ import annotations

import numpy as np
import pytest

from lpuasm.isa.core import table
from lpuasm.isa.errors import SpecError
from lpuasm.isa.meaning import compiled, meaning


def test_every_operation_of_the_vxm_has_a_meaning() -> None:
    for definition in table():
        if definition.unit == "vxm":
            assert callable(meaning(definition))
            if definition.saturates:
                assert callable(meaning(definition, saturating=True))


def test_calls_nest() -> None:
    a, b = np.array([100, 3], np.int8), np.array([100, -5], np.int8)
    assert compiled("neg(add_sat(a, b))", ("a", "b"))({"a": a, "b": b}).tolist() == [-127, 2]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("add(a, c)", "there is no operand 'c'"),
        ("pow(a, b)", "there is no function 'pow'"),
        ("__import__(a)", "there is no function '__import__'"),
        ("add(a)", "add takes 2 operands, not 1"),
        ("a + b", "only calls of named functions"),
        ("a.view(b)", "only calls of named functions"),
        ("add(a, b=a)", "only calls of named functions"),
        ("add(a, *b)", "only calls of named functions"),
        ("add(a, 1)", "only calls of named functions"),
        ("add(a", "is not an expression"),
        ("", "is not an expression"),
        ("(" * 9999, "is not an expression"),
    ],
)
def test_what_is_no_meaning(text: str, says: str) -> None:
    with pytest.raises(SpecError, match=says) as caught:
        compiled(text, ("a", "b"))
    assert caught.value.code == "LPU0804"
