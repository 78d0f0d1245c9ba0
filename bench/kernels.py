"""The kernels over the shapes of tests/stdlib/cycles.toml: cycles, floor, gap, utilisation, time at the chip's clock.

`--smoke` takes the shortest shape of each kernel; `--pages` writes docs/kernels/, and the list of all its pages; names
choose kernels.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from statistics import median

import numpy as np

from lpuasm import stdlib
from lpuasm.asm.explain import Explanation, explain
from lpuasm.isa.ports import paired
from lpuasm.isa.program import Program
from lpuasm.profiling.measure import measure
from lpuasm.profiling.report import strips
from lpuasm.stdlib.kernel import Kernel

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "kernels"
HEADINGS = ("type and shape", "cycles", "floor", "gap", "gap %", "MXM %", "SRAM %", "µs")
FLOWS = 12
"""Flows of an explanation that a page shows."""
DRAWN = 10_000
"""Cycles of the longest program that is drawn."""
PUBLISHED = {
    "matmul": "Published for [2304 × 4096] · [4096 × N], N = 1376 … 3500, on one chip: at least 80 % of the peak "
    "everywhere, 90 to 100 % typical (ISCA 2022). `MXM %` above is the same measure.",
}
"""What is published of a kernel's speed, by its name."""

Row = tuple[str, ...]


def shapes() -> dict[str, dict[str, int]]:
    """The shapes of each kernel, with their cycles."""
    return tomllib.loads((ROOT / "tests" / "stdlib" / "cycles.toml").read_text("utf-8"))


def program(kernel: Kernel, shape: str) -> Program:
    dtype, *words = shape.split()
    return kernel.program(dtype=dtype, **{k: int(v) for k, _, v in (w.partition("=") for w in words)})


def row(shape: str, made: Program, why: Explanation) -> Row:
    share = 100 * why.gap / why.floor if why.floor else 0.0
    return (
        shape,
        f"{why.cycles:,}",
        f"{why.floor:,}",
        f"{why.gap:,}",
        f"{share:.1f}",
        f"{busy(made, ('abc',)):.1f}",
        f"{busy(made, ('mem',)):.1f}",
        f"{why.cycles / why.clock_mhz:.2f}",
    )


def busy(made: Program, kinds: tuple[str, ...]) -> float:
    """Percent of the cycles of all queues of ``kinds`` that dispatch; a pair of planes counts twice."""
    queues = [q.number for q in made.target.queues if q.kind in kinds]
    timeline = made.timeline
    chosen = np.isin(timeline.queue, queues)
    issues = float((timeline.issues * (1 + paired(timeline)))[chosen].sum())
    ports = 2 if kinds == ("mem",) else 1  # a slice reads and writes in every cycle
    return 100 * issues / (ports * len(queues) * max(made.cycles or 0, 1))


def table(rows: list[Row], headings: Row = HEADINGS, left: int = 1) -> str:
    """A table whose first ``left`` columns are text, the others numbers."""
    widths = [max(len(r[k]) for r in (headings, *rows)) for k in range(len(headings))]
    lines = [
        "| "
        + " | ".join(c.ljust(w) if k < left else c.rjust(w) for k, (c, w) in enumerate(zip(r, widths, strict=True)))
        + " |"
        for r in (headings, *rows)
    ]
    rule = "|" + "|".join("-" * (w + 2) if k < left else "-" * (w + 1) + ":" for k, w in enumerate(widths)) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def head(kernel: Kernel) -> str:
    """The beginning of a kernel's page, before its cycles: what its source says of it, and its contract."""
    header = [line.removeprefix("; ").removeprefix(";") for line in kernel.source.split(".target")[0].splitlines()]
    contract = kernel.contract
    return "\n".join(
        [
            f"# {kernel.name}",
            "",
            kernel.doc,
            "",
            f"Source: [`stdlib/{kernel.path.name}`](../../stdlib/{kernel.path.name}). "
            "This page is written by `python bench/kernels.py --pages`.",
            "",
            "## Idea and layout",
            "",
            "```text",
            *header,
            "```",
            "",
            "## Contract",
            "",
            f"- types: {', '.join(contract.types)}",
            f"- shapes: {contract.shapes}",
            f"- error: {contract.error}",
            f"- cycles, at most: {contract.formula}",
            "",
        ]
    )


def listed(text: str) -> list[list[str]]:
    """The rows of the table of cycles of a page, their cells as text."""
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")]
    return cells[1:]


def page(kernel: Kernel, known: dict[str, int]) -> str:
    """The kernel's page: what its source says of it, its contract, its cycles, and why they are what they are."""
    made = {shape: program(kernel, shape) for shape in known}
    whys = {shape: explain(p) for shape, p in made.items()}
    smallest = min(known, key=lambda shape: whys[shape].cycles)
    drawn = max((s for s in known if whys[s].cycles <= DRAWN), key=lambda s: whys[s].cycles, default=smallest)
    text = str(whys[smallest]).splitlines()
    flows = len(whys[smallest].flows)
    shown = text if flows <= FLOWS else [*text[: FLOWS + 1], f"… {flows - FLOWS} more flows", *text[flows + 1 :]]
    return "\n".join(
        [
            head(kernel),
            "## Cycles",
            "",
            table([row(shape, made[shape], whys[shape]) for shape in known]),
            "",
            *([PUBLISHED[kernel.name], ""] if kernel.name in PUBLISHED else []),
            f"## Why: {smallest}",
            "",
            "```text",
            *(line.replace(str(ROOT) + "/", "").replace("lpuasm/stdlib/", "stdlib/") for line in shown),
            "```",
            "",
            *picture(drawn, made[drawn]),
        ]
    )


def picture(shape: str, made: Program) -> list[str]:
    """How busy each part of the chip is over time, west to east."""
    return [
        f"## Picture: {shape}",
        "",
        "Parts of the chip from west to east, and how busy each is from the first cycle to the last.",
        "",
        "```text",
        *strips(measure(made)),
        "```",
        "",
    ]


#: What the headers of the sources say again and again.
WORDS = """## Words of the headers

* **lane**: one of the 320 places of a vector; a **superlane** is sixteen of them.
* **tile**: 320 columns of a longer row, one vector; of weights, what a plane holds at once.
* **column**: a run of vectors that are reduced to one, lane by lane; of products, the tiles whose sums are added up; of
  the VXM, four ALUs. **group**: sixteen rows that the SXM transposes; of streams, as many as an element has bytes.
* **byte plane**: byte p of every element of a tensor; each lies in slices of its own.
* **side**: the west or the east half of the chip; in macros `h` is its name, `k` its number, `i` the direction of
  streams that lead in to the VXM, `o` of those that lead out.
* **tree**, **level**: a tree combines the vectors of a column by pairs; a level is one pass, eight vectors to one.
* **meet**: to be at one place in one cycle. Values that meet in an ALU are combined; claims that must not meet, on a
  bank or a stream, are kept **apart**.
* **round**: one pass of superlanes to the SXM, where they are shifted, and back to the VXM, where they meet.
* **turn**: to transpose, sixteen rows at a time (rope.s: to rotate a pair).
* **way**: one of several algorithms for the same result, of which the shape decides; of a value, its path on the chip.
* **block**: of keys or queries, as many as the lanes or a half of them hold; a decoder or encoder block is a layer of a
  model, one program here. **job**: rows of queries that share a head of keys, cut into **tasks** of at most 320.
* **pipeline**: ALUs that a vector passes one after the other, a vector a cycle; pipeline p of P takes every P-th.
* **floor**, **gap**: see the [tutorial](../tutorial.md)."""


def index(pages: list[Path]) -> str:
    """The list of all kernels, the longest program of each: as their pages have it."""
    rows, gaps = [], []
    for path in pages:
        text = path.read_text("utf-8")
        cells = listed(text)
        longest = max(cells, key=lambda c: int(c[1].replace(",", "")))
        gaps += [float(c[4]) for c in cells]
        rows.append((f"[{path.stem}]({path.name})", text.splitlines()[2].partition(":")[0], *longest))
    return "\n".join(
        [
            "# Kernels",
            "",
            "Arrays in, arrays out: `from lpuasm.stdlib import matmul`. Below is the longest program of each page; the",
            f"median gap of all {len(gaps)} programs of the pages is {median(gaps):.1f} %. This list is written by",
            "`python bench/kernels.py --pages`.",
            "",
            table(rows, ("kernel", "call", *HEADINGS), left=3),
            "",
            *(line for text in PUBLISHED.values() for line in (text, "")),
            WORDS,
            "",
        ]
    )


def main(arguments: list[str]) -> None:
    known = shapes()
    names = [a for a in arguments if not a.startswith("--")] or sorted(known)
    for name in names:
        kernel: Kernel = getattr(stdlib, name)
        if "--pages" in arguments:
            PAGES.mkdir(parents=True, exist_ok=True)
            (PAGES / f"{name}.md").write_text(page(kernel, known[name]), "utf-8")
            print(f"docs/kernels/{name}.md")
            continue
        chosen = list(known[name])
        if "--smoke" in arguments:
            chosen = [min(known[name], key=lambda shape: known[name][shape])]
        rows = [row(shape, made, explain(made)) for shape in chosen for made in [program(kernel, shape)]]
        print(f"{name}\n{table(rows)}\n")
    if "--pages" in arguments:
        (PAGES / "README.md").write_text(index(sorted(p for p in PAGES.glob("*.md") if p.stem != "README")), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
