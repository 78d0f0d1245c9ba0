"""Kernels of the library and the examples on the fast engine, as read from object files, against plain numpy."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from measure import alternate, row
from numpy.typing import NDArray
from products import cold, plain

from lpuasm.asm.build import assemble
from lpuasm.isa.objectfile import from_bytes, to_bytes
from lpuasm.isa.program import Program
from lpuasm.stdlib import attention, matmul
from lpuasm.stdlib.kernel import Kernel
from lpuasm.vm.fast import run_fast

Array = NDArray[Any]

PEAK = """
import sys
import numpy as np
from lpuasm.isa.objectfile import from_bytes
from lpuasm.vm.fast import run_fast
program = from_bytes(open(sys.argv[1], "rb").read())
with np.load(sys.argv[2]) as file:
    given = dict(file)
run_fast(program, given)
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def exact_f16(a: Array, b: Array) -> Array:
    """a · b as the chip sums it: 160 products exactly (float64 is not wrong on these), rounded to f32, then added."""
    out, weights = np.empty((len(a), b.shape[1]), np.float32), b.astype(np.float64)
    for first in range(0, len(a), 512):
        place, wide = out[first : first + 512], a[first : first + 512].astype(np.float64)
        for k in range(0, a.shape[1], 160):
            part = (wide[:, k : k + 160] @ weights[k : k + 160]).astype(np.float32)
            if k:
                place += part
            else:
                place[...] = part
    return out


def plain_attention(q: Array, k: Array, v: Array) -> Array:
    """Attention in float32, with numpy's exp."""
    wide = [x.astype(np.float32) for x in (q, k, v)]
    scores = np.matmul(wide[0], wide[1].transpose(0, 2, 1))
    scores *= np.float32(q.shape[2] ** -0.5)
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    return np.matmul(scores, wide[2])


def products(shapes: list[tuple[str, int, int, int]]) -> None:
    """Matrix products by the library's kernel."""
    random = np.random.default_rng(0)
    for dtype, m, k, n in shapes:
        what = f"{dtype} {m}×{k}×{n}"
        if dtype == "i8":
            a, b = random.integers(-128, 128, (m, k), np.int8), random.integers(-128, 128, (k, n), np.int8)
            kernel_row("(a)", what, matmul, (a, b), lambda a, b: plain(a, b.T))
        else:
            a, b = (random.standard_normal(shape).astype(np.float16) for shape in ((m, k), (k, n)))
            kernel_row("(a)", what, matmul, (a, b), exact_f16)


def heads(h: int, s: int, d: int, goal: float = 0.0) -> None:
    """Attention in f16 against numpy in float32."""
    random = np.random.default_rng(0)
    operands = tuple(random.standard_normal((h, s, d)).astype(np.float16) for _ in range(3))
    kernel_row("9", f"attention {h}×{s}×{d} f16", attention, operands, plain_attention, 2e-3, goal)


def kernel_row(
    number: str,
    what: str,
    kernel: Kernel,
    operands: tuple[Array, ...],
    plainly: Callable[..., Array],
    error: float = 0.0,
    goal: float = 0.0,
) -> None:
    """Cold and warm runs of a kernel's program against numpy, and its memory."""
    call = kernel.prepare(*operands)
    assert call.dims is not None
    program = from_bytes(to_bytes(kernel.program(dtype=call.dtype, **call.dims)))
    given = call.inputs(program)
    found, right = call.finish(run_fast(program, given).outputs), plainly(*operands)
    assert np.abs(found.astype(np.float64) - right).max() <= error, what
    first, again, base = alternate(cold(program, given), lambda: run_fast(program, given), lambda: plainly(*operands))
    aim = (f"≤ {goal}", again / base <= goal) if goal else ()
    row(number, f"{what}, warm / numpy", f"{again / base:.2f} × {base * 1e3:.1f} ms", *aim)
    row(number, f"{what}, cold plan / numpy", f"{first / base:.2f}")
    memory(what, program, given)


def memory(what: str, program: Program, given: Mapping[str, Array]) -> None:
    """The peak of a process that only loads and runs a program, less the SRAM that its tensors take."""
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder, "program.lpu"), Path(folder, "given.npz")
        files[0].write_bytes(to_bytes(program))
        np.savez(files[1], allow_pickle=False, **given)
        command = [sys.executable, "-c", PEAK, *map(str, files)]
        peak = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) / 1024
    layouts = [t.layout for t in program.tensors if t.layout is not None]
    touched = sum(t.vectors * t.planes for t in layouts) * program.target.lanes / (1 << 20)
    measured = f"{peak:.0f} MB, SRAM {touched:.0f} MB"
    row("(f)", f"{what}, peak memory of the process", measured, "≤ +300 MB", peak - touched <= 300)


def examples() -> None:
    """Every streaming example against numpy."""
    folder = Path(__file__).parents[1] / "examples"
    sys.path.append(str(folder))
    import examples as known

    known._product = plain  # float32 in exact parts is what numpy does best
    for example in known.EXAMPLES:
        if example.scalar:
            continue
        text = example.path.read_text("utf-8")
        program = from_bytes(to_bytes(assemble(text, example.path.name, defines=dict(example.parameters))))
        given = example.inputs(np.random.default_rng(0), example.parameters)

        def plainly(example: Any = example, given: Mapping[str, Array] = given) -> Mapping[str, Array]:
            result: Mapping[str, Array] = example.expected(given, example.parameters)
            return result

        outputs, right = run_fast(program, given).outputs, plainly()
        assert all(np.allclose(outputs[n], right[n], atol=example.tolerance, rtol=example.tolerance) for n in right)
        first, again, base = alternate(
            cold(program, given), lambda p=program, g=given: run_fast(p, g), plainly, runs=21
        )
        row(
            "(a)",
            f"{example.name}, cold / warm / numpy",
            f"{first / base:.1f} / {again / base:.2f} × {base * 1e6:.0f} µs",
        )
