; Y = convolution of X with W, and a bias: i8 → i32, or (F16 = 1) f16 → f16; strides, padding and groups as one likes.
;
; The idea. Nothing is copied into columns. A vector of X holds P pixels that follow each other in a row of an image,
; a vector of Y holds Q: lane (p, i) is channel i of pixel p. Which pixels of X reach which of Y depends only on how
; far they are apart, so a tile of weights is a band: row (q, o), lane (p, i) has the weight of o and i for that
; distance, and zero where the kernel does not reach. For each row of the kernel there are as many tiles as vectors of
; X that a vector of Y touches; each is installed once, and the vectors below all vectors of Y stream through: a nest
; of addresses, with steps for strides. Tiles go to both hemispheres, rows of Y are dealt to the planes, sums are
; added in place, as in product.s; rows of X lie in slices by their number, so that the planes never read the same
; slice. The bias is the partial sum that a column begins with; f16 is cast on its way from the last tile.
;
; A row of a kernel of three, P = Q = 4: Y's pixels 0 … 3 need X's pixels 0 … 5, so two vectors, a tile each; every w is
; a block of weights itself, a row a channel of Y and a column a channel of X:
;          x0 x1 x2 x3             x4 x5 x6 x7
;     y0   w0 w1 w2  ·         y0   ·  ·  ·  ·
;     y1    · w0 w1 w2         y1   ·  ·  ·  ·
;     y2    ·  · w0 w1         y2  w2  ·  ·  ·
;     y3    ·  ·  · w0         y3  w1 w2  ·  ·
; The next vector of Y takes the same tiles and the next vectors of X. Where vectors of Y begin at different pixels of
; theirs (P = 8 here: at 0 and 4), each beginning is a phase, which has tiles of its own.
;
; With P = Q = 1 a tile is one tap of the kernel, and 320 channels fill it: KH · KW passes of all pixels. With 64
; channels it would do a 25th of what a plane can; P = Q = 5 does 2 tiles for 5 pixels a row of a 3 × 3 kernel instead
; of 3 for one:
;   planes' cycles, i8                taps      bands
;   56 × 56 × 64, 3 × 3 → 64         7,056      1,008    P = Q = 5
;   112 × 112 × 32, 3 × 3 a channel 28,224      2,016    P = Q = 10: all groups in one tile
;   224 × 224 × 3, 7 × 7 / 2 → 64  153,664      4,900    P = 100, Q = 5: ten phases, for X is cut elsewhere below each
;   14 × 14 × 256, 3 × 3 → 256         504          –    more than 160 channels: one pixel fills a vector
;
; With three channels a band fills 45 of 320 lanes. Then rows are folded: the host pads row h of an image so that it
; lies in lanes of its own, by h mod FOLD, and the chip ors FOLD rows into a vector, four vectors a cycle, while the
; planes are at work. A tile serves FOLD rows of the kernel. Rows of the result fall into FOLD / SH classes, by the
; row that their first one is; each class has vectors and tiles of its own, in which the rows stand in another order.
; The third line takes 1,904 so (FOLD = 4, P = 20, Q = 5), and 2,217 cycles in all instead of 5,117.
;
; Where an image has few pixels, loading costs more than computing: 40 cycles a tile, for both hemispheres. Then (TILES)
; every plane loads tiles of its own, tile i goes to plane i mod 4 (f16: pair i mod 2), all rows of the result go
; through each, and a plane adds what it has of a column in memory beside it. X is copied first, for each plane reads
; all rows of it. The VXM adds the planes' sums and the bias while the next column begins, which only writes sums.
; 7 × 7 × 512, 3 × 3 → 512: 760 cycles instead of 1,775; of the 131 above its floor 76 are a column's sums that wait
; until no plane writes their bank, 46 the beginning and the end.
;
; The face (stdlib/windows.py) counts all P, Q and FOLD that make sense, both ways, and takes the cheapest. Kernels of
; 1 × 1 take the pixels of all images as one line, and a window as large as the image is one pixel of that many
; channels. What is left below the planes' peak are empty lanes of bands, and rows of Y up to a multiple of 4.
; Other programs above the floor: 7 × 7 × 512, 1 × 1 → 2048, i8, 559 cycles of 498: 61 until the first column's sums
; are there to be added. 7 × 7 × 512, 3 × 3 → 512, f16, 2,159 of 1,937: 130 between issues of one flow that are more
; than a cycle apart, 37 after the last, 34 for queues and banks, 21 before the first.
;
; Contract
;   shapes  X [units · tiles of CI, SH, vectors, N, rows, 320]: row h is at [., h mod SH, ., ., h / SH], with padding.
;           W [columns, phases, KH, vectors, tiles of CI, rows of a tile, 320]; bias [columns, 320] i32 or f16, in
;           every pixel. Y [columns, phases, vectors, N, rows, 320]: vector v of a row is at [., v mod phases, v /
;           phases]. A column is a tile of CO, unit by unit. The host packs weights and bias, once. TILES: W has the
;           tiles in turn, [rounds, plane, groups of 16 rows, hemisphere, 16, 320] (f16: [rounds, groups of 8, pair, 8,
;           320]). FOLD: X0 … X3 [vectors, N, rows, 320] have rows i modulo FOLD; in W and Y, class · phases + phase
;           stands for phase, and W has KH / FOLD.
;   error   i8: none (sums of 2³¹ and more are modular). f16: (T + 1) · 2⁻²⁴ · (Σ|x·w| + |bias|), then rounded to f16;
;           T = KH · KW · (⌈I/groups / 160⌉ + 1): no more dispatches have a part in a sum. A zero of a band times what
;           is not finite is NaN: for such images the face takes one pixel, row and group for a tile.
;   cycles  at most 1.1 · cost + 300; cost: the sum over the tiles of what takes longer, to load them (R16 / 8 + 8;
;           f16: R16 / 4 + 4; 50 more if W needs 32 slices) or to stream OR · N · count / 4 vectors, at least 20 (f16:
;           / 2, for each half of the lanes that has weights). TILES: rounds · max(44, SUMS, 20; f16: twice that) +
;           COLUMNS · SUMS + rows of X / 4. FOLD: HQ · XB · N / 4 (f16: / 2) more a class.
.target tsp1
.param N = 1    ; images
.param OH = 56  ; rows and columns of the result
.param OW = 56
.param KH = 3
.param KW = 3
.param SH = 1
.param SW = 1
.param UNITS = 1  ; parts of the channels that know nothing of each other: whole groups
.param CI = 64    ; channels in and out of a unit
.param CO = 64
.param P = 5  ; pixels of a vector of X, and of Y
.param Q = 5
.param PHASES = 1
.param BIAS = 0
.param F16 = 0
.param FOLD = 1   ; rows of X in a vector; a multiple of SH if more than one, at most 4
.param TILES = 0  ; planes have tiles of their own; PHASES and FOLD are 1

.equ BYTES = F16 ? 2 : 1
.equ TK = ceil_div(CI, LANES)  ; tiles of a unit's channels; more than one only if P, or Q, is 1
.equ TN = ceil_div(CO, LANES)
.equ COLUMNS = UNITS * TN
.equ NB = ceil_div(OW, Q)       ; vectors of a row of the result
.equ NF = ceil_div(NB, PHASES)  ; of a phase, and how many vectors of X lie between them
.equ STEP = max(1, SW * Q * PHASES / P)
.equ REACH = SW * (Q - 1) + KW  ; pixels of a row that a vector of the result needs
.equ XB = (SW * Q * (NB - 1) + REACH - 1) / P + 1
.equ JM = PHASES == 1 ? (REACH - 1) / P + 1 : (REACH + P - 2) / P + 1
.equ R16 = 16 * ceil_div(min(LANES, Q * CO), 16)
.equ CLASSES = FOLD > 1 ? FOLD / SH : 1  ; of rows of the result, by where the rows below them lie in a vector
.equ KG = ceil_div(KH, FOLD)             ; tiles down a kernel
.equ OR = 4 * ceil_div(OH, 4 * CLASSES)  ; rows of a class
.equ ROWS = OR + (FOLD > 1 ? KG : (KH - 1) / SH)
.equ ROWS4 = UNITS * TK * SH * XB * N * 4 * ceil_div(ROWS, 4)
.equ SPREAD = ROWS4 <= 4 * WORDS ? 4 : F16 || ROWS4 <= 8 * WORDS ? 8 : 16  ; rows of X that lie side by side
.equ HQ = SPREAD * ceil_div(ROWS, SPREAD)
.equ KINDS = CLASSES * PHASES
.equ WIDE_W = COLUMNS * KINDS * KG * JM * TK * R16 * BYTES > 16 * WORDS
.equ WIDE_Y = COLUMNS * KINDS * NF * N * OR > 4 * WORDS

.if TILES
    .include "few_pixels.s"
.else
    .if F16
        .if FOLD == 1
            .input X : f16 [UNITS * TK, SH, XB, N, HQ, LANES] at mem.w[0..2 * SPREAD - 1]
        .endif
        .if WIDE_W
            .weight W : f16 [COLUMNS, KINDS, KG, JM, TK, R16, LANES] at mem.e[0..15] mem.e[20..23] mem.e[28..31] \
                mem.e[36..39] mem.w[36..39]
        .else
            .weight W : f16 [COLUMNS, KINDS, KG, JM, TK, R16, LANES] at mem.e[0..15]
        .endif
        .temp   C : f32 [NF, N, OR, LANES] at mem.e[40..43] mem.w[40..43] mem.e[32..35] mem.w[32..35] banks run 1
        .output Y : f16 [COLUMNS, KINDS, NF, N, OR, LANES] at mem.e[16..17] mem.w[16..17] mem.e[18..19] mem.w[18..19]
    .else
        .if FOLD == 1
            .input X : i8 [UNITS * TK, SH, XB, N, HQ, LANES] at mem.w[0..SPREAD - 1]
        .endif
        .if WIDE_W
            .weight W : i8 [COLUMNS, KINDS, KG, JM, TK, R16, LANES] at mem.e[0..15] mem.e[20..23] mem.e[28..31] \
                mem.e[36..39] mem.w[36..39]
        .else
            .weight W : i8 [COLUMNS, KINDS, KG, JM, TK, R16, LANES] at mem.e[0..15]
        .endif
        .if WIDE_Y
            .output Y : i32 [COLUMNS, KINDS, NF, N, OR, LANES] at mem.e[40..43] mem.e[32..35] mem.w[40..43] \
                mem.w[32..35] mem.e[24..27] mem.e[16..19] mem.w[24..27] mem.w[16..19] banks run 1
        .else
            .output Y : i32 [COLUMNS, KINDS, NF, N, OR, LANES] at mem.e[40..43] mem.e[32..35] mem.w[40..43] \
                mem.w[32..35] banks run 2
        .endif
    .endif

    .if BIAS && F16
        .input bias : f16 [COLUMNS, LANES] at mem.w[28..29]
        .temp  BE : f32 [COLUMNS, LANES] at mem.e[24..27]
        .temp  BW : f32 [COLUMNS, LANES] at mem.w[24..27]
        flow bias:
            read     bias -> sg2.e[10]
            cast.f32 sg2.e[10] -> sg4.e[5], sg4.w[5] @alu5
            write    sg4.e[5] -> BE
            write    sg4.w[5] -> BW
    .elif BIAS
        .input bias : i32 [COLUMNS, LANES] at mem.w[36..39]
        .if WIDE_Y
            .temp B0 : i32 [COLUMNS, LANES] at mem.e[36..39]
            .temp B1 : i32 [COLUMNS, LANES] at mem.e[28..31]
        .else
            .temp B0 : i32 [COLUMNS, LANES] at mem.e[24..27]
            .temp B1 : i32 [COLUMNS, LANES] at mem.e[16..19]
        .endif
        .temp B2 : i32 [COLUMNS, LANES] at mem.w[28..31]
        .temp B3 : i32 [COLUMNS, LANES] at mem.w[20..23]
        flow bias:
            read  bias -> sg4.e[5]
            write sg4.e[5] -> B2
            write sg4.e[5] -> B3
            write sg4.e[5] -> B1
            write sg4.e[5] -> B0
    .endif

    ; Rows of X, each in the lanes of its number modulo FOLD, become vectors of FOLD rows: class e begins at row SH * e.
    .if FOLD > 1
        .for i in 0..FOLD
            .if F16
                .input X{i} : f16 [XB, N, HQ + 4, LANES] at mem.w[8 + 4 * i..11 + 4 * i]
            .else
                .input X{i} : i8 [XB, N, HQ + 4, LANES] at mem.w[4 + 4 * i..7 + 4 * i]
            .endif
        .endfor
        .for e in 0..CLASSES
            .if F16
                .temp F{e} : f16 [XB, N, HQ, LANES] at mem.w[0..7] bank e % 2
            .else
                .temp F{e} : i8 [XB, N, HQ, LANES] at mem.w[0..3] bank e % 2
            .endif
            flow fold_{e}:
                .for i in 0..FOLD
                    read X{i}[:, :, (i < SH * e) : +HQ, :] -> sg4.e[i]
                .endfor
                or.i32 sg4.e[0], sg4.e[1] -> %low @alu0
                .if FOLD == 4
                    or.i32 sg4.e[2], sg4.e[3] -> %high @alu1
                .elif FOLD == 3
                    identity.i32 sg4.e[2] -> %high @alu1
                .endif
                .if FOLD > 2
                    or.i32 %low, %high -> sg4.w[5] @alu7
                .else
                    identity.i32 %low -> sg4.w[5] @alu7
                .endif
                .if F16
                    write.f16 sg4.w[5] -> F{e}
                .else
                    write.i8 sg4.w[5] -> F{e}
                .endif
        .endfor
    .endif

    .macro load c, f, kh, j, k, way, one, two, rows
        flow load_{way}_{c}_{f}_{kh}_{j}_{k}:
            read W[c, f, kh, j, k, :, :] -> rows
            lw   one, rows
            .if !F16
                lw two, rows
            .endif
        flow install_{way}_{c}_{f}_{kh}_{j}_{k}:
            iw one
        .if !F16
            flow install_{way}_1_{c}_{f}_{kh}_{j}_{k}:
                iw two
        .endif
    .endm

    ; The rows of a class that are p modulo 4; vectors a, a + STEP, ... of the rows of X below them.
    .macro bytes c, f, kh, j, k, p, a, count, unit, row, partial, sum
        .equ until = a + STEP * (count - 1) + 1
        .equ e = f / PHASES
        flow multiply_{c}_{f}_{kh}_{j}_{k}_{p}:
            .if FOLD > 1
                read F{e}[a : until : STEP, :, kh + p : kh + OR : 4, :] -> row
            .else
                read X[c / TN * TK + k, kh % SH, a : until : STEP, :, kh / SH + p : kh / SH + OR : 4, :] -> row
            .endif
            abc unit, row
            .if kh + j + k
                read Y[c, f, 0 : count, :, p : OR : 4, :] -> partial
                acc  unit, partial -> sum
            .elif BIAS
                read B{p}[c : +1, :] -> partial repeat count * N * OR / 4 step 0
                acc  unit, partial -> sum
            .else
                acc unit -> sum
            .endif
            write sum -> Y[c, f, 0 : count, :, p : OR : 4, :]
    .endm

    ; Half h of the lanes; the first of a sum and the last are told, since halves without weights are left out.
    .macro halves c, f, kh, j, k, h, p, a, count, first, last, unit, row, partial, sum, result, cast, out, bias
        .equ until = a + STEP * (count - 1) + 1
        .equ e = f / PHASES
        flow multiply_{c}_{f}_{kh}_{j}_{k}_{h}_{p}:
            .if FOLD > 1
                read F{e}[a : until : STEP, :, kh + p : kh + OR : 2, :] -> row
            .else
                read X[c / TN * TK + k, kh % SH, a : until : STEP, :, kh / SH + p : kh / SH + OR : 2, :] -> row
            .endif
            abc unit, row half h
            .if !first
                read C[0 : count, :, p : OR : 2, :] -> partial
            .elif BIAS
                read bias[c : +1, :] -> partial repeat count * N * OR / 2 step 0
            .endif
            .if !first || BIAS
                .if last
                    acc unit, partial -> result
                .else
                    acc unit, partial -> sum
                .endif
            .elif last
                acc unit -> result
            .else
                acc unit -> sum
            .endif
            .if last
                cast.f16 result -> out @cast
                write    out -> Y[c, f, 0 : count, :, p : OR : 2, :]
            .else
                write sum -> C[0 : count, :, p : OR : 2, :]
            .endif
    .endm

    .macro tile c, f, kh, j, k
        .equ first = SW * Q * (f % PHASES)
        .equ a = first / P
        .equ count = ceil_div(NB - f % PHASES, PHASES)
        .if F16
            ; Lanes of X that meet weights: of pixels `from` up to `to`.
            .equ J = (first + REACH - 1) / P - a
            .equ from = max(0, first - P * (a + j))
            .equ to = min(P, first + REACH - P * (a + j))
            .equ low = FOLD > 1 || TK > 1 || from * CI < LANES / 2
            .equ high = (FOLD > 1 ? FOLD * P * CI : TK > 1 ? min(LANES, CI - LANES * k) : to * CI) > LANES / 2
            .equ begins = kh + j + k == 0
            .equ ends = kh == KG - 1 && j == J && k == TK - 1
            load c, f, kh, j, k, 0, mxm.e, mxm.e, sg16.e[0]
            load c, f, kh, j, k, 1, mxm.w, mxm.w, sg16.w[0]
            .for h in !low..1 + high
                halves c, f, kh, j, k, h, 0, a + j, count, begins && h == !low, ends && h == high, \
                    mxm.e, sg2.e[8], sg4.e[5], sg4.w[0], sg4.w[6], alu8, sg2.e[14], BE
                halves c, f, kh, j, k, h, 1, a + j, count, begins && h == !low, ends && h == high, \
                    mxm.w, sg2.w[8], sg4.w[5], sg4.e[0], sg4.e[6], alu10, sg2.w[14], BW
            .endfor
        .else
            load  c, f, kh, j, k, 0, mxm.e0, mxm.e1, sg16.e[0]
            load  c, f, kh, j, k, 1, mxm.w0, mxm.w1, sg16.w[0]
            bytes c, f, kh, j, k, 0, a + j, count, mxm.e0, s16.e, sg4.e[5], sg4.w[0]
            bytes c, f, kh, j, k, 1, a + j, count, mxm.e1, s17.e, sg4.e[6], sg4.w[1]
            bytes c, f, kh, j, k, 2, a + j, count, mxm.w0, s16.w, sg4.w[5], sg4.e[0]
            bytes c, f, kh, j, k, 3, a + j, count, mxm.w1, s17.w, sg4.w[6], sg4.e[1]
        .endif
    .endm

    .for c in 0..COLUMNS
        .for f in 0..KINDS
            .for kh in 0..KG
                .for j in 0..(SW * Q * (f % PHASES) + REACH - 1) / P - SW * Q * (f % PHASES) / P + 1
                    .for k in 0..TK
                        tile c, f, kh, j, k
                    .endfor
                .endfor
            .endfor
        .endfor
    .endfor
.endif
