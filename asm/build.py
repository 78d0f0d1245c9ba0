"""From text to program. What only some sources need is imported for those."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING

from lpuasm.asm.constants import Files
from lpuasm.asm.draft import Draft
from lpuasm.asm.expand import expand, without_collector
from lpuasm.asm.passes import PHASES
from lpuasm.asm.problems import Problems
from lpuasm.asm.syntax import ScalarSection, Source
from lpuasm.isa.errors import AssemblyError, error
from lpuasm.isa.program import Program
from lpuasm.isa.target import Target, load_target, parse_target

if TYPE_CHECKING:
    from lpuasm.asm.stated import Stated

DEFAULT_TARGET = "tsp1"
_CHIP = re.compile(r'^\.chip "([^"\n]*)"[ \t\r]*$', re.MULTILINE)


@without_collector()
def assemble(
    text: str,
    name: str = "<text>",
    *,
    defines: Mapping[str, int | float] | None = None,
    target: Target | str | None = None,
    include: Sequence[Path] = (),
    library: Sequence[Path] = (),
    sources: dict[str, str] | None = None,
    pins: Mapping[str, int] | None = None,
    strict: bool = True,
) -> Program:
    """The program of a source; raises AssemblyError with everything that is wrong.

    ``name`` is the file's name in diagnostics, and where ``.include`` looks first. ``target`` is a target, its name
    or a TOML file; it must agree with the text's. ``sources`` is filled with the text of every file read, by its name
    in diagnostics. ``pins``: cycles in which flows start, by name. Without ``strict``, rules of placement and time are
    not held: for programs that are meant to fail.
    """
    texts: dict[str, str] = {} if sources is None else sources
    wanted = load_target(target) if isinstance(target, str) else target
    own = _embedded(text, name)
    if own is not None and wanted is not None and own.digest != wanted.digest:
        message = f"the listing is for a target of its own, {own.name}, and {wanted.name} was asked for"
        raise AssemblyError(error("LPU0214", message, help="leave --target out"))
    wanted = wanted or own

    def chip(named: str | None) -> Target:
        if wanted is not None:
            return wanted
        return load_target(DEFAULT_TARGET if named is None else named)

    source = expand(
        text,
        name,
        defines=_numbers(defines or {}),
        include=include,
        library=library,
        target=None if wanted is None else wanted.name,
        symbols_of=lambda named: chip(named).symbols,
        sources=texts,
    )
    if pins:
        from lpuasm.asm.pins import pinned

        source = pinned(source, pins)
    problems = Problems()
    listing = None
    if source.notes:
        from lpuasm.asm.stated import stated

        listing = stated(source.notes, problems)
        problems.stop()
    files = Files(name, include, None if listing is None else listing.data)
    if any(isinstance(section, ScalarSection) for section in source.sections):
        return _scalar(source, chip(source.target), files, listing)
    return _streaming(Draft(source, chip(source.target), files, texts, strict, problems, listing))


def _numbers(defines: Mapping[str, int | float]) -> dict[str, int | float]:
    """Defines as numbers of Python, numpy's among them; LPU0203 or LPU0206 for what is none."""
    plain: dict[str, int | float] = {}
    for name, value in defines.items():
        try:
            plain[name] = float(value) if isinstance(value, float) else index(value)
        except TypeError:
            raise AssemblyError(error("LPU0206", f"-D {name}: a number is needed, not {value!r}")) from None
        if not isinstance(plain[name], float) and not -(1 << 63) <= plain[name] < 1 << 63:
            raise AssemblyError(error("LPU0203", f"-D {name}: {value} does not fit 64 bits"))
    return plain


def _scalar(source: Source, target: Target, files: Files, listing: Stated | None) -> Program:
    from lpuasm.asm.scalar import lower_scalar

    if listing is None:
        return lower_scalar(source, target, files)
    from lpuasm.asm.stated import hold_to

    problems = Problems()
    program = hold_to(lower_scalar(source, target, files, listing.names), listing, problems)
    problems.stop()
    return program


def _streaming(draft: Draft) -> Program:
    for phase in PHASES:
        for step in phase:
            step(draft)
        draft.problems.stop()
    assert draft.program is not None
    return draft.program


def _embedded(text: str, name: str) -> Target | None:
    """The target that a listing brings with it: it is needed before anything of the text is understood."""
    lines = _CHIP.findall(text) if ".chip" in text else []
    if not lines:
        return None
    from lpuasm.asm.stated import unquoted

    try:
        return parse_target("\n".join(map(unquoted, lines)), f"{name} (.chip)")
    except (ValueError, RecursionError):
        raise AssemblyError(error("LPU0608", "the target of the listing is not TOML")) from None
