; The root mean square of rows and what it scales, for decoder_block.s and encoder_block.s.
;
; Squares are added up on the VXM tile by tile, in f32, so a row is one vector of 320 sums. The planes add these across
; the lanes: multiplied by ones, every lane of the result is the sum, and nothing has to be spread out again. They take
; f16, whose 40 powers of two are fewer than squares have; so each row goes twice: 2⁻¹⁷ of it through the east, rounded
; down (that is the 2⁻²⁵ taken off), and 4 times it through the west, at most 65,504 a lane. Neither is more than it should
; be, and where the west is cut off the east is exact to 2⁻¹², so the larger of the two is the sum.
.macro ones way, pair, name
    flow ones_{name}_{way}:
        cast.f32.f16 1.0 -> sg2.{way}[0], sg2.{way}[1]  repeat 40
        cast.f32.f16 1.0 -> sg2.{way}[2], sg2.{way}[3]  repeat 40
        cast.f32.f16 1.0 -> sg2.{way}[4], sg2.{way}[5]  repeat 40
        cast.f32.f16 1.0 -> sg2.{way}[6], sg2.{way}[7]  repeat 40
        lw           pair, sg16.{way}[0]
    flow install_ones_{name}_{way}:
        iw pair
.endm

.macro sum_lanes name, h, o, i
    .for half in 0..(DM > LANES / 2 ? 2 : 1)
        flow lanes_{name}_{h}_{half}:
            read SU_{h} -> sg2.{o}[8]
            abc  mxm.{h}, sg2.{o}[8] half half
            .if half == 0
                acc mxm.{h} -> sg4.{i}[0]
            .else
                read T0_{h} -> sg4.{o}[5]
                acc  mxm.{h}, sg4.{o}[5] -> sg4.{i}[0]
            .endif
            write sg4.{i}[0] -> T0_{h}
    .endfor
.endm

; RS = 1 / sqrt(sum of SQ{last} / DM + eps), in all lanes.
.macro inverse_root name, last
    ones e, mxm.e, {name}
    ones w, mxm.w, {name}
    flow scale_{name}:
        read         SQ{last} -> sg4.w[4]
        mul          sg4.w[4], 1.0 / 131072 -> %u
        sub          %u, 1.0 / 33554432 -> %down
        cast.f16     %down -> sg2.e[14]
        mul          sg4.w[4], 4.0 -> %l
        cast.f16.sat %l -> sg2.w[14]
        write        sg2.e[14] -> SU_e
        write        sg2.w[14] -> SU_w
    sum_lanes {name}, e, e, w
    sum_lanes {name}, w, w, e
    flow root_{name}:
        read  T0_e -> sg4.w[4]
        read  T0_w -> sg4.e[5]
        mul   sg4.w[4], 131072.0 / DM -> %a
        mul   sg4.e[5], 0.25 / DM -> %b
        max   %a, %b -> %sum
        add   %sum, eps -> %safe
        rsqrt %safe -> sg4.e[7]
        write sg4.e[7] -> RS
.endm
