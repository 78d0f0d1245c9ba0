.target mini
.macro twice s
    read 0 -> {s}.e repeat 4
.endm
.unit mem.w0
0: read 0 -> s5.e repeat 4
.unit mem.w1
2: read 0 -> s5.e repeat 4
.queue mem.w3
sync
twice s7
.unit vxm.alu0
30: add.i8 s9.e, s9.e -> s10.e
