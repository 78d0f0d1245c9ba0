; A decoder block as in Llama: y = h + mlp(norm(h)), h = x + attention(norm(x)); f16 in and out, all weights on the chip.
;
; The idea. One row a token, 320 features a vector, through everything but attention. Each product has its weights
; installed and the rows streamed, so its sums come out as rows again, and what follows a column of 320 features (rope,
; residual, squares for the next norm, the gate) is a pass of the VXM right behind its last step, while the planes are at
; the next column: block_product.s, block_gated.s, block_norm.s. Rope needs each lane's partner: the SXM's permutor swaps
; the halves of all heads of a row at once, and a second pass multiplies both by cosines and sines. The host orders the
; rows of the projections' weights so that heads lie where attention wants them, and the columns of the next product's so
; that it takes them where they are: so nothing is moved in between. block_attention.s has the heads.
;
; The residual stays f32 from x to y; so do sums, scores, and norms. Values, keys and queries are projected in this order,
; since values must be turned, and scores wait for keys: what the first scores need is ready when the last column ends.
;
; Layout. Rows [S, width] by tiles of 320 lanes. Tile (n, k) of a weight is 320 × 320; hemisphere (n + k) mod 2 has it, in
; order; Gate is all in the east and Up in the west. K_e and V_e are what the cache gets: heads in the lanes that
; block_attention.s gives them; KP_h and VP_h are its past in the same lanes, of the heads of hemisphere h (values in
; blocks of 160 keys, zero beyond T0). Keeping a cache on the chip needs no more than writing new rows behind old ones; the
; face, whose cache is an array, joins the two on the host. Cos and Sin follow from the positions alone: the chip
; has no sine. Map, Slot, Seat, Pick, Eye, Tri are constants: pairs and masks of lanes, unit vectors, 0 or −∞ for causality.
;
; Contract
;   shapes  X and Y [S, DM]; HQ heads of queries share KV of keys, D columns, even and at most 160; T0 past keys
;   error   roundings to f16: normed rows, queries, keys, values, weights (at most 1) and outputs of attention, hidden
;           layer, squares in norms (block_norm.s), y. They are independent: y is held to six standard deviations of them
;   cycles  at most 1.15 · steps · max(S + 2, 26) + 1.3 · B + 100 · U + T0 + 12 · S + 1600; steps are half tiles of all products
;           and norms, dealt to two; B is what attention needs the planes of a hemisphere for, U installs of queries
;
; Above the floor (S = 128, DM = 576: 1,380 cycles of 9,493, in which the planes of the east stand still): 440 until the
; first product and 270 before the gate, for the squares of a row, their sum and the norm come one after another; 320 from
; the last projection to the last scores, whose 32 maxima are read where the next scores' mask is; 150 from there to the
; first weights, 200 from the last product with values through scaling and turning to the next product. The east has two of
; the three heads of keys, and so 640 cycles more work than the west: dealt evenly the floor would be 320 lower.
; S = 320, 25,107 cycles of 21,367: 594 until the first product, 2,406 in which the next instruction waits for a value, as
; above, 383 for a bank of mem.e26 and 321 for other slices. One token and 127 keys, 4,110 of 3,429, which is the chain of
; dependences: 289 wait for an ALU and 370 for slices 32 … 39 of the east, which take sums and scores in turn. One token
; and 3,584 keys, 30,044 of 24,266: 689 until the values of the past are turned, 3,808 in which a value is waited for,
; since the heads of a hemisphere follow each other, and 1,267 from the last head on.
.target tsp1
.param S = 128   ; tokens
.param T0 = 0    ; keys of the past
.param DM = 576  ; width of the model
.param HQ = 9    ; heads of queries
.param KV = 3    ; heads of keys
.param D = 64    ; columns of a head
.param N = 1536  ; width of the hidden layer
.param eps = 1e-5
.param SCALE = 0.125  ; of the scores: D to the power -1/2

.equ TK = ceil_div(DM, LANES)
.equ TN = ceil_div(N, LANES)
.equ PH = LANES / 2 / D
.equ C = ceil_div(KV, 2 * PH)
.equ R = HQ / KV
.equ CAUSAL = 1
.equ NQ = C * (R + 2)  ; columns of keys, values and queries
.equ NBN = ceil_div(S, LANES / 2)

.input X : f16 [S, DM] at mem.w[28..29] tile S x LANES banks run 1
.input Gamma : f16 [2 * TK, LANES] at mem.w[30..31]
.input Cos : f32 [S, LANES] at mem.w[16..19] bank 0
.input Sin : f32 [S, LANES] at mem.w[20..23] bank 0
.const Slot : u8 [PH, LANES] at mem.w30 bank 0 = for slot, lane: lane % (LANES / 2) / D == slot
.const Map : i16 [1, LANES] at mem.e[30..31] bank 1 = for row, lane: \
    lane % (LANES / 2) >= PH * D ? lane : lane % (LANES / 2) % D < D / 2 ? lane + D / 2 : lane - D / 2
.output Y : f16 [S, DM] at mem.e[28..29] tile S x LANES

.include "block_product.s"
.include "block_gated.s"
.include "block_norm.s"
.include "block_attention.s"

.equ TA = TO_e + TO_w  ; tiles of what attention gives
dealt   Qkv, NQ, TK
dealt   Out, TK, TA
.weight Gate_e : f16 [TN * TK * LANES, LANES] at mem.e[0..15] bank 0
.weight Up_w : f16 [TN * TK * LANES, LANES] at mem.w[0..15] bank 0
dealt   Down, TK, TN

.temp SQ0 : f32 [S, LANES] at mem.e[24..27] banks run 1
.temp SQ1 : f32 [S, LANES] at mem.e[20..23] banks run 1
.temp RS : f32 [S, LANES] at mem.e[16..19] banks run 1
.temp R1 : f32 [S, DM] at mem.w[8..11] tile S x LANES bank 1
.temp GA : f32 [2 * TK, LANES] at mem.w[24..27]
.temp QF0 : f32 [S, LANES] at mem.e[16..19] bank 0
.temp QF1 : f32 [S, LANES] at mem.e[16..19] bank 1
.temp QP0 : f32 [S, LANES] at mem.e[20..23] bank 0
.temp QP1 : f32 [S, LANES] at mem.e[20..23] bank 1
.macro temporaries h
    .temp X_{h} : f16 [S, DM] at mem.{h}[40..41] tile S x LANES banks run 1
    .temp SU_{h} : f16 [S, LANES] at mem.{h}[42..43] banks run 1
    .if S > LANES  ; beside the keys there is no room
        .temp H_{h} : f16 [S, N] at mem.{h}[30..31] tile S x LANES banks run 1
    .else
        .temp H_{h} : f16 [S, N] at mem.{h}[42..43] tile S x LANES banks run 1
    .endif
.endm
temporaries       e
temporaries       w
.output           K_e : f16 [C * S, LANES] at mem.e[42..43]
.temp             K_w : f16 [C * S, LANES] at mem.w[42..43]
.output           V_e : f16 [C * NBN * LANES / 2, LANES] at mem.e[0..15] bank 1
.temp             V_w : f16 [C * NBN * LANES / 2, LANES] at mem.w[0..15] bank 1
attention_tensors e, U_e, PS_e, NH_e, TO_e
.if NH_w > 0
    attention_tensors w, U_w, PS_w, NH_w, TO_w
.endif

flow gamma:
    read     Gamma -> sg2.e[9]
    cast.f32 sg2.e[9] -> sg4.w[7]
    write    sg4.w[7] -> GA

; Tile t of what is normalised, %n, times gamma, for the products.
.macro scaled t, row
    read     GA[row : row + 1, :] -> sg4.e[6] repeat S step 0
    mul      %n, sg4.e[6] -> %y @alu14
    cast.f16 %y -> sg2.e[12], sg2.w[12] @alu15
    write    sg2.e[12] -> X_e[:, LANES * t : +LANES]
    write    sg2.w[12] -> X_w[:, LANES * t : +LANES]
.endm

; ---- Norm of X ---------------------------------------------------------------------------------------------------------
.for t in 0..TK
    flow square_{t}:
        read     X[:, LANES * t : +LANES] -> sg2.e[12]
        cast.f32 sg2.e[12] -> %x @alu8
        .if t == 0
            mul %x, %x -> sg4.e[7] @alu9
        .else
            mul  %x, %x -> %s @alu9
            read SQ{(t + 1) % 2} -> sg4.w[5]
            add  %s, sg4.w[5] -> sg4.e[7] @alu11
        .endif
        write sg4.e[7] -> SQ{t % 2}
.endfor
    inverse_root before, (TK + 1) % 2
.for t in 0..TK
    flow norm_{t}:
        read     X[:, LANES * t : +LANES] -> sg2.e[2]
        cast.f32 sg2.e[2] -> %x @alu0
        read     RS -> sg4.w[1]
        mul      %x, sg4.w[1] -> %n @alu13
        scaled   t, t
.endfor

; ---- Keys, values and queries -------------------------------------------------------------------------------------------
.macro swap n
    flow swap_{n}:
        total    n, TK
        identity %y -> sg4.e[7] @alu9
        write    sg4.e[7] -> QF{(NQ - 1 - n) % 2}
        read     Map -> sg2.e[9] repeat S step 0
        permute  sg4.e[7], sg2.e[9] -> sg4.w[7]
        write    sg4.w[7] -> QP{(NQ - 1 - n) % 2}
.endm

; Column n of those, as f16 %r of a flow.
.macro rotated n
    read     QF{(NQ - 1 - n) % 2} -> sg4.w[1]
    read     QP{(NQ - 1 - n) % 2} -> sg4.w[2]
    read     Cos -> sg4.e[2]
    read     Sin -> sg4.e[3]
    mul      sg4.w[1], sg4.e[2] -> %a @alu0
    mul      sg4.w[2], sg4.e[3] -> %b @alu4
    add      %a, %b -> %sum @alu1
    cast.f16 %sum -> %r @alu2
.endm

.macro queries q
    .for slot in 0..NH_e
        flow queries_{q}_{slot}:
            rotated 2 * C + q
            read    Slot[slot : slot + 1, :] -> s0.e repeat S step 0
            mask    %r, s0.e -> sg2.e[12], sg2.w[12] @alu15
            write   sg2.e[12] -> Q{(C * R - 1 - q) % 2}_e[((C * R - 1 - q) / 2 * NH_e + slot) * QN * SP : +S, :]
            .if slot < NH_w
                write sg2.w[12] -> Q{(C * R - 1 - q) % 2}_w[((C * R - 1 - q) / 2 * NH_w + slot) * QN * SP : +S, :]
            .endif
    .endfor
.endm

.for c in 0..C
    column qkv, c, Qkv, X, DM
    flow values_{c}:
        total    c, TK
        cast.f16 %y -> sg2.e[12], sg2.w[12] @alu10
        write    sg2.e[12] -> V_e[c * NBN * LANES / 2 : +S, :]
        write    sg2.w[12] -> V_w[c * NBN * LANES / 2 : +S, :]
.endfor
.for c in 0..C
    column qkv, C + c, Qkv, X, DM
    swap   C + c
    flow keys_{c}:
        rotated  C + c
        identity %r -> sg2.e[12], sg2.w[12] @alu15
        write    sg2.e[12] -> K_e[c * S : +S, :]
        write    sg2.w[12] -> K_w[c * S : +S, :]
.endfor
    .for q in 0..C * R
        column  qkv, 2 * C + q, Qkv, X, DM
        swap    2 * C + q
        queries q
    .endfor

    unit_rows e, e, NH_e
    .if NH_w > 0
        unit_rows w, w, NH_w
    .endif
    .for c in 0..C
        .for b in 0..NB
            turn_values e, e, w, 0, NH_e, c, b
            .if NH_w > 0
                turn_values w, w, e, 1, NH_w, c, b
            .endif
        .endfor
    .endfor
    attend

; ---- Out, and the norm of the sum --------------------------------------------------------------------------------------
.for n in 0..TK
    column out, n, Out, OE, WIDE_e, OW, WIDE_w
    flow residual_{n}:
        total    n, TA
        read     X[:, LANES * n : +LANES] -> sg2.e[2]
        cast.f32 sg2.e[2] -> %x @alu0
        add      %y, %x -> %r, sg4.w[7] @alu13
        write    sg4.w[7] -> R1[:, LANES * n : +LANES]
        .if n == 0
            mul %r, %r -> sg4.e[7] @alu10
        .else
            mul  %r, %r -> %s @alu10
            read SQ{(n + 1) % 2} -> sg4.w[5]
            add  %s, sg4.w[5] -> sg4.e[7] @alu11
        .endif
        write sg4.e[7] -> SQ{n % 2}
.endfor
    inverse_root after, (TK + 1) % 2
.for t in 0..TK
    flow normed_{t}:
        read   R1[:, LANES * t : +LANES] -> sg4.e[1]
        read   RS -> sg4.w[0]
        mul    sg4.e[1], sg4.w[0] -> %n @alu13
        scaled t, TK + t
.endfor

    ; ---- The gated layer ---------------------------------------------------------------------------------------------------
    gated_layer Gate, Up, X, DM
.for n in 0..TK
    column down, n, Down, H, N
    flow finish_{n}:
        total    n, TN
        read     R1[:, LANES * n : +LANES] -> sg4.e[6]
        add      %y, sg4.e[6] -> %r
        cast.f16 %r -> sg2.e[14]
        write    sg2.e[14] -> Y[:, LANES * n : +LANES]
.endfor
