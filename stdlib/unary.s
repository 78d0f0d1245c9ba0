; The tensors of a kernel of one operand, element by element: X in bank 0 of the west, Y in bank 1 of the same
; slices, so that reading and writing never meet. A vector is 320 elements in row-major order; successive vectors go
; to successive groups of slices, and pipeline p of P takes those that are p modulo P. Temporaries lie in the east.
.equ V = 8 * ceil_div(N, 8 * LANES)  ; vectors, a multiple of the groups

.if F16
    .input  X : f16 [V, LANES] at mem.w[0..15] bank 0
    .output Y : f16 [V, LANES] at mem.w[0..15] bank 1
.else
    .input  X : f32 [V, LANES] at mem.w[0..31] bank 0
    .output Y : f32 [V, LANES] at mem.w[0..31] bank 1
.endif
