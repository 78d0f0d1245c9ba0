"""The object file's container: a small ELF64, written and read without trust.

This layer knows sections, symbols and a checksum; ``program.py`` knows what they
mean. The form is one fixed layout (docs/object-file.md), so reading checks that
a file has it rather than guessing at a general ELF:

    ELF header | .note.gnu.build-id | the caller's sections | .symtab .strtab .shstrtab | section headers

Sources: the ELF-64 Object File Format 1.5 and the System V gABI, chapters 4 and 5.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from lpuasm.isa.errors import ObjectError, error
from lpuasm.isa.section import (
    Flags,
    Malformed,
    Note,
    Section,
    SectionKind,
    Symbol,
    SymbolKind,
    aligned,
    check_align,
    check_section,
    check_symbol,
    check_unique,
    decode,
    need,
    note,
    notes,
)

__all__ = [
    "FORMAT_VERSION",
    "MACHINE",
    "Container",
    "Flags",
    "Note",
    "Section",
    "SectionKind",
    "Symbol",
    "SymbolKind",
    "checksum",
    "format_version",
    "note",
    "notes",
    "read",
    "write",
]

MACHINE = 0x4C50  # "PL" in the file, "LP" as a number: assigned to nobody in the gABI's list of e_machine
FORMAT_VERSION = 1  # the newest layout of sections this code reads; the low byte of e_flags

_MAGIC = b"\x7fELF"
_IDENT = _MAGIC + bytes([2, 1, 1]) + bytes(9)  # 64 bits, little-endian, version 1, System V, zero padding
_EHDR = struct.Struct("<16sHHIQQQIHHHHHH")
_SHDR = struct.Struct("<IIQQQQIIQQ")
_SYM = struct.Struct("<IBBHQQ")
_ET_EXEC, _SHT_SYMTAB, _SHT_STRTAB, _SHN_LORESERVE, _SHN_ABS = 2, 2, 3, 0xFF00, 0xFFF1
_NT_GNU_BUILD_ID = 3
_MAX_NAME = 1024  # bytes of UTF-8
_SECTION_KINDS = {int(kind): kind for kind in SectionKind}
_SYMBOL_KINDS = {int(kind): kind for kind in SymbolKind}
_FLAGS = [Flags(bits) for bits in range(8)]

_BUILD_ID = ".note.gnu.build-id"
_TABLES = (".symtab", ".strtab", ".shstrtab")
_BUILD_ID_HEAD = struct.pack("<III4s", 4, 32, _NT_GNU_BUILD_ID, b"GNU\0")
_DIGEST = slice(_EHDR.size + len(_BUILD_ID_HEAD), _EHDR.size + len(_BUILD_ID_HEAD) + 32)


@dataclass(frozen=True, slots=True)
class Container:
    """What :func:`read` found: the caller's sections in file order, as read-only views of the file.

    ``build_id`` is the checked SHA-256 (32 bytes): equal ids, equal files.
    """

    sections: dict[str, memoryview]
    symbols: tuple[Symbol, ...]
    flags: int
    build_id: bytes


def format_version(flags: int) -> int:
    """The version of the section layout, the low byte of ``e_flags``; the other 24 bits are the caller's."""
    return flags & 0xFF


def checksum(data: bytes | memoryview) -> bytes:
    """The SHA-256 of a whole file, its build-id descriptor (bytes 80 to 111) taken as zero."""
    view = memoryview(data)
    digest = hashlib.sha256(view[: _DIGEST.start])
    digest.update(bytes(32))
    digest.update(view[_DIGEST.stop :])
    return digest.digest()


def write(
    sections: Sequence[Section], symbols: Sequence[Symbol], *, machine: int = MACHINE, flags: int = FORMAT_VERSION
) -> bytes:
    """The object file; the same arguments give the same bytes on every machine.

    ``e_type`` is ET_EXEC, as in a cubin: every address is final, nothing is left
    for a linker, and a symbol's value is therefore an address, not an offset.
    There are no program headers, since a queue is not a segment of one memory.
    Symbols are local: none is there to be linked, so two queues may each have a ``loop``.

    Raises ValueError for what an object file cannot hold (a duplicate or reserved
    name, a bad alignment, a symbol outside its section, a malformed note).
    """
    everything = [note(_BUILD_ID, "GNU", _NT_GNU_BUILD_ID, bytes(32)), *sections]
    for section in everything:
        check_section(section)
    _check_count(len(everything) + 1 + len(_TABLES))
    names = [s.name for s in everything]
    check_unique([*names, *_TABLES], "section")
    by_name: dict[str | None, tuple[int, Section]] = {s.name: (i, s) for i, s in enumerate(sections, 2)}
    symbol_names, name_at = _string_table([s.name for s in symbols])
    rows = [bytes(_SYM.size)]
    for s in symbols:
        index, owner = by_name.get(s.section, (_SHN_ABS, None))
        need(s.section is None or owner is not None, f"symbol {s.name!r} is in section {s.section!r}, not in the file")
        check_symbol(s, owner)
        rows.append(_SYM.pack(name_at[s.name], s.kind, 0, index, s.value, s.size))
    check_unique([(s.section, s.name) for s in symbols], "symbol")
    section_names, section_name_at = _string_table([*names, *_TABLES])
    strtab = len(everything) + 2
    # (name, data, sh_type, sh_flags, sh_addr, sh_link, sh_info, sh_addralign, sh_entsize)
    table: list[tuple[str, memoryview, int, int, int, int, int, int, int]]
    table = [(s.name, memoryview(s.data), s.kind, s.flags, s.address, 0, 0, s.align, 0) for s in everything]
    table += [
        (".symtab", memoryview(b"".join(rows)), _SHT_SYMTAB, 0, 0, strtab, len(rows), 8, _SYM.size),
        (".strtab", memoryview(symbol_names), _SHT_STRTAB, 0, 0, 0, 0, 1, 0),
        (".shstrtab", memoryview(section_names), _SHT_STRTAB, 0, 0, 0, 0, 1, 0),
    ]
    at, body, headers = _EHDR.size, list[bytes | memoryview](), bytes(_SHDR.size)
    for name, data, kind, use, address, link, info, align, entry in table:
        start = aligned(at, align)
        headers += _SHDR.pack(section_name_at[name], kind, use, address, start, data.nbytes, link, info, align, entry)
        body += [bytes(start - at), data]
        at = start + data.nbytes
    shoff, count = aligned(at, 8), len(table) + 1
    ehdr = _EHDR.pack(_IDENT, _ET_EXEC, machine, 1, 0, 0, shoff, flags, 64, 0, 0, _SHDR.size, count, count - 1)
    out = bytearray().join([ehdr, *body, bytes(shoff - at), headers])
    out[_DIGEST] = checksum(memoryview(out))
    return bytes(out)


def read(data: bytes, *, machine: int = MACHINE) -> Container:
    """The contents of an object file; sections are views of ``data``, nothing large is copied.

    Raises ObjectError with one diagnostic, on any bytes whatever: LPU0601 not one
    of ours, LPU0602 malformed, LPU0603 checksum, LPU0604 newer format. Memory and
    time are linear in ``len(data)``, whatever counts and sizes the file claims.
    """
    if not data.startswith(_MAGIC):
        helps = {b"\x93NUMPY": "this is a numpy array: bind it to an input of a program with -i NAME=FILE"}
        raise ObjectError(
            error(
                "LPU0601",
                "this is not an lpuasm object file" if data else "the file is empty",
                help=helps.get(data[:6], "make an object file from a source with `lpuasm build`"),
            )
        )
    try:
        return _read(data, machine)
    except Malformed as fault:
        raise ObjectError(
            error("LPU0602", f"the object file is malformed: {fault}", help="build it again from its source")
        ) from None


def _read(data: bytes, machine: int) -> Container:
    need(len(data) >= _EHDR.size, f"it ends at byte {len(data)}, inside the ELF header")
    ident, kind, its_machine, version, entry, phoff, shoff, flags, *sizes = _EHDR.unpack_from(data)
    if ident[4:6] != _IDENT[4:6] or its_machine != machine:
        bits, order = {1: "32", 2: "64"}.get(ident[4], "?"), {1: "little", 2: "big"}.get(ident[5], "unknown")
        what = f"this is a {bits}-bit {order}-endian ELF file for machine {its_machine:#06x}"
        raise ObjectError(error("LPU0601", f"{what}, not an lpuasm object file ({machine:#06x})"))
    if format_version(flags) > FORMAT_VERSION:
        what = f"the file has format version {format_version(flags)}, and this lpuasm reads up to {FORMAT_VERSION}"
        raise ObjectError(error("LPU0604", what, help="update lpuasm, or build the file again with this version"))
    need(ident == _IDENT, "its ELF identification has values that lpuasm never writes")
    need((kind, version, entry, phoff) == (_ET_EXEC, 1, 0, 0), "its ELF header has values that lpuasm never writes")
    ehsize, phentsize, phnum, shentsize, shnum, shstrndx = sizes
    need((ehsize, phentsize, phnum, shentsize) == (64, 0, 0, _SHDR.size), "its ELF header states wrong sizes")
    _check_count(shnum)
    need(shnum >= 2 + len(_TABLES) and shstrndx == shnum - 1, "its ELF header states wrong section counts")
    end = shoff + shnum * _SHDR.size
    need(end <= len(data), f"it ends at byte {len(data)}, and its section headers reach to byte {end}")
    need(end == len(data), f"{len(data) - end} bytes follow its last section header")
    need(shoff >= _DIGEST.stop and data[_EHDR.size : _DIGEST.start] == _BUILD_ID_HEAD, "its checksum note is missing")
    if checksum(data) != data[_DIGEST]:
        raise ObjectError(
            error(
                "LPU0603",
                "the checksum does not match: the file was changed after it was written",
                help="copy it again, or build it again from its source",
            )
        )
    sections, (symtab, strtab, _) = _read_sections(data, shoff, shnum)
    symbols = tuple(_read_symbols(data, symtab, strtab, sections))
    views = {s.name: memoryview(s.data) for s in sections[1:]}
    return Container(views, symbols, flags, data[_DIGEST])


def _read_sections(data: bytes, shoff: int, shnum: int) -> tuple[list[Section], list[slice]]:
    """The build-id and the caller's sections, then where each table lies."""
    headers = list(_SHDR.iter_unpack(memoryview(data)[shoff:]))
    need(not any(headers[0]), "its first section header is not empty")
    at, places = _EHDR.size, [slice(0)]
    for index, (_, _, _, _, offset, size, _, _, align, _) in enumerate(headers[1:], 1):
        check_align(align, f"section {index}")
        need(offset + size <= shoff, f"section {index} reaches past the last byte of contents")
        need(offset >= at, f"section {index} overlaps what is before it")
        need(offset == aligned(at, align) and not any(data[at:offset]), f"unclaimed bytes before section {index}")
        at = offset + size
        places.append(slice(offset, at))
    need(shoff == aligned(at, 8) and not any(data[at:shoff]), "unclaimed bytes before the section headers")
    name_of = _Strings(data, places[-1])
    names = [name_of(header[0]) for header in headers[1:]]
    check_unique(names, "section")
    need(names[0] == _BUILD_ID and tuple(names[-3:]) == _TABLES, "its symbol and string tables are not in their place")
    need(places[1] == slice(_EHDR.size, _DIGEST.stop), "its checksum note has a wrong size")
    strtab = shnum - 2
    count = (places[-3].stop - places[-3].start) // _SYM.size
    own = [h[1:4] + h[6:] for h in (headers[1], *headers[-3:])]
    expected = [(SectionKind.NOTE, 0, 0, 0, 0, 4, 0), (_SHT_SYMTAB, 0, 0, strtab, count, 8, _SYM.size)]
    need(own == [*expected, *[(_SHT_STRTAB, 0, 0, 0, 0, 1, 0)] * 2], "its symbol and string tables have wrong headers")
    sections, view = [], memoryview(data)
    for name, place, header in zip(names[:-3], places[1:], headers[1:], strict=False):
        _, kind, flags, address, _, _, link, info, align, entry = header
        need(kind in _SECTION_KINDS, f"section {name!r} is of an unknown type, {kind:#x}")
        need(flags < 8 and not (link or info or entry), f"section {name!r} has a header that lpuasm never writes")
        sections.append(Section(name, view[place], _SECTION_KINDS[kind], _FLAGS[flags], align, address))
        check_section(sections[-1])
    return sections, places[-3:]


def _read_symbols(data: bytes, symtab: slice, strtab: slice, sections: list[Section]) -> list[Symbol]:
    table, name_of, symbols = memoryview(data)[symtab], _Strings(data, strtab), list[Symbol]()
    need(len(table) >= _SYM.size and len(table) % _SYM.size == 0, "its symbol table is not a whole number of symbols")
    need(not any(table[: _SYM.size]), "its first symbol is not empty")
    for name_at, info, other, index, value, size in _SYM.iter_unpack(table[_SYM.size :]):
        name = name_of(name_at)
        need(info in _SYMBOL_KINDS and other == 0, f"symbol {name!r} is of an unknown kind")
        need(index == _SHN_ABS or 2 <= index <= len(sections), f"symbol {name!r} is in section {index}, not there")
        owner = None if index == _SHN_ABS else sections[index - 1]
        symbols.append(Symbol(name, owner.name if owner else None, value, size, _SYMBOL_KINDS[info]))
        check_symbol(symbols[-1], owner)
    check_unique([(s.section, s.name) for s in symbols], "symbol")
    return symbols


class _Strings:
    """The names of a string table, each decoded once.

    A name begins where the one before it ends, and has its limit: names that share
    bytes, which ELF allows, would let a small file claim much memory and time.
    """

    def __init__(self, data: bytes, place: slice) -> None:
        table = data[place]
        need(table[:1] == b"\0" and table[-1:] == b"\0", "a string table does not begin and end with a zero byte")
        self._table = table
        self._known: dict[int, str] = {}

    def __call__(self, at: int) -> str:
        if at not in self._known:
            need(0 < at < len(self._table), f"a name is at {at:#x}, outside its string table")
            end = self._table.find(b"\0", at, at + _MAX_NAME + 1)
            need(self._table[at - 1] == 0 and end != at, "a name is empty, or begins inside another")
            need(end > at, f"a name is longer than {_MAX_NAME} bytes")
            self._known[at] = decode(self._table[at:end])
        return self._known[at]


def _string_table(names: Sequence[str]) -> tuple[bytes, dict[str, int]]:
    table, at = bytearray(1), dict[str, int]()
    for name in names:
        need(name != "" and "\0" not in name, f"{name!r} is not a name: it is empty or holds a zero byte")
        if name not in at:
            at[name], text = len(table), name.encode()
            need(len(text) <= _MAX_NAME, f"the name {name[:40]!r}... is longer than {_MAX_NAME} bytes")
            table += text + b"\0"
    return bytes(table), at


def _check_count(count: int) -> None:
    need(count <= _SHN_LORESERVE, f"{count} sections are more than an ELF file can number")
