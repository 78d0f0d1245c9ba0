; Y = X / sqrt(mean of X² along a row + eps) · w, row by row: f32, or (F16 = 1) f16.
;
; The idea. What costs is the sum of a row, across lanes, in f32, for squares have any magnitude. Sixteen rows are
; transposed by the SXM, byte by byte: then the VXM adds lanes as it adds vectors, and ends with one vector for
; sixteen rows, a row in each lane of a superlane. Two rounds of shifts add the twenty superlanes, rsqrt serves
; sixteen rows at once, and a distributor spreads each row's lane again. norm.s has these steps. Rows go in up to
; 12 blocks: while the squares of one are added (two vectors a cycle, on ALUs 5 6 13 14 3, sums of partial sums on
; 4 12 11), those of the block before it are multiplied by the scale and by w, which waits in a latch (two vectors a
; cycle, on ALUs 0 1 2 7 and 8 9 10 15). All 16 ALUs have work; the large ones, for casts, decide.
;
; Another way was counted: sums by planes full of ones come out in all lanes, but the planes take f16, and a square
; has 22 bits and 80 binades. Scaling each row first by the sum of its magnitudes makes room and costs a second sweep
; of casts: 3 large ALUs a vector and two passes of the planes a row, at 1 row a cycle, against 2 large ALUs here; it
; would be shorter by some 150 cycles for a single block, longer by a half from two blocks on. f32 has no such way.
;
; What is above the floor: filling (the first block's squares, and 330 cycles of shifts and spreading), and spreading
; 16 rows one by one, which for a row of one tile is twice what multiplying it takes.
; In numbers, of the cycles above the floor: f16 [128, 576], 705 of 560: 77 before the first scale is spread, 32 to
; spread one after another, 35 after the last. f16 [512, 768], 1,632 of 1,231: 281 before the first row is rounded, 109
; for the bank of the spread scales. f32 [512, 768], 1,683 of 1,229: 313 and 112. f16 [512, 320], 1,169 of 866, where
; the distributor is the floor: 112 before it begins, 123 between its issues, 68 after the last.
;
; Contract
;   shapes  X0, X1 [8 · G, N], rows 0 … 7 and 8 … 15 of each 16, G = ⌈R / 16⌉; w [T, 320], T = ⌈N / 320⌉, zero beyond
;           N; ROOT = √N; row r of Lane is full of r; Y [G, 2, 8, N] is [R, N]
;   error   f16: a unit in the last place of the correctly rounded result. f32: (10 + T / 2) · 2⁻²⁴ of the result,
;           where N · eps plus the sum of the squares is from 2⁻¹⁰⁰ to 2¹²⁸; beyond, a row becomes 0, as in float32
;   cycles  at most 12 · T · G (f16: 10) + 8 · T · GB + 14 · G + 10 · T + 470 with GB groups a block (norm.s), or, of few
;           long rows, whose tiles are added one after another, 56 · T + 14 · G + 400
.target tsp1
.param R = 512
.param N = 768
.param F16 = 0
.param eps = 1e-5

.equ CENTRED = 0
.include "norm.s"
partial_sums Q
.temp        PQ0 : f32 [2, GB, 4, LANES] at mem.e[0..15] bank 0
.temp        PQ1 : f32 [2, GB, 4, LANES] at mem.e[0..15] bank 1

; The squares of two of the sixteen vectors.
.macro square b, t, i
    .equ q = b * T + t
    .equ n = min(GB, G - b * GB)
    flow square_{b}_{t}_{i}:
        .if F16
            .for p in 0..2
                read T{p}[q, 2 * i : 16 * n : 16, :] -> s{8 + p}.w
                read T{p}[q, 2 * i + 1 : 16 * n : 16, :] -> s{p}.w
            .endfor
            cast.f16.f32 sg2.w[4] -> %x @alu5
            cast.f16.f32 sg2.w[0] -> %y @alu13
            mul          %x, %x -> %a @alu6
            mul          %y, %y -> %b @alu14
        .else
            .for p in 0..4
                read T{p}[q, 2 * i : 16 * n : 16, :] -> s{8 + p}.w
                read T{p}[q, 2 * i + 1 : 16 * n : 16, :] -> s{p}.w
            .endfor
            mul.f32 sg4.w[2], sg4.w[2] -> %a @alu6
            mul.f32 sg4.w[0], sg4.w[0] -> %b @alu14
        .endif
        add   %a, %b -> sg4.e[2] @alu3
        write sg4.e[2] -> PQ{i / 4}[t % 2, 0 : n, i % 4, :]
.endm

.macro total_Q n, held
    add   %q, held -> sg4.w[5], sg4.e[5] @alu11
    write sg4.e[5] -> UE[0, 0 : n, :]
    write sg4.e[5] -> UO[0, 0 : n, :]
    write sg4.w[5] -> UW[0, 0 : n, :]
.endm

.macro scale b
    .equ n = min(GB, G - b * GB)
    flow scale_{b}:
        read  Z[0, 0 : n, :] -> sg4.w[3]
        read  VO[0, 0 : n, :] -> sg4.w[4]
        add   sg4.w[3], sg4.w[4] -> %sum @alu4
        rsqrt %sum -> sg4.w[4] @alu5
        write sg4.w[4] -> F0[b % 2, 0 : n, :]
        write sg4.w[4] -> F1[b % 2, 0 : n, :]
.endm

; Row p of two times the scale of its row and the weights, which the ALU keeps for a tile of a block.
.macro weight b, t, p
    flow weight_{b}_{t}_{p}:
        .if F16
            read     w[t, :] -> sg2.e[8 * p + 2]
            cast.f32 sg2.e[8 * p + 2] -> %w @alu{8 * p}
            mul      %w, ROOT -> %u @alu{8 * p + 1}
        .else
            read w[t, :] -> sg4.w[3 + p]
            mul  sg4.w[3 + p], ROOT -> %u @alu{8 * p + 1}
        .endif
        identity %u keep 1 @alu{8 * p + 2}
.endm
.macro normalise b, t, h, p
    .equ n = min(GB, G - b * GB)
    flow normalise_{b}_{t}_{h}_{p}:
        .if F16
            read     X{h}[8 * GB * b + p : 8 * (GB * b + n) : 2, LANES * t : +LANES] -> sg2.e[8 * p]
            cast.f32 sg2.e[8 * p] -> %x @alu{8 * p}
        .else
            read     X{h}[8 * GB * b + p : 8 * (GB * b + n) : 2, LANES * t : +LANES] -> sg4.e[4 * p]
            identity sg4.e[4 * p] -> %x @alu{8 * p}
        .endif
        read B[b % 2, 0 : n, h, p : 8 : 2, :] -> sg4.w[4 * p + 1]
        mul  %x, sg4.w[4 * p + 1] -> %z @alu{8 * p + 1}
        .if F16
            mul      %z, latch -> %y @alu{8 * p + 2}
            cast.f16 %y -> sg2.w[8 * p + 6] @alu{8 * p + 7}
            write    sg2.w[8 * p + 6] -> Y[GB * b : +n, h, p : 8 : 2, LANES * t : +LANES]
        .else
            mul   %z, latch -> sg4.w[4 * p + 3] @alu{8 * p + 2}
            write sg4.w[4 * p + 3] -> Y[GB * b : +n, h, p : 8 : 2, LANES * t : +LANES]
        .endif
.endm

.for s in 0..NB + 1
    .if s + 2 < NB
        turns s + 2
    .endif
    .if s < NB
        .for t in 0..T
            .for i in 0..8
                square s, t, i
            .endfor
            eights     s, t, Q, 0
            eights     s, t, Q, 1
            accumulate s, t, Q, N * eps / SUPERLANES
        .endfor
        quarters s, 0, 0
        fifths   s, 0, 0
        scale    s
    .endif
    .if s
        spread s - 1
        .for t in 0..T
            weight s - 1, t, 0
            weight s - 1, t, 1
            .for h in 0..2
                normalise s - 1, t, h, 0
                normalise s - 1, t, h, 1
            .endfor
        .endfor
    .endif
.endfor
