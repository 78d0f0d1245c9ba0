; Attention inside a block. Who includes this has projected queries, keys and values, and states S, T0, D, C, R, PH, KV.
;
; A tile of 320 lanes holds 2 · PH heads of D columns, half of them in each half of the lanes: head g of the keys is in
; tile g / (2 PH), in half g mod 2, at slot g / 2 mod PH. Its R heads of queries have the same place in R tiles of queries.
; The east does the heads of half 0, the west those of half 1. A unit is what is installed at once: the queries of a tile,
; for each of PS slots with all other slots zero, so that rows of keys bring out the scores of PS heads, keys over time and
; a query of a head in each lane: lane j · SP + q. So maxima need no lane: a running maximum of 32 rows, kept in place while
; scores come, and three passes of four operands. exp(scale (s − max)) is rounded to f16, turned by the planes (bytes of it
; as integers, with unit vectors), two blocks of 160 keys at a time, and installed; the rows of [V | 1]ᵀ then give Oᵀ and its
; sums. That is scaled, freed of other heads' lanes, and turned back, into rows that the next product reads.
; More than 320 queries are cut into blocks of 320, each a unit of its own for every head. What is causal gives a block no
; keys beyond its last query, and of those before its first one no mask.
;
; Slices of a hemisphere, by what holds them (b0, b1: the bank), products first, attention second:
;    0 … 15  weights (b0)                        queries Q0, Q1 · values V, VP (b1) · weights PT0, PT1
;   16 … 31  what the passes keep between them   copies of maxima LV (b1) · rows PR0, PR1 · outputs OT0, OT1 · Tri (b0)
;   32 … 35  sums T1                             scores ST0, ST1 · every other product with values OC1
;   36 … 39  sums T0                             maxima M · products with values OC0 · Eye, Pick, Seat
;   40 … 43  rows X, H, SU                       values VT, keys K, KP · outputs OE, OW (H in 30 and 31 where S > 320)
; Where one flow writes and another reads, units, installs or heads take the two banks in turn.

.equ QN = ceil_div(S, LANES)  ; blocks of queries, and the queries of each but the last
.equ QS = min(S, LANES)
.equ SP = 8 * ceil_div(QS, 8)  ; rows that the queries of a head and block take
.equ HALF = LANES / 2
.equ L = 32                    ; scores between a maximum's writing and its next reading: 31 cycles at least
.equ NBP = ceil_div(T0, HALF)  ; blocks of past keys, and of all
.equ NB = NBP + ceil_div(S, HALF)
.equ T = T0 + S
.equ ML = min(L, max(T0, S))
.equ BEFORE = QN > 1 ? L : 0  ; keys before a block of queries that a run of keys within it may begin with
; Heads of the keys in a tile, those installed at once, installs; what they give in tiles and lanes.
.equ NH_e = (min(2 * PH, KV) + 1) / 2
.equ NH_w = min(2 * PH, KV) / 2
.equ PS_e = min(NH_e, LANES / SP)
.equ PS_w = max(1, min(NH_w, LANES / SP))
.equ U_e = C * ceil_div(NH_e, PS_e) * R * QN
.equ U_w = C * ceil_div(NH_w, PS_w) * R * QN
.equ PER = LANES / D  ; heads in a tile of outputs
.equ TO_e = ceil_div(U_e / QN * PS_e, PER)
.equ TO_w = NH_w > 0 ? ceil_div(U_w / QN * PS_w, PER) : 0
.equ WIDE_e = (TO_e - 1) * LANES + (U_e / QN * PS_e - (TO_e - 1) * PER) * D  ; lanes of the outputs' tiles
.equ WIDE_w = TO_w > 0 ? (TO_w - 1) * LANES + (U_w / QN * PS_w - (TO_w - 1) * PER) * D : 0

; Block q of the queries: how many there are, the new keys that they look at, the blocks of keys.
.def queries_of(q) = min(S - q * QS, QS)
.def keys_of(q) = CAUSAL ? min(S, (q + 1) * QS) : S
.def blocks_of(q) = NBP + ceil_div(keys_of(q), HALF)
; Blocks of keys of all units before unit u; a unit's block of queries is u mod QN. What is causal has two more each time.
.def items_before(u) = CAUSAL ? u / QN * ((QN - 1) * (NBP + QN) + NB) + u % QN * (NBP + u % QN + 1) : u * NB

.macro attention_tensors h, U, PS, NH, TO
    .const Eye_{h} : u8 [LANES, LANES] at mem.{h}36 = for i, lane: i == lane
    .const Pick_{h} : u8 [QS, LANES] at mem.{h}36 = for query, lane: lane / SP < PS && lane % SP == query
    .const Seat_{h} : u8 [PS, LANES] at mem.{h}37 = for seat, lane: lane / SP == seat && lane % SP < QS
    .temp  Q0_{h} : f16 [NH * ceil_div(C * R, 2) * QN * SP, LANES] at mem.{h}[0..15] bank 0
    .if C * R > 1
        .temp Q1_{h} : f16 [NH * (C * R / 2) * QN * SP, LANES] at mem.{h}[0..15] bank 1
    .endif
    .if T0 > 0
        .input KP_{h} : f16 [C * T0, LANES] at mem.{h}[42..43]
        .input VP_{h} : f16 [C * NBP * HALF, LANES] at mem.{h}[0..15] bank 1
    .endif
    .temp ST0_{h} : f32 [T, LANES] at mem.{h}[32..35] bank 0
    .temp ST1_{h} : f32 [T, LANES] at mem.{h}[32..35] bank 1
    .temp M_{h} : f32 [ML, LANES] at mem.{h}[36..39] banks run 2
    .for k in 0..4
        .temp LV{k}0_{h} : f32 [ML, LANES] at mem.{h}[16 + 4 * k..19 + 4 * k] bank 1
        .temp LV{k}1_{h} : f32 [ceil_div(ML, 4), LANES] at mem.{h}[16 + 4 * k..19 + 4 * k] bank 1
    .endfor
    .equ half = ceil_div(ceil_div(items_before(U), 2), 2)
    .for k in 0..2
        .temp PT{k}_{h} : f16 [half * LANES, LANES] at mem.{h}[0..15] bank k
        .temp PR{k}_{h} : f16 [half * PS * SP, LANES] at mem.{h}[16..31] bank k
    .endfor
    .temp VT_{h} : f16 [C * NB, NH, D + 1, LANES] at mem.{h}[40..41]
    .for k in 0..2
        .temp OC0{k}_{h} : f32 [PS + 1, D + 1, LANES] at mem.{h}[36..39] bank k
        .if NB > 1
            .temp OC1{k}_{h} : f32 [PS + 1, D + 1, LANES] at mem.{h}[32..35] bank k
        .endif
    .endfor
    .for k in 0..2
        .temp OT{k}_{h} : f16 [ceil_div(QN * TO, 2) * LANES, LANES] at mem.{h}[16..31] bank k
    .endfor
    .if CAUSAL
        .const Tri_{h} : f32 [BEFORE + QS, LANES] at mem.{h}[24..27] bank 0 = \
            for key, lane: key - BEFORE > (lane / SP < PS ? lane % SP : -1) ? -inf : 0
    .endif
.endm

; What the heads of the east give, and those of the west, in both hemispheres.
.macro outputs h
    .temp OE_{h} : f16 [S, TO_e * LANES] at mem.{h}[40..41] tile S x LANES banks run 1
    .if TO_w > 0
        .temp OW_{h} : f16 [S, TO_w * LANES] at mem.{h}[42..43] tile S x LANES banks run 1
    .endif
.endm
outputs e
outputs w

; ---- Values: turned, so that keys lie in the lanes, the same 160 in either half ---------------------------------------
.macro turn_values h, o, i, hf, NH, c, b
    .equ count = min(NH, (min(2 * PH, KV - 2 * PH * c) + 1 - hf) / 2)
    .if count > 0
        .for p in 0..2
            flow values_{h}_{c}_{b}_{p}:
                .if b < NBP
                    read VP_{h}[(c * NBP + b) * HALF : +HALF, :] -> sg16.{o}[0]
                .else
                    read V_{h}[(c * (NB - NBP) + b - NBP) * HALF : +HALF, :] -> sg16.{o}[0]
                .endif
                lw mxm.{h}, sg16.{o}[0] group p * HALF / 8
        .endfor
        flow install_values_{h}_{c}_{b}:
            iw mxm.{h}
        flow turn_values_{h}_{c}_{b}:
            read      Eye_{h}[HALF * hf : +count * D, :] -> s26.{o}
            abc       mxm.{h}0, s26.{o}
            abc       mxm.{h}1, s26.{o}
            acc       mxm.{h}0 -> s0.{i} low8
            acc       mxm.{h}1 -> s1.{i} low8
            write.f16 sg2.{i}[0] -> VT_{h}[c * NB + b, 0:count, 0:D, :]
    .endif
.endm

.macro unit_rows h, o, NH
    flow ones_rows_{h}:
        cast.f32.f16 1.0 -> sg2.{o}[12] repeat C * NB * NH
        write        sg2.{o}[12] -> VT_{h}[:, :, D : D + 1, :]
.endm

; ---- Scores of unit u, in runs of at most 32 keys, with the maxima so far ---------------------------------------------
.macro score h, o, i, hf, u, name, keys, first, count, place, masked, diagonal, fresh, last, larger
    flow scores_{h}_{u}_{name}:
        read {keys}_{h}[first : +count, :] -> sg2.{o}[14]
        abc  mxm.{h}, sg2.{o}[14] half hf
        .if masked
            read Tri_{h}[diagonal : +count, :] -> sg4.{o}[5 + hf]
            acc  mxm.{h}, sg4.{o}[5 + hf] -> sg4.{i}[6 - 2 * hf]
        .else
            acc mxm.{h} -> sg4.{i}[6 - 2 * hf]
        .endif
        write sg4.{i}[6 - 2 * hf] -> ST{u % 2}_{h}[place : place + count, :]
        .if fresh
            identity sg4.{i}[6 - 2 * hf] -> sg4.{o}[4] @alu{larger}
        .else
            read M_{h}[0:count, :] -> sg4.{i}[7 - 2 * hf]
            max  sg4.{i}[6 - 2 * hf], sg4.{i}[7 - 2 * hf] -> sg4.{o}[4] @alu{larger}
        .endif
        write sg4.{o}[4] -> M_{h}[0:count, :]
        .if last && count == ML
            .for k in 0..4
                write sg4.{o}[4] -> LV{k}0_{h}
            .endfor
        .endif
    .if last && count < ML
        flow copies_{h}_{u}:
            read     M_{h} -> sg4.{i}[7 - 2 * hf]
            identity sg4.{i}[7 - 2 * hf] -> sg4.{o}[4] @alu{larger}
            .for k in 0..4
                write sg4.{o}[4] -> LV{k}0_{h}
            .endfor
    .endif
.endm

.macro score_part h, o, i, hf, u, c, past, opens, ends, larger
    .equ block = u % QN
    .equ n = past ? T0 : keys_of(block)
    .equ len = min(L, n)
    .equ parts = ceil_div(n, L)
    .for q in 0..parts
        .equ low = min(q * L, n - len)
        .equ fresh = opens && q == 0
        .equ last = ends && q == parts - 1
        .if past
            score {h}, {o}, {i}, hf, u, p{q}, KP, c * T0 + low, len, low, 0, 0, fresh, last, larger
        .else
            .equ diagonal = low - block * QS + BEFORE
            score {h}, {o}, {i}, hf, u, n{q}, K, c * S + low, len, T0 + low, CAUSAL && diagonal > BEFORE - len, diagonal, \
                fresh, last, larger
        .endif
    .endfor
.endm

; Columns of queries take the banks in turn: one is loaded while the next is written.
.macro install_queries h, o, PS, u, c, set, r, slots
    .equ back = C * R - 1 - c * R - r
    .for j in 0..slots
        flow queries_{h}_{u}_{j}:
            read Q{back % 2}_{h}[((back / 2 * NH_{h} + set * PS + j) * QN + u % QN) * SP : +SP, :] -> sg16.{o}[0]
            lw   mxm.{h}, sg16.{o}[0] group j * SP / 8
    .endfor
    flow install_queries_{h}_{u}:
        iw mxm.{h}
.endm

; ---- The maximum of 32 rows, and what exp makes of the scores ---------------------------------------------------------
.macro level h, o, i, u, l, n
    .equ m = ceil_div(n, 4)
    flow maxima_{h}_{u}_{l}:
        .for k in 0..4
            read LV{k}{l % 2}_{h}[min(k * m, n - m) : +m, :] -> sg4.{i}[k]
        .endfor
        max.f32 sg4.{i}[0], sg4.{i}[1] -> %a @alu0
        max.f32 sg4.{i}[2], sg4.{i}[3] -> %b @alu1
        max.f32 %a, %b -> sg4.{o}[3] @alu3
        .for k in 0..(m > 1 ? 4 : 1)
            write sg4.{o}[3] -> LV{k}{1 - l % 2}_{h}[0:m, :]
        .endfor
.endm

.macro weigh h, o, i, u, name, place, count, item, src, a0, a1, a2, a3, out
    flow weigh_{h}_{u}_{name}:
        read     ST{u % 2}_{h}[place : place + count, :] -> sg4.{i}[src]
        sub      sg4.{i}[src], latch -> %below @alu{a0}
        mul      %below, SCALE -> %x @alu{a1}
        exp      %x -> %p @alu{a2}
        cast.f16 %p -> sg2.{o}[out] @alu{a3}
        write    sg2.{o}[out] -> PT{item / 2 % 2}_{h}[(item / 4 * 2 + item % 2) * HALF : +count, :]
.endm

.macro weights h, o, i, u, src, a0, a1, a2, a3, out
    .for l in 0..3
        .equ left = ceil_div(ML, 1 << 2 * l)
        .if left > 1
            level {h}, {o}, {i}, u, l, left
        .endif
    .endfor
    .equ levels = (ML > 1) + (ML > 4) + (ML > 16)
    flow keep_{h}_{u}:
        read     LV0{levels % 2}_{h}[0:1, :] -> sg4.{i}[src]
        identity sg4.{i}[src] keep 1 @alu{a0}
        .for b in 0..blocks_of(u % QN)
            .equ low = b < NBP ? b * HALF : T0 + (b - NBP) * HALF
            .equ count = min(HALF, (b < NBP ? T0 : T) - low)
            weigh {h}, {o}, {i}, u, b{b}, low, count, items_before(u) + b, src, a0, a1, a2, a3, out
        .endfor
.endm

; ---- Weights turned, products with values, and their sums -------------------------------------------------------------
.macro turn_weights h, o, i, PS, J
    flow weights_{h}_{J}:
        read PT{J % 2}_{h}[LANES * (J / 2) : +LANES, :] -> sg16.{o}[0]
        lw   mxm.{h}, sg16.{o}[0]
    flow install_weights_{h}_{J}:
        iw mxm.{h}
    flow turn_weights_{h}_{J}:
        read      Eye_{h}[0 : PS * SP, :] -> s26.{o}
        abc       mxm.{h}0, s26.{o}
        abc       mxm.{h}1, s26.{o}
        acc       mxm.{h}0 -> s0.{i} low8
        acc       mxm.{h}1 -> s1.{i} low8
        write.f16 sg2.{i}[0] -> PR{J % 2}_{h}[J / 2 * PS * SP : +PS * SP, :]
.endm

.macro install_rows h, o, PS, J
    flow rows_{h}_{J}:
        read PR{J % 2}_{h}[J / 2 * PS * SP : +PS * SP, :] -> sg16.{o}[0]
        lw   mxm.{h}, sg16.{o}[0]
    flow install_rows_{h}_{J}:
        iw mxm.{h}
.endm

.macro times_values h, o, i, PS, u, c, set, slots, b, install
    .for j in 0..slots
        .equ place = u * PS + j  ; heads take the banks in turn
        flow product_{h}_{u}_{b}_{j}:
            read VT_{h}[c * NB + b, set * PS + j, :, :] -> sg2.{o}[15]
            abc  mxm.{h}, sg2.{o}[15] half install
            .if b == 0
                acc mxm.{h} -> sg4.{i}[0]
            .else
                read OC{(b + 1) % 2}{place % 2}_{h}[place / 2 % (PS + 1), :, :] -> sg4.{o}[5]
                acc  mxm.{h}, sg4.{o}[5] -> sg4.{i}[0]
            .endif
            write sg4.{i}[0] -> OC{b % 2}{place % 2}_{h}[place / 2 % (PS + 1), :, :]
    .endfor
.endm

; The last sums of a unit, of as many blocks as it has, scaled: place / QN counts heads, whose blocks of queries have tiles.
.macro normalise h, o, i, PS, u, slots, src, b0, b1, b2, b3, b4, out
    .for j in 0..slots
        .equ place = u * PS + j  ; heads take the banks in turn
        .equ last = (blocks_of(u % QN) + 1) % 2
        .equ head = u / QN * PS + j
        .equ tile = u % QN * TO_{h} + head / PER
        flow inverse_{h}_{u}_{j}:
            read     OC{last}{place % 2}_{h}[place / 2 % (PS + 1), D : D + 1, :] -> sg4.{i}[src]
            rsqrt    sg4.{i}[src] -> %r @alu{b0}
            mul      %r, %r -> %q @alu{b1}
            identity %q keep 1 @alu{b2}
        flow seat_{h}_{u}_{j}:
            read     Seat_{h}[j : j + 1, :] -> s16.{i}
            identity s16.{i} keep 1 @alu{b4}
        flow normalise_{h}_{u}_{j}:
            read     OC{last}{place % 2}_{h}[place / 2 % (PS + 1), 0:D, :] -> sg4.{i}[src]
            mul      sg4.{i}[src], latch -> %o @alu{b2}
            cast.f16 %o -> %half @alu{b3}
            mask     %half, latch -> sg2.{o}[out] @alu{b4}
            write    sg2.{o}[out] -> OT{tile % 2}_{h}[tile / 2 * LANES + head % PER * D : +D, :]
    .endfor
.endm

.macro turn_outputs h, o, i, t, q, to
    .equ tile = q * TO_{h} + t
    flow outputs_{h}_{tile}:
        read OT{tile % 2}_{h}[tile / 2 * LANES : +LANES, :] -> sg16.{o}[0]
        lw   mxm.{h}, sg16.{o}[0]
    flow install_outputs_{h}_{tile}:
        iw mxm.{h}
    flow turn_outputs_{h}_{tile}:
        read      Pick_{h}[0 : queries_of(q), :] -> s26.{o}
        abc       mxm.{h}0, s26.{o}
        abc       mxm.{h}1, s26.{o}
        acc       mxm.{h}0 -> s0.{i} low8
        acc       mxm.{h}1 -> s1.{i} low8
        write.f16 sg2.{i}[0] -> {to}_e[q * QS : +queries_of(q), LANES * t : +LANES]
        write.f16 sg2.{i}[0] -> {to}_w[q * QS : +queries_of(q), LANES * t : +LANES]
.endm

; ---- A hemisphere's units in turn: scores of t, weights of t, turned and multiplied when both blocks of an install are there
.macro scores h, o, i, hf, PS, NH, U, t, larger
    .equ sets = U / (C * R * QN)
    .if t < U
        .equ c = t / (R * QN) / sets
        .equ set = t / (R * QN) % sets
        .equ slots = min(PS, (min(2 * PH, KV - 2 * PH * c) + 1 - hf) / 2 - set * PS)
        .if slots > 0
            install_queries {h}, {o}, PS, t, c, set, t / QN % R, slots
            .if T0 >= S
                score_part {h}, {o}, {i}, hf, t, c, 1, 1, 0, larger
                score_part {h}, {o}, {i}, hf, t, c, 0, 0, 1, larger
            .else
                score_part {h}, {o}, {i}, hf, t, c, 0, 1, T0 == 0, larger
                .if T0 > 0
                    score_part {h}, {o}, {i}, hf, t, c, 1, 0, 1, larger
                .endif
            .endif
        .endif
    .endif
.endm

; `src`, `out`, `nin` and `nout` are groups of streams, a0 … a3 and b0 … b4 ALUs: each hemisphere has its own, so that both
; weigh and scale at the same time.
.macro later h, o, i, hf, PS, NH, U, t, src, a0, a1, a2, a3, out, nin, b0, b1, b2, b3, b4, nout
    .equ sets = U / (C * R * QN)
    ; Installs whose blocks are those of units before t, and the ones before that.
    .equ all = ceil_div(items_before(U), 2)
    .equ done = t >= U ? all : items_before(t) / 2
    .equ done1 = t > U ? all : items_before(max(0, t - 1)) / 2
    .equ done2 = t > U + 1 ? all : items_before(max(0, t - 2)) / 2
    .for J in done1..done
        turn_weights {h}, {o}, {i}, PS, J
    .endfor
    .for J in done2..done1
        install_rows {h}, {o}, PS, J
        .for x in 2 * J..min(2 * J + 2, items_before(U))
            .equ u = x < items_before(t - 2) ? t - 3 : t - 2
            .equ b = x - items_before(u)
            .equ c = u / (R * QN) / sets
            .equ set = u / (R * QN) % sets
            .equ slots = min(PS, (min(2 * PH, KV - 2 * PH * c) + 1 - hf) / 2 - set * PS)
            .if slots > 0
                times_values {h}, {o}, {i}, PS, u, c, set, slots, b, x % 2
                .if b == blocks_of(u % QN) - 1
                    normalise {h}, {o}, {i}, PS, u, slots, nin, b0, b1, b2, b3, b4, nout
                .endif
            .endif
        .endfor
    .endfor
    .equ run = t / (R * QN)
    .if t < U && (min(2 * PH, KV - 2 * PH * (run / sets)) + 1 - hf) / 2 > run % sets * PS
        weights {h}, {o}, {i}, t, src, a0, a1, a2, a3, out
    .endif
.endm

.macro attend
    .for t in 0..max(U_e, U_w) + 2
        scores e, e, w, 0, PS_e, NH_e, U_e, t, 11
        .if NH_w > 0
            scores w, w, e, 1, PS_w, NH_w, U_w, t, 6
        .endif
        later e, e, w, 0, PS_e, NH_e, U_e, t, 5, 8, 9, 10, 15, 12, 5, 8, 9, 11, 10, 9, 13
        .if NH_w > 0
            later w, w, e, 1, PS_w, NH_w, U_w, t, 3, 4, 5, 2, 7, 10, 3, 0, 1, 3, 2, 5, 11
        .endif
    .endfor
    .for q in 0..QN
        .for t in 0..max(TO_e, TO_w)
            .if t < TO_e
                turn_outputs e, e, w, t, q, OE
            .endif
            .if t < TO_w
                turn_outputs w, w, e, t, q, OW
            .endif
        .endfor
    .endfor
.endm
