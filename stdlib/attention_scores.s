; Attention, first stage: values turned, keys installed, scores and their running maximum.

; Values of block b, transposed: bytes through the planes, as integers, so that they come out as they are.
.macro transpose_values h, o, i, kv, b
    .for p in 0..2
        flow values_{h}_{kv}_{b}_{p}:
            read V{p}_{h}[kv, LANES * b : +LANES, :] -> sg16.{o}[0]
            lw   mxm.{h}{p}, sg16.{o}[0]
        flow install_values_{h}_{kv}_{b}_{p}:
            iw mxm.{h}{p}
    .endfor
    flow turn_values_{h}_{kv}_{b}:
        read      Eye_{h}[0:D, :] -> s28.{o}
        abc       mxm.{h}0, s28.{o}
        abc       mxm.{h}1, s28.{o}
        acc       mxm.{h}0 -> s24.{i} low8
        acc       mxm.{h}1 -> s25.{i} low8
        write.f16 sg2.{i}[12] -> W{b % 2}_{h}[kv % KEPT, b / 2, 0:D, :]
.endm

; The last row of [V | 1]ᵀ, which makes the sums.
.macro ones h, o
    .for p in 0..min(NB, 2)
        flow ones_{h}_{p}:
            cast.f32.f16 1.0 -> sg2.{o}[0] repeat KEPT * ((NB + 1 - p) / 2)
            write        sg2.{o}[0] -> W{p}_{h}[:, :, D : D + 1, :]
    .endfor
.endm

; Block b of the keys goes into the array, and rows of queries through it.
.macro scores h, o, i, task, job, kv, r, n, row, b, first, last, larger
    flow keys_{h}_{task}_{b}:
        read K_{h}[kv, LANES * b : +LANES, :] -> sg16.{o}[0]
        lw   mxm.{h}, sg16.{o}[0]
    flow install_keys_{h}_{task}_{b}:
        iw mxm.{h}
        .equ each = CAUSAL || MASKED ? SQ : PER * R
        .equ part = b == last ? 4 * ceil_div(n, 16) : n
        .for a in 0..ceil_div(n, part)
            .for head in (row + a * part) / each..ceil_div(row + min(n, (a + 1) * part), each)
                .equ from = max(a * part, head * each - row)
                .equ to = min(n, min((a + 1) * part, (head + 1) * each - row))
                score h, o, i, task, job, r, row - head * each, a, from, to, a * part, b, first, last, larger
            .endfor
        .endfor
.endm

; Rows `from` to `to` of a task, which lie in the quarter a that begins with row `begin`; i0 + from is the first query.
.macro score h, o, i, task, job, r, i0, a, from, to, begin, b, first, last, larger
    .equ t = i0 + from + OFF - LANES * b  ; the last lane that the first of the queries sees
    .equ count = to - from
    flow scores_{h}_{task}_{b}_{from}:
        read Q{job % 2}_{h}[job / 2, r + from : r + to, :] -> sg2.{o}[14]
        abc  mxm.{h}, sg2.{o}[14] half 0
        .if MASKED
            acc   mxm.{h} -> sg4.{i}[6]
            mul   sg4.{i}[6], SCALE -> %scaled
            read  Mask_{h}[i0 + from : +count, LANES * b : +LANES] -> sg4.{i}[7]
            add   %scaled, sg4.{i}[7] -> %score, sg4.{o}[5]
            write sg4.{o}[5] -> S{b % 2}_{h}[task % (1 + LAG), b / 2, from:to, :]
        .else
            .if CAUSAL && (t < LANES - 1 || WINDOW && t + count > WINDOW)
                read Band_{h}[max(t, -count) + BELOW : +count, :] -> sg4.{o}[6]
                acc  mxm.{h}, sg4.{o}[6] -> sg4.{i}[6]
            .elif PADDED && b == NB - 1
                read Pad_{h} -> sg4.{o}[6] repeat count step 0
                acc  mxm.{h}, sg4.{o}[6] -> sg4.{i}[6]
            .else
                acc mxm.{h} -> sg4.{i}[6]
            .endif
            write sg4.{i}[6] -> S{b % 2}_{h}[task % (1 + LAG), b / 2, from:to, :]
        .endif
        .if b > first
            read M{(last - b) % 2}_{h}[from:to, :] -> sg4.{i}[MASKED ? 5 : 7]
        .endif
        .if MASKED && b > first
            max %score, sg4.{i}[5] -> sg4.{o}[7]
        .elif MASKED
            identity %score -> sg4.{o}[7]
        .elif b > first
            max sg4.{i}[6], sg4.{i}[7] -> sg4.{o}[7] @larger
        .endif
        .if b > first || MASKED
            maximum task, a, from, to, begin, h, b, last, sg4.{o}[7]
        .else
            maximum task, a, from, to, begin, h, b, last, sg4.{i}[6]
        .endif
.endm

.macro maximum task, a, from, to, begin, h, b, last, where
    .if b == last
        write where -> L{a}_{h}[task % 2, from - begin : to - begin, :]
    .else
        write where -> M{(last - b + 1) % 2}_{h}[from:to, :]
    .endif
.endm
