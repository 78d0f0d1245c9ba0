; Y = X / sqrt(mean of X² along a row + eps) · w, row by row: f32, or (F16 = 1) f16.
;
; The idea. What costs is the sum of a row, across lanes, in f32, for squares have any magnitude. Sixteen rows are
; transposed by the SXM, byte by byte: then the VXM adds lanes as it adds vectors, and ends with one vector for sixteen
; rows, a row in each lane of a superlane. Two rounds of shifts add the twenty superlanes, rsqrt serves sixteen rows at
; once, and a distributor spreads each row's lane again. norm.s has these steps.
; Rows go in up to eight blocks: while the squares of one are added (two vectors a cycle, on ALUs 5 6 13 14 3, sums of
; partial sums on 4 12 11), those of the block before it are multiplied by the scale and by w, which waits in a latch
; (two vectors a cycle, on ALUs 0 1 2 7 and 8 9 10 15). All 16 ALUs have work; the large ones, for casts, decide.
;
; Another way was counted: sums by planes full of ones come out in all lanes, but the planes take f16, and a square has
; 22 bits and 80 binades. Scaling each row first by the sum of its magnitudes makes room and costs a second sweep of
; casts: 3 large ALUs a vector and two passes of the planes a row, at 1 row a cycle, against 2 large ALUs here; it would
; be shorter by some 150 cycles for a single block, longer by a half from two blocks on. f32 has no such way.
;
; What is above the floor: filling (the first block's squares, and 330 cycles of shifts and spreading), and spreading
; 16 rows one by one, which for a row of one tile is twice what multiplying it takes.
;
; Contract
;   shapes  X0, X1 [8 · G, N], rows 0 … 7 and 8 … 15 of each 16, G = ⌈R / 16⌉; w [T, 320], T = ⌈N / 320⌉, zero beyond N;
;           ROOT = √N; row r of Lane is full of r; Y [G, 2, 8, N] is [R, N]
;   error   f16: a unit in the last place of the correctly rounded result. f32: (10 + T / 2) · 2⁻²⁴ of the result, where
;           N · eps plus the sum of the squares is from 2⁻¹⁰⁰ to 2¹²⁸; beyond, a row becomes 0, as in float32
;   cycles  at most 12 · T · G (f16: 10) + 8 · T · GB + 14 · G + 10 · T + 470 with GB groups a block (norm.s)
.target tsp1
.param R = 512
.param N = 768
.param F16 = 0
.param eps = 1e-5

.include "norm.s"
