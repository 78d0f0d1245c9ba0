"""The ELF container: it reads what it wrote, GNU's tools and pyelftools agree, and no bytes get past the reader."""

import io
import random
import shutil
import struct
import subprocess
import tracemalloc
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import NoteSection, SymbolTableSection
from hypothesis import given
from hypothesis import strategies as st

from lpuasm.isa import elf
from lpuasm.isa.elf import Flags, Section, SectionKind, Symbol, SymbolKind
from lpuasm.isa.errors import ObjectError

CODE = Flags.ALLOC | Flags.EXEC
DATA = Flags.ALLOC | Flags.WRITE
SECTIONS = [
    Section(".text.mem.w0", bytes(range(64)), flags=CODE),
    Section(".text.vxm.alu3", bytes(32), flags=CODE),
    Section(".data", b"hello", flags=DATA, align=64, address=0x1000),
    elf.note(".note.lpuasm.isa", "lpuasm", 1, b"\x01\x02\x03"),
    Section(".lpu.lines", b"", align=1),
    Section(".lpu.tensors", b"{}\n", align=1),
]
SYMBOLS = [
    Symbol("load", ".text.mem.w0", 16, 32, SymbolKind.FUNC),
    Symbol("load", ".text.vxm.alu3", 32, 0, SymbolKind.FUNC),
    Symbol("A", ".data", 0x1001, 4, SymbolKind.OBJECT),
    Symbol("größe", None, 2**64 - 1),
]
SAMPLE = elf.write(SECTIONS, SYMBOLS)


def sealed(data: bytes) -> bytes:
    """``data`` with a checksum that fits: what a hostile author would send."""
    return data[:80] + elf.checksum(data) + data[112:]


def patched(at: int, form: str, value: int) -> bytes:
    """The sample with one field changed, and sealed."""
    out = bytearray(SAMPLE)
    struct.pack_into("<" + form, out, at, value)
    return sealed(bytes(out))


def refusal(data: bytes) -> tuple[str, str]:
    """Code and message of the one diagnostic that ``data`` gives."""
    with pytest.raises(ObjectError) as caught:
        elf.read(data)
    (only,) = caught.value.diagnostics
    return only.code, only.message


def shdr(index: int) -> int:
    """Where the sample's section header ``index`` is (0 empty, 1 build-id, 2 the first of SECTIONS)."""
    return int(struct.unpack_from("<Q", SAMPLE, 40)[0]) + 64 * index


SYMTAB, STRTAB, SHSTRTAB = (len(SECTIONS) + n for n in (2, 3, 4))
FIRST_SYMBOL = struct.unpack_from("<Q", SAMPLE, shdr(SYMTAB) + 24)[0] + 24

# --- round trips

names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12)
section_names = names.map(".s.{}".format)


@st.composite
def contents(draw: st.DrawFn) -> tuple[list[Section], list[Symbol]]:
    sections, symbols = [], []
    for name in draw(st.lists(section_names, unique=True, max_size=5)):
        if draw(st.integers(0, 4)) == 0:
            sections.append(elf.note(name, draw(names), draw(st.integers(0, 2**32 - 1)), draw(st.binary(max_size=9))))
            continue
        align = 2 ** draw(st.integers(0, 7))
        data, use = draw(st.binary(max_size=40)), Flags(draw(st.integers(0, 7)))
        address = align * draw(st.integers(0, 2**50))
        sections.append(Section(name, data, SectionKind.PROGBITS, use, align, address))
    for name in draw(st.lists(names, unique=True, max_size=6)):
        owner = draw(st.sampled_from([None, *sections]))
        value = (
            draw(st.integers(0, 2**64 - 1)) if owner is None else owner.address + draw(st.integers(0, len(owner.data)))
        )
        size = 0 if owner is None else draw(st.integers(0, owner.address + len(owner.data) - value))
        symbols.append(Symbol(name, owner.name if owner else None, value, size, draw(st.sampled_from(SymbolKind))))
    return sections, symbols


@given(contents(), st.integers(0, 2**24 - 1))
def test_round_trip(given: tuple[list[Section], list[Symbol]], bits: int) -> None:
    sections, symbols = given
    data = elf.write(sections, symbols, flags=bits << 8 | 1)
    back = elf.read(data)
    assert list(back.sections.items()) == [(s.name, s.data) for s in sections]
    assert (back.symbols, back.flags) == (tuple(symbols), bits << 8 | 1)
    assert back.build_id == elf.checksum(data)
    assert elf.write(sections, symbols, flags=back.flags) == data
    theirs = ELFFile(io.BytesIO(data))
    for ours in sections:
        header = theirs.get_section_by_name(ours.name)
        assert header is not None
        assert header.data() == ours.data
        assert (header["sh_flags"], header["sh_addr"], header["sh_addralign"]) == (ours.flags, ours.address, ours.align)
        assert header["sh_type"] == f"SHT_{ours.kind.name}" and header["sh_offset"] % ours.align == 0


def test_the_bytes_are_pinned() -> None:
    """The same on every machine and Python; a change here is a new format version."""
    assert elf.read(SAMPLE).build_id.hex() == "482d437daf0ce82981b0dc31c9a0f1249bc27f85ed230a9de2789b666a45e6ca"


def test_notes_come_back() -> None:
    (only,) = elf.notes(elf.read(SAMPLE).sections[".note.lpuasm.isa"])
    assert (only.owner, only.type, bytes(only.desc)) == ("lpuasm", 1, b"\x01\x02\x03")


def test_sections_are_read_only_views_of_the_file() -> None:
    view = elf.read(SAMPLE).sections[".text.mem.w0"]
    assert view.obj is SAMPLE and view.readonly


def test_pyelftools_agrees_on_symbols() -> None:
    theirs = ELFFile(io.BytesIO(SAMPLE))
    table = theirs.get_section_by_name(".symtab")
    assert isinstance(table, SymbolTableSection)
    found = []
    for s in list(table.iter_symbols())[1:]:
        at = s["st_shndx"]
        where = None if at == "SHN_ABS" else theirs.get_section(at).name
        assert s["st_info"]["bind"] == "STB_LOCAL"
        kind = SymbolKind[s["st_info"]["type"].removeprefix("STT_")]
        found.append(Symbol(s.name, where, s["st_value"], s["st_size"], kind))
    assert found == SYMBOLS
    build_id_section = theirs.get_section_by_name(".note.gnu.build-id")
    assert isinstance(build_id_section, NoteSection)
    (build_id,) = build_id_section.iter_notes()
    assert build_id["n_desc"] == elf.checksum(SAMPLE).hex()


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("readelf -a -W", "Build ID: " + elf.checksum(SAMPLE).hex()),
        ("readelf -n -W", "lpuasm"),
        ("nm", "0000000000001001 d A"),
        ("nm -S", "0000000000000010 0000000000000020 t load"),
        ("size", "     96\t      5\t      0\t    101"),
        ("size -A", ".text.mem.w0           64"),
        ("objdump -h", ".text.vxm.alu3"),
        ("objdump -t", "größe"),
    ],
)
def test_gnu_tools_read_it_without_a_warning(tmp_path: Path, command: str, expected: str) -> None:
    tool, *options = command.split()
    if shutil.which(tool) is None:
        pytest.skip(f"no {tool} here")
    for name, data in {"sample.lpu": SAMPLE, "empty.lpu": elf.write([], [])}.items():
        (tmp_path / name).write_bytes(data)
        done = subprocess.run([tool, *options, str(tmp_path / name)], capture_output=True, env={"LC_ALL": "C.UTF-8"})
        text = (done.stdout + done.stderr).decode(errors="replace").replace(str(tmp_path), "")
        assert done.returncode == 0, text
        assert "arning" not in text and "rror" not in text
        assert name != "sample.lpu" or expected in text


# --- what the writer refuses


@pytest.mark.parametrize(
    ("sections", "symbols", "words"),
    [
        ([Section(".a", b""), Section(".a", b"")], [], "two sections '.a'"),
        ([Section(".symtab", b"")], [], "two sections '.symtab'"),
        ([Section(".note.gnu.build-id", b"")], [], "two sections"),
        ([Section("", b"")], [], "not a name"),
        ([Section("a\0b", b"")], [], "not a name"),
        ([Section("é" * 513, b"")], [], "longer than 1024 bytes"),
        ([Section(".a", b"", align=12)], [], "alignment"),
        ([Section(".a", b"", align=0)], [], "alignment"),
        ([Section(".a", b"", align=8192)], [], "alignment"),
        ([Section(".a", b"", address=8)], [], "multiple of its alignment"),
        ([Section(".a", b"abc", address=2**64 - 2, align=1)], [], "64 bits"),
        ([Section(".a", b"", address=-16)], [], "64 bits"),
        ([Section(".a", b"1234567890123456", SectionKind.NOTE)], [], "aligned to 4"),
        ([Section(".a", b"", SectionKind.NOTE, align=4)], [], "not empty"),
        ([Section(".a", b"12345678", SectionKind.NOTE, align=4)], [], "note's header is cut off"),
        ([Section(".a", b"\xff" * 12, SectionKind.NOTE, align=4)], [], "longer than its section"),
        ([Section(".a", struct.pack("<III", 4, 0, 0) + b"a\0b\0", SectionKind.NOTE, align=4)], [], "zero byte"),
        ([], [Symbol("x", ".a", 0)], "not in the file"),
        ([], [Symbol("x", None, 0), Symbol("x", None, 1)], "two symbols"),
        ([], [Symbol("x", None, -1)], "outside"),
        ([], [Symbol("x", None, 2**64)], "outside"),
        ([], [Symbol("", None, 0)], "not a name"),
        ([Section(".a", bytes(16), address=16)], [Symbol("x", ".a", 8)], "outside"),
        ([Section(".a", bytes(16), address=16)], [Symbol("x", ".a", 32, 1)], "outside"),
        ([Section(".a", bytes(16), address=16)], [Symbol("x", ".a", 20, -1)], "outside"),
    ],
)
def test_write_refuses(sections: list[Section], symbols: list[Symbol], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        elf.write(sections, symbols)


def test_write_refuses_more_sections_than_elf_can_number() -> None:
    with pytest.raises(ValueError, match="65281 sections"):
        elf.write([Section(f".{n}", b"") for n in range(0xFF00 - 4)], [])


# --- what the reader refuses


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"", "LPU0601", "empty"),
        (b"\x93NUMPY\x01\x00", "LPU0601", "not an lpuasm object file"),
        (b".queue mem.w0\n", "LPU0601", "not an lpuasm object file"),
        (elf.write([], [], machine=62), "LPU0601", "64-bit little-endian ELF file for machine 0x003e"),
        (patched(4, "B", 1), "LPU0601", "32-bit"),
        (patched(5, "B", 2), "LPU0601", "big-endian"),
        (b"\x7fELF", "LPU0602", "ends at byte 4, inside the ELF header"),
        (SAMPLE[:-1], "LPU0602", f"ends at byte {len(SAMPLE) - 1}, and its section headers reach to {'byte'}"),
        (SAMPLE + b"\0", "LPU0602", "1 bytes follow"),
        (SAMPLE[:300] + b"!" + SAMPLE[301:], "LPU0603", "checksum"),
        (elf.write([], [], flags=2), "LPU0604", "version 2, and this lpuasm reads up to 1"),
        (elf.write([], [], flags=0xFFFFFFFF), "LPU0604", "version 255"),
    ],
)
def test_read_refuses(data: bytes, code: str, words: str) -> None:
    found, message = refusal(data)
    assert found == code and words in message


@pytest.mark.parametrize(
    ("at", "form", "value", "words"),
    [
        (9, "B", 1, "identification"),
        (16, "H", 1, "ELF header has values"),
        (24, "Q", 1, "ELF header has values"),
        (52, "H", 65, "wrong sizes"),
        (56, "H", 1, "wrong sizes"),
        (60, "H", 0, "section counts"),
        (60, "H", 0xFFFF, "more than an ELF file can number"),
        (62, "H", 1, "section counts"),
        (40, "Q", 2**64 - 1, "section headers reach to"),
        (40, "Q", 0, "follow its last section header"),
        (64, "I", 5, "checksum note is missing"),
        (shdr(0), "I", 1, "first section header is not empty"),
        (shdr(2), "I", 2**32 - 1, "outside its string table"),
        (shdr(2), "I", 0, "outside its string table"),
        (shdr(2), "I", 3, "begins inside another"),
        (shdr(3), "I", struct.unpack_from("<I", SAMPLE, shdr(2))[0], "two sections"),
        (shdr(2) + 4, "I", 8, "unknown type, 0x8"),
        (shdr(2) + 4, "I", SectionKind.NOTE, "aligned to 4"),
        (shdr(2) + 8, "Q", 8, "lpuasm never writes"),
        (shdr(2) + 16, "Q", 2**64 - 16, "64 bits"),
        (shdr(2) + 16, "Q", 8, "multiple of its alignment"),
        (shdr(2) + 24, "Q", 2**64 - 16, "past the last byte"),
        (shdr(2) + 32, "Q", 2**64 - 1, "past the last byte"),
        (shdr(2) + 32, "Q", 65, "overlaps"),
        (shdr(2) + 32, "Q", 32, "unclaimed bytes"),
        (shdr(2) + 40, "I", 1, "lpuasm never writes"),
        (shdr(2) + 48, "Q", 2**63, "alignment"),
        (shdr(2) + 48, "Q", 0, "alignment"),
        (shdr(1) + 32, "Q", 44, "unclaimed bytes"),
        (shdr(1) + 4, "I", 1, "wrong headers"),
        (shdr(SYMTAB) + 40, "I", 1, "wrong headers"),
        (shdr(SYMTAB) + 44, "I", 4, "wrong headers"),
        (shdr(SYMTAB) + 56, "Q", 0, "wrong headers"),
        (shdr(STRTAB) + 4, "I", 1, "wrong headers"),
        (SAMPLE.index(b".symtab"), "B", ord("!"), "not in their place"),
        (FIRST_SYMBOL - 1, "B", 1, "first symbol is not empty"),
        (FIRST_SYMBOL, "I", 2**31, "outside its string table"),
        (FIRST_SYMBOL, "I", 2, "begins inside another"),
        (FIRST_SYMBOL + 4, "B", 3, "unknown kind"),
        (FIRST_SYMBOL + 4, "B", 0x12, "unknown kind"),
        (FIRST_SYMBOL + 5, "B", 1, "unknown kind"),
        (FIRST_SYMBOL + 6, "H", 1, "section 1, not there"),
        (FIRST_SYMBOL + 6, "H", SYMTAB, f"section {SYMTAB}, not there"),
        (FIRST_SYMBOL + 6, "H", 3, "outside its section"),
        (FIRST_SYMBOL + 8, "Q", 2**64 - 1, "outside its section"),
        (FIRST_SYMBOL + 16, "Q", 2**64 - 1, "outside its section"),
        (FIRST_SYMBOL + 24 + 6, "H", 2, "two symbols|outside"),
        (struct.unpack_from("<Q", SAMPLE, shdr(STRTAB) + 24)[0] + 1, "B", 0xFF, "not UTF-8"),
        (struct.unpack_from("<Q", SAMPLE, shdr(STRTAB) + 24)[0], "B", 1, "string table does not begin"),
    ],
)
def test_a_sealed_file_that_breaks_a_rule_is_malformed(at: int, form: str, value: int, words: str) -> None:
    code, message = refusal(patched(at, form, value))
    assert code == "LPU0602" and any(w in message for w in words.split("|")), message


def test_the_checksum_note_holds_nothing_else() -> None:
    more = bytearray(elf.write([], []))
    (shoff,) = struct.unpack_from("<Q", more, 40)
    more[112:112] = struct.pack("<III4s", 4, 0, 1, b"abc")
    for at, by in [(40, 16), (shoff + 16 + 64 + 32, 16), *((shoff + 16 + 64 * n + 24, 16) for n in (2, 3, 4))]:
        (old,) = struct.unpack_from("<Q", more, at)
        struct.pack_into("<Q", more, at, old + by)
    code, message = refusal(sealed(bytes(more)))
    assert code == "LPU0602" and "checksum note has a wrong size" in message


def test_the_symbol_table_holds_whole_symbols() -> None:
    data = bytearray(SAMPLE)
    fields = [(shdr(SYMTAB) + 32, "Q", -1), (shdr(SYMTAB) + 44, "I", -1), (shdr(STRTAB) + 24, "Q", -1)]
    for at, form, by in [*fields, (shdr(STRTAB) + 32, "Q", 1)]:
        (old,) = struct.unpack_from("<" + form, data, at)
        struct.pack_into("<" + form, data, at, old + by)
    assert "not a whole number of symbols" in refusal(sealed(bytes(data)))[1]


def test_nothing_hides_before_the_section_headers() -> None:
    data = bytearray(SAMPLE)
    data[shdr(0) : shdr(0)] = bytes(8)
    struct.pack_into("<Q", data, 40, shdr(0) + 8)
    assert "unclaimed bytes before the section headers" in refusal(sealed(bytes(data)))[1]


def test_every_truncation_is_refused() -> None:
    assert {refusal(SAMPLE[:n])[0] for n in range(4, len(SAMPLE))} == {"LPU0602"}


def test_every_single_bit_counts() -> None:
    for at in range(len(SAMPLE)):
        for bit in range(8):
            data = bytearray(SAMPLE)
            data[at] ^= 1 << bit
            refusal(bytes(data))


def mutations(count: int) -> list[bytes]:
    """Files with random splices: bytes overwritten, removed, inserted, moved."""
    rng, out = random.Random(6), []
    for _ in range(count):
        data = bytearray(SAMPLE)
        for _ in range(rng.randint(1, 4)):
            at, end = rng.randrange(len(data)), rng.randrange(len(data))
            some = rng.choice([rng.randbytes(rng.randint(1, 9)), b"\xff" * 8, bytes(8), bytes(data[at : at + 64])])
            kind = rng.randrange(4)
            if kind == 0:
                data[at : at + len(some)] = some
            elif kind == 1:
                data[at:at] = some
            elif kind == 2:
                del data[at : at + rng.randint(1, 64)]
            else:
                data[end : end + len(some)] = some
        out.append(bytes(data))
    return out


def test_splices_are_refused() -> None:
    for data in mutations(4000):
        if data != SAMPLE:
            refusal(data)


def test_splices_under_a_good_checksum_are_refused_or_are_sound() -> None:
    """With the checksum made right only the structure protects: no other exception, no claim past the file."""
    accepted = 0
    for data in mutations(4000):
        try:
            found = elf.read(sealed(data))
        except ObjectError as refused:
            assert len(refused.diagnostics) == 1
        else:
            accepted += 1
            assert sum(map(len, found.sections.values())) <= len(data)
    assert 0 < accepted < 1000  # bytes inside a section's data are anybody's


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(data: bytes) -> None:
    refusal(data)
    refusal(SAMPLE[:64] + data)


def test_names_cannot_multiply_memory_or_time() -> None:
    """Thousands of symbols that share one long string: each name would begin inside another, or be as long."""
    count = 4000
    sound = elf.write([], [Symbol("n" * 1024, None, 0), *(Symbol(f"{n}", None, n) for n in range(count))])
    inside, overlong = bytearray(sound), bytearray(sound)
    for n in range(1, count):
        struct.pack_into("<I", inside, 112 + 24 * (n + 1), n + 1)
    overlong[sound.index(b"n\x000\x001\x00") + 1] = ord("n")
    assert "begins inside another" in refusal(sealed(bytes(inside)))[1]
    assert "longer than 1024 bytes" in refusal(sealed(bytes(overlong)))[1]


def test_huge_claims_take_no_memory() -> None:
    cases = [
        (40, "Q"),
        (60, "H"),
        (shdr(2) + 24, "Q"),
        (shdr(2) + 32, "Q"),
        (shdr(SYMTAB) + 32, "Q"),
        (shdr(SYMTAB) + 44, "I"),
    ]
    tracemalloc.start()
    for at, form in cases:
        refusal(patched(at, form, 2 ** (8 * struct.calcsize(form)) - 1))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * len(SAMPLE)


def test_memory_is_a_small_multiple_of_the_file() -> None:
    many = elf.write([Section(f".{n}", b"") for n in range(2000)], [Symbol(f"s{n}", None, n) for n in range(5000)])
    tracemalloc.start()
    elf.read(many)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * len(many)
