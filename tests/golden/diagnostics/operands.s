.equ BASE = 4
.queue mem.w0
read 0
read 0 -> s5.e, s6.e
read 9000 -> s5.e
read 0 -> sg4.e[0]
read s5.e -> 5
read BASSE -> s5.e
read 0 -> ?
.queue mxm.e0.abc
abc.f16 sg2.e[0] part 1
abc.f16 sg2.e[0] half 2
abc.f16 sg2.e[0] half 1 half 0
abc s5.w
abc sg4.e[0]
.queue sxm.e.acc0
acc -> s1.w half 1
acc -> s1.w
