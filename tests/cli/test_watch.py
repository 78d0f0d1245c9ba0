"""lpuasm watch, look by look."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from lpuasm.options import Assembly, Named
from lpuasm.profiling.watching import looks
from lpuasm.runs import Order

NOTHING = Assembly({}, (), None)


def save(text: str) -> None:
    Path("kernel.s").write_text(text)
    now = Path("kernel.s").stat().st_mtime_ns + 1_000_000
    os.utime("kernel.s", ns=(now, now))


def test_a_look_after_every_save(lpu: Any, add: Path) -> None:
    source = Path("kernel.s").read_text()
    order = Order("kernel.s", (Named("A", "A.npy"),), (), (Named("B", "B.npy"),), 0, None, None)
    saves = iter([source.replace("repeat 4", "repeat 3"), ".target mini\n.queue mem.w0\nnopp 1\n", source])
    seen = looks(order, NOTHING, lambda: save(next(saves)))
    first = next(seen)
    assert first.answer.text.startswith("kernel.s: cycles 17, floor ") and "B: equals 'B.npy'" in first.answer.text
    second = next(seen)
    assert "cycles 17 -> 16 (-1, -5.9 %)" in second.answer.text and second.answer.status == 1
    third = next(seen)
    assert third.answer.status == 1 and third.answer.diagnostics
    fourth = next(seen)
    assert "cycles 16 -> 17 (+1, +6.2 %)" in fourth.answer.text and fourth.answer.status == 0


def test_watch_once(lpu: Any, add: Path) -> None:
    said = lpu("watch", "kernel.s", "--once")
    assert said.status == 0 and said.out.startswith(b"kernel.s: cycles 17, floor ")
    document = lpu("watch", "kernel.s", "-i", "A.npy", "--check", "B.npy", "--json").json
    assert document["cycles"] == 17 and document["before"]["cycles"] is None and document["checks"]["B"]
    assert lpu("watch", "nix.s", "--json").codes == ["LPU0901"]
    assert lpu("watch", "-", "--json").status == 2
