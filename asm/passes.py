"""What the assembler does to an expanded source, in order: phases of passes. All errors of a phase are reported."""

from __future__ import annotations

from collections.abc import Callable

from lpuasm.asm import lower
from lpuasm.asm.draft import Draft
from lpuasm.asm.link import link
from lpuasm.asm.verdict import stated, verdict

Pass = Callable[[Draft], None]

PHASES: tuple[tuple[Pass, ...], ...] = (
    (lower.tensors,),
    (lower.words, lower.schedule),
    (lower.flows,),
    (lower.queues,),
    (link, stated),
    (verdict,),
)
