; Z = X op Y with numpy's broadcasting: the part that add, sub, mul and maximum share. Each states the macro `combine`.
;
; The result is a nest of O × T × R vectors (R innermost, padded to the 8 groups of slices): R rows of T tiles of 320
; lanes, O times; where nothing is broadcast T = O = 1 and a vector is any 320 elements. An operand lacks an axis
; (XO, XR, XI = 0: O, R, or the lanes). Its values come in lane 0 if it lacks the lanes, and the SXM gives lane 0 to
; all; if it lacks the rows, each pipeline gets a copy of its vector, written by eight slices from one stream, and
; reads that again and again. X lies in the west and Y in the east, both in bank 0; Z goes to bank 1 of X's slices.
.param O = 1
.param R = 64
.param T = 1
.param XO = 1
.param XR = 1
.param XI = 1
.param YO = 1
.param YR = 1
.param YI = 1
.param F16 = 0
.param I32 = 0

.equ RP = 8 * ceil_div(R, 8)
.equ P = F16 ? 2 : 8  ; pipelines: vectors a cycle
.equ XV = (XO ? O : 1) * (XI ? T : 1) * (XR ? RP : 1)
.equ YV = (YO ? O : 1) * (YI ? T : 1) * (YR ? RP : 1)

.if F16
    .if XI && XR
        .input X : f16 [XV, LANES] at mem.w[0..15] bank 0
    .else
        .input X : f16 [XV, LANES] at mem.w[32..35]
        .temp  XB : f16 [XV * (XR ? 1 : 8), LANES] at mem.w[0..15] bank 0
    .endif
    .if YI && YR
        .input Y : f16 [YV, LANES] at mem.e[0..15] bank 0
    .else
        .input Y : f16 [YV, LANES] at mem.e[32..35]
        .temp  YB : f16 [YV * (YR ? 1 : 8), LANES] at mem.e[0..15] bank 0
    .endif
    .output Z : f16 [O * T * RP, LANES] at mem.w[0..15] bank 1
.elif I32
    .if XI && XR
        .input X : i32 [XV, LANES] at mem.w[0..31] bank 0
    .else
        .input X : i32 [XV, LANES] at mem.w[32..39]
        .temp  XB : i32 [XV * (XR ? 1 : 8), LANES] at mem.w[0..31] bank 0
    .endif
    .if YI && YR
        .input Y : i32 [YV, LANES] at mem.e[0..31] bank 0
    .elif YR
        .input Y : i32 [YV, LANES] at mem.e[28..43] bank 1
    .else
        .input Y : i32 [YV, LANES] at mem.e[32..39]
    .endif
    .if !YI || !YR
        .temp YB : i32 [YV * (YR ? 1 : 8), LANES] at mem.e[0..31] bank 0
    .endif
    .output Z : i32 [O * T * RP, LANES] at mem.w[0..31] bank 1
.else
    .if XI && XR
        .input X : f32 [XV, LANES] at mem.w[0..31] bank 0
    .else
        .input X : f32 [XV, LANES] at mem.w[32..39]
        .temp  XB : f32 [XV * (XR ? 1 : 8), LANES] at mem.w[0..31] bank 0
    .endif
    .if YI && YR
        .input Y : f32 [YV, LANES] at mem.e[0..31] bank 0
    .elif YR
        .input Y : f32 [YV, LANES] at mem.e[28..43] bank 1
    .else
        .input Y : f32 [YV, LANES] at mem.e[32..39]
    .endif
    .if !YI || !YR
        .temp YB : f32 [YV * (YR ? 1 : 8), LANES] at mem.e[0..31] bank 0
    .endif
    .output Z : f32 [O * T * RP, LANES] at mem.w[0..31] bank 1
.endif

.macro rows_of_X v, stream
    .for g in 0..P
        write stream -> XB[8 * v + g, :]
    .endfor
.endm

; X made whole: its lanes, its rows, or both.
.if XR && !XI
    flow lanes_X:  ; two vectors a cycle
        .if F16
            read      X -> sg4.e[0]
            broadcast sg4.e[0], 0 -> sg4.w[0]
            write     sg4.w[0] -> XB
        .else
            read      X -> sg8.e[0]
            broadcast sg8.e[0], 0 -> sg8.w[0]
            write     sg8.w[0] -> XB
        .endif
.elif !XR
    .for v in 0..XV
        flow rows_X_{v}:
            .if F16 && !XI
                read      X[v, :] -> sg2.e[0]
                broadcast sg2.e[0], 0 -> sg2.w[0]
                rows_of_X v, sg2.w[0]
            .elif F16
                read      X[v, :] -> sg2.e[0]
                rows_of_X v, sg2.e[0]
            .elif !XI
                read      X[v, :] -> sg4.e[0]
                broadcast sg4.e[0], 0 -> sg4.w[0]
                rows_of_X v, sg4.w[0]
            .else
                read      X[v, :] -> sg4.e[0]
                rows_of_X v, sg4.e[0]
            .endif
    .endfor
.endif

.macro fetch_X o, t, p, stream
    .equ BASE = (XO ? o : 0) * (XI ? T : 1) + (XI ? t : 0)
    .if XR && XI
        read X[BASE * RP + p : BASE * RP + RP : P, :] -> stream
    .elif XR
        read XB[BASE * RP + p : BASE * RP + RP : P, :] -> stream
    .else
        read XB[8 * BASE + p, :] -> stream repeat RP / P step 0
    .endif
.endm

.macro rows_of_Y v, stream
    .for g in 0..P
        write stream -> YB[8 * v + g, :]
    .endfor
.endm

; Y made whole: its lanes, its rows, or both.
.if YR && !YI
    flow lanes_Y:  ; four vectors a cycle, of f16 two
        .if F16
            read      Y -> sg4.e[0]
            broadcast sg4.e[0], 0 -> sg4.w[0]
            write     sg4.w[0] -> YB
        .else
            read      Y -> sg16.e[0]
            broadcast sg16.e[0], 0 -> sg16.w[0]
            write     sg16.w[0] -> YB
        .endif
.elif !YR
    .for v in 0..YV
        flow rows_Y_{v}:
            .if F16 && !YI
                read      Y[v, :] -> sg2.e[0]
                broadcast sg2.e[0], 0 -> sg2.w[0]
                rows_of_Y v, sg2.w[0]
            .elif F16
                read      Y[v, :] -> sg2.w[0]
                rows_of_Y v, sg2.w[0]
            .elif !YI
                read      Y[v, :] -> sg4.e[0]
                broadcast sg4.e[0], 0 -> sg4.w[0]
                rows_of_Y v, sg4.w[0]
            .else
                read      Y[v, :] -> sg4.w[0]
                rows_of_Y v, sg4.w[0]
            .endif
    .endfor
.endif

.macro fetch_Y o, t, p, stream
    .equ BASE = (YO ? o : 0) * (YI ? T : 1) + (YI ? t : 0)
    .if YR && YI
        read Y[BASE * RP + p : BASE * RP + RP : P, :] -> stream
    .elif YR
        read YB[BASE * RP + p : BASE * RP + RP : P, :] -> stream
    .else
        read YB[8 * BASE + p, :] -> stream repeat RP / P step 0
    .endif
.endm

.macro result o, t, p, stream
    write stream -> Z[(o * T + t) * RP + p : (o * T + t) * RP + RP : P, :]
.endm

; An ALU cannot take one index from both directions, so Y comes on the neighbour of X's group.
.for o in 0..O
    .for t in 0..T
        .for p in 0..P
            flow combine_{o}_{t}_{p}:
                .if F16
                    fetch_X  o, t, p, sg2.e[8 * p]
                    fetch_Y  o, t, p, sg2.w[8 * p + 4]
                    cast.f32 sg2.e[8 * p] -> %x @alu{8 * p}
                    cast.f32 sg2.w[8 * p + 4] -> %y @alu{8 * p + 5}
                    halves   p
                    cast.f16 %z -> sg2.w[8 * p + 6] @alu{8 * p + 7}
                    result   o, t, p, sg2.w[8 * p + 6]
                .else
                    fetch_X o, t, p, sg4.e[p]
                    fetch_Y o, t, p, sg4.w[p ^ 1]
                    combine p
                    result  o, t, p, sg4.w[p]
                .endif
        .endfor
    .endfor
.endfor
