.target mini
.unit mem.w2
9: sync
10: read 0 -> s6.e
