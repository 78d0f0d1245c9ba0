.macro feed n
read 0 -> s5.e repeat n
.endm
.queue mem.w0
feed 0
feed 5000
read 0 -> s5.e repeat 4 every 0
read 0 -> s5.e repeat 4 repeat 4 every 2
read 8000 -> s5.e repeat 320
read 3 -> s5.e repeat 4 step -1
repeat 1
.queue mxm.e0.lw
lw.i8 sg16.e[0] repeat 20
.unit mxm.e0
0: abc.i8 s5.e repeat 4 step 1
9: repeat 4
12: nop 4 repeat 4
