"""A program's timeline as a Perfetto trace: a track a queue, a slice a dispatch.

One cycle is shown as one nanosecond, so that the viewer's clock reads in
cycles. Memory slices have a track for what they read and one for what they
write, since both may issue in one cycle. The messages are those of
perfetto/protos/perfetto/trace/trace_packet.proto; a timestamp is written as a
varint of a fixed number of bytes, so that the slices of a family differ in
nothing else and are made as one array.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.core import table
from lpuasm.isa.program import Program
from lpuasm.isa.target import Queue

_SEQUENCE = 1  # the trusted_packet_sequence_id of every packet
_STAMP = 6  # bytes of a timestamp: 42 bits
_CHUNK = 1 << 16
_WRITES = ("write", "scatter")
_TITLES = {
    "mem.w": "MEM west", "mem.e": "MEM east", "mxm.w": "MXM west", "mxm.e": "MXM east",
    "sxm.w": "SXM west", "sxm.e": "SXM east", "vxm": "VXM", "c2c": "C2C",
}  # fmt: skip


def write_trace(program: Program, out: BinaryIO) -> int:
    """Writes the trace of a streaming program; returns the number of slices."""
    timeline, instructions = program.timeline, table(program.target)
    queues = {q.number: q for q in program.target.queues}
    tracks: dict[tuple[int, bool], int] = {}
    groups: dict[str, int] = {}
    count = 0
    for row in range(len(timeline.word)):
        number, word = int(timeline.queue[row]), int(timeline.word[row])
        queue = queues[number]
        instruction = instructions.decode(int(timeline.low[row]) | int(timeline.high[row]) << 64)
        key = (number, instruction.mnemonic in _WRITES)
        if key not in tracks:
            tracks[key] = _declare(out, queue, instruction.mnemonic in _WRITES, groups)
        place, flow = program.span(queue.name, word), program.flow(queue.name, word)
        notes = [("flow", flow or ""), ("source", f"{place.file}:{place.line}" if place else ""), ("word", str(word))]
        cycles = _cycles(timeline.start[row], timeline.count[row], timeline.every[row])
        for part in _slices(cycles, tracks[key], str(instruction), notes):
            out.write(part)
        count += len(cycles)
    return count


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


def _slices(cycles: NDArray[np.int64], track: int, name: str, notes: list[tuple[str, str]]) -> Iterator[bytes]:
    """The packets that begin and end a slice of one cycle at each of ``cycles``."""
    annotations = b"".join(_bytes(4, _text(10, key) + _text(6, value)) for key, value in notes if value)
    begin, first = _packet(_number(9, 1) + _number(11, track) + _text(23, name) + annotations)
    end, second = _packet(_number(9, 2) + _number(11, track))
    template = np.frombuffer(begin + end, np.uint8)
    for at in range(0, len(cycles), _CHUNK):
        part = cycles[at : at + _CHUNK]
        rows = np.tile(template, (len(part), 1))
        rows[:, first : first + _STAMP] = _stamps(part)
        rows[:, len(begin) + second : len(begin) + second + _STAMP] = _stamps(part + 1)
        yield rows.tobytes()


def _packet(event: bytes) -> tuple[bytes, int]:
    """A packet with a track event, and where its timestamp goes."""
    stamp = _varint(8 << 3)
    body = stamp + bytes(_STAMP) + _number(10, _SEQUENCE) + _bytes(11, event)
    packet = _bytes(1, body)
    return packet, len(packet) - len(body) + len(stamp)


def _stamps(cycles: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Varints of ``_STAMP`` bytes each, [n, _STAMP]."""
    shifts = np.arange(_STAMP, dtype=np.int64) * 7
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
