; Transposes 16 × 16 matrices, 20 of them side by side in every 16 rows of X.
;
; The transposer takes 16 streams at once. Row i of a matrix is stream i, its columns are the lanes of
; a superlane; what comes out has rows and columns exchanged, and turns round to go back to memory.
.target tsp1
.param B = 8  ; groups of 16 rows

.input  X : i8 [16 * B, 320] at mem.e[0..15]  ; row n in slice n mod 16
.output Y : i8 [16 * B, 320] at mem.e[16..31]

flow transpose:
    read      X -> sg16.e[0]
    transpose sg16.e[0] -> sg16.w[1]
    write     sg16.w[1] -> Y
