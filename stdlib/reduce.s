; One axis of an array made one vector, by sum or maximum: what reduce_sum, reduce_max and reduce_mean share. Each says
; MEAN and LARGEST (0 or 1) and includes this; trees.s has the trees over vectors that follow each other, lanes.s what
; makes lanes follow each other. Words: docs/kernels/README.md.
;
; The face (stdlib/reductions.py) chooses one of five ways, WAY, by shape:
;   DOWN         any axis but the last: C columns of R vectors, added down the column by trees. Columns go west and east
;                by turns, or (SPLIT) each is cut in two halves, whose results are combined at the end.
;   ACROSS       the last axis: sixteen rows at a time are transposed by the SXM, a byte plane of a tile at once. Trees
;                reduce the sixteen vectors, with those of the other tiles, to one that holds a row in each lane of a
;                superlane. Shifts then combine each superlane with those below it, round the chip: by 1 and 2, by 3 and 6,
;                by 7 and 14: 3, 7 and 20 superlanes in three rounds of two shifts, every superlane taken once.
;   DOWN_ACROSS  the last axis, long rows that are few: the tiles of a row are reduced first, as columns; then ACROSS.
;   BY_PLANES    sums of f16 over the last axis: 320 rows are installed in a pair of planes, and ones streamed through:
;                exact sums of 160 lanes, the row in each lane. An install of 16 rows a cycle and hemisphere is all
;                that it costs.
;   ROWS_FIRST   as DOWN_ACROSS, for rows of 3 … 8 tiles: a row a cycle, or two of up to four tiles. Each flow has every
;                sixteenth row, and so can write their bytes where the SXM takes them from (rows.s).
; What the VXM cannot add as it is (f16, and i32 whose mean is wanted) is cast in a first level of four operands a side:
; casts take the large ALUs, and four of a side with their three sums use all columns of ALUs.
.equ DOWN = 0
.equ ACROSS = 1
.equ DOWN_ACROSS = 2
.equ BY_PLANES = 3
.equ ROWS_FIRST = 4
.param C = 4    ; DOWN: columns; BY_PLANES: blocks of 320 rows; else rows
.param R = 512  ; DOWN and DOWN_ACROSS: vectors of a column; ACROSS and ROWS_FIRST: tiles; BY_PLANES: halves of tiles
.param N = R    ; elements that are reduced to one
.param WAY = DOWN
.param SPLIT = 0   ; each column is cut in two, one half for each side
.param SPAN = 20   ; superlanes that hold elements
.param ROWS = 320  ; BY_PLANES: rows of a block, of the largest
.param F16 = 0
.param I32 = 0

.equ CAST = F16 || I32 && MEAN
.equ WHOLE = I32 && !MEAN    ; integers to the end
.equ SMALL = F16 && LARGEST  ; the result is f16 again
.equ TRANSPOSED = WAY == ACROSS || WAY == DOWN_ACROSS || WAY == ROWS_FIRST
.equ ROUNDS = !TRANSPOSED || SPAN == 1 ? 0 : SPAN > 7 ? 3 : SPAN > 3 ? 2 : 1  ; of shifts
.equ OCTETS = WAY == ACROSS && F16 ? 2 : 4                                    ; byte planes that are transposed
.equ TILES = WAY == ACROSS ? R : 1                                            ; and tiles of them
.equ PER = WAY == ROWS_FIRST && !CAST && R <= 4 ? 2 : 1                       ; rows at a time
.equ FROM = WAY == ROWS_FIRST                                                 ; banks: of what is transposed,
.equ INTO = 1 - FROM                                                          ; and the other
.equ WEST = SPLIT ? C : TRANSPOSED ? min(C, 16 * ceil_div(C, 32)) : ceil_div(C, 2)
.equ EAST = SPLIT ? C : C - WEST
.equ GROUPS_w = ceil_div(WEST, 16)
.equ GROUPS_e = ceil_div(EAST, 16)
.equ LAST = SPLIT && WAY == DOWN || (MEAN || SMALL) && !ROUNDS  ; a step after the trees

.macro fold tree, a, b, out, alu
    .if LARGEST && WHOLE
        max.i32 a, b -> out @alu{alu}
    .elif LARGEST
        max.f32 a, b -> out @alu{alu}
    .elif WHOLE
        add.i32 a, b -> out @alu{alu}
    .else
        add.f32 a, b -> out @alu{alu}
    .endif
.endm
.macro carry a, out, alu
    .if WHOLE
        identity.i32 a -> out @alu{alu}
    .else
        identity.f32 a -> out @alu{alu}
    .endif
.endm
.equ ROW_TREE = 0
.equ LANE_TREE = 1
.macro leave tree, h, stream
    .if tree == LANE_TREE && ROUNDS
        write stream -> A1_{h}[0 : GROUPS_{h}, :]
        write stream -> B1_{h}[0 : GROUPS_{h}, :]
        write stream -> C1_{h}[0 : GROUPS_{h}, :]
    .elif tree == ROW_TREE && WAY == DOWN_ACROSS
        write stream -> E_{h}
    .elif LAST
        write stream -> F_{h}
    .else
        write stream -> Y_{h}
    .endif
.endm
; A mean, or a maximum made f16 again: the result.
.macro scale x, h, o, k
    .if MEAN
        mul   x, 1.0 / N -> sg4.{o}[4 * k + 3] @alu{8 * k + 3}
        write sg4.{o}[4 * k + 3] -> Y_{h}
    .else
        cast.f32.f16 x -> sg2.{o}[8 * k + 6] @alu{8 * k + 2}
        write        sg2.{o}[8 * k + 6] -> Y_{h}
    .endif
.endm
; The end of the last round of shifts, of two vectors.
.macro ends tree, a, also_a, b, also_b, h, o, k
    .if MEAN || SMALL
        fold tree, a, also_a, %all_a, 8 * k + 5
        fold tree, b, also_b, %all_b, 8 * k + 6
    .else
        fold tree, a, also_a, sg4.{o}[4 * k + 2], 8 * k + 5
        fold tree, b, also_b, sg4.{o}[4 * k + 3], 8 * k + 6
    .endif
    .if SMALL
        cast.f32.f16 %all_a -> sg2.{o}[8 * k + 4] @alu{8 * k + 2}
        cast.f32.f16 %all_b -> sg2.{o}[8 * k + 5] @alu{8 * k + 7}
        write        sg4.{o}[4 * k + 2] -> Y_{h}
    .else
        .if MEAN
            mul %all_a, 1.0 / N -> sg4.{o}[4 * k + 2] @alu{8 * k + 2}
            mul %all_b, 1.0 / N -> sg4.{o}[4 * k + 3] @alu{8 * k + 7}
        .endif
        write sg8.{o}[2 * k + 1] -> Y_{h}
    .endif
.endm
.include "trees.s"
.include "lanes.s"

; The group of four streams that brings the j-th operand to be cast on side k: a large ALU in a row of its own takes it,
; rows 0, 1, 3, 2 (j ^ j / 2) for j = 0 … 3, by groups 0, 2, 6, 4; side 1 is the mirror image, by groups 1, 7, 3, 5.
.def place(k, j) = k ? (9 - 2 * (j ^ j / 2)) % 8 : 2 * (j ^ j / 2)
; The j-th operand cast, by ALU alu, or on side 1 by its mirror image.
.macro widen i, k, j, alu, out
    .if F16
        cast.f16.f32 sg2.{i}[2 * place(k, j)] -> out @alu{k ? 15 - alu : alu}
    .else
        cast.i32.f32 sg4.{i}[place(k, j)] -> out @alu{k ? 15 - alu : alu}
    .endif
.endm
; n operands cast and made one, which may go to group 3, or 6 on side 1.
.macro cast_tree i, k, n, out
    .if n == 1
        widen i, k, 0, 0, out
    .else
        widen i, k, 0, 0, %p
        widen i, k, 1, 5, %q
        .if n == 2
            fold ROW_TREE, %p, %q, out, k ? 9 : 6
        .else
            fold  ROW_TREE, %p, %q, %r, k ? 9 : 6
            widen i, k, 2, 13, %s
            .if n == 3
                fold ROW_TREE, %r, %s, out, k ? 12 : 3
            .else
                widen i, k, 3, 8, %t
                fold  ROW_TREE, %s, %t, %u, k ? 1 : 14
                fold  ROW_TREE, %r, %u, out, k ? 12 : 3
            .endif
        .endif
    .endif
.endm

; The first level where operands are cast: four make one, and the n mod 4 that remain another.
.macro cast_level name, h, i, o, k, n, from, to, final
    .for part in 0..2
        .equ FIRST = part ? n - n % 4 : 0
        .equ PARTS = part ? n % 4 : 4 * (n >= 4)
        .if PARTS
            flow {name}_{part}:
                .for j in 0..PARTS
                    .if F16
                        read from[:, FIRST + j : part ? n : n - n % 4 : 4, :] -> sg2.{i}[2 * place(k, j)]
                    .else
                        read from[:, FIRST + j : part ? n : n - n % 4 : 4, :] -> sg4.{i}[place(k, j)]
                    .endif
                .endfor
                cast_tree i, k, PARTS, sg4.{o}[k ? 6 : 3]
                .if final
                    leave ROW_TREE, h, sg4.{o}[k ? 6 : 3]
                .else
                    write sg4.{o}[k ? 6 : 3] -> to[:, FIRST / 4 : part ? ceil_div(n, 4) : n / 4, :]
                .endif
        .endif
    .endfor
.endm

; Columns of n vectors of X, as they are, made one each.
.macro columns h, i, o, k, count, n
    .if F16
        .input X_{h} : f16 [count, 8 * ceil_div(n, 8), LANES] at mem.{h}[0..15] bank 0
    .elif I32
        .input X_{h} : i32 [count, 8 * ceil_div(n, 8), LANES] at mem.{h}[0..31] bank 0
    .else
        .input X_{h} : f32 [count, 8 * ceil_div(n, 8), LANES] at mem.{h}[0..31] bank 0
    .endif
    .equ FOURS = ceil_div(n, 4)
    .if !CAST && WHOLE
        levels P_{h}, ROW_TREE, h, i, o, k, count, n, i32, X_{h}, 1, WAY == DOWN
    .elif !CAST
        levels P_{h}, ROW_TREE, h, i, o, k, count, n, f32, X_{h}, 1, WAY == DOWN
    .elif FOURS == 1
        cast_level C_{h}, h, i, o, k, n, X_{h}, X_{h}, 1
    .else
        .temp P_{h}0 : f32 [count, 8 * ceil_div(FOURS, 8), LANES] \
            at mem.{h}[28..31] mem.{h}[24..27] mem.{h}[20..23] mem.{h}[16..19] \
            mem.{h}[12..15] mem.{h}[8..11] mem.{h}[4..7] mem.{h}[0..3] bank 1
        cast_level C_{h}, h, i, o, k, n, X_{h}, P_{h}0, 0
        levels     P_{h}, ROW_TREE, h, i, o, k, count, FOURS, f32, P_{h}0, 0, WAY == DOWN
    .endif
.endm

.include "rows.s"

; ---- Across lanes ------------------------------------------------------------------------------------------------
; Rows made one vector for each group of sixteen: by the trees, and by shifts.
.macro across h, i, o, k, rows
    .equ GROUPS = ceil_div(rows, 16)
    .equ TOTAL = 16 * GROUPS * TILES
    .equ EACH = WAY == ACROSS && CAST ? 4 : 8
    .equ COUNT = 16 * TILES / EACH
    planes WAY != ACROSS, X, h, TOTAL, OCTETS, FROM
    planes 1, T, h, TOTAL, OCTETS, INTO
    .if WHOLE
        .temp Q_{h} : i32 [GROUPS, 8 * ceil_div(COUNT, 8), LANES] at mem.{h}[0..31] bank FROM
    .else
        .temp Q_{h} : f32 [GROUPS, 8 * ceil_div(COUNT, 8), LANES] at mem.{h}[0..31] bank FROM
    .endif
    .if WAY == ROWS_FIRST
        rows_first h, i, o, k, GROUPS
    .endif
    .if WAY == DOWN_ACROSS
        .for part in 0..2
            flow cut_{h}_{part}:  ; rows, byte by byte, to slices of their own
                read E_{h} -> sg4.{i}[4 * k]
                .if SPLIT
                    read E_e -> sg4.w[1]
                    fold ROW_TREE, sg4.e[0], sg4.w[1], sg4.w[2], 0
                .else
                    carry sg4.{i}[4 * k], sg4.{o}[4 * k + 2], 8 * k
                .endif
                .for p in 2 * part..2 * part + 2
                    write.u8 s{16 * k + 8 + p}.{o} -> X{p}_{h}[0:rows, :]
                .endfor
        .endfor
    .endif
    turn X, T, h, i, o, OCTETS
    .if EACH == 8
        plane_level LANE_TREE, h, i, o, k, TOTAL, TILES, Q_{h}
    .else
        .for part in 0..4
            flow lanes_{h}_{part}:
                .for j in 0..4
                    .for p in 0..OCTETS
                        read T{p}_{h}[4 * part + j : TOTAL : 16, :] -> s{4 * place(k, j) + p}.{i}
                    .endfor
                .endfor
                cast_tree i, k, 4, sg4.{o}[k ? 6 : 3]
                write     sg4.{o}[k ? 6 : 3] -> Q_{h}[:, part : COUNT : 4, :]
        .endfor
    .endif
    .if WHOLE
        levels L_{h}, LANE_TREE, h, i, o, k, GROUPS, COUNT, i32, Q_{h}, INTO, 0
    .else
        levels L_{h}, LANE_TREE, h, i, o, k, GROUPS, COUNT, f32, Q_{h}, INTO, 0
    .endif
    .if ROUNDS
        meet_pairs LANE_TREE, h, i, o, k, ROUNDS
    .endif
.endm

; ---- Sums of f16 by the planes -----------------------------------------------------------------------------------
; A block of rows, a tile at a time; S has what the halves of the tiles add. A load takes all streams, so it leaves a
; gap in its midst, where the ones of the tile before pass.
.equ EARLY = ROWS / 32  ; groups of sixteen rows before that
.macro load h, o, q, tiles, first, end
    .if end > first
        flow load_{h}_{q}_{first}:
            read X_{h}[q / tiles, q % tiles, 16 * first : 16 * end, :] -> sg32.{o}[0]
            lw   mxm.{h}, sg32.{o}[0] group first
    .endif
.endm
.macro tile_sums h, i, o, b, t
    .for half in 2 * t..min(2 * t + 2, R)
        flow sum_{h}_{b}_{half}:
            cast.f32.f16 1.0 -> sg2.{o}[half % 2]
            abc          mxm.{h}, sg2.{o}[half % 2] half half % 2
            acc          mxm.{h} -> sg4.{i}[half % 2]
            write        sg4.{i}[half % 2] -> S_{h}[b, half, :]
    .endfor
.endm
.macro blocks h, i, o, k, count
    .equ TILES = ceil_div(R, 2)
    .input X_{h} : f16 [count, TILES, ROWS, LANES] at mem.{h}[0..31] bank 0
    .temp  S_{h} : f32 [count, 8 * ceil_div(R, 8), LANES] \
        at mem.{h}[28..31] mem.{h}[24..27] mem.{h}[20..23] mem.{h}[16..19] \
        mem.{h}[12..15] mem.{h}[8..11] mem.{h}[4..7] mem.{h}[0..3] bank 1
    .for q in 0..count * TILES + 1
        .if q < count * TILES
            load h, o, q, TILES, 0, EARLY
        .endif
        .if q
            tile_sums h, i, o, (q - 1) / TILES, (q - 1) % TILES
        .endif
        .if q < count * TILES
            load h, o, q, TILES, EARLY, ROWS / 16
            flow install_{h}_{q}:
                iw mxm.{h}
        .endif
    .endfor
    levels P_{h}, ROW_TREE, h, i, o, k, count, R, f32, S_{h}, 0, 1
.endm

; ---- The result --------------------------------------------------------------------------------------------------
.macro tensors h, k, count
    .if LAST && WHOLE
        .temp F_{h} : i32 [count, LANES] at mem.{h}[32..35]
    .elif LAST
        .temp F_{h} : f32 [count, LANES] at mem.{h}[32..35]
    .endif
    .if k == 0 || !SPLIT
        .if ROUNDS && WHOLE
            .output Y_{h} : i32 [count + count % 2, LANES] at mem.{h}[0..7] bank FROM
        .elif ROUNDS && SMALL
            .output Y_{h} : f16 [count + count % 2, LANES] at mem.{h}[0..3] bank FROM
        .elif ROUNDS
            .output Y_{h} : f32 [count + count % 2, LANES] at mem.{h}[0..7] bank FROM
        .elif WHOLE
            .output Y_{h} : i32 [count, LANES] at mem.{h}[36..39] bank 0
        .elif SMALL
            .output Y_{h} : f16 [count, LANES] at mem.{h}[36..37] bank 0
        .else
            .output Y_{h} : f32 [count, LANES] at mem.{h}[36..39] bank 0
        .endif
    .endif
.endm
.macro finish h, i, o, k
    flow finish_{h}:
        read F_{h} -> sg4.{i}[4 * k]
        .if SPLIT && WAY == DOWN
            read F_e -> sg4.w[1]
            .if MEAN || SMALL
                fold  ROW_TREE, sg4.e[0], sg4.w[1], %x, 0
                scale %x, h, o, k
            .else
                fold  ROW_TREE, sg4.e[0], sg4.w[1], sg4.w[2], 0
                write sg4.w[2] -> Y_w
            .endif
        .else
            scale sg4.{i}[4 * k], h, o, k
        .endif
.endm

.macro results h, i, o, k, rows
    .equ GROUPS = ceil_div(rows, 16)
    tensors h, k, GROUPS
    .if ROUNDS && WHOLE
        between_pairs h, GROUPS, i32, INTO
    .elif ROUNDS
        between_pairs h, GROUPS, f32, INTO
    .endif
    across h, i, o, k, rows
.endm
.macro side h, i, o, k, count, n
    .if WAY == DOWN
        tensors h, k, count
        columns h, i, o, k, count, n
    .elif WAY == ACROSS || WAY == ROWS_FIRST
        results h, i, o, k, count
    .elif WAY == DOWN_ACROSS
        .if WHOLE
            .temp E_{h} : i32 [count, LANES] at mem.{h}[32..35]
        .else
            .temp E_{h} : f32 [count, LANES] at mem.{h}[32..35]
        .endif
        columns h, i, o, k, count, n
    .else
        tensors h, k, count
        blocks  h, i, o, k, count
    .endif
.endm

side w, e, w, 0, WEST, SPLIT ? ceil_div(R, 2) : R
.if EAST
    side e, w, e, 1, EAST, SPLIT ? R / 2 : R
.endif
.if WAY == DOWN_ACROSS
    results w, e, w, 0, WEST
    .if EAST && !SPLIT
        results e, w, e, 1, EAST
    .endif
.endif
.if LAST
    finish w, e, w, 0
    .if EAST && !SPLIT
        finish e, w, e, 1
    .endif
.endif
