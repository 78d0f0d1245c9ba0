"""Times taken in turns: what is compared runs alternately, in one process, on one BLAS thread."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

RUNS = 7


def alternate(*functions: Callable[[], object], runs: int = RUNS) -> list[float]:
    """The median time of the processor of one call of each function, in seconds; each is called once before."""
    for function in functions:
        function()
    taken: list[list[float]] = [[] for _ in functions]
    for _ in range(runs):
        for function, times in zip(functions, taken, strict=True):
            start = time.process_time()
            function()
            times.append(time.process_time() - start)
    return [statistics.median(times) for times in taken]


def row(number: str, what: str, measured: str, goal: str = "", holds: bool | None = None) -> None:
    """Prints a line of the table."""
    mark = "" if holds is None else "holds" if holds else "MISSED"
    print(f"{number:>4}  {what:<58} {measured:<34} {goal:<12} {mark}", flush=True)
