"""How long placement takes: programs of flows, twice as many each time.

    python bench/placement.py [FLOWS]       up to that many flows, 20,000 if none are named

`tiles` is the work of a matrix kernel on all four planes: weights loaded and installed while the tile before computes,
some two hundred dispatches a flow. `small` is many short flows that all want the same ALU. `mixed` are short flows of
different lengths, which leave holes between each other. Times are the processor's: of the pass that lowers and places,
and of the whole build.
"""

from __future__ import annotations

import sys
import time

from lpuasm.asm import lower
from lpuasm.asm.build import assemble
from lpuasm.asm.constants import Files
from lpuasm.asm.draft import Draft
from lpuasm.asm.expand import expand
from lpuasm.asm.placing import flows
from lpuasm.asm.problems import Problems
from lpuasm.isa.target import load_target

TILES = """
.target tsp1
.param N = 1
.input  A : i8  [48 * 160, 320]  at mem.e[28..29] mem.w[28..29]
.weight W : i8  [320, 320]       at mem.e[0..15]
.output C : i32 [48 * 160, 320]  at mem.e[40..43] mem.e[32..35] mem.w[40..43] mem.w[32..35]  banks run 2
.macro multiply n, p, plane, row, sum
flow multiply_{n}_{p}:
    read  A[192*(n % 39) + p : +192 : 4, :] -> row
    abc   plane, row
    acc   plane -> sum
    write sum -> C[192*(n % 39) + p : +192 : 4, :]
.endm
.for n in 0..N
flow load_e_{n}:
    read W -> sg16.e[0]
    lw   mxm.e0 mxm.e1, sg16.e[0]
flow load_w_{n}:
    read W -> sg16.w[0]
    lw   mxm.w0 mxm.w1, sg16.w[0]
flow install_e0_{n}:
    iw mxm.e0
flow install_e1_{n}:
    iw mxm.e1
flow install_w0_{n}:
    iw mxm.w0
flow install_w1_{n}:
    iw mxm.w1
    multiply n, 0, mxm.e0, s16.e, sg4.w[0]
    multiply n, 1, mxm.e1, s17.e, sg4.w[1]
    multiply n, 2, mxm.w0, s16.w, sg4.e[0]
    multiply n, 3, mxm.w1, s17.w, sg4.e[1]
.endfor
"""

SMALL = """
.target tsp1
.param N = 1
.input  A : i8 [4000, 320]  at mem.w0
.output C : i8 [4000, 320]  at mem.e0
.for n in 0..10*N
flow step_{n}:
    read  A[n % 4000 : +1, :] -> s0.e
    add   s0.e, 1 -> s1.e
    write s1.e -> C[n % 4000 : +1, :]
.endfor
"""

MIXED = """
.target tsp1
.param N = 1
.input  A : i8 [4000, 320]  at mem.w0
.input  B : i8 [4000, 320]  at mem.w4
.output C : i8 [4000, 320]  at mem.e0
.output D : i8 [4000, 320]  at mem.e4
.for n in 0..5*N
flow one_{n}:
    read  A[n % 100 : +1 + n % 7, :] -> s0.e  repeat 1 + n % 7  every 1 + n % 3
    add   s0.e, 1 -> s1.e
    write s1.e -> C[37 * n % 3900 : +1 + n % 7, :]
flow two_{n}:
    read  B[n % 100 : +1 + n % 11, :] -> s2.e  repeat 1 + n % 11  every 1 + n % 5
    add   s2.e, 1 -> s3.e  @alu0
    write s3.e -> D[41 * n % 3900 : +1 + n % 11, :]
.endfor
"""


def timed(text: str, turns: int) -> tuple[int, int, float, float]:
    """(flows, dispatches, seconds of placement, seconds of the whole build) for so many turns of the text's loop."""
    target = load_target("tsp1")
    begun = time.process_time()
    program = assemble(text, defines={"N": turns})
    whole = time.process_time() - begun
    source = expand(text, "bench.s", defines={"N": turns}, symbols_of=lambda _: target.symbols)
    draft = Draft(source, target, Files("bench.s", ()), {}, True, Problems())
    lower.tensors(draft)
    begun = time.process_time()
    flows(draft)
    return len(program.flows), int(program.timeline.issues.sum()), time.process_time() - begun, whole


def main(most: int) -> None:
    for name, text in (("tiles", TILES), ("small", SMALL), ("mixed", MIXED)):
        print(f"{name:<8} {'flows':>8} {'dispatches':>11} {'placement':>10} {'a flow':>9} {'build':>8}")
        count = max(most // 32, 10)
        while count <= most:
            number, dispatches, spent, whole = timed(text, count // 10)
            each = 1e6 * spent / number
            print(f"{'':<8} {number:>8,} {dispatches:>11,} {spent:>8.2f} s {each:>6.0f} µs {whole:>6.1f} s", flush=True)
            count *= 2


if __name__ == "__main__":
    main(100 if "--smoke" in sys.argv else int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
