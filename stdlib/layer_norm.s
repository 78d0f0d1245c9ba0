; Y = (X − mean) / sqrt(variance + eps) · w + b, row by row: f32, or (F16 = 1) f16.
;
; The idea. As in rms_norm.s sixteen rows are transposed, so that adding lanes is adding vectors. The variance is
; taken in one sweep that cannot cancel: each superlane of a row has its own pivot, the first of its elements. The
; sums of x − pivot and of its square give mean and squares about the mean of that superlane; n times their difference
; is never more than n squares. Twenty superlanes are then put together by three sums. The first is of the mean of one
; superlane and nineteen zeros: a reference, the same number everywhere, which a mean that each superlane rounds in its own
; order is not. The others are of the distances from it (the mean, but for its last rounding) and of all squares. A row
; that is constant has variance 0. Beyond the last column x is 0, and the pivot is made 0 there as well. Multiplying
; takes six ALUs in a row for f16 (cast, − mean, · scale, · w, + b, cast), and a pass has four: what is left goes
; through ZT. The distributor spreads scale and mean at once, on the two halves of its eight streams.
;
; Another way was counted: two sweeps, one for the mean and one for the squares about it, take 3 + 7 operations for
; two vectors where this takes 8, and the second cannot begin before the shifts of the first are done, 250 cycles
; later. Sums of f16 by planes full of ones are exact for the mean, but not for squares, and come out a row a lane, which
; must then be given to all superlanes.
;
; The moments of a block are a chain of 14 flows, 400 cycles and 14 for each group; two of the sums go side by side. They hide
; behind the multiplying of another block: from the sweep of a block to its multiplying are LAG blocks; their vectors are
; in slices (OWN) that multiplying does not read; their sums take ALUs 4 5 6 7 and the superlanes 8 11 12, so that each
; stops one half of multiplying only; and multiplying goes in flows of 16 cycles, which fit between theirs.
;
; Where the cycles go: the sweep (ALUs 0 1 2 5 6 7 13 15) and multiplying (0 … 5 and 8 … 13) cannot go on
; together, as those of rms_norm can: 16 · T cycles a group, 8,192 of 11,185 for f16 [2048, 1024]. The 14 flows of a block
; of 26 groups stop half of multiplying for 14 · 26 cycles, 910 in all; the rest fills and drains: the first sweep and its
; moments, the last multiplying. Of f16 [512, 768], 2,787, 1,536 are sweeps and multiplying, and of a single block, [128,
; 768], 384 of 1,361: its moments have nothing to hide behind.
; Likewise a single block of f16 [128, 576], 1,220 of 837, and of f32, 1,232 of 841: 269 and 281 of the 383 and 391
; pass before the first mean is spread, 56 for a slice that spreading reads, 54 and 35 after the last. f32 [512, 768],
; 2,866 of 1,947, has the 845 of f16 [512, 768] and 74 more.
;
; Why the error is what it says, u = 2⁻²⁴, S and Q the sums of |x − pivot| and (x − pivot)² of a superlane of c ≤ 16T
; columns, M its squares about its own mean, E how far that mean is from the reference, z, σ and k as below. Q ≤ c · M, as no
; element is further off than √(c · M), so ΣQ ≤ 16T · nσ² and ΣS² / c ≤ ΣQ. A sum goes through T + 3 additions, so M is
; off by at most (T + 6) + 2 · (T + 4) + 4 times u · Q, which is 8T · (18 + 3T) of |z|. E is off by 2u · |E| + (T + 7) · u
; · S / c and ΣcE² = (at most) k · nσ²; six additions, three products and the square that is taken off give 16k + 8 · (T +
; 7) · √(Tk), and of the mean 10 · √k + 4 · (T + 7) · √T times uσ. No |mean| is in any of these; only the mean itself, when
; it is rounded, adds u · |mean|. Six products and rsqrt on the way to Y, and half of what the variance has for sums of
; all, are the 12.
;
; Contract
;   shapes  as in rms_norm.s; b as w
;   error   half a unit in the last place of Y, and 2⁻²⁴ · ((8T · (18 + 3T) + 16k + 8 · (T + 7) · √(Tk) + 12) · |z| +
;           (10 · √k + 4 · (T + 7) · √T) · |w| + |w · mean| / σ + |b|), where z is Y − b, σ² = variance + eps and k = 1 +
;           (mean of columns 0 … 15 of each 320 − mean)² / σ² ≤ 20; 16 |z| and 16 |w| are enough unless these columns or
;           the pivots are outliers. With eps = 0 a constant row gives b, where (X − mean) / 0 would be NaN
;   cycles  at most 22 · T · G + 24 · G + 30 · T + 100 · NB + 800, NB blocks (norm.s)
.target tsp1
.param R = 512
.param N = 768
.param F16 = 0
.param eps = 1e-5

.equ CENTRED = 1
.include "norm.s"

.equ EDGE = N - LANES * (T - 1)  ; columns of the last tile
.equ LAG = NB > 2 ? 2 : 1        ; blocks from the sweep of one to its multiplying
.equ SHARE = N * eps / SUPERLANES

.if F16
    .weight b : f16 [T, LANES] at mem.w[20..21] bank 1
    .temp   ZT : f32 [2, 8 * GB, LANES] at mem.e[8..15] banks run 1
.else
    .weight b : f32 [T, LANES] at mem.e[12..15] bank 1
.endif
; Columns that a superlane has in all tiles, and their reciprocals (0 of 0); Live: 1 in the superlanes that have a column
; in the lanes below, and from, N mod 16 on, in the last tile.
.const Count : f32 [1, LANES] at mem.e[OWN + 12..OWN + 15] bank 1 = \
    for row, lane: 16 * (T - 1) + min(max(EDGE - lane / 16 * 16, 0), 16)
.const Each : f32 [1, LANES] at mem.w[40..43] bank T % 2 = \
    for row, lane: T > 1 || lane / 16 * 16 < EDGE ? 1.0 / (16 * (T - 1) + min(max(EDGE - lane / 16 * 16, 0), 16)) : 0
.const       First : u8 [1, LANES] at mem.e13 bank 1 = for row, lane: lane < 16
.const       Live : u8 [2, LANES] at mem.e12 bank 1 = for full, lane: lane / 16 + full <= EDGE / 16
partial_sums D
partial_sums Q
.temp        PD0 : f32 [2, GB, 4, LANES] at mem.e[0..15] bank 0
.temp        PD1 : f32 [2, GB, 4, LANES] at mem.e[0..15] bank 1
.temp        PQ0 : f32 [2, GB, 4, LANES] at mem.e[8..15] mem.e[0..7] bank 0
.temp        PQ1 : f32 [2, GB, 4, LANES] at mem.e[8..15] mem.e[0..7] bank 1
.temp        PV : f32 [2, 3, GB, LANES] at mem.e[36..39] banks run 3 * GB
.temp        PW : f32 [GB, LANES] at mem.w[40..43] bank 1
.temp        SD : f32 [GB, LANES] at mem.e[OWN..OWN + 3] bank 0
.temp        SQ : f32 [GB, LANES] at mem.e[OWN + 4..OWN + 7] bank 0
.temp        M1 : f32 [GB, LANES] at mem.w[32..35] bank 0
.temp        M2 : f32 [GB, LANES] at mem.w[36..39] bank 0
.temp        MEAN : f32 [GB, LANES] at mem.w[32..35] bank 1
.temp        E0 : f32 [GB, LANES] at mem.e[OWN..OWN + 3] bank 0
.temp        E1 : f32 [GB, LANES] at mem.e[OWN + 4..OWN + 7] bank 0
.temp        DD : f32 [GB, LANES] at mem.e[16..19] bank 1

; Pivots: the first of 16 vectors of the first tile; 1 and 2 are for the last tile.
.macro pivot b, v
    .equ n = min(GB, G - b * GB)
    flow pivot_{b}_{v}:
        .for p in 0..BYTES
            read T{p}[b * T, 0 : 16 * n : 16, :] -> s{8 + p}.w
        .endfor
        .if F16
            cast.f16.f32 sg2.w[4] -> %x @alu7
        .else
            identity.f32 sg4.w[2] -> %x @alu7
        .endif
        .if v
            read Live[v - 1, :] -> s12.w repeat n step 0
            mask %x, s12.w -> sg4.e[3], sg4.w[5] @alu6
        .else
            identity %x -> sg4.e[3] @alu6
        .endif
        write sg4.e[3] -> PV[b % 2, v, 0 : n, :]
        .if v == 1
            write sg4.w[5] -> PW[0 : n, :]
        .endif
.endm

; Two of the sixteen vectors, less the pivot; their sum, and that of the squares.
.macro deviate b, t, i
    .equ q = b * T + t
    .equ n = min(GB, G - b * GB)
    .equ LAST = t == T - 1 && EDGE < LANES
    .equ ONE = LAST ? (2 * i < EDGE % 16 ? 1 : 2) : 0
    .equ TWO = LAST ? (2 * i + 1 < EDGE % 16 ? 1 : 2) : 0
    flow deviate_{b}_{t}_{i}:
        .for p in 0..BYTES
            read T{p}[q, 2 * i : 16 * n : 16, :] -> s{8 + p}.w
            read T{p}[q, 2 * i + 1 : 16 * n : 16, :] -> s{p}.w
        .endfor
        .if F16
            cast.f16.f32 sg2.w[4] -> %x @alu7
            cast.f16.f32 sg2.w[0] -> %y @alu15
        .else
            identity.f32 sg4.w[2] -> %x @alu7
            identity.f32 sg4.w[0] -> %y @alu15
        .endif
        read PV[b % 2, TWO, 0 : n, :] -> sg4.w[3]
        .if ONE == TWO
            sub %x, sg4.w[3] -> %d @alu6
        .else
            read PW[0 : n, :] -> sg4.e[3]
            sub  %x, sg4.e[3] -> %d @alu6
        .endif
        sub   %y, sg4.w[3] -> %e @alu2
        mul   %d, %d -> %u @alu1
        mul   %e, %e -> %v @alu13
        add   %d, %e -> sg4.e[2] @alu5
        add   %u, %v -> sg4.e[0] @alu0
        write sg4.e[2] -> PD{i / 4}[t % 2, 0 : n, i % 4, :]
        write sg4.e[0] -> PQ{i / 4}[t % 2, 0 : n, i % 4, :]
.endm

.macro total_D n, held
    add   %q, held -> sg4.e[5] @alu11
    write sg4.e[5] -> SD[0 : n, :]
.endm
.macro total_Q n, held
    add   %q, held -> sg4.e[5] @alu11
    write sg4.e[5] -> SQ[0 : n, :]
.endm
.macro to_superlanes n, e, w, set
    write e -> UE[set, 0 : n, :]
    write e -> UO[set, 0 : n, :]
    write w -> UW[set, 0 : n, :]
.endm

; Mean and scale of the rows of a block. M1 and M2 are of superlanes: means above the pivots, and squares. MEAN is the
; reference, E0 and E1 the distances of the superlanes' means from it, DD what the squares about it have too much.
.macro moments b
    .equ n = min(GB, G - b * GB)
    flow local_mean_{b}:
        read          SD[0 : n, :] -> sg4.w[4]
        read          Each -> sg4.e[2] repeat n step 0
        mul           sg4.w[4], sg4.e[2] -> %d, sg4.w[5] @alu4
        read          PV[b % 2, 0, 0 : n, :] -> sg4.w[3]
        add           %d, sg4.w[3] -> %mean @alu5
        write         sg4.w[5] -> M1[0 : n, :]
        read          First -> s8.w repeat n step 0
        mask          %mean, s8.w -> sg4.e[3], sg4.w[3] @alu6
        to_superlanes n, sg4.e[3], sg4.w[3], 0
    flow local_squares_{b}:
        read     SD[0 : n, :] -> sg4.w[4]
        mul      sg4.w[4], sg4.w[4] -> %s @alu4
        read     Each -> sg4.e[2] repeat n step 0
        mul      %s, sg4.e[2] -> %t @alu5
        read     SQ[0 : n, :] -> sg4.w[3]
        sub      sg4.w[3], %t -> %u @alu6
        add      %u, SHARE -> sg4.w[4] @alu7
        write    sg4.w[4] -> M2[0 : n, :]
        quarters b, 0, 0
        fifths   b, 0, 0
    flow mean_{b}:
        read  Z[0, 0 : n, :] -> sg4.w[2]
        read  VO[0, 0 : n, :] -> sg4.w[4]
        add   sg4.w[2], sg4.w[4] -> %mean, sg4.w[4] @alu4
        write sg4.w[4] -> MEAN[0 : n, :]
        read  PV[b % 2, 0, 0 : n, :] -> sg4.w[3]
        sub   sg4.w[3], %mean -> %p @alu6
        read  M1[0 : n, :] -> sg4.e[2]
        add   %p, sg4.e[2] -> sg4.e[3] @alu7
        write sg4.e[3] -> E0[0 : n, :]
        write sg4.e[3] -> E1[0 : n, :]
    flow rest_{b}:
        read          E0[0 : n, :] -> sg4.w[4]
        read          Count -> sg4.w[2] repeat n step 0
        mul           sg4.w[4], sg4.w[2] -> sg4.e[3], sg4.w[3] @alu4
        to_superlanes n, sg4.e[3], sg4.w[3], 1
    flow squares_{b}:
        read          E0[0 : n, :] -> sg4.w[4]
        read          Count -> sg4.w[2] repeat n step 0
        mul           sg4.w[4], sg4.w[2] -> %u @alu4
        read          E1[0 : n, :] -> sg4.w[3]
        mul           %u, sg4.w[3] -> %s @alu5
        read          M2[0 : n, :] -> sg4.e[2]
        add           %s, sg4.e[2] -> sg4.e[3], sg4.w[3] @alu6
        to_superlanes n, sg4.e[3], sg4.w[3], 0
        quarters      b, 1, 1
        quarters      b, 2, 0
        fifths        b, 1, 1
        fifths        b, 2, 0
    flow shift_{b}:
        read  Z[1, 0 : n, :] -> sg4.w[2]
        read  VO[1, 0 : n, :] -> sg4.w[4]
        add   sg4.w[2], sg4.w[4] -> %sum @alu4
        mul   %sum, 1.0 / N -> %d @alu5
        read  MEAN[0 : n, :] -> sg4.e[2]
        add   %d, sg4.e[2] -> sg4.w[4] @alu6
        write sg4.w[4] -> F1[b % 2, 0 : n, :]
    flow shift_square_{b}:
        read  Z[1, 0 : n, :] -> sg4.w[2]
        read  VO[1, 0 : n, :] -> sg4.w[4]
        add   sg4.w[2], sg4.w[4] -> %sum @alu4
        mul   %sum, %sum -> %s @alu5
        mul   %s, 1.0 / N -> sg4.e[3] @alu6
        write sg4.e[3] -> DD[0 : n, :]
    flow scale_{b}:
        read  Z[0, 0 : n, :] -> sg4.w[2]
        read  VO[0, 0 : n, :] -> sg4.w[4]
        add   sg4.w[2], sg4.w[4] -> %sum @alu4
        read  DD[0 : n, :] -> sg4.w[3]
        sub   %sum, sg4.w[3] -> %v @alu5
        max   %v, N * eps -> %safe @alu6
        rsqrt %safe -> sg4.w[4] @alu7
        write sg4.w[4] -> F0[b % 2, 0 : n, :]
.endm

; w times the root of N, and b, kept by ALUs for a tile of a block.
.macro weight k, t, p
    flow weight_{k}_{t}_{p}:
    .if F16
        read     w[t, :] -> sg2.e[8 * p + 2]
        cast.f32 sg2.e[8 * p + 2] -> %w @alu{8 * p}
        mul      %w, ROOT -> %u @alu{8 * p + 1}
        identity %u keep 1 @alu{8 * p + 3}
        flow bias_{k}_{t}_{p}:
            read     b[t, :] -> sg2.e[8 * p + 6]
            cast.f32 sg2.e[8 * p + 6] -> %w @alu{p ? 15 : 7}
            identity %w keep 1 @alu{p ? 12 : 4}
    .else
            read     w[t, :] -> sg4.w[3 * p + 3]
            mul      sg4.w[3 * p + 3], ROOT -> %u @alu{8 * p + 1}
            identity %u keep 1 @alu{8 * p + 2}
        flow bias_{k}_{t}_{p}:
            read     b[t, :] -> sg4.w[3 * p + 3]
            identity sg4.w[3 * p + 3] keep 1 @alu{8 * p + 3}
    .endif
.endm

.macro normalise k, t, h, p, c
    .equ f = 4 * c
    .equ n = min(4, min(GB, G - k * GB) - f)
    .equ a = GB * k + f
    flow normalise_{k}_{t}_{h}_{p}_{c}:
        read BM[k % 2, f : +n, h, p : 8 : 2, :] -> sg4.w[4 * p + 2]
        read B[k % 2, f : +n, h, p : 8 : 2, :] -> sg4.w[4 * p + 1]
    .if F16
        read     X{h}[8 * a + p : 8 * (a + n) : 2, LANES * t : +LANES] -> sg2.e[8 * p]
        cast.f32 sg2.e[8 * p] -> %x @alu{8 * p}
        sub      %x, sg4.w[4 * p + 2] -> %d @alu{8 * p + 1}
        mul      %d, sg4.w[4 * p + 1] -> %z @alu{8 * p + 2}
        mul      %z, latch -> sg4.e[4 * p + 2] @alu{8 * p + 3}
        write    sg4.e[4 * p + 2] -> ZT[h, 8 * f + p : 8 * (f + n) : 2, :]
        flow add_{k}_{t}_{h}_{p}_{c}:
            read     ZT[h, 8 * f + p : 8 * (f + n) : 2, :] -> sg4.w[3 * p + 4]
            add      sg4.w[3 * p + 4], latch -> %y @alu{8 * p + 4}
            cast.f16 %y -> sg2.w[8 * p + 6] @alu{8 * p + 5}
            write    sg2.w[8 * p + 6] -> Y[a : +n, h, p : 8 : 2, LANES * t : +LANES]
    .else
            read  X{h}[8 * a + p : 8 * (a + n) : 2, LANES * t : +LANES] -> sg4.e[4 * p]
            sub   sg4.e[4 * p], sg4.w[4 * p + 2] -> %d @alu{8 * p}
            mul   %d, sg4.w[4 * p + 1] -> %z @alu{8 * p + 1}
            mul   %z, latch -> %y @alu{8 * p + 2}
            add   %y, latch -> sg4.w[4 * p + 3] @alu{8 * p + 3}
            write sg4.w[4 * p + 3] -> Y[a : +n, h, p : 8 : 2, LANES * t : +LANES]
    .endif
.endm

.for s in 0..NB + LAG
    .if s + 2 < NB
        turns s + 2
    .endif
    .if s < NB
        pivot s, 0
        .if EDGE < LANES
            pivot s, 1
            pivot s, 2
        .endif
        .for t in 0..T
            .for i in 0..8
                deviate s, t, i
            .endfor
            eights     s, t, D, 0
            eights     s, t, D, 1
            eights     s, t, Q, 0
            eights     s, t, Q, 1
            accumulate s, t, D, 0.0
            accumulate s, t, Q, 0.0
        .endfor
        moments s
    .endif
    .if s && s <= NB
        spread s - 1
    .endif
    .if s >= LAG
        .for t in 0..T
            weight s - LAG, t, 0
            weight s - LAG, t, 1
            .for h in 0..2
                .for c in 0..ceil_div(min(GB, G - (s - LAG) * GB), 4)
                    normalise s - LAG, t, h, 0, c
                    normalise s - LAG, t, h, 1, c
                .endfor
            .endfor
        .endfor
    .endif
.endfor
