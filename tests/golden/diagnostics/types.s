.queue vxm.alu0
add sg4.e[0], sg4.e[1] -> sg4.w[0]
add.f32.f32 sg4.e[0], sg4.e[1] -> sg4.w[0]
add.f64 sg4.e[0], sg4.e[1] -> sg4.w[0]
add.f16 sg2.e[0], sg2.e[1] -> sg2.w[0]
max.i8.sat s0.e, s1.e -> s2.w
add.f32 sg4.e[0], 1e40 -> sg4.w[0]
add.i8 s0.e, 300 -> s1.w
add.i32 sg4.e[0], 1.5 -> sg4.w[0]
cast.f32 sg4.e[0] -> s1.w
.unit mxm.e
0: lw.i8 sg16.e[0]
