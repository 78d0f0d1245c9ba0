; Y = activation(x · Wᵀ + bias): i8 → i32, i8 with a scale → i8, or f16 → f16, for any sizes that fit.
;
; The idea. The sums are those of matmul.s, in C. What follows is written after all products, so it never keeps them
; waiting; it goes where there is room, which is while the planes begin a tile column: then they only write C. The
; sums of the east and of the west hemisphere pass the VXM at the same time, in rows 2 and 3 of the ALUs, four ALUs
; deep: that takes bias, relu and the cast to f16, or requantising (to f32, times scale, to i8) after either of bias
; and relu. All that is more goes to S first, a column at a time, and on from there in rows 0 and 1: requantising
; after both, silu as z / (1 + exp(-z)), and gelu in its tanh form as z / (1 + exp(k z (z² + c))), where the
; reciprocal is the square of rsqrt. The bias, one vector a column, is copied to both sides and read again and again.
;
; Contract
;   shapes  x as A of matmul.s, w as W; bias [tiles, 320] i32 or f16; Y as C, i32, i8 or f16
;   error   i8: none before the scale; then one rounding to f32, one of the product, one to i8 (ties to even).
;           f16: the sums' of matmul.s and one rounding of the bias' addition, through the activation; then less
;           than a unit in the last place of Y
;   cycles  at most those of matmul.s, and DEEP · (TN + 1) · TM + 200 more, DEEP = ½ for one pass, else 2 (see below)
.target tsp1
.param M = 512
.param K = 1280
.param N = 640
.param F16 = 0
.param BIAS = 0        ; 1: there is one
.param ACTIVATION = 0  ; 0 none, 1 relu, 2 gelu, 3 silu
.param REQUANT = 0     ; 1: i8 out
.param scale = 1.0

.equ B = 1
.equ RELU = ACTIVATION == 1
.equ SMOOTH = ACTIVATION > 1  ; gelu or silu
.equ AGAIN = SMOOTH || (REQUANT && BIAS && RELU)

.macro declare
    .if F16 && BIAS
        .input bias : f16 [TN, LANES] at mem.w[36..37]
        .temp  BE : f32 [TN, LANES] at mem.e[36..39]
        .temp  BW : f32 [TN, LANES] at mem.w[28..31]
        flow bias:
            read     bias -> sg2.e[10]
            cast.f32 sg2.e[10] -> sg4.e[5], sg4.w[5] @alu5
            write    sg4.e[5] -> BE
            write    sg4.w[5] -> BW
    .elif BIAS
        .input bias : i32 [TN, LANES] at mem.w[36..39]
        .temp  BE : i32 [TN, LANES] at mem.e[36..39]
        .temp  BW : i32 [TN, LANES] at mem.w[28..31]
        flow bias:
            read  bias -> sg4.e[5]
            write sg4.e[5] -> BW
            write sg4.e[5] -> BE
    .endif

    .equ Y_ROWS = TILES ? M * TN : M
    .equ Y_TILE = TILES ? M * TN : TM
    .equ Y_COLUMNS = TILES ? LANES : N
    .if F16
        .output Y : f16 [Y_ROWS, Y_COLUMNS] at mem.e[16..19] mem.e[24..27] tile Y_TILE x 320
    .elif REQUANT
        .output Y : i8 [Y_ROWS, Y_COLUMNS] at mem.e[16..19] tile Y_TILE x 320
    .else
        .output Y : i32 [Y_ROWS, Y_COLUMNS] at mem.e[16..31] tile Y_TILE x 320
    .endif

    .equ SR = 4 * ceil_div(M, 4)  ; rows of a column
    .if F16
        .temp S : f32 [SR, LANES] at mem.e[20..23] mem.e[28..31]
        .temp D : f32 [SR, LANES] at mem.w[24..27] banks run 1
        .temp X : f32 [SR, LANES] at mem.w[20..23] banks run 1
        .temp G : f32 [SR, LANES] at mem.e[36..39] banks run 1
    .elif AGAIN
        .temp S : i32 [SR, LANES] at mem.e[20..23] mem.e[28..31]
    .endif
.endm

; First pass: sums of one side, with the bias, as far as four ALUs in a row lead.
.macro first n, side, part, count, from, to, in, b, wide, half, byte, a0, a1, a2, a3
    flow first_{n}_{side}_{part}:
        read from -> in
        .if BIAS
            .if side
                read BW[n, :] -> b repeat count step 0
            .else
                read BE[n, :] -> b repeat count step 0
            .endif
        .endif
        .if AGAIN || (!F16 && !REQUANT)
            .if BIAS && RELU
                add  in, b -> %t @alu{a0}
                relu %t -> wide @alu{a1}
            .elif BIAS
                add in, b -> wide @alu{a0}
            .elif RELU
                relu in -> wide @alu{a0}
            .else
                identity in -> wide @alu{a0}
            .endif
            write wide -> to
        .elif F16
            .if BIAS && RELU
                add      in, b -> %t @alu{a0}
                relu     %t -> %z @alu{a1}
                cast.f16 %z -> half @alu{a3}
            .elif BIAS
                add      in, b -> %z @alu{a0}
                cast.f16 %z -> half @alu{a3}
            .elif RELU
                relu     in -> %z @alu{a0}
                cast.f16 %z -> half @alu{a3}
            .else
                cast.f16 in -> half @alu{a3}
            .endif
            write half -> to
        .else
            .if BIAS
                add      in, b -> %z @alu{a0}
                cast.f32 %z -> %f @alu{a1}
            .elif RELU
                relu     in -> %z @alu{a0}
                cast.f32 %z -> %f @alu{a1}
            .else
                cast.f32 in -> %f @alu{a1}
            .endif
            mul         %f, scale -> %y @alu{a2}
            cast.i8.sat %y -> byte @alu{a3}
            write       byte -> to
        .endif
.endm

.macro east n, part, count, from, to
    first n, 0, part, count, from, to, sg4.w[4], sg4.w[6], sg4.e[5], sg2.e[9], s18.e, 11, 10, 9, 8
.endm
.macro west n, part, count, from, to
    first n, 1, part, count, from, to, sg4.e[6], sg4.e[7], sg4.e[7], sg2.e[14], s28.e, 12, 13, 14, 15
.endm

; What is left to do for `rows` rows of S.
.macro second n, rows, to
    .if REQUANT
        flow requantise_{n}:
            read        S[0 : rows, :] -> sg4.w[5]
            cast.f32    sg4.w[5] -> %f @alu5
            mul         %f, scale -> %y @alu6
            cast.i8.sat %y -> s20.e @alu7
            write       s20.e -> to
    .elif ACTIVATION == 3
        flow silu_{n}:
            read     S[0 : rows, :] -> sg4.w[5]
            identity sg4.w[5] -> sg4.w[7] @alu8
            neg      sg4.w[5] -> %n @alu4
            exp      %n -> %e @alu5
            add      %e, 1.0 -> %d @alu6
            rsqrt    %d -> sg4.w[5] @alu7
            write    sg4.w[7] -> X[0 : rows, :]
            write    sg4.w[5] -> D[0 : rows, :]
        flow product_{n}:
            read     D[0 : rows, :] -> sg4.e[5]
            mul      sg4.e[5], sg4.e[5] -> %s @alu9
            read     X[0 : rows, :] -> sg4.e[0]
            mul      %s, sg4.e[0] -> %y @alu14
            cast.f16 %y -> sg2.e[14] @alu15
            write    sg2.e[14] -> to
    .else
        flow power_{n}:
            read     S[0 : rows, :] -> sg4.w[5]
            mul      sg4.w[5], sg4.w[5] -> %s @alu4
            identity sg4.w[5] -> %w, sg4.w[7] @alu8
            add      %s, 22.363860002236386 -> %a @alu5
            mul      %w, -0.07135481627159997 -> %b @alu9
            mul      %a, %b -> %r @alu6
            exp      %r -> sg4.w[5] @alu7
            write    sg4.w[7] -> X[0 : rows, :]
            write    sg4.w[5] -> D[0 : rows, :]
        flow sigmoid_{n}:
            read  D[0 : rows, :] -> sg4.e[3]
            add   sg4.e[3], 1.0 -> %d @alu1
            rsqrt %d -> %q @alu2
            mul   %q, %q -> sg4.e[7] @alu15
            write sg4.e[7] -> G[0 : rows, :]
        flow product_{n}:
            read     G[0 : rows, :] -> sg4.w[7]
            read     X[0 : rows, :] -> sg4.e[0]
            mul      sg4.w[7], sg4.e[0] -> %y @alu13
            cast.f16 %y -> sg2.e[14] @alu10
            write    sg2.e[14] -> to
    .endif
.endm

.macro epilogue b, n
    .if TILES
        .if !F16 && TK == 1 && n % 4 < 2
            .if AGAIN
                east n, 0, M, C[:, n, :], S[0 : M, :]
            .else
                east n, 0, M, C[:, n, :], Y[n : M * TN : TN, :]
            .endif
        .elif AGAIN
            west n, 0, M, C[:, n, :], S[0 : M, :]
        .else
            west n, 0, M, C[:, n, :], Y[n : M * TN : TN, :]
        .endif
        .if AGAIN
            second n, M, Y[n : M * TN : TN, :]
        .endif
    .else
        .equ STEP = F16 ? 2 : 4  ; rows that lie in the same hemisphere, in the same groups
        .for j in 0..STEP / 2
            .if AGAIN
                east n, j, TM / STEP, C[j : TM : STEP, LANES * n : +LANES], S[j : TM : STEP, :]
                west n, j, TM / STEP, C[STEP - 1 - j : TM : STEP, LANES * n : +LANES], S[STEP - 1 - j : TM : STEP, :]
            .else
                east n, j, TM / STEP, C[j : TM : STEP, LANES * n : +LANES], Y[j : TM : STEP, LANES * n : +LANES]
                west n, j, TM / STEP, C[STEP - 1 - j : TM : STEP, LANES * n : +LANES], \
                    Y[STEP - 1 - j : TM : STEP, LANES * n : +LANES]
            .endif
        .endfor
        .if AGAIN
            second n, TM, Y[0 : TM, LANES * n : +LANES]
        .endif
    .endif
.endm

.include "product.s"
