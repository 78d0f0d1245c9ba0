"""From text to program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lpuasm.asm.constants import Files
from lpuasm.asm.draft import Draft
from lpuasm.asm.expand import expand
from lpuasm.asm.passes import PASSES
from lpuasm.asm.problems import Problems
from lpuasm.asm.scalar import lower_scalar
from lpuasm.asm.syntax import ScalarSection
from lpuasm.isa.program import Program
from lpuasm.isa.target import Target, load_target

DEFAULT_TARGET = "tsp1"


def assemble(
    text: str,
    name: str = "<text>",
    *,
    defines: Mapping[str, int | float] | None = None,
    target: Target | str | None = None,
    include: Sequence[Path] = (),
    library: Sequence[Path] = (),
    sources: dict[str, str] | None = None,
    strict: bool = True,
) -> Program:
    """The program of a source; raises AssemblyError with everything that is wrong.

    ``name`` is the file's name in diagnostics, and where ``.include`` looks first. ``target`` is a target, its name
    or a TOML file; it must agree with the text's. ``sources`` is filled with the text of every file read, by its name
    in diagnostics. Without ``strict``, rules of placement and time are not held: for programs that are meant to fail.
    """
    texts: dict[str, str] = {} if sources is None else sources
    wanted = load_target(target) if isinstance(target, str) else target

    def chip(named: str | None) -> Target:
        if wanted is not None:
            return wanted
        return load_target(DEFAULT_TARGET if named is None else named)

    source = expand(
        text,
        name,
        defines=defines,
        include=include,
        library=library,
        target=None if wanted is None else wanted.name,
        symbols_of=lambda named: chip(named).symbols,
        sources=texts,
    )
    if any(isinstance(section, ScalarSection) for section in source.sections):
        return lower_scalar(source, chip(source.target), Files(name, include))
    draft = Draft(source, chip(source.target), Files(name, include), texts, strict, Problems())
    for step in PASSES:
        step(draft)
        draft.problems.stop()
    assert draft.program is not None
    return draft.program
