"""Mutants of every placed example: the verdict against the reference engine.

    python bench/mutants.py [COUNT] [SEED]      so many mutants of each, 300 and 1 if none are named

Each mutant is an example with one word changed in its cycle, unit, stream, slice, bank, address or repeat. For each
the first violation of the verdict (code, cycle, queue) must be the fault that a run ends in; where there is none, the
cycles that were known beforehand must be those of the run.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from itertools import islice
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from mutants import mutants
from test_mutants import FAST, SLOW, program_of
from test_vm_verdict import agree, by_arithmetic


def main(count: int = 300, seed: int = 1) -> int:
    differing = total = 0
    for name in ("mini", *FAST, *SLOW):
        codes: Counter[str] = Counter()
        begun = time.perf_counter()
        for what, mutant in islice(mutants(program_of(name), Random(f"{name} {seed}")), count):
            total += 1
            try:
                agree(mutant)
            except AssertionError as e:
                differing += 1
                print(f"{name}: {what}\n    {e}")
            found = by_arithmetic(mutant)
            codes["legal" if found is None else found[2]] += 1
        spent = time.perf_counter() - begun
        listed = ", ".join(f"{code} {n}" for code, n in codes.most_common())
        print(f"{name:<16} {count:>6} mutants  {spent:>6.1f} s   {listed}", flush=True)
    print(f"{total} mutants, {differing} on which the verdict and the reference engine differ")
    return 1 if differing else 0


if __name__ == "__main__":
    raise SystemExit(main(*([5] if "--smoke" in sys.argv else map(int, sys.argv[1:3]))))
