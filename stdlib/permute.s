; The axes of a tensor in another order: X [B, R, N] becomes [B, N, R] (TURN = 1) or [R, B, N] (TURN = 0).
;
; The idea. Axes of size 1 and axes that stay together are joined, and every order of three axes is then one of these:
; B matrices are transposed, which the planes do (transpose.s, which also says how they lie); or rows keep their lanes
; and change places. That is a matter of addresses: a byte plane of a row is read from one hemisphere and written to
; the other, 32 east and 32 west in every cycle, which is all streams. The planes of all rows of a matrix go to the
; slices in turn, so that a slice holds A of them, for each of BC matrices; it is read matrix by matrix for one plane
; after another, and written plane by plane for one matrix after another: one instruction a slice, whatever the size.
;
; Contract
;   shapes  TURN = 1: as transpose.s. TURN = 0: XW, XE [32 · A · BC, 320], unit u of 64 in the west if u < 32, at word
;           a · BC + b; the same in YE and YW, at word b · A + a
;   error   none: bytes are moved
;   cycles  TURN = 1: as transpose.s; TURN = 0: at most A · BC + 70
.target tsp1
.param TURN = 0
.param A = 16
.param BC = 64

.if TURN
    .include "transpose.s"
.else
    .input  XW : u8 [32 * A * BC, LANES] at mem.w[0..31] bank 0
    .input  XE : u8 [32 * A * BC, LANES] at mem.e[0..31] bank 0
    .output YE : u8 [32 * A * BC, LANES] at mem.e[0..31] bank 1
    .output YW : u8 [32 * A * BC, LANES] at mem.w[0..31] bank 1
    flow east:
        read  XW -> sg32.e[0] repeat A step BC repeat BC step 1
        write sg32.e[0] -> YE
    flow west:
        read  XE -> sg32.w[0] repeat A step BC repeat BC step 1
        write sg32.w[0] -> YW
.endif
