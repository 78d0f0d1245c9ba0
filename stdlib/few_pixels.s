; conv2d.s for few pixels: every plane has tiles of its own. Who includes this has all that conv2d.s defines before it.
;
; Loads alternate between the planes of a hemisphere, 20 cycles each. Unit u keeps the sums of column c in T[c, :, u, :],
; in slices beside it, and begins a column with its first tile of it; `finish` adds what the units have.

.equ PLANES = F16 ? 2 : 4  ; that take tiles: pairs, or planes
.equ DEPTH = KH * JM * TK  ; tiles of a column
.equ ITEMS = COLUMNS * DEPTH
.equ ROUNDS = ceil_div(ITEMS, PLANES)
.equ SUMS = NF * N * OH

.if F16
    .input  X : f16 [UNITS * TK, SH, XB, N, HQ, LANES] at mem.w[16..23]
    .temp   X1 : f16 [UNITS * TK, SH, XB, N, HQ, LANES] at mem.w[24..31]
    .weight W : f16 [ROUNDS, R16 / 8, 2, 8, LANES] at mem.e[0..15] mem.w[0..15]
    .temp   T : f32 [COLUMNS, SUMS, 2, LANES] at mem.e[40..43] mem.w[40..43] banks run 2
    .output Y : f16 [COLUMNS, 1, NF, N, OR, LANES] at mem.w[36..39]
    .if BIAS
        .input bias : f16 [COLUMNS, LANES] at mem.e[36..37]
    .endif
    flow copy:
        read  X -> sg8.w[3]
        write sg8.w[3] -> X1
.else
    .input  X : i8 [UNITS * TK, SH, XB, N, HQ, LANES] at mem.w[16..19]
    .temp   X1 : i8 [UNITS * TK, SH, XB, N, HQ, LANES] at mem.w[20..23]
    .temp   X2 : i8 [UNITS * TK, SH, XB, N, HQ, LANES] at mem.w[24..27]
    .temp   X3 : i8 [UNITS * TK, SH, XB, N, HQ, LANES] at mem.w[28..31]
    .weight W : i8 [ROUNDS, 2, R16 / 16, 2, 16, LANES] at mem.e[0..15] mem.w[0..15]
    .temp   T : i32 [COLUMNS, SUMS, 4, LANES] at mem.e[40..43] mem.e[32..35] mem.w[40..43] mem.w[32..35] banks run 2
    .output Y : i32 [COLUMNS, 1, NF, N, OR, LANES] at mem.w[36..39]
    .if BIAS
        .input bias : i32 [COLUMNS, LANES] at mem.e[36..39]
    .endif
    flow copy:
        read  X -> sg4.w[6]
        write sg4.w[6] -> X1
        write sg4.w[6] -> X2
        write sg4.w[6] -> X3
.endif

; All rows of the result through tile i: the d-th of column c, in round q. `own` is the unit's copy of X.
.macro through i, u, own, unit, rows, row, partial, sum
    .equ q = i / PLANES
    .equ c = i / DEPTH
    .equ d = i % DEPTH
    .equ k = d % TK
    .equ j = d / TK % JM
    .equ kh = d / TK / JM
    .equ until = j + STEP * (NB - 1) + 1
    .equ first = i - PLANES < c * DEPTH  ; of the column, for this unit
    flow load_{i}:
        .if F16
            read W[q, :, u, :, :] -> rows
        .else
            read W[q, u % 2, :, u / 2, :, :] -> rows
        .endif
        lw unit, rows
    flow install_{i}:
        iw unit
    .if F16
        .equ high = (TK > 1 ? min(LANES, CI - LANES * k) : min(P, REACH - P * j) * CI) > LANES / 2
    .else
        .equ high = 0
    .endif
    .for h in 0..1 + high
        flow multiply_{i}_{h}:
            read own[c / TN * TK + k, kh % SH, j : until : STEP, :, kh / SH : kh / SH + OH, :] -> row
            .if F16
                abc unit, row half h
            .else
                abc unit, row
            .endif
            .if first && !h
                acc unit -> sum
            .else
                read T[c, :, u, :] -> partial
                acc  unit, partial -> sum
            .endif
            write sum -> T[c, :, u, :]
    .endfor
.endm

.macro item i
    .equ u = i % PLANES
    .if F16 && u == 0
        through i, 0, X, mxm.e, sg16.e[0], sg2.e[8], sg4.e[5], sg4.w[0]
    .elif F16
        through i, 1, X1, mxm.w, sg16.w[0], sg2.w[8], sg4.w[5], sg4.e[0]
    .elif u == 0
        through i, 0, X, mxm.e0, sg16.e[0], s16.e, sg4.e[5], sg4.w[0]
    .elif u == 1
        through i, 1, X1, mxm.e1, sg16.e[0], s17.e, sg4.e[6], sg4.w[1]
    .elif u == 2
        through i, 2, X2, mxm.w0, sg16.w[0], s16.w, sg4.w[5], sg4.e[0]
    .else
        through i, 3, X3, mxm.w1, sg16.w[0], s17.w, sg4.w[6], sg4.e[1]
    .endif
.endm

; The sums of the units that had tiles of the column, and the bias.
.macro finish c
    .equ begin = c * DEPTH % PLANES
    .equ m0 = PLANES - begin < DEPTH || begin == 0
    .equ m1 = (1 - begin + PLANES) % PLANES < DEPTH
    .equ m2 = (2 - begin + PLANES) % PLANES < DEPTH
    .equ m3 = (3 - begin + PLANES) % PLANES < DEPTH
    flow finish_{c}:
        .if m0
            read T[c, :, 0, :] -> sg4.w[0]
        .endif
        .if F16
            .if m1
                read T[c, :, 1, :] -> sg4.e[1]
            .endif
            .if m0 && m1
                add sg4.w[0], sg4.e[1] -> %sum @alu12
            .elif m0
                identity sg4.w[0] -> %sum @alu12
            .else
                identity sg4.e[1] -> %sum @alu12
            .endif
            .if BIAS
                read     bias[c : +1, :] -> sg2.w[12] repeat SUMS step 0
                cast.f32 sg2.w[12] -> %bias @alu13
                add      %sum, %bias -> %y @alu14
            .else
                identity %sum -> %y @alu14
            .endif
            cast.f16 %y -> sg2.w[14] @alu15
            write    sg2.w[14] -> Y[c, 0, :, :, 0 : OH, :]
        .else
            .if m1
                read T[c, :, 1, :] -> sg4.w[1]
            .endif
            .if m2
                read T[c, :, 2, :] -> sg4.e[0]
            .endif
            .if m3
                read T[c, :, 3, :] -> sg4.e[1]
            .endif
            .if m0 && m1
                add sg4.w[0], sg4.w[1] -> %east @alu12
            .elif m0
                identity sg4.w[0] -> %east @alu12
            .elif m1
                identity sg4.w[1] -> %east @alu12
            .endif
            .if m2 && m3
                add sg4.e[0], sg4.e[1] -> %west @alu13
            .elif m2
                identity sg4.e[0] -> %west @alu13
            .elif m3
                identity sg4.e[1] -> %west @alu13
            .endif
            .if (m0 || m1) && (m2 || m3)
                add %east, %west -> %sum @alu14
            .elif m0 || m1
                identity %east -> %sum @alu14
            .else
                identity %west -> %sum @alu14
            .endif
            .if BIAS
                read bias[c : +1, :] -> sg4.w[6] repeat SUMS step 0
                add  %sum, sg4.w[6] -> sg4.w[7] @alu15
            .else
                identity %sum -> sg4.w[7] @alu15
            .endif
            write sg4.w[7] -> Y[c, 0, :, :, 0 : OH, :]
        .endif
.endm

.for c in 0..COLUMNS
    .for d in 0..DEPTH
        item c * DEPTH + d
        .if c && d == min(DEPTH, PLANES) - 1
            finish c - 1
        .endif
    .endfor
.endfor
finish COLUMNS - 1
