"""From a file to a program: a source is assembled, an object file loaded; the content decides, not the name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lpuasm.answer import Lookup
from lpuasm.files import STANDARD, read, shown
from lpuasm.isa.errors import AssemblyError, Diagnostic, LpuError, error
from lpuasm.options import Assembly

if TYPE_CHECKING:
    from lpuasm.isa.program import Program

_ELF = b"\x7fELF"


@dataclass(frozen=True)
class Opened:
    """A program, and the text of each source that it came from, by its name in diagnostics.

    ``late`` holds dimensions of a scalar program that -D gives to an object file, which is built without them.
    """

    program: Program
    texts: dict[str, str]
    late: dict[str, int]

    def source(self, name: str) -> str | None:
        """The text of a source: as it was assembled, or as it lies there now for an object file."""
        return self.texts.get(name) or _reread(name)

    def text_of(self, name: str, file: str) -> str | None:
        """The text of one of the program's own files, which stands beside ``file`` unless it says where."""
        text = self.texts.get(name) or self.texts.get(str(Path(file).with_name(name)))
        return text or self.source(name) or (_reread(str(Path(file).with_name(name))) if file != STANDARD else None)


def _reread(name: str) -> str | None:
    try:
        return Path(name).read_text("utf-8")
    except (OSError, ValueError):
        return None


class PlacedError(LpuError):
    """An error together with the texts that its diagnostics point into."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...], sources: Lookup) -> None:
        super().__init__(*diagnostics)
        self.sources = sources


@contextmanager
def pointing_into(sources: Lookup) -> Iterator[None]:
    """Raises the LpuErrors of its body as PlacedErrors that point into ``sources``."""
    try:
        yield
    except LpuError as e:
        raise PlacedError(e.diagnostics, sources) from None


def open_program(file: str, options: Assembly, *, legal: bool = True) -> Opened:
    """The program of a source or object file, "-" is standard input.

    ``legal``: an object file is held to the rules of time, as every source is when it is assembled.

    Raises PlacedError.
    """
    octets = read(file)
    texts: dict[str, str] = {}
    with pointing_into(texts.get):
        if octets.startswith(_ELF):
            program = _loaded(octets, file, options)
            if legal and not program.scalar:
                _hold(program)
            late = {n: v for n, v in options.defines.items() if n not in program.defines and isinstance(v, int)}
            return Opened(program, texts, late)
        return Opened(_assembled(octets, file, options, texts), texts, {})


def _hold(program: Program) -> None:
    from lpuasm.isa.legality import check

    with pointing_into(_reread):
        check(program)


def _assembled(octets: bytes, file: str, options: Assembly, texts: dict[str, str]) -> Program:
    from lpuasm.asm.parser import decode
    from lpuasm.front import build

    name = "<stdin>" if file == STANDARD else file
    return build(
        text=decode(octets, name),
        name=name,
        defines=options.defines,
        target=options.target,
        include=options.include,
        sources=texts,
    )


def _loaded(octets: bytes, file: str, options: Assembly) -> Program:
    """An object file's program; of scalar code, -D may still give dimensions that were left open."""
    from lpuasm.isa.objectfile import from_bytes
    from lpuasm.isa.target import load_target

    program = from_bytes(octets)
    if options.target is not None and load_target(options.target).digest != program.target.digest:
        raise AssemblyError(
            error("LPU0214", f"{shown(file)} was built for {program.target.name}, and --target says {options.target}",
                  help="build it from its source for that target, or leave --target out")
        )  # fmt: skip
    for name, value in options.defines.items():
        still_open = program.scalar and name in program.names and name not in program.defines
        if not still_open and program.defines.get(name) != value:
            raise AssemblyError(
                error("LPU0211", f"-D {name}={value} is too late for {shown(file)}: it was fixed when that was built",
                      help="build it from its source with that -D")
            )  # fmt: skip
    return program
