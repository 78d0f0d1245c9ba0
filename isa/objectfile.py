"""Programs as object files: what the sections of the container mean (docs/object-file.md)."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa import elf
from lpuasm.isa.contents import check_intent, check_places, check_words
from lpuasm.isa.core import table
from lpuasm.isa.digest import ISA_VERSION, isa_digest
from lpuasm.isa.elf import Flags, Section, SymbolKind, note
from lpuasm.isa.errors import Diagnostic, ObjectError, SpecError, error
from lpuasm.isa.meta import Meta, read_meta, write_meta
from lpuasm.isa.program import INTENT_COLUMNS, PLACE_COLUMNS, SCALAR_QUEUE, Program, Tensor
from lpuasm.isa.section import Malformed, need, notes
from lpuasm.isa.target import TARGETS, Target, load_target, parse_target
from lpuasm.isa.timeline import Words

_TEXT, _DATA = ".text.", ".data."
_META, _TARGET, _INTENT, _PLACES, _NOTE = ".lpu.meta", ".lpu.target", ".lpu.intent", ".lpu.places", ".note.lpu.isa"
_OWNER, _NOTE_ISA = "lpuasm", 1
_LARGEST_TARGET = 1 << 18
_U64 = (1 << 64) - 1


def to_bytes(program: Program) -> bytes:
    """The object file of a program: the same program gives the same bytes on every machine."""
    isa = json.dumps({"digest": isa_digest(), "version": ISA_VERSION}, sort_keys=True).encode()
    sections = [
        Section(_TEXT + name, np.ascontiguousarray(words, "<u8").tobytes(), flags=Flags.ALLOC | Flags.EXEC)
        for name, words in _in_order(program)
    ]
    sections += [Section(_DATA + t.name, t.data, flags=Flags.ALLOC) for t in program.tensors if t.kind == "const"]
    if len(program.intent):
        sections.append(Section(_INTENT, np.ascontiguousarray(program.intent, "<i4").tobytes()))
    places = _all_places(program)
    if (places != -1).any():
        sections.append(Section(_PLACES, np.ascontiguousarray(places, "<i4").tobytes()))
    sections += [
        Section(_META, write_meta(program)),
        Section(_TARGET, program.target.text.encode()),
        note(_NOTE, _OWNER, _NOTE_ISA, isa),
    ]
    return elf.write(sections, _symbols(program))


def _in_order(program: Program) -> list[tuple[str, Words]]:
    """The queues that hold words, in the order of their numbers."""
    if program.scalar:
        return list(program.queues.items())
    queue = program.target.queue
    return sorted(((n, w) for n, w in program.queues.items() if len(w)), key=lambda item: queue[item[0]].number)


def _all_places(program: Program) -> NDArray[np.int32]:
    """The places of all words, queue by queue; −1 where a queue has none."""
    columns = len(PLACE_COLUMNS)
    rows = [
        program.places.get(name, np.full((len(words), columns), -1, np.int32)) for name, words in _in_order(program)
    ]
    return np.concatenate([np.zeros((0, columns), np.int32), *rows])


def _symbols(program: Program) -> list[elf.Symbol]:
    """What `nm` shows: labels in their queues, tensors, starts of flows, and parameters."""
    found: dict[tuple[str | None, str], elf.Symbol] = {}

    def add(symbol: elf.Symbol) -> None:
        found.setdefault((symbol.section, symbol.name), symbol)

    for tensor in program.tensors:
        if tensor.kind == "const":
            add(elf.Symbol(tensor.name, _DATA + tensor.name, 0, len(tensor.data), SymbolKind.OBJECT))
        elif tensor.layout is not None:
            size = prod(tensor.layout.shape) * tensor.layout.planes
            add(elf.Symbol(tensor.name, None, tensor.layout.address, size, SymbolKind.OBJECT))
    for symbol in program.symbols:
        if symbol.kind == "label":
            add(elf.Symbol(symbol.name, _TEXT + symbol.queue, 16 * symbol.value, 0, SymbolKind.FUNC))
        else:
            add(elf.Symbol(symbol.name, None, symbol.value, 0, SymbolKind.FUNC))
    for name, value in program.defines.items():
        if isinstance(value, int):
            add(elf.Symbol(name, None, value & _U64))
    return sorted(found.values(), key=lambda s: (s.section or "", s.value, s.name))


def from_bytes(data: bytes) -> Program:
    """The program in an object file; its words are views of ``data``.

    Raises:
        ObjectError: with one diagnostic, whatever the bytes are: LPU0601 … LPU0604 of the container, LPU0605 made for
            another instruction set, LPU0606 contents that are no program.
    """
    container = elf.read(data)
    try:
        program = _program(container.sections)
        need(to_bytes(program) == data, "it is not in the form that lpuasm writes")
    except Malformed as fault:
        raise ObjectError(
            error("LPU0606", f"the object file holds no program: {fault}", help="build it again from its source")
        ) from None
    return program


def _program(sections: Mapping[str, memoryview]) -> Program:
    _check_isa(sections)
    target = _target(_section(sections, _TARGET))
    queues: dict[str, Words] = {}
    for name, section in sections.items():
        if name.startswith(_TEXT):
            queue = name.removeprefix(_TEXT)
            need(queue in target.queue or queue == SCALAR_QUEUE, f"{target.name} has no queue {queue!r}")
            queues[queue] = _array(section, "<u8", 2, f"the words of {queue}").view(np.uint64)
            need(len(queues[queue]) > 0 or queue == SCALAR_QUEUE, f"{queue} holds no words")
        else:
            known = name in (_META, _TARGET, _INTENT, _PLACES, _NOTE) or name.startswith(_DATA)
            need(known, f"section {name!r} is of no use")
    need(SCALAR_QUEUE not in queues or len(queues) == 1, "it is both scalar and streaming code")
    meta = read_meta(bytes(_section(sections, _META)), target, {name: len(words) for name, words in queues.items()})
    instructions = table(target)
    for name, words in queues.items():
        kind = SCALAR_QUEUE if name == SCALAR_QUEUE else target.queue[name].kind
        check_words(name, kind, words, instructions, len(meta.names))
    intent = _array(sections.get(_INTENT, memoryview(b"")), "<i4", len(INTENT_COLUMNS), "the intent table")
    need(SCALAR_QUEUE not in queues or not len(intent), "scalar code has no intent")
    if len(intent):
        check_intent(intent, queues, target, instructions)
    return Program(
        target, queues, _tensors(meta, sections, SCALAR_QUEUE in queues), meta.symbols, meta.names, meta.defines,
        meta.files, meta.flows, _places(sections, queues, meta), intent,
    )  # fmt: skip


def _section(sections: Mapping[str, memoryview], name: str) -> memoryview:
    need(name in sections, f"section {name!r} is missing")
    return sections[name]


def _array(data: memoryview, dtype: str, columns: int, what: str) -> NDArray[np.int32]:
    size = np.dtype(dtype).itemsize * columns
    need(len(data) % size == 0, f"{what} are not a whole number of rows")
    array = np.frombuffer(data, dtype).reshape(-1, columns)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _check_isa(sections: Mapping[str, memoryview]) -> None:
    entries = [n for n in notes(_section(sections, _NOTE)) if (n.owner, n.type) == (_OWNER, _NOTE_ISA)]
    need(len(entries) == 1, "the note of its instruction set is missing")
    try:
        isa = json.loads(bytes(entries[0].desc))
    except (ValueError, RecursionError):
        raise Malformed("the note of its instruction set is not JSON") from None
    need(isinstance(isa, dict), "the note of its instruction set is not a table")
    if isa != {"digest": isa_digest(), "version": ISA_VERSION}:
        version = isa.get("version")
        which = f"version {version}" if type(version) is int and version != ISA_VERSION else "another set"
        raise ObjectError(
            error(
                "LPU0605",
                f"the program was made for {which} of the instructions, and this lpuasm has version {ISA_VERSION}",
                help="build it again from its source",
            )
        )


def _target(data: memoryview) -> Target:
    need(len(data) <= _LARGEST_TARGET, "the text of its target is too long")
    try:
        text = bytes(data).decode()
        return next((t for t in map(load_target, TARGETS) if t.text == text), None) or _parsed(text)
    except SpecError as e:
        raise Malformed(f"its target is none: {e.diagnostics[0].message}") from None
    except (ValueError, RecursionError):
        raise Malformed("its target is not TOML") from None


@lru_cache(16)
def _parsed(text: str) -> Target:
    return parse_target(text, "the target of an object file")


def _tensors(meta: Meta, sections: Mapping[str, memoryview], scalar: bool) -> tuple[Tensor, ...]:
    named = {_DATA + name for name, kind, _ in meta.tensors if kind == "const"}
    given = {name for name in sections if name.startswith(_DATA)}
    need(named == given, "constants and their data do not belong together")
    tensors = []
    for name, kind, layout in meta.tensors:
        need(scalar or layout is not None, f"tensor {name} has no place")
        data = bytes(sections[_DATA + name]) if kind == "const" else b""
        if kind == "const":
            size = prod(layout.shape) * layout.planes if layout is not None else -1
            need(len(data) == size, f"constant {name} has not the data of its shape")
        tensors.append(Tensor(name, kind, layout, data))
    return tuple(tensors)


def _places(
    sections: Mapping[str, memoryview], queues: Mapping[str, Words], meta: Meta
) -> dict[str, NDArray[np.int32]]:
    if _PLACES not in sections:
        return {}
    rows = _array(sections[_PLACES], "<i4", len(PLACE_COLUMNS), "the places")
    need(len(rows) == sum(map(len, queues.values())), "there is not one place for each word")
    check_places(rows, len(meta.files), len(meta.flows))
    places, at = {}, 0
    for name, words in queues.items():
        places[name] = rows[at : at + len(words)]
        at += len(words)
    return places


def digest(program: Program) -> str:
    """The SHA-256 that the object file of a program bears as its build id, in hex: equal digests, equal programs."""
    return elf.checksum(to_bytes(program)).hex()


def load(path: str | os.PathLike[str]) -> Program:
    """The program in the file ``path``. Raises ObjectError: LPU0607 where it cannot be read, else as from_bytes."""
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError, MemoryError) as e:
        raise ObjectError(_file_problem("read", path, e)) from None
    return from_bytes(data)


def save(program: Program, path: str | os.PathLike[str]) -> None:
    """Writes the object file, whole or not at all. Raises ObjectError (LPU0607) where it cannot be written."""
    data = to_bytes(program)
    part = f"{os.fspath(path)}.{os.urandom(4).hex()}.part"
    try:
        with Path(part).open("xb") as file:
            file.write(data)
        Path(part).replace(path)
    except (OSError, ValueError) as e:
        with suppress(OSError, ValueError):
            Path(part).unlink(missing_ok=True)
        raise ObjectError(_file_problem("write", path, e)) from None


def _file_problem(verb: str, path: str | os.PathLike[str], e: Exception) -> Diagnostic:
    reason = (getattr(e, "strerror", None) or str(e) or "no memory for it").lower()
    return error("LPU0607", f"cannot {verb} {os.fspath(path)}: {reason}")
