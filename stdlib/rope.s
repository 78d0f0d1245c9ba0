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
; f16, 9 heads of 128, 867 cycles of 737: 126 before the first row is turned, 4 for a bank; 32 heads of one position,
; 206 of 175: 31 before the first row is turned.
;
; Contract
;   shapes  X0, Y0 [H, P0, D], the first half of the positions; X1, Y1 [H, P1, D]; for each side i: Cosi, Sini [V, D],
;           a row a position; Indexi [Pi, 4], the bytes of the positions. D ≤ 320, V ≤ 8,192, and H · P0 (f16: half of
;           it) + P0 + 1 ≤ 8,192
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

.equ T = F16 ? f16 : f32

.def first(k) = k % PARTS * PS  ; position of flow k
.def count(i, k) = min(PS, (i ? P1 : P0) - first(k))
.def heads(k) = min(K, H - K * (k / PARTS))
.def rows(t, i, k) = t[k / PARTS * K : +heads(k), first(k) : +count(i, k), :]
.def copy(t, i, k) = t[k / 2 % 2, 0 : heads(k) * count(i, k), :]
.def slices(h, n) = mem.{h}[n..n + (F16 ? 1 : 3)]  ; of an element
.def ways(d, s) = F16 ? sg2.{d}[s / 2] : sg4.{d}[s / 4]

; Side i has tables and rows in hemisphere h, copies, positions and pairs in the other one. Numbers are those of slices.
.macro side i, h, other, tables, rows, masks, copies, index, pairs
    .weight Cos{i} : f32 [V, D] at mem.{h}[tables[0]..tables[0] + 3] address 0
    .weight Sin{i} : f32 [V, D] at mem.{h}[tables[1]..tables[1] + 3] address 0
    .temp   C{i} : f32 [P{i}, D] at mem.{h}[tables[2]..tables[2] + 3] banks run PS
    .temp   S{i} : f32 [P{i}, D] at mem.{h}[tables[3]..tables[3] + 3] banks run PS
    .input  X{i} : T [H, P{i}, D] at mem.{h}[rows[0]..rows[0] + 3]
    .output Y{i} : T [H, P{i}, D] at mem.{h}[rows[1]..rows[1] + 3]
    .for j in 0..2
        .temp XC{i}_{j} : T [2, K * PS, D] at slices(other, copies[j]) banks run K * PS
        .temp XR{i}_{j} : T [2, K * PS, D] at slices(other, copies[2 + j]) banks run K * PS
    .endfor
    .input Index{i} : u8 [P{i}, 4] at mem.{other}{index}
    .const Low{i} : u8 [1, LANES] at mem.{h}{masks[0]} = for row, lane: lane % 16 == 0 ? 255 : 0
    .const High{i} : u8 [1, LANES] at mem.{h}{masks[1]} = for row, lane: lane % 16 == 1 ? 255 : 0
    .const Pairs{i} : i16 [1, LANES] at mem.{other}[pairs..pairs + 1] = \
        for row, lane: lane >= D ? lane : INTERLEAVED ? lane ^ 1 : lane < D / 2 ? lane + D / 2 : lane - D / 2
.endm

side 0, w, e, (0, 4, 8, 12), (16, 32), (42, 43), (8, 4, 12, 28), 20, 21
.if P1
    side 1, e, w, (16, 32, 36, 40), (0, 24), (24, 25), (24, 20, 28, 36), 32, 40
.endif
.if P1 && F16
    .temp Z_0 : f32 [2, K * PS, D] at mem.w[26..27] mem.w[30..31] banks run K * PS
    .temp Z_1 : f32 [2, K * PS, D] at mem.w[22..23] mem.w[38..39] banks run K * PS
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

; Rows of step k, and the same with the lanes of each pair exchanged.
.macro exchange i, k, in, map, out
    flow exchange_{i}_{k}:
        read    rows(X{i}, i, k) -> in
        write   in -> copy(XC{i}_{k % 2}, i, k)
        read    Pairs{i} -> map repeat heads(k) * count(i, k) step 0
        permute in, map -> out
        write   out -> copy(XR{i}_{k % 2}, i, k)
.endm

; Rows of step k turned; of f16 the sums %y of side 0 are rounded in the same pass, those of side 1 by way of Z.
.macro rotate i, k, cos, sin, x, r, alus, sum
    flow rotate_{i}_{k}:
        read C{i}[first(k) : +count(i, k), :] -> cos repeat count(i, k) repeat heads(k) step 0
        read S{i}[first(k) : +count(i, k), :] -> sin repeat count(i, k) repeat heads(k) step 0
        read copy(XC{i}_{k % 2}, i, k) -> x
        read copy(XR{i}_{k % 2}, i, k) -> r
        .if F16
            cast.f32 x -> %x @alu{alus[0]}
            cast.f32 r -> %r @alu{alus[1]}
        .endif
        mul F16 ? %x : x, cos -> %a @alu{alus[2]}
        mul F16 ? %r : r, sin -> %b @alu{alus[3]}
        add %a, %b -> sum @alu{alus[4]}
    .if !F16
        write sum -> rows(Y{i}, i, k)
    .elif i == 0
        cast.f16 %y -> sg2.w[14] @alu15
        write    sg2.w[14] -> rows(Y0, 0, k)
    .else
        write sum -> copy(Z_{k % 2}, 1, k)
        flow round_{k}:
            read     copy(Z_{k % 2}, 1, k) -> sg4.e[0]
            cast.f16 sg4.e[0] -> sg2.e[6] @alu2
            write    sg2.e[6] -> rows(Y1, 1, k)
    .endif
.endm

look_up 0, e, w, sg4.w[1], sg4.w[3], 0, 8
.if P1
    look_up 1, w, e, sg4.e[2], sg4.e[5], 12, 4
.endif
.for k in 0..STEPS + 1
    .if k < STEPS
        exchange 0, k, ways(e, 4), sg2.e[12], ways(w, 4)
        .if P1
            exchange 1, k, ways(w, 8), sg2.w[8], ways(e, 28)
        .endif
    .endif
    .if k
        rotate 0, k - 1, sg4.e[3], sg4.e[5], ways(w, 0), ways(w, 16), (0, 8, 1, 9, 14), F16 ? %y : sg4.w[7]
        .if P1
            rotate 1, k - 1, sg4.w[3], sg4.w[5], ways(e, 8), ways(e, 24), (5, 13, 6, 10, 11), F16 ? sg4.w[5] : sg4.e[4]
        .endif
    .endif
.endfor
