"""Text to program, and the front door."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lpuasm
from lpuasm.asm.build import assemble
from lpuasm.isa.errors import AssemblyError, LpuError
from lpuasm.isa.objectfile import from_bytes, to_bytes
from lpuasm.isa.target import load_target

ADD = """\
.target mini
.param  K = 1
.input  A : i8 [4, 32] at mem.w0
.output B : i8 [4, 32] at mem.e0
.unit mem.w0
    0: read A -> s0.e repeat 4
.unit vxm.alu0
    3: add.i8 s0.e, K -> s0.e repeat 4
.unit mem.e0
    9: write s0.e -> B repeat 4
"""


def test_the_front_door_opens_late() -> None:
    code = "import sys, lpuasm; print([m for m in sys.modules if m == 'numpy' or m.startswith('lpuasm.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_name_of_the_front_door_is_there() -> None:
    assert all(hasattr(lpuasm, name) for name in lpuasm.__all__) and dir(lpuasm) == lpuasm.__all__
    assert not hasattr(lpuasm, "nothing")


def test_build_run_save_load(tmp_path: Path) -> None:
    source = tmp_path / "add.s"
    source.write_text(ADD)
    program = lpuasm.build(source, defines={"K": 5})
    assert program.defines == {"K": 5} and program.files == ("add.s",) and program.cycles == 17
    a = np.arange(128, dtype=np.int8).reshape(4, 32)
    run = lpuasm.run(program, {"A": a})
    assert np.array_equal(run["B"], a + np.int8(5)) and run.cycles == program.cycles
    program.save(str(tmp_path / "add.lpu"))
    again = lpuasm.load(tmp_path / "add.lpu")
    assert again.digest == program.digest
    listing = lpuasm.disassemble(again)
    assert to_bytes(lpuasm.build(text=listing)) == to_bytes(program)
    assert np.array_equal(lpuasm.run(again, {"A": a})["B"], run["B"])


def test_the_same_source_gives_the_same_bytes_wherever_it_lies(tmp_path: Path) -> None:
    images = []
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "add.s").write_text('.include "rest.s"\n')
        (tmp_path / folder / "rest.s").write_text(ADD)
        images.append(to_bytes(lpuasm.build(tmp_path / folder / "add.s")))
    assert images[0] == images[1]


def test_what_is_asked_of_build() -> None:
    with pytest.raises(TypeError, match="LPU0557"):
        lpuasm.build()
    with pytest.raises(TypeError, match="LPU0557"):
        lpuasm.build("a.s", text="")
    with pytest.raises(lpuasm.FileError):
        lpuasm.build("no_such_file.s")


@pytest.mark.parametrize("function", ["run", "explain", "profile", "lint", "disassemble", "plan"])
def test_what_is_no_program_is_refused(function: str) -> None:
    with pytest.raises(lpuasm.ArgumentError, match=rf"LPU0557.*{function}\(\)(.|\n)*build\(\)"):
        getattr(lpuasm, function)("kernel.s")


def test_scalar_code_has_no_plan() -> None:
    with pytest.raises(LpuError, match="LPU1113"):
        lpuasm.plan(lpuasm.build(text="halt"))


def test_an_output_that_there_is_not() -> None:
    done = lpuasm.run(lpuasm.build(text=ADD), {"A": np.ones((4, 32), np.int8)})
    with pytest.raises(KeyError, match=r"LPU0558.*'b'(.|\n)*did you mean `B`"):
        done["b"]


def test_targets_agree() -> None:
    assert assemble("").target is load_target("tsp1")
    assert assemble("", target="mini").target is load_target("mini")
    assert assemble(".target mini\n.queue mem.w{SLICES - 1}\nnop 1").queues.keys() == {"mem.w7"}
    for target in ("tsp1", load_target("tsp1")):
        with pytest.raises(AssemblyError) as caught:
            assemble(".target mini", target=target)
        assert caught.value.code == "LPU0214"
    with pytest.raises(LpuError) as unknown:
        assemble("", target="tsp2")
    assert unknown.value.code == "LPU0803"


def test_errors_of_a_phase_are_told_together_in_the_order_of_the_text() -> None:
    with pytest.raises(AssemblyError) as caught:
        assemble(".unit mem.w0\n0: raed 0 -> s5.e\n.queue mem.w1\nabc s5.e\n.unit mem.w2\n5: read 0 -> sg4.e[0]\n")
    assert [d.code for d in caught.value.diagnostics] == ["LPU0401", "LPU0402", "LPU0407"]
    many = ".queue mem.w0\n" + "".join(f"bad{k} 1\n" for k in range(100))
    with pytest.raises(AssemblyError) as caught:
        assemble(many)
    assert len(caught.value.diagnostics) == 20


WORDS = """
.queue .unit mem.w0 mxm.e mxm.e0.lw vxm vxm.alu3 c2c sxm.e 0: 5: -1: read write lw abc.f16 add add.i8 exp transpose
distribute select nop repeat sync notify acc s5.e s5.w sg4.e[0] sg16.e[1] sg2.w[40] vxm.alu4 %d latch ? 0 3 70000 1.5 -1
nan , -> every step half low8 group keep @alu5 @c2c.1 A A[1,:] r3
"""


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*WORDS.split(), *"\n\n\n\n"]), max_size=40))
def test_any_text_is_a_program_or_diagnostics(words: list[str]) -> None:
    head = ".input A : i8 [4, 16] at mem.w0\n.queue mem.w0\n"
    try:
        program = assemble(head + " ".join(words))
    except LpuError as e:
        assert 0 < len(e.diagnostics) <= 20 and all(d.message for d in e.diagnostics)
    else:
        assert to_bytes(assemble(lpuasm.disassemble(program))) == to_bytes(program)


def test_defines_are_numbers_of_any_kind() -> None:
    text = ".param M = 1\n.param X = 0.5\n"
    program = assemble(text, defines={"M": np.int64(4), "X": np.float64(1.5)})  # type: ignore[dict-item]
    assert program.defines == {"M": 4, "X": 1.5} and to_bytes(from_bytes(to_bytes(program))) == to_bytes(program)
    for value, code in (("4", "LPU0206"), (None, "LPU0206"), (1 << 63, "LPU0203"), (np.float32(1), "LPU0206")):
        with pytest.raises(AssemblyError) as caught:
            assemble(text, defines={"M": value})  # type: ignore[dict-item]
        assert caught.value.code == code


@pytest.mark.parametrize("name", ["", "a\nb.s", "\udcff.s", "x" * 5000, "dir/with space.s", "ü.s", "<stdin>"])
def test_names_of_files_that_an_object_file_can_hold(name: str) -> None:
    for text in (".queue mem.w0\nnop 1\n", "mov r0, 1\n"):
        program = assemble(text, name)
        assert from_bytes(to_bytes(program)).files == program.files
        assert to_bytes(assemble(lpuasm.disassemble(program))) == to_bytes(program)
