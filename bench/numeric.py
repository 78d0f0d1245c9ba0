"""Rates of the exact products and the transcendental functions: `python bench/numeric.py`.

Every figure is a median of seven runs that alternate with their baseline, on one BLAS thread.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import statistics
import time
from collections.abc import Callable

import numpy as np

from lpuasm.isa.dot import dot_i8_prepared, dot_prepared, prepare_f16, prepare_i8
from lpuasm.isa.numeric import FUNCTIONS

RUNS = 7
SECONDS = 0.02  # each run repeats its function for about this long


def alternate(*functions: Callable[[], object]) -> list[float]:
    """The median time of one call of each function, in seconds."""
    repeats = []
    for function in functions:
        function()
        start = time.perf_counter()
        function()
        repeats.append(max(1, int(SECONDS / (time.perf_counter() - start))))
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(RUNS):
        for function, n, taken in zip(functions, repeats, times, strict=True):
            start = time.process_time()
            for _ in range(n):
                function()
            taken.append((time.process_time() - start) / n)
    return [statistics.median(taken) for taken in times]


def patterns(random: np.random.Generator, rows: int, k: int) -> np.ndarray:
    """Every finite f16 is as likely as any other: exponents are as far apart as they can be."""
    sizes = random.integers(0, 0x7C00, (rows, k), np.uint16)
    return (sizes | random.integers(0, 2, (rows, k), np.uint16) << 15).view(np.float16)


def products(n: int, k: int, width: int) -> None:
    random = np.random.default_rng(0)
    for kind in ("normal", "patterns"):
        if kind == "normal":
            x, w = (random.standard_normal((rows, k)).astype(np.float16) for rows in (n, width))
        else:
            x, w = patterns(random, n, k), patterns(random, width, k)
        weights, out = prepare_f16(w), np.empty((n, width), np.float32)
        wide, columns, sums = x.astype(np.float64), weights.columns, np.empty((n, width))
        ours, base = alternate(
            lambda x=x, w=weights, o=out: dot_prepared(x, w, o),
            lambda x=wide, c=columns, s=sums: np.matmul(x, c, out=s),
        )
        print(f"dot_f16  n={n} K={k} N={width} {kind:9} {base / ours:.2f} x float64 BLAS ({base * 1e3:.2f} ms)")
    xb, wb = (random.integers(-128, 128, (rows, k), np.int8) for rows in (n, width))
    columns8, out8 = prepare_i8(wb), np.empty((n, width), np.int32)
    x32, sums32 = xb.astype(np.float32), np.empty((n, width), np.float32)
    ours, base = alternate(lambda: dot_i8_prepared(xb, columns8, out8), lambda: np.matmul(x32, columns8, out=sums32))
    print(f"dot_i8   n={n} K={k} N={width}           {base / ours:.2f} x float32 BLAS ({base * 1e3:.2f} ms)")


def functions(size: int) -> None:
    x = np.random.default_rng(0).uniform(-9, 9, size).astype(np.float32)
    positive = np.abs(x)
    out = np.empty_like(x)
    for name, operand, native in (
        ("exp", x, lambda: np.exp(x, out=out)),
        ("tanh", x, lambda: np.tanh(x, out=out)),
        ("rsqrt", positive, lambda: np.divide(np.float32(1), np.sqrt(positive, out=out), out=out)),
    ):
        ours, base = alternate(lambda f=FUNCTIONS[name], v=operand: f(v), native)
        print(f"{name:8} {size / ours / 1e6:4.0f} M/s, {base / ours:.2f} x numpy's f32, which is not portable")


if __name__ == "__main__":
    print(f"numpy {np.__version__}, medians of {RUNS}")
    for depth in (160, 320):
        products(1024, depth, 320)
    products(1, 320, 320)
    functions(1 << 20)
