"""Plans: what they say, that they are kept, and that they are as coarse as they can be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from words import program

from lpuasm.asm.build import assemble
from lpuasm.isa.errors import ObjectError
from lpuasm.isa.program import Program
from lpuasm.vm import plan as planning
from lpuasm.vm.fast import run_fast
from lpuasm.vm.plan import make, plan

MATMUL = Path(__file__).parents[1] / "examples" / "07_matmul_tiled.s"


@pytest.fixture(scope="module")
def product() -> Program:
    return assemble(MATMUL.read_text("utf-8"), "matmul.s", defines={"M": 130, "K": 1400, "N": 700})


def given(m: int, k: int, n: int, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {"A": rng.integers(-128, 128, (m, k), np.int8), "W": rng.integers(-128, 128, (n, k), np.int8)}


def wanted(x: dict[str, np.ndarray]) -> np.ndarray:
    return x["A"].astype(np.int64) @ x["W"].astype(np.int64).T


def test_tiles_of_a_product_are_computed_together(product: Program) -> None:
    """Five tiles along K and three along N, on four planes: one product for each plane's rows."""
    made = make(product)
    assert [s.node.kind for s in made.steps] == ["products"] * 4 + ["output"]
    # What reaches beyond the edge is laid aside first: the last of the three tiles, and the last rows of two planes.
    assert len(made.sinks) == 4
    x = given(130, 1400, 700)
    assert np.array_equal(run_fast(product, x)["C"], wanted(x))


def test_a_plan_in_words(product: Program) -> None:
    text = str(plan(product))
    assert f"in {product.cycles} cycles" in text
    assert "4 × matrix products as one" in text
    assert "1 × output taken" in text


def test_a_plan_is_made_once(product: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    planning.forget()
    first = plan(product)
    monkeypatch.setattr(planning, "make", lambda program: pytest.fail("it was known"))
    again = Program(product.target, product.queues, product.tensors, intent=product.intent)
    assert plan(again) is first


def test_few_plans_are_kept() -> None:
    planning.forget()
    first = program("mini", {"mem.w0": [(0, "read", {"address": 0, "out": "s0.e"})]})
    made = plan(first)
    for address in range(1, 40):
        plan(program("mini", {"mem.w0": [(0, "read", {"address": address, "out": "s0.e"})]}))
    assert plan(first) is not made


def test_other_weights_are_seen(product: Program) -> None:
    """What is prepared of weights is kept from run to run, and must not outlive them."""
    x = given(130, 1400, 700)
    run_fast(product, x)
    x["W"][3, 5] += 1
    assert np.array_equal(run_fast(product, x)["C"], wanted(x))
    y = given(130, 1400, 700, 1)
    assert np.array_equal(run_fast(product, y)["C"], wanted(y))


def test_outputs_of_two_runs_are_apart(product: Program) -> None:
    x, y = given(130, 1400, 700), given(130, 1400, 700, 1)
    first = run_fast(product, x)["C"]
    run_fast(product, y)
    assert np.array_equal(first, wanted(x))


def test_what_nobody_needs_is_not_computed() -> None:
    made = program(
        "mini",
        {
            "mem.w0": [(0, "read", {"address": 0, "out": "s0.e"})],
            "vxm.alu0": [(3, "neg", {"type": "i8", "a": "s0.e", "out": "s1.e"})],
        },
    )
    assert make(made).steps == ()


def test_words_that_are_no_instructions() -> None:
    made = program("mini", {"mem.w0": [(0, "read", {"address": 0, "out": "s0.e"})]})
    made.queues["mem.w0"][0, 0] |= np.uint64(0xFF)
    with pytest.raises(ObjectError):
        plan(made)
