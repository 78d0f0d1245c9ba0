"""Breakpoints: what a run stops at, forward and backward."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.casts import DTYPES
from lpuasm.isa.errors import Diagnostic, LpuError, error
from lpuasm.isa.layout import Layout
from lpuasm.isa.program import Program
from lpuasm.vm.moments import Moments

_ADDRESS = re.compile(r"(mem\.[we]\d+)\[\s*(0[xX][0-9a-fA-F]+|\d+)\s*\]")
_VALUE = re.compile(r"(?:value\s+)?([A-Za-z_]\w*)\s*(nan|inf|[<>!=]=?)\s*([-+]?[\w.]+(?:[-+]\d+)?)?")
_LINE = re.compile(r"(?:(.*):|line\s+)?(\d+)")
_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
    "==": np.equal, "=": np.equal, "!=": np.not_equal,
}  # fmt: skip


class DebugError(LpuError):
    """A question about a run that has no answer."""


@dataclass(frozen=True)
class Watch:
    """Elements of a tensor that a run stops at when one is stored: ``test`` is true of them."""

    layout: Layout
    test: Callable[[NDArray[Any]], NDArray[np.bool_]]


@dataclass(frozen=True)
class Break:
    """One breakpoint. It stops in one of ``cycles``; at a store to ``word`` (slice, address); or by ``watch``."""

    text: str
    cycles: tuple[int, ...] = ()
    word: tuple[int, int] | None = None
    watch: Watch | None = None

    @property
    def known(self) -> bool:
        """Whether the cycles in which it stops are known without running."""
        return self.word is None and self.watch is None


def parse(text: str, program: Program, moments: Moments) -> Break:
    """The breakpoint that words name.

    ``cycle 45`` or ``45``, ``multiply`` or ``flow multiply``, ``line 12`` or ``kernel.s:12``, a unit or queue
    (``mxm.e0``), ``mem.w12[0x40]``, ``C nan``, ``C > 100``. Raises DebugError.
    """
    said = " ".join(text.split())
    kind, _, rest = said.partition(" ")
    if kind in ("cycle", "at") or said.isdigit():
        number = said if said.isdigit() else rest.removeprefix("cycle ").replace(",", "")
        if not number.isdigit():
            raise _no(f"'{rest}' is no cycle")
        return Break(f"cycle {int(number)}", (int(number),))
    name = rest if kind == "flow" else said
    if name in moments.flows:
        return Break(f"flow {name}", (moments.flows[name],))
    if match := _ADDRESS.fullmatch(said):
        queue = program.target.queue.get(match[1])
        address = int(match[2], 0)
        if queue is None or address >= program.target.words:
            raise _no(f"{program.target.name} has no word {said}")
        return Break(f"a write to {queue.name}[{address:#06x}]", word=(queue.number, address))
    queues = queues_of(program, said.removeprefix("unit ").removeprefix("queue "))
    if queues:
        return Break(said, tuple(moments.queue_starts(queues)))
    if match := _VALUE.fullmatch(said):
        return _value(program, match)
    if (match := _LINE.fullmatch(said)) and (match[1] or kind == "line"):
        cycles = moments.line_starts(match[1] or "", int(match[2]))
        if not cycles:
            raise _no(f"no instruction comes from line {match[2]}", _lines(program))
        return Break(f"line {match[2]}", tuple(cycles))
    flows = ", ".join(list(moments.flows)[:8])
    raise _no(f"'{said}' is nothing to stop at", "a cycle, a flow, `line N`, a unit, mem.w12[0x40], `C nan`, `C > 100`"
              + (f"; the flows are {flows}" if flows else ""))  # fmt: skip


def _value(program: Program, match: re.Match[str]) -> Break:
    name, sign, number = match[1], match[2], match[3]
    tensor = program.tensor.get(name)
    if tensor is None or tensor.layout is None:
        names = ", ".join(t.name for t in program.tensors)
        raise _no(f"the program has no tensor '{name}'", f"its tensors are {names}" if names else "")
    dtype = DTYPES[tensor.layout.dtype]
    if sign in ("nan", "inf"):
        if dtype.kind != "f" or number:
            raise _no(f"nothing stands after `{sign}`" if number else f"{name} is {tensor.layout.dtype}, never {sign}",
                      f"compare it with a number: `{name} > 100`")  # fmt: skip
        test = np.isnan if sign == "nan" else np.isinf
        return Break(f"{name} {sign}", watch=Watch(tensor.layout, lambda values: np.asarray(test(values))))
    try:
        limit = int(number, 0) if dtype.kind in "iu" else float(number)
    except (TypeError, ValueError):
        raise _no(f"'{number}' is no number that {name} is compared with") from None
    if sign not in _COMPARE:
        raise _no(f"`{sign}` is no comparison", "write <, <=, >, >=, == or !=")
    compare = _COMPARE[sign]
    return Break(f"{name} {sign} {number}",
                 watch=Watch(tensor.layout, lambda values: np.asarray(compare(values, limit))))  # fmt: skip


def queues_of(program: Program, name: str) -> set[int]:
    """The numbers of the queues that a name means: of a queue, a unit, or a part of the chip (``mxm.e``, ``vxm``)."""
    return {q.number for q in program.target.queues if name in (q.name, q.unit) or q.name.startswith(f"{name}.")}


def _lines(program: Program) -> str:
    lines = sorted({s.line for q, places in program.places.items() for w in range(len(places))
                    if (s := program.span(q, w)) is not None})  # fmt: skip
    return f"the lines are {', '.join(map(str, lines[:16]))}{' …' if len(lines) > 16 else ''}" if lines else ""


def wrong(code: str, message: str, help: str = "") -> DebugError:
    return DebugError(_diagnostic(code, message, help))


def _no(message: str, help: str = "") -> DebugError:
    return wrong("LPU1208", message, help)


def _diagnostic(code: str, message: str, help: str) -> Diagnostic:
    return error(code, message, help=help)
