"""What is loaded to assemble a short schedule: only what it needs. Times are in bench/assembler.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCHEDULE = ".target tsp1\n.unit mem.w0\n" + "".join(f"{8 * k}: read {k} -> s{k}.e\n" for k in range(8))
CODE = "import sys; from lpuasm.cli import run; run({}); print(*sys.modules)"


def loaded(*args: str) -> set[str]:
    """The modules that a command has loaded when it is done."""
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(list(args))], capture_output=True, text=True, timeout=60, check=True
    )
    return set(done.stdout.split("\n")[-2].split())


@pytest.fixture(scope="module")
def building(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder: Path = tmp_path_factory.mktemp("startup")
    source, output = folder / "ten.s", folder / "ten.lpu"
    source.write_text(SCHEDULE)
    modules = loaded("build", str(source), "-o", str(output))
    assert output.stat().st_size > 0
    return modules


@pytest.mark.parametrize(
    "name",
    ["lpuasm.isa.numeric", "lpuasm.isa.transcendental", "lpuasm.isa.dot", "lpuasm.isa.elementwise", "lpuasm.isa.manual",
     "lpuasm.asm.placing", "lpuasm.asm.place", "lpuasm.asm.scalar", "lpuasm.asm.stated", "lpuasm.asm.tensors",
     "lpuasm.asm.render", "lpuasm.asm.disasm", "lpuasm.vm", "lpuasm.repl"],
)  # fmt: skip
def test_a_build_does_not_load_our(building: set[str], name: str) -> None:
    assert not [module for module in building if f"{module}.".startswith(f"{name}.")]


@pytest.mark.parametrize(
    "name", ["jsonschema", "prompt_toolkit", "pygments", "numpy.random", "numpy.ma", "numpy.testing", "numpy.f2py",
             "hypothesis", "secrets", "asyncio", "interegular"],
)  # fmt: skip
def test_a_build_does_not_load(building: set[str], name: str) -> None:
    assert name not in building


def test_help_loads_no_numpy_and_no_lark() -> None:
    assert not loaded("--help") & {"numpy", "lark", "lpuasm.asm.build", "lpuasm.isa.program"}
