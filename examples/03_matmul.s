; C[M,320] = A[M,320] · W[320,320]ᵀ: int8 in, int32 out, on one plane.
;
; The rows of W go into the plane's buffer, 16 in a cycle; `iw` makes them the array. Then a row of A
; goes in with every cycle, and 46 cycles later lane n of the result is its product with row n of W.
.target tsp1
.param M = 320

.input  A : i8 [M, 320] at mem.w0           ; a row a vector
.weight W : i8 [320, 320] at mem.e[28..43]  ; row n in slice 28 + n mod 16
.output C : i32 [M, 320] at mem.e[0..3]     ; byte planes

flow install:
    read W -> sg16.e[0]     ; 16 slices, each at its own cycle
    lw   mxm.e0, sg16.e[0]  ; 20 groups of 16 rows: as many as arrive
    iw   mxm.e0

flow multiply:
    read  A -> s16.e
    abc   mxm.e0, s16.e
    acc   mxm.e0 -> sg4.w[0]
    write sg4.w[0] -> C
