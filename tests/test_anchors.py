"""What the loaded target and table say against the published numbers, each derived and compared."""

from __future__ import annotations

from math import ceil, floor

import anchors
import numpy as np

from lpuasm.isa.chapters import FACTS
from lpuasm.isa.core import table, vxm_reach
from lpuasm.isa.definition import Timing
from lpuasm.isa.operands import Streams
from lpuasm.isa.target import load_target
from lpuasm.isa.timeline import expand

TSP1 = load_target("tsp1")
TAPS = TSP1.taps
DERIVED = {name: of(TSP1) for name, _, of in FACTS}


def timing(unit: str, mnemonic: str) -> Timing:
    (definition,) = (d for d in table(TSP1) if (d.unit, d.mnemonic) == (unit, mnemonic))
    return definition.timing


def test_capacity_and_bandwidth() -> None:
    assert TSP1.memory_bytes == DERIVED["SRAM"] == anchors.CAPACITY
    assert DERIVED["stream bandwidth"] == anchors.STREAM_BANDWIDTH
    assert DERIVED["SRAM bandwidth"] == anchors.SRAM_BANDWIDTH
    assert DERIVED["instruction fetch"] == anchors.FETCH


def test_queues() -> None:
    assert len(TSP1.queues) == len(TSP1.queue) == anchors.QUEUES
    for hemisphere in "we":
        own = [q for q in TSP1.queues if q.hemisphere == hemisphere]
        assert len([q for q in own if q.unit in (f"sxm.{hemisphere}", "c2c")]) == anchors.SXM_QUEUES
        assert len([q for q in own if q.unit.startswith("mxm")]) == 6
    assert [q.number for q in TSP1.queues] == list(range(anchors.QUEUES))


def test_multipliers() -> None:
    macs = DERIVED["multipliers of the MXM"]
    tera = 2 * macs * TSP1.geometry.clock_mhz * 1e6 / 1e12
    assert macs == anchors.MULTIPLIERS
    assert floor(tera) == anchors.INT8_TERA
    assert floor(tera / 4) == anchors.FP16_TERA


def test_installing_weights() -> None:
    assert DERIVED["cycles to fill a plane"] == anchors.INSTALL_CYCLES
    assert anchors.MULTIPLIERS / anchors.STREAM_BANDWIDTH == anchors.INSTALL_CYCLES


def test_hops() -> None:
    inbound = (TAPS.mem_inbound[-1], TAPS.mem_inbound[0] + 1)
    outbound = (TAPS.mem_outbound[0], TAPS.mem_outbound[-1] + 1)
    for path in (inbound, outbound, (outbound[1], TAPS.mxm)):
        assert path[1] - path[0] == anchors.HOPS[path]
    assert TAPS.mem_inbound == tuple(18 - q for q in range(11))
    assert TAPS.mem_outbound == tuple(24 + q for q in range(11))


def test_reads_reach_the_sxm() -> None:
    read = timing("mem", "read").func
    for index in range(TSP1.geometry.slices):
        drive = TSP1.drive_tap(TSP1.queue[f"mem.e{index}"], "e")
        assert drive is not None
        assert read + 35 - drive == 11 - index // 4
    drive = TSP1.drive_tap(TSP1.queue["mem.e14"], "e")
    reader = TSP1.read_tap(TSP1.queue["mem.e41"], "e")
    assert drive is not None and reader is not None
    assert read + 35 - drive == anchors.SLICE_14_TO_SR35
    assert reader + 1 - drive == anchors.SLICE_14_TO_SLICE_41


def test_maps_of_the_two_directions_are_mirror_images() -> None:
    swap = {"e": "w", "w": "e", "": ""}
    for target in (TSP1, load_target("mini")):
        for q in target.queues:
            wanted = (q.kind, q.index, swap[q.hemisphere])
            (twin,) = (o for o in target.queues if (o.kind, o.index, o.hemisphere) == wanted)
            assert target.read_tap(q, "e") == target.read_tap(twin, "w")
            assert target.drive_tap(q, "e") == target.drive_tap(twin, "w")


def test_stagger_and_barrier() -> None:
    one = table(TSP1).named("read")[0]
    word = one.encode({"address": 0, "out": Streams("e", 0), "repeat": ()})
    words = np.array([(word & (1 << 64) - 1, word >> 64)], np.uint64)
    assert expand(TSP1, {"mem.w0": words}).cycles() == one.timing.func + 1 + anchors.STAGGER
    assert TSP1.barrier.latency == anchors.BARRIER


def test_transpose_to_vxm_to_distribute() -> None:
    alu, link = timing("vxm", "add").func, timing("vxm", "add").link
    assert link is not None
    path = timing("sxm", "transpose").func + TAPS.vxm - TAPS.sxm_turn
    path += 2 * link + alu
    path += TAPS.distribute - (TAPS.vxm + 1) + timing("sxm", "distribute").func
    assert path == anchors.TRANSPOSE_VXM_DISTRIBUTE


def test_weight_read_to_vxm() -> None:
    near, far = anchors.WEIGHT_QUADS
    multiply = timing("mxm", "abc").func + TAPS.acc_result - TAPS.mxm_result + timing("mxm", "acc").func
    back = TAPS.vxm + 1 - (TAPS.acc_result + 1)
    crossing = TAPS.mxm - (TAPS.mem_outbound[-1] + 1)
    total = far - near + crossing + timing("mxm", "iw").func + multiply + back - anchors.LATER_READ
    assert total == anchors.WEIGHT_READ_TO_VXM


def test_read_alu_write() -> None:
    for quad in range(TSP1.quads):
        there = timing("mem", "read").func + TAPS.vxm - (TAPS.mem_inbound[quad] + 1)
        back = TAPS.mem_outbound[quad] - (TAPS.vxm + 1) + timing("mem", "write").func
        assert there + timing("vxm", "add").func + back == 12 + 2 * quad
    assert anchors.READ_ALU_WRITE_SLICE_40 == 12 + 2 * (40 // 4)


def test_link() -> None:
    rate = anchors.LINK_BITS_A_SECOND / 8 / (TSP1.geometry.clock_mhz * 1e6)
    assert round(anchors.PACKET_BYTES / rate, 1) == 22.9
    assert ceil(anchors.PACKET_BYTES / rate) == anchors.PACKET_CYCLES == TSP1.c2c.packet_cycles
    assert TSP1.c2c.hac_period < 256


def test_reach_of_the_alus() -> None:
    rows, large = vxm_reach()
    assert {group for row in rows for group in row} == set(range(8))
    assert all(sum(group in row for row in rows) == 2 for group in range(8))
    assert large == anchors.LARGE_ALUS
    # E and W mirrored: ALU a is 15 - a, SG4 g is (9 - g) mod 8.
    assert {15 - alu for alu in large} == large
    assert [{(9 - g) % 8 for g in row} for row in rows] == [set(row) for row in reversed(rows)]


def test_published_instructions_are_there() -> None:
    for unit, mnemonics in anchors.TABLE_I.items():
        assert mnemonics <= {d.mnemonic for d in table(TSP1) if d.unit == unit}
