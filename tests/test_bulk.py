"""Long texts: read as blocks they say the same, line by line, and what is wrong is told in the same words."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lpuasm.asm import bulk
from lpuasm.asm.block import Block
from lpuasm.asm.build import assemble
from lpuasm.asm.expand import expand
from lpuasm.asm.parser import NUMBER, Parser, number, raw_lines
from lpuasm.asm.scan import scan
from lpuasm.isa.errors import AssemblyError, Diagnostic
from lpuasm.isa.objectfile import to_bytes
from lpuasm.isa.target import load_target

OFF = 1 << 60


@pytest.fixture
def least() -> Iterator[None]:
    before = bulk.LEAST
    yield
    bulk.LEAST = before


def outcome(text: str, least: int, strict: bool = True) -> bytes | tuple[Diagnostic, ...]:
    """The object file of a text, or what is wrong with it; blocks are of at least ``least`` lines."""
    bulk.LEAST = least
    try:
        return to_bytes(assemble(text, "t.s", strict=strict))
    except AssemblyError as e:
        return e.diagnostics


def blocks(text: str) -> int:
    """How many lines of a text are read in blocks of at least two."""
    bulk.LEAST = 2
    return sum(len(item.rows) for item in bulk.read(Parser(), text, "t.s")[0] if isinstance(item, Block))


ADDRESS = st.one_of(
    st.integers(0, 8191), st.integers(8180, 8200), st.sampled_from(["0x1f", "0X1F", "8_1", "BASE + 3", "1e3", "0b11"])
).map(str)
COUNT = st.sampled_from(["0", "1", "2", "3", "4", "64", "320", "5000", "4294967297"])
REPEAT = st.one_of(
    st.just(""),
    COUNT.map(" repeat {}".format),
    st.tuples(COUNT, st.integers(0, 9), st.integers(-3, 40)).map(lambda p: " repeat {} every {} step {}".format(*p)),
    st.tuples(COUNT, COUNT, st.integers(1, 400)).map(lambda p: " repeat {} repeat {} every {}".format(*p)),
)
STREAM = st.tuples(st.integers(0, 33), st.sampled_from("eewx")).map(lambda p: "s{}.{}".format(*p))
PIN = st.sampled_from(["", "", "", "", " @mem.w1", " wrap"])
CYCLE = st.one_of(
    st.integers(0, 60000),
    st.sampled_from(["T0 + 12", "12 - T0", "99999999999999", "T0", "-1", "2 * 30", "UNKNOWN", "0x10"]),
).map(str)
MEMORY = st.one_of(
    st.tuples(ADDRESS, STREAM, REPEAT, PIN).map(lambda p: "read {} -> {}{}{}".format(*p)),
    st.tuples(STREAM, ADDRESS, REPEAT, PIN).map(lambda p: "write {} -> {}{}{}".format(*p)),
    st.tuples(STREAM, STREAM).map(lambda p: "gather {} -> {}".format(*p)),
    st.sampled_from(
        ["read A -> s3.e", "read A[2:+3, :] -> s3.e", "nop 5", "sync", "notify", "twice 3", "reed 1 -> s1.e"]
    ),
)
OTHERS = st.one_of(
    st.sampled_from(
        ["abc s16.e", "acc.i32 -> sg4.w[1]", "lw sg16.e[0]", "iw", "iw mxm.e0 mxm.e1", "abc mxm.e0, s16.e repeat 4"]
    ),
    st.tuples(st.integers(0, 9), st.integers(-5, 300)).map(lambda p: "add.i32 sg4.e[{}], {} -> sg4.e[1]".format(*p)),
    st.tuples(st.integers(0, 40), st.sampled_from(["", " @alu3"])).map(lambda p: "mask.u8 s{}.e -> s1.e{}".format(*p)),
)
UNIT = st.sampled_from(
    ["mem.w0", "mem.w1", "mem.e[3]", "mem.e43", "mem.w0", "vxm", "mxm.e", "mxm.e0", "mxm.w1", "vxm.alu5", "mem.w99"]
)
END = st.sampled_from(["", "", "", " ", "\r", " ; 12: read", '  // 3 "', "\t"])
LINE = st.tuples(
    st.sampled_from(["", "", "    "]),
    CYCLE,
    st.sampled_from([": ", ":", " : "]),
    st.one_of(MEMORY, MEMORY, OTHERS),
    END,
).map("".join)
BETWEEN = st.sampled_from(
    ["", "; nothing", ".equ LATER = 3", "label: nop 1", ".equ T0 = 9", ".for i in 0..2", ".endfor", ".macro twice n",
     ".endm", "flow f:", ".queue mem.w2", "read 3 -> s1.e", "} what", '.include "no;where"']
)  # fmt: skip
HEAD = ".target tsp1\n.equ BASE = 5\n.param T0 = 100\n.input A : i8 [8, 320] at mem.w0\n"
GOOD = st.tuples(
    st.sampled_from(["", "", "  "]),
    st.sampled_from(["", "", "T0 + ", "BASE - 1 + "]),
    st.integers(0, 3000).map(lambda n: f"{8 * n}: "),
    st.one_of(
        st.tuples(
            st.integers(0, 8000), st.integers(0, 31), st.sampled_from(["", " repeat 4", " repeat 3 every 2 step 5"])
        ).map(lambda p: "read {} -> s{}.e{}".format(*p)),
        st.sampled_from(["gather s1.e -> s2.e", "read A -> s4.e", "read BASE -> s9.e", "read 0x1F -> s1.e"]),
        st.integers(0, 31).map("write s{}.e -> 7".format),
    ),
    END,
).map("".join)
SECTION = st.tuples(
    st.sampled_from(["mem.w0", "mem.w7", "mem.e3", "mem.e[4]", "mem.w0"]).map(".unit {}".format),
    st.lists(GOOD, min_size=1, max_size=20).map("\n".join),
).map("\n".join)
ODD = st.one_of(st.tuples(UNIT.map(".unit {}".format), LINE, LINE).map("\n".join), LINE, BETWEEN, BETWEEN, LINE)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(SECTION, min_size=1, max_size=4).map("\n".join),
    st.lists(st.tuples(st.integers(0, 80), ODD), max_size=3),
    st.integers(1, 3),
    st.booleans(),
)
def test_blocks_change_nothing(least: None, text: str, odd: list[tuple[int, str]], size: int, strict: bool) -> None:
    lines = text.split("\n")
    for place, line in odd:
        lines.insert(place, line)
    whole = HEAD + "\n".join(lines)
    assert outcome(whole, size, strict) == outcome(whole, OFF, strict)


ALU = st.tuples(st.integers(0, 40), st.integers(0, 7), st.integers(0, 300), st.sampled_from(["", "", " @alu3"])).map(
    lambda p: "{}: add.i32 sg4.e[{}], {} -> sg4.e[1]{}".format(*p)
)
SMALL = st.tuples(st.integers(0, 12), st.sampled_from(["", " repeat 2", " repeat 3 every 4"])).map(
    lambda p: "{}: add.u8 s0.e, s1.e -> s2.e{}".format(*p)
)
PLANES = (
    "iw",
    "iw mxm.e0",
    "iw mxm.e0 mxm.e1",
    "abc.i8 s16.e",
    "abc.i8 mxm.e1, s3.e repeat 4",
    "abc.f16 mxm.e, sg2.e[1]",
    "lw.i8 mxm.e0 mxm.e1, sg16.e[0] repeat 5 every 3",
    "acc.i32 mxm.e0 -> sg4.w[1]",
    "iw mxm.e0 mxm.e0",
    "sync",
)
PLANE = st.tuples(st.integers(0, 90), st.sampled_from(PLANES)).map("{0[0]}: {0[1]}".format)
MOVE = st.tuples(
    st.integers(0, 60), st.sampled_from(["transpose sg16.w[0] -> sg16.e[0]", "permute s{}.w, sg2.w[0] -> s{}.e"])
).map(lambda p: f"{p[0]}: {p[1].format(p[0] % 32, p[0] % 32)}")


def section(unit: str, line: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """A section of up to twenty lines."""
    return st.lists(line, min_size=1, max_size=20).map(lambda lines: "\n".join([f".unit {unit}", *lines]))


UNITS = st.one_of(
    section("vxm", st.one_of(ALU, ALU, SMALL)),
    section("vxm.alu5", ALU),
    section("mxm.e", PLANE),
    section("sxm.e", MOVE),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(UNITS, min_size=1, max_size=4).map("\n".join), st.integers(1, 4), st.booleans())
def test_blocks_of_other_units(least: None, text: str, size: int, strict: bool) -> None:
    assert outcome(text, size, strict) == outcome(text, OFF, strict)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(LINE, GOOD, GOOD, BETWEEN), min_size=1, max_size=12), UNIT, st.integers(1, 3))
def test_blocks_of_odd_lines(least: None, lines: list[str], unit: str, size: int) -> None:
    text = "\n".join([HEAD, f".unit {unit}", *lines])
    assert outcome(text, size) == outcome(text, OFF)


IDLE = st.sampled_from(["nop 1", "nop 0", "nop 65535", "nop 65536", "nop 0x1f", "nop BASE", "nop -1", "nop 1, 2"])
WORD = st.one_of(
    st.integers(1, 300).map("nop {}".format),
    st.tuples(st.integers(0, 40), st.integers(0, 7)).map("read {0[0]} -> s{0[1]}.e".format),
    st.sampled_from(["read 3 -> s1.e repeat 4", "write s1.e -> BASE", "gather s1.e -> s2.e", "nop 3 ; 12: idle"]),
)
STRANGE = st.one_of(
    IDLE, MEMORY, ADDRESS.map("read {} -> s1.e".format), BETWEEN,
    st.sampled_from(["here: nop 2", "12: nop 3", "repeat 4", "repeat 3 every 2", "sync", "nop 2 @mem.w0", "twice 3"]),
)  # fmt: skip
WORDS = st.tuples(
    st.sampled_from(["mem.w0", "mem.w7", "mem.e3", "vxm.alu2", "mem.w0", "mem.w"]).map(".queue {}".format),
    st.lists(WORD, min_size=1, max_size=20).map("\n".join),
).map("\n".join)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.one_of(WORDS, WORDS, SECTION), min_size=1, max_size=4).map("\n".join),
    st.lists(st.tuples(st.integers(0, 80), STRANGE), max_size=2),
    st.integers(1, 3),
    st.booleans(),
)
def test_blocks_of_words(least: None, text: str, odd: list[tuple[int, str]], size: int, strict: bool) -> None:
    lines = text.split("\n")
    for place, line in odd:
        lines.insert(place, line)
    whole = HEAD + "\n".join(lines)
    assert outcome(whole, size, strict) == outcome(whole, OFF, strict)


def test_words_of_a_queue_are_a_block(least: None) -> None:
    text = "\n".join(
        [".queue mem.w0", *(f"{'nop' if k % 2 else 'read'} {k}{' -> s1.e' * (1 - k % 2)}" for k in range(90))]
    )
    assert blocks(text) == 90
    assert isinstance(outcome(text, 2), bytes) and outcome(text, 2) == outcome(text, OFF)


def test_a_label_among_words_counts_them(least: None) -> None:
    text = ".queue mem.w0\n" + "nop 7\n" * 30 + "here:\n" + "nop 8\n" * 30 + "there: nop 9\n" + "nop 4\n" * 30
    assert outcome(text, 2) == outcome(text, OFF)
    bulk.LEAST = 2
    assert [(s.name, s.value) for s in assemble(text, "t.s").symbols] == [("here", 30), ("there", 60)]


def schedule(lines: int, *more: str) -> str:
    """A legal schedule of a slice."""
    every = [f"{8 * k}: read {4 * k % 4096:#x} -> s{k % 32}.e repeat 4" for k in range(lines)]
    return "\n".join([".unit mem.w0", *every, *more])


def test_lines_of_a_slice_are_a_block(least: None) -> None:
    assert blocks(schedule(100)) == 100
    assert isinstance(outcome(schedule(100), 2), bytes)


def test_a_fault_in_a_block_is_told_at_its_line(least: None) -> None:
    for line in ("8: read 0 -> s9.w", "785: read 8 -> s1.e", "1600: read 8191 -> s1.e repeat 2"):
        found = outcome(schedule(100, line), 2)
        assert isinstance(found, tuple) and found == outcome(schedule(100, line), OFF)
        assert found[0].span is not None and found[0].span.line == 102


def test_a_name_that_changes_its_meaning_between_blocks(least: None) -> None:
    text = "\n".join([
        ".unit mem.w0", "0: read LANES -> s1.e", "8: read LANES -> s1.e", ".equ LANES = 7", "16: read LANES -> s1.e",
        "24: read LANES -> s1.e",
    ])  # fmt: skip
    assert blocks(text) == 4
    found = outcome(text, 2)
    assert isinstance(found, bytes) and found == outcome(text, OFF)


def test_lines_of_a_block_can_be_had_one_by_one(least: None) -> None:
    text = schedule(50, "T + 3: read 1 -> s1.e ; why")
    texts = [".equ T = 500\n" + text, text.replace(".unit", ".equ T = 500\n.unit")]
    for text in texts:
        bulk.LEAST = 2
        sections = expand(text, symbols_of=lambda name: load_target("tsp1").symbols).sections
        bulk.LEAST = OFF
        alone = expand(text, symbols_of=lambda name: load_target("tsp1").symbols).sections
        assert [s.lines for s in sections] == [s.lines for s in alone]  # type: ignore[union-attr]
        assert any(not isinstance(item, tuple) for item in sections[0].items)  # type: ignore[union-attr]


@given(st.text(st.sampled_from('012789abxXef_. ,:->s;/+"{?\n'), max_size=60))
def test_a_scan_has_the_numbers_of_the_parser(text: str) -> None:
    found = scan(text)
    for raw in raw_lines(text):
        k = raw.number - 1
        if found.shape[k] >= 0:
            numbers = found.value[found.first[k] : found.first[k + 1]].tolist()
            assert numbers == [number(digits) for digits in NUMBER.findall(raw.code)]
            own = [raw.code[m.end() :] for m in NUMBER.finditer(raw.code)]
            stops = found.stop[found.first[k] : found.first[k + 1]].tolist()
            end = int(found.begin[k]) + raw.indent + len(raw.code)
            assert stops == [end - len(rest) for rest in own]


NUMBERED = (
    "{0}: read 0 -> s{1}.e",
    "add.f{1} s{0}.e, sg4.w[{2}] -> s{1}.e low8",
    "lw mxm.e{0} mxm.w{1}, sg16.e[0] @mem.w{2}",
    ".unit mem.w{0}",
    ".input A : i8 [4, 320] at mem.w{0} mem.e{1} tile 4x{2}",
    "x{0}.y{1}: nop {2}, a.{1}[{0}..{2}]",
    "a.b{0} low8, low8.c{1}",
    "flow f{0} after g{1} + h.i{2}:",
    "{0}: nop %v{1}.e, 1.{2}",
    ".note{0}.x",
    "q 0x{0}.f{1}",
)


@given(st.lists(st.integers(0, 99), min_size=3, max_size=3), st.sampled_from(NUMBERED))
def test_lines_that_differ_in_digits_of_names(numbers: list[int], line: str) -> None:
    parser = Parser()
    parser.parse("\n".join(line.format(a, b, c) for a in (7, 10) for b in (3, 44) for c in (5, 60)), "t.s")
    text = line.format(*numbers)
    lines, problems = parser.parse(text, "t.s")
    alone, wrong = Parser().parse(text, "t.s")
    assert problems == wrong
    assert [(x.template.prefix, x.template.body, x.numbers) for x in lines] == [
        (x.template.prefix, x.template.body, x.numbers) for x in alone
    ]
    for one in alone:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("lpuasm.asm.parser._DOTTED", re.compile("(?!)"))
            assert Parser().parse(text, "t.s")[0][0].template[:3] == one.template[:3]
