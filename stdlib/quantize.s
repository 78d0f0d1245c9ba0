; Z = the i8 nearest to X / scale, ties to even, saturated: X f32, or (F16 = 1) f16.
;
; The idea. The reciprocals of the scales, squares of rsqrt, are made once, those of rows four a cycle on their way to
; the SXM; then an f32 takes a multiplication and a cast: eight vectors a cycle on all sixteen ALUs, two in each row,
; where the cast stands on a large ALU, behind the multiplication in whichever way along the columns that leads. An
; f16 is cast before: four vectors a cycle, one in each row. See scaled.s for what lies where.
;
; Contract
;   shapes  X, Z [O · T · RP, 320], scale [rows or tiles, 320]; RP = 8 · ⌈R / 8⌉. At most 32,768 vectors and 2,048 tiles
;           O · T; with scales of rows RP at most 16,384
;   error   a result is the nearest i8 of some number within 4 · 2⁻²⁴ of X / scale, so it may differ by one where X / scale
;           is as near as that to the middle of two; scales are positive and normal
;   cycles  at most O · T · (max(RP, 16) / P + 1) + 160, P = 8, or 4 for f16; for scales of rows RP / 4 + 60
;           more, for others 3 a vector
.target tsp1

.macro declare
    .input scale : f32 [SV, LANES] at mem.e[28..43] bank 1
    .if F16
        .input X : f16 [O * T * RP, LANES] at mem.w[0..15] bank 0
    .else
        .input X : f32 [O * T * RP, LANES] at mem.w[0..31] bank 0
    .endif
    .output Z : i8 [O * T * RP, LANES] at mem.w[0..7] bank 1
    .if !SR
        .temp inverse : f32 [SV, LANES] at mem.e[32..35]
        flow reciprocal:
            read  scale -> sg4.w[2]
            rsqrt sg4.w[2] -> %q @alu5
            mul   %q, %q -> sg4.e[2] @alu6
            write sg4.e[2] -> inverse
    .endif
.endm
.macro every
    read  scale -> sg16.w[0]
    rsqrt sg4.w[0] -> %q0 @alu13
    mul   %q0, %q0 -> sg4.e[0] @alu14
    rsqrt sg4.w[1] -> %q1 @alu15
    mul   %q1, %q1 -> sg4.e[1] @alu12
    rsqrt sg4.w[2] -> %q2 @alu5
    mul   %q2, %q2 -> sg4.e[2] @alu6
    rsqrt sg4.w[3] -> %q3 @alu7
    mul   %q3, %q3 -> sg4.e[3] @alu4
.endm
.macro one v, to
    read inverse[v, :] -> to
.endm

; Large: columns 0 and 2 of rows 0 and 2, 1 and 3 of rows 1 and 3. In even rows the second pipeline leads from column
; 3 to column 0.
.macro full o, t, p
    .equ ROW = 4 * (p / 2)
    .equ ODD = p / 2 % 2
    .equ FROM = ODD ? 2 * (p % 2) : 1 + 2 * (p % 2)
    .equ TO = ODD ? FROM + 1 : (p % 2 ? 0 : 2)
    fetch       o, t, p, sg4.e[p], sg4.w[p ^ 1]
    mul         sg4.e[p], sg4.w[p ^ 1] -> %y @alu{ROW + FROM}
    cast.i8.sat %y -> sg1.w[4 * p] @alu{ROW + TO}
    result      o, t, p, sg1.w[4 * p]
.endm

.macro half o, t, p
    fetch       o, t, p, sg2.e[4 * p], sg4.w[2 * p + 1]
    cast.f32    sg2.e[4 * p] -> %x @alu{4 * p + p % 2}
    mul         %x, sg4.w[2 * p + 1] -> %y @alu{4 * p + p % 2 + 1}
    cast.i8.sat %y -> sg1.w[8 * p] @alu{4 * p + p % 2 + 2}
    result      o, t, p, sg1.w[8 * p]
.endm

.include "scaled.s"
