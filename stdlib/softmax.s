; Y = exp(X − maximum) / sum, along one axis: f32, or (F16 = 1) f16 in and out.
;
; The idea. Three passes over columns of vectors, whose axis runs in time, the columns dealt to west and east:
;   maxima   trees of eight operands a side and cycle, level after level (trees.s)
;   powers   four pipelines a side: a small ALU takes the maximum off, the large one of the same row does exp; all 16
;            work
;   sums     trees again; the reciprocal is the square of rsqrt, which no sum overflows: it is 1 … elements
;   scale    16 products a cycle with what the ALUs have kept of their column; all streams carry operands, so none is
;            left for the reciprocal. Many columns, short ones, and f16, which is cast back, take the pipelines of the
;            powers.
; That is 4 + 8 + 4 + 4 cycles for 64 vectors, and 1/57 of a cycle a vector for the later levels: 640 and 36 for f32
; [512, 1280]. The rest of its 922 are the ways from the last write of a pass to the first result of the next, nine of
; 20 … 30 cycles; so a run ends next to the VXM, and so do its sums and reciprocals lie.
; Across lanes there are two ways. ACROSS: the SXM transposes sixteen rows at a time, byte plane by byte plane
; (lanes.s). The same passes follow, a column now sixteen rows with the row in each lane; the maxima and the sums of
; superlanes meet by three rounds of shifts, each of 80 cycles that nothing else fills, and the SXM turns back what is
; scaled. CROSS: long rows, that are few, are columns as they are; of the one vector that is left of each, first the
; superlanes and then the lanes meet, a tree of shifts of six rounds, and the last lane is given to all.
;
; Compared, rows of n, ACROSS against CROSS, the better one kept: 16 of 320, 678 and 1,148 cycles; 1 of 32,000, 2,233
; and 1,124; 16 of 20,000, 1,692 and 1,493. Trees of shifts over all rows, as they come, take 1,516 cycles for 128 of
; 320 before anything else is computed (reduce_sum.s), ACROSS 747 in all. ACROSS in parts, so that one is computed while
; another is met, took 1,642 to 1,917 cycles for [512, 1280] by where the parts end, in one 1,706: not kept.
; Above the floor, [512, 1280] across lanes: of 1,706 cycles 510 are six rounds of shifts, each a way of 67 cycles to
; the SXM and back that nothing fills, and 342 are bytes turned, in and out, for which the slices are read that the
; passes read. Short rows fill few of their lanes, 1,000 of 50 a sixth, and pay the same for the others.
; Others above it, with what `explain` counts: f32 [8, 64, 320] over axis 1, 373 of 317, 47 until the first product, 9
; for data. f16 [512, 1280] over axis 0, 1,338 of 1,099: 239 in three waits, of 76 to 85 cycles, for a bank that the
; pass before still writes. Across lanes: [1000, 50], 1,417 of 792, and [64, 32000], 3,698 of 2,938: 454 and 408 of the
; 625 and 760 are waits for the slices in which superlanes are added (mem.w36, mem.w40); f16 [512, 1280], 1,974 of
; 1,444: 284 for mem.w28, 126 for mem.w12 and mem.w3, 120 for mem.w32, mem.w36 and mem.w40, all banks still in use.
;
; Contract
;   shapes  of an array [O, R, I], R is summed. I > 1: C columns, O times a tile of 320 lanes of I; X_h, or H_h of f16,
;           and Y_h [columns of side h, west first, R, 320], R a multiple of 8 (SPLIT: R of each side). I = 1: C rows of
;           R tiles; X0_h … and Y0_h … the byte planes of groups of sixteen rows, tile by tile, or (CROSS) X_h and Y_h
;           as above, a row a column. What pads is −∞.
;   error   (d + ln n + D + 7) · 2⁻²⁴ of the result and 2⁻¹⁴⁸, d how far x is below the maximum, n elements, D additions
;           that one goes through (three a level, two a round of shifts); f16: 2⁻¹¹ + 2⁻¹⁸ of the result, or 2⁻²⁵ + 2⁻³²
;   cycles  at most 3 · G + 2 · (G · P(n) + 24 · L(n)) + G · n/4 + 128 for G columns or groups of n vectors on the
;           busier side, P(n) = ⌈n/8⌉ + ⌈n/64⌉ + … to 1 and L(n) the number of these; G · n/8 + 2 · G to scale, or G ·
;           n/4; f16: G · n/4 + 35; SPLIT: 35; ACROSS: G · n/4 (f16: n/8) + 60 to turn, and 6 · G + 430 to meet;
;           CROSS: 14 · G + 860
.target tsp1
.param C = 4    ; columns; ACROSS: rows
.param R = 512  ; vectors of a column, a multiple of 8; ACROSS: tiles
.param ACROSS = 0
.param CROSS = 0  ; a column is a row, and its lanes are met, too
.param SPLIT = 0  ; each column is cut in two, one for each side
.param SHORT = 0  ; ACROSS: all elements lie in the first superlane
.param F16 = 0

.equ WEST = SPLIT ? C : ACROSS ? min(C, 16 * ceil_div(C, 32)) : ceil_div(C, 2)
.equ EAST = SPLIT ? C : C - WEST
.equ COUNT_w = ACROSS ? ceil_div(WEST, 16) : WEST  ; columns of trees
.equ COUNT_e = ACROSS ? ceil_div(EAST, 16) : EAST
.equ LONG = ACROSS ? 16 * R : R  ; vectors of a column
.equ OCTETS = F16 ? 2 : 4
.equ PLANES = ACROSS && !F16  ; the core reads byte planes
.equ BANK = PLANES            ; of what maxima and powers read
.equ SETS = PLANES ? 4 : 1
.equ STRIDE = 4 * SETS
.equ OTHER = 1 - BANK
.equ ROUNDS = CROSS || ACROSS && !SHORT ? 3 : 0
.equ LATCHED = !F16 && LONG >= 64 && COUNT_w <= 48  ; a flow for each column and ALU
; Reciprocals that ALUs keep are read before the powers are; others are read beside them, and they take slices 0 … 31.
.equ INV_AT = LATCHED && !ACROSS ? 0 : 32
; Each level of a tree leaves its vectors in the other bank: after an odd number the last reads the bank of the first.
.equ ODD_LEVELS = LONG <= 8 || LONG > 64 && LONG <= 512 || LONG > 4096
; Many sums are not read where their reciprocals are written.
.equ SUMS_AT = LATCHED && !ODD_LEVELS && COUNT_w > 16 ? 4 : 0

.equ MAXIMA = 0
.equ SUMS = 1
.macro fold tree, a, b, out, alu
    .if tree == MAXIMA
        max.f32 a, b -> out @alu{alu}
    .else
        add.f32 a, b -> out @alu{alu}
    .endif
.endm
.macro carry a, out, alu
    identity.f32 a -> out @alu{alu}
.endm
.macro leave tree, h, stream
    .if ROUNDS && !SPLIT
        apart h, stream
    .elif tree == MAXIMA && !SPLIT
        write stream -> MAX_{h}
    .else
        write stream -> PART{tree}_{h}
    .endif
.endm
.macro invert s, h, o, k
    rsqrt s -> %root @alu{8 * k + 2}
    mul   %root, %root -> sg4.{o}[4 * k + 3] @alu{8 * k + 3}
    write sg4.{o}[4 * k + 3] -> INV_{h}
.endm
.macro met tree, wide, a, b, h, o, k
    .if CROSS && wide
        fold  tree, a, b, sg4.{o}[4 * k + 3], 8 * k + 3
        apart h, sg4.{o}[4 * k + 3]
    .elif CROSS
        fold  tree, a, b, sg4.{o}[4 * k + 3], 8 * k + 3
        write sg4.{o}[4 * k + 3] -> PART{tree}_{h}
    .elif tree == MAXIMA
        fold  tree, a, b, sg4.{o}[4 * k + 3], 8 * k + 3
        write sg4.{o}[4 * k + 3] -> MAX_{h}
    .else
        fold   tree, a, b, %sum, 8 * k + 1
        invert %sum, h, o, k
    .endif
.endm
.include "trees.s"
.include "lanes.s"

; ---- Passes ------------------------------------------------------------------------------------------------------
; Four pipelines a side, two in a row of ALUs: a small ALU, then a large one. Side 1 is two rows and four groups on. A
; vector of a column comes with all of them, on a group that both rows reach. Pipeline q has a group of streams and two
; ALUs; in every other row the large ALU comes first.
.def group(q, k) = (q + 2 * (q / 2) + 4 * k) % 8
.def small(q, k) = (q < 2 ? 2 * q + 1 : 2 * q) + 8 * k
.def large(q, k) = (q < 2 ? 2 * q : 2 * q + 1) + 8 * k
.macro with_all from, i, k, long, count
    read from -> sg4.{i}[3 + 4 * k] repeat long step 0 repeat count
.endm
.macro widen h, i, o, k, q, count
    .equ G = group(q, k)
    .if ACROSS
        read T0_{h}[q : count * LONG : 4, :] -> s{4 * G}.{i}
        read T1_{h}[q : count * LONG : 4, :] -> s{4 * G + 1}.{i}
    .else
        read H_{h}[:, q : LONG : 4, :] -> sg2.{i}[2 * G]
    .endif
    cast.f16.f32 sg2.{i}[2 * G] -> sg4.{o}[G] @alu{large(q, k)}
    write        sg4.{o}[G] -> X_{h}[:, q : LONG : 4, :]
.endm
.macro power h, i, o, k, q, part, count
    .equ G = group(q, k)
    .if PLANES
        .for p in 0..4
            read T{p}_{h}[4 * part + q : count * LONG : 16, :] -> s{4 * G + p}.{i}
        .endfor
    .else
        read X_{h}[:, q : LONG : 4, :] -> sg4.{i}[G]
    .endif
    sub.f32 sg4.{i}[G], sg4.{i}[3 + 4 * k] -> %below @alu{small(q, k)}
    exp     %below -> sg4.{o}[G] @alu{large(q, k)}
    write   sg4.{o}[G] -> E_{h}[:, 4 * part + q : LONG : STRIDE, :]
.endm
.macro scaled h, i, o, k, q, part, count
    .equ G = group(q, k)
    read E_{h}[:, 4 * part + q : LONG : STRIDE, :] -> sg4.{i}[G]
    .if F16
        mul      sg4.{i}[G], sg4.{i}[3 + 4 * k] -> %y @alu{small(q, k)}
        cast.f16 %y -> sg2.{o}[2 * G] @alu{large(q, k)}
    .else
        mul sg4.{i}[G], sg4.{i}[3 + 4 * k] -> sg4.{o}[G] @alu{small(q, k)}
    .endif
    .if ACROSS
        .for p in 0..OCTETS
            write.u8 s{4 * G + p}.{o} -> U{p}_{h}[4 * part + q : count * LONG : STRIDE, :]
        .endfor
    .elif F16
        write sg2.{o}[2 * G] -> Y_{h}[:, q : LONG : 4, :]
    .else
        write sg4.{o}[G] -> Y_{h}[:, q : LONG : 4, :]
    .endif
.endm

; Eight vectors a cycle of a side, times what its ALUs have kept: two ALUs of each row.
.macro scaled_column h, i, o, k, c
    .for two in 0..2
        flow keep_{h}_{c}_{two}:
            read INV_{h}[c, :] -> sg4.{i}[3 + 4 * two]
            .for q in 0..4
                identity sg4.{i}[3 + 4 * two] keep 1 @alu{8 * two + 4 * (q / 2) + q % 2 + 2 * k}
            .endfor
    .endfor
    .for half in 0..1 + ACROSS
        .for q in 0..8
            flow scale_{h}_{c}_{half}_{q}:
                read E_{h}[c, 8 * half + q : LONG : ACROSS ? 16 : 8, :] -> sg4.{i}[q]
                mul  sg4.{i}[q], latch -> sg4.{o}[q] @alu{4 * (q / 2) + q % 2 + 2 * k}
                .if ACROSS
                    .for p in 0..4
                        write.u8 s{4 * q + p}.{o} -> U{p}_{h}[LONG * c + 8 * half + q : LONG * c + LONG : 16, :]
                    .endfor
                .else
                    write sg4.{o}[q] -> Y_{h}[c, q : LONG : 8, :]
                .endif
        .endfor
    .endfor
.endm

.macro tensors h, count
    .if ACROSS
        planes 0, X, h, count * LONG, OCTETS, 0
        planes 1, T, h, count * LONG, OCTETS, 1
        planes 1, U, h, count * LONG, OCTETS, BANK
        planes 2, Y, h, count * LONG, OCTETS, OTHER
    .elif F16
        .input  H_{h} : f16 [count, LONG, LANES] at mem.{h}[0..15] bank OTHER
        .output Y_{h} : f16 [count, LONG, LANES] at mem.{h}[0..15] bank BANK
    .else
        .input  X_{h} : f32 [count, LONG, LANES] at mem.{h}[0..31] bank BANK
        .output Y_{h} : f32 [count, LONG, LANES] at mem.{h}[0..31] bank BANK
    .endif
    .if F16
        .temp X_{h} : f32 [count, LONG, LANES] at mem.{h}[0..31] bank BANK
    .elif ACROSS
        .temp Q_{h} : f32 [count, 8 * ceil_div(LONG, 64), LANES] at mem.{h}[0..31] bank OTHER
    .endif
    .temp E_{h} : f32 [count, LONG, LANES] \
        at mem.{h}[28..31] mem.{h}[24..27] mem.{h}[20..23] mem.{h}[16..19] \
        mem.{h}[12..15] mem.{h}[8..11] mem.{h}[4..7] mem.{h}[0..3] bank OTHER
    .temp MAX_{h} : f32 [count, LANES] at mem.{h}[32..35] bank 1
    .temp INV_{h} : f32 [count, LANES] at mem.{h}[INV_AT..INV_AT + 3] bank INV_AT ? 1 : OTHER
    .temp PART{MAXIMA}_{h} : f32 [count, LANES] at mem.{h}[0..3] bank ODD_LEVELS ? OTHER : BANK
    .temp PART{SUMS}_{h} : f32 [count, LANES] at mem.{h}[SUMS_AT..SUMS_AT + 3] bank ODD_LEVELS ? BANK : OTHER
    .if ROUNDS
        between h, count, f32
    .endif
.endm

.macro maxima h, i, o, k, count
    .if F16
        .for q in 0..4
            flow widen_{h}_{q}:
                widen h, i, o, k, q, count
        .endfor
    .endif
    .if PLANES
        plane_level MAXIMA, h, i, o, k, count * LONG, R, Q_{h}
        levels      M_{h}, MAXIMA, h, i, o, k, count, LONG / 8, f32, Q_{h}, BANK, 1
    .else
        levels M_{h}, MAXIMA, h, i, o, k, count, LONG, f32, X_{h}, OTHER, 1
    .endif
.endm
.macro powers h, i, o, k, count
    .for part in 0..SETS
        flow power_{h}_{part}:
            with_all MAX_{h}, i, k, LONG / STRIDE, count
            .for q in 0..4
                power h, i, o, k, q, part, count
            .endfor
    .endfor
.endm
.macro sums h, i, o, k, count
    levels S_{h}, SUMS, h, i, o, k, count, LONG, f32, E_{h}, BANK, 1
.endm
.macro all tree, h, i, o, k
    .if ROUNDS
        meet tree, 1, h, i, o, k, 3
    .endif
    .if CROSS
        meet tree, 0, h, i, o, k, 3
        flow spread_{tree}_{h}:
            read      PART{tree}_{h} -> sg4.{o}[4 * k]
            broadcast sg4.{o}[4 * k], LANES - 1 -> sg4.{i}[4 * k] @sxm.{h}.select0
            .if tree == MAXIMA
                carry sg4.{i}[4 * k], sg4.{o}[4 * k + 3], 8 * k
                write sg4.{o}[4 * k + 3] -> MAX_{h}
            .else
                invert sg4.{i}[4 * k], h, o, k
            .endif
    .elif !ROUNDS && !SPLIT && tree == SUMS
        flow invert_{h}:
            read   PART{tree}_{h} -> sg4.{i}[4 * k]
            invert sg4.{i}[4 * k], h, o, k
    .endif
.endm
.macro results h, i, o, k, count
    .if LATCHED
        .for c in 0..count
            scaled_column h, i, o, k, c
        .endfor
    .else
        .for part in 0..SETS
            flow scale_{h}_{part}:
                with_all INV_{h}, i, k, LONG / STRIDE, count
                .for q in 0..4
                    scaled h, i, o, k, q, part, count
                .endfor
        .endfor
    .endif
.endm

; ---- All of it, side by side -------------------------------------------------------------------------------------
.macro stage number, h, i, o, k, count
    .if number == 0
        tensors h, count
        .if ACROSS
            turn X, T, h, i, o, OCTETS
        .endif
    .elif number == 1
        maxima h, i, o, k, count
    .elif number == 2
        all MAXIMA, h, i, o, k
    .elif number == 3
        powers h, i, o, k, count
    .elif number == 4
        sums h, i, o, k, count
    .elif number == 5
        all SUMS, h, i, o, k
    .else
        results h, i, o, k, count
        .if ACROSS
            turn U, Y, h, i, o, OCTETS
        .endif
    .endif
.endm

; What the two parts of cut columns come to, for both sides.
.macro join tree
    flow join_{tree}:
        read PART{tree}_w -> sg4.e[0]
        read PART{tree}_e -> sg4.w[1]
        .if tree == MAXIMA
            max.f32 sg4.e[0], sg4.w[1] -> sg4.w[2], sg4.e[3] @alu0
        .elif CROSS
            add.f32 sg4.e[0], sg4.w[1] -> sg4.w[2], sg4.e[3] @alu0
        .else
            add.f32 sg4.e[0], sg4.w[1] -> %sum @alu0
            rsqrt   %sum -> %root @alu2
            mul     %root, %root -> sg4.w[2], sg4.e[3] @alu3
        .endif
        .if CROSS
            apart w, sg4.w[2]
            apart e, sg4.e[3]
        .elif tree == MAXIMA
            write sg4.w[2] -> MAX_w
            write sg4.e[3] -> MAX_e
        .else
            write sg4.w[2] -> INV_w
            write sg4.e[3] -> INV_e
        .endif
.endm
.for number in 0..7
    stage number, w, e, w, 0, COUNT_w
    .if EAST
        stage number, e, w, e, 1, COUNT_e
    .endif
    .if SPLIT && number == 1
        join MAXIMA
    .elif SPLIT && number == 4
        join SUMS
    .endif
.endfor
