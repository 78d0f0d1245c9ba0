.target mini
.input A : int8 [4, 16] at mem.w0
.input B : i8 [4, -1] at mem.w0
.input C : i8 [4, 16]
.input D : i8 [4, 16] at mem.w9
.input E : i32 [4, 16] at mem.w[0..2]
.input F : i8 [4, 16] at mem.w[0..9]
.input G : i8 [4, 16] at mem.w0 tile 4x64
.input H : i8 [600, 16] at mem.w1
.input I : i8 [8, 16] at mem.w2 address 0
.input J : i8 [8, 16] at mem.w2 address 4
.input K : i8 [4, 16] at mem.w3 bank 2
.const L : i8 [4] at mem.w4 = 1, 2, 3
.const M : i8 [2] at mem.w4 = 1, 300
.const N : i8 [2] at mem.w4 = "nothing.npy"
.input O : i8 [4] at mem.w4 = 1, 2, 3, 4
.const P : i8 [4] at mem.w4
.input Q : i8 [300, 16] at mem.w5 bank 1
.const R : i8 [2, 4] at mem.w4 = for i, j: 100 * i + 60 * j
.const S : i8 [2, 4] at mem.w4 = for i, j: 1 / (j - 2)
.const T : i8 [2, 4] at mem.w4 = for i, j: i + k
.input U : i8 [2, 4] at mem.w4 = for i, j: i
