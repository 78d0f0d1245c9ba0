; Products of the blocks (swiglu_mlp.s, decoder_block.s, encoder_block.s): rows of X with tiles of weights, in f32.
;
; X is f16 [S, wide], S rows of 320 lanes for each tile, in each hemisphere h as X_h, so that both read it at once.
; A tile of weights, 320 features × 320 lanes of X, belongs to one hemisphere, whose pair of planes loads it in 40 cycles
; and lets all S rows pass, once for each half of the lanes. What comes out is added up in place in T0_h: rows are read,
; met by the planes' results in ACC and written 16 cycles later, a run of 16 words, so always in the other bank. The last
; step of a sum goes to T1_h instead, in runs of one word: so the VXM follows it a few cycles behind, and the next column
; begins in T0_h at once.
;
; A program of one's own takes them with `.import block_product`, once S is known: X_e, X_w, W_e and W_w are its tensors,
; `column` makes the sums of 320 features, and a flow of `total` and what shall become of %y takes them.
;
; Streams outward: 0 … 15 weights, 16 and 17 rows, 20 … 23 sums; inward: 0 … 3 sums.
.macro sums h
    .temp T0_{h} : f32 [S, LANES] at mem.{h}[36..39] banks run 16
    .temp T1_{h} : f32 [S, LANES] at mem.{h}[32..35] banks run 1
.endm
sums e
sums w

; The weights of n columns and k tiles of X, dealt to the hemispheres as `column` takes them.
.def in_east(n, k) = n / 2 * k + n % 2 * ((k + 1) / 2)
.macro dealt name, n, k
    .weight {name}_e : f16 [in_east(n, k) * LANES, LANES] at mem.e[0..15] bank 0
    .if n * k > in_east(n, k)
        .weight {name}_w : f16 [(n * k - in_east(n, k)) * LANES, LANES] at mem.w[0..15] bank 0
    .endif
.endm

; Rows through what is installed in hemisphere h, whose outward streams go o and whose inward ones i: one half of the lanes.
.macro step name, h, o, i, rows, half, first, final
    flow {name}:
        read rows -> sg2.{o}[8]
        abc  mxm.{h}, sg2.{o}[8] half half
        .if first
            acc mxm.{h} -> sg4.{i}[0]
        .else
            read T0_{h} -> sg4.{o}[5]
            acc  mxm.{h}, sg4.{o}[5] -> sg4.{i}[0]
        .endif
        .if final
            write sg4.{i}[0] -> T1_{h}
        .else
            write sg4.{i}[0] -> T0_{h}
        .endif
.endm

.macro tile_product name, h, o, i, W, item, X, k, halves, first, final
    flow load_{name}:
        read {W}_{h}[LANES * item : +LANES, :] -> sg16.{o}[0]
        lw   mxm.{h}, sg16.{o}[0]
    flow install_{name}:
        iw mxm.{h}
        .for half in 0..halves
            step multiply_{name}_{half}, {h}, {o}, {i}, {X}_{h}[:, LANES * k : +LANES], half, \
                first && half == 0, final && half == halves - 1
        .endfor
.endm

; Tile number `item` of W_e (u = 0) or W_w (u = 1) with tile k of X, of which `left` lanes or more are left.
.macro product name, u, W, item, X, k, left, first, final
    .equ halves = left > LANES / 2 ? 2 : 1
    .if u == 0
        tile_product {name}, e, e, w, {W}, item, {X}, k, halves, first, final
    .else
        tile_product {name}, w, w, e, {W}, item, {X}, k, halves, first, final
    .endif
.endm

; Column n of X · Wᵀ as the sum of T1_e and T1_w: tile k is dealt to hemisphere (n + k) mod 2, so that two columns have
; as much work east as west. A hemisphere's tiles lie in the order of their use. After the `wide` lanes of X come `more`
; of Z, in tiles of their own.
.macro column name, n, W, X, wide, Z=X, more=0
    .equ tiles = ceil_div(wide, LANES)
    .equ deep = tiles + ceil_div(more, LANES)
    .for k in 0..deep
        .equ u = (n + k) % 2
        .equ item = n / 2 * deep + n % 2 * ((deep + 1 - u) / 2) + k / 2
        .if k < tiles
            product {name}_{n}_{k}, u, {W}, item, {X}, k, wide - LANES * k, k < 2, k + 2 >= deep
        .else
            product {name}_{n}_{k}, u, {W}, item, {Z}, k - tiles, more - LANES * (k - tiles), k < 2, k + 2 >= deep
        .endif
    .endfor
.endm

; Sums of column n, of which there were `deep` tiles, as %y of a flow.
.macro total n, deep
    .if deep > 1
        read T1_e -> sg4.w[4]
        read T1_w -> sg4.e[5]
        add  sg4.w[4], sg4.e[5] -> %y @alu8
    .elif n % 2
        read     T1_w -> sg4.e[5]
        identity sg4.e[5] -> %y @alu8
    .else
        read     T1_e -> sg4.w[4]
        identity sg4.w[4] -> %y @alu8
    .endif
.endm
