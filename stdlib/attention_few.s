; Attention, third stage, where a task has at most 16 rows: values are installed and weights streamed, a cycle a row, and
; results come out as they are wanted, with the sum in lane D. Halves of the keys have sums of their own, since a sum is
; back in memory 18 cycles after it was read.

.macro product_few h, o, i, task, kv, n, b, half, start
    .if half == 0 || 2 * b + half == start
        flow load_{h}_{task}_{b}:
            read W{b % 2}_{h}[kv % KEPT, b / 2, :, :] -> sg16.{o}[0]
            lw   mxm.{h}, sg16.{o}[0]
        flow install_{h}_{task}_{b}:
            iw mxm.{h}
    .endif
    flow product_{h}_{task}_{b}_{half}:
        read P{task % 2}_{h}[b, 0:n, :] -> sg2.{o}[14]
        abc  mxm.{h}, sg2.{o}[14] half half
        .if 2 * b + half < start + 2
            acc mxm.{h} -> sg4.{i}[6]
        .else
            read C{half}_{h}[task % 2, 0:n, :] -> sg4.{o}[6]
            acc  mxm.{h}, sg4.{o}[6] -> sg4.{i}[6]
        .endif
        write sg4.{i}[6] -> C{half}_{h}[task % 2, 0:n, :]
.endm

.macro normalise_few h, o, i, task, job, r, n, start, halves
    flow sum_{h}_{task}:
        read C{start % 2}_{h}[task % 2, 0:n, :] -> sg4.{i}[0]
        .if halves > 1
            read C{1 - start % 2}_{h}[task % 2, 0:n, :] -> sg4.{i}[1]
            add  sg4.{i}[0], sg4.{i}[1] -> sg4.{o}[1] @alu12
        .else
            identity sg4.{i}[0] -> sg4.{o}[1] @alu12
        .endif
        write sg4.{o}[1] -> Sum_{h}[task % 2, 0:n, :]
    flow inverse_{h}_{task}:
        read      Sum_{h}[task % 2, 0:n, :] -> sg4.{o}[0]
        broadcast sg4.{o}[0], D -> sg4.{i}[0]
        rsqrt     sg4.{i}[0] -> %r @alu13
        mul       %r, %r -> sg4.{o}[1] @alu12
        write     sg4.{o}[1] -> Inverse_{h}[task % 2, 0:n, :]
    flow normalise_{h}_{task}:
        read     Sum_{h}[task % 2, 0:n, :] -> sg4.{i}[0]
        read     Inverse_{h}[task % 2, 0:n, :] -> sg4.{i}[1]
        mul      sg4.{i}[0], sg4.{i}[1] -> %o @alu12
        cast.f16 %o -> sg2.{o}[2] @alu13
        write    sg2.{o}[2] -> O_{h}[job, r : r + n, :]
.endm
