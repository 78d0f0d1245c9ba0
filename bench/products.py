"""Matrix products and recurrences on the fast engine, against numpy and against the reference engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from measure import alternate, row
from numpy.typing import NDArray

from lpuasm.asm.build import assemble
from lpuasm.isa.objectfile import from_bytes, to_bytes
from lpuasm.isa.operands import Dim
from lpuasm.isa.program import Program
from lpuasm.stdlib import matmul
from lpuasm.vm import int8
from lpuasm.vm import plan as planning
from lpuasm.vm.fast import run_fast
from lpuasm.vm.plan import make, plan
from lpuasm.vm.run import run

SOURCE = Path(__file__).parents[1] / "examples" / "07_matmul_tiled.s"


def build(m: int, k: int, n: int) -> Program:
    """The int8 product on four planes, as read from its object file."""
    made = assemble(SOURCE.read_text("utf-8"), SOURCE.name, defines={"M": m, "K": k, "N": n})
    return from_bytes(to_bytes(made))


def fresh(program: Program) -> Program:
    """The same program, of which nothing has been worked out yet."""
    return Program(
        program.target, program.queues, program.tensors, program.symbols, program.names, program.defines, program.files,
        program.flows, program.places, program.intent,
    )  # fmt: skip


def plain(a: NDArray[np.int8], w: NDArray[np.int8]) -> NDArray[np.int32]:
    """The same product in numpy, exact: float32 products of at most 1024 terms, added as integers."""
    goes = -(-a.shape[1] // 1024)
    per = -(-a.shape[1] // goes)
    out: NDArray[np.int32] | None = None
    for k in range(0, a.shape[1], per):
        part = a[:, k : k + per].astype(np.float32) @ w[:, k : k + per].astype(np.float32).T
        done = part.astype(np.int32)
        out = done if out is None else out + done
    assert out is not None
    return out


def arrays(m: int, k: int, n: int) -> dict[str, NDArray[np.int8]]:
    random = np.random.default_rng(0)
    return {"A": random.integers(-128, 128, (m, k), np.int8), "W": random.integers(-128, 128, (n, k), np.int8)}


def cold(program: Program, given: Mapping[str, NDArray[Any]]) -> Callable[[], object]:
    def once() -> object:
        planning.forget()
        return run_fast(fresh(program), given)

    return once


def product(m: int, k: int, n: int, goals: bool = False) -> None:
    """Cold and warm runs against numpy, and the reference engine; ``goals``: whether those of the table are for it."""
    program, given = build(m, k, n), arrays(m, k, n)
    assert np.array_equal(run_fast(program, given)["C"], plain(given["A"], given["W"]))
    shape = f"int8 {m}×{k}×{n}"
    first, again, base = alternate(
        cold(program, given), lambda: run_fast(program, given), lambda: plain(given["A"], given["W"])
    )
    one, two = ("1", "2") if goals else ("(a)", "(a)")
    measured = f"{first / base:.2f} × {base * 1e3:.1f} ms"
    row(one, f"{shape}, cold plan / numpy", measured, *_goal(first / base, 1.4, goals))
    row(two, f"{shape}, warm / numpy", f"{again / base:.2f}", *_goal(again / base, 1.25, goals))
    resolving, _ = alternate(cold_plan(program), lambda: None)
    share, rate = resolving / again, plan(program).events / resolving
    measured = f"{share:.2f} ({resolving * 1e3:.1f} ms)"
    row("5", f"{shape}, planning and verdict / execution", measured, *_goal(share, 0.1, goals))
    row("5", "stream events resolved", f"{rate / 1e6:.0f} M/s", *(("≥ 100 M/s", rate >= 1e8) if goals else ()))
    start = time.process_time()
    result = run(program, given, engine="reference")
    slow = time.process_time() - start
    ratio = slow / again
    row("4", f"{shape}, reference / fast, plan warm", f"{ratio:.0f} × ({slow:.1f} s)", "≥ 30", ratio >= 30)
    row("(d)", "cycles a second", f"reference {result.cycles / slow:.0f}, fast {result.cycles / again:.0f}")
    by_bytes(shape, program, given, goals)


def by_bytes(shape: str, program: Program, given: dict[str, NDArray[np.int8]], goals: bool) -> None:
    """The same with the int8 back end, and the back end by itself, where it is installed and exact."""
    peer = int8.load()
    if peer is None:
        row("3", f"{shape}, with onnxruntime", "not installed, or not exact on this CPU")
        return
    a, w = given["A"], given["W"]
    columns, out = np.ascontiguousarray(w.T), np.empty((len(a), len(w)), np.int32)

    def alone() -> NDArray[np.int32]:
        peer.multiply(a.view(np.uint8) ^ np.uint8(int8.OFFSET), columns, out)
        return out

    int8.use("onnxruntime")
    assert np.array_equal(run_fast(program, given)["C"], alone())
    again, first, naked, base = alternate(
        lambda: run_fast(program, given), cold(program, given), alone, lambda: plain(a, w)
    )
    int8.use("numpy")
    row("3", f"{shape}, warm, onnxruntime / numpy", f"{again / base:.2f}", *_goal(again / base, 0.5, goals))
    row("3", f"{shape}, cold plan, onnxruntime / numpy", f"{first / base:.2f}")
    row("(a)", f"{shape}, onnxruntime by itself / numpy", f"{naked / base:.2f}")


def cold_plan(program: Program) -> Callable[[], object]:
    def once() -> object:
        planning.forget()
        return plan(fresh(program))

    return once


def _goal(value: float, most: float, given: bool) -> tuple[str, bool | None]:
    return (f"≤ {most}", value <= most) if given else ("", None)


def vector(k: int, n: int) -> None:
    """One row times a matrix, everything warm, against numpy that converts the weights each time."""
    program, given = build(1, k, n), arrays(1, k, n)
    assert np.array_equal(run_fast(program, given)["C"], plain(given["A"], given["W"]))
    warm, base = alternate(lambda: run_fast(program, given), lambda: plain(given["A"], given["W"]), runs=21)
    row("7", f"int8 1×{k}×{n}, warm / numpy", f"{warm / base:.2f} × {base * 1e3:.2f} ms", "≤ 1.0", warm / base <= 1)


def recurrence(n: int) -> None:
    """A sum of i32 vectors in SRAM, each added to the last one, against one event at a time."""
    from words import program as words

    from lpuasm.isa.layout import Layout
    from lpuasm.isa.program import Tensor
    from lpuasm.isa.target import load_target

    chip = load_target("tsp1")
    # Read, six hops, add, write and one cycle more: the next read sees the sum.
    every = 13
    lines = {}
    for k in range(4):
        nest = (Dim(n, every, 1),)
        lines[f"mem.w{k}"] = [(60, "read", {"address": 0, "out": f"s{k}.e", "repeat": nest})]
        lines[f"mem.e{k}"] = [
            (60, "read", {"address": 0, "out": f"s{4 + k}.w", "repeat": nest}),
            (69, "write", {"address": 1, "data": f"s{4 + k}.e", "repeat": nest}),
        ]
    add = {"type": "i32", "a": "sg4.e[0]", "b": "sg4.w[1]", "out": "sg4.e[1]", "repeat": (Dim(n, every),)}
    lines["vxm.alu0"] = [(63, "add", add)]
    per_bank = chip.geometry.words_per_bank

    def tensor(name: str, kind: str, rows: int, side: str) -> Tensor:
        slices = tuple(chip.queue[f"mem.{side}{k}"].number for k in range(4))
        return Tensor(name, kind, Layout("i32", (rows, chip.lanes), slices, 0, rows, chip.lanes, 0, per_bank))

    made = words(chip, lines, [tensor("Y", "input", n, "w"), tensor("S", "output", n + 1, "e")])
    y = np.random.default_rng(0).integers(-1000, 1000, (n, chip.lanes)).astype(np.int32)
    assert np.array_equal(run_fast(made, {"Y": y})["S"][1:], np.cumsum(y, axis=0, dtype=np.int32))
    fast, slow = alternate(lambda: run_fast(made, {"Y": y}), lambda: run(made, {"Y": y}, engine="reference"))
    row(
        "8",
        f"{n} sums, each of the last one, reference / fast, warm",
        f"{slow / fast:.0f} × ({n / fast:.0f} sums/s)",
        "≥ 10",
        slow / fast >= 10,
    )


def planning_curve(smoke: bool) -> None:
    """Planning, verdict included, of products of growing size."""
    sizes = [(64, 320, 320), (320, 640, 640), (1024, 1280, 1280), (4096, 1024, 4096), (4096, 4800, 5120)]
    for m, k, n in sizes[:2] if smoke else sizes:
        program = from_bytes(to_bytes(matmul.program(M=m, K=k, N=n)))
        taken, _ = alternate(lambda p=program: make(fresh(p)), lambda: None)
        made = make(program)
        what = f"planning of {made.dispatches:,} dispatches in {len(program.timeline.start):,} words"
        row("(b)", what, f"{taken * 1e3:.1f} ms, {made.events / taken / 1e6:.0f} M events/s")
