"""The sections of the table that are not products on the fast engine, and the table itself."""

from __future__ import annotations

import platform
import subprocess
import sys
import time
from pathlib import Path

import assembler
import library
import numpy as np
from measure import RUNS, alternate, row
from products import planning_curve, product, recurrence, vector

from lpuasm.asm.build import assemble
from lpuasm.isa.dot import dot_prepared, prepare_f16
from lpuasm.vm import int8


def halves(n: int) -> None:
    """Exact f16 products, half the lanes of a pair of planes, against float64 BLAS."""
    random = np.random.default_rng(0)
    x, w = (random.standard_normal((rows, 160)).astype(np.float16) for rows in (n, 320))
    weights, out = prepare_f16(w), np.empty((n, 320), np.float32)
    wide, sums = x.astype(np.float64), np.empty((n, 320))
    ours, base = alternate(lambda: dot_prepared(x, weights, out), lambda: np.matmul(wide, weights.columns, out=sums))
    row("6", f"exact f16 {n}×160×320, rate / float64 BLAS", f"{base / ours:.2f}", "≥ 0.4", base / ours >= 0.4)


def scalar(size: int) -> None:
    """Scalar code, the hand-written product."""
    from lpuasm.vm.run import run

    example = Path(__file__).parents[1] / "examples" / "01_matmul_scalar.s"
    program = assemble(example.read_text("utf-8"), example.name)
    a = np.arange(size * size, dtype=np.int32).reshape(size, size)
    found = run(program, {"A": a, "B": a})
    taken, _ = alternate(lambda: run(program, {"A": a, "B": a}), lambda: None)
    rate = (found.instructions or 0) / taken
    row("12", f"scalar product {size}³, instructions a second", f"{rate / 1e6:.1f} M/s", "≥ 5 M/s", rate >= 5e6)


def start() -> None:
    """Imports and the command line, against an empty interpreter."""

    def spawn(*arguments: str) -> float:
        begin = time.perf_counter()
        subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
        return time.perf_counter() - begin

    cases = {
        "import lpuasm": ("-c", "import lpuasm"),
        "import of the fast engine": ("-c", "import lpuasm.vm.fast"),
        "lpuasm --help": ("-m", "lpuasm", "--help"),
    }
    empty = sorted(spawn("-c", "pass") for _ in range(RUNS))[RUNS // 2]
    for what, arguments in cases.items():
        taken = sorted(spawn(*arguments) for _ in range(RUNS))[RUNS // 2]
        row("(g)", f"{what} / `python -c pass`", f"{taken / empty:.1f} × {empty * 1e3:.0f} ms")


def table(smoke: bool) -> None:
    """Prints the table; ``smoke`` takes smaller sizes."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    versions = f"numpy {np.__version__}, {blas['name']} {blas['version']}"
    print(f"Python {platform.python_version()}, {versions}, {platform.machine()}")
    print(f"medians of {RUNS} alternating runs, processor time, one BLAS thread")
    int8.use("numpy")
    if smoke:
        product(256, 640, 640)
        library.products([("i8", 64, 320, 320), ("f16", 64, 320, 320)])
        library.heads(2, 64, 64)
    else:
        product(1024, 1280, 1280, goals=True)
        product(320, 320, 320)
        large = [(320, 320, 320), (1024, 1280, 1280), (4096, 1024, 4096)]
        library.products([(dtype, *shape) for dtype in ("i8", "f16") for shape in large])
        library.heads(12, 512, 64, goal=4.0)
    library.examples()
    halves(1024)
    vector(1280, 1280)
    recurrence(64 if smoke else 320)
    planning_curve(smoke)
    scalar(24 if smoke else 64)
    start()
    if not smoke:  # it has a short run of its own
        print("\n(c), 10 and 11")
        assembler.main(smoke)
