"""How long a step back in time takes, at cycle one million: `python bench/debug.py`; `--smoke` for cycle 20,000.

The program reads, adds and writes a vector in every cycle, on the published chip. Figures: the rate of the run with
checkpoints and without, what the checkpoints take, and the slowest of a hundred steps back.
"""

from __future__ import annotations

import os
import sys
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from lpuasm.front import build
from lpuasm.vm.debug import Debugger
from lpuasm.vm.reference import Machine

#: A step back that takes longer than this many seconds is a failure.
LIMIT = 0.1
SOURCE = """\
.target tsp1
.param N = 1000
.input A : i8 [64, 320] at mem.w0
.output B : i8 [64, 320] at mem.e0
flow turn:
    read  mem.w0[0] -> s0.e    repeat 64 repeat N every 64 step 0
    add.i8 s0.e, 1 -> s4.e
    write s4.e -> mem.e0[0]    repeat 64 repeat N every 64 step 0
"""


def main(cycles: int) -> int:
    program = build(text=SOURCE, defines={"N": -(-cycles // 64)})
    inputs = {"A": np.arange(64 * 320, dtype=np.uint32).astype(np.int8).reshape(64, 320)}
    plain = Machine(program, inputs)
    began = time.perf_counter()
    plain.run(until=min(cycles, 20_000))
    rate = plain.cycle / (time.perf_counter() - began)
    debugger = Debugger(program, inputs)
    began = time.perf_counter()
    debugger.goto(cycles)
    seconds = time.perf_counter() - began
    kept, size = debugger.checkpoints
    print(f"{cycles:,} cycles in {seconds:.1f} s: {cycles / seconds:,.0f} a second, {rate:,.0f} without checkpoints")
    print(f"{kept} checkpoints, {size / 1e6:,.0f} MB")
    times = []
    for _ in range(100):
        began = time.perf_counter()
        debugger.back()
        times.append(time.perf_counter() - began)
    assert debugger.cycle == cycles - 100
    print(f"back one cycle: {1e3 * max(times):.1f} ms at most, {1e3 * float(np.median(times)):.1f} ms mostly")
    began = time.perf_counter()
    debugger.goto(cycles // 3)
    print(f"back to cycle {cycles // 3:,}: {time.perf_counter() - began:.2f} s")
    return int(max(times) > LIMIT)


if __name__ == "__main__":
    sys.exit(main(20_000 if "--smoke" in sys.argv else 1_000_000))
