"""Published numbers of the chip, and sums that programs for real hardware were seen to use.

Tests derive each from the loaded target and table and compare. Sources: ISCA 2020 and 2022, the stream-register map,
MORSE's hand-scheduled programs.
"""

CAPACITY = 230_686_720  # bytes, 220 MiB
QUEUES = 144
SXM_QUEUES = 14  # a hemisphere, with ACC and C2C
FETCH = 2304  # bytes a cycle
MULTIPLIERS = 409_600
INT8_TERA = 737  # operations a second at 900 MHz
FP16_TERA = 184
STREAM_BANDWIDTH = 20_480  # bytes a cycle
SRAM_BANDWIDTH = 56_320
INSTALL_CYCLES = 20  # of a plane, 16 rows a cycle
HOPS = {(8, 19): 11, (24, 35): 11, (35, 44): 9}
SLICE_14_TO_SR35 = 8  # cycles after the dispatch of a read
SLICE_14_TO_SLICE_41 = 7  # quads
STAGGER = 19  # cycles from superlane 0 to the last
BARRIER = 35
TRANSPOSE_VXM_DISTRIBUTE = 50  # cycles of a round through three ALUs
WEIGHT_READ_TO_VXM = 76
WEIGHT_QUADS = (6, 10)  # where the weights of that path lie
LATER_READ = 6  # cycles by which its other operand is read later
READ_ALU_WRITE_SLICE_40 = 32  # cycles from read to commit, 12 + 2q
PACKET_BYTES = 328
LINK_BITS_A_SECOND = 4 * 25.78125e9
PACKET_CYCLES = 23
LARGE_ALUS = {0, 2, 5, 7, 8, 10, 13, 15}
TABLE_I = {  # ISCA 2020: every instruction, by unit
    "icu": {"nop", "ifetch", "sync", "notify", "config", "repeat"},
    "mem": {"read", "write", "gather", "scatter"},
    "vxm": {"add", "sub", "mul", "mask", "neg", "cast", "relu", "tanh", "exp", "rsqrt"},
    "mxm": {"lw", "iw", "abc", "acc"},
    "sxm": {"shift", "select", "permute", "distribute", "rotate", "transpose"},
    "c2c": {"deskew", "send", "receive"},
}
