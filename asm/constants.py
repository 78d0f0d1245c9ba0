"""The data of ``.const`` tensors: numbers of the text, a formula, or a .npy file next to it."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpuasm.asm.files import Found, beside, find_include
from lpuasm.asm.queues import framed
from lpuasm.asm.syntax import TensorDecl
from lpuasm.isa.errors import AssemblyError, error
from lpuasm.isa.operands import immediate_bits

DTYPES = {"i8": "<i1", "u8": "<u1", "i16": "<i2", "i32": "<i4", "f16": "<f2", "f32": "<f4"}
"""numpy's names of the types on streams, little-endian."""
_VALUES = "write `= 1, 2, 3`, a formula such as `= for i: i % 16`, or the name of a .npy file"


@dataclass(frozen=True, slots=True)
class Files:
    """Where the files that a text names are looked for: beside the file with the name, then in ``include``.

    ``listed``: the data of constants that a listing states, as words of 32 bits; None where the text is no listing.
    """

    main: str = "<text>"
    include: Sequence[Path] = ()
    listed: Mapping[str, Sequence[int]] | None = None


def data(declaration: TensorDecl, files: Files) -> bytes:
    """The elements of a ``const``, row-major and little-endian; nothing for other tensors. Raises AssemblyError."""
    values = declaration.values
    if declaration.kind != "const":
        if values is not None:
            message, help_ = f"a .{declaration.kind} has no values", "declare it as .const"
            raise _wrong(declaration, "LPU0508", message, help_)
        return b""
    if values is None and files.listed is not None:
        return _listed(declaration, files.listed.get(declaration.name, ()))
    if values is None:
        raise _wrong(declaration, "LPU0508", "a .const has values", _VALUES)
    if isinstance(values, str):
        return _from_file(declaration, values, files).tobytes()
    if not isinstance(values, tuple):
        return values.data(declaration)
    count = prod(declaration.dims)
    if len(values) != count:
        shape = " × ".join(map(str, declaration.dims)) or "one"
        message = f"{len(values)} values are given, and its shape, {shape}, has {count}"
        raise _wrong(declaration, "LPU0508", message)
    return _packed(declaration, values)


def unsigned(dtype: str) -> np.dtype[np.unsignedinteger[Any]]:
    """numpy's type of the bits of an element, little-endian."""
    return np.dtype(f"<u{DTYPES[dtype][2]}")


def element_bits(value: int | float, dtype: str) -> int:
    """The bits of an element; raises ValueError where the type does not hold the number."""
    if dtype != "f16":
        return immediate_bits(value, dtype) & int(np.iinfo(unsigned(dtype)).max)
    try:
        return int.from_bytes(struct.pack("<e", float(value)), "little")
    except OverflowError:
        raise ValueError(f"{value} is beyond the largest f16") from None


def _packed(declaration: TensorDecl, values: Sequence[int | float]) -> bytes:
    try:
        bits = [element_bits(value, declaration.dtype) for value in values]
    except ValueError as e:
        raise _wrong(declaration, "LPU0508", str(e)) from None
    return np.array(bits, unsigned(declaration.dtype)).tobytes()


def _listed(declaration: TensorDecl, words: Sequence[int]) -> bytes:
    size = prod(declaration.dims) * np.dtype(DTYPES[declaration.dtype]).itemsize
    if len(words) != -(-size // 4):
        raise _wrong(declaration, "LPU0508", f"{4 * len(words)} bytes of data are listed, and it has {size}")
    return np.array(words, "<u4").tobytes()[:size]


def _from_file(declaration: TensorDecl, name: str, files: Files) -> NDArray[np.generic]:
    """The array of a .npy file, of exactly the declared type and shape."""
    folder = beside(files.main)
    span = declaration.span.file
    includer = None
    if folder is not None:
        includer = Found(Path(span) if span == files.main else folder / span, Path(span).name)
    found = find_include(name, includer, files.include)
    if isinstance(found, str):
        raise _wrong(declaration, "LPU0509", found, "it is looked for beside the source, then in the folders of -I")
    try:
        with np.errstate(all="ignore"):  # of a shape that no file has
            array = np.load(found.path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError, OverflowError, MemoryError, TypeError):
        raise _wrong(declaration, "LPU0509", f"{name} is not a .npy file that can be read") from None
    if not isinstance(array, np.ndarray):
        raise _wrong(declaration, "LPU0509", f"{name} is not a .npy file with one array")
    dtype = np.dtype(DTYPES[declaration.dtype])
    if array.dtype.newbyteorder("<") != dtype or array.shape != declaration.dims:
        have = f"{array.dtype.name} {list(array.shape)}"
        message = f"{name} holds {have}, and {declaration.dtype} {list(declaration.dims)} is declared"
        raise _wrong(declaration, "LPU0509", message)
    return np.ascontiguousarray(array).astype(dtype)


def _wrong(declaration: TensorDecl, code: str, message: str, help: str = "") -> AssemblyError:
    text = f"{declaration.name}: {message}"
    return AssemblyError(framed(error(code, text, declaration.span, help=help), declaration.frames))
