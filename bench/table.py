"""The sections of the table that are not products on the fast engine, and the table itself."""

from __future__ import annotations

import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from measure import RUNS, alternate, row
from products import SOURCE, planning_curve, product, recurrence, vector

from lpuasm.asm.build import assemble
from lpuasm.isa.dot import dot_prepared, prepare_f16

PEAK = """
import resource, sys
sys.path[:0] = {path!r}
from products import arrays, build, run_fast
program, given = build(*{shape}), arrays(*{shape})
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
run_fast(program, given)
print(before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def halves(n: int) -> None:
    """Exact f16 products, half the lanes of a pair of planes, against float64 BLAS."""
    random = np.random.default_rng(0)
    x, w = (random.standard_normal((rows, 160)).astype(np.float16) for rows in (n, 320))
    weights, out = prepare_f16(w), np.empty((n, 320), np.float32)
    wide, sums = x.astype(np.float64), np.empty((n, 320))
    ours, base = alternate(lambda: dot_prepared(x, weights, out), lambda: np.matmul(wide, weights.columns, out=sums))
    row("6", f"exact f16 {n}×160×320, rate / float64 BLAS", f"{base / ours:.2f}", "≥ 0.4", base / ours >= 0.4)


def assembling() -> None:
    """Lines of flows a second."""
    text = SOURCE.read_text("utf-8")
    start = time.process_time()
    made = assemble(text, SOURCE.name, defines={"M": 1024, "K": 1280, "N": 1280})
    taken = time.process_time() - start
    words = sum(len(w) for w in made.queues.values())
    row("(c)", "flows to words", f"{words / taken:.0f} words/s ({taken * 1e3:.0f} ms)")


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


def memory(shape: tuple[int, int, int]) -> None:
    """The peak of a process that runs a product, above what building it took."""
    path = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "tests")]
    code = PEAK.format(path=path, shape=shape)
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    before, after = (int(v) / 1024 for v in out.split())
    row(
        "(f)",
        f"peak memory of int8 {'×'.join(map(str, shape))}",
        f"{after:.0f} MB, {after - before:.0f} of it to run",
        "≤ +300 MB",
        after - before <= 300,
    )


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
    if smoke:
        product(256, 640, 640)
    else:
        product(1024, 1280, 1280, goals=True)
        product(320, 320, 320)
        product(2304, 1280, 1280)
    row("3", "the same with an int8 back end", "there is none")
    halves(1024)
    vector(1280, 1280)
    recurrence(64 if smoke else 320)
    planning_curve(smoke)
    assembling()
    scalar(24 if smoke else 64)
    memory((256, 640, 640) if smoke else (2304, 1280, 1280))
    start()
