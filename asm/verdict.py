"""The last passes: what a listing states of the program, and whether the program is legal in time."""

from __future__ import annotations

from dataclasses import replace

from lpuasm.asm.draft import Draft
from lpuasm.asm.syntax import Statement
from lpuasm.isa.errors import Diagnostic, Related
from lpuasm.isa.faults import Violation, describe
from lpuasm.isa.legality import verdict as violations


def stated(draft: Draft) -> None:
    """Gives a listing's program what the listing states."""
    assert draft.program is not None
    if draft.listing is not None:
        from lpuasm.asm.stated import hold_to

        draft.program = hold_to(draft.program, draft.listing, draft.problems)


def verdict(draft: Draft) -> None:
    """Holds the program to the rules of time; its faults are told at the statements that they come from."""
    assert draft.program is not None
    if not draft.strict:
        return
    for violation in violations(draft.program):
        draft.problems.add(_told(draft, violation))


def _told(draft: Draft, violation: Violation) -> Diagnostic:
    """The diagnostic of a violation, with the whole statements of both parties and what they were expanded from."""
    assert draft.program is not None
    told = describe(draft.program, violation)
    statement = _statement(draft, violation.queue, violation.word)
    if statement is None:
        return told
    other = _statement(draft, violation.other_queue, violation.other_word)
    parties = [Related(r.message, other.span if other is not None else r.span) for r in told.related]
    frames = [frame.related() for frame in reversed(statement.frames)]
    return replace(told, span=statement.span, related=(*parties, *frames))


def _statement(draft: Draft, queue: int, word: int) -> Statement | None:
    """The statement that a word of a queue, by its number, comes from."""
    if queue < 0:
        return None
    name = draft.target.queues[queue].name
    if name in draft.written:
        return draft.written[name].rows[word].statement
    for filled in draft.filled:
        if filled.queue.number == queue:
            return filled.rows[int(filled.row[word])].statement
    return None
