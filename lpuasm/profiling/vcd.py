"""A program's timeline as a value change dump (IEEE 1364), for waveform viewers.

Of each queue that works a bit that is 1 while it dispatches, and the
instruction as a string; memory slices have both for what they read and what
they write. Of each stream a bit for every register where a value enters or is
heard, 1 while it holds a value that something will still hear. One cycle is
one nanosecond.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.core import table
from lpuasm.isa.program import Program
from lpuasm.isa.runs import Lines, lines, spread
from lpuasm.profiling.streams import Segments, segments

Ints = NDArray[np.int64]


def write_waves(program: Program, out: BinaryIO) -> int:
    """Writes the dump of a streaming program; returns the number of signals."""
    changes: list[tuple[Ints, list[bytes]]] = []
    out.write(f"$timescale 1 ns $end\n$scope module {program.target.name} $end\n".encode())
    for scope, signals in groupby((*_queues(program), *_streams(program)), key=lambda signal: signal[0]):
        out.write(f"$scope module {scope} $end\n".encode())
        for _, kind, name, cycles, values in signals:
            code = _code(len(changes))
            out.write(f"$var {kind} 1 {code} {name} $end\n".encode())
            changes.append((cycles, [value + (b" " if kind == "string" else b"") + code.encode() for value in values]))
        out.write(b"$upscope $end\n")
    out.write(b"$upscope $end\n$enddefinitions $end\n")
    cycles = np.concatenate([c for c, _ in changes]) if changes else np.zeros(0, np.int64)
    texts = [value for _, values in changes for value in values]
    now = -1
    for k in np.argsort(cycles, kind="stable").tolist():
        if cycles[k] != now:
            now = int(cycles[k])
            out.write(b"#%d\n" % now)
        out.write(texts[k] + b"\n")
    if (program.cycles or 0) > now:
        out.write(b"#%d\n" % (program.cycles or 0))
    return len(changes)


_Signal = tuple[str, str, str, Ints, list[bytes]]


def _queues(program: Program) -> Iterator[_Signal]:
    """(scope, kind, name, cycles, values) of the queues."""
    timeline, instructions = program.timeline, table(program.target)
    nests = lines(timeline.start, timeline.count, timeline.every)
    writes = {d.opcode for d in instructions if d.uses("writes", "sram")}
    side = np.isin(timeline.opcode, list(writes))
    for number in np.unique(timeline.queue).tolist():
        queue = program.target.queues[number]
        for is_write in (False, True):
            rows = np.flatnonzero((timeline.queue == number) & (side == is_write))
            if not len(rows):
                continue
            name = queue.name if queue.kind != "mem" else f"{queue.name}.{'write' if is_write else 'read'}"
            cycles, family = _expanded(nests.of(rows))
            first, last = _stretches(cycles)
            yield name.replace(".", "_"), "wire", "busy", *_bits(first, last)
            fresh = np.ones(len(cycles), bool)
            fresh[1:] = family[1:] != family[:-1]
            words = [
                str(instructions.decode(int(timeline.low[k]) | int(timeline.high[k]) << 64))
                for k in rows[family[fresh]].tolist()
            ]
            values = [b"s" + word.replace(" ", "_").encode() for word in words]
            yield name.replace(".", "_"), "string", "word", cycles[fresh], values


def _streams(program: Program) -> Iterator[_Signal]:
    """The same of the registers of streams at which something happens."""
    found = segments(program.timeline)
    streams = program.target.geometry.streams
    heard = found.last >= 0
    for channel in np.unique(found.channel[heard]).tolist():
        rows = np.flatnonzero(heard & (found.channel == channel))
        name = f"s{channel % streams}_{'ew'[channel // streams]}"
        for register in np.unique(np.concatenate((found.first[rows], found.last[rows]))).tolist():
            passing = rows[(found.first[rows] <= register) & (register <= found.last[rows])]
            cycles = np.unique(_diagonals(found, passing) + register)
            yield name, "wire", f"sr{register}", *_bits(*_stretches(cycles))


def _diagonals(found: Segments, rows: Ints) -> Ints:
    row, inside = spread(found.count[rows])
    return np.asarray(found.diagonal[rows][row] + inside * found.stride[rows][row])


def _expanded(nests: Lines) -> tuple[Ints, Ints]:
    """(cycles, families) of every dispatch of lines, in order."""
    row, inside = spread(nests.count)
    cycles, family = nests.start[row] + inside * nests.stride[row], nests.family[row]
    order = np.argsort(cycles, kind="stable")
    return cycles[order], family[order]


def _stretches(cycles: Ints) -> tuple[Ints, Ints]:
    """(first, one past the last) of cycles that follow each other."""
    gaps = np.flatnonzero(np.diff(cycles) > 1)
    return cycles[np.concatenate(([0], gaps + 1))], cycles[np.concatenate((gaps, [len(cycles) - 1]))] + 1


def _bits(first: Ints, last: Ints) -> tuple[Ints, list[bytes]]:
    zero = [b"0"] if first[0] > 0 else []
    cycles = np.concatenate((np.zeros(len(zero), np.int64), np.stack((first, last), 1).reshape(-1)))
    return cycles, zero + [b"1", b"0"] * len(first)


def _code(number: int) -> str:
    """The short name of a signal, of printable characters."""
    code = ""
    while True:
        number, digit = divmod(number, 94)
        code += chr(33 + digit)
        if not number:
            return code
        number -= 1
