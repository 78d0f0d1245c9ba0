"""The memory of the slices while tensors are placed: who lies where, and where there is room."""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass, field, replace

from lpuasm.asm.syntax import TensorDecl
from lpuasm.isa.errors import AssemblyError, Diagnostic, Related, error
from lpuasm.isa.layout import Layout
from lpuasm.isa.target import Target

Piece = tuple[int, int]
"""Addresses from the first up to, not including, the second."""


@dataclass(slots=True)
class Regions:
    """The words of each slice that are taken: (first, end, tensor), in order, and up to where all are.
    ``shared``: tensors may overlap."""

    target: Target
    shared: bool = False
    taken: dict[int, list[tuple[int, int, TensorDecl]]] = field(default_factory=dict)
    full: dict[int, int] = field(default_factory=dict)

    def place(self, declaration: TensorDecl, layout: Layout) -> Layout:
        """``layout`` where it is stated to be, or at the lowest address at which it fits; AssemblyError if it does not.

        All slices of a tensor use one base address.
        """
        if declaration.address is None:
            layout = replace(layout, address=self._lowest(layout))
        self._inside(declaration, layout)
        for first, end in () if self.shared else pieces(layout):
            for slice_ in layout.slices:
                self._clear(declaration, slice_, first, end)
        for first, end in pieces(layout):
            for slice_ in layout.slices:
                own = self.taken.setdefault(slice_, [])
                insort(own, (first, end, declaration), key=_start)
                self._fill(slice_, own)
        return layout

    def _fill(self, slice_: int, own: list[tuple[int, int, TensorDecl]]) -> None:
        full = self.full.get(slice_, 0)
        for start, stop, _ in own[max(bisect_right(own, full, key=_start) - 1, 0) :]:
            if start > full:
                break
            full = max(full, stop)
        self.full[slice_] = full

    def _lowest(self, layout: Layout) -> int:
        """The lowest base at which no piece meets another tensor."""
        offsets = [(first - layout.address, end - layout.address) for first, end in pieces(layout)]
        base = max([layout.address, *(self.full.get(slice_, 0) for slice_ in layout.slices if offsets)])
        moved = True
        while moved:
            moved = False
            for first, end in offsets:
                for slice_ in layout.slices:
                    own = self.taken.get(slice_, ())
                    for start, stop, _ in own[max(bisect_right(own, base + first, key=_start) - 1, 0) :]:
                        if start >= base + end:
                            break
                        if base + first < stop:
                            base = stop - first
                            moved = True
        return base

    def _inside(self, declaration: TensorDecl, layout: Layout) -> None:
        limit = self.target.words
        words = self.target.geometry.words_per_bank
        if declaration.bank is not None and not layout.run:
            limit = (declaration.bank + 1) * words
        first = pieces(layout)[:1]
        over = any(end > limit for _, end in pieces(layout))
        if layout.run and first and first[0][1] > words:
            over = True
        if over:
            slices = len(layout.slices)
            whole = f"{layout.depth} words" + (f" in each of {slices} slices" if slices > 1 else "")
            where = f"bank {declaration.bank} ends" if declaration.bank is not None else "memory ends"
            if layout.run:
                where, limit = "bank 0 ends", words
            message = f"{declaration.name}: it takes {whole}, from {layout.address:#x} on; {where} at {limit - 1:#x}"
            raise AssemblyError(_at(declaration, "LPU0506", message, (), "spread it over more slices, or name others"))

    def _clear(self, declaration: TensorDecl, slice_: int, first: int, end: int) -> None:
        own = self.taken.get(slice_, ())
        for start, stop, other in own[max(bisect_right(own, first, key=_start) - 1, 0) :]:
            if start >= end:
                return
            if first < stop:
                name = self.target.queues[slice_].name
                low, high = max(start, first), min(stop, end) - 1
                message = f"{declaration.name} and {other.name} both lie in {name} at {low:#x} … {high:#x}"
                related = (Related(f"{other.name} is declared here", other.span),)
                help_ = "leave the address out, and it goes where there is room"
                raise AssemblyError(_at(declaration, "LPU0507", message, related, help_))


def _start(entry: tuple[int, int, TensorDecl]) -> int:
    return entry[0]


def pieces(layout: Layout) -> list[Piece]:
    """The addresses that a tensor takes in each of its slices: one piece, or one a bank."""
    depth, base, run = layout.depth, layout.address, layout.run
    if not depth:
        return []
    if not run:
        return [(base, base + depth)]
    rounds, rest = divmod(depth, 2 * run)
    even, odd = rounds * run + min(rest, run), rounds * run + max(rest - run, 0)
    found = [(base, base + even)]
    return [*found, (base + layout.bank_words, base + layout.bank_words + odd)] if odd else found


def _at(declaration: TensorDecl, code: str, message: str, related: tuple[Related, ...], help: str) -> Diagnostic:
    frames = tuple(frame.related() for frame in reversed(declaration.frames))
    return error(code, message, declaration.span, related=(*related, *frames), help=help)
