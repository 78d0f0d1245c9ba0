.input A : i8 [8, 16] at mem.w[0..1]
.input E : i8 [0, 16] at mem.w2
.unit mem.w3
0: read A -> s5.e
.unit mem.w0
0: read A[1, :] -> s5.e
1: read A[9, :] -> s5.e
2: read A[0:4, :] -> s5.e
3: read A[0, 3:] -> s5.e
4: read A[0, 0, 0] -> s5.e
.unit mem.w2
0: read E -> s5.e
