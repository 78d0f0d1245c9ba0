; Flows whose own statements are in each other's way: LPU03xx before anything else is placed.
.target mini
.input  A : i8 [8, LANES] at mem.w0
.input  B : i8 [8, LANES] at mem.w0 bank 1
.output C : i8 [8, LANES] at mem.e0
.output D : i8 [8, LANES] at mem.e4

flow queue:
    read  A -> s0.e
    read  A -> s1.e
    add   s0.e, s1.e -> s2.e
    write s2.e -> C

flow generator:
    read  A -> s0.e
    write s0.e -> D
    add   s0.e, 1 -> s1.e
    write s1.e -> mem.e4[0x80]  repeat 8

flow stream:
    read  A -> s0.e
    write s0.e -> D
    add   s0.e, 1 -> s0.e
    write s0.e -> C

flow link:
    read  A -> s0.e
    send  s0.e link 2

flow address:
    read  mem.w0[0x1ff] -> s0.e  repeat 2
    write s0.e -> C[0:2, :]

flow repeat:
    read  A -> s0.e  repeat 4 every 2 repeat 2 every 5
    write s0.e -> C
