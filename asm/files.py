"""Finding and reading the files of .include and .import.

The main file is called as the caller calls it. So that a program is the same on every machine, no
other name in a diagnostic or a source map says where the files lie: a file found beside the one
that names it is called by its path from the main file's folder, one found on a search path by what
the source calls it, one of the library ``<library>/NAME.s``.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lpuasm.asm.parser import MAX_FILE, decode
from lpuasm.isa.errors import AssemblyError, error


@dataclass(frozen=True, slots=True)
class Found:
    """A file: where it is, and what it is called in spans."""

    path: Path
    name: str


def beside(name: str) -> Path | None:
    """The folder of a file called ``name``; None for text that is no file (``<text>``)."""
    return None if name.startswith("<") else Path(name).parent


def find_include(wanted: str, includer: Found | None, include: Sequence[Path]) -> Found | str:
    """The file an .include names, or why there is none."""
    tried: list[Found] = []
    if includer is not None:
        name = posixpath.normpath(posixpath.join(posixpath.dirname(includer.name), wanted.replace("\\", "/")))
        tried.append(Found(includer.path.parent / wanted, name))
    elif not include:
        tried.append(Found(Path(wanted), wanted))
    tried += [Found(folder / wanted, posixpath.normpath(wanted)) for folder in include]
    return _first(tried, f"`{wanted}`")


def find_import(wanted: str, library: Sequence[Path]) -> Found | str:
    """The file of a kernel of the library, or why there is none."""
    tried = [Found(folder / f"{wanted}.s", f"<library>/{wanted}.s") for folder in library]
    return _first(tried, f"a kernel `{wanted}`")


def kernels(library: Sequence[Path]) -> list[str]:
    """The names that .import knows."""
    found = {file.stem for folder in library if folder.is_dir() for file in folder.glob("*.s")}
    return sorted(found)


def _first(tried: Sequence[Found], what: str) -> Found | str:
    for found in tried:
        try:
            if found.path.is_file():
                return found
            if found.path.exists():
                return f"{what} is not a file"
        except (OSError, ValueError):
            continue
    return f"cannot find {what}"


def read(found: Found) -> str:
    """The text of a file; raises AssemblyError."""
    try:
        if found.path.stat().st_size > MAX_FILE:
            raise AssemblyError(error("LPU0108", f"{found.name} has more than {MAX_FILE} bytes"))
        data = found.path.read_bytes()
    except OSError as e:
        raise AssemblyError(error("LPU0213", f"cannot read {found.name}: {(e.strerror or 'error').lower()}")) from None
    return decode(data, found.name)
