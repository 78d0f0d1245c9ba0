; Z = X + Y, elementwise: memory to the VXM and back to memory.
;
; Four slices hold the four bytes of an f32, so that a whole vector of 320 numbers moves in every
; cycle. X comes from the west and Y from the east; they meet in one ALU, and the sum goes on east.
.target tsp1
.param M = 64   ; rows
.param N = 320  ; columns

.input  X : f32 [M, N] at mem.w[0..3]
.input  Y : f32 [M, N] at mem.e[0..3]
.output Z : f32 [M, N] at mem.e[4..7]

flow add:
    read  X -> sg4.e[0]
    read  Y -> sg4.w[1]
    add   sg4.e[0], sg4.w[1] -> sg4.e[2]
    write sg4.e[2] -> Z
