"""lpuasm run: files to files, the check's verdict, and every way in which files are wrong."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lpuasm.files
import lpuasm.vm.run

RUN = ("run", "kernel.s", "-i", "A=A.npy")


def test_a_run_writes_and_reports(lpu: Any, add: Path) -> None:
    said = lpu(*RUN, "-o", "B=out.npy", "--check", "B=B.npy")
    assert said.status == 0 and said.out == b""
    assert np.array_equal(np.load("out.npy"), np.load("B.npy"))
    made, cycles, verdict = said.err.splitlines()
    assert made == "B: i8 [4, 32] -> 'out.npy'" and verdict == "B: equals 'B.npy' (128 elements)"
    assert re.fullmatch(r"17 cycles, 18\.89 ns at 900 MHz \((fast|reference) engine\)", cycles)


def test_the_same_as_json(lpu: Any, add: Path) -> None:
    document = lpu(*RUN, "-o", "out.npy", "--check", "B.npy", "--json").json
    assert document["cycles"] == 17 and document["floor"] + document["gap"] == 17
    assert document["outputs"] == {"B": {"dtype": "i8", "shape": [4, 32], "file": "out.npy"}}
    assert document["checks"]["B"]["good"] is True
    assert lpu(*RUN, "--json").json["outputs"]["B"]["file"] is None


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".bin"])
def test_every_kind_of_file_goes_in_and_out(lpu: Any, add: Path, suffix: str) -> None:
    a = np.load("A.npy")
    np.savez("A.npz", A=a)
    a.tofile("A.bin")
    assert lpu("run", "kernel.s", "-i", f"A{suffix}", "-o", f"out{suffix}").status == 0
    assert lpu(*RUN, "--check", f"out{suffix}" if suffix != ".npz" else "B=out.npz").status == 0
    if suffix == ".bin":
        assert np.fromfile("out.bin", np.int8).tolist() == (a + 1).ravel().tolist()


def test_standard_input_and_output(lpu: Any, add: Path) -> None:
    said = lpu("run", "kernel.s", "-i", "A=-", "-o", "-", stdin=Path("A.npy").read_bytes())
    assert np.array_equal(np.load(io.BytesIO(said.out)), np.load("B.npy"))
    assert lpu("run", "-", "-i", "A.npy", "-o", "o.npy", stdin=Path("kernel.s").read_bytes()).status == 0
    assert lpu(*RUN, "-o", "-", "--json").status == 2


def test_a_difference_names_element_lane_cycle_and_instruction(lpu: Any, add: Path) -> None:
    b = np.load("B.npy")
    b[2, 5], b[3, 1] = 9, 4
    np.save("bad.npy", b)
    said = lpu(*RUN, "-o", "out.npy", "--check", "B=bad.npy")
    assert said.status == 1 and Path("out.npy").exists()
    assert "'B' differs from 'bad.npy' in 2 of 128 elements; the largest difference is 94" in said.err
    assert "first at B[2, 5], lane 5: 70, and the reference has 9" in said.err
    assert "`write s0.e -> 0x0 repeat 4` of mem.e0 wrote it last in cycle 11" in said.err
    assert "kernel.s:11" in said.err
    first = lpu(*RUN, "--check", "B=bad.npy", "--json").json["checks"]["B"]["first"]
    assert (first["index"], first["lane"], first["cycle"], first["line"]) == ([2, 5], 5, 11, 11)


@pytest.mark.parametrize("array", [np.zeros((4, 31), np.int8), np.zeros((32, 4), np.int8), np.zeros((4, 32), np.int16),
                                   np.zeros((4, 32)), np.full((4, 32), np.nan), np.array(1, np.int8),
                                   np.full((4, 32), np.inf, np.float32), np.zeros((4, 32), np.uint8)])  # fmt: skip
def test_wrong_types_and_shapes(lpu: Any, add: Path, array: np.ndarray) -> None:
    np.save("x.npy", array)
    said = lpu("run", "kernel.s", "-i", "A=x.npy", "-o", "out.npy", "--json")
    assert said.status == 1 and said.codes[0].startswith("LPU05") and not Path("out.npy").exists()


def test_fortran_order_and_big_endian_are_accepted(lpu: Any, add: Path) -> None:
    np.save("F.npy", np.asfortranarray(np.load("A.npy")))
    assert lpu("run", "kernel.s", "-i", "A=F.npy", "--check", "B.npy").status == 0
    np.save("big.npy", np.load("B.npy").astype(">i4"))
    assert lpu(*RUN, "--check", "big.npy").status == 0


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("-i", "A=nix.npy"), "LPU0901"),
        (("-i", "A=."), "LPU0901"),
        (("-i", "A=kernel.s"), "LPU0903"),
        (("-i", "A=cut.npy"), "LPU0903"),
        (("-i", "A=pickled.npy"), "LPU0903"),
        (("-i", "A=other.npz"), "LPU0904"),
        (("-i", "A=short.bin"), "LPU0905"),
        (("-i", "a=A.npy"), "LPU0906"),
        (("-i", "A.npy", "-i", "A=A.npy"), "LPU0908"),
        (("-i", "A.npy", "-o", "Q=o.npy"), "LPU0906"),
        (("-i", "A.npy", "-o", "B=o.npy", "-o", "B=p.npy"), "LPU0908"),
        (("-i", "A.npy", "-o", "nix/o.npy"), "LPU0902"),
        (("-i", "A.npy", "-o", "."), "LPU0902"),
        (("-i", "A.npy", "-o", "o.csv"), "LPU0902"),
        (("-i", "A.npy", "-o", "A.npy"), "LPU0909"),
        (("-i", "A.npy", "-o", "o.npy", "--trace", "o.npy"), "LPU0908"),
        (("-i", "A.npy", "--check", "nix.npy"), "LPU0901"),
        (("-i", "A.npy", "--check", "floats.npy"), "LPU0910"),
        (("-i", "A.npy", "--check", "cut.npy"), "LPU0903"),
        (("-i", "A.npy", "-D", "Q=1"), "LPU0211"),
        (("-i", "A.npy", "--target", "tsp1"), "LPU0214"),
        (("-i", "A.npy", "--target", "nix"), "LPU0803"),
        (("-i", "A.npy", "--target", "nix.toml"), "LPU0803"),
        ((), "LPU0551"),
    ],
    ids=str,
)
def test_what_is_wrong_with_files_is_said(lpu: Any, add: Path, args: tuple[str, ...], code: str) -> None:
    Path("cut.npy").write_bytes(Path("A.npy").read_bytes()[:-7])
    Path("short.bin").write_bytes(b"123")
    np.savez("other.npz", a=np.zeros(3))
    np.save("pickled.npy", np.array([{}]), allow_pickle=True)
    np.save("floats.npy", np.zeros((4, 32), np.float32))
    before = {p: p.read_bytes() for p in Path().iterdir()}
    said = lpu("run", "kernel.s", *args, "--json")
    assert said.status == 1 and said.codes[0] == code
    assert {p: p.read_bytes() for p in Path().iterdir()} == before
    said = lpu("run", "kernel.s", *args)
    assert said.status == 1 and f"error[{code}]" in said.err and said.out == b""


def test_a_name_is_guessed(lpu: Any, add: Path) -> None:
    assert "did you mean `A`?" in lpu("run", "kernel.s", "-i", "a=A.npy").err


def test_names_and_equal_signs(lpu: Any, add: Path) -> None:
    Path("x=1.npy").write_bytes(Path("A.npy").read_bytes())
    assert lpu("run", "kernel.s", "-i", "A=x=1.npy").status == 0
    assert lpu("run", "kernel.s", "-i", "./x=1.npy").status == 0
    assert lpu("run", "kernel.s", "-i", "x=1.npy", "--json").codes == ["LPU0906"]


def test_a_full_disk_leaves_no_output(lpu: Any, add: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: Any, content: Any) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(lpuasm.files, "_fill", full)
    said = lpu(*RUN, "-o", "out.npy", "--json")
    assert said.status == 1 and said.codes == ["LPU0902"] and not list(Path().glob("*out*"))


def test_an_interrupt_ends_a_run_quietly(lpu: Any, add: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(lpuasm.vm.run, "run", interrupted)
    said = lpu(*RUN, "-o", "out.npy", "--json")
    assert said.status == 130 and said.codes == ["LPU0991"] and not Path("out.npy").exists()


def test_a_fault_of_ours_is_said_so(lpu: Any, add: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(lpuasm.vm.run, "run", broken)
    said = lpu(*RUN, "--json")
    assert said.status == 70 and said.codes == ["LPU0999"]
    said = lpu(*RUN)
    assert said.status == 70 and "please report it" in said.err and "Traceback" not in said.err
    monkeypatch.setenv("LPUASM_DEBUG", "1")
    assert "Traceback" in lpu(*RUN).err


def test_a_fault_of_the_program_points_into_its_source(lpu: Any, add: Path) -> None:
    assert lpu("build", "kernel.s").status == 0
    Path("kernel.s").write_text(Path("kernel.s").read_text())
    assert lpu("run", "kernel.lpu", "-i", "A.npy", "--check", "B.npy").status == 0


def test_a_trace_is_written(lpu: Any, add: Path) -> None:
    assert lpu(*RUN, "--trace", "t.pftrace", "--json").json["trace"] == "t.pftrace"
    assert Path("t.pftrace").stat().st_size > 100


def test_progress_only_on_a_terminal(lpu: Any, add: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def run(*args: Any, progress: Any = None, **kwargs: Any) -> Any:
        seen.append(progress)
        return original(*args, progress=progress, **kwargs)

    original = lpuasm.vm.run.run
    monkeypatch.setattr(lpuasm.vm.run, "run", run)
    lpu(*RUN)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    lpu(*RUN)
    assert seen[0] is None and seen[1] is not None


def test_an_engine_that_is_not_there_is_said(lpu: Any, add: Path) -> None:
    assert lpu(*RUN, "--engine", "reference").status == 0
    said = lpu(*RUN, "--engine", "fast", "--json")
    assert said.status in (0, 1) and said.codes == ([] if said.status == 0 else ["LPU0555"])


def scalar(lpu: Any) -> None:
    """matmul.s, the product of two matrices, with A.npy, B.npy, C.npy."""
    Path("matmul.s").write_text(MATMUL)
    rng = np.random.default_rng(0)
    a, b = (rng.integers(-9, 9, (5, 5)).astype(np.int32) for _ in "AB")
    for name, array in (("A", a), ("B", b), ("C", a @ b)):
        np.save(f"{name}.npy", array)


MATMUL = """\
    ld r0, [n]
    mov r1, 0
i:  mov r2, 0
j:  mov r3, 0
    mov r4, 0
k:  ld r5, [A + r1 * n + r3]
    ld r6, [B + r3 * n + r2]
    mul r5, r5, r6
    add r4, r4, r5
    add r3, r3, 1
    cmp r3, r0
    jlt k
    st [C + r1 * n + r2], r4
    add r2, r2, 1
    cmp r2, r0
    jlt j
    add r1, r1, 1
    cmp r1, r0
    jlt i
"""
SCALAR = ("run", "matmul.s", "-i", "A=A.npy", "-i", "B=B.npy")


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_scalar_code_runs_from_files(lpu: Any, engine: str) -> None:
    scalar(lpu)
    said = lpu(*SCALAR, "-o", "out.npy", "--check", "C.npy", "--engine", engine, "--json")
    assert said.status == 0 and said.json["engine"] == engine and said.json["cycles"] > 0
    assert np.array_equal(np.load("out.npy"), np.load("C.npy"))
    assert lpu(*SCALAR, "-D", "n=5", "--check", "C.npy").status == 0


def test_scalar_code_from_an_object_file(lpu: Any) -> None:
    scalar(lpu)
    assert lpu("build", "matmul.s").status == 0
    assert lpu("run", "matmul.lpu", *SCALAR[2:], "-D", "n=5", "--check", "C.npy").status == 0
    assert lpu("run", "matmul.lpu", *SCALAR[2:], "-D", "n=4", "--json").status == 1


def test_a_difference_in_scalar_code_names_the_store(lpu: Any) -> None:
    scalar(lpu)
    c = np.load("C.npy")
    c[1, 2] += 5
    np.save("bad.npy", c)
    said = lpu(*SCALAR, "--check", "bad.npy")
    assert said.status == 1 and "first at C[1, 2]:" in said.err
    assert "`st [C + r1 * n + r2], r4` of seq wrote it last" in said.err and "matmul.s:13" in said.err


@pytest.mark.parametrize(("args", "code"), [(("--trace", "t"), "LPU0912"), (("-i", "a=A.npy"), "LPU0906"),
                                            (("-i", "A.npy"), "LPU0907"), (("--check", "short.npy"), "LPU0910"),
                                            (("-D", "n=4"), "LPU1011")])  # fmt: skip
def test_what_is_wrong_with_scalar_runs(lpu: Any, args: tuple[str, ...], code: str) -> None:
    scalar(lpu)
    np.save("short.npy", np.zeros((2, 5), np.int32))
    said = lpu(*SCALAR, *args, "--json")
    assert said.status == 1 and set(said.codes) == {code}
