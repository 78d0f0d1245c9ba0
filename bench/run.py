"""The table of the benchmarks, as ratios within this run: `python bench/run.py [--smoke]`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="smaller sizes, in less than a minute")
    smoke = parser.parse_args().smoke
    # More threads than one are no faster here, and are far slower when the machine is shared; numpy reads this once.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "tests")]
    from table import table

    table(smoke)


if __name__ == "__main__":
    main()
