; Weights of 4 bits made into f16, tile by tile, and multiplied: for matmul_w4.s, which says how.
.equ TM = 4 * ceil_div(M, 4)
.equ T = TK * TN
.equ AHEAD = 3                     ; tiles whose scales are ready before they are wanted
.equ SMALL = TM * TK <= 2 * WORDS  ; A needs four slices only

.if SMALL
    .input  A : f16 [M, K] at mem.w[16..19] tile TM x 320
    .weight X : i8 [T * 80, LANES] at mem.e[20..23] mem.e[36..38]
    .weight Y : i8 [T * 80, LANES] at mem.w[20..23] mem.w[36..38]
.else
    .input  A : f16 [M, K] at mem.w[16..23] tile TM x 320
    .weight X : i8 [T * 80, LANES] at mem.e[36..38]
    .weight Y : i8 [T * 80, LANES] at mem.w[36..38]
.endif
.weight SX : f16 [T * 10, LANES] at mem.e[16..17]
.weight SY : f16 [T * 10, LANES] at mem.e[18..19]
.const  LaneE : u8 [16, LANES] at mem.e39 = for i, lane: i
.const  LaneW : u8 [16, LANES] at mem.w39 = for i, lane: i
.temp   FX0 : f32 [ceil_div(T, 2) * 10, LANES] at mem.w[24..31] bank 0
.temp   FX1 : f32 [ceil_div(T, 2) * 10, LANES] at mem.w[24..31] bank 1
.temp   FY0 : f32 [ceil_div(T, 2) * 10, LANES] at mem.e[24..31] bank 0
.temp   FY1 : f32 [ceil_div(T, 2) * 10, LANES] at mem.e[24..31] bank 1
.temp   E0 : f16 [LANES, LANES] at mem.e[0..15] bank 0
.temp   E1 : f16 [LANES, LANES] at mem.e[0..15] bank 1
.temp   W0 : f16 [LANES, LANES] at mem.w[0..15] bank 0
.temp   W1 : f16 [LANES, LANES] at mem.w[0..15] bank 1
.output C : f32 [M, N] at mem.e[40..43] mem.w[40..43] mem.e[32..35] mem.w[32..35] tile TM x 320 banks run 1

; Scales of tile t, in f32, a sixteenth of what they are.
.macro widen t, b, q
    flow widen_x_{t}:
        read     SX[10 * t : +2 * q, :] -> sg2.w[8]
        cast.f32 sg2.w[8] -> %s @alu5
        mul      %s, 0.0625 -> sg4.w[5] @alu6
        write    sg4.w[5] -> FX{b}[t / 2 * 10 : +2 * q, :]
    flow widen_y_{t}:
        read     SY[10 * t : +2 * q, :] -> sg2.w[0]
        cast.f32 sg2.w[0] -> %s @alu13
        mul      %s, 0.0625 -> sg4.e[7] @alu14
        write    sg4.e[7] -> FY{b}[t / 2 * 10 : +2 * q, :]
.endm

; Two rows of weights from each byte.
.macro nibbles byte, scale0, scale1, a0, a1, a2, a3, b0, b1, b2, b3, e0, w0, e1, w1
    shl.i8   byte, 4 -> %l @alu{a0}
    and.i8   byte, -16 -> %h @alu{b0}
    cast.f32 %l -> %lf @alu{a1}
    cast.f32 %h -> %hf @alu{b1}
    mul      %lf, scale0 -> %lw @alu{a2}
    mul      %hf, scale1 -> %hw @alu{b2}
    cast.f16 %lw -> e0, w0 @alu{a3}
    cast.f16 %hw -> e1, w1 @alu{b3}
.endm

.macro dequantise t, b, q
    flow x_{t}:
        read       FX{b}[t / 2 * 10 : +2 * q, :] -> sg8.w[3] repeat 16 step 0 repeat q
        read       LaneW -> s16.w repeat 16 repeat q step 0
        distribute sg8.w[3], s16.w -> sg8.w[3]
        shift      sg8.w[3], 0 -> sg8.e[1]
        read       X[80 * t : +16 * q, :] -> s8.w
        nibbles    s8.w, sg4.e[2], sg4.e[3], 3, 2, 1, 0, 4, 5, 6, 7, sg2.e[7], sg2.w[7], sg2.e[8], sg2.w[8]
        write      sg2.e[7] -> E{b}[0 : 64 * q : 4, :]
        write      sg2.w[7] -> W{b}[0 : 64 * q : 4, :]
        write      sg2.e[8] -> E{b}[1 : 64 * q : 4, :]
        write      sg2.w[8] -> W{b}[1 : 64 * q : 4, :]
    flow y_{t}:
        read       FY{b}[t / 2 * 10 : +2 * q, :] -> sg8.e[3] repeat 16 step 0 repeat q
        read       LaneE -> s16.e repeat 16 repeat q step 0
        distribute sg8.e[3], s16.e -> sg8.e[3]
        shift      sg8.e[3], 0 -> sg8.w[3]
        read       Y[80 * t : +16 * q, :] -> s24.e
        nibbles    s24.e, sg4.w[6], sg4.w[7], 11, 10, 9, 8, 12, 13, 14, 15, sg2.e[10], sg2.w[10], sg2.e[12], sg2.w[12]
        write      sg2.e[10] -> E{b}[2 : 64 * q : 4, :]
        write      sg2.w[10] -> W{b}[2 : 64 * q : 4, :]
        write      sg2.e[12] -> E{b}[3 : 64 * q : 4, :]
        write      sg2.w[12] -> W{b}[3 : 64 * q : 4, :]
.endm

.macro install t, b, q
    flow load_e_{t}:
        read E{b}[0 : 64 * q, :] -> sg16.e[0]
        lw   mxm.e, sg16.e[0]
    flow load_w_{t}:
        read W{b}[0 : 64 * q, :] -> sg16.w[0]
        lw   mxm.w, sg16.w[0]
    flow install_e_{t}:
        iw mxm.e
    flow install_w_{t}:
        iw mxm.w
.endm

.macro multiply t, n, k, h, p, unit, row, partial, sum
    flow multiply_{t}_{h}_{p}:
        read A[p : TM : 2, LANES * k : +LANES] -> row
        abc  unit, row half h
        .if k + h
            read C[p : TM : 2, LANES * n : +LANES] -> partial
            acc  unit, partial -> sum
        .else
            acc unit -> sum
        .endif
        write sum -> C[p : TM : 2, LANES * n : +LANES]
.endm

; The rows of a tile that are in use: q blocks of 64.
.macro scales t
    widen t, t % 2, ceil_div(min(LANES, N - LANES * (t / TK)), 64)
.endm

.macro item t, n, k
    .equ q = ceil_div(min(LANES, N - LANES * n), 64)
    .if t + AHEAD < T
        scales t + AHEAD
    .endif
    dequantise t, t % 2, q
    install    t, t % 2, q
    .for h in 0..1 + (K - LANES * k > LANES / 2)
        multiply t, n, k, h, 0, mxm.e, sg2.e[9], sg4.e[5], sg4.w[0]
        multiply t, n, k, h, 1, mxm.w, sg2.w[9], sg4.w[5], sg4.e[0]
    .endfor
.endm

.for t in 0..min(T, AHEAD)
    scales t
.endfor
.for t in 0..T
    item t, t / TK, t % TK
.endfor
