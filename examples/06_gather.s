; Y[i] = Table[index[i]]: rows looked up by a map that is data.
;
; `gather` takes an address for each superlane from bytes 0 and 1 of that superlane of the map, so a row
; of the map holds its index 20 times (see examples.py). The table begins at word 0 of its slice:
; an index is an address.
.target tsp1
.param V = 1000  ; rows of the table
.param M = 96    ; look-ups

.input  Table : i8 [V, 320] at mem.e4 address 0
.input  Map : u8 [M, 320] at mem.w0
.output Y : i8 [M, 320] at mem.e12

flow look_up:
    read   Map -> s0.e
    gather Table, s0.e -> s1.e
    write  s1.e -> Y
