; Y = relu(X), element by element: f32, or (F16 = 1) f16.
;
; The idea. An f32 takes one ALU: eight vectors a cycle fill the eight stream groups from the west, and the
; results turn back on the groups of the same index. The VXM computes in f32, so an f16 is cast, compared and cast
; back: three ALUs in successive columns of a row, a vector a cycle in each of the four rows.
;
; Contract
;   shapes  N elements, as vectors of 320: X, Y [V, 320], V = 8 · ⌈N / 2560⌉
;   error   none; −0 gives +0 and a NaN gives a NaN
;   cycles  at most V / 8 + 70 for f32, V / 4 + 70 for f16
.target tsp1
.param N = 20480
.param F16 = 0

.include "unary.s"

.if F16
    ; Casts need a large ALU: the even columns of rows 0 and 2, the odd ones of rows 1 and 3.
    .for p in 0..4
        flow relu_{p}:
            read     X[p : V : 4, :] -> sg2.e[4 * p]
            cast.f32 sg2.e[4 * p] -> %x @alu{4 * p + p % 2}
            relu     %x -> %y @alu{4 * p + p % 2 + 1}
            cast.f16 %y -> sg2.w[4 * p] @alu{4 * p + p % 2 + 2}
            write    sg2.w[4 * p] -> Y[p : V : 4, :]
    .endfor
.else
    .for g in 0..8
        flow relu_{g}:
            read  X[g : V : 8, :] -> sg4.e[g]
            relu  sg4.e[g] -> sg4.w[g] @alu{4 * (g / 2) + g % 2}
            write sg4.w[g] -> Y[g : V : 8, :]
    .endfor
.endif
