; Y = activation(x · Wᵀ + bias): i8 → i32, i8 with a scale → i8, or f16 → f16, for any sizes that fit.
;
; The idea. The sums are those of matmul.s, but they begin with the bias, which ACC adds like any sum so far: a vector
; a column, copied to both sides and read again and again. For many rows the last sums, those of the last tile of
; weights down a column, do not go to memory: they lead on to the VXM, each plane's through ALUs of its own, and what
; comes out is written to the slices next to the VXM, before the streams fill with weights. So relu, requantising (to
; f32, times scale, to i8) and the cast to f16 take no time of their own. More than four ALUs deep are
; silu, z / (1 + exp(-z)), in two passes, and the tanh form of gelu, z / (1 + exp(k z (z² + c))), in three; the
; reciprocal is the square of rsqrt. The first pass takes the sums as they come, on up to twelve ALUs; it leaves z and
; a factor in memory for the next, which run behind it or, for gelu, which has not ALUs enough for that, after it.
; For few rows the sums of a column are added in the VXM first, and then read from there.
;
; The passes of gelu, silu and i8 want the ALUs that copy weights in matmul.s. They get them: tiles are read twice, and of
; i8, where rows are few, from two groups of slices in turn: one group is read for the east while the other is read for
; the west. f16 has not the slices for that; of few rows, where loading costs more than the passes, it copies tiles.
;
; What is above the floor: gelu of many rows ends M / 2 cycles after the last product, and silu 60 (7 % and 1 % of
; M = 512, K = 1280, N = 640). With one row, f16 and silu take 405 cycles, 49 (14 %) above a floor that is the chain of
; dependences: the loads stand 25 cycles apart, as in matmul.s, and not 20. gelu and silu with W of more than 16 slices:
; their values between passes leave W places in both hemispheres, which the two sides hear 42 cycles apart; below 122
; rows the planes wait for that: 23 % of M = 96, K = 640, N = 36,000.
;
; f16 with silu, M = 64, K = 1280, N = 1600, 1,672 of 1,435: 180 in which a value is waited for and 57 after the last one.
; Between one and 64 rows and for wide W the gap is larger: a column's passes are one after another at the end.
; f16 of 8 rows, K = 768, N = 32,000 takes 7,597 cycles of 4,240, with silu 10,003 of 4,632; of 17 rows and gelu, K = 640,
; N = 50,257, 24,284 of 11,387.
;
; Contract
;   shapes  x as A of matmul.s, w as W, or PAIRED in two groups of slices [⌈tiles/2⌉, 20, 2, 16, 320]; bias [columns, 320]
;           i32 or f16; Y i8, f16, or i32 after relu, in rows as C of matmul.s; without activation and scale C itself,
;           i32, is the result
;   error   i8: none before the scale; then one rounding to f32, one of the product, one to i8 (ties to even).
;           f16: the sums' of matmul.s and one rounding of the bias' addition, through the activation; then less
;           than a unit in the last place of Y
;   cycles  at most those of matmul.s and 2 · TN + 60; for gelu M / 2 + 200 more, for silu 60 more. ROWS, i8 with
;           a pass behind the sums: a tile takes 28 at least where S < 40, else as gelu and silu: where S < 84 and
;           S < 28 · TK, TN · (S + 60) more; else a tile takes 84 (i8: 48) at least, and 64 more if W takes more than 16
;           slices, some of them in the west
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
.equ GELU = ACTIVATION == 2
.equ SILU = ACTIVATION == 3
.equ SMOOTH = GELU || SILU
.equ INITIAL = BIAS
.equ ONWARD = GELU ? 3 : SILU ? 2 : F16 || RELU || REQUANT  ; passes behind the sums; 0: they are the result

.macro declare
    .equ WIDE = WIDE_W && !COPIED && !PAIRED  ; some weights lie in the west
    ; Slices that are not read while sums begin.
    .equ BE_AT = TILES ? 28 : WIDE ? 12 : 36
    .equ BW_AT = TILES ? 28 : WIDE ? 20 : 36
    .if F16 && BIAS
        .input bias : f16 [TN, LANES] at mem.w[40..41]
        .temp  BE : f32 [TN, LANES] at mem.e[BE_AT..BE_AT + 3]
        .temp  BW : f32 [TN, LANES] at mem.w[BW_AT..BW_AT + 3]
        flow bias:
            read     bias -> sg2.e[10]
            cast.f32 sg2.e[10] -> sg4.e[5], sg4.w[5] @alu5
            write    sg4.e[5] -> BE
            write    sg4.w[5] -> BW
    .elif BIAS && PAIRED && !TILES
        .input bias : i32 [TN, LANES] at mem.w[40..43]
        .temp  BE : i32 [TN, LANES] at mem.w[20..23]
        .temp  BW : i32 [TN, LANES] at mem.w[36..39]
        flow bias:
            read     bias -> sg4.e[5]
            identity sg4.e[5] -> sg4.w[5] @alu5
            write    sg4.w[5] -> BE
            write    sg4.w[5] -> BW
    .elif BIAS
        .input bias : i32 [TN, LANES] at mem.w[40..43]
        .temp  BE : i32 [TN, LANES] at mem.e[BE_AT..BE_AT + 3]
        .temp  BW : i32 [TN, LANES] at mem.w[BW_AT..BW_AT + 3]
        flow bias:
            read     bias -> sg4.e[5]
            identity sg4.e[5] -> sg4.e[5], sg4.w[5] @alu5
            write    sg4.e[5] -> BE
            write    sg4.w[5] -> BW
    .endif

    .if TILES && F16
        .temp C : f32 [M, COLUMNS, LANES] at mem.w[36..39]
    .elif F16
        .temp C : f32 [M, N] at mem.e[40..43] mem.w[40..43] mem.e[32..35] mem.w[32..35] tile TM x 320 banks run 1
    .elif TILES && TK > 1 && ONWARD
        .temp C : i32 [M, COLUMNS, LANES] at mem.w[36..39]
    .elif TILES && TK > 1
        .output C : i32 [M, COLUMNS, LANES] at mem.w[36..39]
    .elif TILES && ONWARD
        .temp C : i32 [M, 4 * ceil_div(COLUMNS, 4), LANES] at mem.e[40..43] mem.e[32..35] mem.w[40..43] mem.w[32..35]
    .elif TILES
        .output C : i32 [M, 4 * ceil_div(COLUMNS, 4), LANES] at mem.e[40..43] mem.e[32..35] mem.w[40..43] mem.w[32..35]
    .elif ONWARD
        .temp C : i32 [M, N] at mem.e[40..43] mem.e[32..35] mem.w[40..43] mem.w[32..35] tile TM x 320 banks run 2
    .else
        .output C : i32 [M, N] at mem.e[40..43] mem.e[32..35] mem.w[40..43] mem.w[32..35] tile TM x 320 banks run 2
    .endif

    .equ Y_ROWS = TILES ? M * TN : M
    .equ Y_TILE = TILES ? M * TN : TM
    .equ Y_COLUMNS = TILES ? LANES : N
    ; Where weights take all slices near the VXM in the east, results lie in the west; those of plane 2, which row 0 of the
    ; ALUs sends, beyond the weights: to the west go weights on its streams.
    .if F16 && WIDE_W && COPIED && !TILES
        .output Y : f16 [Y_ROWS, Y_COLUMNS] at mem.w[16..19] mem.w[24..27] tile Y_TILE x 320
    .elif F16
        .output Y : f16 [Y_ROWS, Y_COLUMNS] at mem.e[0..7] tile Y_TILE x 320
    .elif REQUANT && PAIRED && !TILES
        .output Y : i8 [Y_ROWS, Y_COLUMNS] at mem.w[16..17] mem.e[36] mem.w[18] tile Y_TILE x 320
    .elif REQUANT
        .output Y : i8 [Y_ROWS, Y_COLUMNS] at mem.e[0..3] tile Y_TILE x 320
    .elif RELU && PAIRED && !TILES
        .output Y : i32 [Y_ROWS, Y_COLUMNS] at mem.w[16..19] mem.w[24..27] mem.e[36..39] mem.w[28..31] tile Y_TILE x 320
    .elif RELU
        .output Y : i32 [Y_ROWS, Y_COLUMNS] at mem.e[0..15] tile Y_TILE x 320
    .endif

    ; What gelu and silu keep between passes, of even rows (0) and of odd ones (1): z or -z, and factors of it.
    .if TILES && SMOOTH
        .temp Z1 : f32 [M * TN, LANES] at mem.w[24..27]
        .temp D1 : f32 [M * TN, LANES] at mem.w[16..19]
        .temp G1 : f32 [M * TN, LANES] at mem.e[12..15]
    .elif SMOOTH
        .temp Z1 : f32 [TM / 2, LANES] at mem.w[24..27] banks run 1
        .temp D0 : f32 [TM / 2, LANES] at mem.e[8..11] banks run 1
        .temp D1 : f32 [TM / 2, LANES] at mem.w[16..19] banks run 1
        .if SILU
            .temp Z0 : f32 [TM / 2, LANES] at mem.e[12..15] banks run 1
        .else
            .temp Z0 : f32 [TM / 2, LANES] at mem.w[20..23] banks run 1
            .temp G0 : f32 [TM / 2, LANES] at mem.w[28..31] banks run 1
            .temp G1 : f32 [TM / 2, LANES] at mem.e[12..15] banks run 1
        .endif
    .endif
.endm

; What follows the sums of plane p of i8, on a row of ALUs; casts take large ones, which stand first in even rows. What
; comes out leaves on a stream (octet; of i32 quad) that carries no weights: in direction o, unless they are PAIRED and
; take half of both directions. The order of relu and a scale does not matter, but that a negative scale turns zero's side.
.def row_of(p) = p == 0 ? 1 : p == 1 ? 2 : p == 2 ? 0 : 3
.def stage(r, i) = 4 * r + (r % 2 ? 3 - i : i)
.def octet(p, o) = PAIRED && !TILES ? (p == 2 ? s12.e : s{p == 0 ? 18 : p == 1 ? 28 : 30}.w) : \
    s{8 + 16 * (p % 2) + 4 * (p / 2)}.{o}
.def quad(p, o) = PAIRED && !TILES ? (p == 2 ? sg4.e[3] : sg4.w[p == 3 ? 7 : 5 + p]) : sg4.{o}[2 + 4 * (p % 2) + p / 2]
.macro requantised r, in, out, to
    cast.f32 in -> %f @alu{stage(r, 0)}
    mul      %f, scale -> %s @alu{stage(r, 1)}
    .if RELU
        cast.i8.sat %s -> %y @alu{stage(r, 2)}
        .if scale < 0
            min.i8 %y, 0 -> out @alu{stage(r, 3)}
        .else
            max.i8 %y, 0 -> out @alu{stage(r, 3)}
        .endif
    .else
        cast.i8.sat %s -> out @alu{stage(r, 2)}
    .endif
    write out -> to
.endm
.macro integers p, in, o, to
    .if REQUANT
        requantised row_of(p), in, octet(p, o), to
    .else
        relu  in -> quad(p, o) @alu{4 * row_of(p)}
        write quad(p, o) -> to
    .endif
.endm

; What follows the sums of pair p of f16, the first pass where there are several; `at` and `past` are the rows kept.
.macro halves p, in, at, past, o, to
    .if ACTIVATION < 2
        .if RELU
            relu     in -> %z @alu{p ? 12 : 4}
            cast.f16 %z -> sg2.{o}[p ? 14 : 10] @alu{p ? 13 : 5}
        .else
            cast.f16 in -> sg2.{o}[p ? 14 : 10] @alu{p ? 13 : 5}
        .endif
        write sg2.{o}[p ? 14 : 10] -> to
    .elif SILU && p
        negated in, sg4.w[7], sg4.w[6], 12, 13, 14, 15
        write   sg4.w[7] -> Z1[at : past, :]
        write   sg4.w[6] -> D1[at : past, :]
    .elif SILU
        negated in, sg4.e[5], sg4.e[2], 4, 5, 6, 7
        write   sg4.e[5] -> Z0[at : past, :]
        write   sg4.e[2] -> D0[at : past, :]
    .elif p
        power in, sg4.w[7], sg4.w[6], 0, 12, 1, 13, 14, 15
        write sg4.w[7] -> Z1[at : past, :]
        write sg4.w[6] -> D1[at : past, :]
    .else
        power in, sg4.w[5], sg4.e[3], 4, 8, 5, 9, 6, 7
        write sg4.w[5] -> Z0[at : past, :]
        write sg4.e[3] -> D0[at : past, :]
    .endif
.endm
.macro negated in, z, d, a0, a1, a2, a3
    neg   in -> %n, z @alu{a0}
    exp   %n -> %e @alu{a1}
    add   %e, 1.0 -> %d @alu{a2}
    rsqrt %d -> d @alu{a3}
.endm
.macro power in, z, d, a0, b0, a1, b1, a2, a3
    mul      in, in -> %s @alu{a0}
    identity in -> %w, z @alu{b0}
    add      %s, 22.363860002236386 -> %a @alu{a1}
    mul      %w, -0.07135481627159997 -> %b @alu{b1}
    mul      %a, %b -> %r @alu{a2}
    exp      %r -> d @alu{a3}
.endm

; The passes behind it.
.macro silu_on n, p, d, z, d_in, z_in, out, to, a0, a1, a2, a3
    flow silu_{n}_{p}:
        read     d -> d_in
        mul      d_in, d_in -> %s @alu{a0}
        read     z -> z_in
        mul      %s, z_in -> %m @alu{a1}
        neg      %m -> %y @alu{a2}
        cast.f16 %y -> out @alu{a3}
        write    out -> to
.endm
.macro gelu_on n, p, d, z, g, d_in, g_out, g_in, z_in, out, to, a0, a1, a2, b0, b1
    flow sigmoid_{n}_{p}:
        read  d -> d_in
        add   d_in, 1.0 -> %d @alu{a0}
        rsqrt %d -> %q @alu{a1}
        mul   %q, %q -> g_out @alu{a2}
        write g_out -> g
    flow product_{n}_{p}:
        read     g -> g_in
        read     z -> z_in
        mul      g_in, z_in -> %y @alu{b0}
        cast.f16 %y -> out @alu{b1}
        write    out -> to
.endm

.macro rest n, p, at, past, to
    .if SILU && p
        silu_on n, 1, D1[at : past, :], Z1[at : past, :], sg4.e[2], sg4.e[3], sg2.e[2], to, 3, 2, 1, 0
    .elif SILU
        silu_on n, 0, D0[at : past, :], Z0[at : past, :], sg4.w[6], sg4.w[7], sg2.e[12], to, 11, 10, 9, 8
    .elif GELU && p
        gelu_on n, 1, D1[at : past, :], Z1[at : past, :], G1[at : past, :], \
            sg4.e[2], sg4.e[3], sg4.w[7], sg4.e[6], sg2.e[14], to, 1, 2, 3, 12, 13
    .elif GELU
        gelu_on n, 0, D0[at : past, :], Z0[at : past, :], G0[at : past, :], \
            sg4.w[6], sg4.w[6], sg4.e[3], sg4.e[5], sg2.e[10], to, 9, 10, 11, 4, 5
    .endif
.endm

.macro onward n, p, sum
    .if WIDE_W && COPIED
        onward_to n, p, sum, w
    .else
        onward_to n, p, sum, e
    .endif
.endm
.macro onward_to n, p, sum, o
    .if F16
        halves p, sum, 0, TM / 2, {o}, Y[p : TM : 2, LANES * n : +LANES]
    .else
        integers p, sum, {o}, Y[p : TM : 4, LANES * n : +LANES]
    .endif
.endm

.macro epilogue b, n
    .if TILES && ONWARD
        flow onward_{n}:
            .if F16
                read   C[:, n, :] -> sg4.e[1]
                halves 1, sg4.e[1], M * n, M * (n + 1), e, Y[n : M * TN : TN, :]
            .elif TK == 1 && n % 4 < 2
                read     C[:, n, :] -> sg4.w[5]
                integers 0, sg4.w[5], e, Y[n : M * TN : TN, :]
            .else
                read     C[:, n, :] -> sg4.e[2]
                integers 2, sg4.e[2], e, Y[n : M * TN : TN, :]
            .endif
            rest n, 1, M * n, M * (n + 1), Y[n : M * TN : TN, :]
    .elif SMOOTH
            .for p in 0..2
                rest n, p, 0, TM / 2, Y[p : TM : 2, LANES * n : +LANES]
            .endfor
    .endif
.endm

.include "product.s"
