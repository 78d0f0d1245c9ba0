"""Tensor declarations as tensors with a layout: slices, addresses, tiles, constant data."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from lpuasm.asm.allocate import Regions
from lpuasm.asm.constants import Files, data
from lpuasm.asm.problems import Problems
from lpuasm.asm.queues import framed
from lpuasm.asm.syntax import TensorDecl, UnitRef
from lpuasm.isa.errors import AssemblyError, Diagnostic, error
from lpuasm.isa.layout import Layout, default_tile
from lpuasm.isa.operands import TYPE_BYTES
from lpuasm.isa.program import Tensor
from lpuasm.isa.suggest import did_you_mean
from lpuasm.isa.target import Target

LARGEST = 1 << 40
"""Elements of a tensor, far beyond the memory of any target."""


def tensors(declarations: Sequence[TensorDecl], target: Target, files: Files, problems: Problems) -> tuple[Tensor, ...]:
    """The tensors of a program, placed: those with an address where it says, the others where there is room.

    A tensor without an address lies at the lowest address that is free in all of its slices, in order of declaration.
    """
    regions = Regions(target, shared=files.listed is not None)
    laid: dict[str, tuple[TensorDecl, Layout]] = {}
    for declaration in sorted(declarations, key=lambda d: d.address is None):
        with problems:
            layout = _layout(declaration, target)
            laid[declaration.name] = declaration, regions.place(declaration, layout)
    made = []
    for declaration in declarations:
        if declaration.name in laid:
            with problems:
                made.append(_tensor(*laid[declaration.name], files))
    return tuple(made)


def _tensor(declaration: TensorDecl, layout: Layout, files: Files) -> Tensor:
    return Tensor(declaration.name, declaration.kind, layout, data(declaration, files))


def wrong(declaration: TensorDecl, code: str, message: str, help: str = "") -> AssemblyError:
    """A diagnostic at a declaration."""
    return AssemblyError(_problem(declaration, code, message, help))


def _problem(declaration: TensorDecl, code: str, message: str, help: str) -> Diagnostic:
    return framed(error(code, f"{declaration.name}: {message}", declaration.span, help=help), declaration.frames)


def _layout(declaration: TensorDecl, target: Target) -> Layout:
    """The layout of a declaration, at address 0 where none is stated."""
    if declaration.dtype not in TYPE_BYTES:
        help_ = did_you_mean(declaration.dtype, TYPE_BYTES, f"the types are {', '.join(TYPE_BYTES)}")
        raise wrong(declaration, "LPU0501", f"there is no type `{declaration.dtype}`", help_)
    if any(d < 0 for d in declaration.dims):
        raise wrong(declaration, "LPU0502", "a dimension is negative", "dimensions are 0 or more")
    if prod(max(d, 1) for d in declaration.dims) > LARGEST:
        raise wrong(declaration, "LPU0506", "it is larger than the memory of any chip", "cut it")
    slices = _slices(declaration, target)
    planes = TYPE_BYTES[declaration.dtype]
    if len(slices) % planes:
        message = f"{declaration.dtype} lies in groups of {planes} slices, a byte plane each; {len(slices)} are named"
        raise wrong(declaration, "LPU0504", message, f"name {planes} slices, or a multiple of that")
    rows, columns = declaration.tile or default_tile(declaration.dims, target.lanes)
    if rows < 1 or not 1 <= columns <= target.lanes:
        raise wrong(declaration, "LPU0505", *_bad_tile(declaration, rows, columns, target))
    bank_words, run = target.geometry.words_per_bank, declaration.banks_run
    if run is not None and (target.geometry.banks != 2 or not 1 <= run <= bank_words):
        raise wrong(declaration, "LPU0505", f"runs of {run} words are not 1 … {bank_words}", "such as `banks run 1`")
    if run is not None and declaration.bank:
        raise wrong(declaration, "LPU0505", "its runs begin in bank 0", "leave `bank` out")
    return Layout(
        declaration.dtype, declaration.dims, slices, _base(declaration, target), rows, columns, run or 0, bank_words
    )


def _bad_tile(declaration: TensorDecl, rows: int, columns: int, target: Target) -> tuple[str, str]:
    """(what is wrong with a tile, the way out)."""
    if 0 in declaration.dims and rows in declaration.dims:
        shape = ", ".join(map(str, declaration.dims))
        return (
            f"it is empty, [{shape}], and a tile of {rows}x{columns} has no rows",
            f"write `tile max(rows, 1) x {columns}`",
        )
    message = f"a tile of {rows}x{columns} is not 1 or more rows of 1 … {target.lanes} columns"
    return message, f"leave `tile` out for tiles of {target.lanes} columns, or fewer of them"


def _base(declaration: TensorDecl, target: Target) -> int:
    """The address that is stated; with a bank it counts from the start of that bank."""
    bank, words = declaration.bank, target.geometry.words_per_bank
    if bank is not None and not 0 <= bank < target.geometry.banks:
        message = f"there is no bank {bank}; a slice has {target.geometry.banks}, 0 … {target.geometry.banks - 1}"
        raise wrong(declaration, "LPU0503", message, "leave `bank` out, or take one of these")
    address = declaration.address or 0
    limit = target.words if bank is None else words
    if not 0 <= address < limit:
        what = "a slice" if bank is None else "a bank"
        raise wrong(declaration, "LPU0503", f"{address:#x} is not an address of {what}, 0 … {limit - 1:#x}")
    return address + (bank or 0) * words


def _slices(declaration: TensorDecl, target: Target) -> tuple[int, ...]:
    """The queue numbers of the slices that a placement names, in its order."""
    if not declaration.placement:
        raise wrong(declaration, "LPU0503", "it has no place", "say where it lies, such as `at mem.w0`")
    slices: list[int] = []
    for place in declaration.placement:
        for name in _names(declaration, place, target):
            queue = target.queue.get(name)
            if queue is None or queue.kind != "mem":
                last = target.geometry.slices - 1
                help_ = f"slices are mem.w0 … mem.w{last} and mem.e0 … mem.e{last}"
                raise wrong(declaration, "LPU0503", f"`{name}` is not a memory slice of {target.name}", help_)
            if queue.number in slices:
                raise wrong(declaration, "LPU0503", f"`{name}` is named twice")
            slices.append(queue.number)
    return tuple(slices)


def _names(declaration: TensorDecl, place: UnitRef, target: Target) -> list[str]:
    if place.address is not None:
        message = f"`{place.name}[{place.address}]` names a word, not a slice"
        raise wrong(declaration, "LPU0503", message, f"write `at {place.name} address {place.address:#x}`")
    if place.range is None:
        return [place.name]
    first, last = place.range
    if min(first, last) < 0 or max(first, last) >= target.geometry.slices:
        slices = target.geometry.slices
        raise wrong(declaration, "LPU0503", f"`{place.name}[{first}..{last}]` is not within 0 … {slices - 1}")
    step = 1 if last >= first else -1
    return [f"{place.name}{k}" for k in range(first, last + step, step)]
