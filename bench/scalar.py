"""Scalar code: instructions a second of both engines on 64×64×64 products, medians of seven runs."""

from __future__ import annotations

from statistics import median
from time import perf_counter

import numpy as np

from lpuasm.asm.expand import expand
from lpuasm.asm.scalar import lower_scalar
from lpuasm.isa.target import load_target
from lpuasm.vm.scalar import run_scalar

MATMUL = """
ld r0, [n]
ld r1, [m]
ld r2, [k]
mov r4, 0
rows:
mov r5, 0
columns:
mov r6, 0
mov r7, 0
products:
ld r8, [A + r4 * m + r7]
ld r9, [B + r7 * k + r5]
mul r10, r8, r9
add r6, r6, r10
add r7, r7, 1
cmp r7, r1
jlt products
st [C + r4 * k + r5], r6
add r5, r5, 1
cmp r5, r2
jlt columns
add r4, r4, 1
cmp r4, r0
jlt rows
"""
SIZE = 64


def main() -> None:
    """Prints the table."""
    program = lower_scalar(expand(MATMUL, "matmul.s"), load_target("tsp1"))
    random = np.random.default_rng(0)
    print(f"{'engine':<10} {'type':<5} {'instructions':>12} {'ms':>8} {'M/s':>6}")
    for engine, times in (("fast", 7), ("reference", 1)):
        for dtype in ("i1", "i4", "f2", "f4"):
            a, b = (random.integers(-100, 100, (SIZE, SIZE)).astype(dtype) for _ in range(2))
            seconds = []
            for _ in range(times + (times > 1)):
                start = perf_counter()
                run = run_scalar(program, {"A": a, "B": b}, engine=engine)
                seconds.append(perf_counter() - start)
            assert np.array_equal(run["C"], a.astype("f8") @ b.astype("f8"))
            middle, count = median(seconds[-times:]), run.instructions or 0
            print(f"{engine:<10} {dtype:<5} {count:>12} {middle * 1e3:>8.1f} {count / middle / 1e6:>6.1f}")


if __name__ == "__main__":
    main()
