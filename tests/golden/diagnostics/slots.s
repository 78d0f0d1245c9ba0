.for i in 0..2
.unit mem.w{i}
5: read 0 -> s5.e
5: read 1 -> s6.e
.endfor
.unit mxm.e0
10: abc.i8 s5.e repeat 20 every 2
40: abc.i8 s5.e
.queue mem.w5
nop 1
.unit mem.w5
9: read 0 -> s5.e
