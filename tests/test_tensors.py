"""Declarations to layouts: slices, addresses, tiles, constants."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpuasm.asm.allocate import pieces
from lpuasm.asm.build import assemble
from lpuasm.isa.errors import AssemblyError
from lpuasm.isa.layout import Layout
from lpuasm.isa.program import Tensor
from lpuasm.isa.target import load_target

MINI = load_target("mini")


def declared(*lines: str, name: str = "<text>") -> tuple[Tensor, ...]:
    return assemble("\n".join((".target mini", *lines)), name).tensors


def layout(line: str) -> Layout:
    (tensor,) = declared(line)
    assert tensor.layout is not None
    return tensor.layout


def test_slices_in_the_order_of_the_text() -> None:
    wanted = ["mem.e2", "mem.e1", "mem.w0", "mem.w3", "mem.w4", "mem.w5", "mem.w6", "mem.e7"]
    found = layout(".input A : i32 [4, 16] at mem.e[2..1] mem.w0, mem.w[3..6] mem.e7").slices
    assert [MINI.queues[s].name for s in found] == wanted


def test_tiles_and_runs() -> None:
    found = layout(".temp A : f16 [7, 40] at mem.w[0..1] tile 4x32 banks run 2 address 8")
    assert (found.tile_rows, found.tile_columns, found.run, found.address, found.tiles) == (4, 32, 2, 8, (2, 2))
    assert found.depth == 16 and pieces(found) == [(8, 16), (264, 272)]
    assert layout(".temp A : i8 [7, 40] at mem.w0").tiles == (1, 2)


def test_a_bank_counts_addresses_from_its_start() -> None:
    assert layout(".temp A : i8 [7, 4] at mem.w0 bank 1").address == 256
    assert layout(".temp A : i8 [7, 4] at mem.w0 bank 1 address 3").address == 259
    assert layout(".temp A : i8 [7, 4] at mem.w0 address 259").address == 259


def test_tensors_without_an_address_go_where_there_is_room() -> None:
    found = declared(
        ".temp A : i8 [10, 4] at mem.w0",
        ".temp B : i8 [6, 4] at mem.w0 address 4",
        ".temp C : i16 [20, 4] at mem.w[0..1]",
        ".temp D : i8 [4, 4] at mem.w0",
        ".temp E : i8 [5, 4] at mem.w1",
    )
    assert [t.layout.address for t in found if t.layout] == [10, 4, 20, 0, 0]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["at mem.w0", "at mem.w1", "at mem.w[0..1]", "at mem.w0 banks run 3", "at mem.w0 bank 1"]),
            st.integers(0, 30),
            st.none() | st.integers(0, 200),
        ),
        max_size=6,
    )
)
def test_no_two_tensors_share_a_word(wanted: list[tuple[str, int, int | None]]) -> None:
    lines = [
        f".temp T{k} : i8 [{rows}, 4] {where}" + (f" address {address}" if address is not None else "")
        for k, (where, rows, address) in enumerate(wanted)
    ]
    try:
        found = declared(*lines)
    except AssemblyError as e:
        assert {d.code for d in e.diagnostics} <= {"LPU0506", "LPU0507"}
        return
    used: set[tuple[int, int]] = set()
    for tensor in found:
        own = tensor.layout
        assert own is not None
        words = {(s, int(a)) for s in own.slices for a in own.word_address(np.arange(own.depth))}
        assert not words & used and all(a < MINI.words for _, a in words)
        covered = {(s, a) for s in own.slices for first, end in pieces(own) for a in range(first, end)}
        assert words == covered
        used |= words


@pytest.mark.parametrize(
    ("dtype", "values", "meant"),
    [
        ("i8", "1, -1, 0xff, 127", [1, -1, -1, 127]),
        ("u8", "1, 255, 0, 7", [1, 255, 0, 7]),
        ("i16", "1, -32768, 0, 7", [1, -32768, 0, 7]),
        ("i32", "1, -1, 1 << 31, 7", [1, -1, -(1 << 31), 7]),
        ("f16", "1, 1.5, -inf, 65504.0", [1, 1.5, -np.inf, 65504]),
        ("f32", "1, 0.1, nan, -0.0", [1, np.float32(0.1), np.nan, -0.0]),
    ],
)
def test_values_of_constants(dtype: str, values: str, meant: list[float]) -> None:
    kinds = {"i8": "i1", "u8": "u1", "i16": "<i2", "i32": "<i4", "f16": "<f2", "f32": "<f4"}
    (tensor,) = declared(f".const K : {dtype} [2, 2] at mem.w[0..3] = {values}")
    assert tensor.data == np.array(meant, kinds[dtype]).tobytes()


def test_values_from_a_file(tmp_path: Path) -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.save(tmp_path / "k.npy", array)
    np.save(tmp_path / "big.npy", array.astype(">f4"))
    np.save(tmp_path / "fortran.npy", np.asfortranarray(array))
    for file in ("k.npy", "big.npy", "fortran.npy"):
        line = f'.const K : f32 [2, 3] at mem.w[0..3] = "{file}"'
        assert declared(line, name=str(tmp_path / "k.s"))[0].data == array.tobytes()
    (tmp_path / "text.npy").write_text("hello")
    (tmp_path / "cut.npy").write_bytes((tmp_path / "k.npy").read_bytes()[:-1])
    np.save(tmp_path / "objects.npy", np.array([{}], object), allow_pickle=True)
    np.savez(tmp_path / "several.npy", a=array)
    header = (tmp_path / "k.npy").read_bytes().replace(b"(2, 3)", b"(9999999999, 9999999999)")
    (tmp_path / "huge.npy").write_bytes(header)
    for file in ("text.npy", "cut.npy", "objects.npy", "huge.npy", "none.npy", "several.npy.npz", "."):
        with pytest.raises(AssemblyError) as caught:
            declared(f'.const K : f32 [2, 3] at mem.w[0..3] = "{file}"', name=str(tmp_path / "k.s"))
        assert caught.value.code == "LPU0509"
    for shape in ("[3, 2]", "[6]"):
        with pytest.raises(AssemblyError):
            declared(f'.const K : f32 {shape} at mem.w[0..3] = "k.npy"', name=str(tmp_path / "k.s"))
    with pytest.raises(AssemblyError):
        declared('.const K : i32 [2, 3] at mem.w[0..3] = "k.npy"', name=str(tmp_path / "k.s"))


def test_sizes_of_zero() -> None:
    assert layout(".temp A : i8 [0, 4] at mem.w0").depth == 0
    assert layout(".temp A : i8 [4, 0] at mem.w0").depth == 0
    assert layout(".temp A : i8 [] at mem.w0").depth == 1


@pytest.mark.parametrize(
    "dims",
    [
        "1 << 40, 1 << 40",
        "0x7fff_ffff_ffff_ffff",
        ", ".join(["1000000"] * 20),
        "0, 0x7fff_ffff_ffff_ffff, 0x7fff_ffff_ffff_ffff",
    ],
)
def test_sizes_beyond_all_memory(dims: str) -> None:
    with pytest.raises(AssemblyError) as caught:
        declared(f".temp A : i8 [{dims}] at mem.w0")
    assert caught.value.code == "LPU0506"


def test_addresses_of_rows() -> None:
    program = assemble(
        "\n".join(
            [
                ".target mini",
                ".temp A : i8 [2, 4, 40] at mem.w[0..1] address 16",
                ".unit mem.w0",
                "0: read A -> s0.e",
                "1: read A[0, 2] -> s0.e",
                "2: read A[1, 0, 32:] -> s0.e",
                ".unit mem.w1",
                "0: read A[1, 3, 0:+32] -> s1.e",
            ]
        )
    )
    first, second = program.queues["mem.w0"], program.queues["mem.w1"]
    assert [int(w) >> 8 & 0x1FFF for w in first[:, 0]] == [16, 17, 22] and int(second[0, 0]) >> 8 & 0x1FFF == 19


def test_an_empty_tensor_with_a_tile_is_told_as_empty() -> None:
    with pytest.raises(AssemblyError) as caught:
        assemble(
            ".target mini\n.param M = 0\n.input A : i8 [M, 32] at mem.w0 tile M x 32\nflow f:\n  nop 1\n", "empty.s"
        )
    first = caught.value.diagnostics[0]
    assert first.code == "LPU0505" and "it is empty, [0, 32]" in first.message and "max(rows, 1)" in first.help
