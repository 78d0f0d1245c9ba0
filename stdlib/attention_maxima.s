; Attention, second stage: the maximum of each row, which lies across the lanes.

; 16 rows at once, byte plane by byte plane: vector j of the result has lane j of row i of each superlane in lane i.
.macro turn h, o, i, task, G, p
    flow turn_{h}_{task}_{p}:
        .for a in 0..4
            read L{a}_{h}[task % 2, 0 : 4 * G, :] -> sg4.{o}[a] plane p
        .endfor
        transpose sg16.{o}[0] -> sg16.{i}[0]
        write     sg16.{i}[0] -> T{p}_{h}[0 : 16 * G, :]
.endm

; The largest of four vectors, lane by lane.
.macro largest i, o
    max.f32 sg4.{i}[0], sg4.{i}[1] -> %a @alu0
    max.f32 sg4.{i}[2], sg4.{i}[3] -> %b @alu1
    max.f32 %a, %b -> sg4.{o}[3] @alu3
.endm

; Of 16 vectors four: the largest of each four.
.macro reduce h, o, i, task, G
    .for k in 0..4
        flow reduce_{h}_{task}_{k}:
            .for q in 0..4
                .for p in 0..4
                    read T{p}_{h}[4 * k + q : 16 * G : 16, :] -> s{4 * q + p}.{i}
                .endfor
            .endfor
            largest i, o
            write   sg4.{o}[3] -> R{k}_{h}[0:G, :]
    .endfor
.endm

; Of four vectors one: each superlane has the maxima of its own 16 lanes, a row in each lane.
.macro merge h, o, i, task, G
    flow merge_{h}_{task}:
        .for k in 0..4
            read R{k}_{h}[0:G, :] -> sg4.{i}[k]
        .endfor
        largest i, o
        write   sg4.{o}[3] -> Here1_{h}[0, 0:G, :]
        write   sg4.{o}[3] -> There1_{h}[0, 0:G, :]
.endm

; The larger of each superlane and those that are `one` and `two` below it, the last of the chip being below the first.
.macro round h, o, i, task, G, k, one, two
    flow round_{h}_{task}_{k}:
        read       There{(k + 1) % 2}_{h}[k / 2, 0:G, :] -> sg4.{o}[0]
        shift_wide sg4.{o}[0], 16 * one -> sg4.{i}[0] @sxm.{h}.select0
        shift_wide sg4.{o}[0], 16 * two -> sg4.{i}[1] @sxm.{h}.select1
        read       Here{(k + 1) % 2}_{h}[k / 2, 0:G, :] -> sg4.{i}[2]
        max        sg4.{i}[0], sg4.{i}[1] -> %a @alu0
        max        %a, sg4.{i}[2] -> sg4.{o}[3] @alu3
.endm

; The first half: these need the slices that maxima are spread from.
.macro maxima h, o, i, task, G
    .for p in 0..4
        turn h, o, i, task, G, p
    .endfor
    reduce h, o, i, task, G
.endm

; The maximum of each row, in the lane that is its place among 16, in every superlane: of 3 superlanes after the first
; round, of 9 after the second, of all 20 after the third, which has some twice, as a maximum may.
.macro rounds h, o, i, task, G
    merge h, o, i, task, G
    round h, o, i, task, G, 0, 1, 2
    write sg4.{o}[3] -> Here0_{h}[0, 0:G, :]
    write sg4.{o}[3] -> There0_{h}[0, 0:G, :]
    round h, o, i, task, G, 1, 3, 6
    write sg4.{o}[3] -> Here1_{h}[1, 0:G, :]
    write sg4.{o}[3] -> There1_{h}[1, 0:G, :]
    round h, o, i, task, G, 2, 9, 11
    write sg4.{o}[3] -> F_{h}[task % 2, 0:G, :]
.endm
