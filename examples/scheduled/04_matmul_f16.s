; C[M,320] = A[M,320] · W[320,320]ᵀ in f16, every cycle by hand. The flow form is ../04_matmul_f16.s.
.target tsp1
.param M = 128

.input  A : f16 [M, 320] at mem.w[0..1]
.weight W : f16 [320, 320] at mem.e[0..31]
.output C : f32 [M, 320] at mem.e[40..43] banks run 2

.equ LOAD = 20  ; quad 0 reads in cycle 0 and is heard at SR44 in cycle 20
.equ INSTALL = LOAD + 20
.equ ROW = INSTALL + 3  ; M rows of one half of the lanes, then M of the other
.equ READ_A = ROW - 1 - (44 - 19)
.equ SUM = ROW + 44 + 2
.equ WRITE = SUM + 1 + (8 - 3)        ; quad 10 reads inbound SR8
.equ AGAIN = SUM + M - 1 - (39 - 35)  ; C read back: quad 10 drives SR35, ACC takes partial sums at SR39

.for s in 0..32
    .unit mem.e{s}
        LOAD - 1 - (19 - s / 4): read W -> s{s}.e repeat 20
.endfor

.unit mxm.e
    LOAD:    lw.f16  sg32.e[0] repeat 20
    INSTALL: iw.f16
    ROW:     abc.f16 sg2.e[8] repeat M
    ROW + M: abc.f16 sg2.e[8] half 1 repeat M
    SUM:     acc.f32 -> sg4.w[0] repeat M
    SUM + M: acc.f32 sg4.e[2] -> sg4.w[0] repeat M

.for p in 0..2
    .unit mem.w{p}
        READ_A:     read A -> s{16 + p}.e repeat M
        READ_A + M: read A -> s{16 + p}.e repeat M
.endfor

; Rows of C alternate between the banks in runs of two: two words here, then two words there.
.for p in 0..4
    .unit mem.e{40 + p}
        WRITE:     write s{p}.w -> C repeat 2 repeat 2 every 2 step BANK_WORDS repeat M / 4 every 4 step 2
        WRITE + M: write s{p}.w -> C repeat 2 repeat 2 every 2 step BANK_WORDS repeat M / 4 every 4 step 2
        AGAIN:     read  C -> s{8 + p}.e repeat 2 repeat 2 every 2 step BANK_WORDS repeat M / 4 every 4 step 2
.endfor
