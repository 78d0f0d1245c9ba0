; Y = saturate_i8(relu(A · Wᵀ + bias) >> shift): a quantised linear layer.
;
; The products never touch memory: they leave ACC, run into the VXM, and pass four ALUs on the way:
; add the bias, relu, shift right, cast. The bias is one vector that is read again for every row.
.target tsp1
.param M = 256
.param K = 320
.param N = 320
.param shift = 7

.input  A : i8 [M, K] at mem.w0
.weight W : i8 [N, K] at mem.e[28..43] tile 320x320
.input  bias : i32 [1, N] at mem.e[4..7]
.output Y : i8 [M, N] at mem.w8

flow install:
    read W[0:320, :] -> sg16.e[0]
    lw   mxm.e0, sg16.e[0]
    iw   mxm.e0

flow layer:
    read        A -> s16.e
    abc         mxm.e0, s16.e
    acc         mxm.e0 -> sg4.w[2]
    read        bias -> sg4.w[3] repeat M step 0
    add         sg4.w[2], sg4.w[3] -> %sum
    relu        %sum -> %positive
    shr         %positive, shift -> %scaled
    cast.i8.sat %scaled -> s8.w
    write       s8.w -> Y
