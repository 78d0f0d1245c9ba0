; Y = silu(X), element by element: f32, or (F16 = 1) f16.
;
; The idea. x / (1 + exp(-x)): the reciprocal is the square of rsqrt. A pass through the VXM is four ALUs deep, so
; there are two passes for f32 and three for f16, which needs casts; each runs right behind the one before, on
; ALUs of its own. What a later pass wants of the operand is written to memory on the way: it cannot be read twice
; at a time. Each of two pipelines has two rows of ALUs that share stream groups; f16 uses all sixteen ALUs.
;
; Contract
;   shapes  N elements, as vectors of 320: X, Y [V, 320], V = 8 · ⌈N / 2560⌉
;   error   f16: one unit in the last place of the correctly rounded result; f32: 5 · 2⁻²³ of it, and 2⁻¹²⁶ · |x|
;   cycles  at most V / 2 + 110 for f32, V / 2 + 160 for f16
.target tsp1
.param N = 20480
.param F16 = 0

.include "unary.s"

.temp D : f32 [V, LANES] at mem.e[0..15]
.if F16
    .temp S : f32 [V, LANES] at mem.e[16..31] banks run 1
    .temp C : f32 [V, LANES] at mem.w[16..31]  ; x in f32
.else
    .temp C : f32 [V, LANES] at mem.e[16..31]  ; −x
.endif

.for p in 0..2
    .if F16
        flow below_{p}:
            read     X[p : V : 2, :] -> sg2.e[8 * p]
            cast.f32 sg2.e[8 * p] -> %x, sg4.w[4 * p] @alu{8 * p}
            neg      %x -> %n @alu{8 * p + 1}
            exp      %n -> %e @alu{8 * p + 2}
            add      %e, 1.0 -> sg4.e[4 * p + 1] @alu{8 * p + 3}
            write    sg4.w[4 * p] -> C[p : V : 2, :]
            write    sg4.e[4 * p + 1] -> D[p : V : 2, :]
        flow sigmoid_{p}:
            read  D[p : V : 2, :] -> sg4.w[4 * p + 2]
            rsqrt sg4.w[4 * p + 2] -> %q @alu{8 * p + 5}
            mul   %q, %q -> sg4.e[4 * p + 2] @alu{8 * p + 6}
            write sg4.e[4 * p + 2] -> S[p : V : 2, :]
        flow product_{p}:
            read     S[p : V : 2, :] -> sg4.w[4 * p + 3]
            read     C[p : V : 2, :] -> sg4.e[4 * p + 2]
            mul      sg4.w[4 * p + 3], sg4.e[4 * p + 2] -> %y @alu{8 * p + 4}
            cast.f16 %y -> sg2.w[8 * p + 4] @alu{8 * p + 7}
            write    sg2.w[8 * p + 4] -> Y[p : V : 2, :]
    .else
        flow root_{p}:
            read  X[p : V : 2, :] -> sg4.e[4 * p + 2]
            neg   sg4.e[4 * p + 2] -> %n, sg4.e[4 * p + 3] @alu{8 * p + 4}
            exp   %n -> %e @alu{8 * p + 5}
            add   %e, 1.0 -> %d @alu{8 * p + 6}
            rsqrt %d -> sg4.e[4 * p + 2] @alu{8 * p + 7}
            write sg4.e[4 * p + 3] -> C[p : V : 2, :]
            write sg4.e[4 * p + 2] -> D[p : V : 2, :]
        flow product_{p}:
            read  D[p : V : 2, :] -> sg4.w[4 * p]
            mul   sg4.w[4 * p], sg4.w[4 * p] -> %s @alu{8 * p}
            read  C[p : V : 2, :] -> sg4.w[4 * p + 1]
            mul   %s, sg4.w[4 * p + 1] -> %m @alu{8 * p + 1}
            neg   %m -> sg4.w[4 * p] @alu{8 * p + 2}
            write sg4.w[4 * p] -> Y[p : V : 2, :]
    .endif
.endfor
