; Y = sigmoid(X), element by element: f32, or (F16 = 1) f16.
;
; The idea. A pass through the VXM is four ALUs deep, so longer expressions go through memory in between; the
; second pass runs right behind the first, on ALUs of its own. f16: (1 + tanh(x / 2)) / 2, exact enough for 11
; bits. f32: 1 / (1 + exp(-x)), since the other form loses its digits for negative x; a reciprocal is the square
; of rsqrt. Each of two pipelines has two rows of ALUs that share stream groups.
;
; Contract
;   shapes  N elements, as vectors of 320: X, Y [V, 320], V = 8 · ⌈N / 2560⌉
;   error   f16: one unit in the last place of the correctly rounded result; f32: 4 · 2⁻²³ of it, and 2⁻¹²⁶
;   cycles  at most V / 2 + 110 for f32, V / 2 + 110 for f16
.target tsp1
.param N = 20480
.param F16 = 0

.include "unary.s"

.temp D : f32 [V, LANES] at mem.e[0..15]

.for p in 0..2
    .if F16
        flow half_{p}:
            read     X[p : V : 2, :] -> sg2.e[8 * p]
            cast.f32 sg2.e[8 * p] -> %x @alu{8 * p}
            mul      %x, 0.5 -> %h @alu{8 * p + 1}
            tanh     %h -> %t @alu{8 * p + 2}
            mul      %t, 0.5 -> sg4.e[4 * p + 1] @alu{8 * p + 3}
            write    sg4.e[4 * p + 1] -> D[p : V : 2, :]
        flow whole_{p}:
            read     D[p : V : 2, :] -> sg4.w[4 * p + 2]
            add      sg4.w[4 * p + 2], 0.5 -> %y @alu{8 * p + 6}
            cast.f16 %y -> sg2.w[8 * p + 4] @alu{8 * p + 7}
            write    sg2.w[8 * p + 4] -> Y[p : V : 2, :]
    .else
        flow root_{p}:
            read  X[p : V : 2, :] -> sg4.e[4 * p + 2]
            neg   sg4.e[4 * p + 2] -> %n @alu{8 * p + 4}
            exp   %n -> %e @alu{8 * p + 5}
            add   %e, 1.0 -> %d @alu{8 * p + 6}
            rsqrt %d -> sg4.e[4 * p + 2] @alu{8 * p + 7}
            write sg4.e[4 * p + 2] -> D[p : V : 2, :]
        flow square_{p}:
            read  D[p : V : 2, :] -> sg4.w[4 * p]
            mul   sg4.w[4 * p], sg4.w[4 * p] -> sg4.w[4 * p + 1] @alu{8 * p}
            write sg4.w[4 * p + 1] -> Y[p : V : 2, :]
    .endif
.endfor
