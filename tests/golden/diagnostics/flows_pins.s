; Pins that something is in the way of: each says who, and the nearest change.
.target mini
.input  A : i8 [8, LANES] at mem.w0
.input  B : i8 [8, LANES] at mem.w4
.temp   T : i8 [8, LANES] at mem.e0
.output C : i8 [8, LANES] at mem.e1
.output D : i8 [8, LANES] at mem.e4

flow one:
    read  A -> s0.e
    write s0.e -> T

flow stream @ 1:
    read  B -> s0.e
    write s0.e -> D

flow data with one + 3:
    read  T -> s3.w
    write s3.w -> mem.w5[0]  repeat 8

flow generator with one + 7:
    read  A -> s4.e
    write s4.e -> C

flow early after one - 40:
    read  B -> s5.e
    write s5.e -> D

flow line @ 100:
    read  B -> s6.e
    write s6.e -> C

.unit mem.w4
    101: read B[0] -> s9.e
