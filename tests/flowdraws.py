"""Random programs of small flows on `mini` that share slices, streams, banks, ALUs, planes, links and tensors."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

#: A and B are i8 rows; W fills a plane; Map holds addresses of T; T, U and V are written and read again.
TENSORS = """\
.input  A : i8 [6, LANES] at mem.w0
.input  B : i8 [6, LANES] at mem.w1 bank 1
.input  W : i8 [32, LANES] at mem.w[0..7] mem.e[0..7]
.input  Map : u8 [4, LANES] at mem.w3
.output T : i8 [6, LANES] at mem.e0  banks run 1
.output U : i8 [6, LANES] at mem.e4  address 0
.output V : i8 [6, LANES] at mem.w5
"""
SIMPLE = ("copy", "copy", "add", "back", "pair", "install", "multiply", "config")
ALL = (*SIMPLE, "load", "keep", "latch", "gather", "scatter", "send", "receive", "clear", "double")


@st.composite
def sources(draw: st.DrawFn, kinds: Sequence[str] = SIMPLE, most: int = 4, pinned: bool = False) -> str:
    """A program; with ``pinned`` each flow has a hole ``{n}`` where its pin would stand."""
    lines = [TENSORS.rstrip()]
    for n in range(draw(st.integers(2, most))):
        pin = f" {{{n}}}" if pinned else ""
        kind = draw(st.sampled_from(kinds))
        if kind == "receive" and "\n".join(lines).count("send") <= "\n".join(lines).count("receive"):
            kind = "send"
        lines += [f"flow f{n}{pin}:", *(f"    {line}" for line in draw(bodies(kind, n)))]
    return "\n".join(lines) + "\n"


@st.composite
def bodies(draw: st.DrawFn, kind: str, number: int) -> list[str]:
    """The statements of a flow."""
    count = draw(st.integers(1, 4))
    part = f"[{draw(st.integers(0, 6 - count))} : +{count}, :]"
    into = f"[{draw(st.integers(0, 6 - count))} : +{count}, :]"
    repeat = draw(st.sampled_from(["", "", f"repeat {count} every {draw(st.integers(1, 3))}"]))
    to = draw(st.sampled_from("TU"))
    stream, other = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    read = f"read {draw(st.sampled_from('AB'))}{part} -> s{stream}.e {repeat}"
    match kind:
        case "copy":
            return [read, f"write s{stream}.e -> {to}{into}"]
        case "add":
            return [read, f"add s{stream}.e, {number + 1} -> s{other}.e", f"write s{other}.e -> {to}{into}"]
        case "pair":
            return [
                f"read A{part} -> s{stream}.e {repeat}",
                f"read B{into} -> s{stream + 4}.e {repeat}",
                f"add s{stream}.e, s{stream + 4}.e -> s{other}.e",
                f"write s{other}.e -> {to}{part}",
            ]
        case "back":
            return [f"read {to}{part} -> s{stream}.w {repeat}", f"write s{stream}.w -> V{into}"]
        case "double":
            return [
                f"read {to}{part} -> s{stream}.w {repeat}",
                f"mul s{stream}.w, 3 -> %x",
                f"add %x, {number} -> s{other + 4}.e",
                f"write s{other + 4}.e -> {to}{part}",
            ]
        case "install":
            return ["iw mxm.e0"]
        case "clear":
            return ["clear mxm.e0"]
        case "load":
            first = 16 * draw(st.integers(0, 1))
            return [f"read W[{first} : +16, :] -> sg16.e[0]", f"lw mxm.e0, sg16.e[0] group {first // 16}"]
        case "multiply":
            return [read, f"abc mxm.e0, s{stream}.e", "acc mxm.e0 -> s9.w low8", f"write s9.w -> U{into}"]
        case "keep":
            return [f"read B[{draw(st.integers(0, 5))} : +1, :] -> s8.e", "identity s8.e keep 1 @alu0"]
        case "latch":
            return [read, f"sub s{stream}.e, latch -> s12.e @alu0", f"write s12.e -> {to}{into}"]
        case "gather":
            return [
                f"read Map[{draw(st.integers(0, 3))} : +1, :] -> s{stream}.e",
                f"gather U, s{stream}.e -> s{other}.w",
                f"write s{other}.w -> V[{draw(st.integers(0, 5))} : +1, :]",
            ]
        case "scatter":
            row = draw(st.integers(0, 3))
            return [
                f"read Map[{row} : +1, :] -> s{stream}.e",
                f"read B[{draw(st.integers(0, 5))} : +1, :] -> s{stream + 4}.e",
                f"scatter s{stream + 4}.e, s{stream}.e -> U",
            ]
        case "send":
            return [f"read A[{draw(st.integers(0, 5))} : +1, :] -> s{stream}.e", f"send s{stream}.e link 0"]
        case "receive":
            return [f"receive -> s{stream}.w link 1", f"write s{stream}.w -> V[{draw(st.integers(0, 5))} : +1, :]"]
        case _:
            return [f"config mem.{draw(st.sampled_from(['w0', 'e0', 'e4']))}, 2"]
