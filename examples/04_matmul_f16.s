; C[M,320] = A[M,320] · W[320,320]ᵀ: f16 in, f32 out, on the pair of planes of a hemisphere.
;
; The pair holds 320 rows of 320 f16, two bytes a lane, loaded over all 32 streams. One `abc` uses half
; of the lanes. The second half adds the sums of the first, which come back from memory on their way
; to ACC; rows alternate between the banks, so that reading and writing C in place never meet.
.target tsp1
.param M = 128

.input  A : f16 [M, 320] at mem.w[0..1]
.weight W : f16 [320, 320] at mem.e[0..31]
.output C : f32 [M, 320] at mem.e[40..43] banks run 2

flow install:
    read W -> sg32.e[0]
    lw   mxm.e, sg32.e[0]
    iw   mxm.e

flow first:
    read  A -> sg2.e[8]
    abc   mxm.e, sg2.e[8] half 0
    acc   mxm.e -> sg4.w[0]
    write sg4.w[0] -> C

flow second:
    read  A -> sg2.e[8]
    abc   mxm.e, sg2.e[8] half 1
    read  C -> sg4.e[2]
    acc   mxm.e, sg4.e[2] -> sg4.w[0]
    write sg4.w[0] -> C
