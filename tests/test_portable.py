"""The same bits whatever the BLAS, its threads and numpy's choice of instructions are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

SCRIPT = """
import hashlib
import numpy as np
from lpuasm.isa.dot import dot_f16, dot_i8
from lpuasm.isa.numeric import FUNCTIONS

digest = hashlib.sha256()
patterns = np.frombuffer(hashlib.shake_128(b"lanes").digest(160_000), "<u4")
a, b = patterns.view(np.float32), patterns[::-1].copy().view(np.float32)
near = (patterns * (24 / 2**32) - 12).astype(np.float32)
for name in ("exp", "tanh", "rsqrt", "neg", "relu"):
    for x in (a, near):
        digest.update(FUNCTIONS[name](x).tobytes())
for name in ("add", "sub", "mul", "maximum", "minimum", "add_sat", "mul_sat", "shr", "shl", "lt"):
    for dtype in ("f4", "f2", "i4", "i2", "i1", "u1"):
        if name in ("shr", "shl") and dtype[0] == "f":
            continue
        digest.update(FUNCTIONS[name](a.view(dtype), b.view(dtype)).tobytes())
for name in ("u8", "i8", "i16", "i32", "f16", "f32"):
    for source in ("f4", "f2", "i4", "i2", "i1", "u1"):
        digest.update(FUNCTIONS["cast"](a.view(source), name).tobytes())
        digest.update(FUNCTIONS["cast_sat"](a.view(source), name).tobytes())
halves = a.view(np.float16).reshape(500, 160)
digest.update(dot_f16(halves, halves[:100]).tobytes())
ordinary = near.astype(np.float16).reshape(125, 320)
digest.update(dot_f16(np.vstack([ordinary] * 4), ordinary).tobytes())
finite = np.where(np.isfinite(halves), halves, np.float16(1))
digest.update(dot_f16(finite, finite[:300]).tobytes())
bytes_ = patterns.view(np.int8).reshape(500, 320)
digest.update(dot_i8(bytes_, bytes_).tobytes())
print(digest.hexdigest())
"""

EXPECTED = "876cdf3db0fa19dda41afc32d4f2678b0668681830d92d9fb7a5e692724fa875"
"""What the script prints on any machine; it changes only when a function is meant to give other bits."""

FEATURES = """
try:
    from numpy._core._multiarray_umath import __cpu_dispatch__
except ImportError:
    from numpy.core._multiarray_umath import __cpu_dispatch__
print(*__cpu_dispatch__)
"""


def run(script: str, settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OPENBLAS_", "NPY_", "OMP_"))}
    return subprocess.run([sys.executable, "-c", script], env=clean | settings, capture_output=True, text=True)


@pytest.mark.parametrize(
    "setting",
    [
        "OPENBLAS_NUM_THREADS=1",
        "OPENBLAS_NUM_THREADS=2",
        "OPENBLAS_CORETYPE=Prescott",
        "OPENBLAS_CORETYPE=Haswell",
        "OPENBLAS_CORETYPE=SkylakeX",
        "NPY_DISABLE_CPU_FEATURES=all",
    ],
)
def test_bits_do_not_depend_on(setting: str) -> None:
    name, value = setting.split("=")
    if value == "all":
        value = run(FEATURES, {}).stdout.strip()
    done = run(SCRIPT, {"OPENBLAS_NUM_THREADS": "1"} | {name: value})
    if done.returncode == -signal.SIGILL:
        pytest.skip(f"this CPU cannot run {value}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == EXPECTED
