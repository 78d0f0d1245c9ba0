"""What is said after a change: when a flow runs, how long it is, what it waits for, what the program costs now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from lpuasm.repl.items import Item
from lpuasm.repl.session import Built

if TYPE_CHECKING:
    from lpuasm.asm.explain import Explanation, FlowReport
    from lpuasm.isa.program import Program

#: Flows that are shown of a change.
_SHOWN = 8


def change_report(items: Sequence[Item], before: Built | None, after: Built) -> list[str]:
    """Lines about a change: the tensors and flows that were typed, the flows that it moved, and the totals."""
    old = before.explanation if before else None
    new = after.explanation
    lines = [_tensor(after.program, item.name) for item in items if item.kind == "tensor"]
    if new is None:
        return [*lines, "scalar code: its cycles are known when it has run"]
    starts = {f.name: (f.start, f.length) for f in old.flows} if old else {}
    typed = {item.name for item in items if item.kind == "flow"}
    blocks = any(item.kind not in ("flow", "tensor", "param", "equ", "target") for item in items)
    shown = [f for f in new.flows if f.name in typed or (blocks and f.name not in starts)]
    lines += flow_lines(shown, starts)
    names = {f.name for f in shown}
    moved = [f for f in new.flows if f.name in starts and f.name not in names and starts[f.name][0] != f.start]
    lines += [f"moved: {f.name} {starts[f.name][0]:,} -> {f.start:,}" for f in moved[:_SHOWN]]
    if len(moved) > _SHOWN:
        lines.append(f"       and {len(moved) - _SHOWN:,} more flows")
    if lines == [] and old is not None and totals(old) == totals(new):
        return []
    return [*lines, total_line(old, new)] if new.flows or new.cycles else lines


def flow_lines(flows: Sequence[FlowReport], before: Mapping[str, tuple[int, int]] = MappingProxyType({})) -> list[str]:
    """Start, length and wait of flows, a line each; a long list is cut. ``before``: what start and length were."""
    lines = []
    for flow in flows[:_SHOWN]:
        wait = flow.waits_for
        old = before.get(flow.name)
        start = f"{flow.start:,}{_change(old[0] if old else None, flow.start)}"
        length = f"{flow.length:,}{_change(old[1] if old else None, flow.length)}"
        what = "nothing" if wait.kind == "start" else wait.what
        text = f"{flow.name}: cycle {start}, length {length}; waits for {what}"
        if wait.flow is not None:
            text += f", by {wait.flow}"
        if wait.gain:
            text += f" (without it {wait.gain:,} sooner)"
        lines.append(text)
    if len(flows) > _SHOWN:
        lines.append(f"and {len(flows) - _SHOWN:,} more flows")
    return lines


def totals(e: Explanation) -> tuple[int, int, int]:
    return e.cycles, e.floor, e.gap


def total_line(old: Explanation | None, new: Explanation) -> str:
    """Cycles, floor and gap, each with its change."""
    before = totals(old) if old and old.flows else (None, None, None)
    parts = []
    for name, was, now in zip(("cycles", "floor", "gap"), before, totals(new), strict=True):
        parts.append(f"{name} {now:,}{_change(was, now)}")
    return ", ".join(parts)


def _change(was: int | None, now: int) -> str:
    return "" if was is None or was == now else f" ({now - was:+,})"


def _tensor(program: Program, name: str) -> str:
    tensor = program.tensor.get(name)
    if tensor is None or tensor.layout is None:
        return f"{name}: declared"
    layout = tensor.layout
    shape = ", ".join(map(str, layout.shape))
    first, last = (program.target.queues[layout.slices[k]].name for k in (0, -1))
    where = first if first == last else f"{first} … {last}"
    return f"{name}: {layout.dtype} [{shape}] in {where}, words {layout.address} to {layout.last_address()}"
