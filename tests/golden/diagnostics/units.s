.queue mem.w99
nop 1
.queue mxm.e0
nop 1
.unit mxm.x
0: nop 1
.unit mxm.e0
0: notify
1: lw.i8 sg16.e[0] @mxm.e1.lw
2: acc.i32 -> sg4.w[0] @sxm.e.acc0
.unit mem.w3
-1: read 0 -> s5.e
4294967297: read 0 -> s5.e
.queue sxm.e.distribute1
distribute sg8.e[0], s8.e -> sg8.w[0]
.queue mxm.e1.abc
abc.f16 sg2.e[0]
