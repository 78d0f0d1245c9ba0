; Y = (X − mean) / sqrt(variance + eps) · gamma + beta over rows of 160: f16 in and out.
;
; Sums across lanes are matrix products with ones: every lane of the result is the sum, so nothing has
; to be spread out again. The ones come from the VXM, as an immediate, and are never in memory. The
; east planes make the means, the west planes the variances; between them lie the deviations, in f32.
.target tsp1
.param M = 64  ; rows

.equ D = LANES / 2  ; columns: what one `abc` of f16 takes, so no lane is empty
.equ eps = 1e-5

.input  X : f16 [M, D] at mem.w[0..1]
.input  gamma : f32 [1, D] at mem.w[4..7]
.input  beta : f32 [1, D] at mem.w[8..11]
.output Y : f16 [M, D] at mem.e[0..1]
.temp   X2 : f16 [M, D] at mem.e[4..5] banks run 1   ; X again
.temp   T : f32 [M, D] at mem.e[8..11] banks run 1   ; deviations from the mean
.temp   S : f16 [M, D] at mem.w[12..13] banks run 1  ; their squares
.temp   Q : f32 [M, D] at mem.e[16..19] banks run 1  ; normalised

.macro ones way, pair
    flow ones_{way}:
        cast.f32.f16 1.0 -> sg2.{way}[0], sg2.{way}[1] repeat 40
        cast.f32.f16 1.0 -> sg2.{way}[2], sg2.{way}[3] repeat 40
        cast.f32.f16 1.0 -> sg2.{way}[4], sg2.{way}[5] repeat 40
        cast.f32.f16 1.0 -> sg2.{way}[6], sg2.{way}[7] repeat 40
        lw           pair, sg16.{way}[0]
        iw           pair
.endm

ones e, mxm.e
ones w, mxm.w

flow copy:  ; a second place to read X from, at the same time
    read  X -> sg2.e[12]
    write sg2.e[12] -> X2

flow means:
    read     X -> sg2.e[8]
    abc      mxm.e, sg2.e[8] half 0
    acc      mxm.e -> sg4.w[0]
    mul      sg4.w[0], 1.0 / D -> %mean
    read     X2 -> sg2.w[4]
    cast.f32 sg2.w[4] -> %x
    sub      %x, %mean -> %deviation, sg4.e[3]
    mul      %deviation, %deviation -> %square
    cast.f16 %square -> sg2.w[6]
    write    sg4.e[3] -> T
    write    sg2.w[6] -> S

flow variances:
    read  S -> sg2.w[8]
    abc   mxm.w, sg2.w[8] half 0
    acc   mxm.w -> sg4.e[0]
    mul   sg4.e[0], 1.0 / D -> %variance
    add   %variance, eps -> %safe
    rsqrt %safe -> %scale
    read  T -> sg4.w[1]
    mul   %scale, sg4.w[1] -> sg4.e[2]
    write sg4.e[2] -> Q

flow scale:
    read     Q -> sg4.w[0]
    read     gamma -> sg4.e[1] repeat M step 0
    read     beta -> sg4.e[2] repeat M step 0
    mul      sg4.w[0], sg4.e[1] -> %scaled
    add      %scaled, sg4.e[2] -> %result
    cast.f16 %result -> sg2.e[6]
    write    sg2.e[6] -> Y
