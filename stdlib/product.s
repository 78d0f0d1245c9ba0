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

.equ KIND = F16 ? f16 : i8
.equ SUM = F16 ? f32 : i32

; Place s is a plane, for i8, or a pair of planes with one half of the lanes: 0 and 1 in the east, 2 and 3 in the west. Its
; unit; the streams of its rows, of the sums it adds to, and of its results. They are beside those of weights: from
; stream 16 on if these take streams 0 to 15. `place(u)` is the first one of unit u.
.def place(u) = F16 ? 2 * u : u
.def side(s) = s < 2 ? e : w
.def other(s) = s < 2 ? w : e
.def beside(s) = !F16 && (TILES ? THIN && s % 2 == 0 : PAIRED && s < 2) ? 0 : 16
.def unit(s) = F16 ? mxm.{side(s)} : mxm.{side(s)}{s % 2}
.def row(s) = F16 ? sg2.{side(s)}[8 + s % 2] : s{beside(s) + s % 2}.{side(s)}
.def part(s) = sg4.{side(s)}[beside(s) / 4 + 1 + s % 2]
.def result(s) = sg4.{other(s)}[s % 2]
; Called once each: indexing a list takes the assembler less time than a call.
.equ UNIT = (unit(0), unit(1), unit(2), unit(3))
.equ ROW = (row(0), row(1), row(2), row(3))
.equ PART = (part(0), part(1), part(2), part(3))
.equ RESULT = (result(0), result(1), result(2), result(3))
.def planes(h) = F16 ? mxm.{h} : (mxm.{h}0 mxm.{h}1)

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
    .equ SLOTS = 4  ; sums of a column: one a place
    .equ GCD = COLUMNS % UNITS == 0 ? UNITS : COLUMNS % 2 == 0 ? 2 : 1
    .def taker(i, q) = (i % UNITS + q * GCD / COLUMNS) % UNITS  ; the unit that takes item i in round q
    .def weights(u) = F16 && THIN ? sg32.{side(place(u))}[0] : sg16.{side(place(u))}[!F16 && u % 2 ? THIN : 0]

    .input  A : KIND [M, A_TILES, LANES] at (F16 ? (mem.e[36..39] mem.w[36..39]) : mem.e[36..39])
    .weight W : KIND [ROUNDS, 20, UNITS, 16, LANES] at mem.e[0..31] mem.w[0..31]
    .if F16 || TK > 1
        .temp T : SUM [M, COLUMNS, SLOTS, LANES] \
            at mem.e[40..43] mem.e[32..35] mem.w[40..43] mem.w[32..35] banks run 2 * COLUMNS
    .endif

    .macro load q, u
        flow load_{q}_{u}:
            read W[q, :, u, :, :] -> weights(u)
            lw   UNIT[place(u)], weights(u)
    .endm
    .macro install q, u
        flow install_{q}_{u}:
            iw UNIT[place(u)]
    .endm

    ; The rows of A through tile (n, k); `s` is the place that keeps the sum, `fresh` whether it is empty, `first` whether
    ; the column has no sum yet.
    .macro multiply q, u, s, n, k, fresh, first
        flow multiply_{q}_{u}_{s}:
            read A[:, n % B * TK + k, :] -> ROW[s]
            .if F16
                abc UNIT[s], ROW[s] half s % 2
            .else
                abc UNIT[s], ROW[s]
            .endif
            .if INITIAL && first
                initial n, s / 2, M, PART[s]
            .elif !fresh
                read T[:, n, s, :] -> PART[s]
            .endif
            .if fresh && !(INITIAL && first)
                acc UNIT[s] -> RESULT[s]
            .else
                acc UNIT[s], PART[s] -> RESULT[s]
            .endif
            .if !F16 && TK == 1
                write RESULT[s] -> C[:, n, :]
            .else
                write RESULT[s] -> T[:, n, s, :]
            .endif
    .endm
    .macro multiply_by q, u, n, k, fresh, first
        multiply q, u, place(u), n, k, fresh, first
        .if F16
            multiply q, u, place(u) + 1, n, k, fresh, 0
        .endif
    .endm

    ; Item i is tile (n, k) with n = i mod COLUMNS; k is skewed by n, so that the units read different tiles of
    ; A. The units turn by one whenever they would meet the same columns again: so they do only COLUMNS rounds later.
    ; A round's rows follow the next round's weights, which then need not wait until the arrays have settled.
    .for q in 0..ROUNDS + 1
        .for r in 0..min(UNITS, ITEMS - q * UNITS)
            load q, taker(r, q)
        .endfor
        .equ LAST = q - 1
        .for i in max(LAST * UNITS, 0)..min(q * UNITS, ITEMS)
            multiply_by LAST, taker(i, LAST), i % COLUMNS, (i / COLUMNS + i % COLUMNS) % TK, \
                LAST < COLUMNS, i < COLUMNS
        .endfor
        .for r in 0..min(UNITS, ITEMS - q * UNITS)
            install q, taker(r, q)
        .endfor
    .endfor

    ; The sums of the places, added: `MET` are the units that the first items of a column went to.
    .macro finish n
        .equ FIRST = min(TK, UNITS)
        .def has(j) = (FIRST > j) << taker(n + j * COLUMNS, (n + j * COLUMNS) / UNITS)
        .equ MET = has(0) | has(1) | has(2) | has(3)
        .equ EAST = F16 ? 3 * (MET & 1) : MET & 3
        .equ WEST = F16 ? 3 * (MET >> 1) : MET >> 2
        flow finish_{n}:
            .for s in 0..4
                .if ((s < 2 ? EAST : WEST) >> s % 2) & 1
                    read T[:, n, s, :] -> RESULT[s]
                .endif
            .endfor
            side_sum EAST, 0, %east
            side_sum WEST, 2, %west
            .if EAST && WEST
                add %east, %west -> sg4.w[2]
            .elif EAST
                identity %east -> sg4.w[2]
            .else
                identity %west -> sg4.w[2]
            .endif
            write sg4.w[2] -> C[:, n, :]
    .endm
    .macro side_sum met, s, out
        .if met == 3
            add RESULT[s], RESULT[s + 1] -> out
        .elif met
            identity RESULT[s + met / 2] -> out
        .endif
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
    .equ A_IN = A_SLICES <= 16 ? mem.w[0..A_SLICES - 1] : (mem.w[0..15] mem.w[20..23] mem.w[28..31])
    .input A : KIND [B > 1 ? B * TM : M, K] at A_IN tile TM x 320

    .if PAIRED
        .weight W : KIND [ceil_div(ITEMS, 2), 20, 2, 16, LANES] at mem.e[0..31]
    .else
        .if WIDE_W && COPIED
            .equ W_IN = mem.e[0..31]
        .elif WIDE_W && ONWARD && A_SLICES <= 8
            .equ W_IN = mem.e[16..31] mem.w[8..15] mem.e[36..39] mem.w[36..39]
        .elif WIDE_W && ONWARD
            .equ W_IN = mem.e[16..31] mem.w[16..19] mem.w[24..27] mem.e[36..39] mem.w[36..39]
        .elif WIDE_W
            .equ W_IN = mem.e[0..15] mem.e[20..23] mem.e[28..31] mem.e[36..39] mem.w[36..39]
        .elif ONWARD  ; what goes onward is written nearer to the VXM than the weights are read, on any stream
            .equ W_IN = mem.e[16..31]
        .else
            .equ W_IN = mem.e[0..15]
        .endif
        .weight W : KIND [B > 1 ? B * TN * LANES : N, K] at W_IN tile 320x320
    .endif

    ; A tile of weights, read once: on its way west it meets the VXM, where four ALUs send it on both ways.
    .macro copy b, n, k
        flow load_{b}_{n}_{k}:
            read W[LANES * (b * TN + n) : +LANES, LANES * k : +LANES] -> sg16.w[0]
            .for g in 0..4
                identity.i32 sg4.w[g] -> sg4.e[g], sg4.w[g] @alu{g}
            .endfor
            lw planes(e), sg16.e[0]
            lw planes(w), sg16.w[0]
    .endm
    ; The same, read once for each hemisphere.
    .macro load b, n, k, h
        flow load_{h}_{b}_{n}_{k}:
            read W[LANES * (b * TN + n) : +LANES, LANES * k : +LANES] -> sg16.{h}[0]
            lw   planes(h), sg16.{h}[0]
    .endm
    ; The same, of tiles that lie in two groups of slices in turn.
    .macro paired i, h, to
        flow load_{h}_{i}:
            read W[i / 2, :, i % 2, :, :] -> to
            lw   planes(h), to
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

    ; Unit p has the rows that are p modulo UNITS of each product. The streams on which its last sums go onward:
    .def inward(p) = F16 ? (p ? sg4.e[1] : sg4.w[5]) : p < 2 ? sg4.w[5 + p] : PAIRED ? sg4.e[p == 2 ? 3 : 7] : sg4.e[4 - p]

    ; Rows of product b, with half h of the lanes if they are f16.
    .macro send b, k, h, p
        read A[TM * b + p : TM * (b + 1) : UNITS, LANES * k : +LANES] -> ROW[place(p)]
        .if F16
            abc UNIT[place(p)], ROW[place(p)] half h
        .else
            abc UNIT[place(p)], ROW[place(p)]
        .endif
    .endm

    .macro take b, n, k, h, p, initial
        .equ FIRST = k + h == 0
        .equ LAST = k == TK - 1 && (h || !F16)
        .if !FIRST
            read C[TM * b + p : TM * (b + 1) : UNITS, LANES * n : +LANES] -> PART[place(p)]
        .endif
        .equ KNOWN = FIRST ? INITIAL : 2  ; what there is to add to: nothing, the first vector, sums
        .if ONWARD && LAST
            add_to KNOWN, place(p), initial, inward(p)
            onward n, p, inward(p)
        .else
            add_to KNOWN, place(p), initial, RESULT[place(p)]
            write  RESULT[place(p)] -> C[TM * b + p : TM * (b + 1) : UNITS, LANES * n : +LANES]
        .endif
    .endm
    .macro add_to known, s, initial, sum
        .if known == 2
            acc UNIT[s], PART[s] -> sum
        .elif known == 1
            acc UNIT[s], initial -> sum
        .else
            acc UNIT[s] -> sum
        .endif
    .endm

    ; The rows of a hemisphere. Its two planes of i8 begin with the same vector, and so in the same flow.
    .macro multiply b, n, k, h, p
        flow multiply_{b}_{n}_{k}_{h}_{p}:
            send b, k, h, p
            .if INITIAL && k + h == 0
                initial n, p >= UNITS / 2, TM / UNITS, PART[place(p)]
            .endif
        .if F16
            take b, n, k, h, p, PART[place(p)]
        .elif INITIAL && k == 0
            send b, k, h, p + 1
            take b, n, k, h, p, PART[p]
            take b, n, k, h, p + 1, PART[p]
        .else
            take b, n, k, h, p, PART[p]
            flow multiply_{b}_{n}_{k}_{h}_{p + 1}:
                send b, k, h, p + 1
                take b, n, k, h, p + 1, PART[p + 1]
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
                    multiply b, n, k, h, 0
                    multiply b, n, k, h, UNITS / 2
                .endfor
            .endfor
            epilogue b, n
        .endfor
    .endfor
.endif
