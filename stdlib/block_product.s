; Products of the blocks (swiglu_mlp.s, decoder_block.s, encoder_block.s): rows of X with tiles of weights, in f32.
;
; X is f16 [S, wide], S rows of 320 lanes for each tile, in each hemisphere h as X_h, so that both read it at once.
; A tile of weights, 320 features × 320 lanes of X, belongs to one hemisphere, whose pair of planes loads it in 40 cycles
; and lets all S rows pass, once for each half of the lanes. What comes out is added up in place in T0_h or T1_h: rows
; are read, met by the planes' results in ACC and written 14 or 18 cycles later, an odd number of runs of two words, so
; always in the other bank. Two sums a hemisphere: one is finished by the VXM while the other grows.
;
; Streams outward: 0 … 15 weights, 16 and 17 rows, 20 … 23 sums; inward: 0 … 3 sums.

; A tile through the planes of hemisphere h, whose outward streams go o and whose inward ones i.
.macro tile_product name, h, o, i, W, item, X, k, slot, fresh, halves
    flow load_{name}:
        read {W}_{h}[LANES * item : +LANES, :] -> sg16.{o}[0]
        lw   mxm.{h}, sg16.{o}[0]
    flow install_{name}:
        iw mxm.{h}
    .for half in 0..halves
        flow multiply_{name}_{half}:
            read {X}_{h}[:, LANES * k : +LANES] -> sg2.{o}[8]
            abc  mxm.{h}, sg2.{o}[8] half half
            .if fresh && half == 0
                acc mxm.{h} -> sg4.{i}[0]
            .else
                read T{slot}_{h} -> sg4.{o}[5]
                acc  mxm.{h}, sg4.{o}[5] -> sg4.{i}[0]
            .endif
            write sg4.{i}[0] -> T{slot}_{h}
    .endfor
.endm

; Tile number `item` of W_e (u = 0) or W_w (u = 1) with tile k of X; `wide` is how many lanes X has in all.
.macro product name, u, W, item, X, k, wide, slot, fresh
    .equ halves = wide - LANES * k > LANES / 2 ? 2 : 1
    .if u == 0
        tile_product {name}, e, e, w, {W}, item, {X}, k, slot, fresh, halves
    .else
        tile_product {name}, w, w, e, {W}, item, {X}, k, slot, fresh, halves
    .endif
.endm

; Column n of X · Wᵀ as the sum of T{slot}_e and T{slot}_w: tile k is dealt to hemisphere (n + k) mod 2, so that two
; columns have as much work east as west. A hemisphere's tiles lie in the order of their use.
.macro column name, n, W, X, wide, slot
    .equ deep = ceil_div(wide, LANES)
    .for k in 0..deep
        .equ u = (n + k) % 2
        product {name}_{n}_{k}, u, {W}, n / 2 * deep + n % 2 * ((deep + 1 - u) / 2) + k / 2, {X}, k, wide, slot, k < 2
    .endfor
.endm

; Sums of column n, of which there were `deep` tiles, as %y of a flow.
.macro total n, deep
    .if deep > 1 || n % 2 == 0
        read T{n % 2}_e -> sg4.w[4]
    .endif
    .if deep > 1 || n % 2
        read T{n % 2}_w -> sg4.e[5]
    .endif
    .if deep > 1
        add sg4.w[4], sg4.e[5] -> %y
    .elif n % 2
        identity sg4.e[5] -> %y
    .else
        identity sg4.w[4] -> %y
    .endif
.endm
