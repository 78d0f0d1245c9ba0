; What quantize and dequantize share: O × T × R vectors (R rows, padded to the 8 groups of slices; T tiles of 320
; lanes; O times), and scales, f32, one for each row (SR = 1), for each lane (SI = 1) or for all. Scales of rows and
; the only one come in lane 0, which the SXM gives to all lanes, of four vectors a cycle; each pipeline of P gets a copy
; of a vector that serves all rows, written by eight slices from one stream. X lies in bank 0 of the west, Z in bank 1.
; Who includes this has `declare`, the tensors; `every`, which brings what the scales have become, four vectors a cycle on
; sg16.e[0]; `one v, to`, which reads one; `full o, t, p` and `half o, t, p`, the pipelines.
.param O = 1
.param R = 64
.param T = 1
.param SR = 0
.param SI = 0
.param F16 = 0

.equ RP = 8 * ceil_div(R, 8)
.equ P = F16 ? 4 : 8  ; pipelines: vectors a cycle
.equ SV = (SR ? RP : 1) * (SI ? T : 1)

.temp   S : f32 [SR ? SV : 8 * SV, LANES] at mem.e[0..31] bank 0
declare

.if SR
    flow lanes:
        every
        broadcast sg16.e[0], 0 -> sg16.w[1]
        write     sg16.w[1] -> S
.else
    .for v in 0..SV
        flow rows_{v}:
            .if SI
                one v, sg4.w[0]
            .else
                one       v, sg4.e[0]
                broadcast sg4.e[0], 0 -> sg4.w[0]
            .endif
            .for g in 0..P
                write sg4.w[0] -> S[8 * v + g, :]
            .endfor
    .endfor
.endif

.macro fetch o, t, p, x, s
    read X[(o * T + t) * RP + p : (o * T + t) * RP + RP : P, :] -> x
    .if SR
        read S[p : RP : P, :] -> s
    .else
        read S[8 * (SI ? t : 0) + p, :] -> s repeat RP / P step 0
    .endif
.endm
.macro result o, t, p, z
    write z -> Z[(o * T + t) * RP + p : (o * T + t) * RP + RP : P, :]
.endm

.for o in 0..O
    .for t in 0..T
        .for p in 0..P
            flow scale_{o}_{t}_{p}:
                .if F16
                    half o, t, p
                .else
                    full o, t, p
                .endif
        .endfor
    .endfor
.endfor
