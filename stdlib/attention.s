.target tsp1
.param JE = 1                                   ; jobs of the east hemisphere: rows of queries over one head of keys
.param JW = 0                                   ; of the west hemisphere
.param PER = 1                                  ; successive jobs that share a head of keys and values
.param R = 320                                  ; rows of queries of a job
.param SQ = 320                                 ; of one head: row r of a job is query r mod SQ
.param SKV = 320                                ; keys
.param D = 64
.param CAUSAL = 0
.param WINDOW = 0                               ; 0: none
.param SCALE = 0.125

.equ NB = ceil_div(SKV, LANES)                  ; blocks of keys
.equ NT = ceil_div(R, LANES)                    ; tasks of a job
.equ TR = 16 * ceil_div(ceil_div(R, NT), 16)    ; rows of a task; the last one of a job may have fewer
.equ KEPT = 3                                   ; heads whose transposed values are kept at once
.equ BUFS = 3                                   ; tasks whose scores are kept at once

.input Eye : u8 [LANES, LANES]  at mem.e29 bank 1
.input EyeW : u8 [LANES, LANES]  at mem.w29 bank 1
.input Lane : u8 [16, LANES]  at mem.e28 bank 1
.input LaneW : u8 [16, LANES]  at mem.w28 bank 1

.macro tensors h, J, eye, lane
.input Q_{h} : f16 [J, R, D]  at mem.{h}[40..43]
.input K_{h} : f16 [ceil_div(J, PER), NB * LANES, D]  at mem.{h}[0..15]
.input V_{h} : f16 [ceil_div(J, PER), NB * LANES, D]  at mem.{h}[0..31]
.output O_{h} : f16 [J, R, D]  at mem.{h}[36..39]
.temp S_{h}  : f32 [BUFS, NB, TR, LANES]  at mem.{h}[32..35] banks run 1
.temp M_{h}  : f32 [TR, LANES]  at mem.{h}[20..23] banks run 2
.temp L0_{h} : f32 [TR, LANES]  at mem.{h}[0..15] bank 0
.temp L1_{h} : f32 [TR, LANES]  at mem.{h}[0..15] bank 1
.temp X0_{h} : u8 [TR, LANES]  at mem.{h}[16..31]
.temp X1_{h} : u8 [TR, LANES]  at mem.{h}[16..31]
.temp X2_{h} : u8 [TR, LANES]  at mem.{h}[16..31]
.temp X3_{h} : u8 [TR, LANES]  at mem.{h}[16..31]
.temp T0_{h} : u8 [TR, LANES]  at mem.{h}[16..31] bank 1
.temp T1_{h} : u8 [TR, LANES]  at mem.{h}[20..31] mem.{h}[16..19] bank 1
.temp T2_{h} : u8 [TR, LANES]  at mem.{h}[24..31] mem.{h}[16..23] bank 1
.temp T3_{h} : u8 [TR, LANES]  at mem.{h}[28..31] mem.{h}[16..27] bank 1
.temp RA_{h} : f32 [5, TR / 16, LANES]  at mem.{h}[0..3]
.temp RB_{h} : f32 [5, TR / 16, LANES]  at mem.{h}[4..7]
.temp RC_{h} : f32 [5, TR / 16, LANES]  at mem.{h}[8..11]
.temp RD_{h} : f32 [5, TR / 16, LANES]  at mem.{h}[12..15]
.temp F_{h}  : f32 [BUFS, TR / 16, LANES]  at mem.{h}[36..39] bank 1
.temp P0_{h} : f16 [NB, TR, LANES]  at mem.{h}[0..15] bank 0
.temp P1_{h} : f16 [NB, TR, LANES]  at mem.{h}[0..15] bank 1
.temp VT_{h} : f16 [KEPT, NB, D + 1, LANES]  at mem.{h}[30..31] bank 1
.temp C_{h}  : f32 [2, D + 1, LANES]  at mem.{h}[40..43] address 0 banks run 2
.temp INV_{h} : f32 [2, LANES]  at mem.{h}[0..3]
.temp U0_{h} : u8 [2, 16 * ceil_div(D, 16), LANES]  at mem.{h}[16..31]
.temp U1_{h} : u8 [2, 16 * ceil_div(D, 16), LANES]  at mem.{h}[16..31]
.endm

.macro bias h
.if SKV % LANES
.input Pad_{h} : f32 [1, LANES]  at mem.{h}[16..19]
.endif
.endm

    tensors e, max(JE, 1), Eye, Lane
    bias e
.if JW
    tensors w, JW, EyeW, LaneW
    bias w
.endif

; The rows of ones below the transposed values: what they give is the sum of each row of P.
.macro ones h, o
flow ones_{h}:
    cast.f32.f16 1.0 -> sg2.{o}[0]  repeat KEPT * NB
    write sg2.{o}[0] -> VT_{h}[:, :, D : D + 1, :]
.endm

; Values of block b, transposed: bytes through the planes, as integers, so that they come out as they are.
.macro transpose_values h, o, i, eye, job, b
.for p in 0..2
flow values_{h}_{job}_{b}_{p}:
    read  V_{h}[job / PER, LANES * b : +LANES, :] -> sg16.{o}[0]  plane p
    lw    mxm.{h}{p}, sg16.{o}[0]
flow install_values_{h}_{job}_{b}_{p}:
    iw    mxm.{h}{p}
.endfor
flow turn_values_{h}_{job}_{b}:
    read  eye[0:D, :] -> s28.{o}
    abc   mxm.{h}0, s28.{o}
    abc   mxm.{h}1, s28.{o}
    acc   mxm.{h}0 -> s24.{i} low8
    acc   mxm.{h}1 -> s25.{i} low8
    write.f16 sg2.{i}[12] -> VT_{h}[job / PER % KEPT, b, 0:D, :]
.endm

; Scores of rows r .. r+n of a job with block b; the running maximum goes along.
.macro scores h, o, i, task, job, r, n, b, first, last, row_max, larger
flow keys_{h}_{task}_{b}:
    read  K_{h}[job / PER, LANES * b : +LANES, :] -> sg16.{o}[0]
    lw    mxm.{h}, sg16.{o}[0]
flow install_keys_{h}_{task}_{b}:
    iw    mxm.{h}
flow scores_{h}_{task}_{b}:
    read  Q_{h}[job, r : r + n, :] -> sg2.{o}[14]
    abc   mxm.{h}, sg2.{o}[14] half 0
.if SKV % LANES && b == NB - 1
    read  Pad_{h} -> sg4.{o}[6]  repeat n step 0
    acc   mxm.{h}, sg4.{o}[6] -> sg4.{i}[6]
.else
    acc   mxm.{h} -> sg4.{i}[6]
.endif
    write sg4.{i}[6] -> S_{h}[task % BUFS, b, 0:n, :]
.if b == first
.if b == last
    write sg4.{i}[6] -> row_max
.else
    write sg4.{i}[6] -> M_{h}[0:n, :]
.endif
.else
    read  M_{h}[0:n, :] -> sg4.{i}[7]
    max   sg4.{i}[6], sg4.{i}[7] -> sg4.{o}[7]  @larger
.if b == last
    write sg4.{o}[7] -> row_max
.else
    write sg4.{o}[7] -> M_{h}[0:n, :]
.endif
.endif
.endm

.macro spread h, o, i, task, G, p
flow spread_{h}_{task}_{p}:
    read  L{task % 2}_{h}[0 : 16 * G, :] -> sg4.{o}[4]  plane p
    write sg4.{o}[4] -> X{p}_{h}[0 : 16 * G, :]
.endm

.macro turn h, o, i, task, G, p
flow turn_{h}_{task}_{p}:
    read      X{p}_{h}[0 : 16 * G, :] -> sg16.{o}[0]
    transpose sg16.{o}[0] -> sg16.{i}[0]
    write     sg16.{i}[0] -> T{p}_{h}[0 : 16 * G, :]
.endm

.macro pick h, i, G, j, q
.for p in 0..4
    read  T{p}_{h}[j : 16 * G : 16, :] -> s{4 * q + p}.{i}
.endfor
.endm

; The maximum of each row, in the lane that is its number modulo 16 of every superlane.
.macro reduce h, o, i, task, G
flow reduce_{h}_{task}_0:
.for q in 0..4
    pick h, i, G, q, q
.endfor
    max.f32 sg4.{i}[0], sg4.{i}[1] -> %a  @alu0
    max.f32 sg4.{i}[2], sg4.{i}[3] -> %b  @alu1
    max.f32 %a, %b -> sg4.{o}[3]  @alu3
    write sg4.{o}[3] -> RA_{h}[0, 0:G, :]
.for k in 1..5
flow reduce_{h}_{task}_{k}:
.for q in 0..3
    pick h, i, G, 3 * k + 1 + q, q
.endfor
.if k % 2
    read  RA_{h}[k / 2, 0:G, :] -> sg4.{i}[3]
.else
    read  RB_{h}[k / 2 - 1, 0:G, :] -> sg4.{i}[3]
.endif
    max.f32 sg4.{i}[0], sg4.{i}[1] -> %a  @alu0
    max.f32 sg4.{i}[2], sg4.{i}[3] -> %b  @alu1
    max.f32 %a, %b -> sg4.{o}[3]  @alu3
.if k % 2
    write sg4.{o}[3] -> RB_{h}[k / 2, 0:G, :]
.else
    write sg4.{o}[3] -> RA_{h}[k / 2, 0:G, :]
.endif
.if k == 4
    write sg4.{o}[3] -> RC_{h}[0, 0:G, :]
.endif
.endfor
    round h, o, i, task, G, 0, 1, RA_{h}[2, 0:G, :], RC_{h}[0, 0:G, :]
    write sg4.{o}[3] -> RB_{h}[2, 0:G, :]
    write sg4.{o}[3] -> RD_{h}[0, 0:G, :]
    round h, o, i, task, G, 1, 2, RB_{h}[2, 0:G, :], RD_{h}[0, 0:G, :]
    write sg4.{o}[3] -> RA_{h}[3, 0:G, :]
    write sg4.{o}[3] -> RC_{h}[1, 0:G, :]
    round h, o, i, task, G, 2, 4, RA_{h}[3, 0:G, :], RC_{h}[1, 0:G, :]
    write sg4.{o}[3] -> RB_{h}[3, 0:G, :]
    write sg4.{o}[3] -> RD_{h}[1, 0:G, :]
    round h, o, i, task, G, 3, 8, RB_{h}[3, 0:G, :], RD_{h}[1, 0:G, :]
    write sg4.{o}[3] -> RA_{h}[4, 0:G, :]
    write sg4.{o}[3] -> RC_{h}[2, 0:G, :]
    round h, o, i, task, G, 4, 4, RA_{h}[4, 0:G, :], RC_{h}[2, 0:G, :]
    write sg4.{o}[3] -> F_{h}[task % BUFS, 0:G, :]
.endm

; Maximum of each superlane and the one that is `by` below it.
.macro round h, o, i, task, G, k, by, here, there
flow round_{h}_{task}_{k}:
    read  there -> sg4.{o}[0]
    shift_wide sg4.{o}[0], 16 * by -> sg4.{i}[0]  @sxm.{h}.select0
    read  here -> sg4.{i}[2]
    max   sg4.{i}[0], sg4.{i}[2] -> sg4.{o}[3]  @alu3
.endm

.macro weights h, o, i, task, G, b, lane, a0, a1, a2, a3, out
flow weights_{h}_{task}_{b}:
    read  F_{h}[task % BUFS, 0:G, :] -> sg4.{o}[4]  repeat 16 step 0 repeat G
    read  S_{h}[task % BUFS, b, 0 : 16 * G, :] -> sg4.{o}[5]
    read  lane -> s30.{o}  repeat 16 repeat G step 0
    distribute sg8.{o}[2], s30.{o} -> sg8.{o}[2]  bypass 0xf0
    shift sg8.{o}[2], 0 -> sg8.{i}[2]  @sxm.{h}.select1
    sub   sg4.{i}[5], sg4.{i}[4] -> %below  @a0
    mul   %below, SCALE -> %x  @a1
    exp   %x -> %p  @a2
    cast.f16 %p -> out  @a3
.if task % 2
    write out -> P1_{h}[b, 0 : 16 * G, :]
.else
    write out -> P0_{h}[b, 0 : 16 * G, :]
.endif
.endm

.macro product h, o, i, task, job, G, b, first, half, step
.if half == 0
flow load_{h}_{task}_{b}:
.if task % 2
    read  P1_{h}[b, 0 : 16 * G, :] -> sg16.{o}[0]
.else
    read  P0_{h}[b, 0 : 16 * G, :] -> sg16.{o}[0]
.endif
    lw    mxm.{h}, sg16.{o}[0]
flow install_{h}_{task}_{b}:
    iw    mxm.{h}
.endif
flow product_{h}_{task}_{b}_{half}:
    read  VT_{h}[job / PER % KEPT, b, :, :] -> sg2.{o}[14]
    abc   mxm.{h}, sg2.{o}[14] half half
.if step == 0
    acc   mxm.{h} -> sg4.{i}[6]
.else
    read  C_{h}[task % 2, :, :] -> sg4.{o}[6]
    acc   mxm.{h}, sg4.{o}[6] -> sg4.{i}[6]
.endif
    write sg4.{i}[6] -> C_{h}[task % 2, :, :]
.endm

.macro normalise h, o, i, task
flow inverse_{h}_{task}:
    read  C_{h}[task % 2, D : D + 1, :] -> sg4.{i}[0]
    rsqrt sg4.{i}[0] -> %r  @alu2
    mul   %r, %r -> sg4.{o}[3]  @alu3
    write sg4.{o}[3] -> INV_{h}[task % 2 : +1, :]
.for p in 0..2
flow normalise_{h}_{task}_{p}:
    read  C_{h}[task % 2, 0:D, :] -> sg4.{i}[0]
    read  INV_{h}[task % 2 : +1, :] -> sg4.{i}[3]  repeat D step 0
    mul   sg4.{i}[0], sg4.{i}[3] -> %o  @alu1
    cast.f16 %o -> sg2.{o}[6]  @alu2
    write.u8 s{12 + p}.{o} -> U{p}_{h}[task % 2, 0:D, :]
.endfor
.endm

.macro out h, o, i, task, job, r, n, eye
.for p in 0..2
flow outputs_{h}_{task}_{p}:
    read  U{p}_{h}[task % 2, :, :] -> sg16.{o}[0]
    lw    mxm.{h}{p}, sg16.{o}[0]
flow install_outputs_{h}_{task}_{p}:
    iw    mxm.{h}{p}
.endfor
flow turn_outputs_{h}_{task}:
    read  eye[0:n, :] -> s28.{o}
    abc   mxm.{h}0, s28.{o}
    abc   mxm.{h}1, s28.{o}
    acc   mxm.{h}0 -> s24.{i} low8
    acc   mxm.{h}1 -> s25.{i} low8
    write.f16 sg2.{i}[12] -> O_{h}[job, r : r + n, :]
.endm

.macro begin h, o, i, eye, task, larger
.equ job = task / NT
.equ r = task % NT * TR
.equ n = min(TR, R - r)
.equ G = ceil_div(n, 16)
.if r == 0 && job % PER == 0
.for b in 0..NB
    transpose_values h, o, i, eye, job, b
.endfor
.endif
.for b in 0..NB
    scores h, o, i, task, job, r, n, b, 0, NB - 1, L{task % 2}_{h}[0:n, :], larger
.endfor
.endm

.macro soften h, o, i, lane, task, a0, a1, a2, a3, pout
.equ job = task / NT
.equ r = task % NT * TR
.equ n = min(TR, R - r)
.equ G = ceil_div(n, 16)
.for p in 0..4
    spread h, o, i, task, G, p
.endfor
.for p in 0..4
    turn h, o, i, task, G, p
.endfor
    reduce h, o, i, task, G
.for b in 0..NB
    weights h, o, i, task, G, b, lane, a0, a1, a2, a3, pout
.endfor
.endm

.macro middle h, o, i, task
.equ job = task / NT
.equ r = task % NT * TR
.equ n = min(TR, R - r)
.equ G = ceil_div(n, 16)
.for b in 0..NB
.for half in 0..(b == NB - 1 && SKV - LANES * b <= LANES / 2 ? 1 : 2)
    product h, o, i, task, job, G, b, 0, half, 2 * b + half
.endfor
.endfor
    normalise h, o, i, task
.endm

.macro end h, o, i, eye, task
.equ job = task / NT
.equ r = task % NT * TR
.equ n = min(TR, R - r)
    out h, o, i, task, job, r, n, eye
.endm

.equ LAG = 2
.equ LATE = 3
    ones e, e
.if JW
    ones w, w
.endif
.macro side h, o, i, J, eye, lane, t, larger, a0, a1, a2, a3, pout
.if t < J * NT
    begin h, o, i, eye, t, larger
.endif
.if t >= LAG && t - LAG < J * NT
    middle h, o, i, t - LAG
.endif
.if t >= 1 && t - 1 < J * NT
    soften h, o, i, lane, t - 1, a0, a1, a2, a3, pout
.endif
.if t >= LATE && t - LATE < J * NT
    end h, o, i, eye, t - LATE
.endif
.endm

.for t in 0..max(JE, JW) * NT + LATE
    side e, e, w, JE, Eye, Lane, t, alu11, alu4, alu9, alu10, alu15, sg2.e[12]
.if JW
    side w, w, e, JW, EyeW, LaneW, t, alu14, alu8, alu5, alu2, alu7, sg2.w[10]
.endif
.endfor
