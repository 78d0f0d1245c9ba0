"""Files of the host: read with a diagnostic, written whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

from lpuasm.answer import to_stdout
from lpuasm.isa.errors import Diagnostic, LpuError, error
from lpuasm.isa.suggest import closest

STANDARD = "-"


class FileError(LpuError):
    """A file of the host cannot be read or written, or does not hold what it should."""


def read(name: str) -> bytes:
    """The bytes of a file, "-" is standard input. Raises FileError."""
    try:
        return sys.stdin.buffer.read() if name == STANDARD else Path(name).read_bytes()
    except (OSError, ValueError, MemoryError) as e:
        raise FileError(_unreadable(name, e)) from None


def _unreadable(name: str, e: Exception) -> Diagnostic:
    if isinstance(e, FileNotFoundError):
        return error("LPU0901", f"there is no file {shown(name)}", help=_near(name))
    if isinstance(e, IsADirectoryError) or (isinstance(e, PermissionError) and Path(name).is_dir()):
        return error("LPU0901", f"{shown(name)} is a folder, not a file")
    return error("LPU0901", f"cannot read {shown(name)}: {reason(e)}")


def reason(e: Exception) -> str:
    """Why the operating system refused, in its words."""
    if isinstance(e, MemoryError):
        return "it does not fit the memory"
    return ((e.strerror if isinstance(e, OSError) else None) or str(e) or type(e).__name__).lower()


def shown(name: str) -> str:
    """A file's name as messages say it."""
    return "standard input" if name == STANDARD else f"'{name}'"


def _near(name: str) -> str:
    path = Path(name)
    try:
        if not path.parent.is_dir():
            return f"there is no folder '{path.parent}' either"
        near = closest(path.name, [entry.name for entry in path.parent.iterdir()])
    except (OSError, ValueError):
        return ""
    return f"did you mean '{path.with_name(near)}'?" if near else ""


def check_writable(name: str) -> None:
    """Raises FileError where an output of that name cannot be written, before any work is done for it."""
    if name == STANDARD:
        return
    try:
        path = Path(name)
        if path.is_dir():
            raise FileError(error("LPU0902", f"'{name}' is a folder, not a file"))
        folder = Path(os.path.realpath(name)).parent
        if not folder.is_dir():
            raise FileError(error("LPU0902", f"cannot write '{name}': there is no folder '{path.parent}'"))
        if not os.access(path if path.exists() else folder, os.W_OK):
            raise FileError(error("LPU0902", f"cannot write '{name}': permission denied"))
    except (OSError, ValueError) as e:
        raise FileError(error("LPU0902", f"cannot write '{name}': {reason(e)}")) from None


def check_distinct(outputs: Sequence[str], inputs: Sequence[str]) -> None:
    """Raises FileError where an output is also an input, or two outputs are one file."""
    read_files = {_identity(name): name for name in inputs if name != STANDARD}
    seen: dict[object, str] = {}
    for name in outputs:
        key = _identity(name) if name != STANDARD else STANDARD
        if key in read_files:
            raise FileError(
                error("LPU0909", f"'{name}' is read and would be written", help="give the output another name")
            )
        if seen.setdefault(key, name) != name or outputs.count(name) > 1:
            raise FileError(
                error("LPU0908", f"two outputs go to {shown_output(name)}", help="give each a file of its own")
            )


def shown_output(name: str) -> str:
    """An output's name as messages say it."""
    return "standard output" if name == STANDARD else f"'{name}'"


def _identity(name: str) -> object:
    """What is the same for two names of one file."""
    try:
        status = Path(name).stat()
        if status.st_ino:
            return status.st_dev, status.st_ino
    except (OSError, ValueError):
        pass
    return os.path.realpath(name)


Writer = Callable[[BinaryIO], object]


def write_all(contents: Mapping[str, bytes | Writer]) -> None:
    """Writes files so that either all of them are whole and new or none was touched. Raises FileError.

    Each goes to a temporary file beside its place first; what is not an ordinary file (a device, a pipe) and standard
    output are written last, directly.
    """
    ready: list[tuple[Path, Path]] = []
    direct: list[tuple[str, bytes | Writer]] = []
    with ExitStack() as undo:
        for name, content in contents.items():
            try:
                place = Path(os.path.realpath(name))
                if name == STANDARD or (place.exists() and not place.is_file()):
                    direct.append((name, content))
                    continue
                temporary = place.with_name(f".{place.name[:100]}.{os.urandom(4).hex()}~")
                undo.callback(_remove, temporary)
                _write(temporary, content, place)
                ready.append((temporary, place))
            except (OSError, ValueError) as e:
                raise FileError(error("LPU0902", f"cannot write '{name}': {reason(e)}")) from None
        for temporary, place in ready:
            try:
                temporary.replace(place)
            except OSError as e:
                raise FileError(error("LPU0902", f"cannot write '{place}': {reason(e)}")) from None
    for name, content in direct:
        try:
            _write_direct(name, content)
        except OSError as e:
            raise FileError(error("LPU0902", f"cannot write {shown_output(name)}: {reason(e)}")) from None


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _write(path: Path, content: bytes | Writer, place: Path) -> None:
    """Writes a new file; it gets the mode of the file whose place it takes."""
    with path.open("xb") as file:
        if place.exists():
            path.chmod(place.stat().st_mode & 0o777)
        _fill(file, content)
        file.flush()


def _write_direct(name: str, content: bytes | Writer) -> None:
    if name == STANDARD:
        from io import BytesIO

        buffer = BytesIO()
        _fill(buffer, content)
        to_stdout(buffer.getvalue())
        return
    with Path(name).open("wb") as file:
        _fill(file, content)


def _fill(file: BinaryIO, content: bytes | Writer) -> None:
    if isinstance(content, bytes):
        file.write(content)
    else:
        content(file)
