"""What is laid out for a narrow screen: lines, columns, pages of the manual, the chip."""

from __future__ import annotations

import re

import pytest
from transcripts import Conversation

from lpuasm.isa.core import table
from lpuasm.repl.paper import columns, folded, page


def test_lines_break_between_words_and_hang() -> None:
    text = "  one two three four five\nshort\n"
    assert folded(text, 14) == "  one two\n      three\n      four\n      five\nshort\n"
    assert folded("x" * 50, 20) == "x" * 50, "a word is not broken"
    painted = "\x1b[1mone two\x1b[0m three"
    assert folded(painted, 13) == painted, "paint takes no room"
    source = "   12 |     read  A -> s0.e   ; a line of source that is long, above a caret"
    assert folded(source, 20) == source


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert columns([("a", "bb", "c"), ("aaa", "b", "")]) == ["a    bb  c", "aaa  b"]


@pytest.mark.parametrize("mnemonic", sorted({d.mnemonic for d in table()}))
def test_every_page_of_the_manual_fits_a_narrow_screen(mnemonic: str) -> None:
    talk = Conversation(width=80)
    said = talk.good(f"? {mnemonic}")
    assert max(map(len, said.split("\n"))) <= 80 and "| " not in said and "```" not in said
    assert "Syntax" in said and "Timing" in said and "Encoding" not in said


def test_a_page_says_what_the_manual_says() -> None:
    talk = Conversation()
    whole = talk.good("? acc")
    kept = re.sub(r"(?ms)^## (Encoding|Provenance)$.*?(?=^## |\Z)", "", whole)
    words = [re.sub(r"[`#|]", "", w) for w in kept.split()]
    drawn = page(whole, 200).split()
    assert [w for w in words if w.strip("-")] == [w for w in (re.sub(r"[`#|]", "", d) for d in drawn) if w.strip("-")]


def test_a_run_is_shown_on_a_narrow_screen() -> None:
    """The chip of 46 registers, a word of 320 lanes and a chain each fit 80 characters, and still say the same."""
    program = (
        ".target tsp1\n.input A : i8 [4, 320] at mem.w0\n.output B : i8 [4, 320] at mem.e0\n"
        "flow copy:\n    read A -> s0.e\n    add s0.e, 1 -> s4.e\n    write s4.e -> B\n"
        "flow west:\n    read A -> s0.w\n    write s0.w -> mem.w9[0x40] repeat 4\n"
    )
    said = {}
    for width in (80, 200):
        talk = Conversation(width=width)
        talk.good(program, "A = integers(-128, 127)", "goto 8")
        said[width] = [talk.good(c) for c in ("streams", "mem mem.w0[0]", "weights mxm.e0", "why B[0, 7]")]
        assert max(len(line) for text in said[width] for line in text.split("\n")) <= width
    narrow, wide = (said[w][0].split("\n") for w in (80, 200))
    assert narrow[0] == wide[0] and narrow[-1] == wide[-1]
    assert re.search(r"s0\.e> ·+a+·+", narrow[3]) and re.search(r"s0\.e  [· ]+(a>)+", wide[3])
    for one, other in zip(narrow[3:5], wide[3:5], strict=True):
        assert one.count("a") == other.count("a") and one.count("·") >= other.count("·")
