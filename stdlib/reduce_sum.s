; Y = X summed along one axis: f32, (I32 = 1) i32, or (F16 = 1) f16 in and f32 out.
;
; The idea. Nothing on the chip keeps a sum: what is to be added must meet. Vectors that follow each other in time (any
; axis but the last) meet in trees of the VXM: eight operands a cycle from the west and eight from the east, whose two
; results a second level takes up, and so on; that is 8/7 of the cycles that reading the array takes. Numbers across
; lanes (the last axis) are made to follow each other: the SXM transposes sixteen rows of four bytes each cycle, the
; trees leave a vector that has a row in each lane of a superlane, and three rounds of shifts meet the superlanes. Of rows
; of three to eight tiles these meet first (rows.s): fewer bytes to transpose.
; Sums of f16 rows need none of this: a pair of planes that has installed 320 rows adds them for one vector of ones, and
; installing takes no longer than reading. reduce.s has the ways, and trees.s the trees.
;
; Compared (f32, 320 lanes; 2, 16, 128, 512 rows): trees of shifts alone, six rounds of two, 380, 422, 758 and 1,910
; cycles; transposing 301, 301, 319, 397, which is why it alone is kept. f16 [512, 1280]: planes 225, transposing 749. f32
; [512, 1280]: tiles of rows first 554, transposing all 607, and 4,027 against 5,047 for 8,192 rows.
; Above the floor: of 554 cycles for rows of f32, [512, 1280], 136 make one vector of the four of a row, 141 turn bytes and
; add lanes, and 240 are three rounds of shifts, each a way of 67 cycles to the SXM and back that nothing fills: a step
; begins when the last vector of the step before has arrived. [8192, 1280] pays the same 400 cycles, 11.7 % of 3,606. f16
; [8192, 1280], 1,309, loads 52 tiles a side in 22 cycles each, 1,144; the rest is the way of the last tile to its sums.
; f32 [1000, 50], 418 cycles of 261, the critical path: 63 more wait for slices that are still read for the rows
; before, 33 for a queue, 61 for banks that are still written; each step passes the 32 groups of a side before the next
; begins. f32 [64, 64, 320], axes 1 and 2, 743 of 642: of 101, 63 wait for slices that are still read and 31 for the
; bank between two levels of the tree.
;
; Contract
;   shapes  of an array [O, P, R, I], P and R are reduced; R and I are lanes, or (I > 1) I alone, and P is what axes that lie
;           apart come to: vectors in any order. I > 1: X_h [columns, ⌈R/8⌉ · 8, 320] are the columns of side h, west first:
;           O times a tile of 320 lanes of I; Y_h [columns, 320]. I = 1: rows of P · ⌈R/320⌉ tiles, X_h natural
;           (DOWN_ACROSS), by tiles (BY_PLANES), by flows (ROWS_FIRST), or X0_h … its byte planes in groups of sixteen
;           rows (ACROSS); the results lie sixteen a vector, or (BY_PLANES) 320. Lanes beyond the edge are 0.
;   error   d · 2⁻²⁴ of the sum of magnitudes, d the additions that an element goes through: three a level, two a round;
;           i32: none
;   cycles  on the busier side, P(n) = ⌈n/8⌉ + ⌈n/64⌉ + … to 1 and L(n) the number of these: at most C · P(R) + 36 ·
;           L(R) + 30 for C columns; across lanes G · (T · bytes/2 + P(16 · T) + s/2) + 36 · L(16 · T) + 76 · s + 105 for
;           G groups of sixteen rows, T tiles and s rounds of shifts; docs/kernels has all of it
.target tsp1

.equ LARGEST = 0
.equ MEAN = 0
.include "reduce.s"
