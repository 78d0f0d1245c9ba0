; The steps of rms_norm.s, which says how they go together.
;
; X lies in 8 slices a byte plane: rows 0 … 7 of each 16 in X0, rows 8 … 15 in X1, whose planes are in the slices of the
; next plane, so that one plane of sixteen rows is in sixteen slices, and a row in as many as it has bytes. T0 … T3 take the
; transposed planes; they are turned against each other likewise.
.equ BYTES = F16 ? 2 : 4
.equ T = ceil_div(N, LANES)  ; tiles of a row
.equ G = ceil_div(R, 16)     ; groups of rows, of all and of a block
.equ NB = ceil_div(G, max(7, ceil_div(G, 8)))
.equ GB = ceil_div(G, NB)

.param ROOT = 27.712812921102035  ; of N: rsqrt(sum + N · eps) · ROOT is the scale

.if F16
    .input X0 : f16 [8 * G, N] bank 0 tile 8 * G x LANES at \
        mem.w0 mem.w8 mem.w1 mem.w9 mem.w2 mem.w10 mem.w3 mem.w11 \
        mem.w4 mem.w12 mem.w5 mem.w13 mem.w6 mem.w14 mem.w7 mem.w15
    .input X1 : f16 [8 * G, N] bank 0 tile 8 * G x LANES at \
        mem.w8 mem.w0 mem.w9 mem.w1 mem.w10 mem.w2 mem.w11 mem.w3 \
        mem.w12 mem.w4 mem.w13 mem.w5 mem.w14 mem.w6 mem.w15 mem.w7
    .weight w : f16 [T, LANES] at mem.w[16..17] bank 1
    .input  Lane : u8 [16, LANES] at mem.w18 bank 1
    .output Y : f16 [G, 2, 8, N] at mem.w[16..31] bank 0 tile 16 * G x LANES
.else
    .input X0 : f32 [8 * G, N] bank 0 tile 8 * G x LANES at \
        mem.w0 mem.w8 mem.w16 mem.w24 mem.w1 mem.w9 mem.w17 mem.w25 \
        mem.w2 mem.w10 mem.w18 mem.w26 mem.w3 mem.w11 mem.w19 mem.w27 \
        mem.w4 mem.w12 mem.w20 mem.w28 mem.w5 mem.w13 mem.w21 mem.w29 \
        mem.w6 mem.w14 mem.w22 mem.w30 mem.w7 mem.w15 mem.w23 mem.w31
    .input X1 : f32 [8 * G, N] bank 0 tile 8 * G x LANES at \
        mem.w8 mem.w16 mem.w24 mem.w0 mem.w9 mem.w17 mem.w25 mem.w1 \
        mem.w10 mem.w18 mem.w26 mem.w2 mem.w11 mem.w19 mem.w27 mem.w3 \
        mem.w12 mem.w20 mem.w28 mem.w4 mem.w13 mem.w21 mem.w29 mem.w5 \
        mem.w14 mem.w22 mem.w30 mem.w6 mem.w15 mem.w23 mem.w31 mem.w7
    .weight w : f32 [T, LANES] at mem.e[12..15] bank 1
    .input  Lane : u8 [16, LANES] at mem.w43 bank 1
    .output Y : f32 [G, 2, 8, N] at mem.w[0..31] bank 1 tile 16 * G x LANES
.endif
.temp T0 : u8 [NB * T, 16 * GB, LANES] at mem.e[20..35] banks run GB
.for p in 1..BYTES
    .equ FROM = 20 + 16 / BYTES * p
    .temp T{p} : u8 [NB * T, 16 * GB, LANES] at mem.e[FROM..35] mem.e[20..FROM - 1] banks run GB
.endfor
.temp P0 : f32 [2, GB, 4, LANES] at mem.e[0..15] bank 0
.temp P1 : f32 [2, GB, 4, LANES] at mem.e[0..15] bank 1
.temp Q0 : f32 [2, GB, LANES] at mem.w[32..35] banks run GB
.temp Q1 : f32 [2, GB, LANES] at mem.w[36..39] banks run GB
.temp A : f32 [4, GB, LANES] at mem.w[40..43] banks run GB
.temp UE : f32 [GB, LANES] at mem.e[16..19] bank 0
.temp UO : f32 [GB, LANES] at mem.e[0..3] bank 1
.temp VE : f32 [GB, LANES] at mem.e[16..19] bank 1
.temp VO : f32 [GB, LANES] at mem.e[4..7] bank 1
.temp VW : f32 [GB, LANES] at mem.w[40..43] bank T % 2
.temp Z : f32 [GB, LANES] at mem.e[8..11] bank 1
.temp F0 : f32 [2, GB, LANES] at mem.w[32..35] banks run GB
.temp F1 : f32 [2, GB, LANES] at mem.w[36..39] banks run GB
.temp B : f32 [2, GB, 2, 8, LANES] at mem.e[36..43] banks run 8 * GB

; A tile of a block, transposed: vector j of 16 has lane j of each superlane, row r of a group in lane r.
.macro turn b, t
    .equ n = min(GB, G - b * GB)
    .for p in 0..BYTES
        flow turn_{b}_{t}_{p}:
            read      X0[8 * GB * b : +8 * n, LANES * t : +LANES] -> sg8.e[2] plane p
            read      X1[8 * GB * b : +8 * n, LANES * t : +LANES] -> sg8.e[3] plane p
            transpose sg16.e[1] -> sg16.w[1]
            write     sg16.w[1] -> T{p}[b * T + t, 0 : 16 * n, :]
    .endfor
.endm

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
        write sg4.e[2] -> P{i / 4}[t % 2, 0 : n, i % 4, :]
.endm

; Eight such sums a tile make two, and these one with the tiles before; N · eps is in it from the beginning.
.macro gather_sum b, t, k
    .equ n = min(GB, G - b * GB)
    flow four_{b}_{t}_{k}:
        read  P{k}[t % 2, 0 : n, 0, :] -> sg4.w[6]
        read  P{k}[t % 2, 0 : n, 1, :] -> sg4.w[7]
        read  P{k}[t % 2, 0 : n, 2, :] -> sg4.w[3]
        read  P{k}[t % 2, 0 : n, 3, :] -> sg4.w[4]
        add   sg4.w[6], sg4.w[7] -> %a @alu12
        add   sg4.w[3], sg4.w[4] -> %b @alu4
        add   %a, %b -> sg4.w[5] @alu11
        write sg4.w[5] -> Q{k}[t % 2, 0 : n, :]
.endm

.macro accumulate b, t
    .equ n = min(GB, G - b * GB)
    .equ HELD = b ? 6 : 0  ; streams that transposing (6) or multiplying (0) leaves free
    flow accumulate_{b}_{t}:
        read Q0[t % 2, 0 : n, :] -> sg4.e[2]
        read Q1[t % 2, 0 : n, :] -> sg4.e[3]
        add  sg4.e[2], sg4.e[3] -> %q @alu4
        .if t
            read     A[b % 2 * 2 + (t + 1) % 2, 0 : n, :] -> sg4.e[HELD]
            identity sg4.e[HELD] -> %held @alu12
            add      %q, %held -> sg4.w[5], sg4.e[5] @alu11
        .else
            add %q, N * eps / SUPERLANES -> sg4.w[5], sg4.e[5] @alu11
        .endif
        .if t == T - 1
            write sg4.e[5] -> UO[0 : n, :]
            write sg4.e[5] -> UE[0 : n, :]
        .endif
        write sg4.w[5] -> A[b % 2 * 2 + t % 2, 0 : n, :]
.endm

; A superlane and those 5, 10 and 15 below it, then these and 1, 2, 3, 4 below: all twenty.
.macro superlanes b
    .equ n = min(GB, G - b * GB)
    flow quarters_{b}:
        read       UE[0 : n, :] -> sg4.e[4]
        shift_wide sg4.e[4], 5 * 16 -> sg4.w[6] @sxm.e.select0
        shift_wide sg4.e[4], 10 * 16 -> sg4.w[7] @sxm.e.select1
        read       A[b % 2 * 2 + (T - 1) % 2, 0 : n, :] -> sg4.w[4]
        shift_wide sg4.w[4], 15 * 16 -> sg4.e[3] @sxm.w.select0
        read       UO[0 : n, :] -> sg4.w[4]
        add        sg4.w[6], sg4.w[7] -> %a @alu12
        add        sg4.w[4], sg4.e[3] -> %b @alu4
        add        %a, %b -> sg4.w[5], sg4.e[5] @alu11
        write      sg4.e[5] -> VE[0 : n, :]
        write      sg4.e[5] -> VO[0 : n, :]
        write      sg4.w[5] -> VW[0 : n, :]
    flow fifths_{b}:
        read       VE[0 : n, :] -> sg4.e[4]
        shift_wide sg4.e[4], 16 -> sg4.w[6] @sxm.e.select0
        shift_wide sg4.e[4], 2 * 16 -> sg4.w[7] @sxm.e.select1
        read       VW[0 : n, :] -> sg4.w[4]
        shift_wide sg4.w[4], 3 * 16 -> sg4.e[2] @sxm.w.select0
        shift_wide sg4.w[4], 4 * 16 -> sg4.e[3] @sxm.w.select1
        add        sg4.w[6], sg4.w[7] -> %a @alu12
        add        sg4.e[2], sg4.e[3] -> %b @alu4
        add        %a, %b -> sg4.e[5] @alu11
        write      sg4.e[5] -> Z[0 : n, :]
    flow scale_{b}:
        read  Z[0 : n, :] -> sg4.w[3]
        read  VO[0 : n, :] -> sg4.w[4]
        add   sg4.w[3], sg4.w[4] -> %sum @alu4
        rsqrt %sum -> sg4.w[4] @alu5
        write sg4.w[4] -> F0[b % 2, 0 : n, :]
        write sg4.w[4] -> F1[b % 2, 0 : n, :]
.endm

; Lane r of each superlane to all its lanes; a distributor serves eight streams, so the scales are read twice.
.macro spread b
    .equ n = min(GB, G - b * GB)
    .for j in 0..16
        flow spread_{b}_{j}:
            read       F0[b % 2, 0 : n, :] -> sg4.w[0]
            read       F1[b % 2, 0 : n, :] -> sg4.w[1]
            read       Lane[j, :] -> s8.w repeat n step 0
            distribute sg8.w[0], s8.w -> sg8.w[0]
            shift      sg4.w[0], 0 -> sg4.e[1] @sxm.w.select1
            write      sg4.e[1] -> B[b % 2, 0 : n, j / 8, j % 8, :]
    .endfor
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

.for b in 0..NB
    .for t in 0..T
        turn b, t
    .endfor
.endfor
.for s in 0..NB + 1
    .if s < NB
        .for t in 0..T
            .for i in 0..8
                square s, t, i
            .endfor
            gather_sum s, t, 0
            gather_sum s, t, 1
            accumulate s, t
        .endfor
        superlanes s
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
