; Y = tanh(X), element by element: f32, or (F16 = 1) f16.
;
; The idea. tanh runs on the eight large ALUs, two in each row: eight vectors of f32 a cycle, which fill the eight
; stream groups from the west and turn back on those of the same index. An f16 is cast, and cast back, which takes
; large ALUs too: two pipelines of three of them, each in two rows that share stream groups, zigzag through
; columns 0, 1 and 2.
;
; Contract
;   shapes  N elements, as vectors of 320: X, Y [V, 320], V = 8 · ⌈N / 2560⌉
;   error   f32: 0.51 of a unit in the last place; f16: one unit in the last place of the correctly rounded result
;   cycles  at most V / 8 + 70 for f32, V / 2 + 70 for f16
.target tsp1
.param N = 20480
.param F16 = 0

.include "unary.s"

.if F16
    .for p in 0..2
        flow tanh_{p}:
            read     X[p : V : 2, :] -> sg2.e[8 * p + 4]
            cast.f32 sg2.e[8 * p + 4] -> %x @alu{8 * p}
            tanh     %x -> %y @alu{8 * p + 5}
            cast.f16 %y -> sg2.w[8 * p + 4] @alu{8 * p + 2}
            write    sg2.w[8 * p + 4] -> Y[p : V : 2, :]
    .endfor
.else
    ; Large: columns 0 and 2 of rows 0 and 2, 1 and 3 of rows 1 and 3.
    .for g in 0..8
        flow tanh_{g}:
            read  X[g : V : 8, :] -> sg4.e[g]
            tanh  sg4.e[g] -> sg4.w[g] @alu{4 * (g / 2) + 2 * (g % 2) + g / 2 % 2}
            write sg4.w[g] -> Y[g : V : 8, :]
    .endfor
.endif
