; Y[i] = Table[index[i]]: rows looked up by indices that are data.
;
; The idea. A slice gathers a superlane from the word whose address stands in bytes 0 and 1 of that superlane of a map,
; so an index must stand there 20 times. It comes as its four bytes in the first lanes of a vector; the SXM gives
; byte 0 to all lanes of one stream and byte 1 to all lanes of another, and the VXM takes from each the lanes where
; it belongs: (low & Low) | (high & High). The map goes on west past the slices of the table, which all listen to the
; one stream, and what each drives is written further west. It is one flow, a row a cycle, and nothing is stored
; between.
;
; Contract
;   shapes  PLANES = byte planes × tiles of a row; Table0 … and Y0 … [V, 320] and [M, 320] are plane p of tile t at
;           t · bytes + p; Index [M, 4] holds the bytes of the indices
;   error   none: bytes are moved. An index from V to 8191 finds zeros, one beyond is a fault
;   cycles  at most M + 160
.target tsp1
.param V = 1000
.param M = 96
.param PLANES = 2

.input Index : u8 [M, 4] at mem.e0
.const Low : u8 [1, LANES] at mem.w42 = for row, lane: lane % 16 == 0 ? 255 : 0
.const High : u8 [1, LANES] at mem.w43 = for row, lane: lane % 16 == 1 ? 255 : 0
.for i in 0..PLANES
    .input  Table{i} : u8 [V, LANES] at mem.w{i} address 0
    .output Y{i} : u8 [M, LANES] at mem.w{20 + i}
.endfor

flow look_up:
    read      Index -> s0.e
    broadcast s0.e, 0 -> s0.w
    broadcast s0.e, 1 -> s1.w
    read      Low -> s4.e repeat M step 0
    read      High -> s5.e repeat M step 0
    and.u8    s0.w, s4.e -> %low
    and.u8    s1.w, s5.e -> %high
    or.u8     %low, %high -> s0.w
    .for i in 0..PLANES
        gather Table{i}, s0.w -> s{i + 4}.w
        write  s{i + 4}.w -> Y{i}
    .endfor
