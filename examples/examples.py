"""The examples' inputs and what numpy says of them.

`python examples/examples.py` builds and runs every example on generated data and compares the result with numpy;
`python examples/examples.py 07 M=64 K=640 N=320` runs one of them with other parameters.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import lpuasm

FOLDER = Path(__file__).parent
Arrays = dict[str, np.ndarray[Any, Any]]
Random = np.random.Generator
Parameters = Mapping[str, int]


@dataclass(frozen=True)
class Example:
    """An example: its parameters, its inputs for them, what is expected, and by how much a result may differ."""

    name: str
    parameters: Parameters
    inputs: Callable[[Random, Parameters], Arrays]
    expected: Callable[[Arrays, Parameters], Arrays]
    tolerance: float = 0.0
    scalar: bool = field(default=False)

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.name}.s"


def _integers(random: Random, shape: tuple[int, ...], dtype: str = "int8") -> np.ndarray[Any, Any]:
    info = np.iinfo(dtype)
    return random.integers(info.min, int(info.max) + 1, shape).astype(dtype)


def _floats(random: Random, shape: tuple[int, ...], dtype: str = "float32") -> np.ndarray[Any, Any]:
    return random.standard_normal(shape).astype(dtype)


def _product(a: np.ndarray[Any, Any], w: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A · Wᵀ, exactly: int8 sums stay below 2³¹."""
    return (a.astype(np.float64) @ w.astype(np.float64).T).astype(np.int32)


def _index_map(index: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The address of each look-up in bytes 0 and 1 of every superlane."""
    vectors = np.zeros((len(index), 20, 16), np.uint8)
    vectors[:, :, 0], vectors[:, :, 1] = (index & 255)[:, None], (index >> 8)[:, None]
    return vectors.reshape(len(index), 320)


def _gathered(i: Arrays, p: Parameters) -> Arrays:
    index = i["Map"][:, :2].astype(np.int64) @ [1, 256]
    return {"Y": i["Table"][index]}


def _transposed(i: Arrays, p: Parameters) -> Arrays:
    blocks = i["X"].reshape(p["B"], 16, 20, 16)
    return {"Y": blocks.transpose(0, 3, 2, 1).reshape(16 * p["B"], 320)}


def _halves(i: Arrays, p: Parameters) -> Arrays:
    """Two sums of 160 products, each rounded once, added and rounded again."""
    a, w = i["A"].astype(np.float64), i["W"].astype(np.float64)
    first, second = ((a[:, h] @ w[:, h].T).astype(np.float32) for h in (slice(0, 160), slice(160, 320)))
    return {"C": first + second}


def _linear(i: Arrays, p: Parameters) -> Arrays:
    rows = np.maximum(_product(i["A"], i["W"]) + i["bias"], 0) >> p["shift"]
    return {"Y": np.clip(rows, -128, 127).astype(np.int8)}


def _normal(i: Arrays, p: Parameters) -> Arrays:
    x = i["X"].astype(np.float64)
    centred = x - x.mean(axis=1, keepdims=True)
    scale = 1 / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
    return {"Y": (centred * scale * i["gamma"] + i["beta"]).astype(np.float16)}


EXAMPLES = (
    Example(
        "01_matmul_scalar",
        {"n": 7, "m": 5, "k": 5},
        lambda r, p: {"A": _integers(r, (p["n"], p["m"])), "B": _integers(r, (p["m"], p["k"]))},
        lambda i, p: {"C": i["A"].astype(np.int32) @ i["B"].astype(np.int32)},
        scalar=True,
    ),
    Example(
        "02_add",
        {"M": 64, "N": 320},
        lambda r, p: {"X": _floats(r, (p["M"], p["N"])), "Y": _floats(r, (p["M"], p["N"]))},
        lambda i, p: {"Z": i["X"] + i["Y"]},
    ),
    Example(
        "03_matmul",
        {"M": 320},
        lambda r, p: {"A": _integers(r, (p["M"], 320)), "W": _integers(r, (320, 320))},
        lambda i, p: {"C": _product(i["A"], i["W"])},
    ),
    Example(
        "04_matmul_f16",
        {"M": 128},
        lambda r, p: {"A": _floats(r, (p["M"], 320), "float16"), "W": _floats(r, (320, 320), "float16")},
        _halves,
        tolerance=1e-6,
    ),
    Example("05_transpose", {"B": 8}, lambda r, p: {"X": _integers(r, (16 * p["B"], 320))}, _transposed),
    Example(
        "06_gather",
        {"V": 1000, "M": 96},
        lambda r, p: {
            "Table": _integers(r, (p["V"], 320)),
            "Map": _index_map(r.integers(0, p["V"], p["M"])),
        },
        _gathered,
    ),
    Example(
        "07_matmul_tiled",
        {"M": 200, "K": 700, "N": 450},
        lambda r, p: {"A": _integers(r, (p["M"], p["K"])), "W": _integers(r, (p["N"], p["K"]))},
        lambda i, p: {"C": _product(i["A"], i["W"])},
    ),
    Example(
        "08_linear",
        {"M": 256, "K": 320, "N": 320, "shift": 7},
        lambda r, p: {
            "A": _integers(r, (p["M"], p["K"])),
            "W": _integers(r, (p["N"], p["K"])),
            "bias": r.integers(-5000, 5000, (1, p["N"])).astype(np.int32),
        },
        _linear,
    ),
    Example(
        "09_layer_norm",
        {"M": 64},
        lambda r, p: {
            "X": _floats(r, (p["M"], 160), "float16"),
            "gamma": _floats(r, (1, 160)),
            "beta": _floats(r, (1, 160)),
        },
        _normal,
        tolerance=2e-3,
    ),
)


def run(
    example: Example, changed: Parameters | None = None, seed: int = 0, path: Path | None = None
) -> tuple[int, float]:
    """Runs an example, or another form of it at ``path``, and compares it with numpy: (cycles, largest difference).

    Raises AssertionError where a result differs by more than the example allows.
    """
    parameters = {**example.parameters, **(changed or {})}
    inputs = example.inputs(np.random.default_rng(seed), parameters)
    program = lpuasm.build(str(path or example.path), defines=parameters)
    result = lpuasm.run(program, inputs)
    worst = 0.0
    for name, expected in example.expected(inputs, parameters).items():
        got = result[name]
        assert got.shape == expected.shape and got.dtype == expected.dtype, f"{name}: {got.dtype} {got.shape}"
        difference = np.abs(got.astype(np.float64) - expected.astype(np.float64))
        worst = max(worst, float((difference / np.maximum(np.abs(expected.astype(np.float64)), 1)).max(initial=0)))
    assert worst <= example.tolerance, f"{example.name}: differs by {worst}"
    return result.cycles, worst


def main(arguments: list[str]) -> None:
    changed = {name: int(value) for name, _, value in (a.partition("=") for a in arguments) if value}
    chosen = [a for a in arguments if "=" not in a]
    for example in EXAMPLES:
        if chosen and not any(example.name.startswith(c) for c in chosen):
            continue
        cycles, worst = run(example, changed)
        verdict = "equal to numpy" if not worst else f"within {worst:.1e} of numpy"
        print(f"{example.name:<18} {cycles:>8,} cycles  {cycles / 900:>8.3f} µs at 900 MHz   {verdict}")


if __name__ == "__main__":
    main(sys.argv[1:])
