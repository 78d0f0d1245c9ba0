"""What every kernel promises: cycles that only go down, formulas that hold, a page, a quick import."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import lpuasm
from lpuasm import stdlib
from lpuasm.stdlib.kernel import Kernel

TABLE = Path(__file__).parent / "cycles.toml"
ROOT = Path(__file__).parents[2]
CYCLES: dict[str, dict[str, int]] = tomllib.loads(TABLE.read_text("utf-8"))
ROWS = [(name, shape) for name, shapes in CYCLES.items() for shape in shapes]
NAMES = sorted(stdlib.KERNELS)


def kernel(name: str) -> Kernel:
    found = getattr(stdlib, name)
    assert isinstance(found, Kernel)
    return found


def dims(shape: str) -> dict[str, int | float]:
    """The numbers of a line of the table: `f16 M=2 N=3`."""
    return {key: int(value) for key, _, value in (word.partition("=") for word in shape.split()[1:])}


@pytest.mark.parametrize(("name", "shape"), ROWS)
def test_cycles_only_go_down(name: str, shape: str, request: pytest.FixtureRequest) -> None:
    dtype = shape.split()[0]
    program = kernel(name).program(dtype=dtype, **dims(shape))
    cycles = program.cycles
    assert cycles is not None
    if request.config.getoption("--update"):
        CYCLES[name][shape] = cycles
        _write()
    assert cycles <= CYCLES[name][shape], "slower than before; if that is meant, --update writes the table"
    assert cycles <= kernel(name).contract.cycles(dtype=dtype, **dims(shape))


def _write() -> None:
    lines = ["# Cycles of each kernel by type and shape. `pytest tests/stdlib --update` writes them anew."]
    for name in sorted(CYCLES):
        lines += ["", f"[{name}]", *(f'"{shape}" = {cycles}' for shape, cycles in CYCLES[name].items())]
    TABLE.write_text("\n".join(lines) + "\n", "utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_every_kernel_is_complete(name: str) -> None:
    one = kernel(name)
    assert one.name == name and one.__doc__
    assert name in CYCLES, "no line in cycles.toml"
    assert (ROOT / "docs" / "kernels" / f"{name}.md").is_file(), "no page; `python bench/kernels.py --pages` writes it"
    head = one.source.split(".target")[0]
    assert "The idea." in head and "Contract" in head


@pytest.mark.parametrize("name", NAMES)
def test_importable_from_assembly(name: str) -> None:
    program = lpuasm.build(text=f".target tsp1\n.import {name}\n", name="user.s")
    assert program.cycles and any(t.kind == "output" for t in program.tensors)


def test_programs_are_kept() -> None:
    matmul = kernel("matmul")
    assert matmul.program(M=3, K=4, N=5) is matmul.program(N=5, K=4, M=3, dtype="i8")


def test_imports_are_quick() -> None:
    code = (
        "import sys, time; t = time.process_time(); from lpuasm.stdlib import matmul;"
        "assert 'numpy' not in sys.modules and 'lark' not in sys.modules; print(time.process_time() - t)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 0.2
