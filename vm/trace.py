"""A program's timeline as a Perfetto trace: a track a queue, a slice a dispatch.

One cycle is shown as one nanosecond, so that the viewer's clock reads in
cycles. Memory slices have a track for what they read and one for what they
write, since both may issue in one cycle. The messages are those of
perfetto/protos/perfetto/trace/trace_packet.proto. Each track is a packet
sequence of its own: its defaults name the track and a clock that counts from
packet to packet, and instructions and places are sent once and then referred
to by number. So an event takes less than 20 bytes, and the events of a family
differ in nothing but the cycles between them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.core import table
from lpuasm.isa.program import Program
from lpuasm.isa.target import Queue

_SEQUENCE = 1  # the trusted_packet_sequence_id of the descriptors; that of a track is its number + 2
_CLOCK, _BOOTTIME = 64, 6  # a clock of the sequence's own, and the trace's
_CLEARED, _NEEDED = 1, 2  # sequence_flags: the incremental state begins anew; a packet refers to it
_CHUNK = 1 << 16
_TITLES = {
    "mem.w": "MEM west", "mem.e": "MEM east", "mxm.w": "MXM west", "mxm.e": "MXM east",
    "sxm.w": "SXM west", "sxm.e": "SXM east", "vxm": "VXM", "c2c": "C2C",
}  # fmt: skip


@dataclass
class _Track:
    """A track under way: its sequence, the cycle of its last event, and what it has sent, by number."""

    sequence: int
    now: int = 0
    names: dict[str, int] = field(default_factory=dict)
    places: dict[tuple[str, int, str], int] = field(default_factory=dict)


def write_trace(program: Program, out: BinaryIO) -> int:
    """Writes the trace of a streaming program; returns the number of slices."""
    timeline, instructions = program.timeline, table(program.target)
    queues = {q.number: q for q in program.target.queues}
    tracks: dict[tuple[int, bool], _Track] = {}
    groups: dict[str, int] = {}
    count = 0
    for row in np.lexsort((timeline.start, timeline.queue)).tolist():
        number, word = int(timeline.queue[row]), int(timeline.word[row])
        queue = queues[number]
        instruction = instructions.decode(int(timeline.low[row]) | int(timeline.high[row]) << 64)
        writes = instruction.definition.uses("writes", "sram")
        if (number, writes) not in tracks:
            track = tracks[number, writes] = _Track(len(tracks) + 2)
            out.write(_begin(track, _declare(out, queue, writes, groups)))
        track = tracks[number, writes]
        span = program.span(queue.name, word)
        place = (span.file if span else "", span.line if span else 0, program.flow(queue.name, word) or "")
        cycles = _cycles(timeline.start[row], timeline.count[row], timeline.every[row])
        for part in _slices(track, np.sort(cycles), str(instruction), place):
            out.write(part)
        count += len(cycles)
    return count


def _begin(track: _Track, uuid: int) -> bytes:
    """The first packet of a track: its defaults and its clock, which starts at 0."""
    own = _number(1, _CLOCK) + _number(2, 0) + _number(3, 1)
    snapshot = _bytes(1, own) + _bytes(1, _number(1, _BOOTTIME) + _number(2, 0))
    defaults = _number(58, _CLOCK) + _bytes(11, _number(11, uuid))
    packet = _number(10, track.sequence) + _number(13, _CLEARED) + _bytes(59, defaults) + _bytes(6, snapshot)
    return _bytes(1, packet)


def _cycles(start: np.int64, count: NDArray[np.int64], every: NDArray[np.int64]) -> NDArray[np.int64]:
    """The dispatch cycles of a family, in order."""
    cycles = np.array([start], np.int64)
    for n, apart in zip(count[::-1], every[::-1], strict=True):
        cycles = (cycles[:, None] + np.arange(n, dtype=np.int64) * apart).reshape(-1)
    return cycles


def _declare(out: BinaryIO, queue: Queue, writes: bool, groups: dict[str, int]) -> int:
    """Writes the descriptor of a queue's track, and that of its group before its first; returns the track's uuid."""
    prefix = f"{queue.unit.partition('.')[0]}.{queue.hemisphere}" if queue.unit not in ("vxm", "c2c") else queue.unit
    if prefix not in groups:
        groups[prefix] = 1 << 20 | len(groups)
        out.write(_descriptor(groups[prefix], _TITLES[prefix], None, list(_TITLES).index(prefix)))
    name = f"{queue.name} {'write' if writes else 'read'}" if queue.kind == "mem" else queue.name
    uuid = 1 << 21 | queue.number << 1 | writes
    out.write(_descriptor(uuid, name, groups[prefix], queue.number << 1 | writes))
    return uuid


def _descriptor(uuid: int, name: str, parent: int | None, rank: int) -> bytes:
    track = _number(1, uuid) + _text(2, name)
    if parent is not None:
        track += _number(5, parent)
    track += _number(11, 3) + _number(12, rank)  # children stand in the order of their rank
    return _bytes(1, _number(10, _SEQUENCE) + _bytes(60, track))


def _slices(track: _Track, cycles: NDArray[np.int64], name: str, place: tuple[str, int, str]) -> Iterator[bytes]:
    """The packets that begin and end a slice of one cycle at each of ``cycles``, which ascend."""
    event, interned = _number(9, 1), b""
    if name not in track.names:
        track.names[name] = len(track.names) + 1
        interned += _bytes(2, _number(1, track.names[name]) + _text(2, name))
    event += _number(10, track.names[name])
    if place[0] or place[2]:
        if place not in track.places:
            number = track.places[place] = len(track.places) + 1
            file, line, flow = place
            interned += _bytes(4, _number(1, number) + _text(2, file) + _text(3, flow) + _number(4, line))
        event += _number(34, track.places[place])
    waits = np.diff(cycles, prepend=track.now)
    waits[1:] -= 1
    track.now = int(cycles[-1]) + 1
    yield _packet(track, int(waits[0]), event, interned) + _packet(track, 1, _number(9, 2), b"")
    if len(cycles) > 1:
        yield from _again(track, waits[1:], event)


def _again(track: _Track, waits: NDArray[np.int64], event: bytes) -> Iterator[bytes]:
    """The packets of further slices, each ``waits`` cycles after the end of the one before."""
    width = len(_varint(int(waits.max())))
    begin, end = _packet(track, (1 << 7 * width) - 1, event, b""), _packet(track, 1, _number(9, 2), b"")
    template = np.frombuffer(begin + end, np.uint8)
    for at in range(0, len(waits), _CHUNK):
        part = waits[at : at + _CHUNK]
        rows = np.tile(template, (len(part), 1))
        rows[:, _STAMP : _STAMP + width] = _stamps(part, width)
        yield rows.tobytes()


#: Where the timestamp of a packet of less than 128 bytes begins: behind two tags and a length.
_STAMP = 3


def _packet(track: _Track, wait: int, event: bytes, interned: bytes) -> bytes:
    """A packet with a track event, ``wait`` cycles after the last, and what is sent to be referred to."""
    body = _number(8, wait) + _number(10, track.sequence) + _number(13, _NEEDED) + _bytes(11, event)
    return _bytes(1, body + (_bytes(12, interned) if interned else b""))


def _stamps(cycles: NDArray[np.int64], width: int) -> NDArray[np.uint8]:
    """Varints of ``width`` bytes each, [n, width]."""
    shifts = np.arange(width, dtype=np.int64) * 7
    octets = (cycles[:, None] >> shifts & 0x7F).astype(np.uint8)
    octets[:, :-1] |= 0x80
    return octets


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())
