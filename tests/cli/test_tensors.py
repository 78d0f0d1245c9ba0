"""Tensors in files: what is accepted, and the diagnostic of everything else."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpuasm.files import FileError
from lpuasm.tensors import DTYPES, encode, parse


def npy(array: object, version: tuple[int, int] | None = None) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array(out, np.asarray(array), version=version)
    return out.getvalue()


def code(octets: bytes, file: str = "a.npy", name: str = "A", **declared: object) -> str:
    with pytest.raises(FileError) as caught:
        parse(octets, file, name, **declared)  # type: ignore[arg-type]
    return caught.value.code


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0), (2, 3), (2, 3, 4)])
@pytest.mark.parametrize("suffix", [".npy", ".npz", ".bin"])
def test_what_is_written_is_read(dtype: np.dtype, shape: tuple[int, ...], suffix: str) -> None:
    array = np.random.default_rng(1).integers(0, 100, shape).astype(dtype)
    out = io.BytesIO()
    encode(f"a{suffix}", {"A": array})(out)
    kind = next(k for k, v in DTYPES.items() if v == dtype)
    back = parse(out.getvalue(), f"a{suffix}", "A", kind, shape)
    assert back.dtype == dtype and back.shape == shape and back.flags.c_contiguous
    assert np.array_equal(back, array)


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_numpy_reads_what_is_written(tmp_path: Path, suffix: str) -> None:
    file, array = tmp_path / f"a{suffix}", np.arange(6, dtype=np.int16).reshape(2, 3)
    with file.open("wb") as out:
        encode(str(file), {"A": array})(out)
    loaded = np.load(file)
    assert np.array_equal(loaded if suffix == ".npy" else loaded["A"], array)


def test_several_arrays_in_one_npz() -> None:
    out = io.BytesIO()
    encode("o.npz", {"file": np.zeros(2, np.int8), "B": np.ones(3, np.int8)})(out)
    assert set(np.load(io.BytesIO(out.getvalue()))) == {"file", "B"}


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("array", [np.asfortranarray(np.arange(6.0, dtype=np.float32).reshape(2, 3)),
                                   np.arange(6, dtype=">i4").reshape(2, 3), np.array(7, ">i2"),
                                   np.array([np.nan, np.inf, -np.inf, -0.0], np.float16)])  # fmt: skip
def test_order_of_elements_and_bytes_is_normalised(array: np.ndarray, version: tuple[int, int]) -> None:
    back = parse(npy(array, version), "a.npy", "A")
    assert back.dtype.isnative and back.flags.c_contiguous and back.shape == array.shape
    assert np.array_equal(back, array, equal_nan=array.dtype.kind == "f")


def test_every_truncation_of_an_npy_is_refused() -> None:
    octets = npy(np.arange(10, dtype=np.int32))
    assert {code(octets[:n]) for n in range(len(octets))} == {"LPU0903"}
    assert code(octets + b"\0") == "LPU0903"


def test_every_truncation_of_an_npz_is_refused() -> None:
    out = io.BytesIO()
    np.savez(out, A=np.arange(4))
    octets = out.getvalue()
    assert {code(octets[:n], "a.npz") for n in range(len(octets))} == {"LPU0903"}


@given(st.binary(max_size=40))
def test_random_bytes_after_the_magic_are_refused(junk: bytes) -> None:
    assert code(b"\x93NUMPY" + junk) == "LPU0903"
    assert code(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(junk)) + junk) == "LPU0903"


@given(st.data())
def test_flipped_bits_give_an_array_or_one_diagnostic(data: st.DataObject) -> None:
    octets = bytearray(npy(np.arange(8, dtype=np.int16).reshape(2, 4)))
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        parse(bytes(octets), "a.npy", "A")
    except FileError as e:
        assert e.code == "LPU0903"


def test_a_header_that_claims_more_than_the_file_holds() -> None:
    octets = npy(np.zeros(8, np.int8))
    large = octets.replace(b"(8,), }" + b" " * 9, b"(8" + b"0" * 9 + b",), }")
    assert len(large) == len(octets) and large != octets
    assert code(large) == "LPU0903"


def test_pickled_objects_are_never_loaded() -> None:
    out = io.BytesIO()
    np.save(out, np.array([{}, 1], dtype=object), allow_pickle=True)
    with pytest.raises(FileError, match="pickled objects, which are never loaded"):
        parse(out.getvalue(), "a.npy", "A")


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([b"a"]), np.zeros(2, [("x", "i4")]),
                                   np.array(["2020"], "M8[D]")])  # fmt: skip
def test_what_is_not_numbers(array: np.ndarray) -> None:
    assert code(npy(array)) == "LPU0903"


def test_an_npz_without_the_key_says_what_it_holds() -> None:
    out = io.BytesIO()
    np.savez(out, a=np.zeros(1), b=np.zeros(1))
    with pytest.raises(FileError, match="LPU0904") as caught:
        parse(out.getvalue(), "a.npz", "A")
    assert "'a', 'b'" in caught.value.diagnostics[0].help


def test_an_npz_member_that_is_no_array() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("A.npy", b"hello")
    assert code(out.getvalue(), "a.npz") == "LPU0903"


def test_raw_files_need_a_type_a_shape_and_their_size() -> None:
    assert parse(b"\1\0\2\0", "a.bin", "A", "i16", (2,)).tolist() == [1, 2]
    assert code(b"\1\0\2", "a.bin", dtype="i16", shape=(2,)) == "LPU0905"
    assert code(b"\1\0\2\0", "a.bin") == "LPU0905"


def test_the_suffix_tells_the_kind_and_the_content_where_there_is_none() -> None:
    octets = npy(np.arange(3))
    assert parse(octets, "A", "A").tolist() == parse(octets, "-", "A").tolist() == [0, 1, 2]
    assert code(octets, "a.npz") == code(b"1,2,3", "a.csv") == "LPU0903"
