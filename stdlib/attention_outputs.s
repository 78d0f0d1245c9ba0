; Attention, third stage: weights, their products with the values, and the results, turned.

; P = exp(scale · (S − maximum)) of block b, in so many parts. A distributor gives every lane of a superlane the
; maximum of the row. Weights are read while the next are written, so both change banks: task by task, or where tasks have
; one block and two in turn, block by block.
.macro weights h, o, i, task, G, b, parts, a0, a1, a2, a3, out
    .equ n = 16 * G / parts
    .for q in 0..parts
        weights_part h, o, i, task, G, b, q, 4 / parts, q * n, n, a0, a1, a2, a3, out
    .endfor
.endm

.macro weights_part h, o, i, task, G, b, q, fours, start, n, a0, a1, a2, a3, out
    flow weights_{h}_{task}_{b}_{q}:
        read       F_{h}[task % 2, 0:G, :] -> sg4.{o}[4] repeat 4 step 0 repeat G repeat fours step 0
        read       Lane_{h}[4 * fours * q : +4 * fours, :] -> sg4.{o}[5] repeat 4 repeat G step 0 repeat fours
        distribute sg8.{o}[2], s20.{o} -> sg8.{o}[2]
        shift      sg4.{o}[4], 0 -> sg4.{i}[4] @sxm.{h}.select1
        read       S{b % 2}_{h}[task % (1 + LAG), b / 2, start : +n, :] -> sg4.{i}[5]
        sub.f32    sg4.{i}[5], sg4.{i}[4] -> %below @a0
        mul        %below, MASKED ? 1.0 : SCALE -> %x @a1
        exp        %x -> %p @a2
        cast.f16   %p -> out @a3
        .equ place = MIXED ? 3 * (task / 2) + (task % 2 ? 1 + b : 0) : task
        write out -> P{place % 2}_{h}[MIXED ? task % 2 * NB + b : b, start : +n, :]
.endm

; Weights of 160 keys, installed, times the values of these keys: D + 1 rows are streamed, whatever the rows of a task.
.macro product h, o, i, task, kv, G, b, half, start
    .if half == 0 || 2 * b + half == start
        flow load_{h}_{task}_{b}:
            .equ place = MIXED ? 3 * (task / 2) + (task % 2 ? 1 + b : 0) : task
            read P{place % 2}_{h}[MIXED ? task % 2 * NB + b : b, 0 : 16 * G, :] -> sg16.{o}[0]
            lw   mxm.{h}, sg16.{o}[0]
        flow install_{h}_{task}_{b}:
            iw mxm.{h}
    .endif
    flow product_{h}_{task}_{b}_{half}:
        read W{b % 2}_{h}[kv % KEPT, b / 2, :, :] -> sg2.{o}[14]
        abc  mxm.{h}, sg2.{o}[14] half half
        .if 2 * b + half == start
            acc mxm.{h} -> sg4.{i}[6]
        .else
            read C_{h}[task % 2, :, :] -> sg4.{o}[6]
            acc  mxm.{h}, sg4.{o}[6] -> sg4.{i}[6]
        .endif
        write sg4.{i}[6] -> C_{h}[task % 2, :, :]
.endm

; 1 / x is the square of 1 / √x. The bytes of the results wait among those of the tasks that are turned together, in the
; slices of the weights, and so go there one byte after the other. The last task but one has the last one's weights for
; company: one of its bytes goes where maxima were, which nothing else writes then. So both bytes go at `once` there, and
; where tasks are few.
.macro normalise h, o, i, apart, task
    .equ place = WIDTH * (task % (2 * TOGETHER))
    .equ once = SHORT || task == apart
    flow inverse_{h}_{task}:
        read  C_{h}[task % 2, D : D + 1, :] -> sg4.{i}[0]
        rsqrt sg4.{i}[0] -> %r @alu13
        mul   %r, %r -> sg4.{o}[1] @alu12
        .if MIXED && task == apart
            write sg4.{o}[1] -> Late_{h}
        .else
            write sg4.{o}[1] -> Inverse_{h}[task % 2 : +1, :]
        .endif
    .for p in 0..once ? 1 : 2
        flow normalise_{h}_{task}_{p}:
            read C_{h}[task % 2, 0:D, :] -> sg4.{i}[0]
            .if MIXED && task == apart
                read Late_{h} -> sg4.{i}[1] repeat D step 0
            .else
                read Inverse_{h}[task % 2 : +1, :] -> sg4.{i}[1] repeat D step 0
            .endif
            mul      sg4.{i}[0], sg4.{i}[1] -> %o @alu12
            cast.f16 %o -> sg2.{o}[14] @alu13
            .if once
                .if SHORT
                    write.u8 s28.{o} -> U0_{h}[place : +D, :]
                .else
                    write.u8 s28.{o} -> E_{h}[0:D, :]
                .endif
                write.u8 s29.{o} -> U1_{h}[place : +D, :]
            .else
                write.u8 s{28 + p}.{o} -> U{p}_{h}[place : +D, :]
            .endif
    .endfor
.endm

; Results of tasks `start` to `stop`, one above the other, are turned at once: those of each come out in lanes of their
; own, and the switch unit brings them down to the first.
.macro outputs h, o, i, apart, start, stop
    .equ n = stop - start > 1 ? min(TR, R) : min(TR, R - start % NT * TR)
    .for p in 0..2
        flow outputs_{h}_{start}_{p}:
            .if start == apart && p == 0
                read E_{h} -> sg16.{o}[0]
            .else
                read U{p}_{h}[WIDTH * (start % (2 * TOGETHER)) : +WIDTH * (stop - start), :] -> sg16.{o}[0]
            .endif
            lw mxm.{h}{p}, sg16.{o}[0]
        flow install_outputs_{h}_{start}_{p}:
            iw mxm.{h}{p}
    .endfor
    flow turn_outputs_{h}_{start}:
        read      Eye_{h}[0:n, :] -> s28.{o}
        abc       mxm.{h}0, s28.{o}
        abc       mxm.{h}1, s28.{o}
        acc       mxm.{h}0 -> s24.{i} low8
        acc       mxm.{h}1 -> s25.{i} low8
        write.f16 sg2.{i}[12] -> O_{h}[start / NT, start % NT * TR : +n, :]
.endm

; Where O has task `start`, the lanes from WIDTH · j on hold the results of task `start` + j: down to the first lanes.
.macro lower h, o, i, start, stop
    .equ rows = 16 * ceil_div(min(TR, R), 16)
    .for task in start + 1..stop
        flow lower_{h}_{task}:
            read       O_{h}[start / NT, start % NT * TR : +rows, :] -> sg16.{o}[0]
            shift_wide sg16.{o}[0], WIDTH * (start - task) -> sg16.{i}[0]
            write      sg16.{i}[0] -> O_{h}[task / NT, task % NT * TR : +rows, :]
    .endfor
.endm
