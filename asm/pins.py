"""Flows that start where a caller says, whatever their text says: for schedulers, and for asking what would be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lpuasm.asm.syntax import At, Flow, Source
from lpuasm.isa.errors import AssemblyError, error
from lpuasm.isa.suggest import did_you_mean


def pinned(source: Source, pins: Mapping[str, int]) -> Source:
    """A source whose flows ``pins`` names start in those cycles.

    Raises:
        AssemblyError: LPU0219, there is no such flow.
    """
    names = {section.name for section in source.sections if isinstance(section, Flow)}
    unknown = [name for name in pins if name not in names]
    if unknown:
        raise AssemblyError(
            *(error("LPU0219", f"pins: there is no flow `{n}`", help=did_you_mean(n, names)) for n in unknown)
        )
    sections = tuple(
        replace(section, start=At(int(pins[section.name]), section.span))
        if isinstance(section, Flow) and section.name in pins
        else section
        for section in source.sections
    )
    return replace(source, sections=sections)
