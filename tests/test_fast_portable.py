"""The fast engine gives the same bits whatever the BLAS, its threads and numpy's choice of instructions are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_portable import FEATURES

from lpuasm import stdlib
from lpuasm.isa.objectfile import to_bytes

HERE = Path(__file__).parent
SCRIPT = f"""
import hashlib, sys
from pathlib import Path
sys.path.insert(0, {str(HERE)!r})
import numpy as np
from programs import random_inputs, random_program
from lpuasm.isa.errors import Fault
from lpuasm.isa.objectfile import from_bytes
from lpuasm.vm.fast import run_fast

digest = hashlib.sha256()
for path in sorted(Path(sys.argv[1]).glob("*.lpu")):
    with np.load(path.with_suffix(".npz")) as given:
        for name, value in run_fast(from_bytes(path.read_bytes()), dict(given)).outputs.items():
            digest.update(value.tobytes())
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


RANDOM = np.random.default_rng(0)
BYTES = RANDOM.integers(-128, 128, (70, 1000), np.int8)
HALVES = RANDOM.standard_normal((70, 1000)).astype(np.float16)
HEADS = RANDOM.standard_normal((2, 40, 64)).astype(np.float16)
#: What goes through every unit: both planes and both types, the VXM's functions, the switch unit.
CALLS: dict[str, tuple[Any, ...]] = {
    "matmul i8": (stdlib.matmul, BYTES, BYTES.T),
    "matmul f16": (stdlib.matmul, HALVES, HALVES.T),
    "attention": (stdlib.attention, HEADS, HEADS[:, ::-1], HEADS * np.float16(3)),
    "gelu": (stdlib.gelu, HALVES),
    "silu": (stdlib.silu, HALVES.astype(np.float32) * np.float32(20)),
}


def run(script: str, setting: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OPENBLAS_", "NPY_", "OMP_"))}
    name, value = setting.split("=")
    given = clean | {"OPENBLAS_NUM_THREADS": "1", name: value}
    return subprocess.run([sys.executable, "-c", script, *arguments], env=given, capture_output=True, text=True)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder of programs and their inputs."""
    folder = tmp_path_factory.mktemp("programs")
    for name, (kernel, *operands) in CALLS.items():
        call = kernel.prepare(*operands)
        made = kernel.program(dtype=call.dtype, **call.dims)
        (folder / f"{name}.lpu").write_bytes(to_bytes(made))
        np.savez(folder / f"{name}.npz", **call.inputs(made))
    return str(folder)


@pytest.fixture(scope="module")
def expected(programs: str) -> str:
    done = run(SCRIPT, "OPENBLAS_NUM_THREADS=1", programs)
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
def test_bits_do_not_depend_on(setting: str, programs: str, expected: str) -> None:
    if setting.endswith("=all"):
        setting = setting.replace("all", run(FEATURES, "OPENBLAS_NUM_THREADS=1").stdout.strip())
    done = run(SCRIPT, setting, programs)
    if done.returncode == -signal.SIGILL:
        pytest.skip(f"this CPU cannot run {setting}")
    assert done.returncode == 0, done.stderr
    assert done.stdout == expected
