; An encoder block as in BERT: y = norm(h + mlp(h)), h = norm(x + attention(x)); f16 in and out, all weights on the chip.
;
; The idea. As in decoder_block.s: rows through products (block_product.s), heads through block_attention.s, and passes of
; the VXM behind each column of 320 features. A bias, gamma or beta is one vector; an ALU keeps it in its latch for a pass.
; gelu(z) = ½z · (1 + tanh √(2/π) (z + 0.044715 z³)) takes three passes: z is kept twice, for tanh is four ALUs deep, and
; the product with ½z and its rounding are three more. A norm takes its mean first: the sums of a row's tiles, as two f16 each
; (what the first rounds off is in the second), go through the planes with ones installed; then deviations, zero in the
; lanes beyond the last feature, and their squares as in block_norm.s. Deviations are squared about the true mean, so rows
; far from zero lose nothing.
;
; Layout. As in decoder_block.s. Vectors has a row for each tile of the biases of values, keys, queries (heads in their
; lanes), of both dense layers after them, and gamma and beta of both norms; Valid the lanes of the model's last tile.
;
; Contract
;   shapes  X and Y [S, DM]; HQ heads of D columns, at most 160
;   error   roundings to f16: queries, keys, values, weights (at most 1) and outputs of attention, the first norm's rows on
;           their way to the hidden layer, hidden layer, squares in norms, y; h stays f32. Independent: y is held to six
;           standard deviations of them. A row's sum of tiles is cut off at 131,008 a lane
;   cycles  at most 1.15 · steps · max(S + 2, 26) + 1.3 · B + 100 · U + 12 · S + 2300; steps, B, U as in decoder_block.s,
;           but at least 3 steps a column of the hidden layer, for gelu
;
; Above the floor (BERT-base, S = 128: 2,413 cycles of 16,764, in which the planes of the east stand still): 660 at the
; first norm and some 1,200 at the second, with the end: nothing else can run while a row waits for the sum of its last tile, its
; mean, its squares (tiles 0 and 1 pass together, tile 2 after them) and its scaling, which for y are three passes at the
; end; some 550 in attention, as in decoder_block.s.
; S = 512, 76,192 cycles of 68,793: 3,233 in which a value is waited for and 1,615 at the end, as above; 1,612 for banks
; of slices 32 … 39 of the east, which take sums and scores in turn, 666 for an ALU.
.target tsp1
.param S = 128   ; tokens
.param DM = 768  ; width of the model
.param HQ = 12   ; heads
.param D = 64    ; columns of a head
.param N = 3072  ; width of the hidden layer
.param eps = 1e-12
.param SCALE = 0.125  ; of the scores: D to the power -1/2

.equ TK = ceil_div(DM, LANES)
.equ TN = ceil_div(N, LANES)
.equ KV = HQ
.equ T0 = 0
.equ PH = LANES / 2 / D
.equ C = ceil_div(KV, 2 * PH)
.equ R = 1
.equ CAUSAL = 0
.equ NQ = 3 * C  ; columns of keys, queries and values
.equ NBN = ceil_div(S, LANES / 2)
.equ BIASES = NQ + TK + TN + TK  ; then gamma and beta of both norms

.input  X : f16 [S, DM] at mem.w[28..29] tile S x LANES banks run 1
.input  Vectors : f16 [BIASES + 4 * TK, LANES] at mem.w[30..31]
.const  Slot : u8 [PH, LANES] at mem.w30 bank 0 = for slot, lane: lane % (LANES / 2) / D == slot
.const  Valid : u8 [2, LANES] at mem.w25 bank 1 = for last, lane: !last || lane < DM - LANES * (TK - 1)
.output Y : f16 [S, DM] at mem.e[28..29] tile S x LANES

.include "block_product.s"
.include "block_norm.s"
.include "block_attention.s"

.equ TA = TO_e + TO_w  ; tiles of what attention gives
dealt Qkv, NQ, TK
dealt Out, TK, TA
dealt In, TN, TK
dealt Down, TK, TN

.if S > LANES  ; beside the keys, in 42 and 43, there is no room
    .temp H_e : f16 [S, N] at mem.e[30..31] tile S x LANES banks run 1
    .temp H_w : f16 [S, N] at mem.w[30..31] tile S x LANES banks run 1
.endif
.temp SM0 : f32 [S, LANES] at mem.e[16..19] banks run 1
.temp SM1 : f32 [S, LANES] at mem.e[20..23] banks run 1
.temp MU : f32 [S, LANES] at mem.e[28..31] banks run 1
.temp SQ0 : f32 [S, LANES] at mem.e[24..27] banks run 1
.temp SQ1 : f32 [S, LANES] at mem.e[20..23] banks run 1
.temp RS : f32 [S, LANES] at mem.e[16..19] banks run 1
.temp R0 : f32 [S, (TK + 1) / 2 * LANES] at mem.w[16..19] tile S x LANES banks run 1
.temp R1 : f32 [S, max(1, TK / 2) * LANES] at mem.w[20..23] tile S x LANES banks run 1
.temp R2 : f32 [S, DM] at mem.w[24..27] tile S x LANES banks run 1
.temp VE : f32 [BIASES + 4 * TK, LANES] at mem.w[16..19]
.temp QB : f16 [S, LANES] at mem.e[30..31] banks run 1
.temp ZA : f32 [S, LANES] at mem.e[16..19] banks run 1
.temp ZB : f32 [S, LANES] at mem.e[20..23] banks run 1
.temp TH : f32 [S, LANES] at mem.e[24..27] banks run 1
.macro temporaries h
    .temp X_{h} : f16 [S, DM] at mem.{h}[40..41] tile S x LANES banks run 1
    .temp SU_{h} : f16 [S, LANES] at mem.{h}[42..43] banks run 1
    .if S <= LANES
        .temp H_{h} : f16 [S, N] at mem.{h}[42..43] tile S x LANES banks run 1
    .endif
    .temp K_{h} : f16 [C * S, LANES] at mem.{h}[42..43]
    .temp V_{h} : f16 [C * NBN * LANES / 2, LANES] at mem.{h}[0..15] bank 1
.endm
temporaries       e
temporaries       w
attention_tensors e, U_e, PS_e, NH_e, TO_e
.if NH_w > 0
    attention_tensors w, U_w, PS_w, NH_w, TO_w
.endif

flow vectors:
    read     Vectors -> sg2.e[9]
    cast.f32 sg2.e[9] -> sg4.w[7]
    write    sg4.w[7] -> VE
flow copy:
    read     X -> sg2.e[12]
    identity sg2.e[12] -> sg2.e[14], sg2.w[14]
    write    sg2.e[14] -> X_e
    write    sg2.w[14] -> X_w

; Row `row` of the vectors, in the latch of an ALU.
.macro vector name, row, alu
    flow {name}:
        read     VE[row : row + 1, :] -> sg4.e[4]
        identity sg4.e[4] keep 1 @alu{alu}
.endm
.macro low_vector name, row, alu
    flow {name}:
        read     VE[row : row + 1, :] -> sg4.e[1]
        identity sg4.e[1] keep 1 @alu{alu}
.endm

; Row `row` of Valid likewise.
.macro vector_of_lanes name, row, alu, lane
    flow {name}:
        read     Valid[row : row + 1, :] -> s{lane}.e
        identity s{lane}.e keep 1 @alu{alu}
.endm

; ---- Keys, values and queries -------------------------------------------------------------------------------------------
.for c in 0..2 * C
    column qkv, c, Qkv, X, DM
    vector bias_qkv_{c}, c, 9
    flow biased_{c}:
        total    c, TK
        add      %y, latch -> %b @alu9
        cast.f16 %b -> sg2.e[12], sg2.w[12] @alu10
        .if c < C
            write sg2.e[12] -> V_e[c * NBN * LANES / 2 : +S, :]
            write sg2.w[12] -> V_w[c * NBN * LANES / 2 : +S, :]
        .else
            write sg2.e[12] -> K_e[(c - C) * S : +S, :]
            write sg2.w[12] -> K_w[(c - C) * S : +S, :]
        .endif
.endfor
.macro queries q
    .for slot in 1..NH_e
        flow queries_{q}_{slot}:
            read  QB -> sg2.w[14]
            read  Slot[slot : slot + 1, :] -> s0.e repeat S step 0
            mask  sg2.w[14], s0.e -> sg2.e[13], sg2.w[13] @alu15
            write sg2.e[13] -> Q{(C * R - 1 - q) % 2}_e[((C * R - 1 - q) / 2 * NH_e + slot) * QN * SP : +S, :]
            .if slot < NH_w
                write sg2.w[13] -> Q{(C * R - 1 - q) % 2}_w[((C * R - 1 - q) / 2 * NH_w + slot) * QN * SP : +S, :]
            .endif
    .endfor
.endm
.for q in 0..C * R
    .equ n = 2 * C + q
    column qkv, n, Qkv, X, DM
    vector bias_qkv_{n}, n, 9
    flow queries_{q}_0:
        total    n, TK
        add      %y, latch -> %b @alu9
        cast.f16 %b -> %h, sg2.e[13] @alu10
        write    sg2.e[13] -> QB
        read     Slot[0:1, :] -> s16.e repeat S step 0
        mask     %h, s16.e -> sg2.e[12], sg2.w[12] @alu11
        write    sg2.e[12] -> Q{(C * R - 1 - q) % 2}_e[(C * R - 1 - q) / 2 * NH_e * QN * SP : +S, :]
        .if NH_w > 0
            write sg2.w[12] -> Q{(C * R - 1 - q) % 2}_w[(C * R - 1 - q) / 2 * NH_w * QN * SP : +S, :]
        .endif
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

; ---- Norm of R: the mean, deviations, their mean square ----------------------------------------------------------------
; SM{last} are the sums of tiles; `set` which gamma and beta.
.macro centred name, last
    ones e, mxm.e, {name}_mean
    ones w, mxm.w, {name}_mean
    flow split_{name}:
        read         SM{last} -> sg4.w[4]
        cast.f16.sat sg4.w[4] -> %h, sg2.e[14] @alu8
        identity     sg4.w[4] -> %one @alu4
        cast.f32     %h -> %high @alu13
        identity     %one -> %two @alu9
        sub          %two, %high -> %low @alu10
        cast.f16     %low -> sg2.w[13] @alu15
        write        sg2.e[14] -> SU_e
        write        sg2.w[13] -> SU_w
        sum_lanes    {name}_mean, e, e, w
        sum_lanes    {name}_mean, w, w, e
    flow mean_{name}:
        total 0, 2
        mul   %y, 1.0 / DM -> sg4.e[7] @alu9
        write sg4.e[7] -> MU
    .for t in 0..TK
        .if t != 1
            .equ both = t == 0 && TK > 1
            .equ other = both && TK == 2  ; the edge is the second of the two
            vector_of_lanes valid_{name}_{t}, t == TK - 1, 5, 8
            .if both
                vector_of_lanes valid_{name}_1, other, 13, 4
            .endif
            flow deviation_{name}_{t}:
                read  R{t % 2}[:, t / 2 * LANES : +LANES] -> sg4.e[2]
                read  MU -> sg4.w[1]
                sub   sg4.e[2], sg4.w[1] -> %all @alu0
                mask  %all, latch -> %d, sg4.w[2] @alu5
                write sg4.w[2] -> R{t % 2}[:, t / 2 * LANES : +LANES]
                .if both
                    mul   %d, %d -> %s @alu6
                    read  R1[:, 0 : LANES] -> sg4.e[6]
                    sub   sg4.e[6], sg4.w[1] -> %more @alu12
                    mask  %more, latch -> %f, sg4.w[7] @alu13
                    write sg4.w[7] -> R1[:, 0 : LANES]
                    mul   %f, %f -> %q @alu14
                    add   %s, %q -> sg4.e[5] @alu11
                    write sg4.e[5] -> SQ0
                .elif t == 0
                    mul   %d, %d -> sg4.e[5] @alu6
                    write sg4.e[5] -> SQ0
                .else
                    mul   %d, %d -> %s @alu6
                    read  SQ{t % 2} -> sg4.w[5]
                    add   %s, sg4.w[5] -> sg4.e[5] @alu11
                    write sg4.e[5] -> SQ{(t + 1) % 2}
                .endif
        .endif
    .endfor
        inverse_root {name}, max(0, TK - 2) % 2
.endm

; R = product + bias + what it is added to, tile by tile, and the sums of tiles.
.macro residual name, n, deep, row, half
    low_vector bias_{name}_{n}, row, 14
    flow residual_{name}_{n}:
        total n, deep
        .if half
            read     X[:, LANES * n : +LANES] -> sg2.e[2]
            cast.f32 sg2.e[2] -> %x @alu0
            add      %y, %x -> %r @alu13
        .else
            read R2[:, LANES * n : +LANES] -> sg4.e[1]
            add  %y, sg4.e[1] -> %r @alu13
        .endif
        .if n == 0
            add %r, latch -> sg4.w[7], sg4.e[7] @alu14
        .else
            add  %r, latch -> %s, sg4.w[7] @alu14
            read SM{(n + 1) % 2} -> sg4.w[1]
            add  %s, sg4.w[1] -> sg4.e[7] @alu15
        .endif
        write sg4.w[7] -> R{n % 2}[:, n / 2 * LANES : +LANES]
        write sg4.e[7] -> SM{n % 2}
.endm

.macro normed name, t, row
    low_vector gamma_{name}_{t}, row, 13
    low_vector beta_{name}_{t}, row + TK, 14
    flow normed_{name}_{t}:
        read R{t % 2}[:, t / 2 * LANES : +LANES] -> sg4.e[1]
        read RS -> sg4.w[0]
        mul  sg4.e[1], sg4.w[0] -> %n @alu12
        mul  %n, latch -> %g @alu13
.endm

    .for n in 0..TK
        column   out, n, Out, OE, WIDE_e, OW, WIDE_w
        residual out, n, TA, NQ + n, 1
    .endfor
    centred out, (TK + 1) % 2
    .for t in 0..TK
        normed   out, t, BIASES + t
        add      %g, latch -> %y, sg4.w[7] @alu14
        write    sg4.w[7] -> R2[:, LANES * t : +LANES]
        cast.f16 %y -> sg2.e[12], sg2.w[12] @alu15
        write    sg2.e[12] -> X_e[:, LANES * t : +LANES]
        write    sg2.w[12] -> X_w[:, LANES * t : +LANES]
    .endfor

; ---- The hidden layer: gelu in its tanh form, in three passes -----------------------------------------------------------
.for n in 0..TN
    column up, n, In, X, DM
    vector bias_in_{n}, NQ + TK + n, 9
    flow sum_{n}:
        total n, TK
        add   %y, latch -> sg4.e[7] @alu9
        write sg4.e[7] -> ZA
        write sg4.e[7] -> ZB
    flow tanh_{n}:
        read     ZA -> sg4.w[2]
        mul      sg4.w[2], sg4.w[2] -> %square @alu0
        mul      sg4.w[2], 0.03567740814183633 -> %part @alu4
        add      %square, 22.363860002236386 -> %more @alu1
        identity %part -> %held @alu5
        mul      %more, %held -> %inner @alu2
        tanh     %inner -> sg4.e[6] @alu15
        write    sg4.e[6] -> TH
    flow gelu_{n}:
        read     TH -> sg4.w[6]
        read     ZB -> sg4.w[5]
        add      sg4.w[6], 1.0 -> %twice @alu11
        mul      sg4.w[5], 0.5 -> %half @alu7
        mul      %twice, %half -> %h @alu10
        cast.f16 %h -> sg2.e[14], sg2.w[14] @alu13
        write    sg2.e[14] -> H_e[:, LANES * n : +LANES]
        write    sg2.w[14] -> H_w[:, LANES * n : +LANES]
.endfor

    .for n in 0..TK
        column   down, n, Down, H, N
        residual down, n, TN, NQ + TK + TN + n, 0
    .endfor
    centred down, (TK + 1) % 2
    .for t in 0..TK
        normed   down, t, BIASES + 2 * TK + t
        add      %g, latch -> %y @alu14
        cast.f16 %y -> sg2.e[12] @alu15
        write    sg2.e[12] -> Y[:, LANES * t : +LANES]
    .endfor
