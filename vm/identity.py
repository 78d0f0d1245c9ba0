"""What a plan is kept by: all of a program that it depends on, compared as it is.

A digest of it would take as long as a good part of the verdict.
"""

from __future__ import annotations

from dataclasses import dataclass

from lpuasm.isa.layout import Layout
from lpuasm.isa.program import Program

_KNOWN = "_plan_identity"


@dataclass(frozen=True, slots=True)
class Identity:
    """The target's digest; names, kinds and layouts of tensors; words and intent as bytes; ``total``, a sum of the
    words, by which programs are found."""

    target: str
    tensors: tuple[tuple[str, str, Layout | None], ...]
    words: tuple[bytes, ...]
    total: int

    def __hash__(self) -> int:
        return self.total


def identity(program: Program) -> Identity:
    """That of a streaming program: unlike its digest, not of its symbols and its source."""
    known = program.__dict__.get(_KNOWN)
    if known is None:
        image = program.image
        words = tuple(c.tobytes() for c in (image.queue, image.begin, image.low, image.high, program.intent))
        tensors = tuple((t.name, t.kind, t.layout) for t in program.tensors)
        known = Identity(program.target.digest, tensors, words, int(image.low.sum()))
        program.__dict__[_KNOWN] = known
    assert isinstance(known, Identity)
    return known
