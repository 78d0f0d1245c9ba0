"""Perfetto traces, read back with Perfetto's own messages."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

from words import program

import lpuasm
from lpuasm.isa.operands import Dim
from lpuasm.vm.trace import write_trace

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as proto

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_a_slice_a_dispatch_on_a_track_a_queue() -> None:
    made = program(
        "mini",
        {
            "mem.w0": [
                (2, "read", {"address": 3, "out": "s0.e", "repeat": (Dim(3, 2, 1), Dim(2, 100, 5))}),
                (4, "write", {"address": 300, "data": "s0.w"}),
            ],
            "vxm.alu0": [(1 << 17, "add", {"type": "i8", "a": "s0.e", "b": 1, "out": "s0.e"})],
        },
    )
    out = io.BytesIO()
    count = write_trace(made, out)
    trace = proto.Trace()
    trace.ParseFromString(out.getvalue())
    tracks = {p.track_descriptor.uuid: p.track_descriptor for p in trace.packet if p.HasField("track_descriptor")}
    begun: dict[str, list[int]] = {}
    ended: dict[str, list[int]] = {}
    on, clock, names = {}, {}, {}
    for packet in trace.packet:
        sequence = packet.trusted_packet_sequence_id
        if packet.HasField("trace_packet_defaults"):
            on[sequence] = tracks[packet.trace_packet_defaults.track_event_defaults.track_uuid].name
            assert (
                packet.trace_packet_defaults.timestamp_clock_id == 64 and packet.clock_snapshot.clocks[0].is_incremental
            )
            clock[sequence] = packet.clock_snapshot.clocks[0].timestamp
            assert packet.sequence_flags == packet.SEQ_INCREMENTAL_STATE_CLEARED
        if packet.HasField("track_event"):
            event = packet.track_event
            clock[sequence] += packet.timestamp
            begins = event.type == proto.TrackEvent.TYPE_SLICE_BEGIN
            (begun if begins else ended).setdefault(on[sequence], []).append(clock[sequence])
            names |= {(sequence, n.iid): n.name for n in packet.interned_data.event_names}
            assert not begins or names[sequence, event.name_iid].split()[0] in ("read", "write", "add.i8")
            assert packet.sequence_flags == packet.SEQ_NEEDS_INCREMENTAL_STATE
    assert begun == {
        "mem.w0 read": [2, 4, 6, 102, 104, 106],
        "mem.w0 write": [4],
        "vxm.alu0": [1 << 17],
    }
    assert ended == {name: [t + 1 for t in times] for name, times in begun.items()}
    assert count == sum(map(len, begun.values()))
    assert {tracks[t.parent_uuid].name for t in tracks.values() if t.parent_uuid} == {"MEM west", "VXM"}


def test_an_event_takes_less_than_20_bytes() -> None:
    out = io.BytesIO()
    slices = write_trace(lpuasm.build(EXAMPLES / "03_matmul.s", defines={"M": 3200}), out)
    assert len(out.getvalue()) < 20 * 2 * slices
    trace = proto.Trace()
    trace.ParseFromString(out.getvalue())
    events = [p for p in trace.packet if p.HasField("track_event")]
    assert len(events) == 2 * slices and max(p.ByteSize() for p in events[1000:2000]) < 20
    places = [place for p in trace.packet for place in p.interned_data.source_locations]
    assert {p.function_name for p in places} == {"install", "multiply"} and all(p.line_number for p in places)
