; Y = X turned pair by pair: y = x · cos + x' · sin, x' the other one of the pair: f32, or (F16 = 1) f16.
;
; The idea. Pairs are lanes, i with i + D / 2 or 2i with 2i + 1, and the permutor exchanges any: a row and its
; exchanged copy meet in the VXM with a row of cosines and one of sines, whose signs say which of the two is
; subtracted. The angles come from tables by position, which are parameters as weights are and depend on no
; activation; the rows at the positions are gathered on the chip, once for all heads. There are two sides. One has the
; first half of the positions: its rows lie in the west, go east through the permutor there, are left in the east
; twice, and are turned on the way back; the other does the same with east and west exchanged. Each turns a row a
; cycle, on ALUs 0 8 1 9 14 15 and 5 13 6 10 11 2: for f16 three of six are large ones (two casts before and one
; after), so there is no room for a third, and the second side's last cast goes through Z.
;
; Shifts by D / 2 lanes both ways and a choice would do for one of the two pairings, in three instructions of the two
; select units where the permutor needs one; and for no other D than multiples of 32.
;
; Rows go in steps of some 64, of one head or several: while one step is turned, the next is exchanged. Copies of four
; steps are kept, in two places and two banks of each, so that reading and writing do not meet. What is above the
; floor: 160 cycles until the first row has been looked up and exchanged (the permutor takes 52), and, for a single
; head, looking up, which takes as long as turning.
;
; Contract
;   shapes  X0, Y0 [H, P0, D], the first half of the positions; X1, Y1 [H, P1, D]; for each side i: Cosi, Sini [V, D],
;           a row a position; Indexi [Pi, 4], the bytes of the positions
;   error   2⁻²⁴ · (2 |x · cos| + 2 |x' · sin| + |y|), and for f16 half a unit in the last place
;   cycles  at most H · P0 + 2 · K · PS + P0 + 200 with flows of K heads and PS positions
.target tsp1
.param H = 9    ; heads: rows that have the same positions
.param P = 128  ; positions
.param V = 128  ; rows of the tables
.param D = 64
.param F16 = 0
.param INTERLEAVED = 0  ; pairs are 2i with 2i + 1

.equ P0 = ceil_div(P, 2)
.equ P1 = P / 2
.equ K = min(H, max(1, 64 / P0))          ; heads that a flow takes
.equ PARTS = P0 > 64 ? max(1, 8 / H) : 1  ; of a head that a flow takes, where heads are few
.equ PS = ceil_div(P0, PARTS)
.equ STEPS = ceil_div(H, K) * PARTS

.weight Cos0 : f32 [V, D] at mem.w[0..3] address 0
.weight Sin0 : f32 [V, D] at mem.w[4..7] address 0
.temp   C0 : f32 [P0, D] at mem.w[8..11] banks run PS
.temp   S0 : f32 [P0, D] at mem.w[12..15] banks run PS
.input  Index0 : u8 [P0, 4] at mem.e20
.const  Low0 : u8 [1, LANES] at mem.w42 = for row, lane: lane % 16 == 0 ? 255 : 0
.const  High0 : u8 [1, LANES] at mem.w43 = for row, lane: lane % 16 == 1 ? 255 : 0
.const  Pairs0 : i16 [1, LANES] at mem.e[21..22] = \
    for row, lane: lane >= D ? lane : INTERLEAVED ? lane ^ 1 : lane < D / 2 ? lane + D / 2 : lane - D / 2
.if P1
    .weight Cos1 : f32 [V, D] at mem.e[16..19] address 0
    .weight Sin1 : f32 [V, D] at mem.e[32..35] address 0
    .temp   C1 : f32 [P1, D] at mem.e[36..39] banks run PS
    .temp   S1 : f32 [P1, D] at mem.e[40..43] banks run PS
.endif
.if F16
    .input  X0 : f16 [H, P0, D] at mem.w[16..19]
    .output Y0 : f16 [H, P0, D] at mem.w[32..35]
    .temp   XC0_0 : f16 [2, K * PS, D] at mem.e[8..9] banks run K * PS
    .temp   XC0_1 : f16 [2, K * PS, D] at mem.e[4..5] banks run K * PS
    .temp   XR0_0 : f16 [2, K * PS, D] at mem.e[12..13] banks run K * PS
    .temp   XR0_1 : f16 [2, K * PS, D] at mem.e[28..29] banks run K * PS
    .if P1
        .input  X1 : f16 [H, P1, D] at mem.e[0..3]
        .output Y1 : f16 [H, P1, D] at mem.e[24..27]
        .temp   XC1_0 : f16 [2, K * PS, D] at mem.w[24..25] banks run K * PS
        .temp   XC1_1 : f16 [2, K * PS, D] at mem.w[20..21] banks run K * PS
        .temp   XR1_0 : f16 [2, K * PS, D] at mem.w[28..29] banks run K * PS
        .temp   XR1_1 : f16 [2, K * PS, D] at mem.w[36..37] banks run K * PS
        .temp   Z_0 : f32 [2, K * PS, D] at mem.w[26..27] mem.w[30..31] banks run K * PS
        .temp   Z_1 : f32 [2, K * PS, D] at mem.w[22..23] mem.w[38..39] banks run K * PS
    .endif
.else
    .input  X0 : f32 [H, P0, D] at mem.w[16..19]
    .output Y0 : f32 [H, P0, D] at mem.w[32..35]
    .temp   XC0_0 : f32 [2, K * PS, D] at mem.e[8..11] banks run K * PS
    .temp   XC0_1 : f32 [2, K * PS, D] at mem.e[4..7] banks run K * PS
    .temp   XR0_0 : f32 [2, K * PS, D] at mem.e[12..15] banks run K * PS
    .temp   XR0_1 : f32 [2, K * PS, D] at mem.e[28..31] banks run K * PS
    .if P1
        .input  X1 : f32 [H, P1, D] at mem.e[0..3]
        .output Y1 : f32 [H, P1, D] at mem.e[24..27]
        .temp   XC1_0 : f32 [2, K * PS, D] at mem.w[24..27] banks run K * PS
        .temp   XC1_1 : f32 [2, K * PS, D] at mem.w[20..23] banks run K * PS
        .temp   XR1_0 : f32 [2, K * PS, D] at mem.w[28..31] banks run K * PS
        .temp   XR1_1 : f32 [2, K * PS, D] at mem.w[36..39] banks run K * PS
    .endif
.endif
.if P1
    .input Index1 : u8 [P1, 4] at mem.w32
    .const Low1 : u8 [1, LANES] at mem.e24 = for row, lane: lane % 16 == 0 ? 255 : 0
    .const High1 : u8 [1, LANES] at mem.e25 = for row, lane: lane % 16 == 1 ? 255 : 0
    .const Pairs1 : i16 [1, LANES] at mem.w[40..41] = \
        for row, lane: lane >= D ? lane : INTERLEAVED ? lane ^ 1 : lane < D / 2 ? lane + D / 2 : lane - D / 2
.endif

; Rows of the tables at the positions of side i; `o` leads from the VXM to the SXM that makes the addresses, `w` back.
.macro look_up i, o, w, c, s, a, m
    flow look_up_{i}:
        read      Index{i} -> s2.{o}
        broadcast s2.{o}, 0 -> s0.{w}
        broadcast s2.{o}, 1 -> s1.{w}
        read      Low{i} -> s{m}.{o} repeat P{i} step 0
        read      High{i} -> s{m + 1}.{o} repeat P{i} step 0
        and.u8    s0.{w}, s{m}.{o} -> %low @alu{a}
        and.u8    s1.{w}, s{m + 1}.{o} -> %high @alu{a + 1}
        or.u8     %low, %high -> s0.{w} @alu{a + 2}
        gather    Cos{i}, s0.{w} -> c
        gather    Sin{i}, s0.{w} -> s
        write     c -> C{i}
        write     s -> S{i}
.endm

; n heads of step k, from position `from` on m of each, and the same with the lanes of each pair exchanged.
.macro exchange i, k, n, from, m, in, map, out
    flow exchange_{i}_{k}:
        read    X{i}[k / PARTS * K : +n, from : +m, :] -> in
        write   in -> XC{i}_{k % 2}[k / 2 % 2, 0 : n * m, :]
        read    Pairs{i} -> map repeat n * m step 0
        permute in, map -> out
        write   out -> XR{i}_{k % 2}[k / 2 % 2, 0 : n * m, :]
.endm

.macro rotate_0 k, n, from, m
    flow rotate_0_{k}:
        read C0[from : +m, :] -> sg4.e[3] repeat m repeat n step 0
        read S0[from : +m, :] -> sg4.e[5] repeat m repeat n step 0
        .if F16
            read     XC0_{k % 2}[k / 2 % 2, 0 : n * m, :] -> sg2.w[0]
            read     XR0_{k % 2}[k / 2 % 2, 0 : n * m, :] -> sg2.w[8]
            cast.f32 sg2.w[0] -> %x @alu0
            cast.f32 sg2.w[8] -> %r @alu8
            mul      %x, sg4.e[3] -> %a @alu1
            mul      %r, sg4.e[5] -> %b @alu9
            add      %a, %b -> %y @alu14
            cast.f16 %y -> sg2.w[14] @alu15
            write    sg2.w[14] -> Y0[k / PARTS * K : +n, from : +m, :]
        .else
            read  XC0_{k % 2}[k / 2 % 2, 0 : n * m, :] -> sg4.w[0]
            read  XR0_{k % 2}[k / 2 % 2, 0 : n * m, :] -> sg4.w[4]
            mul   sg4.w[0], sg4.e[3] -> %a @alu1
            mul   sg4.w[4], sg4.e[5] -> %b @alu9
            add   %a, %b -> sg4.w[7] @alu14
            write sg4.w[7] -> Y0[k / PARTS * K : +n, from : +m, :]
        .endif
.endm

.macro rotate_1 k, n, from, m
    flow rotate_1_{k}:
        read C1[from : +m, :] -> sg4.w[3] repeat m repeat n step 0
        read S1[from : +m, :] -> sg4.w[5] repeat m repeat n step 0
    .if F16
        read     XC1_{k % 2}[k / 2 % 2, 0 : n * m, :] -> sg2.e[4]
        read     XR1_{k % 2}[k / 2 % 2, 0 : n * m, :] -> sg2.e[12]
        cast.f32 sg2.e[4] -> %x @alu5
        cast.f32 sg2.e[12] -> %r @alu13
        mul      %x, sg4.w[3] -> %a @alu6
        mul      %r, sg4.w[5] -> %b @alu10
        add      %a, %b -> sg4.w[5] @alu11
        write    sg4.w[5] -> Z_{k % 2}[k / 2 % 2, 0 : n * m, :]
        flow round_{k}:
            read     Z_{k % 2}[k / 2 % 2, 0 : n * m, :] -> sg4.e[0]
            cast.f16 sg4.e[0] -> sg2.e[6] @alu2
            write    sg2.e[6] -> Y1[k / PARTS * K : +n, from : +m, :]
    .else
            read  XC1_{k % 2}[k / 2 % 2, 0 : n * m, :] -> sg4.e[2]
            read  XR1_{k % 2}[k / 2 % 2, 0 : n * m, :] -> sg4.e[6]
            mul   sg4.e[2], sg4.w[3] -> %a @alu6
            mul   sg4.e[6], sg4.w[5] -> %b @alu10
            add   %a, %b -> sg4.e[4] @alu11
            write sg4.e[4] -> Y1[k / PARTS * K : +n, from : +m, :]
    .endif
.endm

look_up 0, e, w, sg4.w[1], sg4.w[3], 0, 8
.if P1
    look_up 1, w, e, sg4.e[2], sg4.e[5], 12, 4
.endif
.macro step k
    .equ n = min(K, H - K * (k / PARTS))
    .equ from = k % PARTS * PS
    .if F16
        exchange 0, k, n, from, min(PS, P0 - from), sg2.e[2], sg2.e[12], sg2.w[2]
    .else
        exchange 0, k, n, from, min(PS, P0 - from), sg4.e[1], sg2.e[12], sg4.w[1]
    .endif
    .if P1 && F16
        exchange 1, k, n, from, min(PS, P1 - from), sg2.w[4], sg2.w[8], sg2.e[14]
    .elif P1
        exchange 1, k, n, from, min(PS, P1 - from), sg4.w[2], sg2.w[8], sg4.e[7]
    .endif
.endm
.macro turn k
    .equ n = min(K, H - K * (k / PARTS))
    .equ from = k % PARTS * PS
    rotate_0 k, n, from, min(PS, P0 - from)
    .if P1
        rotate_1 k, n, from, min(PS, P1 - from)
    .endif
.endm

.for k in 0..STEPS + 1
    .if k < STEPS
        step k
    .endif
    .if k
        turn k - 1
    .endif
.endfor
