; Z = X + Y, every cycle by hand. The flow form is ../02_add.s.
.target tsp1
.param M = 64
.param N = 320

.input  X : f32 [M, N] at mem.w[0..3]
.input  Y : f32 [M, N] at mem.e[0..3]
.output Z : f32 [M, N] at mem.e[4..7]

; The slices of X and Y are in the quads beside the VXM: a read stands in SR19 after one cycle, and in
; SR21, where the ALU takes it, after two more. The sum stands in SR22 four cycles after the dispatch of
; the ALU, and in SR25, which quad 1 reads, three more after that.
.equ READ = 0
.equ ADD = READ + 1 + (21 - 19)
.equ SUM = ADD + 4 + (25 - 22)

.for p in 0..4
    .unit mem.w{p}
        READ: read X -> s{p}.e repeat M
    .unit mem.e{p}
        READ: read Y -> s{4 + p}.w repeat M
    .unit mem.e{4 + p}
        SUM: write s{8 + p}.e -> Z repeat M
.endfor

.unit vxm.alu0
    ADD: add.f32 sg4.e[0], sg4.w[1] -> sg4.e[2] repeat M
