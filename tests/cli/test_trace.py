"""Perfetto traces, read back with Perfetto's own messages."""

from __future__ import annotations

import io
import warnings

from words import program

from lpuasm.isa.operands import Dim
from lpuasm.vm.trace import write_trace

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as proto


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
    for packet in trace.packet:
        assert packet.trusted_packet_sequence_id == 1
        if packet.HasField("track_event"):
            event = packet.track_event
            begins = event.type == proto.TrackEvent.TYPE_SLICE_BEGIN
            times = (begun if begins else ended).setdefault(tracks[event.track_uuid].name, [])
            times.append(packet.timestamp)
            if begins:
                assert {a.name: a.string_value for a in event.debug_annotations}["word"]
    assert begun == {
        "mem.w0 read": [2, 4, 6, 102, 104, 106],
        "mem.w0 write": [4],
        "vxm.alu0": [1 << 17],
    }
    assert ended == {name: [t + 1 for t in times] for name, times in begun.items()}
    assert count == sum(map(len, begun.values()))
    assert {tracks[t.parent_uuid].name for t in tracks.values() if t.parent_uuid} == {"MEM west", "VXM"}
