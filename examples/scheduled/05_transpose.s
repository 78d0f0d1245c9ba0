; Transposes 16 × 16 matrices, every cycle by hand. The flow form is ../05_transpose.s.
.target tsp1
.param B = 8

.input  X : i8 [16 * B, 320] at mem.e[0..15]
.output Y : i8 [16 * B, 320] at mem.e[16..31]

; A read in quad q, outbound, stands in SR 25+q after a cycle; the transposer reads SR40. What it makes
; enters inbound SR5 five cycles later, and a write in quad q reads inbound SR 18-q.
.equ TURN = 16  ; quad 0 reads in cycle 0
.equ BACK = TURN + 5

.for s in 0..16
    .unit mem.e{s}
        TURN - 1 - (15 - s / 4): read X -> s{s}.e repeat B
    .unit mem.e{16 + s}
        BACK + (18 - (16 + s) / 4 - 5): write s{16 + s}.w -> Y repeat B
.endfor

.unit sxm.e.transpose0
    TURN: transpose sg16.e[0] -> sg16.w[1] repeat B
