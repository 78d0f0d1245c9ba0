"""Texts that the tests of the front end share."""

from __future__ import annotations

import random
from pathlib import Path

SCALAR = """\
; 矩阵乘法
ld r0, [n]
mov r3, 0
loop_i:
mov r5, 0
loop_k:
ld r8, [A + r4 * m + r7]
mul r10, r8, r9
jlt loop_k
st [C + r4 * k + r5], r6   ; 将结果存储到 C
jlt loop_i
"""

FLOWS = """\
; C[M,320] = A[M,320] · W[320,320]ᵀ
.target tsp1
.param  M = 320

.input  A : i8 [M, 320]    at mem.w0             ; a row a vector
.weight W : i8 [320, 320]  at mem.e[28..43]
.output C : i32[M, 320]    at mem.e[40..43] mem.w[0..3] bank 1 address 0x20 tile 576x320 banks run 2
.const  K : f32 [2] at mem.w1 = 1.5, -2
.const  E : i8 [4, 4] at mem.w3 = for i, j: i == j ? 1 : -M

flow install:
    read  W -> sg16.e[0]                  ; 16 slices
    lw    mxm.e0 mxm.e1, sg16.e[0]
    iw    mxm.e0

flow multiply after install + 8 - 2*M:
    read  A[i2 ? 1 : 0, 320*M/320 : +320] -> s16.e  repeat 512 step -1
    acc   mxm.e0, sg4.e[2] -> sg4.w[0] low8 half 1
    sub.f32.sat sg4.w[2], latch -> %d  @alu4 keep 1
    write ? -> C
""".replace("i2 ? 1 : 0", "1")

SCHEDULE = """\
.equ T0 = 2 * (3 + 4)
.macro pair at, dst = s5.e, n=4
    read at -> dst repeat n
%%here:
    nop %%here
.endm
.unit mem.w17
    45:   read   0x0010 -> s5.e    repeat 320
    T0 + 400:  write  s9.w -> mem.w17[0x1010]    repeat 64 every 2 step 4 repeat 2
    .for i in 0..3
    T0*i - 1 : nop 0b1_0 // {i}
    .endfor
.queue mem.w18
.for i in 0 .. 4 step 2
    .if i == 0 && !(i > 3)
    pair 16, n = 2
    .elif i % 2 == 1 || i >> 1
    nop 0o17
    .else
    nop min(1, 2), abs(-3)
    .endif
    nop_{i + 1} s{i}.e, sg4.w[i], mem.w{i}
.endfor
"""

NAMES = """\
.param F16 = 1
.equ TYPE = F16 ? f16 : f32
.equ PLACES = mem.w[0..3] mem.e[0 .. 3]
.def side(i) = i % 2 ? w : e
.def way(i, k) = sg2.{side(i)}[k + 1]
.macro pair name, type=TYPE, at = (PLACES, mem.w[4..7]), ways=(way(0, 1), way(1, 2), s5.e)
    .input {name}_0 : type [8, 320] at at[0] mem.w[8..11]
    .output {name}_1 : type [8, 320] at (at[1], mem.e[4..7]), at[2] bank F16
    flow move_{name}:
        read {name}_0[2:6, :] -> ways[0]
        write ways[0] -> {name}_1[1 + side_of(3) : +4, :]
.endm
.def side_of(i) = i > 2 ? side_of(i - 2) : abs(i)
pair A
pair B, i8, at=mem.w12 mem.e12 mem.e13, ways = (s1.e, s2.{side(2)})
"""

ALL = (SCALAR, FLOWS, SCHEDULE, NAMES)
KNOWN = Path(__file__).parents[1] / "examples" / "01_matmul_scalar.s"


def mutated(text: str, seed: int, count: int = 3) -> str:
    """``text`` after some random edits."""
    rng = random.Random(seed)
    alphabet = 'ab r1 s5.e[](){}+-*/%&|^~!<>=?:;,."\\\n\t@#$0x9é矩_'
    for _ in range(rng.randint(1, count)):
        i = rng.randrange(len(text) + 1)
        match rng.randrange(4):
            case 0:
                text = text[:i] + text[i + 1 :]
            case 1:
                text = text[:i] + rng.choice(alphabet) + text[i:]
            case 2:
                j = rng.randrange(len(text) + 1)
                text = text[:i] + text[min(i, j) : max(i, j)][:40] + text[i:]
            case _:
                text = text[:i] + rng.choice(alphabet) + text[i + 1 :]
    return text
