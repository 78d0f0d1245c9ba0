"""embedding against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpuasm.isa.errors import AssemblyError
from lpuasm.stdlib import embedding


@settings(max_examples=14, deadline=None)
@given(
    st.sampled_from([1, 5, 8192, 8193, 20000, 32769]),
    st.sampled_from([1, 2, 319, 320, 321]),
    st.sampled_from([(), (1,), (7,), (2, 3), (129,), (260,)]),
    st.sampled_from(["float16", "float32", "int8", "uint8", "int16", "int32"]),
    st.integers(0, 9),
)
def test_embedding(v: int, d: int, shape: tuple[int, ...], dtype: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    size = np.dtype(dtype).itemsize
    table = random.integers(0, 256, (v, d * size), np.uint8).view(dtype)
    ids = random.integers(0, v, shape)
    if ids.size > 1:
        ids.reshape(-1)[:2] = 0, v - 1
    run = embedding.run(ids, table)
    assert run.result.shape == (*shape, d) and run.result.dtype == table.dtype
    assert run.result.tobytes() == table[ids].tobytes()
    kind = {1: "i8", 2: "f16", 4: "f32"}[size]
    assert run.program is not None and run.cycles == run.program.cycles
    assert run.cycles <= embedding.contract.cycles(V=v, M=ids.size, D=d, dtype=kind)


@pytest.mark.parametrize(
    ("v", "d", "dtype"), [(50257, 768, "float16"), (8192 * 20 + 1, 300, "float16"), (335873, 9, "int8")]
)
def test_large_vocabularies(v: int, d: int, dtype: str) -> None:
    """A last group of two planes, and tables beside the addresses."""
    table = np.random.default_rng(0).integers(-100, 100, (v, d)).astype(dtype)
    ids = np.concatenate([[0, 8191, 8192, v - 1], np.random.default_rng(1).integers(0, v, 130)])
    run = embedding.run(ids, table)
    assert np.array_equal(run.result, table[ids])
    assert run.cycles <= embedding.contract.cycles(V=v, M=134, D=d, dtype="i8" if dtype == "int8" else "f16")


def test_nothing_and_refusals() -> None:
    table = np.ones((3, 4), np.float16)
    assert embedding(np.zeros((2, 0), np.int64), table).shape == (2, 0, 4)
    with pytest.raises(TypeError, match="integers"):
        embedding(np.ones(2), table)
    with pytest.raises(ValueError, match=r"\[V, D\]"):
        embedding(np.zeros(2, np.int32), table[0])
    for wrong in (-1, 3):
        with pytest.raises(IndexError, match=r"0 … 2"):
            embedding(np.array([wrong]), table)
    assert embedding.program(V=8192 * 42, M=512, D=320, dtype="i8").cycles
    for v, m, d in ((16000, 1, 21 * 160), (8192 * 21, 1500, 320), (200_000, 1, 640), (10, 5000, 4), (10, 1, 9000)):
        with pytest.raises(AssemblyError, match="LPU0510"):
            embedding.program(V=v, M=m, D=d)
