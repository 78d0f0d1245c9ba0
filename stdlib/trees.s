; Trees of the VXM over vectors that follow each other in time: the part that the reductions and softmax share.
;
; A column is a run of vectors, and its tree has levels. A level takes eight vectors a cycle on each side of the VXM,
; seven ALUs and three links deep, and leaves one; where the run is no multiple of eight, a last issue takes the rest,
; so that nothing is padded. Vector v of a column lies in group v mod 8 of the slices of its side, and so does what a
; level leaves. ALUs keep no sum: a level that added to what it left before would give an operand for that, and would
; not be faster.
;
; Side k is the west (0; it reads on streams .e and writes on .w) or the east (1). A row of ALUs reaches the groups of
; the row before it, two further; so the tree of side 1 is that of side 0, a row and two groups on, and shares no ALU.
; Who includes this numbers its trees and has `fold tree, a, b, out, alu`, two vectors made one; `carry a, out, alu`,
; one that goes on; and `leave tree, h, stream`, which writes what is left of the columns of a tree on side h.

; The n operands on groups 2 · k, 2 · k + 1, … made one. The result may go to group 3 + 2 · k.
.macro reduce tree, i, k, n, out
    .if n == 1
        carry sg4.{i}[2 * k], out, 4 * k
    .elif n == 2
        fold tree, sg4.{i}[2 * k], sg4.{i}[2 * k + 1], out, 4 * k
    .else
        fold tree, sg4.{i}[2 * k], sg4.{i}[2 * k + 1], %p, 4 * k
        .if n == 3
            fold tree, %p, sg4.{i}[2 * k + 2], out, 4 * k + 2
        .else
            fold tree, sg4.{i}[2 * k + 2], sg4.{i}[2 * k + 3], %q, 4 * k + 1
            .if n == 4
                fold tree, %p, %q, out, 4 * k + 2
            .else
                fold tree, %p, %q, %r, 4 * k + 2
                .if n == 5
                    fold tree, %r, sg4.{i}[2 * k + 4], out, 4 * k + 7
                .else
                    fold tree, sg4.{i}[2 * k + 4], sg4.{i}[2 * k + 5], %s, 4 * k + 8
                    .if n == 6
                        fold tree, %r, %s, out, 4 * k + 7
                    .else
                        .if n == 7
                            fold tree, %s, sg4.{i}[(2 * k + 6) % 8], %t, 4 * k + 10
                        .else
                            fold tree, sg4.{i}[(2 * k + 6) % 8], sg4.{i}[(2 * k + 7) % 8], %u, 4 * k + 9
                            fold tree, %s, %u, %t, 4 * k + 10
                        .endif
                        fold tree, %r, %t, out, 4 * k + 7
                    .endif
                .endif
            .endif
        .endif
    .endif
.endm

; A level over columns of n vectors of `from`. Each leaves n / 8 in `to`, and another of the n mod 8 that remain.
.macro level name, tree, h, i, o, k, n, from, to, final
    .for part in 0..2
        .equ FIRST = part ? n - n % 8 : 0
        .equ PARTS = part ? n % 8 : 8 * (n >= 8)
        .if PARTS
            flow {name}_{part}:
                .for j in 0..PARTS
                    read from[:, FIRST + j : part ? n : n - n % 8 : 8, :] -> sg4.{i}[(2 * k + j) % 8]
                .endfor
                reduce tree, i, k, PARTS, sg4.{o}[2 * k + 3]
                .if final
                    leave tree, h, sg4.{o}[2 * k + 3]
                .else
                    write sg4.{o}[2 * k + 3] -> to[:, FIRST / 8 : part ? ceil_div(n, 8) : n / 8, :]
                .endif
        .endif
    .endfor
.endm

; All levels of `count` columns of n vectors from `first` on. What lies between has tensors {name}1, … in both banks;
; with `home` the last of a run lies next to the VXM, which is sooner done where the run is long.
.macro levels name, tree, h, i, o, k, count, n, type, first, bank, home
    .for l in 0..5
        .equ LEFT = ceil_div(n, 1 << 3 * l)
        .equ NEXT = ceil_div(LEFT, 8)
        .if NEXT > 1
            .equ SIZE = 8 * ceil_div(NEXT, 8)
            .if home
                .temp {name}{l + 1} : {type} [count, SIZE, LANES] \
                    at mem.{h}[28..31] mem.{h}[24..27] mem.{h}[20..23] mem.{h}[16..19] \
                    mem.{h}[12..15] mem.{h}[8..11] mem.{h}[4..7] mem.{h}[0..3] bank (bank + l) % 2
            .else
                .temp {name}{l + 1} : {type} [count, SIZE, LANES] at mem.{h}[0..31] bank (bank + l) % 2
            .endif
        .endif
        .if l == 0 && NEXT > 1
            level {name}_0, tree, h, i, o, k, LEFT, first, {name}1, 0
        .elif l == 0
            level {name}_0, tree, h, i, o, k, LEFT, first, first, 1
        .elif NEXT > 1
            level {name}_{l}, tree, h, i, o, k, LEFT, {name}{l}, {name}{l + 1}, 0
        .elif LEFT > 1
            level {name}_{l}, tree, h, i, o, k, LEFT, {name}{l}, first, 1
        .endif
    .endfor
.endm
