"""Tensors in files: .npy, .npz (the tensor's name is the key) and raw .bin (row-major, little-endian).

Headers are read here, not by numpy, so that nothing is unpickled, sizes are
checked before they are believed, and every defect has its own diagnostic.
"""

from __future__ import annotations

import ast
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from math import prod
from pathlib import PurePath
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from lpuasm.files import STANDARD, FileError, Writer, shown
from lpuasm.isa.errors import error

Array = NDArray[np.generic]

SUFFIXES = (".npy", ".npz", ".bin")
#: numpy's name of each type of the machine.
DTYPES: Mapping[str, np.dtype[Any]] = {
    "i8": np.dtype("int8"),
    "u8": np.dtype("uint8"),
    "i16": np.dtype("int16"),
    "i32": np.dtype("int32"),
    "f16": np.dtype("float16"),
    "f32": np.dtype("float32"),
}
_MAGIC, _ZIP = b"\x93NUMPY", b"PK"
_HEADER = 1 << 16
_NUMBERS = re.compile(r"[|<>=]?[biufc][0-9]{1,2}")


def parse(octets: bytes, file: str, name: str, dtype: str | None = None, shape: tuple[int, ...] | None = None) -> Array:
    """The array of tensor ``name`` in the bytes of ``file``, in C order and the machine's byte order.

    ``dtype`` and ``shape`` are what the tensor declares; a raw file needs both. The kind of a file is told by its
    suffix, and by its first bytes where it has none of ours. Raises FileError (LPU0903, LPU0904, LPU0905).
    """
    kind = PurePath(file).suffix.lower()
    if kind not in SUFFIXES:
        kind = ".npy" if octets.startswith(_MAGIC) else ".npz" if octets.startswith(_ZIP) else ""
        if not kind and file == STANDARD:
            kind = ".bin"
    if kind == ".npy":
        return _npy(octets, shown(file))
    if kind == ".npz":
        return _npz(octets, file, name)
    if kind == ".bin":
        return _raw(octets, file, name, dtype, shape)
    raise FileError(
        error("LPU0903", f"{shown(file)} is no tensor file", help="tensors are read from .npy, .npz and raw .bin files")
    )


def _npy(octets: bytes, file: str) -> Array:
    def wrong(why: str, help: str = "") -> FileError:
        return FileError(error("LPU0903", f"{file} is not a whole .npy file: {why}", help=help))

    if not octets.startswith(_MAGIC):
        raise wrong("it does not begin as one")
    if len(octets) < 12:
        raise wrong("it ends in its header")
    version = octets[6]
    if version not in (1, 2, 3):
        raise wrong(f"its version is {version}, and 1 to 3 are known")
    begin = 10 if version == 1 else 12
    (length,) = struct.unpack_from("<H" if version == 1 else "<I", octets, 8)
    data = begin + length
    if length > _HEADER or data > len(octets):
        raise wrong("it ends in its header" if length <= _HEADER else "its header is too long")
    dtype, fortran, shape = _header(octets[begin:data], wrong)
    wanted, found = prod(shape) * dtype.itemsize, len(octets) - data
    if wanted != found:
        raise wrong(f"its header tells of {wanted} bytes of data, and {found} follow")
    values = np.frombuffer(octets, dtype, prod(shape), data) if wanted else np.zeros(0, dtype)
    array = values.reshape(shape, order="F" if fortran else "C")
    return _native(array)


def _header(text: bytes, wrong: Any) -> tuple[np.dtype[Any], bool, tuple[int, ...]]:
    """(type, whether in Fortran order, shape) of the header of a .npy file."""
    try:
        header = ast.literal_eval(text.decode("utf-8"))
        descr, fortran, shape = header["descr"], header["fortran_order"], header["shape"]
    except (ValueError, SyntaxError, KeyError, TypeError, RecursionError, MemoryError):
        raise wrong("its header cannot be read") from None
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape) or len(shape) > 32:
        raise wrong("its header tells of no shape")
    if isinstance(descr, str) and descr.lstrip("|<>=").startswith("O"):
        raise wrong("it holds pickled objects, which are never loaded", "save an array of numbers")
    if not isinstance(descr, str) or not _NUMBERS.fullmatch(descr) or not isinstance(fortran, bool):
        raise wrong("it does not hold numbers", "save an array of numbers")
    try:
        dtype = np.dtype(descr)
    except TypeError:
        raise wrong(f"its header tells of an unknown type '{descr}'") from None
    return dtype, fortran, shape


def _native(array: Array) -> Array:
    ordered = array.astype(array.dtype.newbyteorder("="), order="C", copy=False)
    return np.asarray(ordered, order="C")


def _npz(octets: bytes, file: str, name: str) -> Array:
    try:
        with zipfile.ZipFile(io.BytesIO(octets)) as archive:
            members = archive.namelist()
            keys = [m.removesuffix(".npy") for m in members if m.endswith(".npy")]
            if name not in keys:
                have = ", ".join(f"'{k}'" for k in keys[:8]) or "nothing"
                raise FileError(
                    error("LPU0904", f"{shown(file)} has no array '{name}'",
                          help=f"it holds {have}; the tensor's name is the key")
                )  # fmt: skip
            member = archive.read(f"{name}.npy")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError):
        raise FileError(error("LPU0903", f"{shown(file)} is not a whole .npz file")) from None
    return _npy(member, f"'{name}' in {shown(file)}")


def _raw(octets: bytes, file: str, name: str, dtype: str | None, shape: tuple[int, ...] | None) -> Array:
    if dtype is None or shape is None:
        raise FileError(
            error("LPU0905", f"{shown(file)}: '{name}' declares no type and shape, and a raw file says neither",
                  help="give the tensor as .npy or .npz")
        )  # fmt: skip
    kind = DTYPES[dtype]
    wanted = prod(shape) * kind.itemsize
    if wanted != len(octets):
        sizes = "×".join(map(str, shape)) or "one"
        raise FileError(
            error("LPU0905", f"{shown(file)} has {len(octets)} bytes; '{name}', {sizes} of {dtype}, takes {wanted}")
        )
    return _native(np.frombuffer(octets, kind.newbyteorder("<")).reshape(shape)) if wanted else np.zeros(shape, kind)


def encode(file: str, arrays: Mapping[str, Array]) -> Writer:
    """What writes ``arrays`` to ``file``: one array as .npy or .bin, by name as .npz; "-" takes .npy."""
    kind = PurePath(file).suffix.lower()
    if kind == ".npz":
        return lambda out: _write_npz(out, arrays)
    (array,) = arrays.values()
    if kind == ".bin":
        return lambda out: out.write(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
    return lambda out: _write_npy(out, array)


def _write_npy(out: IO[bytes], array: Array) -> None:
    little = np.asarray(array.astype(array.dtype.newbyteorder("<"), copy=False), order="C")
    np.lib.format.write_array(out, little, allow_pickle=False)


def _write_npz(out: BinaryIO, arrays: Mapping[str, Array]) -> None:
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                _write_npy(member, array)
