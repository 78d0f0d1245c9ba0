"""What an object file is made of: sections, symbols and notes, and the rules each must keep.

``elf.py`` puts them into a file. The writer and the reader check by the same
functions, so what one refuses to write the other refuses to read.
"""

from __future__ import annotations

import struct
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum, IntFlag

_NHDR = struct.Struct("<III")
_MAX_ALIGN = 4096
_U64 = 1 << 64


class Malformed(ValueError):
    """A rule of the object file is broken: by the caller of write, or by a file."""


class SectionKind(IntEnum):
    """What a section of the caller holds (``sh_type``)."""

    PROGBITS = 1
    NOTE = 7


class Flags(IntFlag):
    """How a section is used (``sh_flags``); GNU size counts by them."""

    NONE = 0
    WRITE = 1
    ALLOC = 2
    EXEC = 4


class SymbolKind(IntEnum):
    """What a symbol names (the type in ``st_info``)."""

    NOTYPE = 0
    OBJECT = 1
    FUNC = 2


@dataclass(frozen=True, slots=True)
class Section:
    """A named run of bytes. ``address`` (in the section's own space) is a multiple of ``align``, a power of two."""

    name: str
    data: bytes | memoryview
    kind: SectionKind = SectionKind.PROGBITS
    flags: Flags = Flags.NONE
    align: int = 16
    address: int = 0


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name for ``size`` bytes at ``value``, an address inside ``section``; an absolute number if that is None.

    Both are unsigned 64-bit. A name may occur once in each section.
    """

    name: str
    section: str | None
    value: int
    size: int = 0
    kind: SymbolKind = SymbolKind.NOTYPE


@dataclass(frozen=True, slots=True)
class Note:
    """One entry of a NOTE section; ``type`` is a number of the owner's."""

    owner: str
    type: int
    desc: memoryview


def note(name: str, owner: str, type: int, desc: bytes) -> Section:
    """A NOTE section ``name`` with one entry."""
    text = owner.encode() + b"\0"
    data = _NHDR.pack(len(text), len(desc), type) + text + bytes(-len(text) % 4) + desc + bytes(-len(desc) % 4)
    return Section(name, data, SectionKind.NOTE, align=4)


def notes(data: bytes | memoryview) -> Iterator[Note]:
    """The entries of a NOTE section's data; ValueError if it is malformed (those :func:`read` returns are not)."""
    view, at = memoryview(data), 0
    while at < len(view):
        need(at + _NHDR.size <= len(view), "a note's header is cut off")
        owner_size, desc_size, type_ = _NHDR.unpack_from(view, at)
        start = at + _NHDR.size
        desc = start + aligned(owner_size, 4)
        at = desc + aligned(desc_size, 4)
        need(at <= len(view), "a note is longer than its section")
        owner = bytes(view[start : start + owner_size])
        need(owner.find(b"\0") == owner_size - 1, "a note's owner is not a string that ends in a zero byte")
        yield Note(decode(owner[:-1]), type_, view[desc : desc + desc_size])


def check_section(section: Section) -> None:
    """Malformed unless ``section`` can stand in an object file."""
    what, size = f"section {section.name!r}", memoryview(section.data).nbytes
    check_align(section.align, what)
    need(section.address % section.align == 0, f"{what} has an address that is not a multiple of its alignment")
    need(0 <= section.address <= _U64 - size, f"{what} does not fit in 64 bits of address")
    if section.kind == SectionKind.NOTE:
        need(section.align == 4 and size > 0, f"{what} holds notes, which are aligned to 4 bytes and not empty")
        for _ in notes(section.data):
            pass


def check_symbol(symbol: Symbol, owner: Section | None) -> None:
    """Malformed unless ``symbol`` lies in ``owner``, the section it names (None: it is absolute)."""
    start, end = (0, _U64 - 1) if owner is None else (owner.address, owner.address + memoryview(owner.data).nbytes)
    inside = symbol.size >= 0 and start <= symbol.value <= symbol.value + symbol.size <= end
    need(inside, f"symbol {symbol.name!r} reaches outside its section")


def check_align(align: int, what: str) -> None:
    """Malformed unless ``align`` is a power of two of at most 4096, which bounds the padding."""
    need(0 < align <= _MAX_ALIGN and align & (align - 1) == 0, f"{what} has an impossible alignment, {align}")


def check_unique(keys: Iterable[Hashable], what: str) -> None:
    """Malformed if a key occurs twice."""
    seen: set[Hashable] = set()
    for key in keys:
        need(key not in seen, f"there are two {what}s {key!r}")
        seen.add(key)


def need(holds: bool, otherwise: str) -> None:
    """Malformed, saying ``otherwise``, unless ``holds``."""
    if not holds:
        raise Malformed(otherwise)


def decode(text: bytes) -> str:
    """UTF-8 text; Malformed if it is not."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise Malformed(f"the name {text[:40]!r} is not UTF-8") from None


def aligned(at: int, align: int) -> int:
    """The next multiple of ``align`` from ``at`` on."""
    return -(-at // align) * align
