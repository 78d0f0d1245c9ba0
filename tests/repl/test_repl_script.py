"""`lpuasm repl < script` and `lpuasm debug`: answers, exit status, no prompts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

SCRIPT = """\
.target mini
.param M = 8
.input A : i8 [M, 32] at mem.w0
.output B : i8 [M, 32] at mem.e0
flow copy:
    read  A -> s0.e
    write s0.e -> B
A = integers(-5, 5)
run
check B = A

; a comment
flow copy:
    read  A -> s0.e
    add   s0.e, 1 -> s4.e
    write s4.e -> B

param M = 4
run
check B = A + 1
what-if flow copy + 3
break B > 4
run
where B[0, 3]
streams
delete 1
continue
why B[3, 7]
who wrote mem.e0[3]
list
explain
"""

WRONG = """\
flow copy:
    reed  A -> s0.e

frobnicate
A = foo(3)
.target mini
delete copy
"""


def lpuasm(*args: str, script: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lpuasm", *args]
    return subprocess.run(command, input=script, capture_output=True, text=True, cwd=cwd, timeout=60)


def test_a_script_says_what_it_always_said(tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    done = lpuasm("repl", script=SCRIPT, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    golden("repl/script.txt", done.stdout)


def test_what_is_wrong_is_said_and_is_status_1(tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    done = lpuasm("repl", script=WRONG, cwd=tmp_path)
    assert done.returncode == 1 and "lpu>" not in done.stdout
    golden("repl/wrong.txt", done.stderr)


def test_quit_ends_a_script(tmp_path: Path) -> None:
    assert lpuasm("repl", script="seed 3\nquit\nfrobnicate\n", cwd=tmp_path).returncode == 0


def test_a_file_and_parameters(tmp_path: Path) -> None:
    script = "X = randn\nY = randn\nrun\ncheck Z = X + Y\n"
    done = lpuasm("repl", str(EXAMPLES / "02_add.s"), "-D", "M=4", script=script, cwd=tmp_path)
    assert done.returncode == 0 and "equals" in done.stdout
    assert lpuasm("repl", "none.s", script="", cwd=tmp_path).returncode == 1


def test_debug_takes_inputs_from_files(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for name in "XY":
        np.save(tmp_path / f"{name}.npy", random.standard_normal((4, 320)).astype(np.float32))
    file = str(EXAMPLES / "02_add.s")
    done = lpuasm("debug", file, "-D", "M=4", "-i", "X=X.npy", "-i", "Y=Y.npy", script="continue\nwhy Z[1, 2]\nback\n",
                  cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0 and "add.f32" in done.stdout and "given: X[1, 0:320], Y[1, 0:320]" in done.stdout
    assert "for example X = randn, then `start`" in lpuasm("debug", file, script="", cwd=tmp_path).stdout
    for args in (["none.s"], [file, "-i", "Q=X.npy"], [file, "-i", "X=none.npy"], [file, "-i", "X=X.npy"]):
        assert lpuasm("debug", *args, script="", cwd=tmp_path).returncode == (0 if args[-1] == "X=X.npy" else 1)


@pytest.mark.parametrize("command", ["repl", "debug"])
def test_there_is_no_json(tmp_path: Path, command: str) -> None:
    done = lpuasm(command, "--json", *(["x.s"] if command == "debug" else []), script="", cwd=tmp_path)
    assert done.returncode == 2 and "LPU0990" in done.stdout
