.queue vxm.alu0
add.i8 s20.e, s0.e -> s1.w
add.i8 s30.e, s12.e -> s1.w
.queue vxm.alu1
exp.f32 sg4.e[0] -> sg4.w[0]
.queue vxm.alu4
add.f32 vxm.alu0, 1.0 -> sg4.w[2]
add.f32 vxm.alu99, 1.0 -> sg4.w[2]
add.f32 vxm.alu9, 1.0 -> sg4.w[2]
.queue vxm.alu5
add.f32 vxm.alu4, vxm.alu6 -> sg4.w[2]
.unit vxm
7: add.i8 s20.e, s0.e -> s1.w
8: neg.i8 %d -> s1.w
9: exp.f32 sg4.e[0] -> sg4.w[0] @alu1
