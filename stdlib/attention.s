; O = softmax(scale · Q · Kᵀ + mask) · V: f16 in and out, scores in f32, for any heads, queries and keys that fit.
;
; The idea. Keys are installed, 320 at a time, and queries streamed: a row of scores comes out with a key in each lane,
; which is how the weights of the second product must lie. What is left to do is the maximum of a row, across lanes:
;   16 rows are transposed, byte by byte, by the SXM: sixteen vectors, which the VXM reduces to one that holds a row in
;   each lane of a superlane; three rounds of two shifts by superlanes reduce these. A distributor spreads the lane again.
; Then P = exp(scale · (S − maximum)) is rounded to f16 and installed, for it has more rows than Vᵀ: of [V | 1]ᵀ only
; D + 1 rows are streamed, and the last gives the sums. V is transposed beforehand, and Oᵀ at the end, by integer
; products with the identity: these move bytes, so that a NaN or an infinity stays where it is.
;
; Work is cut into tasks of at most 320 rows of a head, and each hemisphere has jobs of its own. The text takes the
; steps of different tasks in turn: scores of t, products of t − 3, outputs of t − 4, maxima of t − 1, weights of t − 2:
; planes are used in the order of the text, so this keeps them busy while a maximum is on its way. Blocks that no row of
; a task sees are left out. What holds a slice for long (S, Q, C, B) has slices that nothing else needs at that time.
;
; Another way was counted: with the queries installed, maxima run over time and need no SXM, but P comes out transposed
; and must be turned by the planes: NB · TR cycles more a task, 1,348 and 5,130 cycles a head at best for 512 and 1,024
; keys (D = 64), where this one has 1,092 and 3,600. It is not kept. Neither is counted with what waits: of 1,593 cycles
; a head that this one takes at 512 in the steady state, 500 are waits for slices that one flow holds and two need.
;
; Contract
;   shapes  Q0_h and Q1_h (even and odd jobs) and O_h [jobs, R, D]; K0_h (and K1_h, the same again) [heads of keys,
;           320 · NB, D], V0_h and V1_h the bytes of the values likewise, zero beyond SKV, of each hemisphere h. Eye_h is
;           the identity, row r of Lane_h is full of r; Band_h or Pad_h (0 or −∞), or Mask_h, are added to scores.
;   error   (3 · 2⁻¹¹ + 2⁻¹³ + SKV · 2⁻²⁴ + 2⁻²⁰ · max|score|) · max|v| + 2⁻²⁵.
;   cycles  at most 2.2 · NB · (TR + 64) + 2 · steps · (D + 25) + 700 a task of the busier hemisphere, 2 · NB · (D + 100)
;           a head of keys, and 4,000; steps = ⌈SKV / 160⌉. The planes work NB · TR + steps · (D + 1) + TR of it.
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
.equ KEPT = 1 + ceil_div(3, PER * NT)           ; heads whose transposed values are kept at once
.equ TWICE = ceil_div(max(JE, JW + OFFW), PER) * NB <= 36 ; K in both banks, for the weights are written there in turn
.equ OFF = SKV - SQ                             ; query i is at the place of key i + OFF
.equ BELOW = 2 * LANES                          ; row t + BELOW of Band: lanes up to t are seen, WINDOW of them

.macro tensors h, J, off
.temp C_{h}  : f32 [2, D + 1, LANES]  at mem.{h}[40..43] address 0 banks run 2
.temp S_{h}  : f32 [BUFS, NB, TR, LANES]  at mem.{h}[32..35] banks run 1
.temp M0_{h} : f32 [TR, LANES]  at mem.{h}[20..23] bank 1
.temp M1_{h} : f32 [TR, LANES]  at mem.{h}[36..39] bank 0
.temp L0_{h} : f32 [2, TR, LANES]  at mem.{h}[0..15] bank 0
.temp L1_{h} : f32 [2, TR, LANES]  at mem.{h}[0..15] bank 1
.temp X0_{h} : u8 [2, TR, LANES]  at mem.{h}[16..31]
.temp X1_{h} : u8 [2, TR, LANES]  at mem.{h}[16..31]
.temp X2_{h} : u8 [2, TR, LANES]  at mem.{h}[16..31]
.temp X3_{h} : u8 [2, TR, LANES]  at mem.{h}[16..31]
.temp T0_{h} : u8 [2, TR, LANES]  at mem.{h}[16..31] bank 1
.temp T1_{h} : u8 [2, TR, LANES]  at mem.{h}[20..31] mem.{h}[16..19] bank 1
.temp T2_{h} : u8 [2, TR, LANES]  at mem.{h}[24..31] mem.{h}[16..23] bank 1
.temp T3_{h} : u8 [2, TR, LANES]  at mem.{h}[28..31] mem.{h}[16..27] bank 1
.temp RA_{h} : f32 [5, TR / 16, LANES]  at mem.{h}[0..3]
.temp RB_{h} : f32 [5, TR / 16, LANES]  at mem.{h}[4..7]
.temp RC_{h} : f32 [5, TR / 16, LANES]  at mem.{h}[8..11]
.temp RD_{h} : f32 [5, TR / 16, LANES]  at mem.{h}[12..15]
.temp F_{h}  : f32 [2, TR / 16, LANES]  at mem.{h}[24..27] bank 1
.temp G_{h}  : f32 [2, TR / 16, LANES]  at mem.{h}[16..19] bank 1
.temp B_{h}  : f32 [2, TR, LANES]  at mem.{h}[36..39] address TR banks run 1
.temp P0_{h} : f16 [NB, TR, LANES]  at mem.{h}[0..15] bank 0
.temp P1_{h} : f16 [NB, TR, LANES]  at mem.{h}[0..15] bank 1
.temp INV_{h} : f32 [2, LANES]  at mem.{h}[0..3]
.temp U0_{h} : u8 [2, 16 * ceil_div(D, 16), LANES]  at mem.{h}[16..31]
.temp U1_{h} : u8 [2, 16 * ceil_div(D, 16), LANES]  at mem.{h}[16..31]
.input Lane_{h} : u8 [16, LANES]  at mem.{h}28 bank 1
.input Eye_{h} : u8 [LANES, LANES]  at mem.{h}29 bank 1
.temp W0_{h} : f16 [KEPT, ceil_div(NB, 2), D + 1, LANES]  at mem.{h}[30..31]
.temp W1_{h} : f16 [KEPT, ceil_div(NB, 2), D + 1, LANES]  at mem.{h}[30..31]
.input Q0_{h} : f16 [ceil_div(J, 2), R, D]  at mem.{h}[40..43]
.if J > 1
.input Q1_{h} : f16 [J / 2, R, D]  at mem.{h}[40..43]
.endif
.if TWICE
.input K0_{h} : f16 [ceil_div(J + off, PER), NB * LANES, D]  at mem.{h}[0..15] bank 0
.input K1_{h} : f16 [ceil_div(J + off, PER), NB * LANES, D]  at mem.{h}[0..15] bank 1
.else
.input K0_{h} : f16 [ceil_div(J + off, PER), NB * LANES, D]  at mem.{h}[0..15]
.endif
.input V0_{h} : u8 [ceil_div(J + off, PER), NB * LANES, D]  at mem.{h}[0..15]
.input V1_{h} : u8 [ceil_div(J + off, PER), NB * LANES, D]  at mem.{h}[0..15]
.if J * R <= 2 * WORDS / 4
.output O_{h} : f16 [J, R, D]  at mem.{h}[36..39]
.else
.output O_{h} : f16 [J, R, D]  at mem.{h}[32..39]
.endif
.if MASKED
.input Mask_{h} : f32 [SQ, NB * LANES]  at mem.{h}[28..31]  tile SQ x LANES
.elif CAUSAL
.input Band_{h} : f32 [BELOW + 2 * LANES + WINDOW, LANES]  at mem.{h}[28..31] bank 1
.elif SKV % LANES
.input Pad_{h} : f32 [1, LANES]  at mem.{h}[28..31] bank 1
.endif
.endm

    tensors e, max(JE, 1), 0
.if JW
    tensors w, JW, OFFW
.endif

.macro ones h, o
.for p in 0..min(NB, 2)
flow ones_{h}_{p}:
    cast.f32.f16 1.0 -> sg2.{o}[0]  repeat KEPT * ceil_div(NB, 2)
    write sg2.{o}[0] -> W{p}_{h}[:, :, D : D + 1, :]
.endfor
.endm

; Values of block b, transposed: bytes through the planes, as integers, so that they come out as they are.
.macro transpose_values h, o, i, kv, b
.for p in 0..2
flow values_{h}_{kv}_{b}_{p}:
    read  V{p}_{h}[kv, LANES * b : +LANES, :] -> sg16.{o}[0]
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
    write.f16 sg2.{i}[12] -> W{b % 2}_{h}[kv % KEPT, b / 2, 0:D, :]
.endm

; Scores of a task with block b. `i0` is the first query, `count` how many there are of a head, `heads` how often.
.macro scores h, o, i, task, job, kv, r, n, i0, count, b, first, last, row_max, larger
.equ t = i0 + OFF - LANES * b                   ; the last lane that query i0 sees
flow keys_{h}_{task}_{b}:
    read  K{TWICE * task % 2}_{h}[kv, LANES * b : +LANES, :] -> sg16.{o}[0]
    lw    mxm.{h}, sg16.{o}[0]
flow install_keys_{h}_{task}_{b}:
    iw    mxm.{h}
flow scores_{h}_{task}_{b}:
    read  Q{job % 2}_{h}[job / 2, r : r + n, :] -> sg2.{o}[14]
    abc   mxm.{h}, sg2.{o}[14] half 0
.if MASKED
    acc   mxm.{h} -> sg4.{i}[6]
    mul   sg4.{i}[6], SCALE -> %scaled
    read  Mask_{h}[i0 : i0 + count, LANES * b : +LANES] -> sg4.{i}[7]  repeat count repeat n / count step 0
    add   %scaled, sg4.{i}[7] -> %score, sg4.{o}[5]
    write sg4.{o}[5] -> S_{h}[task % BUFS, b, 0:n, :]
.if b > first
    read  M{(b - first + 1) % 2}_{h}[0:n, :] -> sg4.{i}[5]
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
    read  M{(b - first + 1) % 2}_{h}[0:n, :] -> sg4.{i}[7]
    max   sg4.{i}[6], sg4.{i}[7] -> sg4.{o}[7]  @larger
.endif
.endif
.if b > first || MASKED
.if b == last
    write sg4.{o}[7] -> row_max
.else
    write sg4.{o}[7] -> M{(b - first) % 2}_{h}[0:n, :]
.endif
.elif b == last
    write sg4.{i}[6] -> row_max
.else
    write sg4.{i}[6] -> M{(b - first) % 2}_{h}[0:n, :]
.endif
.endm

.macro spread h, o, i, task, G, p
flow spread_{h}_{task}_{p}:
    read  L{task % 2}_{h}[task / 2 % 2, 0 : 16 * G, :] -> sg4.{o}[4]  plane p
    write sg4.{o}[4] -> X{p}_{h}[task % 2, 0 : 16 * G, :]
.endm

.macro turn h, o, i, task, G, p
flow turn_{h}_{task}_{p}:
    read      X{p}_{h}[task % 2, 0 : 16 * G, :] -> sg16.{o}[0]
    transpose sg16.{o}[0] -> sg16.{i}[0]
    write     sg16.{i}[0] -> T{p}_{h}[task % 2, 0 : 16 * G, :]
.endm

.macro pick h, i, task, G, j, q
.for p in 0..4
    read  T{p}_{h}[task % 2, j : 16 * G : 16, :] -> s{4 * q + p}.{i}
.endfor
.endm

; The maximum of each row, in the lane that is its number modulo 16 of every superlane.
.macro reduce h, o, i, task, G
flow reduce_{h}_{task}_0:
.for q in 0..4
    pick h, i, task, G, q, q
.endfor
    max.f32 sg4.{i}[0], sg4.{i}[1] -> %a  @alu0
    max.f32 sg4.{i}[2], sg4.{i}[3] -> %b  @alu1
    max.f32 %a, %b -> sg4.{o}[3]  @alu3
    write sg4.{o}[3] -> RA_{h}[0, 0:G, :]
.for k in 1..5
flow reduce_{h}_{task}_{k}:
.for q in 0..3
    pick h, i, task, G, 3 * k + 1 + q, q
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
    round h, o, i, task, G, 0, 1, 2, RA_{h}[2, 0:G, :], RC_{h}[0, 0:G, :]
    write sg4.{o}[3] -> RB_{h}[2, 0:G, :]
    write sg4.{o}[3] -> RD_{h}[0, 0:G, :]
    round h, o, i, task, G, 1, 3, 6, RB_{h}[2, 0:G, :], RD_{h}[0, 0:G, :]
    write sg4.{o}[3] -> RA_{h}[3, 0:G, :]
    write sg4.{o}[3] -> RC_{h}[1, 0:G, :]
    round h, o, i, task, G, 2, 9, 11, RA_{h}[3, 0:G, :], RC_{h}[1, 0:G, :]
    write sg4.{o}[3] -> F_{h}[task % 2, 0:G, :]
    write sg4.{o}[3] -> G_{h}[task % 2, 0:G, :]
flow spread_maxima_{h}_{task}:
    read  F_{h}[task % 2, 0:G, :] -> sg4.{o}[4]  repeat 16 step 0 repeat G
    read  G_{h}[task % 2, 0:G, :] -> sg4.{o}[5]  repeat 16 step 0 repeat G
    read  Lane_{h} -> s30.{o}  repeat 16 repeat G step 0
    distribute sg8.{o}[2], s30.{o} -> sg8.{o}[2]
    shift sg4.{o}[4], 0 -> sg4.{i}[4]  @sxm.{h}.select1
    write sg4.{i}[4] -> B_{h}[task % 2, 0 : 16 * G, :]
.endm

; Maximum of each superlane and those that are `one` and `two` below it, round the chip.
.macro round h, o, i, task, G, k, one, two, here, there
flow round_{h}_{task}_{k}:
    read  there -> sg4.{o}[0]
    shift_wide sg4.{o}[0], 16 * one -> sg4.{i}[0]  @sxm.{h}.select0
    shift_wide sg4.{o}[0], 16 * two -> sg4.{i}[1]  @sxm.{h}.select1
    read  here -> sg4.{i}[2]
    max   sg4.{i}[0], sg4.{i}[1] -> %a  @alu0
    max   %a, sg4.{i}[2] -> sg4.{o}[3]  @alu3
.endm

.macro weights h, o, i, task, G, b, a0, a1, a2, a3, out
flow weights_{h}_{task}_{b}:
    read  B_{h}[task % 2, 0 : 16 * G, :] -> sg4.{i}[4]
    read  S_{h}[task % BUFS, b, 0 : 16 * G, :] -> sg4.{i}[5]
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
    read  W{b % 2}_{h}[kv % KEPT, b / 2, :, :] -> sg2.{o}[14]
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
    scores h, o, i, task, job, kv, r, n, i0, count, b, first, last, L{task % 2}_{h}[task / 2 % 2, 0:n, :], larger
.endfor
.endm

.macro maxima h, o, i, task
.equ n = min(TR, R - task % NT * TR)
.equ G = ceil_div(n, 16)
.for p in 0..4
    spread h, o, i, task, G, p
.endfor
.for p in 0..4
    turn h, o, i, task, G, p
.endfor
    reduce h, o, i, task, G
.endm

.macro weigh h, o, i, task, a0, a1, a2, a3, pout
.equ r = task % NT * TR
.equ n = min(TR, R - r)
.equ G = ceil_div(n, 16)
.equ i0 = R > SQ ? 0 : r
.equ count = R > SQ ? SQ : n
.equ last = CAUSAL ? max(0, min(SKV - 1, i0 + count - 1 + OFF) / LANES) : NB - 1
.equ first = WINDOW ? min(last, max(0, i0 + OFF - WINDOW + 1) / LANES) : 0
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

.equ SOFT = 2
.equ LAG = 3
.equ LATE = 4
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
.if t >= LATE && t - LATE < J * NT
    end h, o, i, t - LATE
.endif
.if t >= 1 && t - 1 < J * NT
    maxima h, o, i, t - 1
.endif
.if t >= SOFT && t - SOFT < J * NT
    weigh h, o, i, t - SOFT, a0, a1, a2, a3, pout
.endif
.endm

.for t in 0..max(JE, JW) * NT + LATE
    side e, e, w, JE, 0, t, alu11, alu4, alu9, alu10, alu15, sg2.e[12]
.if JW
    side w, w, e, JW, OFFW, t, alu14, alu8, alu5, alu2, alu7, sg2.w[10]
.endif
.endfor
