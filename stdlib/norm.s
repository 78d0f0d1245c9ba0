; The steps that rms_norm.s and layer_norm.s share; they say how these go together. CENTRED is 1 in layer_norm.s.
;
; X lies in 8 slices a byte plane: rows 0 … 7 of each 16 in X0, rows 8 … 15 in X1, whose planes are in the slices of
; the next plane, so that one plane of sixteen rows is in sixteen slices, and a row in as many as it has bytes.
; T0 … T3 take the transposed planes; they are turned against each other likewise.
.equ BYTES = F16 ? 2 : 4
.equ T = ceil_div(N, LANES)  ; tiles of a row
.equ G = ceil_div(R, 16)     ; groups of rows, of all and of a block
.equ NB = ceil_div(G, CENTRED ? max(12, min(ceil_div(G, 5), 100)) : max(7, ceil_div(G, 12)))
.equ GB = ceil_div(G, NB)
.equ SETS = CENTRED ? 2 : 1            ; of superlanes that are added at a time
.equ OWN = CENTRED && NB > 1 ? 20 : 0  ; slices of the moments, which multiplying leaves alone

.param ROOT = 27.712812921102035  ; of N: ROOT / sqrt(sum + N · eps) is the scale

.if F16
    .input X0 : f16 [8 * G, N] bank 0 tile 8 * G x LANES at \
        mem.w0 mem.w8 mem.w1 mem.w9 mem.w2 mem.w10 mem.w3 mem.w11 \
        mem.w4 mem.w12 mem.w5 mem.w13 mem.w6 mem.w14 mem.w7 mem.w15
    .input X1 : f16 [8 * G, N] bank 0 tile 8 * G x LANES at \
        mem.w8 mem.w0 mem.w9 mem.w1 mem.w10 mem.w2 mem.w11 mem.w3 \
        mem.w12 mem.w4 mem.w13 mem.w5 mem.w14 mem.w6 mem.w15 mem.w7
    .weight w : f16 [T, LANES] at mem.w[16..17] bank 1
    .const  Lane : u8 [16, LANES] at mem.w18 bank 1 = for i, lane: i
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
    .const  Lane : u8 [16, LANES] at mem.w43 bank 1 = for i, lane: i
    .output Y : f32 [G, 2, 8, N] at mem.w[0..31] bank 1 tile 16 * G x LANES
.endif
.temp T0 : u8 [NB * T, 16 * GB, LANES] at mem.e[20..35] banks run GB
.for p in 1..BYTES
    .equ FROM = 20 + 16 / BYTES * p
    .temp T{p} : u8 [NB * T, 16 * GB, LANES] at mem.e[FROM..35] mem.e[20..FROM - 1] banks run GB
.endfor
.temp UE : f32 [SETS, GB, LANES] at mem.e[16..19] bank 1
.temp UO : f32 [SETS, GB, LANES] at mem.e[OWN..OWN + 3] bank 1
.temp UW : f32 [SETS, GB, LANES] at mem.w[40..43] bank (T + 1) % 2
.temp VE : f32 [SETS, GB, LANES] at mem.e[16..19] bank 0
.temp VO : f32 [SETS, GB, LANES] at mem.e[OWN + 4..OWN + 7] bank 1
.temp VW : f32 [SETS, GB, LANES] at mem.w[40..43] bank T % 2
.temp Z : f32 [SETS, GB, LANES] at mem.e[OWN + 8..OWN + 11] bank 1
.temp F0 : f32 [2, GB, LANES] at mem.w[32..35] banks run GB
.temp F1 : f32 [2, GB, LANES] at mem.w[36..39] banks run GB
.temp B : f32 [2, GB, 2, 8, LANES] at mem.e[36..43] banks run 8 * GB
.if CENTRED
    .temp BM : f32 [2, GB, 2, 8, LANES] at mem.e[0..7] banks run 8 * GB
.endif

; For sums of kind X: of two vectors in PX0 and PX1 (in the kernel's own place), of eight, and with the tiles before.
.macro partial_sums X
    .temp Q{X}0 : f32 [2, GB, LANES] at mem.w[32..35] banks run GB
    .temp Q{X}1 : f32 [2, GB, LANES] at mem.w[36..39] banks run GB
    .temp A{X} : f32 [4, GB, LANES] at mem.w[40..43] banks run GB
.endm

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

; Eight sums of two vectors a tile make two, and these one with the tiles before.
.macro eights b, t, X, k
    .equ n = min(GB, G - b * GB)
    .equ FREE = CENTRED ? 5 : 3
    flow eights_{X}_{b}_{t}_{k}:
        read  P{X}{k}[t % 2, 0 : n, 0, :] -> sg4.w[6]
        read  P{X}{k}[t % 2, 0 : n, 1, :] -> sg4.w[7]
        read  P{X}{k}[t % 2, 0 : n, 2, :] -> sg4.w[FREE]
        read  P{X}{k}[t % 2, 0 : n, 3, :] -> sg4.w[4]
        add   sg4.w[6], sg4.w[7] -> %a @alu12
        add   sg4.w[FREE], sg4.w[4] -> %b @alu4
        add   %a, %b -> sg4.w[5] @alu11
        write sg4.w[5] -> Q{X}{k}[t % 2, 0 : n, :]
.endm

; `total n, held` makes the sum of all tiles, of %q and what is held, and says where it goes; it begins with `from`.
.macro accumulate b, t, X, from
    .equ n = min(GB, G - b * GB)
    .equ HELD = b ? 6 : 0  ; streams that transposing (6) or multiplying (0) leaves free
    flow accumulate_{X}_{b}_{t}:
        read Q{X}0[t % 2, 0 : n, :] -> sg4.e[2]
        read Q{X}1[t % 2, 0 : n, :] -> sg4.e[3]
        add  sg4.e[2], sg4.e[3] -> %q @alu4
        .if t
            read     A{X}[b % 2 * 2 + (t + 1) % 2, 0 : n, :] -> sg4.e[HELD]
            identity sg4.e[HELD] -> %held @alu12
        .endif
        .if t == T - 1 && t
            total_{X} n, %held
        .elif t == T - 1
            total_{X} n, from
        .else
            .if t
                add %q, %held -> sg4.w[5] @alu11
            .else
                add %q, from -> sg4.w[5] @alu11
            .endif
            write sg4.w[5] -> A{X}[b % 2 * 2 + t % 2, 0 : n, :]
        .endif
.endm

; A superlane (in UE, UO, UW) and those 5, 10 and 15 below it, then these and 1, 2, 3, 4 below: all twenty are Z + VO.
.macro quarters b, k, set
    .equ n = min(GB, G - b * GB)
    .equ ALU = CENTRED ? 8 : 4  ; on the side of one half of multiplying, for moments take the other
    .equ IN = CENTRED ? 5 : 4
    .equ TWO = CENTRED ? 7 : 3
    flow quarters_{b}_{k}:
        read       UE[set, 0 : n, :] -> sg4.e[4]
        shift_wide sg4.e[4], 5 * 16 -> sg4.w[6] @sxm.e.select0
        shift_wide sg4.e[4], 10 * 16 -> sg4.w[7] @sxm.e.select1
        read       UW[set, 0 : n, :] -> sg4.w[4]
        shift_wide sg4.w[4], 15 * 16 -> sg4.e[TWO] @sxm.w.select0
        read       UO[set, 0 : n, :] -> sg4.w[IN]
        add        sg4.w[6], sg4.w[7] -> %a @alu12
        add        sg4.w[IN], sg4.e[TWO] -> %b @alu{ALU}
        add        %a, %b -> sg4.w[5], sg4.e[5] @alu11
        write      sg4.e[5] -> VE[set, 0 : n, :]
        write      sg4.e[5] -> VO[set, 0 : n, :]
        write      sg4.w[5] -> VW[set, 0 : n, :]
.endm
.macro fifths b, k, set
    .equ n = min(GB, G - b * GB)
    .equ ALU = CENTRED ? 8 : 4
    .equ ONE = CENTRED ? 5 : 2
    .equ TWO = CENTRED ? 7 : 3
    flow fifths_{b}_{k}:
        read       VE[set, 0 : n, :] -> sg4.e[4]
        shift_wide sg4.e[4], 16 -> sg4.w[6] @sxm.e.select0
        shift_wide sg4.e[4], 2 * 16 -> sg4.w[7] @sxm.e.select1
        read       VW[set, 0 : n, :] -> sg4.w[4]
        shift_wide sg4.w[4], 3 * 16 -> sg4.e[ONE] @sxm.w.select0
        shift_wide sg4.w[4], 4 * 16 -> sg4.e[TWO] @sxm.w.select1
        add        sg4.w[6], sg4.w[7] -> %a @alu12
        add        sg4.e[ONE], sg4.e[TWO] -> %b @alu{ALU}
        add        %a, %b -> sg4.e[5] @alu11
        write      sg4.e[5] -> Z[set, 0 : n, :]
.endm

; Lane r of each superlane to all its lanes: the scales, and the means. A distributor wants eight streams.
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
            .if CENTRED
                shift sg4.w[1], 0 -> sg4.e[3] @sxm.w.select0
                write sg4.e[3] -> BM[b % 2, 0 : n, j / 8, j % 8, :]
            .endif
    .endfor
.endm

; A block ahead of the one that is swept: all at first would hold its slices against the first moments.
.macro turns b
    .for t in 0..T
        turn b, t
    .endfor
.endm
turns 0
.if NB > 1
    turns 1
.endif
