; The gated hidden layer of swiglu_mlp.s and decoder_block.s: H = silu(X · Wgateᵀ) ∘ X · Wupᵀ in both hemispheres.

; Column n of H from the sums of gate (east) and up (west).
.macro gated n
    flow gate_{n}:
        read     T{n % 2}_e -> sg4.w[4]
        mul      sg4.w[4], 0.5 -> %half
        identity %half -> %held
        tanh     %half -> %t
        add      %t, 1.0 -> %twice
        identity %held -> %kept
        mul      %twice, %kept -> sg4.e[7]
        write    sg4.e[7] -> G
    flow up_{n}:
        read     G -> sg4.w[4]
        read     T{n % 2}_w -> sg4.e[5]
        mul      sg4.w[4], sg4.e[5] -> %h
        cast.f16 %h -> sg2.e[14], sg2.w[14]
        write    sg2.e[14] -> H_e[:, LANES * n : +LANES]
        write    sg2.w[14] -> H_w[:, LANES * n : +LANES]
.endm

; All columns of H; `wide` is how many lanes {X} has. The east does gate and the west up, so both sums end together.
.macro gated_layer gate, up, X, wide
    .equ deep = ceil_div(wide, LANES)
    .for n in 0..TN
        .for k in 0..deep
            product {gate}_{n}_{k}, 0, {gate}, n * deep + k, {X}, k, wide, n % 2, k == 0
            product {up}_{n}_{k}, 1, {up}, n * deep + k, {X}, k, wide, n % 2, k == 0
        .endfor
        gated n
    .endfor
.endm
