.target mini
.unit mem.w2
9: sync
10: config 2
.unit mem.w3
0: notify
.unit c2c.0
60: deskew 0
100: config 2
