"""``lpuasm`` and ``python -m lpuasm``."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Runs the command line and leaves with its exit status."""
    gc.set_threshold(50_000, 20, 100)  # modules that are loaded make many objects and no garbage
    for library in ("OPENBLAS", "MKL", "OMP"):  # one thread is fastest for products of this size
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    from lpuasm.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
