; C[M,320] = A[M,320] · W[320,320]ᵀ, every cycle by hand. The flow form is ../03_matmul.s.
.target tsp1
.param M = 320

.input  A : i8 [M, 320] at mem.w0
.weight W : i8 [320, 320] at mem.e[28..43]
.output C : i32 [M, 320] at mem.e[0..3]

; A read in quad q, outbound, stands in SR 25+q after one cycle and in SR44, at the plane, after 19-q
; more. The sixteen slices of W lie in quads 7 … 10, and their rows are to arrive together, the first of
; them at LOAD: the farthest slice reads first.
.equ LOAD = 13                     ; quad 7 reads in cycle 0
.equ INSTALL = LOAD + 20           ; the last of 20 groups is loaded in LOAD + 19
.equ ROW = INSTALL + 3             ; the array has settled
.equ READ_A = ROW - 1 - (44 - 19)  ; from beside the VXM, inbound: SR19 after a cycle, then to SR44
.equ SUM = ROW + 44 + 2            ; the result enters SR0 after 44 cycles and meets ACC at SR2
.equ WRITE = SUM + 1 + (18 - 3)    ; ACC drives SR3; quad 0 reads SR18

.for s in 28..44
    .unit mem.e{s}
        LOAD - 1 - (19 - s / 4): read W -> s{s - 28}.e repeat 20
.endfor

.unit mxm.e0
    LOAD:    lw.i8   sg16.e[0] repeat 20
    INSTALL: iw.i8
    ROW:     abc.i8  s16.e repeat M
    SUM:     acc.i32 -> sg4.w[0] repeat M

.unit mem.w0
    READ_A: read A -> s16.e repeat M

.for p in 0..4
    .unit mem.e{p}
        WRITE: write s{p}.w -> C repeat M
.endfor
