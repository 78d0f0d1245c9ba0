; Y[i] = Table[index[i]], every cycle by hand. The flow form is ../06_gather.s.
.target tsp1
.param V = 1000
.param M = 96

.input  Table : i8 [V, 320] at mem.e4 address 0
.input  Map : u8 [M, 320] at mem.w0
.output Y : i8 [M, 320] at mem.e12

.equ READ = 0
.equ GATHER = READ + 1 + (25 - 19)   ; from SR19 through the VXM to quad 1, which reads SR25
.equ WRITE = GATHER + 2 + (27 - 26)  ; two cycles later in SR26; quad 3 reads SR27

.unit mem.w0
    READ: read Map -> s0.e repeat M
.unit mem.e4
    GATHER: gather s0.e -> s1.e repeat M
.unit mem.e12
    WRITE: write s1.e -> Y repeat M
