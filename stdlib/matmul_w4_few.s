; Few rows of A with weights of 4 bits, which are not made into f16: for matmul_w4.s. K is above 320.
;
; The idea. A byte below a byte of zero is an f16 as well: what it counts, times 2⁻²⁴. So numbers of four bits, and 16
; times such, install as they are, and the planes' sums of products are exact. What is left to do to a byte is to part it
; in two, which an ALU does for four streams at once: 20 cycles a tile, in which it loads. Weights count from −8 on; what
; that adds to a sum, 8 times the sum of A, comes off in ACC: the planes make it once, of weights that all are −8.
;
; A scale belongs to a sum over G lanes, 16 or 32. So a row of A passes with all but G of its lanes masked, 20 or 10 times
; a tile, and its sums come out one by one with N across the lanes. The scales lie so too: they are cast, multiplied, and
; added to what the tiles before gave. For each segment, row, and column of tiles one sum is kept: read from T0, written
; to T1, and the other way round for the next tile. The end adds these up, and multiplies by 2²⁴, or by 2²⁰ in the lanes
; that upper halves gave. Tile (n, k) is the east's if k is even.
;
; ALUs 0 … 3 part the bytes of the west, 4, 7, 12, 13 those of the east; 8, 9, 10 and 5, 6, 11 scale and add; 14 and 15
; mask: all are busy. Where one row passes in 20 segments a tile takes 22 or 23 cycles in place of 20: the sums of one
; tile still go to the bank that the next one reads, so they have to meet in odd cycles.
.input A : f16 [M, K] at mem.w[42..43] tile M x LANES
.temp  A_e : f16 [M, K] at mem.e[10..11] tile M x LANES

.equ COLUMNS_e = (TK + 1) / 2  ; tiles of K in a hemisphere
.equ COLUMNS_w = TK / 2
.equ SEGMENTS = LANES / G  ; of a tile, each of one scale, and of what passes at once
.equ PASS = SEGMENTS / 2
.equ LOW = 0x0F0F0F0F    ; of each of four bytes, the lower number
.equ HIGH = -0x0F0F0F10  ; 16 times the upper one
.equ SIGN = -0x7F7F7F80  ; the sign of an f16, of which the byte is the upper one

.const Factor : f32 [1, LANES] at mem.e[12..15] = for row, lane: lane % 8 < 4 ? 16777216.0 : 1048576.0
.if SEGMENTS == 20
    .temp U : f32 [TN * M, 10, LANES] at mem.e[20..27] bank 0
.endif
.temp   V : f32 [TN * M, 5, LANES] at mem.e[24..43] bank 1
.output C : f32 [M, N] at mem.w[0..3] tile M x LANES bank 1

.macro tensors h, xa, xb, s, masks, p, t
    .weight XA_{h} : i8 [COLUMNS_{h} * TN * 80, LANES] at xa
    .weight XB_{h} : i8 [COLUMNS_{h} * TN * 80, LANES] at xb
    .weight S_{h} : f16 [COLUMNS_{h} * TN * SEGMENTS, LANES] at s
    .const  Lanes_{h} : u8 [SEGMENTS, LANES] at masks = for segment, lane: lane / G == segment
    .const  EightsA_{h} : i8 [4, LANES] at xa = for row, lane: -120
    .const  EightsB_{h} : i8 [4, LANES] at xb = for row, lane: -120
    .temp   P_{h} : f32 [COLUMNS_{h} * M * SEGMENTS, LANES] at p
    .temp   T0_{h} : f32 [TN * M * SEGMENTS, LANES] at t bank 0
    .temp   T1_{h} : f32 [TN * M * SEGMENTS, LANES] at t bank 1
.endm
tensors e, mem.e[0..3], mem.e[4..7], mem.e[8..9], mem.e12, mem.e[16..19], mem.w[0..7]
tensors w, mem.w[32..35], mem.w[36..39], mem.w[40..41], mem.w28, mem.w[20..23], mem.w[8..15]

; Bytes parted in two, or what `low` and `high` leave of them, to one plane.
.macro part_e low, high
    and.i32 sg4.w[2], low -> sg4.e[4] @alu4
    and.i32 sg4.w[2], high -> sg4.e[5] @alu7
    and.i32 sg4.w[0], low -> sg4.e[6] @alu12
    and.i32 sg4.w[0], high -> sg4.e[7] @alu13
.endm
.macro part_w low, high
    and.i32 sg4.e[2], low -> sg4.w[0] @alu0
    and.i32 sg4.e[2], high -> sg4.w[1] @alu1
    and.i32 sg4.e[3], low -> sg4.w[2] @alu2
    and.i32 sg4.e[3], high -> sg4.w[3] @alu3
.endm
; One byte, −120 = 0x88, in all of a plane: `low` and `high` leave 8 and 128 of it, the sign, or nothing.
.macro constant name, h, plane, one, other, rows, low, high
    flow load_{name}_{h}:
        read     EightsA_{h} -> one repeat 20 step 0
        read     EightsB_{h} -> other repeat 20 step 0
        part_{h} low, high
        lw.i8    plane, rows
    flow install_{name}_{h}:
        iw plane
.endm

; Of row m of A, tile k of K, half `half`: ten segments through what is installed.
.macro masked_e m, k, half
    read A_e[m, LANES * k : +LANES] -> sg2.w[2] repeat PASS step 0
    read Lanes_e[PASS * half : +PASS, :] -> s28.w
    mask sg2.w[2], s28.w -> sg2.e[0] @alu14
    abc  mxm.e, sg2.e[0] half half
.endm
.macro masked_w m, k, half
    read A[m, LANES * k : +LANES] -> sg2.e[0] repeat PASS step 0
    read Lanes_w[PASS * half : +PASS, :] -> s4.e
    mask sg2.e[0], s4.e -> sg2.w[14] @alu15
    abc  mxm.w, sg2.w[14] half half
.endm
.macro eights h, k, m, half, sum
    flow eights_{h}_{k}_{m}_{half}:
        masked_{h} m, k, half
        acc        mxm.{h} -> sum
        write      sum -> P_{h}[(k / 2 * M + m) * SEGMENTS + PASS * half : +PASS, :]
.endm

.macro tile h, n, k, plane, one, other, rows, LOW, HIGH
    .equ item = n * COLUMNS_{h} + k / 2
    flow load_{h}_{item}:
        read     XA_{h}[80 * item : +80, :] -> one
        read     XB_{h}[80 * item : +80, :] -> other
        part_{h} LOW, HIGH
        lw.i8    plane, rows
    flow install_{h}_{item}:
        iw plane
.endm
.macro multiply h, n, k, m, half, partial, sum, scale, before, after, a0, a1, a2
    .equ item = n * COLUMNS_{h} + k / 2
    flow multiply_{h}_{item}_{m}_{half}:
        masked_{h} m, k, half
        read       P_{h}[(k / 2 * M + m) * SEGMENTS + PASS * half : +PASS, :] -> partial
        acc        mxm.{h}, partial -> sum
        read       S_{h}[SEGMENTS * item + PASS * half : +PASS, :] -> scale
        cast.f32   scale -> %s @alu{a0}
        mul        sum, %s -> %p @alu{a1}
        .if k < 2
            identity %p -> after @alu{a2}
        .else
            read T{k / 2 % 2}_{h}[(n * M + m) * SEGMENTS + PASS * half : +PASS, :] -> before
            add  %p, before -> after @alu{a2}
        .endif
        write after -> T{(k / 2 + 1) % 2}_{h}[(n * M + m) * SEGMENTS + PASS * half : +PASS, :]
.endm

.macro prepare h, side, one, other, rows, sum
    constant eights, {h}, mxm.{h}0, one, other, rows, LOW, HIGH
    constant signs, {h}, mxm.{h}1, one, other, rows, SIGN, SIGN
    .for k in 0..COLUMNS_{h}
        .for m in 0..M
            .for half in 0..2
                eights {h}, 2 * k + side, m, half, sum
            .endfor
        .endfor
    .endfor
    constant zeros, {h}, mxm.{h}1, one, other, rows, 0, 0
.endm
flow copy:
    read    A -> sg2.e[0]
    write   sg2.e[0] -> A_e
    prepare e, 0, sg4.w[2], sg4.w[0], sg16.e[1], sg4.w[6]
    prepare w, 1, sg4.e[2], sg4.e[3], sg16.w[0], sg4.e[4]

    .for n in 0..TN
        .for k in 0..TK
            .if k % 2 == 0
                tile e, n, k, mxm.e0, sg4.w[2], sg4.w[0], sg16.e[1], LOW, HIGH
                .for m in 0..M
                    .for half in 0..2
                        multiply e, n, k, m, half, sg4.e[1], sg4.w[6], sg2.w[10], sg4.e[7], sg4.w[4], 8, 9, 10
                    .endfor
                .endfor
            .else
                tile w, n, k, mxm.w0, sg4.e[2], sg4.e[3], sg16.w[0], LOW, HIGH
                .for m in 0..M
                    .for half in 0..2
                        multiply w, n, k, m, half, sg4.w[6], sg4.e[4], sg2.e[10], sg4.e[6], sg4.w[5], 5, 6, 11
                    .endfor
                .endfor
            .endif
        .endfor
    .endfor

; The end: 40 sums of an element to 10, to 5, to 1.
flow forty:
    read T{COLUMNS_e % 2}_e -> sg8.e[0]
    read T{COLUMNS_w % 2}_w -> sg8.e[1]
    add  sg4.e[0], sg4.e[1] -> %a
    add  sg4.e[2], sg4.e[3] -> %b
    add  %a, %b -> sg4.e[3]
    .if SEGMENTS == 20
        write sg4.e[3] -> U
    .else
        write sg4.e[3] -> V
    .endif
.if SEGMENTS == 20
    flow ten:
        read  U -> sg8.w[0]
        add   sg4.w[0], sg4.w[1] -> sg4.e[0]
        write sg4.e[0] -> V
.endif
flow factor:
    read     Factor -> sg4.w[5]
    identity sg4.w[5] keep 1 @alu11
flow five:
    read  V[:, 0:4, :] -> sg16.w[0]
    read  V[:, 4, :] -> sg4.w[4]
    add   sg4.w[0], sg4.w[1] -> %a
    add   sg4.w[2], sg4.w[3] -> %b
    add   %a, %b -> %c
    add   %c, sg4.w[4] -> %d
    mul   %d, latch -> sg4.w[4] @alu11
    write sg4.w[4] -> C
