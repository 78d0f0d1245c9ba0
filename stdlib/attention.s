; O = softmax(scale · Q · Kᵀ + mask) · V: f16 in and out, scores in f32, for any heads, queries and keys that fit.
;
; The idea. Keys are installed, 320 at a time, and queries streamed: a row of scores comes out with a key in each lane,
; which is how the weights of the second product must lie. What is left to do is the maximum of a row, across lanes:
;   16 rows are transposed, byte by byte, by the SXM: sixteen vectors, of which the VXM makes one that holds a row in each
;   lane of a superlane; three rounds of two shifts by superlanes reduce these. A distributor spreads the lane again.
; Then P = exp(scale · (S − maximum)) is rounded to f16 and installed, for it has more rows than Vᵀ: of [V | 1]ᵀ only
; D + 1 rows are streamed, and the last gives the sums. V is transposed beforehand, and Oᵀ at the end, by integer
; products with the identity: these move bytes, so that a NaN or an infinity stays where it is. As many tasks as have
; room side by side in the lanes are turned at once, up to four; the SXM brings their columns down to the first lanes.
;
; Work is cut into tasks of at most 320 rows that share keys, and each hemisphere has jobs of its own. Planes are used in the
; order of the text: scores of t, then products of t − LAG, whose weights have been made in between. Blocks that no row
; of a task sees are left out. The 16 rows of a transposition must lie in 16 slices, in each of the four byte planes: so
; the quarters of a task's maxima go to the same slices, each with its planes moved on by one (L0 … L3).
;
; Slices: keys, values and weights 0 … 15, for what is installed comes from sixteen at once; maxima 16 … 31; scores 36 … 39,
; from three blocks on those of odd ones 32 … 35, beside the sums of products; what is streamed into the planes 40 … 43.
; Weights of one task are written while keys are installed for another. Up to two blocks, tasks take the banks in turn, or
; blocks where tasks of one and of two alternate (MIXED);
; beyond, weights have bank 1 and keys bank 0, and only one task is between scores and products.
;
; Where a task has at most 16 rows (decoding), the second product is turned about: [V | 1]ᵀ is installed, nine cycles a
; block of 320 keys with D = 64, and P streamed, two rows of it a query; results come out a row a query and need not be
; turned. With P installed it is 2 · (D + 1) cycles a block: for a cache of 4,096, 13,726 cycles where this has 7,489.
;
; Another way was counted: with the queries installed, maxima run over time and need no SXM, but P comes out transposed
; and must be turned by the planes: NB · TR cycles more a task, so 1,412 and 5,262 cycles a head at best for 512 and
; 1,024 keys (D = 64), where this one has 900 and 3,214, and takes 1,019 in the steady state, and 60,654 for 16 heads of
; 1,024. It is not kept.
;
; What is above the planes' floor. From the last score of a task to its first weight are 467 cycles, and maxima are
; spread from slices that the next ones are transposed in. So with up to two blocks the weights of the second are made
; in quarters, after the next maxima. At H = 8, S = 512 planes wait 461 cycles for the first maxima and weights, 707 in the
; middle and 597 at the end, for the weights of the last two tasks: 23 % of the floor, 1,767 cycles. Causal, a head has a
; task of one block and one of two. Maxima and weights are one chain, for both read 24 … 31 and write 0 … 15: 471 cycles a
; task and 256 a block, so 1,710 a head, in which the planes work 1,350. They wait 429 cycles before, 948 in the middle and
; 532 at the end: 1,885 (30 %). Programs of one or two tasks a side (S = 64, 128; a query to 1,024 keys) are the way
; of one task from end to end, with nothing beside it; five heads of 128 rows a side, two tasks deep, nearly so. A query
; to 4,096 keys is 952 cycles above: the first keys, and the way from the last scores to the result. In cycles, with what
; waits for a slice or an ALU that another row or task uses: S = 64, 1,058 of 951, 78 of it for mem.e16, whence maxima are
; spread; two heads of 128, D = 128, 1,592 of 1,219, 204 for slices of maxima and 104 for an ALU; nine heads of 128, causal, 2,956 of
; 1,680, 743 for slices that other tasks write and 308 for mem.w16, of maxima; a query to 1,024 keys, 1,125 of 873. The others
; are 9,616 of 7,849 (H = 8, S = 512), and 8,190 of 6,305 causal.
;
; Contract
;   shapes  Q0_h and Q1_h (even and odd jobs) [jobs, R, D]; O_h [jobs, NT · TR, D]; K_h [heads of keys, 320 · NB, D], V0_h,
;           V1_h the bytes of the values likewise, zero beyond SKV, of each hemisphere h. Mask_h is added to
;           scores. Lanes of O_h from D on hold columns of other tasks.
;   error   (3 · 2⁻¹¹ + 2⁻¹³ + SKV · 2⁻²⁴ + 2⁻²⁰ · max|score|) · max|v| + 2⁻²⁵.
;   cycles  at most 1.2 (with a mask 2.7) · NB · (TR + 32) + steps · (D + 16) + 400 a task of the busier hemisphere,
;           2 · NB · (D + 60) a head of keys, and 1,800; steps = ⌈SKV / 160⌉. The planes work NB · TR + steps · (D + 1) +
;           TR / TOGETHER of it.
.target tsp1
.param JE = 1     ; jobs of the east hemisphere: queries that share a head of keys
.param JW = 0     ; of the west hemisphere
.param PER = 1    ; successive jobs with one head of keys and values
.param OFFW = 0   ; those before the first one of the west that share its keys
.param R = 320    ; rows of queries of a job
.param SQ = 320   ; queries of a head; PER · R is a multiple, row r is query r mod SQ
.param SKV = 320  ; keys
.param D = 64
.param CAUSAL = 0
.param WINDOW = 0  ; with CAUSAL: a query sees so many keys, its own the last; 0: all
.param MASKED = 0  ; a mask is added to the scaled scores
.param SCALE = 0.125

.equ NB = ceil_div(SKV, LANES)  ; blocks of keys
.equ EVEN = ceil_div(NB, 2)
.equ TMAX = min(LANES, 16 * max(1, (WORDS - 512) / (32 * EVEN)))
.equ NT = ceil_div(R, TMAX)                   ; tasks of a job
.equ TR = 16 * ceil_div(ceil_div(R, NT), 16)  ; rows of a task; the last one of a job may have fewer
.equ FEW = TR == 16                           ; values are installed, and weights streamed
.equ PADDED = !CAUSAL && !MASKED && SKV % LANES != 0
.equ SHORT = max(JE, JW) * NT <= 4  ; the planes wait: what comes out sooner is better than less of it
.equ LAG = NB <= 2 && max(JE, JW) * NT > 2 ? 2 : 1
.equ MIXED = LAG == 2 && CAUSAL && NT == 2         ; tasks of one block and of two take turns
.equ KEPT = 1 + ceil_div(LAG, PER * NT)            ; heads whose transposed values are kept at once
.equ WIDTH = 16 * ceil_div(D, 16)                  ; lanes of a result, in whole superlanes
.equ TOGETHER = SHORT ? 1 : min(4, LANES / WIDTH)  ; tasks whose results are turned at once
.equ HEADS = ceil_div(max(JE, JW + OFFW), PER)     ; heads of keys of a hemisphere
.equ OFF = SKV - SQ                                ; query i is at the place of key i + OFF
.equ BELOW = 2 * LANES                             ; row t + BELOW of Band: lanes up to t are seen, WINDOW of them

.include "attention_scores.s"
.include "attention_maxima.s"
.include "attention_outputs.s"
.include "attention_few.s"

; Tensors of a hemisphere with J jobs; `off` others, which are not its own, share the keys of the first. What one flow
; writes while another reads is there twice, and tasks take the two in turn.
.macro tensors h, J, off
    ; Weights.
    .if FEW
        .temp P0_{h} : f16 [NB, TR, LANES] at mem.{h}[40..41] bank 1
        .temp P1_{h} : f16 [NB, TR, LANES] at mem.{h}[42..43] bank 1
    .elif NB > 2
        .temp P0_{h} : f16 [NB, TR, LANES] at mem.{h}[0..15] bank 1
        .temp P1_{h} : f16 [NB, TR, LANES] at mem.{h}[0..15] bank 1
    .else
        .temp P0_{h} : f16 [(1 + MIXED) * NB, TR, LANES] at mem.{h}[0..15] bank 0
        .temp P1_{h} : f16 [(1 + MIXED) * NB, TR, LANES] at mem.{h}[0..15] bank 1
    .endif
    ; Maxima on their way across the lanes: of every four of sixteen vectors, then round by round. Each of those is kept
    ; twice: There goes out to the SXM, and Here meets in the VXM what comes back.
    .temp R0_{h} : f32 [TR / 16, LANES] at mem.{h}[0..3]
    .temp R1_{h} : f32 [TR / 16, LANES] at mem.{h}[4..7]
    .temp R2_{h} : f32 [TR / 16, LANES] at mem.{h}[8..11]
    .temp R3_{h} : f32 [TR / 16, LANES] at mem.{h}[12..15]
    .temp Here0_{h} : f32 [1, TR / 16, LANES] at mem.{h}[0..3] bank 0
    .temp Here1_{h} : f32 [2, TR / 16, LANES] at mem.{h}[0..3] bank 1
    .temp There0_{h} : f32 [1, TR / 16, LANES] at mem.{h}[8..11] bank 0
    .temp There1_{h} : f32 [2, TR / 16, LANES] at mem.{h}[8..11] bank 1
    ; [V | 1]ᵀ as it is installed, and the sums; or results by bytes (low U0, high U1) until they are turned. Then what the
    ; host gives of keys and values.
    .if FEW
        .temp W0_{h} : f16 [KEPT, EVEN, 8 * ceil_div(D + 1, 8), LANES] at mem.{h}[0..15] bank 1
        .if NB > 1
            .temp W1_{h} : f16 [KEPT, NB / 2, 8 * ceil_div(D + 1, 8), LANES] at mem.{h}[0..15] bank 1
        .endif
        .temp Inverse_{h} : f32 [2, TR, LANES] at mem.{h}[4..7]
        .temp Sum_{h} : f32 [2, TR, LANES] at mem.{h}[12..15]
    .else
        .temp Inverse_{h} : f32 [2, LANES] at mem.{h}[4..7] bank 1
        .if MIXED
            .temp Late_{h} : f32 [1, LANES] at mem.{h}[16..19] bank 1
        .endif
        .temp U0_{h} : u8 [2 * TOGETHER * WIDTH, LANES] at mem.{h}[0..15] bank 0
        .if SHORT
            .temp U1_{h} : u8 [2 * TOGETHER * WIDTH, LANES] at mem.{h}[16..31] bank 0
        .else
            .temp U1_{h} : u8 [2 * TOGETHER * WIDTH, LANES] at mem.{h}[0..15] bank 0
            .temp E_{h} : u8 [WIDTH, LANES] at mem.{h}[16..31] bank 0
        .endif
    .endif
    .if HEADS * NB <= 48
        .input V0_{h} : u8 [ceil_div(J + off, PER), NB * LANES, D] at mem.{h}[0..15] bank NB <= 2 || FEW
        .input V1_{h} : u8 [ceil_div(J + off, PER), NB * LANES, D] at mem.{h}[0..15] bank NB <= 2 || FEW
        .input K_{h} : f16 [ceil_div(J + off, PER), NB * LANES, D] at mem.{h}[0..15] bank 0
    .else
        .input V0_{h} : u8 [ceil_div(J + off, PER), NB * LANES, D] at mem.{h}[0..15]
        .input V1_{h} : u8 [ceil_div(J + off, PER), NB * LANES, D] at mem.{h}[0..15]
        .input K_{h} : f16 [ceil_div(J + off, PER), NB * LANES, D] at mem.{h}[0..15]
    .endif

    ; Maxima of a task's rows, a tensor for each quarter: of sixteen rows, four of each, one byte plane lies in 16 slices. Then
    ; the byte planes, transposed: of four vectors, all planes lie in 16 slices.
    .temp L0_{h} : f32 [2, TR / 4, LANES] at mem.{h}[16..31] bank 1
    .temp L1_{h} : f32 [2, TR / 4, LANES] \
        at mem.{h}[17..19] mem.{h}16 mem.{h}[21..23] mem.{h}20 mem.{h}[25..27] mem.{h}24 mem.{h}[29..31] mem.{h}28 bank 1
    .temp L2_{h} : f32 [2, TR / 4, LANES] \
        at mem.{h}[18..19] mem.{h}[16..17] mem.{h}[22..23] mem.{h}[20..21] mem.{h}[26..27] mem.{h}[24..25] \
        mem.{h}[30..31] mem.{h}[28..29] bank 1
    .temp L3_{h} : f32 [2, TR / 4, LANES] \
        at mem.{h}19 mem.{h}[16..18] mem.{h}23 mem.{h}[20..22] mem.{h}27 mem.{h}[24..26] mem.{h}31 mem.{h}[28..30] bank 1
    .temp T0_{h} : u8 [TR, LANES] at mem.{h}[16..31] bank 0
    .temp T1_{h} : u8 [TR, LANES] at mem.{h}[20..31] mem.{h}[16..19] bank 0
    .temp T2_{h} : u8 [TR, LANES] at mem.{h}[24..31] mem.{h}[16..23] bank 0
    .temp T3_{h} : u8 [TR, LANES] at mem.{h}[28..31] mem.{h}[16..27] bank 0
    ; Unit vectors that turn bytes; what is added to scores.
    .const Eye_{h} : u8 [LANES, LANES] at mem.{h}43 bank 0 = for i, lane: i == lane
    .if MASKED
        .input Mask_{h} : f32 [SQ, NB * LANES] at mem.{h}[16..19] tile SQ x LANES
    .elif CAUSAL
        .const Band_{h} : f32 [BELOW + 2 * LANES + WINDOW, LANES] at mem.{h}[16..19] bank 0 = \
            for row, lane: row - BELOW >= lane && (!WINDOW || row - BELOW < lane + WINDOW) ? 0 : -inf
    .elif PADDED
        .const Pad_{h} : f32 [1, LANES] at mem.{h}[16..19] bank 0 = for row, lane: lane < SKV % LANES ? 0 : -inf
    .endif
    ; Maxima so far, from one block of keys to the next; those of whole rows, F; and the lanes that these are spread from.
    .if NB > 1
        .temp M0_{h} : f32 [TR, LANES] at mem.{h}[20..23] bank 0
        .temp M1_{h} : f32 [TR, LANES] at mem.{h}[20..23] bank 1
    .endif
    .temp  F_{h} : f32 [2, TR / 16, LANES] at mem.{h}[24..27] bank 0
    .const Lane_{h} : i32 [16, LANES] at mem.{h}[28..31] bank 0 = for i, lane: i
    .if (NB <= 2 || FEW) && !MASKED && J * NT * TR <= 16384
        .output O_{h} : f16 [J, NT * TR, D] at mem.{h}[16..31] bank 1
    .else
        .output O_{h} : f16 [J, NT * TR, D] at mem.{h}[16..31]
    .endif

    ; Scores of even and odd blocks, sums of products, [V | 1]ᵀ, and the queries of even and odd jobs.
    .temp S0_{h} : f32 [1 + LAG, EVEN, TR, LANES] at mem.{h}[36..39] banks run 1
    .if LAG == 2 && NB > 1
        .temp S1_{h} : f32 [1 + LAG, NB / 2, TR, LANES] at mem.{h}[36..39] banks run 1
    .elif NB > 1
        .temp S1_{h} : f32 [1 + LAG, NB / 2, TR, LANES] at mem.{h}[32..35] banks run 1
    .endif
    .if FEW
        .temp C0_{h} : f32 [2, TR, LANES] at mem.{h}[32..35] bank 0
        .temp C1_{h} : f32 [2, TR, LANES] at mem.{h}[36..39] bank 1
    .else
        .temp C_{h} : f32 [2, D + 1, LANES] at mem.{h}[32..35] banks run 2
        .temp W0_{h} : f16 [KEPT, EVEN, D + 1, LANES] at mem.{h}[40..41] bank 1
        .if NB > 1
            .temp W1_{h} : f16 [KEPT, NB / 2, D + 1, LANES] at mem.{h}[42..43] bank 1
        .endif
    .endif
    .input Q0_{h} : f16 [ceil_div(J, 2), R, D] at mem.{h}[40..43]
    .if J > 1
        .input Q1_{h} : f16 [J / 2, R, D] at mem.{h}[40..43]
    .endif
.endm

    tensors e, max(JE, 1), 0
    .if JW
        tensors w, JW, OFFW
    .endif

; A stage of a task: its n rows from r on, the queries that they are, and the blocks `first` to `last` of the keys that those
; see. `larger` is the ALU of maxima so far, a0 … a3 are those of weights, and these leave on the streams `pout`.
.equ SCORES = 0
.equ MAXIMA = 1
.equ ROUNDS = 2
.equ WEIGHTS = 3
.equ OTHERS = 4
.equ PRODUCTS = 5
.macro stage h, o, i, off, task, which, larger, a0, a1, a2, a3, pout
    .equ job = task / NT
    .equ kv = (job + off) / PER
    .equ r = task % NT * TR
    .equ n = min(TR, R - r)
    .equ G = ceil_div(n, 16)
    .equ row = (job + off) % PER * R + r         ; of the queries that share the head of keys
    .equ whole = row / SQ == (row + n - 1) / SQ  ; all are of one head
    .equ i0 = whole ? row % SQ : 0
    .equ from = WINDOW ? max(0, i0 + OFF - WINDOW + 1) : 0
    .equ to = CAUSAL ? max(0, min(SKV - 1, i0 + (whole ? n : SQ) - 1 + OFF)) : SKV - 1
    .equ last = to / LANES
    .equ first = min(last, from / LANES)
    .if which == SCORES
        .for b in first..last + 1
            scores h, o, i, task, job, kv, r, n, row, b, first, last, larger
        .endfor
        .if r == 0 && (job == 0 || (job + off) % PER == 0)
            .for b in 0..NB
                transpose_values h, o, i, kv, b
            .endfor
        .endif
    .elif which == MAXIMA
        maxima h, o, i, task, G
    .elif which == ROUNDS
        rounds h, o, i, task, G
    .elif which == WEIGHTS
        .for b in first..(LAG == 2 ? first : last) + 1
            weights h, o, i, task, G, b, 1, a0, a1, a2, a3, pout
        .endfor
    .elif which == OTHERS
        .for b in first + 1..last + 1
            weights h, o, i, task, G, b, 4, a0, a1, a2, a3, pout
        .endfor
    .else
        .equ HALF = LANES / 2
        .equ start = min(to / HALF, from / HALF)
        .for s in start..to / HALF + 1
            .if FEW
                product_few h, o, i, task, kv, n, s / 2, s % 2, start
            .else
                product h, o, i, task, kv, G, s / 2, s % 2, start
            .endif
        .endfor
        .if FEW
            normalise_few h, o, i, task, job, r, n, start, to / HALF + 1 - start
        .endif
    .endif
.endm

; What hemisphere h does in turn t. A task that comes in turn t goes on in those that follow:
;
;              t                            t + 1                t + LAG                 t + LATE
;   planes     scores                       (of the next task)   products with values    results turned
;   SXM, VXM   maxima, the first weights    the other weights    results scaled by sums
;
; With LAG = 1 all weights are made in turn t. Results that are turned together wait for the last of them, and are lowered a
; turn later; with FEW they are not turned. The text has the order in which planes, ALUs and slices are claimed.
.macro side h, o, i, J, off, t, larger, a0, a1, a2, a3, pout
    .equ apart = LAG == 2 && !SHORT ? J * NT - 2 : J * NT  ; from there on each is turned by itself, and waits for no other
    .if t < J * NT
        stage h, o, i, off, t, SCORES, larger, a0, a1, a2, a3, pout
    .endif
    .if t == 0
        ones h, o
    .endif
    .if t >= LAG && t - LAG < J * NT
        stage h, o, i, off, t - LAG, PRODUCTS, larger, a0, a1, a2, a3, pout
    .endif
    .if t < J * NT
        stage h, o, i, off, t, MAXIMA, larger, a0, a1, a2, a3, pout
        stage h, o, i, off, t, ROUNDS, larger, a0, a1, a2, a3, pout
    .endif
    .if LAG == 2 && t >= 1 && t - 1 < J * NT
        stage h, o, i, off, t - 1, OTHERS, larger, a0, a1, a2, a3, pout
    .endif
    .if !FEW && t >= LAG && t - LAG < J * NT
        normalise h, o, i, apart, t - LAG
    .endif
    .if !FEW && t >= LATE && t - LATE < J * NT && (t - LATE + 1 >= apart || (t - LATE) % TOGETHER == TOGETHER - 1)
        outputs h, o, i, apart, t - LATE >= apart ? t - LATE : (t - LATE) / TOGETHER * TOGETHER, t - LATE + 1
    .endif
    .if t < J * NT
        stage h, o, i, off, t, WEIGHTS, larger, a0, a1, a2, a3, pout
    .endif
    .for stop in 1..FEW ? 1 : apart + 1
        .if (stop % TOGETHER == 0 || stop == apart) && t == stop + LATE + (MIXED && stop >= J * NT - 4 ? 2 : 0)
            lower h, o, i, (stop - 1) / TOGETHER * TOGETHER, stop
        .endif
    .endfor
.endm

    .equ LATE = LAG + 1
    .for t in 0..max(JE, JW) * NT + LATE + 3
        side e, e, w, JE, 0, t, alu11, alu4, alu9, alu10, alu15, sg2.e[12]
        .if JW
            side w, w, e, JW, OFFW, t, alu14, alu8, alu5, alu2, alu7, sg2.w[10]
        .endif
    .endfor
