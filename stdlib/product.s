; The products of matmul.s and linear.s, in C; matmul.s says how. Who includes this has M, K, N, B and F16, and two
; macros: `declare` stands where all sizes are known and declares C, `epilogue b, n` stands after each tile column of C.
; INITIAL = 1: sums begin with BE, in the west BW, a vector a column. ONWARD: the passes through the VXM that follow; if
; there are some, the last sums of many rows do not go to C: `onward n, p, sum` takes those of plane p to the VXM.

.equ BYTES = F16 ? 2 : 1      ; of an element of A and W
.equ TK = ceil_div(K, LANES)  ; tiles of weights down and across
.equ TN = ceil_div(N, LANES)
.equ TM = 4 * ceil_div(M, 4)  ; rows of a product, the same for each plane
.equ COLUMNS = B * TN
.equ ITEMS = COLUMNS * TK
.equ UNITS = F16 ? 2 : 4  ; that take a tile each: pairs of planes, or planes

; Many rows: a tile costs as many cycles as it takes to load, or to stream its rows, whichever is more. A tile that is
; read once and copied loads in half the time, and so do tiles of two groups of slices in turn, one read for the east
; while the other is for the west. That takes no ALUs from what follows the sums, but slices that only i8 can spare.
.equ STREAM = F16 ? TM : TM / 4
.equ ALL_ALUS = ONWARD > F16  ; one pass of f16 leaves four
.equ WIDE_W = ITEMS * LANES * BYTES > 16 * WORDS
.equ WIDE_C = B * TM * TN > 4 * WORDS
; For short streams: longer ones leave time to read a tile twice.
.equ PAIRED = ALL_ALUS && !F16 && STREAM < 40 && 20 * ceil_div(ITEMS, 2) <= WORDS
.equ COPIED = !PAIRED && !(WIDE_W && (WIDE_C || ONWARD > 1)) && (!ALL_ALUS || STREAM < min(F16 ? 84 : 40, 28 * TK))
.equ SHARED = COPIED && ALL_ALUS
.equ ROWS_COST = ITEMS * max((F16 ? 80 : 40) / (1 + (COPIED || PAIRED)), STREAM) + SHARED * COLUMNS * (STREAM + 20) + 8

; Few rows: a round is as long as loading takes, or as the units need in turn where they want the same tile of A. The
; sums pass the VXM afterwards; those of columns of one tile while others are made, where the units wait for each other.
; First sums are read from slices that weights are read from too.
.equ BUSY = (F16 ? 2 : 1) * M  ; cycles that a unit computes on a tile
.equ THIN = BUSY < 20          ; loading leaves gaps for all else that travels
.equ ROUNDS = ceil_div(ITEMS, UNITS)
.equ TURNS = BUSY * ceil_div(ITEMS, min(UNITS, max(B, TK)))
.equ PASSES = (TK > 1 || F16 && B > 1 ? COLUMNS : F16 * min(COLUMNS, 3)) + ONWARD * COLUMNS
.equ WORK = (THIN ? ROUNDS * (20 + 2 * BUSY) : max(40 * ROUNDS, TURNS)) + INITIAL * COLUMNS * (2 - THIN) * M
.equ HIDDEN = THIN && TK > 1 && !ONWARD ? WORK / (2 * TK) : 0  ; passes of the first columns, in the gaps of loading
.equ TILES_COST = WORK + max(0, PASSES * M - HIDDEN) + 40 * ALL_ALUS
.equ A_TILES = 4 * ceil_div(B * TK, 4)  ; four places to read A from at the same time
.equ FITS = (M + 4) * COLUMNS + M * A_TILES / 4 <= WORDS && 20 * ROUNDS <= WORDS
.param TILES = FITS && (TILES_COST < ROWS_COST || ITEMS * LANES * BYTES > 32 * WORDS)

.macro initial n, west, count, to
    .if west
        read BW[n, :] -> to repeat count step 0
    .else
        read BE[n, :] -> to repeat count step 0
    .endif
.endm

declare

.if TILES
    ; ---- Few rows --------------------------------------------------------------------------------------------
    .equ SLOTS = 4  ; sums of a column: one a plane, or one a half of a pair
    .equ GCD = COLUMNS % UNITS == 0 ? UNITS : COLUMNS % 2 == 0 ? 2 : 1
    .def unit(i, q) = (i % UNITS + q * GCD / COLUMNS) % UNITS  ; that takes item i in round q

    .if F16
        .input  A : f16 [M, A_TILES, LANES] at mem.e[36..39] mem.w[36..39]
        .weight W : f16 [ROUNDS, 20, 2, 16, LANES] at mem.e[0..31] mem.w[0..31]
        .temp   T : f32 [M, COLUMNS, SLOTS, LANES] \
            at mem.e[40..43] mem.e[32..35] mem.w[40..43] mem.w[32..35] banks run 2 * COLUMNS
    .else
        .input  A : i8 [M, A_TILES, LANES] at mem.e[36..39]
        .weight W : i8 [ROUNDS, 20, 4, 16, LANES] at mem.e[0..31] mem.w[0..31]
        .if TK > 1
            .temp T : i32 [M, COLUMNS, SLOTS, LANES] \
                at mem.e[40..43] mem.e[32..35] mem.w[40..43] mem.w[32..35] banks run 2 * COLUMNS
        .endif
    .endif

    .macro load q, u, unit, rows
        flow load_{q}_{u}:
            read W[q, :, u, :, :] -> rows
            lw   unit, rows
    .endm
    .macro load_of q, u
        .if F16 && u && THIN
            load q, 1, mxm.w, sg32.w[0]
        .elif F16 && u
            load q, 1, mxm.w, sg16.w[0]
        .elif F16 && THIN
            load q, 0, mxm.e, sg32.e[0]
        .elif F16
            load q, 0, mxm.e, sg16.e[0]
        .elif u == 0
            load q, 0, mxm.e0, sg16.e[0]
        .elif u == 1
            load q, 1, mxm.e1, sg16.e[THIN]
        .elif u == 2
            load q, 2, mxm.w0, sg16.w[0]
        .else
            load q, 3, mxm.w1, sg16.w[THIN]
        .endif
    .endm
    .macro install q, u
        flow install_{q}_{u}:
            .if F16 && u
                iw mxm.w
            .elif F16
                iw mxm.e
            .elif u == 0
                iw mxm.e0
            .elif u == 1
                iw mxm.e1
            .elif u == 2
                iw mxm.w0
            .else
                iw mxm.w1
            .endif
    .endm

    ; The rows of A through tile (n, k); `s` is the slot that keeps the sum, `fresh` whether it is empty, `first` whether
    ; the column has no sum yet.
    .macro multiply q, u, s, n, k, fresh, first, unit, row, partial, sum
        flow multiply_{q}_{u}_{s}:
            read A[:, n % B * TK + k, :] -> row
            .if F16
                abc unit, row half s % 2
            .else
                abc unit, row
            .endif
            .if INITIAL && first
                initial n, s / 2, M, partial
            .elif !fresh
                read T[:, n, s, :] -> partial
            .endif
            .if fresh && !(INITIAL && first)
                acc unit -> sum
            .else
                acc unit, partial -> sum
            .endif
            .if !F16 && TK == 1
                write sum -> C[:, n, :]
            .else
                write sum -> T[:, n, s, :]
            .endif
    .endm

    .macro multiply_by q, u, n, k, fresh, first
        .if F16 && u == 0
            multiply q, 0, 0, n, k, fresh, first, mxm.e, sg2.e[8], sg4.e[5], sg4.w[0]
            multiply q, 0, 1, n, k, fresh, 0, mxm.e, sg2.e[9], sg4.e[6], sg4.w[1]
        .elif F16
            multiply q, 1, 2, n, k, fresh, first, mxm.w, sg2.w[8], sg4.w[5], sg4.e[0]
            multiply q, 1, 3, n, k, fresh, 0, mxm.w, sg2.w[9], sg4.w[6], sg4.e[1]
        .elif u == 0 && THIN
            multiply q, 0, 0, n, k, fresh, first, mxm.e0, s0.e, sg4.e[1], sg4.w[0]
        .elif u == 0
            multiply q, 0, 0, n, k, fresh, first, mxm.e0, s16.e, sg4.e[5], sg4.w[0]
        .elif u == 1
            multiply q, 1, 1, n, k, fresh, first, mxm.e1, s17.e, sg4.e[6], sg4.w[1]
        .elif u == 2 && THIN
            multiply q, 2, 2, n, k, fresh, first, mxm.w0, s0.w, sg4.w[1], sg4.e[0]
        .elif u == 2
            multiply q, 2, 2, n, k, fresh, first, mxm.w0, s16.w, sg4.w[5], sg4.e[0]
        .else
            multiply q, 3, 3, n, k, fresh, first, mxm.w1, s17.w, sg4.w[6], sg4.e[1]
        .endif
    .endm

    ; Item i is tile (n, k) with n = i mod COLUMNS; k is skewed by n, so that the units read different tiles of
    ; A. The units turn by one whenever they would meet the same columns again: so they do only COLUMNS rounds later.
    ; A round's rows follow the next round's weights, which then need not wait until the arrays have settled.
    .for q in 0..ROUNDS + 1
        .for r in 0..min(UNITS, ITEMS - q * UNITS)
            load_of q, unit(r, q)
        .endfor
        .equ LAST = q - 1
        .for i in max(LAST * UNITS, 0)..min(q * UNITS, ITEMS)
            multiply_by LAST, unit(i, LAST), i % COLUMNS, (i / COLUMNS + i % COLUMNS) % TK, \
                LAST < COLUMNS, i < COLUMNS
        .endfor
        .for r in 0..min(UNITS, ITEMS - q * UNITS)
            install q, unit(r, q)
        .endfor
    .endfor

    ; The sums of the units, added: `met` are the units that the first items of a column went to.
    .macro finish n
        .equ FIRST = min(TK, UNITS)
        .def has(j) = (FIRST > j) << unit(n + j * COLUMNS, (n + j * COLUMNS) / UNITS)
        .equ MET = has(0) | has(1) | has(2) | has(3)
        .equ EAST = F16 ? 3 * (MET & 1) : MET & 3
        .equ WEST = F16 ? 3 * (MET >> 1) : MET >> 2
        flow finish_{n}:
            .if EAST & 1
                read T[:, n, 0, :] -> sg4.w[0]
            .endif
            .if EAST & 2
                read T[:, n, 1, :] -> sg4.w[1]
            .endif
            .if WEST & 1
                read T[:, n, 2, :] -> sg4.e[0]
            .endif
            .if WEST & 2
                read T[:, n, 3, :] -> sg4.e[1]
            .endif
            .if EAST == 3
                add sg4.w[0], sg4.w[1] -> %east
            .elif EAST == 1
                identity sg4.w[0] -> %east
            .elif EAST == 2
                identity sg4.w[1] -> %east
            .endif
            .if WEST == 3
                add sg4.e[0], sg4.e[1] -> %west
            .elif WEST == 1
                identity sg4.e[0] -> %west
            .elif WEST == 2
                identity sg4.e[1] -> %west
            .endif
            .if EAST && WEST
                add %east, %west -> sg4.w[2]
            .elif EAST
                identity %east -> sg4.w[2]
            .else
                identity %west -> sg4.w[2]
            .endif
            write sg4.w[2] -> C[:, n, :]
    .endm

    .for n in 0..COLUMNS
        .if F16 || TK > 1
            finish n
        .endif
        epilogue n % B, n / B
    .endfor

.else
    ; ---- Many rows -------------------------------------------------------------------------------------------
    ; Each tensor has as many slices as it needs. Between reading a row of C and writing it lie 14 cycles in quad 10, 18
    ; in quad 8, 22 in quad 6, 26 in quad 4: an odd number of runs of 2 words, if a group of slices serves every cycle, of
    ; runs of 1 if every other one. Every fourth cycle never meets itself.
    .equ A_NEED = BYTES * ceil_div(B * TM * TK, WORDS)
    .equ A_SLICES = A_NEED <= 4 * BYTES ? 4 * BYTES : A_NEED <= 16 ? 16 : 24
    .equ W_AT = ONWARD ? 16 : 0  ; what goes onward is written nearer to the VXM than the weights are read, on any stream
    .equ A_ROWS = B > 1 ? B * TM : M
    .equ W_ROWS = B > 1 ? B * TN * LANES : N

    .if F16
        .if A_SLICES <= 16
            .input A : f16 [A_ROWS, K] at mem.w[0..A_SLICES - 1] tile TM x 320
        .else
            .input A : f16 [A_ROWS, K] at mem.w[0..15] mem.w[20..23] mem.w[28..31] tile TM x 320
        .endif
        .if WIDE_W && COPIED
            .weight W : f16 [W_ROWS, K] at mem.e[0..31] tile 320x320
        .elif WIDE_W && ONWARD && A_SLICES <= 8
            .weight W : f16 [W_ROWS, K] at mem.e[16..31] mem.w[8..15] mem.e[36..39] mem.w[36..39] tile 320x320
        .elif WIDE_W && ONWARD
            .weight W : f16 [W_ROWS, K] at mem.e[16..31] mem.w[16..19] mem.w[24..27] mem.e[36..39] mem.w[36..39] tile 320x320
        .elif WIDE_W
            .weight W : f16 [W_ROWS, K] at mem.e[0..15] mem.e[20..23] mem.e[28..31] mem.e[36..39] mem.w[36..39] tile 320x320
        .else
            .weight W : f16 [W_ROWS, K] at mem.e[W_AT..W_AT + 15] tile 320x320
        .endif
    .else
        .if A_SLICES <= 16
            .input A : i8 [A_ROWS, K] at mem.w[0..A_SLICES - 1] tile TM x 320
        .else
            .input A : i8 [A_ROWS, K] at mem.w[0..15] mem.w[20..23] mem.w[28..31] tile TM x 320
        .endif
        .if PAIRED
            .weight W : i8 [ceil_div(ITEMS, 2), 20, 2, 16, LANES] at mem.e[0..31]
        .elif WIDE_W && COPIED
            .weight W : i8 [W_ROWS, K] at mem.e[0..31] tile 320x320
        .elif WIDE_W && ONWARD && A_SLICES <= 8
            .weight W : i8 [W_ROWS, K] at mem.e[16..31] mem.w[8..15] mem.e[36..39] mem.w[36..39] tile 320x320
        .elif WIDE_W && ONWARD
            .weight W : i8 [W_ROWS, K] at mem.e[16..31] mem.w[16..19] mem.w[24..27] mem.e[36..39] mem.w[36..39] tile 320x320
        .elif WIDE_W
            .weight W : i8 [W_ROWS, K] at mem.e[0..15] mem.e[20..23] mem.e[28..31] mem.e[36..39] mem.w[36..39] tile 320x320
        .else
            .weight W : i8 [W_ROWS, K] at mem.e[W_AT..W_AT + 15] tile 320x320
        .endif
    .endif

    ; A tile of weights, read once: on its way west it meets the VXM, where four ALUs send it on both ways.
    .macro copy b, n, k
        flow load_{b}_{n}_{k}:
            read W[LANES * (b * TN + n) : +LANES, LANES * k : +LANES] -> sg16.w[0]
            .for g in 0..4
                identity.i32 sg4.w[g] -> sg4.e[g], sg4.w[g] @alu{g}
            .endfor
            .if F16
                lw mxm.e, sg16.e[0]
                lw mxm.w, sg16.w[0]
            .else
                lw mxm.e0 mxm.e1, sg16.e[0]
                lw mxm.w0 mxm.w1, sg16.w[0]
            .endif
    .endm
    ; The same, read once for each hemisphere.
    .macro load b, n, k, h
        flow load_{h}_{b}_{n}_{k}:
            read W[LANES * (b * TN + n) : +LANES, LANES * k : +LANES] -> sg16.{h}[0]
            .if F16
                lw mxm.{h}, sg16.{h}[0]
            .else
                lw mxm.{h}0 mxm.{h}1, sg16.{h}[0]
            .endif
    .endm
    ; The same, of tiles that lie in two groups of slices in turn.
    .macro paired i, h, to
        flow load_{h}_{i}:
            read W[i / 2, :, i % 2, :, :] -> to
            lw   mxm.{h}0 mxm.{h}1, to
    .endm
    .macro install b, n, k, h
        .if F16
            flow install_{h}_{b}_{n}_{k}:
                iw mxm.{h}
        .else
            flow install_{h}0_{b}_{n}_{k}:
                iw mxm.{h}0
            flow install_{h}1_{b}_{n}_{k}:
                iw mxm.{h}1
        .endif
    .endm

    ; The rows that are p modulo UNITS of product b, with half h of the lanes if they are f16.
    .macro send b, k, h, p, unit, row
        read A[TM * b + p : TM * (b + 1) : UNITS, LANES * k : +LANES] -> row
        .if F16
            abc unit, row half h
        .else
            abc unit, row
        .endif
    .endm

    .macro take b, n, k, h, p, unit, initial, partial, sum, inward
        .equ FIRST = k + h == 0
        .equ LAST = k == TK - 1 && (h || !F16)
        .if !FIRST
            read C[TM * b + p : TM * (b + 1) : UNITS, LANES * n : +LANES] -> partial
        .endif
        .equ KNOWN = FIRST ? INITIAL : 2  ; what there is to add to: nothing, the first vector, sums
        .if ONWARD && LAST
            add_to KNOWN, unit, initial, partial, inward
            onward n, p, inward
        .else
            add_to KNOWN, unit, initial, partial, sum
            write  sum -> C[TM * b + p : TM * (b + 1) : UNITS, LANES * n : +LANES]
        .endif
    .endm
    .macro add_to known, unit, initial, partial, sum
        .if known == 2
            acc unit, partial -> sum
        .elif known == 1
            acc unit, initial -> sum
        .else
            acc unit -> sum
        .endif
    .endm

    ; The rows of a hemisphere. Its two planes of i8 begin with the same vector, and so in the same flow.
    .macro multiply b, n, k, h, p, one, two, row_1, row_2, part_1, part_2, sum_1, sum_2, in_1, in_2
        flow multiply_{b}_{n}_{k}_{h}_{p}:
            send b, k, h, p, one, row_1
            .if INITIAL && k + h == 0
                initial n, p >= UNITS / 2, TM / UNITS, part_1
            .endif
        .if F16
            take b, n, k, h, p, one, part_1, part_1, sum_1, in_1
        .elif INITIAL && k == 0
            send b, k, h, p + 1, two, row_2
            take b, n, k, h, p, one, part_1, part_1, sum_1, in_1
            take b, n, k, h, p + 1, two, part_1, part_2, sum_2, in_2
        .else
            take b, n, k, h, p, one, part_1, part_1, sum_1, in_1
            flow multiply_{b}_{n}_{k}_{h}_{p + 1}:
                send b, k, h, p + 1, two, row_2
                take b, n, k, h, p + 1, two, part_1, part_2, sum_2, in_2
        .endif
    .endm
    .macro all_rows b, n, k, h
        .if F16
            multiply b, n, k, h, 0, mxm.e, mxm.e, sg2.e[8], sg2.e[8], sg4.e[5], sg4.e[5], sg4.w[0], sg4.w[0], sg4.w[5], sg4.w[5]
            multiply b, n, k, h, 1, mxm.w, mxm.w, sg2.w[8], sg2.w[8], sg4.w[5], sg4.w[5], sg4.e[0], sg4.e[0], sg4.e[1], sg4.e[1]
        .elif PAIRED
            multiply b, n, k, h, 0, mxm.e0, mxm.e1, s0.e, s1.e, sg4.e[1], sg4.e[2], sg4.w[0], sg4.w[1], sg4.w[5], sg4.w[6]
            multiply b, n, k, h, 2, mxm.w0, mxm.w1, s16.w, s17.w, sg4.w[5], sg4.w[6], sg4.e[0], sg4.e[1], sg4.e[3], sg4.e[7]
        .else
            multiply b, n, k, h, 0, mxm.e0, mxm.e1, s16.e, s17.e, sg4.e[5], sg4.e[6], sg4.w[0], sg4.w[1], sg4.w[5], sg4.w[6]
            multiply b, n, k, h, 2, mxm.w0, mxm.w1, s16.w, s17.w, sg4.w[5], sg4.w[6], sg4.e[0], sg4.e[1], sg4.e[2], sg4.e[1]
        .endif
    .endm

    .for b in 0..B
        .for n in 0..TN
            .for k in 0..TK
                ; The first tile meets nobody in the VXM.
                .if PAIRED
                    paired n * TK + k, e, sg16.e[1]
                    paired n * TK + k, w, sg16.w[0]
                .elif COPIED || b + n + k == 0 && !WIDE_W
                    copy b, n, k
                .else
                    load b, n, k, e
                    load b, n, k, w
                .endif
                install b, n, k, e
                install b, n, k, w
                .for h in 0..F16 ? 2 : 1
                    all_rows b, n, k, h
                .endfor
            .endfor
            epilogue b, n
        .endfor
    .endfor
.endif
