; What is wrong with the statements of flows.
.target mini
.param N = 8
.input  A : i8  [N, LANES] at mem.w0
.input  F : f32 [N, LANES] at mem.w[4..7]
.output C : i8  [N, LANES] at mem.e0

.macro store what
    write what -> C
.endm

flow silent:
    store s3.e
flow rates:
    read  A[0:4, :] -> s0.e
    read  F -> sg4.e[1]
    mask  sg4.e[1], s0.e -> sg4.e[2]
flow pieces:
    read  A -> s0.e
    store s0.e
    read  F -> sg4.e[1]
flow types:
    read  F -> sg4.e[1]
    identity sg4.e[1] -> sg4.e[2]
    write s8.e -> C
flow reach:
    read  A -> s0.e
    exp.f32 2.0 -> sg4.e[7]  @alu0
flow plane:
    read  A -> s16.e
    abc   mxm.e2, s16.e
flow result:
    acc   mxm.e0 -> s0.w low8
    store s0.w
flow unknown:
    raed  A -> s0.e
flow part:
    read  A[0:N + 1, :] -> s0.e
flow way:
    read  A -> s0.w
    store s0.w
flow waits:
    sync  mem.e0
flow late:
    read  A -> s0.e
    store s0.e
