"""Host files: written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import pytest

from lpuasm.files import FileError, check_distinct, check_writable, read, write_all


def full(out: BinaryIO) -> None:
    out.write(b"half of it")
    raise OSError(28, "No space left on device")


def test_all_files_are_written(tmp_path: Path) -> None:
    write_all({str(tmp_path / "a"): b"1", str(tmp_path / "b"): lambda out: out.write(b"2")})
    assert [(p.name, p.read_bytes()) for p in sorted(tmp_path.iterdir())] == [("a", b"1"), ("b", b"2")]


def test_a_full_disk_leaves_every_file_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(FileError, match=r"LPU0902.*no space left on device"):
        write_all({str(tmp_path / "a"): b"new", str(tmp_path / "b"): full})
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a", b"old")]


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    def interrupted(out: BinaryIO) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_all({str(tmp_path / "a"): b"1", str(tmp_path / "b"): interrupted})
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_written_through_and_modes_stay(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"")
    (tmp_path / "real").chmod(0o640)
    (tmp_path / "link").symlink_to("real")
    write_all({str(tmp_path / "link"): b"x"})
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_bytes() == b"x"
    assert (tmp_path / "real").stat().st_mode & 0o777 == 0o640


def test_new_files_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_all({str(tmp_path / "a"): b""})
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_a_device_is_written_directly() -> None:
    write_all({os.devnull: b"x"})
    assert not Path(os.devnull).is_file()


@pytest.mark.parametrize(("name", "message"), [("nix", "there is no file"), (".", "is a folder"), ("a/b", "no file"),
                                               ("x\0y", "cannot read"), ("", "is a folder|no file")])  # fmt: skip
def test_what_cannot_be_read(name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileError, match=rf"LPU0901.*({message})"):
        read(name)


def test_a_missing_file_is_guessed(tmp_path: Path) -> None:
    (tmp_path / "weights.npy").touch()
    with pytest.raises(FileError) as caught:
        read(str(tmp_path / "weight.npy"))
    assert "weights.npy" in caught.value.diagnostics[0].help


@pytest.mark.parametrize("name", [".", "nix/out.npy", "x\0y"])
def test_what_cannot_be_written(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileError, match="LPU0902"):
        check_writable(name)
    with pytest.raises(FileError, match="LPU0902"):
        write_all({name: b""} if name != "." else {"nix/x": b""})


def test_outputs_are_distinct_and_no_inputs(tmp_path: Path) -> None:
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    Path(a).touch()
    check_distinct([b, "-"], [a, "-"])
    with pytest.raises(FileError, match="LPU0909"):
        check_distinct([str(tmp_path / "x" / ".." / "a") if (tmp_path / "x").exists() else f"{tmp_path}/./a"], [a])
    with pytest.raises(FileError, match="LPU0908"):
        check_distinct([b, f"{tmp_path}/./b"], [])
    with pytest.raises(FileError, match="LPU0908"):
        check_distinct([b, b], [])
