; The root mean square of rows and what it scales, for decoder_block.s and encoder_block.s.
;
; Squares are added up on the VXM tile by tile, in f32, so a row is one vector of 320 sums. The planes add these across
; the lanes: multiplied by ones, every lane of the result is the sum, and nothing has to be spread out again. They take
; f16, whose 40 powers of two are fewer than squares have; so each row goes twice: 2⁻¹⁷ of it through the east, rounded
; down (that is the 2⁻²⁵ taken off), and 4 times it through the west, at most 65,504 a lane. Neither is more than it should
; be, and where the west is cut off the east is exact to 2⁻¹², so the larger of the two is the sum.
.macro ones way, pair, name
    flow ones_{name}_{way}:
        cast.f32.f16 1.0 -> sg2.{way}[0], sg2.{way}[1] repeat 40
        cast.f32.f16 1.0 -> sg2.{way}[2], sg2.{way}[3] repeat 40
        cast.f32.f16 1.0 -> sg2.{way}[4], sg2.{way}[5] repeat 40
        cast.f32.f16 1.0 -> sg2.{way}[6], sg2.{way}[7] repeat 40
        lw           pair, sg16.{way}[0]
    flow install_ones_{name}_{way}:
        iw pair
.endm

.macro sum_lanes name, h, o, i
    .equ halves = DM > LANES / 2 ? 2 : 1
    .for half in 0..halves
        step lanes_{name}_{h}_{half}, {h}, {o}, {i}, SU_{h}, half, half == 0, half == halves - 1
    .endfor
.endm

; RS = 1 / sqrt(sum of SQ{last} / DM + eps), in all lanes.
.macro inverse_root name, last
    ones e, mxm.e, {name}
    ones w, mxm.w, {name}
    flow scale_{name}:
        read         SQ{last} -> sg4.w[1]
        mul          sg4.w[1], 1.0 / 131072 -> %u @alu12
        sub          %u, 1.0 / 33554432 -> %down @alu14
        cast.f16     %down -> sg2.e[14] @alu15
        mul          sg4.w[1], 4.0 -> %l @alu1
        cast.f16.sat %l -> sg2.w[9] @alu7
        write        sg2.e[14] -> SU_e
        write        sg2.w[9] -> SU_w
        sum_lanes    {name}, e, e, w
        sum_lanes    {name}, w, w, e
    flow root_{name}:
        read  T1_e -> sg4.w[4]
        read  T1_w -> sg4.e[5]
        mul   sg4.w[4], 131072.0 / DM -> %a @alu8
        mul   sg4.e[5], 0.25 / DM -> %b @alu4
        max   %a, %b -> %sum @alu9
        add   %sum, eps -> %safe @alu10
        rsqrt %safe -> sg4.e[3] @alu7
        write sg4.e[3] -> RS
.endm
