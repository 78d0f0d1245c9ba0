"""Operands of flow statements on units with one place a hemisphere: their values, what they hear and drive.

Here ``t`` of a node is the dispatch of its first issue. Types follow from what
the operands carry; a suffix that is written says otherwise, for nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lpuasm.asm.body import Channel, Node, Source, Tap
from lpuasm.asm.flows import Lowering, tap_channels
from lpuasm.asm.operands import bind
from lpuasm.asm.syntax import Clause, Operand, Statement, StreamRef, Value
from lpuasm.isa.definition import Definition
from lpuasm.isa.errors import AssemblyError, Diagnostic
from lpuasm.isa.operands import TYPE_BYTES
from lpuasm.isa.target import Queue


def bound_values(
    lowering: Lowering, statement: Statement, definition: Definition, inputs: tuple[Operand, ...], dtype: str, pair: str
) -> dict[str, Any]:
    """The operand values of a statement, its suffixes filled in from ``dtype`` where none is written."""
    outputs = tuple(o for o in statement.outputs if not isinstance(o, Value))
    names = [o.name for o in definition.operands if o.kind == "type"]
    written = [s for s in statement.suffixes if s in TYPE_BYTES]
    flags = [s for s in statement.suffixes if s not in TYPE_BYTES]
    if names == ["type", "to"] and len(written) == 1 and dtype:
        written = [dtype, *written]
    elif len(names) == 1 and not written and dtype in definition.types:
        written = [dtype]
    clauses = tuple(c for c in statement.clauses if isinstance(c, Clause))
    plain = replace(statement, suffixes=(*written, *flags), inputs=inputs, outputs=outputs, clauses=clauses)

    def no_address(_: Statement, ref: Operand) -> int:
        raise AssemblyError(
            statement.error("LPU1110", "a tensor is read into streams first", ref.span, help="use `read TENSOR -> …`")
        )

    return dict(bind(plain, definition, inputs, no_address, pair).values)


def indices(definition: Definition) -> dict[str, int]:
    """The index of each operand in its definition."""
    return {o.name: k for k, o in enumerate(definition.operands)}


def positional(definition: Definition, role: str) -> list[str]:
    """The names of the operands of a role that are written one after another."""
    return [o.name for o in definition.operands if o.role == role and o.kind != "dims"]


def hear_all(
    lowering: Lowering, statement: Statement, inputs: list[tuple[str, StreamRef]]
) -> tuple[list[tuple[str, StreamRef, list[Source]]], list[Source]]:
    """(each operand with what travels on its streams, all of these sources)."""
    heard = [(name, ref, lowering.hear(statement, ref)) for name, ref in inputs]
    return heard, [s for _, _, sources in heard for s in sources]


def carried(statement: Statement, ref: StreamRef, sources: list[Source]) -> str:
    """The type that a group carries; "" where the streams carry several values or bytes of unknown type."""
    kinds = {s.dtype for s in sources}
    if len(kinds) != 1:
        return ""
    dtype = kinds.pop()
    planes = TYPE_BYTES.get(dtype, 0)
    return dtype if planes and [s.plane for s in sources] == [k % planes for k in range(ref.size)] else ""


def attach(
    lowering: Lowering,
    node: Node,
    heard: list[tuple[str, StreamRef, list[Source]]],
    queue: Queue,
    definition: Definition,
) -> tuple[Tap, ...]:
    """Ties a node to what it hears; the taps that it reads."""
    index = indices(definition)
    taps: list[Tap] = []
    for name, ref, sources in heard:
        register = lowering.target.read_tap(queue, ref.direction)
        if register is None:
            raise AssemblyError(_no_tap(node.statement, ref, queue, "reads"))
        skew = definition.timing.skew
        taps += tap_channels(ref, register, skew, index[name])
        for k, source in enumerate(sources):
            lowering.connect(node, source.node, source.shift + register - skew, ref.span)
            node.heard[Channel(ref.direction, ref.first + k)] = source
    return tuple(taps)


def drive_all(
    lowering: Lowering, node: Node, queue: Queue, definition: Definition, outs: list[tuple[str, StreamRef]], dtype: str
) -> tuple[Tap, ...]:
    """Notes what a node drives from now on; the taps that it drives. ``dtype`` is the type of the values."""
    index = indices(definition)
    taps: list[Tap] = []
    for name, ref in outs:
        register = lowering.target.drive_tap(queue, ref.direction)
        if register is None:
            raise AssemblyError(_no_tap(node.statement, ref, queue, "drives"))
        taps += tap_channels(ref, register, definition.timing.func, index[name])
        for k in range(ref.size):
            plane = k % TYPE_BYTES.get(dtype, 1)
            lowering.drive(node, Channel(ref.direction, ref.first + k), definition.timing.func - register, dtype, plane)
    return tuple(taps)


def _no_tap(statement: Statement, ref: StreamRef, queue: Queue, what: str) -> Diagnostic:
    other = "w" if ref.direction == "e" else "e"
    return statement.error(
        "LPU1105",
        f"{queue.unit} {what} no values that travel {'east' if ref.direction == 'e' else 'west'}",
        ref.span,
        help=f"use a stream of the other direction, `.{other}`",
    )
