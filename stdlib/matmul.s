; C = A · Wᵀ: i8 in and i32 out, or (F16 = 1) f16 in and f32 out, for any sizes that fit; B such products.
;
; The idea. A plane multiplies a row by 320 × 320 weights in a cycle (a pair of planes and f16: by half of
; them), and takes 20 cycles to load new ones. Two schedules follow, and the cheaper by the shapes is taken:
;
; ROWS, for many rows: every tile of weights goes to both hemispheres, and the rows of A are dealt to the
; planes. All planes end together whatever N and K are, and the next tile loads while this one computes. A tile
; is read once: on its way west it meets the VXM, where four ALUs send it on both ways, so that all planes load in
; the same 20 cycles (f16: 40). Where the ALUs have other work, as in linear.s, or the tensors do not leave the
; weights 32 slices in the east, a tile is read twice, once for each side, and takes 48 (84).
;
; TILES, for few rows: loading is what costs, so every plane loads tiles of its own, and all rows go through
; each. A plane adds what it has for a tile column into sums of its own, in memory beside it; at the end the
; VXM adds the sums of the planes. Tiles are dealt so that a plane meets the same column as late as it can.
;
; What is above the floor: weights of two planes fill all 32 streams that lead to a hemisphere, and a load is a burst
; of 20 cycles. The row of A and the sum so far travel between bursts: at one row a round takes 22 cycles (f16: 25)
; where the floor, which sees dependences or one stream at a time, has 20 (21): 12 % for i8 and 17 % for f16 of
; M = 1, K = N = 4096. Other short programs have gaps up to 11 % of 30 to 60 cycles, before the VXM adds the first
; sums, which is once a program (i8, M = 32, K = N = 1280, 413 cycles of 372; f16, M = 16, 529 of 476). At M = 1 these are
; 1,105 cycles of 989 and 2,136 of 1,833. Many rows: 3 cycles a program; 2 a tile besides where ⌈M/4⌉ is no multiple of 4 (f16:
; of 2), since rows of a tile are then read from the bank that the last ones of the tile before are written to.
;
; Contract
;   shapes  ROWS:  A [M, K], W [N, K], C [M, N]; with B > 1 each product has TM rows of A and C and TN·320 of W.
;           TILES: A [M, A's tiles, 320], tile k of product b at b·TK + k; W [rounds, 20, units, 16, 320], dealt
;                  as product.s does; C [M, tiles of C, 320], tile n of product b at n·B + b.
;   error   i8: none (sums of 2³¹ and more are modular). f16: each half tile of 160 products is exact and rounded
;           once, and each addition of such sums once: 2·⌈K/320⌉ · 2⁻²³ · Σ|a·w| at most.
;   cycles  ROWS:  at most B · TK · TN · max(20, S + u) + 200, S = ⌈M/4⌉ and u = 2, or 0 if S is a multiple of 4; for
;                  f16 max(40, S + u), S = 4⌈M/4⌉ and 8. With W of more than 16 slices and C of more than 4 · 8192 rows
;                  in memory 48 (f16: 84) for 20 (40), and 64 a tile besides.
;           TILES: at most 1.25 · TILES_COST + 200.
.target tsp1
.param M = 2304
.param K = 4096
.param N = 1376
.param B = 1  ; products, each with weights of its own
.param F16 = 0

.equ INITIAL = 0
.equ ONWARD = 0

.macro declare
    .if TILES && F16
        .output C : f32 [M, COLUMNS, LANES] at mem.w[36..39]
    .elif TILES && TK > 1
        .output C : i32 [M, COLUMNS, LANES] at mem.w[36..39]
    .elif TILES
        .output C : i32 [M, 4 * ceil_div(COLUMNS, 4), LANES] at mem.e[40..43] mem.e[32..35] mem.w[40..43] mem.w[32..35]
    .elif F16 && WIDE_C
        .output C : f32 [B > 1 ? B * TM : M, N] at mem.e[40..43] mem.w[40..43] mem.e[32..35] mem.w[32..35] \
            mem.e[24..27] mem.w[24..27] mem.e[16..19] mem.w[16..19] tile TM x 320 banks run 1
    .elif F16
        .output C : f32 [B > 1 ? B * TM : M, N] at mem.e[40..43] mem.w[40..43] mem.e[32..35] mem.w[32..35] \
            tile TM x 320 banks run 1
    .elif WIDE_C
        .output C : i32 [B > 1 ? B * TM : M, N] at mem.e[40..43] mem.e[32..35] mem.w[40..43] mem.w[32..35] \
            mem.e[24..27] mem.e[16..19] mem.w[24..27] mem.w[16..19] tile TM x 320 banks run 1
    .else
        .output C : i32 [B > 1 ? B * TM : M, N] at mem.e[40..43] mem.e[32..35] mem.w[40..43] mem.w[32..35] \
            tile TM x 320 banks run 2
    .endif
.endm
.macro epilogue b, n
.endm

.include "product.s"
