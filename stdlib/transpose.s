; Yᵀ = X, tile by tile and byte by byte: 320 × 320 bytes at a time, of elements of any type.
;
; The idea. A plane that has installed 320 rows of X gives lane n of a result as the product of row n and whatever
; streams through: the unit vector of lane j brings out column j of X, a row of the transpose. Bytes go through as
; i8, and `low8` lets ACC drive the byte alone. A tile takes 20 cycles to load, behind the tile before it, and 320 to
; come out; four planes do four tiles at a time, and the planes of a hemisphere share the stream of unit vectors.
; An element of four bytes is four such tiles. Where all columns lie in one tile only those that there are stream.
; (The transposers of the SXM move sixteen streams a cycle, but only within superlanes.) Above the floor are 20 cycles,
; the first load of the second plane of a hemisphere: 13 % of 16 × 16 bytes, 1 % of 1280 × 1280.
;
; Contract
;   shapes  ITEMS tiles of bytes: tile i is unit i mod 4 of round i div 4 of X [rounds, 20, 4, 16, 320], row 16 g + k
;           of it at [., g, ., k]; in Y [COLUMNS, items, 320] it is [:, i]. Eye is the identity, for each hemisphere
;   error   none: bytes are moved
;   cycles  at most ⌈ITEMS / 4⌉ · COLUMNS + 160; COLUMNS < 40: ⌈ITEMS / 4⌉ · 44 + 160
.target tsp1
.param ITEMS = 16
.param COLUMNS = 320

.equ ROUNDS = ceil_div(ITEMS, 4)

.input  X : i8 [ROUNDS, 20, 4, 16, LANES] at mem.e[0..31] mem.w[0..31]
.const  EyeE : i8 [COLUMNS, LANES] at mem.w32 = for i, lane: i == lane
.const  EyeW : i8 [COLUMNS, LANES] at mem.e32 = for i, lane: i == lane
.output Y : i8 [COLUMNS, 16 * ceil_div(ITEMS, 16), LANES] at mem.e[36..43] mem.w[36..43]

.macro load q, u, plane, rows
    flow load_{q}_{u}:
        read X[q, :, u, :, :] -> rows
        lw   plane, rows
    flow install_{q}_{u}:
        iw plane
.endm

.for q in 0..ROUNDS
    load q, 0, mxm.e0, sg16.e[0]
    load q, 1, mxm.e1, sg16.e[0]
    load q, 2, mxm.w0, sg16.w[0]
    load q, 3, mxm.w1, sg16.w[0]
    flow east_{q}:
        read  EyeE -> s16.e
        abc   mxm.e0, s16.e
        abc   mxm.e1, s16.e
        acc   mxm.e0 -> s16.w low8
        acc   mxm.e1 -> s17.w low8
        write s16.w -> Y[:, 4 * q, :]
        write s17.w -> Y[:, 4 * q + 1, :]
    flow west_{q}:
        read  EyeW -> s18.w
        abc   mxm.w0, s18.w
        abc   mxm.w1, s18.w
        acc   mxm.w0 -> s18.e low8
        acc   mxm.w1 -> s19.e low8
        write s18.e -> Y[:, 4 * q + 2, :]
        write s19.e -> Y[:, 4 * q + 3, :]
.endfor
