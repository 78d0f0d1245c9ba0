"""How fast the assembler is, against nasm and against an interpreter that does nothing.

    python bench/assembler.py [--smoke]

Lines a second, of the whole process (cold) and of a build inside a running one (warm), at level (a), words; (b), a
schedule; (c), flows. nasm, where it is installed, assembles as many lines of x86 in eight shapes. Each round runs
everything once, in turns; figures are medians of the rounds and ratios are of one round. `--smoke` is a short run.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

from lpuasm.front import build
from lpuasm.isa.core import table
from lpuasm.isa.objectfile import to_bytes
from lpuasm.isa.target import load_target

SLICES = 44
X86 = (
    "mov rax, rbx", "add rax, {}", "mov rcx, [rsp+{}]", "lea rdx, [rax+rcx*4+{}]", "xor r8, r9", "sub r10, {}",
    "mov [rbp-{}], r11", "imul rsi, rdi",
)  # fmt: skip


def copies(lines: int) -> list[tuple[str, list[tuple[int, str]]]]:
    """Lines that copy words from 44 slices to 44 others, each at its cycle, by the queues that they stand in."""
    target = load_target("tsp1")
    latency = next(d for d in table(target) if d.mnemonic == "read").timing.func
    each = lines // (2 * SLICES)
    queues = []
    for number in range(SLICES):
        source, sink = f"mem.w{number}", f"mem.e{number}"
        drive, read = target.drive_tap(target.queue[source], "e"), target.read_tap(target.queue[sink], "e")
        assert drive is not None and read is not None
        starts = [8 * (number * each + k) for k in range(each)]
        paces = [("repeat 4", "repeat 4 every 2 step 1", "")[k % 3] for k in range(each)]
        address = [4 * k % 4096 for k in range(each)]
        reads = [f"read {a:#x} -> s{k % 32}.e {p}" for k, (a, p) in enumerate(zip(address, paces, strict=True))]
        writes = [f"write s{k % 32}.e -> {4096 + a} {p}" for k, (a, p) in enumerate(zip(address, paces, strict=True))]
        queues.append((source, list(zip(starts, reads, strict=True))))
        queues.append((sink, [(s + latency + read - drive, w) for s, w in zip(starts, writes, strict=True)]))
    return queues


def words(lines: int) -> str:
    """Level (a): every second line is a `nop`."""
    text = [".target tsp1"]
    for queue, statements in copies(lines // 2):
        text.append(f".queue {queue}")
        time = 0
        for cycle, statement in statements:
            text += ["nop 50000"] * ((cycle - time) // 50000)
            if rest := (cycle - time) % 50000:
                text.append(f"nop {rest}")
            text.append(statement)
            time = cycle + 1
    return "\n".join(text) + "\n"


def schedule(lines: int) -> str:
    """Level (b)."""
    text = [".target tsp1"]
    for queue, statements in copies(lines):
        text += [f".unit {queue}", *(f"{cycle}: {statement}" for cycle, statement in statements)]
    return "\n".join(text) + "\n"


def flows(lines: int) -> str:
    """Level (c): chains of four lines."""
    text = [".target tsp1", ".input A : i8 [4000, 320] at mem.w0", ".output C : i8 [4000, 320] at mem.e0"]
    for k in range(lines // 4):
        row = k % 4000
        text += [
            f"flow f{k}:",
            f"  read A[{row}:+1, :] -> s0.e",
            "  add s0.e, 1 -> s1.e",
            f"  write s1.e -> C[{row}:+1, :]",
        ]
    return "\n".join(text) + "\n"


def x86(lines: int) -> str:
    """As many lines for nasm."""
    shaped = (X86[k % 8].format(8 * k % 32000) for k in range(lines))
    return "\n".join(["bits 64", "section .text", *shaped]) + "\n"


def ran(command: list[str]) -> float:
    """Seconds of a process, from its start to its end."""
    begun = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return perf_counter() - begun


def warm(text: str) -> float:
    """Seconds of a build in this process."""
    begun = perf_counter()
    to_bytes(build(text=text))
    return perf_counter() - begun


def main(smoke: bool) -> None:
    """Prints the tables."""
    rounds, many, few = (1, 4_000, 400) if smoke else (7, 100_000, 4_000)
    texts = {"a": words(many), "b": schedule(many), "c": flows(few)}
    counts = {level: text.count("\n") for level, text in texts.items()}
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        lpuasm = [sys.executable, "-m", "lpuasm"]
        for name, text in {**texts, "ten": "\n".join(schedule(880).split("\n")[:10]) + "\n", "x86": x86(many)}.items():
            (here / f"{name}.s").write_text(text)

        def cold(name: str) -> Callable[[], float]:
            return lambda: ran([*lpuasm, "build", str(here / f"{name}.s"), "-o", str(here / f"{name}.lpu")])

        runs: dict[str, Callable[[], float]] = {
            "pass": lambda: ran([sys.executable, "-c", "pass"]),
            "help": lambda: ran([*lpuasm, "--help"]),
            "ten": cold("ten"),
            **{f"{level} cold": cold(level) for level in texts},
            **{f"{level} warm": lambda text=text: warm(text) for level, text in texts.items()},
        }
        nasm = shutil.which("nasm")
        if nasm is not None:
            runs["nasm"] = lambda: ran([nasm, "-f", "elf64", str(here / "x86.s"), "-o", str(here / "x86.o")])
        seconds = {name: [run()] for name, run in runs.items()}  # the first round fills caches, and is not counted
        for _ in range(rounds):
            for name, run in runs.items():
                seconds[name].append(run())
        seconds = {name: spent[1:] for name, spent in seconds.items()}

    def rate(name: str) -> list[float]:
        count = many if name == "nasm" else counts[name[0]]
        return [count / spent for spent in seconds[name]]

    print(f"{'level':<10} {'lines':>8} {'ms':>8} {'lines/s':>10} {'of nasm’s':>10}")
    for name in seconds:
        if name in ("pass", "help", "ten"):
            continue
        of = "-"
        if nasm is not None:
            of = f"{median(own / other for own, other in zip(rate(name), rate('nasm'), strict=True)):.2f}"
        count = many if name == "nasm" else counts[name[0]]
        print(f"{name:<10} {count:>8,} {1e3 * median(seconds[name]):>8.0f} {median(rate(name)):>10,.0f} {of:>10}")
    if nasm is None:
        print("nasm is not installed: no comparison with it")
    print(f"\n{'start':<34} {'ms':>6} {'of pass':>8}")
    for name, what in (("pass", "python -c pass"), ("help", "lpuasm --help"), ("ten", "lpuasm build of ten lines")):
        ratio = median(own / other for own, other in zip(seconds[name], seconds["pass"], strict=True))
        print(f"{what:<34} {1e3 * median(seconds[name]):>6.0f} {ratio:>8.1f}")


if __name__ == "__main__":
    main("--smoke" in sys.argv[1:])
