; Z = X · scale: X i8, Z f32, or (F16 = 1) f16.
;
; The idea. A cast and a multiplication make an f32: eight vectors a cycle on all sixteen ALUs, two in each row, where
; the cast stands on a large ALU and the multiplication beside it. An f16 is cast again: four vectors a cycle, one in
; each row. See scaled.s for what lies where.
;
; Contract
;   shapes  X, Z [O · T · RP, 320], scale [rows or tiles, 320]; RP = 8 · ⌈R / 8⌉. At most 32,768 vectors and 2,048 tiles
;           O · T; with scales of rows RP at most 16,384
;   error   f32: rounded once; f16: the product in f32, rounded again
;   cycles  at most O · T · (max(RP, 16) / P + 1) + 160, P = 8, or 4 for f16; for scales of rows RP / 4 + 60
;           more, for others 3 a vector
.target tsp1

.macro declare
    .if SR
        .input scale : f32 [SV, LANES] at mem.e[28..43] bank 1
    .else
        .input scale : f32 [SV, LANES] at mem.e[40..43]
    .endif
    .input X : i8 [O * T * RP, LANES] at mem.w[0..7] bank 0
    .if F16
        .output Z : f16 [O * T * RP, LANES] at mem.w[0..15] bank 1
    .else
        .output Z : f32 [O * T * RP, LANES] at mem.w[0..31] bank 1
    .endif
.endm
.macro every
    read scale -> sg16.e[0]
.endm
.macro one v, to
    read scale[v, :] -> to
.endm

; Large: columns 0 and 2 of rows 0 and 2, 1 and 3 of rows 1 and 3. In odd rows the second pipeline leads from column
; 3 to column 0.
.macro full o, t, p
    .equ ROW = 4 * (p / 2)
    .equ FROM = 2 * (p % 2) + p / 2 % 2
    .equ TO = (FROM + 1) % 4
    fetch    o, t, p, sg1.e[4 * p], sg4.w[p ^ 1]
    cast.f32 sg1.e[4 * p] -> %x @alu{ROW + FROM}
    mul      %x, sg4.w[p ^ 1] -> sg4.w[p] @alu{ROW + TO}
    result   o, t, p, sg4.w[p]
.endm

.macro half o, t, p
    fetch    o, t, p, sg1.e[8 * p], sg4.w[2 * p + 1]
    cast.f32 sg1.e[8 * p] -> %x @alu{4 * p + p % 2}
    mul      %x, sg4.w[2 * p + 1] -> %y @alu{4 * p + p % 2 + 1}
    cast.f16 %y -> sg2.w[4 * p] @alu{4 * p + p % 2 + 2}
    result   o, t, p, sg2.w[4 * p]
.endm

.include "scaled.s"
