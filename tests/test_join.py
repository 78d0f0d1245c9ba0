"""Consumers joined to producers, against every event listed."""

from __future__ import annotations

from events import events
from schedules import programs
from words import program

from lpuasm.isa import sweep
from lpuasm.isa.join import Joined, joins
from lpuasm.isa.legality import prove
from lpuasm.isa.operands import Dim
from lpuasm.isa.target import load_target

MINI = load_target("mini")


def listed(joined: Joined) -> dict[tuple[int, int, int, int], tuple[int, int] | None]:
    """The joins of every issue; none twice."""
    out: dict[tuple[int, int, int, int], tuple[int, int] | None] = {}
    for k in range(len(joined.count)):
        for i in range(int(joined.count[k])):
            reader = (int(c[k]) for c in (joined.reader, joined.operand, joined.byte))
            key = (*reader, int(joined.issue[k] + i * joined.hop[k]))
            assert key not in out
            heard = int(joined.writer_issue[k] + i * joined.writer_hop[k])
            out[key] = (int(joined.writer[k]), heard) if joined.writer[k] >= 0 else None  # type: ignore[index]
    return out  # type: ignore[return-value]


def test_joins_of_random_programs() -> None:
    for seed in range(2000, 2120):
        for made in programs(MINI, seed):
            assert listed(joins(made.timeline)) == events(made).joins, seed


def test_joins_in_small_portions(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(sweep, "_PAIRS", 30)
    for seed in range(2200, 2260):
        for made in programs(MINI, seed):
            expected = events(made)
            proof = prove(made)
            assert [(v.cycle, v.queue, v.code) for v in proof.violations][:1] == sorted(expected.faults)[:1], seed
            if not {code for _, _, code in expected.faults} & {"LPU0301", "LPU0303", "LPU0306"}:
                assert listed(proof.joined) == expected.joins, seed


def test_a_long_run_is_one_row() -> None:
    """A repeat that hears a repeat is one row, whatever else passes the stream elsewhere."""
    made = program("mini", {
        "mem.w0": [(0, "read", {"address": 0, "out": "s5.e", "repeat": (Dim(200),)})],
        "vxm.alu0": [(3, "add", {"type": "i8", "a": "s5.e", "b": 1, "out": "s5.e", "repeat": (Dim(200),)})],
        "mem.e4": [(10, "write", {"data": "s5.e", "address": 0, "repeat": (Dim(200),)})],
        "mem.e5": [(40, "write", {"data": "s5.e", "address": 0, "repeat": (Dim(7, 3),)})],
    })  # fmt: skip
    joined = joins(made.timeline)
    assert joined.count.tolist() == [200, 7, 200]
    assert joined.writer_hop.tolist() == [1, 3, 1]
    assert joined.writer_issue.tolist() == [0, 30, 0]


def test_operands_and_bytes_are_named() -> None:
    made = program("mini", {
        "vxm.alu0": [(0, "add", {"type": "i16", "a": 1, "b": "latch", "out": "sg2.e[0]"})],
        "vxm.alu1": [(3, "sub", {"type": "i16", "a": "vxm.alu0", "b": 1, "out": "sg2.w[0]", "also": "sg2.e[1]"})],
        "mem.e0": [(9, "write", {"data": "s3.e", "address": 0})],
    })  # fmt: skip
    joined = joins(made.timeline)
    names = [made.target.queues[q].name for q in made.timeline.queue[joined.reader]]
    assert names == ["mem.e0", "vxm.alu1"]
    assert (joined.writer_operand[0], joined.writer_byte[0]) == (6, 1)
    assert (joined.operand[1], joined.writer_operand[1]) == (3, -1)
