; Y[i] = Table[id[i]]: rows of a table that may be larger than a slice, as vocabularies are.
;
; The idea. A slice looks up one of its 8192 words, so the table is cut into parts of that many rows, each in slices
; of its own, and an id is a part (its high bits) and a word (the low 13). An id comes as one lane, which the SXM
; gives to all: so the VXM has it in every lane, and makes of it the address, whose two bytes belong in lanes 0 and 1
; of a superlane (a shift by 0 or 8, by lane, takes the right one), and for each part whether it is meant, a byte for
; all lanes. Then the address goes past all parts at once, each drives what it has there, and the VXM masks four parts
; and joins them, four byte planes in a pass. More than four parts take passes that add theirs to what was found
; before.
;
; Addresses of one step of ids are made while those of the step before are looked up, on other ALUs. What is above the
; floor is the first step.
;
; The other way, to scatter ids by part and to gather each part's own, depends on data for its time, which nothing may
; here.
; Of 49,152 rows and 512 ids, 1,477 cycles of 1,146: 254 before the first row is found, for the ids' first step makes
; masks for two passes, and 77 for banks that are still written. Of 30,522 rows, 1,274 of 1,146: 127 before the first
; row.
;
; Contract
;   shapes  PARTS · 8192 rows at most; GROUPS of 4 byte planes hold a row, the last of WIDE (1, 2 or 4). Table_p_g
;           [V, LANES] are rows 8192 · p … of group g as i32, i16 or u8; Index [M, 1]; Y_g [M, LANES]. The byte planes
;           of a row are at most 32, those of all parts 43 (40 where a group would be cut by the last three slices);
;           M ≤ 4096 and M ≤ 256 · ⌊32 / PASSES⌋
;   error   none: bytes are moved
;   cycles  at most PASSES · (GROUPS · M + min(M, 128) + 12 · ⌈M / 128⌉) + 150, PASSES = ⌈PARTS / 4⌉
.target tsp1
.param M = 96
.param V = 32000
.param GROUPS = 1
.param WIDE = 4

.equ PARTS = ceil_div(V, WORDS)
.equ PASSES = ceil_div(PARTS, 4)
.equ PLANES = 4 * (GROUPS - 1) + WIDE
.def wide(g) = g < GROUPS - 1 ? 4 : WIDE
.equ STEP = 128  ; ids that are looked up while the addresses of the next are made

.input Index : i32 [M, 1] at mem.e[32..35]
.const Shift : i32 [1, LANES] at mem.e[36..39] = for row, lane: lane % 16 == 1 ? 8 : 0
.temp  Map : u8 [M, LANES] at mem.w43 banks run STEP
; Slices 40 … 42 stand beside the addresses, not behind them: what is there hears others, which come from the east.
.equ BESIDE = PARTS * PLANES > 40
.if BESIDE
    .temp MapE : u8 [M, LANES] at mem.e31 banks run STEP
.endif
.for q in 0..4 * PASSES
    .temp Mask_{q} : u8 [M, LANES] at mem.e{40 + q % 4} banks run STEP
.endfor
.macro table p, g
    .equ W = wide(g)
    .equ FIRST = PLANES * p + 4 * g
    .equ ROWS = min(WORDS, V - WORDS * p)
    .if W == 4
        .weight Table_{p}_{g} : i32 [ROWS, LANES] at mem.w[FIRST..FIRST + 3] address 0
    .elif W == 2
        .weight Table_{p}_{g} : i16 [ROWS, LANES] at mem.w[FIRST..FIRST + 1] address 0
    .else
        .weight Table_{p}_{g} : u8 [ROWS, LANES] at mem.w{FIRST} address 0
    .endif
.endm
.macro result g
    .equ W = wide(g)
    .equ FIRST = 4 * g
    .if W == 4
        .output Y_{g} : i32 [M, LANES] at mem.e[FIRST..FIRST + 3] bank 0
    .elif W == 2
        .output Y_{g} : i16 [M, LANES] at mem.e[FIRST..FIRST + 1] bank 0
    .else
        .output Y_{g} : u8 [M, LANES] at mem.e{FIRST} bank 0
    .endif
    .if PASSES > 1 && W == 4
        .temp Z_{g} : i32 [M, LANES] at mem.e[FIRST..FIRST + 3] bank 1
    .elif PASSES > 1 && W == 2
        .temp Z_{g} : i16 [M, LANES] at mem.e[FIRST..FIRST + 1] bank 1
    .elif PASSES > 1
        .temp Z_{g} : u8 [M, LANES] at mem.e{FIRST} bank 1
    .endif
.endm
.for g in 0..GROUPS
    .for p in 0..PARTS
        table p, g
    .endfor
    result g
.endfor

; Addresses of a step, and which ids are of the parts 4k … 4k + 3.
.macro address c, n
    flow address_{c}:
        read      Index[STEP * c : +n, :] -> sg4.e[0]
        broadcast sg4.e[0], 0 -> sg4.w[0]
        and.i32   sg4.w[0], WORDS - 1 -> %word @alu3
        read      Shift -> sg4.w[2] repeat n step 0
        .if BESIDE
            shr.i32  %word, sg4.w[2] -> sg4.w[1], sg4.e[2] @alu2
            write.u8 s8.e -> MapE[STEP * c : +n, :]
        .else
            shr.i32 %word, sg4.w[2] -> sg4.w[1] @alu2
        .endif
        write.u8 s4.w -> Map[STEP * c : +n, :]
        parts    c, n, 0
.endm
.macro parts c, n, k
    shr.i32 sg4.w[0], 13 -> %part @alu15
    eq.i32  %part, 4 * k -> s4.e @alu1
    eq.i32  %part, 4 * k + 1 -> s28.e @alu13
    eq.i32  %part, 4 * k + 2 -> s16.e @alu10
    eq.i32  %part, 4 * k + 3 -> s24.e @alu14
    write   s4.e -> Mask_{4 * k}[STEP * c : +n, :]
    write   s28.e -> Mask_{4 * k + 1}[STEP * c : +n, :]
    write   s16.e -> Mask_{4 * k + 2}[STEP * c : +n, :]
    write   s24.e -> Mask_{4 * k + 3}[STEP * c : +n, :]
.endm
.macro more_parts c, n, k
    flow parts_{c}_{k}:
        read      Index[STEP * c : +n, :] -> sg4.e[0]
        broadcast sg4.e[0], 0 -> sg4.w[0]
        parts     c, n, k
.endm

.macro part c, count, g, p, row, byte, alu, out
    .if PLANES * p + 4 * g < 40
        gather Table_{p}_{g}, s28.e -> row
    .else
        gather Table_{p}_{g}, s28.w -> row
    .endif
    read Mask_{p}[STEP * c : +count, :] -> byte
    mask row, byte -> out @alu{alu}
.endm
; Rows of group g that are in parts 4k … 4k + 3, joined with those of the parts before; passes go to Y and Z in turn.
.macro found c, count, g, k
    .equ W = wide(g)
    .equ n = min(4, PARTS - 4 * k)
    .equ TO_Y = (PASSES - k) % 2
    flow found_{c}_{g}_{k}:
        .if PLANES * 4 * k + 4 * g < 40
            read Map[STEP * c : +count, :] -> s28.e
        .endif
        .if PLANES * (4 * k + n - 1) + 4 * g >= 40
            read MapE[STEP * c : +count, :] -> s28.w
        .endif
        part c, count, g, 4 * k, sg{W}.e[0], s4.w, 0, %a
        .if n > 1
            part c, count, g, 4 * k + 1, sg{W}.e[8 / W], s12.w, 4, %b
            or   %a, %b -> %ab @alu5
        .else
            identity %a -> %ab @alu5
        .endif
        .if n > 2
            part c, count, g, 4 * k + 2, sg{W}.e[16 / W], s20.w, 8, %c
            .if n > 3
                part c, count, g, 4 * k + 3, sg{W}.e[24 / W], s29.w, 12, %d
                or   %c, %d -> %cd @alu9
            .else
                identity %c -> %cd @alu9
            .endif
            or %ab, %cd -> %all @alu6
        .else
            identity %ab -> %all @alu6
        .endif
        .if k
            .if TO_Y
                read Z_{g}[STEP * c : +count, :] -> sg{W}.w[8 / W]
            .else
                read Y_{g}[STEP * c : +count, :] -> sg{W}.w[8 / W]
            .endif
            or %all, sg{W}.w[8 / W] -> sg{W}.e[12 / W] @alu7
        .else
            identity %all -> sg{W}.e[12 / W] @alu7
        .endif
        .if TO_Y
            write sg{W}.e[12 / W] -> Y_{g}[STEP * c : +count, :]
        .else
            write sg{W}.e[12 / W] -> Z_{g}[STEP * c : +count, :]
        .endif
.endm

.equ STEPS = ceil_div(M, STEP)
.for c in 0..STEPS + 1
    .if c < STEPS
        address c, min(STEP, M - STEP * c)
        .for k in 1..PASSES
            more_parts c, min(STEP, M - STEP * c), k
        .endfor
    .endif
    .if c
        .for k in 0..PASSES
            .for g in 0..GROUPS
                found c - 1, min(STEP, M - STEP * (c - 1)), g, k
            .endfor
        .endfor
    .endif
.endfor
