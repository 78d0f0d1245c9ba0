; Z = X * Y, element by element with numpy's broadcasting: f32, (I32 = 1) i32, or (F16 = 1) f16.
;
; The idea. Two operands of four bytes and a result are 12 streams a vector: eight vectors a cycle fill all streams
; from the west with X and from the east with Y, and the results go back west, on ALUs 0 and 1 of each row. The VXM
; computes in f32, so f16 is cast before and after. That takes three of the eight large ALUs a vector: two vectors
; a cycle, each in two rows of ALUs that share stream groups, zigzag through the four columns: cast, cast, mul, cast.
; f32 sums and products of two f16 round to the right f16, so that rounding twice does no harm.
; What is broadcast is made whole on the chip: see binary.s, which says how tensors lie, too.
;
; Contract
;   shapes  the result is O x T x R vectors; an operand lacks any of O, R and the lanes; Z [O · T · RP, 320]
;   error   f32 and f16: rounded once; i32: modulo 2³²
;   cycles  at most O · T · (RP / P + 1) + 130, RP = 8 · ⌈R / 8⌉, P = 8, or 2 for f16, and for each operand that lacks
;           rows: its vectors; that lacks lanes only: half of them; and 60
.target tsp1

.macro combine p
    mul sg4.e[p], sg4.w[p ^ 1] -> sg4.w[p] @alu{4 * (p / 2) + p % 2}
.endm
.macro halves p
    mul %x, %y -> %z @alu{8 * p + 6}
.endm

.include "binary.s"
