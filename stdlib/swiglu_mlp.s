; Y = (silu(X · Wgateᵀ) ∘ X · Wupᵀ) · Wdownᵀ: f16 in and out, sums f32, in one program.
;
; The idea. X is copied to both hemispheres. The east multiplies it by Wgate, the west by Wup, so the two sums that meet
; in an element of the hidden layer are ready at the same time, a column of 320 features after the other, and nothing has
; to be added across the chip. silu(g) = ½g · (1 + tanh ½g) is as deep as a pass through the VXM goes; what comes out waits
; in G and meets the west's sum in a second pass, which rounds to f16 and leaves the column in both hemispheres. So the
; last product reads it in place: its tiles are dealt to the hemispheres in turn, and the VXM adds their two sums. The
; passes of a column run while the planes are at the next one. Rows lie in runs of one word a bank, so a column may be
; written where another is read, a cycle apart. block_product.s has the products.
;
; Layout. Gate_e, Up_w: tile (n, k) of a weight, 320 × 320, is number n · TK + k. Down_e, Down_w: as dealt, in their order.
; All rows of X, H and Y: tile k of a row (320 lanes) at k · S + row.
;
; Contract
;   shapes  X [S, K], Wgate and Wup [N, K], Wdown [O, N] → Y [S, O]
;   error   with a = 2⌈K/160⌉ · 2⁻²⁴ · |x|·|W|ᵀ in g and in u: δ = |u| (1.1 a_g + 2⁻²³ |g|) + |silu g| a_u + a_g a_u
;           + 2⁻¹¹ |h| + 2⁻²⁵ in h; in Y (δ + 2⌈N/160⌉ · 2⁻²⁴ |h|) · |Wdown|ᵀ, 2⁻¹¹ of the result, and 2⁻²⁵, where h is finite in f16
;   cycles  at most (TN · ⌈K/160⌉ + TO · ⌈N/160⌉ / 2 + 1) · max(S + 2, 26) + 3 S + 400. The planes are never idle
;           between the first row and the last but for the 33 cycles that the last column of H, of two passes, comes late.
.target tsp1
.param S = 128   ; rows
.param K = 576   ; features in
.param N = 1536  ; of the hidden layer
.param O = 576   ; out

.equ TK = ceil_div(K, LANES)
.equ TN = ceil_div(N, LANES)
.equ TO = ceil_div(O, LANES)
.equ EAST = TO / 2 * TN + TO % 2 * ((TN + 1) / 2)  ; tiles of Wdown in the east

.input  X : f16 [S, K] at mem.w[28..29] tile S x LANES
.weight Gate_e : f16 [TN * TK * LANES, LANES] at mem.e[0..15]
.weight Up_w : f16 [TN * TK * LANES, LANES] at mem.w[0..15]
.weight Down_e : f16 [EAST * LANES, LANES] at mem.e[0..15]
.if TO * TN - EAST > 0
    .weight Down_w : f16 [(TO * TN - EAST) * LANES, LANES] at mem.w[0..15]
.endif
.output Y : f16 [S, O] at mem.e[28..29] tile S x LANES

.macro temporaries h
    .temp X_{h} : f16 [S, K] at mem.{h}[40..41] tile S x LANES banks run 1
    .temp H_{h} : f16 [S, N] at mem.{h}[42..43] tile S x LANES banks run 1
.endm
temporaries e
temporaries w

.include "block_product.s"
.include "block_gated.s"

flow copy:
    read     X -> sg2.e[12]
    identity sg2.e[12] -> sg2.e[14], sg2.w[14]
    write    sg2.e[14] -> X_e
    write    sg2.w[14] -> X_w

    gated_layer Gate, Up, X, K

.for n in 0..TO
    column down, n, Down, H, N
    flow finish_{n}:
        total    n, TN
        cast.f16 %y -> sg2.e[14]
        write    sg2.e[14] -> Y[:, LANES * n : +LANES]
.endfor
