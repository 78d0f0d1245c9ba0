.queue mem.w0
raed 0 -> s5.e
abc.i8 s5.e
.queue vxm.alu3
addd sg4.e[0], 1.0 -> sg4.w[0]
.unit sxm.e
5: transpos sg16.e[0] -> sg16.w[0]
