; The products of matmul.s and linear.s, in C; matmul.s says how. Who includes this has M, K, N, B and F16, and two
; macros: `declare` stands where all sizes are known, `epilogue b, n` after each tile column of C.

.equ BYTES = F16 ? 2 : 1      ; of an element of A and W
.equ TK = ceil_div(K, LANES)  ; tiles of weights down and across
.equ TN = ceil_div(N, LANES)
.equ TM = 4 * ceil_div(M, 4)  ; rows of a product, the same for each plane
.equ COLUMNS = B * TN
.equ ITEMS = COLUMNS * TK
.equ UNITS = F16 ? 2 : 4  ; that take a tile each: pairs of planes, or planes

; What a tile costs: as many cycles as it takes to load, or to stream its rows, whichever is more.
.equ ROWS_COST = ITEMS * (F16 ? max(80, TM) : max(40, TM / 4))
.equ BUSY = (F16 ? 2 : 1) * M  ; cycles that a unit computes on a tile
.equ THIN = BUSY < 12          ; loading leaves gaps for all else that travels
.equ ROUND = THIN ? 20 + 3 * BUSY : max(40, BUSY * ceil_div(UNITS, max(B, TK)))
.equ ROUNDS = ceil_div(ITEMS, UNITS)
.equ TILES_COST = ROUNDS * ROUND + (TK > 1 || F16 ? COLUMNS * M : 0)
.equ A_TILES = 4 * ceil_div(B * TK, 4)  ; four places to read A from at the same time
.equ FITS = (M + 4) * COLUMNS + M * A_TILES / 4 <= WORDS && 20 * ROUNDS <= WORDS
.param TILES = FITS && TILES_COST < ROWS_COST

declare

.if TILES
    ; ---- Few rows --------------------------------------------------------------------------------------------
    .equ SLOTS = 4  ; sums of a column: one a plane, or one a half of a pair
    .equ GCD = COLUMNS % UNITS == 0 ? UNITS : COLUMNS % 2 == 0 ? 2 : 1

    .if F16
        .input  A : f16 [M, A_TILES, LANES] at mem.e[36..39] mem.w[36..39]
        .weight W : f16 [ROUNDS, 20, 2, 16, LANES] at mem.e[0..31] mem.w[0..31]
        .temp   T : f32 [M, COLUMNS, SLOTS, LANES] \
            at mem.e[40..43] mem.e[32..35] mem.w[40..43] mem.w[32..35] banks run 2 * COLUMNS
        .output C : f32 [M, COLUMNS, LANES] at mem.w[36..39]
    .else
        .input  A : i8 [M, A_TILES, LANES] at mem.e[36..39]
        .weight W : i8 [ROUNDS, 20, 4, 16, LANES] at mem.e[0..31] mem.w[0..31]
        .if TK > 1
            .temp T : i32 [M, COLUMNS, SLOTS, LANES] \
                at mem.e[40..43] mem.e[32..35] mem.w[40..43] mem.w[32..35] banks run 2 * COLUMNS
            .output C : i32 [M, COLUMNS, LANES] at mem.w[36..39]
        .else
            .output C : i32 [M, 4 * ceil_div(COLUMNS, 4), LANES] at mem.e[40..43] mem.e[32..35] mem.w[40..43] mem.w[32..35]
        .endif
    .endif

    .macro load q, u, unit, rows
        flow load_{q}_{u}:
            read W[q, :, u, :, :] -> rows
            lw   unit, rows
        flow install_{q}_{u}:
            iw unit
    .endm

    ; The rows of A through tile (n, k); `s` is the slot that keeps the sum, `fresh` whether it is empty.
    .macro multiply q, u, s, n, k, fresh, unit, row, partial, sum
        flow multiply_{q}_{u}_{s}:
            read A[:, n % B * TK + k, :] -> row
            .if F16
                abc unit, row half s % 2
            .else
                abc unit, row
            .endif
            .if !F16 && TK == 1
                acc   unit -> sum
                write sum -> C[:, n, :]
            .elif fresh
                acc   unit -> sum
                write sum -> T[:, n, s, :]
            .else
                read  T[:, n, s, :] -> partial
                acc   unit, partial -> sum
                write sum -> T[:, n, s, :]
            .endif
    .endm

    .macro item q, u, n, k, fresh
        .if F16 && u == 0
            .if THIN
                load q, 0, mxm.e, sg32.e[0]
            .else
                load q, 0, mxm.e, sg16.e[0]
            .endif
            multiply q, 0, 0, n, k, fresh, mxm.e, sg2.e[8], sg4.e[5], sg4.w[0]
            multiply q, 0, 1, n, k, fresh, mxm.e, sg2.e[9], sg4.e[6], sg4.w[1]
        .elif F16
            .if THIN
                load q, 1, mxm.w, sg32.w[0]
            .else
                load q, 1, mxm.w, sg16.w[0]
            .endif
            multiply q, 1, 2, n, k, fresh, mxm.w, sg2.w[8], sg4.w[5], sg4.e[0]
            multiply q, 1, 3, n, k, fresh, mxm.w, sg2.w[9], sg4.w[6], sg4.e[1]
        .elif u == 0
            load     q, 0, mxm.e0, sg16.e[0]
            multiply q, 0, 0, n, k, fresh, mxm.e0, s16.e, sg4.e[5], sg4.w[0]
        .elif u == 1
            .if THIN
                load q, 1, mxm.e1, sg16.e[1]
            .else
                load q, 1, mxm.e1, sg16.e[0]
            .endif
            multiply q, 1, 1, n, k, fresh, mxm.e1, s17.e, sg4.e[6], sg4.w[1]
        .elif u == 2
            load     q, 2, mxm.w0, sg16.w[0]
            multiply q, 2, 2, n, k, fresh, mxm.w0, s16.w, sg4.w[5], sg4.e[0]
        .else
            .if THIN
                load q, 3, mxm.w1, sg16.w[1]
            .else
                load q, 3, mxm.w1, sg16.w[0]
            .endif
            multiply q, 3, 3, n, k, fresh, mxm.w1, s17.w, sg4.w[6], sg4.e[1]
        .endif
    .endm

    ; Item i is tile (n, k) with n = i mod COLUMNS; k is skewed by n, so that the units read different tiles of
    ; A. The units turn by one whenever they would meet the same columns again: so they do only COLUMNS rounds later.
    .for q in 0..ROUNDS
        .for r in 0..min(UNITS, ITEMS - q * UNITS)
            item q, (r + q * GCD / COLUMNS) % UNITS, (q * UNITS + r) % COLUMNS, \
                ((q * UNITS + r) / COLUMNS + (q * UNITS + r) % COLUMNS) % TK, q < COLUMNS
        .endfor
    .endfor

    ; The sums of the units, added: `met` are the units that the first items of a column went to.
    .macro finish n
        .equ FIRST = min(TK, UNITS)
        .equ U0 = (n % UNITS + n / UNITS * GCD / COLUMNS) % UNITS
        .equ U1 = ((n + COLUMNS) % UNITS + (n + COLUMNS) / UNITS * GCD / COLUMNS) % UNITS
        .equ U2 = ((n + 2 * COLUMNS) % UNITS + (n + 2 * COLUMNS) / UNITS * GCD / COLUMNS) % UNITS
        .equ U3 = ((n + 3 * COLUMNS) % UNITS + (n + 3 * COLUMNS) / UNITS * GCD / COLUMNS) % UNITS
        .equ MET = (1 << U0) | (FIRST > 1) << U1 | (FIRST > 2) << U2 | (FIRST > 3) << U3
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
    .equ WIDE_W = B * TN * TK * LANES * BYTES > 16 * WORDS
    .equ WIDE_C = B * TM * TN > 4 * WORDS
    .equ A_ROWS = B > 1 ? B * TM : M
    .equ W_ROWS = B > 1 ? B * TN * LANES : N

    .if F16
        .if A_SLICES <= 16
            .input A : f16 [A_ROWS, K] at mem.w[0..A_SLICES - 1] tile TM x 320
        .else
            .input A : f16 [A_ROWS, K] at mem.w[0..15] mem.w[20..23] mem.w[28..31] tile TM x 320
        .endif
        .if WIDE_W
            .weight W : f16 [W_ROWS, K] at mem.e[0..15] mem.e[20..23] mem.e[28..31] mem.e[36..39] mem.w[36..39] tile 320x320
        .else
            .weight W : f16 [W_ROWS, K] at mem.e[0..15] tile 320x320
        .endif
        .if WIDE_C
            .output C : f32 [A_ROWS, N] at mem.e[40..43] mem.w[40..43] mem.e[32..35] mem.w[32..35] \
                mem.e[24..27] mem.w[24..27] mem.e[16..19] mem.w[16..19] tile TM x 320 banks run 1
        .else
            .output C : f32 [A_ROWS, N] at mem.e[40..43] mem.w[40..43] mem.e[32..35] mem.w[32..35] tile TM x 320 banks run 1
        .endif
    .else
        .if A_SLICES <= 16
            .input A : i8 [A_ROWS, K] at mem.w[0..A_SLICES - 1] tile TM x 320
        .else
            .input A : i8 [A_ROWS, K] at mem.w[0..15] mem.w[20..23] mem.w[28..31] tile TM x 320
        .endif
        .if WIDE_W
            .weight W : i8 [W_ROWS, K] at mem.e[0..15] mem.e[20..23] mem.e[28..31] mem.e[36..39] mem.w[36..39] tile 320x320
        .else
            .weight W : i8 [W_ROWS, K] at mem.e[0..15] tile 320x320
        .endif
        .if WIDE_C
            .output C : i32 [A_ROWS, N] at mem.e[40..43] mem.e[32..35] mem.w[40..43] mem.w[32..35] \
                mem.e[24..27] mem.e[16..19] mem.w[24..27] mem.w[16..19] tile TM x 320 banks run 1
        .else
            .output C : i32 [A_ROWS, N] at mem.e[40..43] mem.e[32..35] mem.w[40..43] mem.w[32..35] tile TM x 320 banks run 2
        .endif
    .endif

    .macro load b, n, k, way, one, two, rows
        flow load_{way}_{b}_{n}_{k}:
            read W[LANES * (b * TN + n) : +LANES, LANES * k : +LANES] -> rows
            .if F16
                lw one, rows
            .else
                lw one, rows
                lw two, rows
            .endif
        flow install_{way}_{b}_{n}_{k}:
            iw one
        .if !F16
            flow install_{way}_1_{b}_{n}_{k}:
                iw two
        .endif
    .endm

    ; The rows that are p modulo `planes` of product b, with half h of the lanes if they are f16.
    .macro multiply b, n, k, h, p, planes, unit, row, partial, sum
        flow multiply_{b}_{n}_{k}_{h}_{p}:
            read A[TM * b + p : TM * (b + 1) : planes, LANES * k : +LANES] -> row
            .if F16
                abc unit, row half h
            .else
                abc unit, row
            .endif
            .if k + h == 0
                acc unit -> sum
            .else
                read C[TM * b + p : TM * (b + 1) : planes, LANES * n : +LANES] -> partial
                acc  unit, partial -> sum
            .endif
            write sum -> C[TM * b + p : TM * (b + 1) : planes, LANES * n : +LANES]
    .endm

    .for b in 0..B
        .for n in 0..TN
            .for k in 0..TK
                .if F16
                    load b, n, k, 0, mxm.e, mxm.e, sg16.e[0]
                    load b, n, k, 1, mxm.w, mxm.w, sg16.w[0]
                    .for h in 0..2
                        multiply b, n, k, h, 0, 2, mxm.e, sg2.e[8], sg4.e[5], sg4.w[0]
                        multiply b, n, k, h, 1, 2, mxm.w, sg2.w[8], sg4.w[5], sg4.e[0]
                    .endfor
                .else
                    load     b, n, k, 0, mxm.e0, mxm.e1, sg16.e[0]
                    load     b, n, k, 1, mxm.w0, mxm.w1, sg16.w[0]
                    multiply b, n, k, 0, 0, 4, mxm.e0, s16.e, sg4.e[5], sg4.w[0]
                    multiply b, n, k, 0, 1, 4, mxm.e1, s17.e, sg4.e[6], sg4.w[1]
                    multiply b, n, k, 0, 2, 4, mxm.w0, s16.w, sg4.w[5], sg4.e[0]
                    multiply b, n, k, 0, 3, 4, mxm.w1, s17.w, sg4.w[6], sg4.e[1]
                .endif
            .endfor
            epilogue b, n
        .endfor
    .endfor
.endif
