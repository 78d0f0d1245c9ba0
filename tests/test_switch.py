"""The switch unit over many vectors at once, against its definition lane by lane."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

from lpuasm.isa.core import Instruction
from lpuasm.vm.switch import distribute

RANDOM = np.random.default_rng(0)
ROWS = RANDOM.integers(0, 256, (7, 3, 64), np.uint8)
MAPS = {
    "any": RANDOM.integers(0, 17, (7, 64)),
    "one lane each": np.arange(10, 17)[:, None] * np.ones(64),
    "one lane of each superlane": RANDOM.integers(0, 17, (7, 4)).repeat(16, axis=1),
    "no zeros": RANDOM.integers(0, 16, (7, 64)),
    "wrong": RANDOM.integers(0, 30, (7, 64)),
}


@pytest.mark.parametrize("bypass", [0, 5])
@pytest.mark.parametrize("entries", MAPS.values(), ids=MAPS)
def test_distribute(entries: Any, bypass: int) -> None:
    entries = entries.astype(np.uint8)
    notes: list[int] = []
    code = cast(Instruction, {"bypass": bypass})
    found = distribute({"in": ROWS, "map": entries[:, None]}, code, lambda k, number, message: notes.append(k))
    for k, s, lane in np.ndindex(ROWS.shape):
        taken = 0 if entries[k, lane] >= 16 else ROWS[k, s, lane // 16 * 16 + entries[k, lane]]
        assert found[k, s, lane] == (ROWS[k, s, lane] if bypass >> s & 1 else taken)
    assert notes == [k for k in range(7) if (entries[k] > 16).any()]
