; The gated hidden layer of swiglu_mlp.s and decoder_block.s: H = silu(X · Wgateᵀ) ∘ X · Wupᵀ in both hemispheres.
;
; silu(g) = ½g · (1 + tanh ½g) is four ALUs deep, which is as deep as a pass goes; so it waits in G and meets the other sum
; in a second pass, a few cycles behind the first. The two have ALUs of their own.
.temp G : f32 [S, LANES] at mem.e[24..27] banks run 1

; What becomes of column n: ½g and tanh ½g run side by side, and ½g is handed on twice until they meet.
.macro gated n
    flow gate_{n}:
        read     T1_e -> sg4.w[4]
        mul      sg4.w[4], 0.5 -> %half @alu8
        identity %half -> %held @alu9
        tanh     %half -> %t @alu5
        add      %t, 1.0 -> %twice @alu6
        identity %held -> %kept @alu10
        mul      %twice, %kept -> sg4.e[7] @alu11
        write    sg4.e[7] -> G
    flow up_{n}:
        read     G -> sg4.w[1]
        read     T1_w -> sg4.e[6]
        mul      sg4.w[1], sg4.e[6] -> %h @alu12
        cast.f16 %h -> sg2.e[12], sg2.w[14] @alu13
        write    sg2.e[12] -> H_e[:, LANES * n : +LANES]
        write    sg2.w[14] -> H_w[:, LANES * n : +LANES]
.endm

; All columns of H; `wide` is how many lanes X has. The east does gate and the west up, so both sums end together.
.macro gated_layer gate, up, X, wide
    .equ deep = ceil_div(wide, LANES)
    .for n in 0..TN
        .for k in 0..deep
            product {gate}_{n}_{k}, 0, {gate}, n * deep + k, {X}, k, wide - LANES * k, k == 0, k == deep - 1
            product {up}_{n}_{k}, 1, {up}, n * deep + k, {X}, k, wide - LANES * k, k == 0, k == deep - 1
        .endfor
        gated n
    .endfor
.endm
