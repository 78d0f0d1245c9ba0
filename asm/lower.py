"""The passes that lower one level of the language each. What only some sources need is imported for those."""

from __future__ import annotations

from lpuasm.asm import queues as level_a
from lpuasm.asm import schedule as level_b
from lpuasm.asm.draft import Draft
from lpuasm.asm.merge import columns, merge
from lpuasm.asm.rows import Row, in_order
from lpuasm.asm.syntax import Flow, QueueSection, UnitSection
from lpuasm.isa.errors import Related
from lpuasm.isa.timeline import expand


def tensors(draft: Draft) -> None:
    """Declarations to tensors with a place."""
    if not draft.source.tensors:
        return
    from lpuasm.asm import tensors as declared

    draft.tensors = declared.tensors(draft.source.tensors, draft.target, draft.files, draft.problems)


def words(draft: Draft) -> None:
    """``.queue`` sections to words."""
    sections = [s for s in draft.source.sections if isinstance(s, QueueSection)]
    images = level_a.images(sections, draft.site, draft.problems)
    draft.images = {name: image for name, image in images.items() if image.items}
    draft.written = {name: columns(image.items) for name, image in draft.images.items()}


def schedule(draft: Draft) -> None:
    """``.unit`` sections to rows."""
    sections = [s for s in draft.source.sections if isinstance(s, UnitSection)]
    rows, draft.runs = level_b.rows(sections, draft.site, draft.problems)
    draft.rows += rows


def flows(draft: Draft) -> None:
    """Flows to rows."""
    if any(isinstance(section, Flow) for section in draft.source.sections):
        from lpuasm.asm.placing import flows as place

        place(draft)


def queues(draft: Draft) -> None:
    """Rows to words; a queue is written as words or as rows, not as both."""
    for item in in_order(draft.rows, draft.runs):
        image = draft.images.get(item.queue.name)
        if image is None:
            continue
        for row in (item,) if isinstance(item, Row) else item.rows():
            message = f"the words of {row.queue.name} are written in a .queue section; this would be one more"
            related = (Related("the section", image.span),)
            draft.problems.add(
                row.statement.error("LPU0419", message, related=related, help="write the whole queue in one way")
            )
    draft.filled = merge(draft.rows, draft.target, draft.problems, _notified(draft), draft.runs)


def _notified(draft: Draft) -> list[int]:
    """The cycles in which notifications of `.queue` sections arrive."""
    images = {name: words.words for name, words in draft.written.items()}
    signals = {
        definition.opcode: latency
        for name, latency in (
            ("notify", draft.target.barrier.latency),
            ("transmit", draft.target.c2c.latency + draft.target.barrier.latency),
        )
        for definition in draft.site.table.named(name)
    }
    if not images or not (draft.rows or draft.runs):
        return []
    timeline = expand(draft.target, images)
    return [
        int(start) + signals[int(opcode)]
        for opcode, start in zip(timeline.opcode, timeline.start, strict=True)
        if int(opcode) in signals
    ]
