"""The fast engine gives the same bits whatever the BLAS, its threads and numpy's choice of instructions are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from test_portable import FEATURES

HERE = Path(__file__).parent
SCRIPT = f"""
import hashlib, sys
from pathlib import Path
sys.path.insert(0, {str(HERE)!r})
import numpy as np
from programs import random_inputs, random_program
from lpuasm.asm.build import assemble
from lpuasm.isa.errors import Fault
from lpuasm.vm.fast import run_fast

digest = hashlib.sha256()
text = Path({str(HERE.parent / "examples" / "07_matmul_tiled.s")!r}).read_text("utf-8")
made = assemble(text, "matmul.s", defines={{"M": 70, "K": 1000, "N": 330}})
rng = np.random.default_rng(0)
given = {{"A": rng.integers(-128, 128, (70, 1000), np.int8), "W": rng.integers(-128, 128, (330, 1000), np.int8)}}
digest.update(run_fast(made, given)["C"].tobytes())
for target, seeds in (("mini", range(60)), ("tsp1", range(6))):
    for seed in seeds:
        made = random_program(target, seed)
        if made is not None:
            try:
                for name, value in run_fast(made, random_inputs(made, seed)).outputs.items():
                    digest.update(value.tobytes())
            except Fault as fault:
                digest.update(str(fault).encode())
print(digest.hexdigest())
"""


def run(script: str, setting: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OPENBLAS_", "NPY_", "OMP_"))}
    name, value = setting.split("=")
    given = clean | {"OPENBLAS_NUM_THREADS": "1", name: value}
    return subprocess.run([sys.executable, "-c", script], env=given, capture_output=True, text=True)


@pytest.fixture(scope="module")
def expected() -> str:
    done = run(SCRIPT, "OPENBLAS_NUM_THREADS=1")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "setting",
    [
        "OPENBLAS_NUM_THREADS=2",
        "OPENBLAS_CORETYPE=Prescott",
        "OPENBLAS_CORETYPE=Haswell",
        "NPY_DISABLE_CPU_FEATURES=all",
    ],
)
def test_bits_do_not_depend_on(setting: str, expected: str) -> None:
    if setting.endswith("=all"):
        setting = setting.replace("all", run(FEATURES, "OPENBLAS_NUM_THREADS=1").stdout.strip())
    done = run(SCRIPT, setting)
    if done.returncode == -signal.SIGILL:
        pytest.skip(f"this CPU cannot run {setting}")
    assert done.returncode == 0, done.stderr
    assert done.stdout == expected
