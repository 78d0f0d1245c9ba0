; Lanes made to follow each other: rows transposed by the SXM, and superlanes met by shifts. trees.s does the rest.
;
; The SXM transposes 16 streams of bytes and 16 lanes of each superlane in a cycle, twice a hemisphere: so sixteen rows
; of four-byte elements go through a hemisphere in two cycles, by byte planes, and come back as sixteen vectors, vector
; j of which has lane j of every superlane of row i in lane i. What is done over these is done to lanes of the rows;
; what is left is one vector a group, a row in each lane, for each superlane.
; Byte p of vector j lies in slice j of sixteen; of planes two apart it lies eight slices on, so that the bytes of eight
; vectors are in as many slices and a reader finds the four bytes of an element in one cycle.

; The byte planes of `rows` vectors, {name}0_{h} …: an input (kind 0), a temporary (1), or an output (2).
.macro planes kind, name, h, rows, octets, bank
    .for p in 0..octets
        .equ AT = 16 * (p % 2)
        .equ LOW = AT + 8 * (p / 2)
        .equ HIGH = AT + 8 - 8 * (p / 2)
        .if kind == 0
            .input {name}{p}_{h} : u8 [rows, LANES] at mem.{h}[LOW..LOW + 7] mem.{h}[HIGH..HIGH + 7] bank bank
        .elif kind == 1
            .temp {name}{p}_{h} : u8 [rows, LANES] at mem.{h}[LOW..LOW + 7] mem.{h}[HIGH..HIGH + 7] bank bank
        .else
            .output {name}{p}_{h} : u8 [rows, LANES] at mem.{h}[LOW..LOW + 7] mem.{h}[HIGH..HIGH + 7] bank bank
        .endif
    .endfor
.endm

; Planes `from` transposed to planes `to`, which lie in the other bank.
.macro turn from, to, h, i, o, octets
    .for p in 0..octets
        flow turn_{from}{p}_{h}:
            read      {from}{p}_{h} -> sg16.{o}[p % 2]
            transpose sg16.{o}[p % 2] -> sg16.{i}[p % 2] @sxm.{h}.transpose{p % 2}
            write     sg16.{i}[p % 2] -> {to}{p}_{h}
    .endfor
.endm

; Where vectors wait that are met. The digit is of how many superlanes (or lanes) each is the sum or maximum: 1, 3, 7,
; and 6, which is twice 3. A waits for the VXM, B and C for the SXM: a round reads one of each at once, so each lies in
; slices of its own, and what a round leaves is in the bank that the round does not read.
.macro between h, count, type
    .temp A1_{h} : {type} [count, LANES] at mem.{h}[32..35] bank 0
    .temp B1_{h} : {type} [count, LANES] at mem.{h}[36..39] bank 0
    .temp C1_{h} : {type} [count, LANES] at mem.{h}[40..43] bank 0
    .temp A3_{h} : {type} [count, LANES] at mem.{h}[32..35] bank 1
    .temp C3_{h} : {type} [count, LANES] at mem.{h}[40..43] bank 1
    .temp B6_{h} : {type} [count, LANES] at mem.{h}[36..39] bank 1
    .temp A7_{h} : {type} [count, LANES] at mem.{h}[32..35] bank 0
    .temp C7_{h} : {type} [count, LANES] at mem.{h}[40..43] bank 0
.endm
; What is to be met, written.
.macro apart h, stream
    write stream -> A1_{h}
    write stream -> B1_{h}
    write stream -> C1_{h}
.endm

; Each superlane met with those below it, round the chip (wide): 3 of them, then 7, then all 20. 7 are twice 3, which is
; 6, and 1; 20 are twice 7, and 6: no superlane is taken twice, as sums ask for. Or each lane with those below it: 3, 7,
; and 16, which are twice 7, and 2. Lanes 0 … 14 have none below, so then only lanes from 15 on have all.
; Of a round, `near` is taken as it is, `shifted` by as many superlanes or lanes as it has itself, `also` by twice that.
; The end is `met tree, wide, a, b, h, o, k` of who includes this: it folds a, from ALU 8 · k, and b, and writes that.
.macro step tree, wide, h, i, o, k, number, by, also_by, near, shifted, also, last
    flow meet_{tree}{wide}_{h}_{number}:
        read shifted -> sg4.{o}[4 * k]
        read near -> sg4.{i}[4 * k + 1]
        read also -> sg4.{o}[4 * k + 1]
        .if wide
            shift_wide sg4.{o}[4 * k], 16 * by -> sg4.{i}[4 * k] @sxm.{h}.select0
            shift_wide sg4.{o}[4 * k + 1], 16 * also_by -> sg4.{i}[4 * k + 2] @sxm.{h}.select1
        .else
            shift sg4.{o}[4 * k], by -> sg4.{i}[4 * k] @sxm.{h}.select0
            shift sg4.{o}[4 * k + 1], also_by -> sg4.{i}[4 * k + 2] @sxm.{h}.select1
        .endif
        fold tree, sg4.{i}[4 * k], sg4.{i}[4 * k + 1], %both, 8 * k
        .if last
            met tree, wide, %both, sg4.{i}[4 * k + 2], h, o, k
        .else
            fold  tree, %both, sg4.{i}[4 * k + 2], sg4.{o}[4 * k + 2], 8 * k + 3
            write sg4.{o}[4 * k + 2] -> A{2 * by + 1}_{h}
            write sg4.{o}[4 * k + 2] -> C{2 * by + 1}_{h}
            .if number == 1 + wide
                carry %both, sg4.{o}[4 * k + 3], 8 * k + 1
                write sg4.{o}[4 * k + 3] -> B6_{h}
            .endif
        .endif
.endm
.macro meet tree, wide, h, i, o, k, rounds
    step tree, wide, h, i, o, k, 1, 1, 2, A1_{h}, B1_{h}, C1_{h}, rounds == 1
    .if rounds > 1
        step tree, wide, h, i, o, k, 2, 3, 6, A3_{h}, C3_{h}, B1_{h}, rounds == 2
    .endif
    .if rounds > 2
        step tree, wide, h, i, o, k, 3, 7, 14, A7_{h}, C7_{h}, B6_{h}, 1
    .endif
.endm

; The same for superlanes, two vectors at a time, since the SXM shifts sixteen streams as it shifts four: half the cycles.
; A, B and C lie in eight slices each, and what is met goes from one bank to the other. The end is `ends tree, a, also_a,
; b, also_b, h, o, k`: it folds a and also_a on ALU 8 · k + 5, b and also_b on 8 · k + 6, and writes the two results.
.macro between_pairs h, count, type, bank
    .for t in 0..2
        .equ TO = t ? 1 - bank : bank
        .equ NUMBER = 1 + 2 * t
        .temp A{NUMBER}_{h} : {type} [count + count % 2, LANES] at mem.{h}[16..23] bank TO
        .temp C{NUMBER}_{h} : {type} [count + count % 2, LANES] at mem.{h}[36..43] bank TO
    .endfor
    .temp B1_{h} : {type} [count + count % 2, LANES] at mem.{h}[24..31] bank bank
    .temp B6_{h} : {type} [count + count % 2, LANES] at mem.{h}[24..31] bank 1 - bank
.endm
.macro step_pairs tree, h, i, o, k, by, also_by, near, shifted, also, last
    .equ SHIFTED = (2 * k + 3) % 4
    .equ ALSO = (2 * k + 2) % 4
    flow meet_{h}_{by}:
        read       shifted -> sg8.{o}[SHIFTED]
        read       near -> sg8.{i}[2 * k + 1]
        read       also -> sg8.{o}[ALSO]
        shift_wide sg8.{o}[SHIFTED], 16 * by -> sg8.{i}[2 * k] @sxm.{h}.select0
        shift_wide sg8.{o}[ALSO], 16 * also_by -> sg8.{i}[ALSO] @sxm.{h}.select1
        fold       tree, sg4.{i}[4 * k], sg4.{i}[4 * k + 2], %a, 8 * k
        fold       tree, sg4.{i}[4 * k + 1], sg4.{i}[4 * k + 3], %b, 8 * k + 1
        .if by == 3 && !last
            carry %a, sg4.{o}[4 * k], 8 * k + 2
            carry %b, sg4.{o}[4 * k + 1], 8 * k + 3
            write sg8.{o}[2 * k] -> B6_{h}
        .endif
        .if last
            ends tree, %a, sg4.{i}[2 * ALSO], %b, sg4.{i}[2 * ALSO + 1], h, o, k
        .else
            fold tree, %a, sg4.{i}[2 * ALSO], sg4.{o}[4 * k + 2], 8 * k + 5
            fold tree, %b, sg4.{i}[2 * ALSO + 1], sg4.{o}[4 * k + 3], 8 * k + 6
            .equ TO = by == 1 ? 3 : 1
            write sg8.{o}[2 * k + 1] -> A{TO}_{h}
            write sg8.{o}[2 * k + 1] -> C{TO}_{h}
        .endif
.endm
.macro meet_pairs tree, h, i, o, k, rounds
    step_pairs tree, h, i, o, k, 1, 2, A1_{h}, B1_{h}, C1_{h}, rounds == 1
    .if rounds > 1
        step_pairs tree, h, i, o, k, 3, 6, A3_{h}, C3_{h}, B1_{h}, rounds == 2
    .endif
    .if rounds > 2
        step_pairs tree, h, i, o, k, 7, 14, A1_{h}, C1_{h}, B6_{h}, 1
    .endif
.endm

; The first level of trees over transposed vectors of four bytes: T has `rows` of them, `to` 2 · tiles a column.
.macro plane_level tree, h, i, o, k, rows, tiles, to
    .for half in 0..2
        flow lanes_{h}_{half}:
            .for j in 0..8
                .for p in 0..4
                    read T{p}_{h}[8 * half + j : rows : 16, :] -> s{4 * ((2 * k + j) % 8) + p}.{i}
                .endfor
            .endfor
            reduce tree, i, k, 8, sg4.{o}[2 * k + 3]
            write  sg4.{o}[2 * k + 3] -> to[:, half : 2 * tiles : 2, :]
    .endfor
.endm
