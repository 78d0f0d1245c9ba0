; Rows of few tiles made vectors, the first step of ROWS_FIRST in reduce.s.
;
; What follows transposes sixteen rows at a time, by byte planes, and so wants a row's bytes in slices of its place among
; sixteen (lanes.s). The slices of a place are free to be written at each cycle only if one flow has all rows of this
; place: so there are sixteen flows, a row a cycle, each with the trees of its side. Rows of up to four tiles go two at a
; time, one on each half of the seven ALUs: rows 0 and 4, 1 and 5, 2 and 6, 3 and 7, and likewise from 8 on, whose bytes go
; to different slices. Of operands that are cast there are four a cycle, that is one row of up to four tiles.
; Sixteen rows of T = 4 or 8 tiles of four bytes take 2 · T cycles to read, and 4 to turn and read again as one tile; to
; turn all tiles takes 4 · T.

; The bytes of rows of a place, on a group of streams.
.macro octets h, o, group, row, groups
    .for p in 0..4
        write.u8 s{4 * group + p}.{o} -> X{p}_{h}[row : 16 * groups : 16, :]
    .endfor
.endm
.macro rows_first h, i, o, k, groups
    .if F16
        .input X_{h} : f16 [groups, 16, 4, LANES] at mem.{h}[0..15] bank 0
    .elif CAST
        .input X_{h} : i32 [groups, 16, 4, LANES] at mem.{h}[0..31] bank 0
    .elif I32
        .input X_{h} : i32 [groups, 16 / PER, 8, LANES] at mem.{h}[0..31] bank 0
    .else
        .input X_{h} : f32 [groups, 16 / PER, 8, LANES] at mem.{h}[0..31] bank 0
    .endif
    .for f in 0..16 / PER
        .for half in 0..PER
            flow row_{h}_{f}_{half}:
                .if CAST
                    .for j in 0..R
                        .if F16
                            read X_{h}[:, f, j, :] -> sg2.{i}[2 * place(k, j)]
                        .else
                            read X_{h}[:, f, j, :] -> sg4.{i}[place(k, j)]
                        .endif
                    .endfor
                    cast_tree i, k, R, sg4.{o}[k ? 6 : 3]
                    octets    h, o, k ? 6 : 3, f, groups
                .elif PER == 1
                    .for j in 0..R
                        read X_{h}[:, f, j, :] -> sg4.{i}[(2 * k + j) % 8]
                    .endfor
                    reduce ROW_TREE, i, k, R, sg4.{o}[2 * k + 3]
                    octets h, o, 2 * k + 3, f, groups
                .else
                    .equ AT = 2 * k + 4 * half
                    .equ ALU = 4 * k + 8 * half
                    .for j in 0..R
                        read X_{h}[:, f, 4 * half + j, :] -> sg4.{i}[(AT + j) % 8]
                    .endfor
                    fold ROW_TREE, sg4.{i}[AT % 8], sg4.{i}[(AT + 1) % 8], %p, ALU
                    .if R == 3
                        fold ROW_TREE, %p, sg4.{i}[(AT + 2) % 8], sg4.{o}[(AT + 3) % 8], ALU + 2
                    .else
                        fold ROW_TREE, sg4.{i}[(AT + 2) % 8], sg4.{i}[(AT + 3) % 8], %q, ALU + 1
                        fold ROW_TREE, %p, %q, sg4.{o}[(AT + 3) % 8], ALU + 2
                    .endif
                    octets h, o, (AT + 3) % 8, f + f / 4 * 4 + 4 * half, groups
                .endif
        .endfor
    .endfor
.endm
