"""A program in the making: what the passes of the assembler have found so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lpuasm.asm.constants import Files
from lpuasm.asm.encode import Site
from lpuasm.asm.merge import Columns, Filled
from lpuasm.asm.problems import Problems
from lpuasm.asm.queues import Image
from lpuasm.asm.rows import Row, Run
from lpuasm.asm.syntax import Source
from lpuasm.isa.program import Program, Symbol, Tensor
from lpuasm.isa.target import Target

if TYPE_CHECKING:
    from lpuasm.asm.place import Placed
    from lpuasm.asm.stated import Stated


@dataclass(frozen=True, slots=True)
class Meant:
    """One row of the intent table: which row an operand's stream is to hear. Operands count in their definition."""

    reader: Row
    operand: int
    stream: int
    writer: Row


@dataclass(slots=True)
class Draft:
    """What is known of a program. Each pass adds its part; the last one makes ``program``.

    ``sources``: texts by the names they have in spans, the main file first. ``strict``: whether rules and verdict are
    held. ``written``: the words of ``.queue`` sections. ``rows`` come from schedule lines and from flows; ``flows`` are
    the names that ``Row.flow`` counts.
    """

    source: Source
    target: Target
    files: Files
    sources: Mapping[str, str]
    strict: bool
    problems: Problems
    listing: Stated | None = None
    tensors: tuple[Tensor, ...] = ()
    images: dict[str, Image] = field(default_factory=dict)
    written: dict[str, Columns] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    flows: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    placed: list[Placed] = field(default_factory=list)
    meant: list[Meant] = field(default_factory=list)
    filled: list[Filled] = field(default_factory=list)
    symbols: list[Symbol] = field(default_factory=list)
    program: Program | None = None

    @property
    def site(self) -> Site:
        """What statements are encoded for."""
        return Site(self.target, {tensor.name: tensor for tensor in self.tensors}, self.strict)
