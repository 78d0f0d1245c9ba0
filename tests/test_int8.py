"""int8 products by onnxruntime: the bits of the default way, on every shape, or it is not used."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lpuasm.asm.build import assemble
from lpuasm.vm import int8
from lpuasm.vm.fast import run_fast

SOURCE = Path(__file__).parents[1] / "examples" / "07_matmul_tiled.s"
EXTREMES = np.array([-128, 127], np.int8)


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    yield
    int8.use("")


@pytest.fixture(scope="module")
def products() -> int8.Products:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: pip install lpuasm[int8]")
    made = int8.load()
    if made is None:
        pytest.skip("onnxruntime is not exact on this CPU, and not used")
    return made


def drawn(kind: str, rows: int, columns: int, seed: int) -> NDArray[np.int8]:
    random = np.random.default_rng(seed)
    if kind == "any":
        return random.integers(-128, 128, (rows, columns), np.int8)
    if kind == "extremes":
        return random.choice(EXTREMES, (rows, columns))
    return np.full((rows, columns), int(kind), np.int8)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 2, 3), (1, 320, 320), (3, 1, 5), (7, 33, 17), (19, 321, 65),
                                   (64, 64, 64), (65, 1280, 129), (257, 191, 320)])  # fmt: skip
@pytest.mark.parametrize("kinds", [("any", "any"), ("extremes", "extremes"), ("-128", "-128"), ("127", "-128"),
                                   ("127", "127"), ("any", "extremes")], ids="·".join)  # fmt: skip
def test_products_are_exact(products: int8.Products, shape: tuple[int, int, int], kinds: tuple[str, str]) -> None:
    n, k, width = shape
    a, b = drawn(kinds[0], n, k, 0), drawn(kinds[1], k, width, 1)
    assert int8.exact(products, a.view(np.uint8) ^ np.uint8(int8.OFFSET), b)


@pytest.mark.parametrize("kind", ["any", "extremes", "-128"])
@pytest.mark.parametrize("shape", [(70, 1000, 330), (1, 1280, 1280), (1030, 330, 40), (16, 640, 320)], ids=str)
def test_a_program_gives_the_same_bits(products: int8.Products, shape: tuple[int, int, int], kind: str) -> None:
    m, k, n = shape
    made = assemble(SOURCE.read_text("utf-8"), SOURCE.name, defines={"M": m, "K": k, "N": n})
    given = {"A": drawn(kind, m, k, 0), "W": drawn(kind, n, k, 1)}
    found = {}
    for name in ("onnxruntime", "numpy", "onnxruntime"):
        int8.use(name)
        found[name] = run_fast(made, given)["C"]
    assert np.array_equal(found["onnxruntime"], found["numpy"])
    assert np.array_equal(found["numpy"], given["A"].astype(np.int64) @ given["W"].astype(np.int64).T)


@pytest.mark.parametrize("name", ["numpy", "onnxruntime"])
@pytest.mark.parametrize("zeros", [np.s_[:, 640:], np.s_[300:, :], np.s_[:, :], np.s_[40:330, 3:]], ids=str)
def test_weights_that_end_in_zeros(zeros: tuple[slice, slice], name: str) -> None:
    """Lanes and rows that are zeros in all of a tile are left out, wherever they come from."""
    made = assemble(SOURCE.read_text("utf-8"), SOURCE.name, defines={"M": 20, "K": 1000, "N": 500})
    a, w = drawn("any", 20, 1000, 0), drawn("any", 500, 1000, 1)
    w[zeros] = 0
    int8.use(name)
    assert np.array_equal(run_fast(made, {"A": a, "W": w})["C"], a.astype(np.int64) @ w.astype(np.int64).T)


def test_threads_do_not_change_the_bits(products: int8.Products) -> None:
    several = int8.load(threads=2)
    assert several is not None
    a, b = drawn("any", 500, 700, 0).view(np.uint8), drawn("extremes", 700, 320, 1)
    one, two = np.empty((500, 320), np.int32), np.empty((500, 320), np.int32)
    products.multiply(a, b, one)
    several.multiply(a, b, two)
    assert np.array_equal(one, two)


@pytest.mark.parametrize("case", ["identity", "any order", "a minus one", "two ones and none", "a two"])
def test_rows_that_pick_one_lane(case: str) -> None:
    """With the identity a plane turns bytes round; that is no product, but rows that look like it are."""
    a = np.eye(40, 320, dtype=np.int8)
    if case == "any order":
        a = a[:, np.random.default_rng(0).permutation(320)]
    elif case == "two ones and none":
        a[3, 7], a[4] = 1, 0
    elif case != "identity":
        a[5, 5] = -1 if case == "a minus one" else 2
    made = assemble(SOURCE.read_text("utf-8"), SOURCE.name, defines={"M": 40, "K": 320, "N": 330})
    w = drawn("any", 330, 320, 1)
    assert np.array_equal(run_fast(made, {"A": a, "W": w})["C"], a.astype(np.int64) @ w.astype(np.int64).T)


class Saturating(int8.Products):
    """What CPUs before VNNI do: neighbouring products are added in 16 bits, and saturate."""

    def __init__(self) -> None:
        pass

    def multiply(self, a: NDArray[np.uint8], b: NDArray[np.int8], out: NDArray[np.int32]) -> None:
        each = a.astype(np.int32)[:, :, None] * b
        if each.shape[1] % 2:
            each = np.pad(each, ((0, 0), (0, 1), (0, 0)))
        pairs = np.clip(each[:, ::2] + each[:, 1::2], -(1 << 15), (1 << 15) - 1)
        out[...] = pairs.sum(axis=1) - int8.OFFSET * b.sum(axis=0, dtype=np.int32)


def test_a_library_that_saturates_is_told() -> None:
    told = [not int8.exact(Saturating(), a, b) for a, b in int8.trials()]
    assert any(told) and not all(told)


def test_nothing_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert int8.load() is None
    int8.use("onnxruntime")
    assert int8.for_product(1 << 40) is None


def test_it_is_used_where_it_is_worth_it(products: int8.Products) -> None:
    int8.use("")
    assert int8.for_product(1 << 30) is None
    assert int8.for_product(1 << 33) is not None
    assert int8.for_product(1 << 25) is not None and int8.for_product(1 << 15) is None
    int8.use("numpy")
    assert int8.for_product(1 << 40) is None


SMALL = """
import sys
import numpy as np
from lpuasm.stdlib import matmul
a = np.ones((64, 320), np.int8)
assert (matmul(a, a.T) == 320).all()
print("onnxruntime" in sys.modules)
"""


def test_a_small_product_does_not_load_it() -> None:
    done = subprocess.run([sys.executable, "-c", SMALL], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
