; C[M,N] = A[M,K] · W[N,K]ᵀ, int8 to int32, on all four planes.
.target tsp1
.param M = 2304
.param K = 4096
.param N = 1376

.equ R  = ceil_div(M, 4)                  ; rows a plane takes of every tile
.equ TM = 4 * R
.equ KT = ceil_div(K, 320)
.equ NT = ceil_div(N, 320)

.input  A : i8 [M, K]  at mem.e[28..29] mem.w[28..29]  tile TM x 320
.weight W : i8 [N, K]  at mem.e[0..15]  tile 320x320
.output C : i32 [M, N] at mem.e[40..43] mem.e[32..35] mem.w[40..43] mem.w[32..35]  tile TM x 320  banks run 2

.macro multiply n, k, p, h, plane, row, part, result
flow multiply_{n}_{k}_{p}:
    read  A[p : TM : 4, 320*k : +320] -> row
    abc   plane, row
.if k == 0
    acc   plane -> result
.else
    read  C[p : TM : 4, 320*n : +320] -> part
    acc   plane, part -> result
.endif
    write result -> C[p : TM : 4, 320*n : +320]
.endm

.for n in 0..NT
.for k in 0..KT
flow load_e_{n}_{k}:
    read W[320*n : +320, 320*k : +320] -> sg16.e[0]
    lw mxm.e0 mxm.e1, sg16.e[0]
flow load_w_{n}_{k}:
    read W[320*n : +320, 320*k : +320] -> sg16.w[0]
    lw mxm.w0 mxm.w1, sg16.w[0]
flow install_e0_{n}_{k}:
    iw mxm.e0
flow install_e1_{n}_{k}:
    iw mxm.e1
flow install_w0_{n}_{k}:
    iw mxm.w0
flow install_w1_{n}_{k}:
    iw mxm.w1
    multiply n, k, 0, e, mxm.e0, s16.e, sg4.e[5], sg4.w[0]
    multiply n, k, 1, e, mxm.e1, s17.e, sg4.e[6], sg4.w[1]
    multiply n, k, 2, w, mxm.w0, s16.w, sg4.w[5], sg4.e[0]
    multiply n, k, 3, w, mxm.w1, s17.w, sg4.w[6], sg4.e[1]
.endfor
.endfor
