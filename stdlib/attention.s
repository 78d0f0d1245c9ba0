; O = softmax(scale · Q · Kᵀ + mask) · V: f16 in and out, scores in f32, for any heads, queries and keys that fit.
;
; The idea. Keys are installed, 320 at a time, and queries streamed: a row of scores comes out with a key in each lane,
; which is how the weights of the second product must lie. What is left to do is the maximum of a row, across lanes:
;   16 rows are transposed, byte by byte, by the SXM: sixteen vectors, which the VXM reduces to one that holds a row in
;   each lane of a superlane; five shifts by superlanes reduce these. A distributor gives the lane back to a whole row.
; Then P = exp(scale · (S − maximum)) is rounded to f16 and installed, for it has more rows than Vᵀ: of [V | 1]ᵀ only
; D + 1 rows are streamed, and the last gives the sums. V is transposed beforehand, and Oᵀ at the end, by integer
; products with the identity: these move bytes, so that a NaN or an infinity stays where it is.
;
; Work is cut into tasks of at most 320 rows of a head, and each hemisphere has jobs of its own. The text takes the
; steps of different tasks in turn: scores of t, products of t − 2, maxima and weights of t − 1, outputs of t − 3, so
; that the planes always have something to do. Blocks that no row of a task sees are left out.
;
; Contract
;   shapes  Q_h, O_h [jobs, R, D], K_h and V_h [heads of keys, 320 · NB, D] of each hemisphere h, zero beyond SKV.
;           Eye_h is the identity, Lane_h has row r full of r; Band_h, Pad_h, Mask_h are added to scores.
;   error   see docs/kernels/attention.md: about 2⁻⁹ of the largest value.
;   cycles  about 2 · (NB · TR + steps · (D + 1) + TR) a task, on the busier hemisphere; the planes work half of them.
.target tsp1
.param JE = 1                                   ; jobs of the east hemisphere: queries that share a head of keys
.param JW = 0                                   ; of the west hemisphere
.param PER = 1                                  ; successive jobs with one head of keys and values
.param OFFW = 0                                 ; those before the first one of the west that share its keys
.param R = 320                                  ; rows of queries of a job
.param SQ = 320                                 ; of one head: row r of a job is query r mod SQ
.param SKV = 320                                ; keys
.param D = 64
.param CAUSAL = 0
.param WINDOW = 0                               ; with CAUSAL: a query sees so many keys, its own the last; 0: all
.param MASKED = 0                               ; a mask is added to the scaled scores
.param SCALE = 0.125

.equ NB = ceil_div(SKV, LANES)                  ; blocks of keys
.equ BUFS = 3                                   ; tasks whose scores are kept at once
.equ TMAX = min(LANES, 16 * max(1, WORDS / (16 * BUFS * NB)))
.equ NT = ceil_div(R, TMAX)                     ; tasks of a job
.equ TR = 16 * ceil_div(ceil_div(R, NT), 16)    ; rows of a task; the last one of a job may have fewer
.equ KEPT = PER * NT == 1 ? 3 : 2               ; heads whose transposed values are kept at once
.equ OFF = SKV - SQ                             ; query i is at the place of key i + OFF
.equ BELOW = 2 * LANES                          ; row t + BELOW of Band: lanes up to t are seen, WINDOW of them

.macro tensors h, J, off
.temp C_{h}  : f32 [2, D + 1, LANES]  at mem.{h}[40..43] address 0 banks run 2
.temp S_{h}  : f32 [BUFS, NB, TR, LANES]  at mem.{h}[32..35] banks run 1
.temp M_{h}  : f32 [TR, LANES]  at mem.{h}[20..23] address 0 banks run 2
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
.temp INV_{h} : f32 [2, LANES]  at mem.{h}[0..3]
.temp U0_{h} : u8 [2, 16 * ceil_div(D, 16), LANES]  at mem.{h}[16..31]
.temp U1_{h} : u8 [2, 16 * ceil_div(D, 16), LANES]  at mem.{h}[16..31]
.input Lane_{h} : u8 [16, LANES]  at mem.{h}28 bank 1
.input Eye_{h} : u8 [LANES, LANES]  at mem.{h}29 bank 1
.temp VT_{h} : f16 [KEPT, NB, D + 1, LANES]  at mem.{h}[30..31]
.input Q_{h} : f16 [J, R, D]  at mem.{h}[40..43]
.input K_{h} : f16 [ceil_div(J + off, PER), NB * LANES, D]  at mem.{h}[0..15]
.input V_{h} : f16 [ceil_div(J + off, PER), NB * LANES, D]  at mem.{h}[0..31]
.output O_{h} : f16 [J, R, D]  at mem.{h}[36..39]
.if MASKED
.input Mask_{h} : f32 [SQ, NB * LANES]  at mem.{h}[24..27]  tile SQ x LANES
.elif CAUSAL
.input Band_{h} : f32 [BELOW + 2 * LANES + WINDOW, LANES]  at mem.{h}[24..27]
.elif SKV % LANES
.input Pad_{h} : f32 [1, LANES]  at mem.{h}[24..27]
.endif
.endm

    tensors e, max(JE, 1), 0
.if JW
    tensors w, JW, OFFW
.endif

.macro ones h, o
flow ones_{h}:
    cast.f32.f16 1.0 -> sg2.{o}[0]  repeat KEPT * NB
    write sg2.{o}[0] -> VT_{h}[:, :, D : D + 1, :]
.endm

; Values of block b, transposed: bytes through the planes, as integers, so that they come out as they are.
.macro transpose_values h, o, i, kv, b
.for p in 0..2
flow values_{h}_{kv}_{b}_{p}:
    read  V_{h}[kv, LANES * b : +LANES, :] -> sg16.{o}[0]  plane p
    lw    mxm.{h}{p}, sg16.{o}[0]
flow install_values_{h}_{kv}_{b}_{p}:
    iw    mxm.{h}{p}
.endfor
flow turn_values_{h}_{kv}_{b}:
    read  Eye_{h}[0:D, :] -> s28.{o}
    abc   mxm.{h}0, s28.{o}
    abc   mxm.{h}1, s28.{o}
    acc   mxm.{h}0 -> s24.{i} low8
    acc   mxm.{h}1 -> s25.{i} low8
    write.f16 sg2.{i}[12] -> VT_{h}[kv % KEPT, b, 0:D, :]
.endm

; Scores of a task with block b. `i0` is the first query, `count` how many there are of a head, `heads` how often.
.macro scores h, o, i, task, job, kv, r, n, i0, count, b, first, last, row_max, larger
.equ t = i0 + OFF - LANES * b                   ; the last lane that query i0 sees
flow keys_{h}_{task}_{b}:
    read  K_{h}[kv, LANES * b : +LANES, :] -> sg16.{o}[0]
    lw    mxm.{h}, sg16.{o}[0]
flow install_keys_{h}_{task}_{b}:
    iw    mxm.{h}
flow scores_{h}_{task}_{b}:
    read  Q_{h}[job, r : r + n, :] -> sg2.{o}[14]
    abc   mxm.{h}, sg2.{o}[14] half 0
.if MASKED
    acc   mxm.{h} -> sg4.{i}[6]
    mul   sg4.{i}[6], SCALE -> %scaled
    read  Mask_{h}[i0 : i0 + count, LANES * b : +LANES] -> sg4.{i}[7]  repeat count repeat n / count step 0
    add   %scaled, sg4.{i}[7] -> %score, sg4.{o}[5]
    write sg4.{o}[5] -> S_{h}[task % BUFS, b, 0:n, :]
.if b > first
    read  M_{h}[0:n, :] -> sg4.{i}[5]
    max   %score, sg4.{i}[5] -> sg4.{o}[7]
.else
    identity %score -> sg4.{o}[7]
.endif
.else
.if CAUSAL && (t < LANES - 1 || WINDOW && t + count > WINDOW)
    read  Band_{h}[max(t, -count) + BELOW : +count, :] -> sg4.{o}[6]  repeat count repeat n / count step 0
    acc   mxm.{h}, sg4.{o}[6] -> sg4.{i}[6]
.elif !CAUSAL && SKV % LANES && b == NB - 1
    read  Pad_{h} -> sg4.{o}[6]  repeat n step 0
    acc   mxm.{h}, sg4.{o}[6] -> sg4.{i}[6]
.else
    acc   mxm.{h} -> sg4.{i}[6]
.endif
    write sg4.{i}[6] -> S_{h}[task % BUFS, b, 0:n, :]
.if b > first
    read  M_{h}[0:n, :] -> sg4.{i}[7]
    max   sg4.{i}[6], sg4.{i}[7] -> sg4.{o}[7]  @larger
.endif
.endif
.if b > first || MASKED
.if b == last
    write sg4.{o}[7] -> row_max
.else
    write sg4.{o}[7] -> M_{h}[0:n, :]
.endif
.elif b == last
    write sg4.{i}[6] -> row_max
.else
    write sg4.{i}[6] -> M_{h}[0:n, :]
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

.macro weights h, o, i, task, G, b, a0, a1, a2, a3, out
flow weights_{h}_{task}_{b}:
    read  F_{h}[task % BUFS, 0:G, :] -> sg4.{o}[4]  repeat 16 step 0 repeat G
    read  S_{h}[task % BUFS, b, 0 : 16 * G, :] -> sg4.{o}[5]
    read  Lane_{h} -> s30.{o}  repeat 16 repeat G step 0
    distribute sg8.{o}[2], s30.{o} -> sg8.{o}[2]  bypass 0xf0
    shift sg8.{o}[2], 0 -> sg8.{i}[2]  @sxm.{h}.select1
    sub   sg4.{i}[5], sg4.{i}[4] -> %below  @a0
    mul   %below, MASKED ? 1.0 : SCALE -> %x  @a1
    exp   %x -> %p  @a2
    cast.f16 %p -> out  @a3
.if task % 2
    write out -> P1_{h}[b, 0 : 16 * G, :]
.else
    write out -> P0_{h}[b, 0 : 16 * G, :]
.endif
.endm

.macro product h, o, i, task, kv, G, b, half, start
.if half == 0 || 2 * b + half == start
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
    read  VT_{h}[kv % KEPT, b, :, :] -> sg2.{o}[14]
    abc   mxm.{h}, sg2.{o}[14] half half
.if 2 * b + half == start
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

.macro out h, o, i, task, job, r, n
.for p in 0..2
flow outputs_{h}_{task}_{p}:
    read  U{p}_{h}[task % 2, :, :] -> sg16.{o}[0]
    lw    mxm.{h}{p}, sg16.{o}[0]
flow install_outputs_{h}_{task}_{p}:
    iw    mxm.{h}{p}
.endfor
flow turn_outputs_{h}_{task}:
    read  Eye_{h}[0:n, :] -> s28.{o}
    abc   mxm.{h}0, s28.{o}
    abc   mxm.{h}1, s28.{o}
    acc   mxm.{h}0 -> s24.{i} low8
    acc   mxm.{h}1 -> s25.{i} low8
    write.f16 sg2.{i}[12] -> O_{h}[job, r : r + n, :]
.endm

; The rows of a task, the queries that they are, and the blocks that those see.
.macro begin h, o, i, off, task, larger
.equ job = task / NT
.equ kv = (job + off) / PER
.equ r = task % NT * TR
.equ n = min(TR, R - r)
.equ i0 = R > SQ ? 0 : r
.equ count = R > SQ ? SQ : n
.equ last = CAUSAL ? max(0, min(SKV - 1, i0 + count - 1 + OFF) / LANES) : NB - 1
.equ first = WINDOW ? min(last, max(0, i0 + OFF - WINDOW + 1) / LANES) : 0
.if r == 0 && (job == 0 || (job + off) % PER == 0)
.for b in 0..NB
    transpose_values h, o, i, kv, b
.endfor
.endif
.for b in first..last + 1
    scores h, o, i, task, job, kv, r, n, i0, count, b, first, last, L{task % 2}_{h}[0:n, :], larger
.endfor
.endm

.macro soften h, o, i, task, a0, a1, a2, a3, pout
.equ r = task % NT * TR
.equ n = min(TR, R - r)
.equ G = ceil_div(n, 16)
.equ i0 = R > SQ ? 0 : r
.equ count = R > SQ ? SQ : n
.equ last = CAUSAL ? max(0, min(SKV - 1, i0 + count - 1 + OFF) / LANES) : NB - 1
.equ first = WINDOW ? min(last, max(0, i0 + OFF - WINDOW + 1) / LANES) : 0
.for p in 0..4
    spread h, o, i, task, G, p
.endfor
.for p in 0..4
    turn h, o, i, task, G, p
.endfor
    reduce h, o, i, task, G
.for b in first..last + 1
    weights h, o, i, task, G, b, a0, a1, a2, a3, pout
.endfor
.endm

.macro middle h, o, i, off, task
.equ kv = (task / NT + off) / PER
.equ r = task % NT * TR
.equ n = min(TR, R - r)
.equ G = ceil_div(n, 16)
.equ i0 = R > SQ ? 0 : r
.equ count = R > SQ ? SQ : n
.equ HALF = LANES / 2
.equ last = CAUSAL ? max(0, min(SKV - 1, i0 + count - 1 + OFF) / HALF) : ceil_div(SKV, HALF) - 1
.equ first = WINDOW ? min(last, max(0, i0 + OFF - WINDOW + 1) / HALF) : 0
.for s in first..last + 1
    product h, o, i, task, kv, G, s / 2, s % 2, first
.endfor
    normalise h, o, i, task
.endm

.macro end h, o, i, task
.equ r = task % NT * TR
.equ n = min(TR, R - r)
    out h, o, i, task, task / NT, r, n
.endm

.equ LAG = 2
.equ LATE = 3
    ones e, e
.if JW
    ones w, w
.endif
.macro side h, o, i, J, off, t, larger, a0, a1, a2, a3, pout
.if t < J * NT
    begin h, o, i, off, t, larger
.endif
.if t >= LAG && t - LAG < J * NT
    middle h, o, i, off, t - LAG
.endif
.if t >= 1 && t - 1 < J * NT
    soften h, o, i, t - 1, a0, a1, a2, a3, pout
.endif
.if t >= LATE && t - LATE < J * NT
    end h, o, i, t - LATE
.endif
.endm

.for t in 0..max(JE, JW) * NT + LATE
    side e, e, w, JE, 0, t, alu11, alu4, alu9, alu10, alu15, sg2.e[12]
.if JW
    side w, w, e, JW, OFFW, t, alu14, alu8, alu5, alu2, alu7, sg2.w[10]
.endif
.endfor
