"""Random legal programs on both engines: `python bench/fuzz.py --count 20000 --target mini`.

Prints how many agreed, how many ended in a fault of data (the same in both), and how often each instruction occurred.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from agreement import differences, mnemonics
from programs import random_inputs, random_program

from lpuasm.isa.core import table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--target", default="mini")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--smoke", action="store_true", help="a few programs, and no word on what did not occur")
    asked = parser.parse_args()
    if asked.smoke:
        asked.count = 20
    begin, legal, wrong, seed = time.monotonic(), 0, 0, asked.first
    seen: Counter[str] = Counter()
    while legal < asked.count:
        program = random_program(asked.target, seed)
        if program is not None:
            legal += 1
            seen.update(mnemonics(program))
            for difference in differences(program, random_inputs(program, seed)):
                wrong += 1
                print(f"seed {seed}: {difference}", flush=True)
            if legal % 1000 == 0:
                print(
                    f"{legal} programs, {wrong} differences, {time.monotonic() - begin:.0f} s",
                    file=sys.stderr,
                    flush=True,
                )
        seed += 1
    missing = {d.mnemonic for d in table() if d.unit != "seq"} - set(seen)
    print(
        f"{legal} programs on {asked.target}, seeds {asked.first} … {seed - 1}, {time.monotonic() - begin:.0f} s: ",
        end="",
    )
    print(f"{wrong} differences; {len(seen)} instructions occurred, {len(missing)} did not {sorted(missing) or ''}")
    for name, number in seen.most_common():
        print(f"{name:16}{number:8}")
    return 1 if wrong or (missing and not asked.smoke) else 0


if __name__ == "__main__":
    sys.exit(main())
