"""The switch unit, an instruction at a time, against loops over lanes."""

from typing import Any

import numpy as np
import pytest
from chips import Octets, once, vector
from numpy.typing import NDArray

from lpuasm.isa.errors import Fault
from lpuasm.isa.target import load_target

Lanes = NDArray[np.int64]
MINI = load_target("mini")
LANES = MINI.lanes
RNG = np.random.default_rng(3)


def moved(queue: str, mnemonic: str, values: dict[str, Any], **operands: Octets) -> list[list[int]]:
    out = once(MINI, queue, mnemonic, values, **operands)[1]["out"]
    assert out is not None
    moved_rows: list[list[int]] = out.tolist()
    return moved_rows


@pytest.mark.parametrize("lanes", [0, 1, 5, 16, -1, -7, -16])
@pytest.mark.parametrize(("group", "size"), [("s3.e", 1), ("sg4.e[2]", 4), ("sg16.e[1]", 16)])
def test_shift(lanes: int, group: str, size: int) -> None:
    rows = vector(RNG, size, LANES)
    out = moved("sxm.e.select0", "shift", {"in": group, "lanes": lanes, "out": group}, **{"in": rows})
    for row, result in zip(rows.tolist(), out, strict=True):
        assert result == [row[i - lanes] if 0 <= i - lanes < LANES else 0 for i in range(LANES)]


@pytest.mark.parametrize("lanes", [0, 16, 48, 480, -16, -512])
def test_shift_wide(lanes: int) -> None:
    rows = vector(RNG, 2, LANES)
    values = {"in": "sg2.w[5]", "lanes": lanes, "out": "sg2.w[1]"}
    out = moved("sxm.w.select1", "shift_wide", values, **{"in": rows})
    for row, result in zip(rows.tolist(), out, strict=True):
        assert result == [row[(i - lanes) % LANES] for i in range(LANES)]


def test_select() -> None:
    north, south, mask = vector(RNG, 8, LANES), vector(RNG, 8, LANES), RNG.integers(0, 3, (1, LANES), np.uint8)
    values = {"north": "sg8.e[0]", "south": "sg8.e[1]", "mask": "s31.e", "out": "sg8.w[3]"}
    out = moved("sxm.e.select0", "select", values, north=north, south=south, mask=mask)
    for n, s, result in zip(north.tolist(), south.tolist(), out, strict=True):
        assert result == [n[i] if mask[0, i] else s[i] for i in range(LANES)]


def permute_map(lanes: Lanes) -> Octets:
    return np.stack([lanes & 255, lanes >> 8]).astype(np.uint8)


def test_permute() -> None:
    rows, lanes = vector(RNG, 4, LANES), RNG.permutation(LANES)
    values = {"in": "sg4.e[0]", "map": "sg2.e[12]", "out": "sg4.e[3]"}
    out = moved("sxm.e.permute0", "permute", values, **{"in": rows, "map": permute_map(lanes)})
    for row, result in zip(rows.tolist(), out, strict=True):
        assert result == [row[int(k)] for k in lanes]


def test_permute_beyond_a_byte() -> None:
    tsp1 = load_target("tsp1")
    row, lanes = vector(RNG, 1, tsp1.lanes), RNG.permutation(tsp1.lanes)
    values = {"in": "s0.w", "map": "sg2.w[12]", "out": "s1.e"}
    out = once(tsp1, "sxm.w.permute0", "permute", values, **{"in": row, "map": permute_map(lanes)})[1]["out"]
    assert out is not None
    assert out[0].tolist() == [row[0, int(k)] for k in lanes]


@pytest.mark.parametrize("bad", ["twice", "beyond"])
def test_a_map_that_is_no_permutation_is_a_fault(bad: str) -> None:
    lanes = np.arange(LANES, dtype=np.int64)
    lanes[3] = 4 if bad == "twice" else LANES
    values = {"in": "s0.e", "map": "sg2.e[12]", "out": "s0.e"}
    with pytest.raises(Fault, match="lane") as caught:
        moved("sxm.e.permute0", "permute", values, **{"in": vector(RNG, 1, LANES), "map": permute_map(lanes)})
    assert caught.value.code == "LPU0702"
    assert caught.value.category == "data"


@pytest.mark.parametrize("bypass", [0, 0b1001_0110])
@pytest.mark.parametrize("which", [0, 3])
def test_distribute(which: int, bypass: int) -> None:
    rows, entries = vector(RNG, 8, LANES), RNG.integers(0, 17, (1, LANES), np.uint8)
    other = "s8.w" if which == 0 else "s7.w"
    values = {"in": f"sg8.w[{which}]", "map": other, "out": f"sg8.w[{which}]", "bypass": bypass}
    out = moved(f"sxm.w.distribute{which}", "distribute", values, **{"in": rows, "map": entries})
    for k, (row, result) in enumerate(zip(rows.tolist(), out, strict=True)):
        wanted = [0 if e == 16 else row[i // 16 * 16 + e] for i, e in enumerate(entries[0].tolist())]
        assert result == (row if bypass >> k & 1 else wanted)


def test_an_entry_of_a_distribute_map_beyond_16_is_a_fault() -> None:
    entries = np.zeros((1, LANES), np.uint8)
    entries[0, 17] = 17
    values = {"in": "sg8.e[1]", "map": "s31.e", "out": "sg8.e[1]"}
    with pytest.raises(Fault, match="lane 17 of the map is 17") as caught:
        moved("sxm.e.distribute1", "distribute", values, **{"in": vector(RNG, 8, LANES), "map": entries})
    assert caught.value.code == "LPU0703"


@pytest.mark.parametrize("n", [3, 4])
def test_rotate(n: int) -> None:
    row = vector(RNG, 1, LANES)
    values = {"in": "s9.e", "n": n, "out": "sg16.e[0]"}
    out = moved("sxm.e.transpose1", "rotate", values, **{"in": row})
    for k in range(16):
        i, j = divmod(k, n)
        for superlane in range(LANES // 16):
            x, y = row[0, 16 * superlane :].tolist(), out[k][16 * superlane : 16 * superlane + 16]
            for lane in range(16):
                r, c = divmod(lane, n)
                inside = k < n * n and lane < n * n
                assert y[lane] == (x[(r + i) % n * n + (c + j) % n] if inside else 0)


def test_transpose() -> None:
    rows = vector(RNG, 16, LANES)
    out = moved("sxm.e.transpose0", "transpose", {"in": "sg16.e[1]", "out": "sg16.w[0]"}, **{"in": rows})
    for j in range(16):
        for lane in range(LANES):
            assert out[j][lane] == rows[lane % 16, lane // 16 * 16 + j]


def test_transpose_null() -> None:
    rows, order = vector(RNG, 16, LANES), RNG.integers(0, 16, 16).tolist()
    word = sum(k << 4 * i for i, k in enumerate(order))
    values = {"in": "sg16.w[1]", "out": "sg16.w[0]", "order": word}
    assert moved("sxm.w.transpose1", "transpose_null", values, **{"in": rows}) == [rows[k].tolist() for k in order]


@pytest.mark.parametrize("lane", [0, LANES - 1])
def test_broadcast(lane: int) -> None:
    rows = vector(RNG, 2, LANES)
    values = {"in": "sg2.e[0]", "lane": lane, "out": "sg2.w[0]"}
    out = moved("sxm.e.select1", "broadcast", values, **{"in": rows})
    assert out == [[row[lane]] * LANES for row in rows.tolist()]
