; Matrices of at most 16 rows, transposed by the SXM: for transpose.s.
;
; The idea. A transposer takes 16 streams, a row each, and gives 16 others, on stream j of which superlane s has column
; 16 s + j of the matrix: sixteen rows of the result for every superlane, all but the first in the wrong place. So what
; comes out waits in T, and is read once for each superlane: a distributor leaves that superlane alone, and `shift_wide`
; takes it down to lane 0. A hemisphere so writes 16 rows of the result in every cycle, where its planes would give two.
; Up to 16 columns lie in superlane 0: they need neither, and both transposers of a hemisphere work.
;
; Layout. ITEMS matrices of bytes [16, PARTS · 16], rows that are missing zero: matrix i is unit i mod UNITS of X [words,
; UNITS, 16, 320], and column 16 s + j of it row j of that unit of Y [words, ...], or of Y0 [s, ...], or of
; Y1 [s - FIRST, ...] where Y0 has no room for all.
; Cycles: PARTS = 1: at most ⌈ITEMS / 4⌉ + 70; else ⌈ITEMS / 2⌉ · (PARTS + 1) + 130.
.param PARTS = 1

.equ UNITS = PARTS > 1 ? 2 : 4
.equ ITEM_WORDS = ceil_div(ITEMS, UNITS)

.macro transposed u, h, o, i, k, to
    flow turn_{u}:
        read      X[:, u, :, :] -> sg16.{o}[k]
        transpose sg16.{o}[k] -> sg16.{i}[k] @sxm.{h}.transpose{k}
        write     sg16.{i}[k] -> {to}[:, u, :, :]
.endm

.macro part s, u, h, o, i, to
    flow part_{s}_{u}:
        read       T[:, u, :, :] -> sg16.{o}[0]
        read       Own_{h}[s : s + 1, :] -> s16.{o} repeat ITEM_WORDS step 0
        distribute sg8.{o}[0], s16.{o} -> sg8.{o}[0]
        distribute sg8.{o}[1], s16.{o} -> sg8.{o}[1]
        shift_wide sg16.{o}[0], -16 * s -> sg16.{i}[0]
        write      sg16.{i}[0] -> to
.endm

.if PARTS == 1
    .input     X : i8 [ITEM_WORDS, 4, 16, LANES] at mem.e[0..31] mem.w[0..31] bank 0
    .output    Y : i8 [ITEM_WORDS, 4, 16, LANES] at mem.e[0..31] mem.w[0..31] bank 1
    transposed 0, e, e, w, 0, Y
    transposed 1, e, e, w, 1, Y
    transposed 2, w, w, e, 0, Y
    transposed 3, w, w, e, 1, Y
.else
    .equ FIRST = min(PARTS, WORDS / ITEM_WORDS)
    .const  Own_e : u8 [PARTS, LANES] at mem.e42 = for s, lane: lane / 16 == s ? lane % 16 : 16
    .const  Own_w : u8 [PARTS, LANES] at mem.w42 = for s, lane: lane / 16 == s ? lane % 16 : 16
    .input  X : i8 [ITEM_WORDS, 2, 16, LANES] at mem.e[0..15] mem.w[0..15] bank 0
    .temp   T : i8 [ITEM_WORDS, 2, 16, LANES] at mem.e[0..15] mem.w[0..15] bank 1
    .output Y0 : i8 [FIRST, ITEM_WORDS, 2, 16, LANES] at mem.e[16..31] mem.w[16..31]
    .if PARTS > FIRST
        .output Y1 : i8 [PARTS - FIRST, ITEM_WORDS, 2, 16, LANES] at mem.e[0..15] mem.w[0..15] bank 0
    .endif
    transposed 0, e, e, w, 0, T
    transposed 1, w, w, e, 0, T
    .for s in 0..PARTS
        .if s < FIRST
            part s, 0, e, e, w, Y0[s, :, 0, :, :]
            part s, 1, w, w, e, Y0[s, :, 1, :, :]
        .else
            part s, 0, e, e, w, Y1[s - FIRST, :, 0, :, :]
            part s, 1, w, w, e, Y1[s - FIRST, :, 1, :, :]
        .endif
    .endfor
.endif
