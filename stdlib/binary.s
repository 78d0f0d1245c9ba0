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

.equ KIND = F16 ? f16 : I32 ? i32 : f32
.equ LAST = F16 ? 15 : 31                    ; slice of all pipelines
.equ COMPACT = F16 ? 35 : 39                 ; slice of a part of the lanes or rows
.def one(d) = F16 ? sg2.{d}[0] : sg4.{d}[0]  ; streams of one vector, of two, of as many as there is room for
.def two(d) = F16 ? sg4.{d}[0] : sg8.{d}[0]
.def many(d) = F16 ? sg4.{d}[0] : sg16.{d}[0]

.if XI && XR
    .input X : KIND [XV, LANES] at mem.w[0..LAST] bank 0
.else
    .input X : KIND [XV, LANES] at mem.w[32..COMPACT]
    .temp  XB : KIND [XV * (XR ? 1 : 8), LANES] at mem.w[0..LAST] bank 0
.endif
.if YI && YR
    .input Y : KIND [YV, LANES] at mem.e[0..LAST] bank 0
.elif YR && !F16
    .input Y : KIND [YV, LANES] at mem.e[28..43] bank 1
.else
    .input Y : KIND [YV, LANES] at mem.e[32..COMPACT]
.endif
.if !YI || !YR
    .temp YB : KIND [YV * (YR ? 1 : 8), LANES] at mem.e[0..LAST] bank 0
.endif
.output Z : KIND [O * T * RP, LANES] at mem.w[0..LAST] bank 1

.macro copies of, v, stream
    .for g in 0..P
        write stream -> of[8 * v + g, :]
    .endfor
.endm

; X made whole: its lanes, its rows, or both.
.if XR && !XI
    flow lanes_X:  ; two vectors a cycle
        read      X -> two(e)
        broadcast two(e), 0 -> two(w)
        write     two(w) -> XB
.elif !XR
    .for v in 0..XV
        flow rows_X_{v}:
            read X[v, :] -> one(e)
            .if !XI
                broadcast one(e), 0 -> one(w)
            .endif
            copies XB, v, XI ? one(e) : one(w)
    .endfor
.endif

; Y made whole: its lanes, its rows, or both.
.if YR && !YI
    flow lanes_Y:  ; four vectors a cycle, of f16 two
        read      Y -> many(e)
        broadcast many(e), 0 -> many(w)
        write     many(w) -> YB
.elif !YR
    .for v in 0..YV
        flow rows_Y_{v}:
            read Y[v, :] -> YI ? one(w) : one(e)
            .if !YI
                broadcast one(e), 0 -> one(w)
            .endif
            copies YB, v, one(w)
    .endfor
.endif

; The vectors of pipeline p of an operand, which is whole itself or has copies.
.macro fetch whole, made, base, rows, lanes, p, stream
    .if rows && lanes
        read whole[base * RP + p : base * RP + RP : P, :] -> stream
    .elif rows
        read made[base * RP + p : base * RP + RP : P, :] -> stream
    .else
        read made[8 * base + p, :] -> stream repeat RP / P step 0
    .endif
.endm
.macro fetch_X o, t, p, stream
    fetch X, XB, (XO ? o : 0) * (XI ? T : 1) + (XI ? t : 0), XR, XI, p, stream
.endm
.macro fetch_Y o, t, p, stream
    fetch Y, YB, (YO ? o : 0) * (YI ? T : 1) + (YI ? t : 0), YR, YI, p, stream
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
