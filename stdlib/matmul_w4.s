; C = A · W: A f16, W of 4-bit numbers with a scale for each group of them along K, C f32; any sizes that fit.
;
; The idea. A tile of 320 × 320 weights is made into f16 while the planes work on the tile before it, and goes to both
; hemispheres; the rows of A are dealt to the pairs of planes, as in product.s. A byte holds four bits of two rows of
; the tile. A shift up, or masking the low bits, leaves 16 w in eight bits with its sign; that is cast to f32,
; multiplied by a sixteenth of the scale, which is exact, and cast to f16, which rounds once. That takes four ALUs,
; two of them large, so the rows of ALUs make four rows of weights a cycle: 80 cycles a tile, and all ALUs are busy.
;
; The scale of a row changes along the lanes, with K. Scales come compact: one vector has those of 16 rows, row i in
; lane i of each superlane, so a group's scale stands in each superlane of the group, and is not repeated within it.
; They are widened to f32 three tiles ahead (10 cycles a tile); then a distributor gives lane i to its superlane,
; sixteen times for sixteen rows, and a shift by nothing turns the result round, back to the VXM. The scales of two
; rows of ALUs come from the east, the others' from the west: neither SXM has streams for all, beside weights and A.
;
; The results go out both ways, to a copy of the tile beside each pair. What goes there and what is loaded from there
; share streams in one place only (14 and 15), whose slices lie outermost, so that they never meet.
;
; A tile takes the planes TM cycles, and 90 to make: from 92 rows of A on, four bits cost as much as f16. For few rows
; making is all, 15,154 cycles for M = 1, K = N = 4096. So FEW = 1 installs the numbers themselves, a tile in 20 cycles,
; and scales sums, of masked rows of A: 2,200 cycles, as f16 weights take in four times the room; see
; matmul_w4_few.s. Each row of A costs 10 cycles a tile, or 20 if scales change every 16 lanes: it is kept up to some 16
; rows, or 6. Above its floor are 150 to 250 cycles, until the sums of −8 are there and for the last sums of sums, and
; from one tile to the next up to 3 more, in which banks of T are kept apart: 600 in all of 3,676 for M = 3.
;
; What any other shape has above its floor is the end, 130 to 190 cycles from the last weights made to the last sum, or
; the beginning, 70; so it is 10 % for the 16 tiles of M = 16, K = N = 1280, and 1 % for the 169 of 4096.
; K = N = 4096 in groups of 16, M = 1: 2,676 of 2,102: 265 for the sums of sums, 234 between tiles, where a bank of T
; is still written. K = N = 1280, M = 8: 1,265 of 1,036: 113 for the sums of sums, 60 after the last, 36 before the
; scales are read. M = 16: 1,640 of 1,484: 147 from the last weights made to the end, 9 for a bank.
;
; Contract
;   shapes  A [M, K], C [M, N]. Tile t = n · TK + k. X [T · 80, 320]: byte vector 80 t + i has rows 4 i (low) and
;           4 i + 1 (high) of the tile, K across the lanes; Y the rows 4 i + 2 and 4 i + 3. SX [T · 10, 320]: vector
;           10 t + 2 q + r has the scale of row 64 q + 4 i + r in lane i of each superlane; SY those of r + 2
;   error   weights are f16(w · scale), rounded once; with these, (⌈K/160⌉ + 1) · 2⁻²⁴ · Σ|a·w|. Against exact weights
;           2⁻¹¹ · Σ|a·w·scale| and, from subnormal ones, 2⁻²⁵ · Σ|a| more
;   FEW = 1 layout and error: XA_h, XB_h [tiles · 80, 320] of hemisphere h: row 4 g + j of a tile has rows 16 g + j
;           (low) and 16 g + j + 4 of it in XA, those 8 after them in XB, counting from −8, K across the lanes. S_h: 320 / G
;           vectors of scales a tile, N across the lanes. Against exact weights, where A is finite, at most
;           (⌈K/640⌉ + 10) · 2⁻²³ · Σ|a·scale| · (|w| + 8): of each sum three roundings, and one for each that is added
;   cycles  FEW = 0: at most 1.02 · the sum over the tiles of max(90, 2 · ⌈M/4⌉ · halves, 20 · halves) + 360; a tile has
;           one half if it has at most 160 of K. FEW = 1: with s = 320 / G, c = ⌈K/640⌉, TN = ⌈N/320⌉: at most
;           c · TN · max(u, s · M + 2) + M · (c · s + v · TN) + 320; u = 21, v = 6, and for G = 16 u = 23, v = 16
.target tsp1
.param M = 512
.param K = 1280
.param N = 640
.param FEW = 0
.param G = 32  ; lanes that share a scale, where FEW

.equ TK = ceil_div(K, LANES)
.equ TN = ceil_div(N, LANES)
.if FEW
    .include "matmul_w4_few.s"
.else
    .include "matmul_w4_many.s"
.endif
