; Yᵀ = X, tile by tile and byte by byte: 320 × 320 bytes at a time, of elements of any type.
;
; The idea. A plane that has installed 320 rows of X gives lane n of a result as the product of row n and whatever
; streams through: the unit vector of lane j brings out column j of X, a row of the transpose. Bytes go through as
; i8, and `low8` lets ACC drive the byte alone. Four planes do four tiles at a time, and the planes of a hemisphere
; share the stream of unit vectors. An element of four bytes is four such tiles. Only the groups of 16 rows that there
; are load, a group a cycle, and only the columns that there are stream. While a tile streams, the next ones of both
; planes load, one behind the other; where columns are few (BESIDE = 1) loading is what takes the time, so both planes
; load beside each other from all 32 streams, and the unit vectors pass between two loads.
; Sixteen rows at most need no plane (FEW = 1): the SXM transposes them by themselves, see transpose_few.s. Above the
; floor are 20 cycles, the first load of the second plane of a hemisphere: 1 % of 1280 × 1280.
;
; Contract
;   shapes  ITEMS tiles of bytes of GROUPS · 16 rows: tile i is unit i mod 4 of round i div 4 of
;           X [rounds, GROUPS, 4, 16, 320], row 16 g + k of it at [., g, ., k]; in Y [COLUMNS, items, 320] it is
;           [:, i]. WIDE = 1 gives X half as many slices, and Y 52 in place of 16
;   error   none: bytes are moved
;   cycles  with n = GROUPS: at most ⌈ITEMS / 4⌉ · max(2n + 4, COLUMNS) + 170; BESIDE = 1: ⌈ITEMS / 4⌉ · (n + COLUMNS + 6)
;           + 170; FEW = 1: as transpose_few.s
.target tsp1
.param FEW = 0
.param ITEMS = 16
.param COLUMNS = 320
.param GROUPS = 20
.param BESIDE = 0
.param WIDE = 0

.if FEW
    .include "transpose_few.s"
.else
    .equ ROUNDS = ceil_div(ITEMS, 4)
    .if WIDE
        .input  X : i8 [ROUNDS, GROUPS, 4, 16, LANES] at mem.e[0..15] mem.w[0..15]
        .output Y : i8 [COLUMNS, 52 * ceil_div(ITEMS, 52), LANES] at mem.e[16..41] mem.w[16..41]
    .else
        .input  X : i8 [ROUNDS, GROUPS, 4, 16, LANES] at mem.e[0..31] mem.w[0..31]
        .output Y : i8 [COLUMNS, 16 * ceil_div(ITEMS, 16), LANES] at mem.e[34..41] mem.w[34..41]
    .endif
    .const EyeE : i8 [COLUMNS, LANES] at mem.w42 = for i, lane: i == lane
    .const EyeW : i8 [COLUMNS, LANES] at mem.e42 = for i, lane: i == lane

    .macro load q, u, plane, rows
        flow load_{q}_{u}:
            read X[q, :, u, :, :] -> rows
            lw   plane, rows
    .endm
    .macro round q
        load q, 0, mxm.e0, sg16.e[0]
        load q, 1, mxm.e1, sg16.e[BESIDE]
        load q, 2, mxm.w0, sg16.w[0]
        load q, 3, mxm.w1, sg16.w[BESIDE]
    .endm
    .macro install q, u, plane
        flow install_{q}_{u}:
            iw plane
    .endm
    ; The unit vectors `eye` through the planes of hemisphere h: items i and i + 1 come out.
    .macro turn h, i, eye, in, out
        flow turn_{h}_{i / 4}:
            read  eye -> in
            abc   mxm.{h}0, in
            abc   mxm.{h}1, in
            acc   mxm.{h}0 -> out[0] low8
            acc   mxm.{h}1 -> out[1] low8
            write out[0] -> Y[:, i, :]
            write out[1] -> Y[:, i + 1, :]
    .endm

    round 0
    .for q in 0..ROUNDS
        install q, 0, mxm.e0
        install q, 1, mxm.e1
        install q, 2, mxm.w0
        install q, 3, mxm.w1
        .if q + 1 < ROUNDS
            round q + 1
        .endif
        turn e, 4 * q, EyeE, s16.e, (s16.w, s17.w)
        turn w, 4 * q + 2, EyeW, s18.w, (s18.e, s19.e)
    .endfor
.endif
